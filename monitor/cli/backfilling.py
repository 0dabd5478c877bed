"""`scarpwatch backfill`: look at what was before the watch began."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from monitor.cli.exits import Exit
from monitor.cli.parts import (
    ConfigOption,
    Parts,
    chosen_regions,
    no_progress,
    prepare_database,
    reading_store,
    say,
    service_log,
    working_settings,
)
from monitor.core.estimates import about, told
from monitor.records import AcquisitionState

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from monitor.adapters.store import SqlStore
    from monitor.config import Settings
    from monitor.daemon import Watch
    from monitor.searching import Found
    from monitor.service import PassEvent

_DAY = timedelta(days=1)
_UNFINISHED = (AcquisitionState.DISCOVERED, AcquisitionState.CLAIMED)
_ENDS = frozenset({"done", "parked"})

RegionArgument = Annotated[str, typer.Argument(metavar="REGION", help="A region of the configuration.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is to be looked at."""

    region: str
    start: datetime
    last: datetime
    """The last day."""
    end: datetime
    """Of that day, or now."""

    def __str__(self) -> str:
        return f"{self.region}, {self.start:%Y-%m-%d} to {self.last:%Y-%m-%d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """How far the history of a region is looked at."""

    done: int
    waiting: int
    seconds_left: float | None
    """None: not known."""

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f", {about(self.seconds_left)} left"
        return f"history: {self.done} of {self.done + self.waiting} acquisitions looked at{left}"


def past_of(store: "SqlStore", region: str) -> Past:
    """How far the history of a region is looked at."""
    done, waiting = store.history_left(region)
    pace = store.pace(region)
    return Past(done=done, waiting=waiting, seconds_left=None if pace is None else pace * waiting)


def backfill(
    context: typer.Context,
    region: RegionArgument,
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, UTC.")],
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, UTC; default: today.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what there is to do; write nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    """Look at past acquisitions of a region, in order of time. What is history raises no alert.

    Start it again to go on where it was stopped; what is done is not done twice.
    """
    parts = context.ensure_object(Parts)
    settings = working_settings(config, dict(os.environ))
    chosen_regions(settings, region)
    now = parts.clock()
    wanted = _wanted(region, start, end, now)
    prepare_database(settings, now)
    log = service_log(settings)
    with stopping() as stop, closing(parts.build(settings, no_progress)) as service:
        found = service.look_up(wanted.region, wanted.start, wanted.end, now, stop.is_set)
        _tell_found(wanted, found)
        say("\n".join(told(service.estimate(wanted.region, found))))
        failed = any(part.failures for part in found)
        if dry_run:
            raise typer.Exit(Exit.FAILED if failed else Exit.OK)
        if not stop.is_set():
            service.enter(wanted.region, found, now)
            failed |= _work(log, settings, wanted, service, parts, stop)
    if stop.is_set():
        raise typer.Exit(Exit.INTERRUPTED)
    raise typer.Exit(Exit.FAILED if failed else Exit.OK)


def _wanted(region: str, first: datetime, last: datetime | None, now: datetime) -> _Wanted:
    """What the dates say.

    Raises:
        typer.BadParameter: they are in the wrong order, or nobody can have seen them yet.
    """
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = first.replace(tzinfo=UTC), today if last is None else last.replace(tzinfo=UTC)
    for option, day in (("--from", start), ("--to", end)):
        if day > today:
            raise typer.BadParameter(f"{day:%Y-%m-%d} lies in the future", param_hint=option)
    if start > end:
        raise typer.BadParameter(f"{start:%Y-%m-%d} is after {end:%Y-%m-%d}", param_hint="--from")
    return _Wanted(region=region, start=start, last=end, end=min(end + _DAY, now))


def _tell_found(wanted: _Wanted, found: "Sequence[Found]") -> None:
    count = sum(len(part.acquisitions) for part in found if not part.failures)
    say(f"{wanted}: {count} acquisition(s) in the catalogs")
    for part in found:
        for failure in part.failures:
            say(f"! {failure}")
            say(f"! What was sensed from {part.start:%Y-%m-%d} on was not asked for: start it again to go on.")


def _work(
    log: "FilteringBoundLogger",
    settings: "Settings",
    wanted: _Wanted,
    service: "Watch",
    parts: Parts,
    stop: threading.Event,
) -> bool:
    """Process what waits of the wanted time; whether something failed or still waits."""
    from monitor.log_lines import log_event

    with reading_store(settings) as store:

        def states() -> dict[AcquisitionState, int]:
            return store.states(wanted.region, wanted.start, wanted.end)

        def waiting() -> int:
            return sum(states().get(state, 0) for state in _UNFINISHED)

        with _bar(str(wanted), waiting()) as advance:

            def report(event: "PassEvent") -> None:
                log_event(log, event)
                if event.action in _ENDS:
                    advance()

            summary = service.process(parts.clock, lambda: stop.is_set() or not waiting(), report, only=wanted.region)
        counts, left = states(), waiting()
    say(
        f"{wanted}: {summary.processed} processed, {counts.get(AcquisitionState.DONE, 0)} done in all, "
        f"{counts.get(AcquisitionState.PARKED, 0)} parked, {left} to be done."
    )
    if left and not stop.is_set():
        say("They are in backoff, or another process has the region: it goes on with them, or start this again.")
    for error in summary.errors:
        say(f"! {error}")
    return bool(left or summary.errors or summary.parked)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets: what is at hand is finished. The second ends the process."""
    stop = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        sys.stderr.write("finishing the acquisition at hand; once more ends at once\n")
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar with the time that remains, on a terminal; the log lines tell elsewhere."""
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
