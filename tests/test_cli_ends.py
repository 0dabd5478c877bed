"""How a command ends that did not come to its end."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from monitor.cli.run import run
from tests.fake_watch import parts


def test_ctrl_c_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """130 and one line that says how to go on, no traceback."""

    def interrupted(folder: Path, seed: int, check: bool, console: Console) -> bool:
        raise KeyboardInterrupt

    code = run(("demo", "--folder", str(tmp_path)), replace(parts(), demo=interrupted))
    error = capsys.readouterr().err
    assert code == 130
    assert "interrupted: nothing is lost, start it again to go on" in error
    assert "Traceback" not in error
