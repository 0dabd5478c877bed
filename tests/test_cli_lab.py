"""`scarpwatch lab`: what it starts, and what it says where it cannot."""

import importlib.util
import os
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from monitor.cli import labbing
from monitor.cli.parts import Parts
from monitor.cli.run import run
from monitor.lab.uploads import MOST_UPLOAD_MB

UNUSED = Parts(build=lambda *_: pytest.fail("nothing is built"), demo=lambda *_: False, clock=lambda: pytest.fail("no"))


class Started(Exception):
    """Instead of another program in place of this one."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The command line of what would be started, in an empty folder."""
    command: list[str] = []

    def instead(_program: str, arguments: list[str]) -> None:
        command.extend(arguments)
        raise Started

    monkeypatch.setattr(os, "execv", instead)
    monkeypatch.delenv("SCARPWATCH_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return command


def _own(command: list[str]) -> list[str]:
    return command[command.index("--") + 1 :]


def test_it_listens_here_and_tells_nobody(started: list[str]) -> None:
    """On this machine only, without statistics for others, e-mail address or browser; uploads have an end."""
    with pytest.raises(Started):
        run(["lab"], UNUSED)
    for option in (
        "--server.address=127.0.0.1",
        "--server.port=8501",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        f"--server.maxUploadSize={MOST_UPLOAD_MB}",
    ):
        assert option in started
    assert Path(started[4]).name == "page.py"
    assert Path(started[4]).is_file()
    assert _own(started) == []


def test_it_takes_the_configuration_and_models_it_is_given(started: list[str], tmp_path: Path) -> None:
    """By absolute paths; a configuration that lies here is taken as any command takes it."""
    (tmp_path / "config.yaml").write_text("regions: {}\n")
    (tmp_path / "mine").mkdir()
    with pytest.raises(Started):
        run(["lab", "--models", "mine", "--host", "0.0.0.0", "--port", "8600"], UNUSED)
    assert {"--server.address=0.0.0.0", "--server.port=8600"} <= set(started)
    assert _own(started) == ["--config", str(tmp_path / "config.yaml"), "--models", str(tmp_path / "mine")]


def test_mistakes_are_told_before_anything_starts(
    started: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A configuration with mistakes, one that is not there, and a folder of models that is not there."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("regions: {atsuma: {geometry: 3}}\n")
    assert run(["lab", "--config", str(wrong)], UNUSED) == 2
    assert run(["lab", "--config", str(tmp_path / "absent.yaml")], UNUSED) == 2
    assert run(["lab", "--models", str(tmp_path / "absent")], UNUSED) == 2
    assert "there is no such folder" in capsys.readouterr().err
    assert started == []


def test_without_the_extra_it_says_how_to_get_it(
    started: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And its help answers all the same."""

    def found(name: str) -> ModuleSpec | None:
        return None if name in ("streamlit", "h5py") else importlib.util.find_spec(name)

    monkeypatch.setattr(labbing, "find_spec", found)
    assert run(["lab"], UNUSED) == 2
    said = capsys.readouterr().err
    assert "needs streamlit and h5py, which are not installed" in said
    assert "pip install 'scarpwatch[lab]'" in said
    assert run(["lab", "--help"], UNUSED) == 0
    assert "127.0.0.1" in capsys.readouterr().out
    assert started == []
