"""`scarpwatch run` whose clock a benchmark sets: `python -m benchmarks.watching CONFIG CLOCK`.

Apart from the rest, so that a process of it holds what the service holds and nothing else.
"""

import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.cli.parts import Parts, Progress
from monitor.cli.run import run

if TYPE_CHECKING:
    from rich.console import Console

    from monitor.config import Settings
    from monitor.daemon import Watch


def watch(config: Path, clock: Path) -> int:
    """The service until SIGTERM; returns its exit code.

    Args:
        clock: a file that says by how many seconds the time of the watch is ahead of the machine's.
    """

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(clock.read_text()))

    return run(["run", "--config", str(config)], Parts(build=_build, demo=_no_demo, clock=now))


def watch_in_child(config: str, clock: str, log: str, host: str) -> None:
    """The same for a forked process: its log goes to a file, and it believes to run on a host of this name."""
    for name in [one for one in os.environ if one.startswith("SCARPWATCH_")]:
        del os.environ[name]
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    socket.gethostname = lambda: host
    sys.exit(watch(Path(config), Path(clock)))


def _build(settings: "Settings", progress: Progress) -> "Watch":
    from monitor.wiring import build

    return build(settings, progress)


def _no_demo(folder: Path, seed: int, check: bool, console: "Console") -> bool:
    raise AssertionError("nothing here runs the demonstration")


if __name__ == "__main__":
    sys.exit(watch(Path(sys.argv[1]), Path(sys.argv[2])))
