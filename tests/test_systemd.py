"""What systemd hears of the service, and what its own tools say of the units."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.adapters.metrics import RegionNow
from monitor.systemd import Systemd
from tests.fake_watch import NOW, write_config
from tests.test_daemon import process

PATIENCE_S = 120.0
UNITS = Path(__file__).resolve().parent.parent / "deploy" / "systemd"
MOST_EXPOSED = 2.0


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket of systemd, at `notify` in the folder of the test."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
        found.bind(str(tmp_path / "notify"))
        found.settimeout(PATIENCE_S)
        yield found


def environ(tmp_path: Path, period_us: int = 0) -> dict[str, str]:
    """What systemd tells a unit; without a watchdog there is no period."""
    period = {"WATCHDOG_USEC": str(period_us)} if period_us else {}
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), **period}


def test_it_hears_for_as_long_as_all_goes_on(tmp_path: Path, listening: socket.socket) -> None:
    """Who falls silent is restarted by it; without a watchdog nothing is said."""
    alive = threading.Event()
    with Systemd(environ(tmp_path)).watched(lambda: True):
        pass
    with Systemd(environ(tmp_path, 20_000)).watched(alive.is_set):
        pass
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.recv(100)
    listening.settimeout(PATIENCE_S)
    alive.set()
    with Systemd(environ(tmp_path, 20_000)).watched(alive.is_set):
        assert [listening.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3


def test_the_line_of_its_status_is_of_the_watched_regions(tmp_path: Path, listening: socket.socket) -> None:
    """What waits, is parked, and is open as an alert, of all of them together."""
    valley = RegionNow(ledger={"discovered": 3, "done": 40, "parked": 0}, alerts={"confirmed": 1}, passes={})
    ridge = RegionNow(ledger={"discovered": 0, "parked": 2}, alerts={"confirmed": 0, "provisional": 4}, passes={})
    Systemd(environ(tmp_path)).stands((valley, ridge), NOW)
    told = "3 acquisition(s) wait, 2 parked; 5 alert(s) open (as of 2026-01-20 00:00 UTC)"
    assert listening.recv(200).decode() == f"STATUS={told}"


def test_nobody_who_listens_is_no_trouble(tmp_path: Path) -> None:
    """Outside systemd, and while it is started anew."""
    for silent in (Systemd({}), Systemd(environ(tmp_path))):
        silent.ready()
        silent.stopping()


def test_it_hears_the_service_from_its_start_to_its_end(
    tmp_path: Path, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ready once the port answers and the jobs run, a sign of life, how it stands, and that it ends."""
    for name in [one for one in os.environ if one.startswith("SCARPWATCH_")]:
        monkeypatch.delenv(name)
    heard: list[str] = []  # in any order: the jobs begin before it is ready

    def hear(wanted: str) -> None:
        while not any(one.startswith(wanted) for one in heard):
            heard.extend(listening.recv(500).decode().splitlines())

    with process(write_config(tmp_path), **environ(tmp_path, 400_000)) as (running, _wait_for):
        for wanted in ("READY=1", "WATCHDOG=1", "STATUS=0 acquisition(s) wait, 0 parked; 2 alert(s) open"):
            hear(wanted)
        running.send_signal(signal.SIGTERM)
        hear("STOPPING=1")
        assert running.wait(PATIENCE_S) == 0


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as they are installed, with a program that is there."""
    if shutil.which("systemd-analyze") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("systemd-analyze is required in CI")
        pytest.skip("systemd-analyze is not installed")
    found = tmp_path / "units"
    shutil.copytree(UNITS, found, symlinks=True)
    for path in found.glob("*.service"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("/opt/scarpwatch/.venv/bin/scarpwatch", "/bin/true"), encoding="utf-8")
    return found


def analyze(units: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of `systemd-analyze`, which reads our units before those of this machine."""
    environ = {**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"}
    ended = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, env=environ, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def test_systemd_understands_every_unit(units: Path) -> None:
    """It exits with 0 also on keys it does not know: what it says counts, as it would of one in the shared part."""
    paths = sorted(str(path) for path in units.iterdir() if path.suffix in {".service", ".timer"})
    assert len(paths) == 5
    assert analyze(units, "verify", *paths) == (0, "", "")
    with (units / "scarpwatch-.service.d" / "shared.conf").open("a", encoding="utf-8") as shared:
        shared.write("ProtectEverything=yes\n")
    for name in ("scarpwatch.service", "scarpwatch-once.service"):
        assert "ProtectEverything" in analyze(units, "verify", str(units / name))[2]


@pytest.mark.parametrize("name", ["scarpwatch", "scarpwatch-once", "scarpwatch-backup"])
def test_little_is_exposed(units: Path, name: str) -> None:
    """By the count of systemd, and no more than the guide says."""
    _, told, complaints = analyze(units, "security", "--offline=true", "--no-pager", str(units / f"{name}.service"))
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", told)
    assert found is not None, complaints
    guide = (UNITS.parent.parent / "docs" / "operate.md").read_text(encoding="utf-8")
    assert float(found.group(1)) <= MOST_EXPOSED
    assert f"`systemd-analyze security` it gets {found.group(1)}" in guide
