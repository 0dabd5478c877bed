"""`make install` on a slow network says that it is at work, and ends as the installation does."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def install(venv: Path, add: str) -> subprocess.CompletedProcess[str]:
    """What `make install` says and how it ends, with something else in place of pip."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    made = f"mkdir -p {venv}/bin && touch {venv}/bin/python"
    command = ["make", "install", f"VENV={venv}", f"MAKE_VENV={made}", f"ADD={add}", "EVERY_S=0.4"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_an_installation_that_takes_long_gives_signs_of_life(tmp_path: Path) -> None:
    """And what gives them is gone when it is done: nothing holds its output open."""
    done = install(tmp_path / "venv", "sleep 1.5; :")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "Installing the service" in "".join(lines)
    assert sum("still at it" in line for line in lines) in (2, 3)
    assert (tmp_path / "venv" / ".service").exists()


def test_an_installation_that_fails_fails_at_once(tmp_path: Path) -> None:
    """The sign of life hides nothing."""
    failed = install(tmp_path / "venv", "false")
    assert failed.returncode != 0
    assert "still at it" not in failed.stdout
    assert not (tmp_path / "venv" / ".service").exists()
