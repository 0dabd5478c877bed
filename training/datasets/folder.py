"""Where the real data lie."""

from __future__ import annotations

import os
from pathlib import Path

from monitor.errors import ConfigError


def data_folder(given: Path | None = None) -> Path:
    """The folder of real data: the argument, else SCARPWATCH_DATA, else ../shared/data beside the project.

    Raises:
        ConfigError: it is not there.
    """
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = given or Path(os.environ.get("SCARPWATCH_DATA", str(beside)))
    if not folder.is_dir():
        raise ConfigError(
            "there is no such data folder", item=str(folder), remedy="Pass --data or set SCARPWATCH_DATA to the folder."
        )
    return folder
