"""`scarpwatch` and `python -m monitor`: hands the real parts to the command line."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.cli.parts import Parts, Progress, prepare_database
from monitor.cli.run import run

if TYPE_CHECKING:
    from rich.console import Console

    from monitor.config import Settings
    from monitor.daemon import Watch


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:], Parts(build=_build, demo=_demo, clock=_now)))


def _now() -> datetime:
    return datetime.now(UTC)


def _build(settings: "Settings", progress: Progress) -> "Watch":
    # Imported when it is needed: rasters and networks take seconds to import, and `--help` needs neither.
    from monitor.wiring import build

    return build(settings, progress)


def _demo(folder: Path, seed: int, check: bool, console: "Console") -> bool:
    from monitor.demo import Stage, run_demo
    from monitor.wiring import build

    return run_demo(Stage(build=build, prepare=prepare_database, clock=_now), folder, seed, check, console)


if __name__ == "__main__":
    main()
