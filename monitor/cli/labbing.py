"""The command about the lab page."""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.parts import ConfigOption, settings_of
from monitor.config import config_path
from monitor.errors import ConfigError

_NEEDED = ("streamlit", "h5py")
_PAGE = Path(__file__).resolve().parent.parent / "lab" / "page.py"


def lab(
    config: ConfigOption = None,
    models: Annotated[
        Path | None, typer.Option(help="Folder of models; else that of the configuration, else those that ship.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen. Whoever reaches it may use it: there is no login.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8501,
) -> None:
    """A page to try the models on one file or stored tile at a time, until Ctrl-C. Needs the extra `lab`."""
    absent = [name for name in _NEEDED if find_spec(name) is None]
    if absent:
        raise ConfigError(
            f"it needs {' and '.join(absent)}, which {'is' if len(absent) == 1 else 'are'} not installed",
            item="scarpwatch lab",
            remedy="pip install 'scarpwatch[lab]'",
        )
    if models is not None and not models.is_dir():
        raise ConfigError("there is no such folder", item=f"--models {models}", remedy="Name a folder of models.")
    from monitor.lab.uploads import MOST_UPLOAD_MB

    own = []
    path = config_path(config, dict(os.environ))
    if config is not None or "SCARPWATCH_CONFIG" in os.environ or path.is_file():
        settings_of(config, dict(os.environ))  # so that mistakes are told here and at once
        own += ["--config", str(path)]
    if models is not None:
        own += ["--models", str(models.absolute())]
    command = streamlit_command(host, port, MOST_UPLOAD_MB, own)
    os.execv(command[0], command)


def streamlit_command(host: str, port: int, upload_mb: int, own: Sequence[str]) -> list[str]:
    """The command line that runs the page: it tells nobody, asks nothing and watches no files."""
    options = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",  # else it asks for an e-mail address, and opens a browser
        "server.maxUploadSize": str(upload_mb),
        "server.fileWatcherType": "none",
        "server.enableXsrfProtection": "true",
        "server.enableCORS": "true",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "type",
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(_PAGE), *given, "--", *own]
