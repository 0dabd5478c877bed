"""Two simulated years at full speed through one daemon: memory, descriptors and threads, week by week.

The daemon is `scarpwatch run` in a process of its own, with a clock that follows the scenes, so that all that depends
on time (look-backs, calendars, events that end) comes about as in life. What hangs on hours that pass and not on
scenes (a scrape, the count of the minute) is met far less often than in two years.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from benchmarks import machine
from benchmarks.play import Play, Shown, Wanted, make_model, make_valley, play_alone, rest
from benchmarks.receiving import receiver
from monitor.adapters.store import SqlStore
from tests.postgres import running_server

_ROOT = Path(__file__).resolve().parent.parent
WEEK = timedelta(days=7)
MONTH = timedelta(days=30)
ALLOWED = 1.1
"""Memory at the end against that after the first month."""
_WEEKS = 4
"""Of samples that make up a median."""
LOOKBACK_DAYS = 45
_CLOSING_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One process at rest, at the end of a simulated week."""

    day: float
    """Since the first scene."""
    scenes: int
    """Listed so far."""
    seconds: float
    """Since the daemon was started."""
    cpu_s: float
    rss_mib: float
    pss_mib: float
    anonymous_mib: float
    """Of the resident memory what no file backs: heap, stacks, arenas."""
    descriptors: int
    threads: int
    database_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """One run."""

    database: str
    """sqlite or postgresql."""
    model: str
    scenes: int
    acquisitions: int
    alerts: int
    messages: int
    started: str
    machine: str
    samples: tuple[Sample, ...]

    @property
    def month(self) -> tuple[Sample, ...]:
        """Four weeks after the first month."""
        return tuple(one for one in self.samples if one.day >= MONTH.days)[:_WEEKS]

    @property
    def end(self) -> tuple[Sample, ...]:
        """The last four weeks."""
        return self.samples[-_WEEKS:]

    @property
    def growth(self) -> float:
        """Resident memory at the end against that after the first month: medians of four weeks."""
        return median(one.rss_mib for one in self.end) / median(one.rss_mib for one in self.month)

    @property
    def passed(self) -> bool:
        """Neither memory nor descriptors grow."""
        half = self.samples[-1].day / 2
        before = max(one.descriptors for one in self.samples if one.day <= half)
        return self.growth <= ALLOWED and max(one.descriptors for one in self.end) <= before


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done."""

    folder: Path
    """Of the valley, which is kept, and of the run, which must not be there."""
    years: float
    postgres: bool
    model: Path | None
    """Model folder; None: one convolution."""


def run(task: Task, progress: Callable[[str], None]) -> Soak:
    """Simulate the valley if need be, and play it; the result is left in the folder of the run.

    Raises:
        RuntimeError: the daemon ended, ended badly, or stood still, or PostgreSQL is not there.
    """
    valley, model = make_valley(task.folder, years=task.years), task.model or make_model(task.folder)
    play = Play(task.folder / f"soak-{'postgresql' if task.postgres else 'sqlite'}", valley)
    with ExitStack() as stack:
        receiving = stack.enter_context(receiver(play.folder / "arrivals.jsonl", any_time=True))
        if task.postgres:
            database = stack.enter_context(running_server()).create_database()
        else:
            database = f"sqlite:///{play.folder}/watch.db"
        wanted = Wanted(database=database, receiver=receiving, model=model.absolute(), lookback_days=LOOKBACK_DAYS)
        return play_through(play, wanted, progress)


def play_through(play: Play, wanted: Wanted, progress: Callable[[str], None]) -> Soak:
    """Play all of it through one daemon.

    Raises:
        RuntimeError: the daemon ended, ended badly, or stood still.
    """
    described = machine.describe()
    config = play.configure(wanted)
    with closing(SqlStore(wanted.database)) as store:
        store.upgrade()
        began = time.monotonic()
        with (play.folder / "daemon.log").open("ab") as log:
            command = [sys.executable, "-m", "benchmarks.watching", str(config), str(play.clock)]
            daemon = subprocess.Popen(command, cwd=_ROOT, env=_environment(), stdout=log, stderr=log)
        try:
            samples = _played(play, store, daemon, wanted.database, progress)
            daemon.send_signal(signal.SIGTERM)
            if daemon.wait(_CLOSING_S):
                raise RuntimeError(f"the daemon ended with {daemon.returncode}: see {log.name}")
        finally:
            daemon.kill()
        progress(f"played in {time.monotonic() - began:.0f} s")
        one = Soak(
            database=wanted.database.partition(":")[0].partition("+")[0],
            model=wanted.model.name,
            scenes=len(play.scenes),
            acquisitions=sum(one.count for one in store.counts()),
            alerts=len(store.events()),
            messages=len(store.outbox(1_000_000)),
            started=datetime.now().astimezone().isoformat(timespec="minutes"),
            machine=described,
            samples=tuple(samples),
        )
    save(one, play.folder / "soak.json")
    return one


def _played(
    play: Play, store: SqlStore, daemon: "subprocess.Popen[bytes]", database: str, progress: Callable[[str], None]
) -> list[Sample]:
    samples: list[Sample] = []
    began, first = time.monotonic(), play.scenes[0].sensed
    seen = 0

    def take(sensed: datetime) -> None:
        samples.append(
            Sample(
                day=(sensed - first) / timedelta(days=1),
                scenes=seen,
                seconds=time.monotonic() - began,
                database_mib=_size_mib(database),
                **used(daemon.pid),
            )
        )
        one = samples[-1]
        (play.folder / "samples.json").write_text(json.dumps([asdict(each) for each in samples]), encoding="utf-8")
        progress(f"day {one.day:.0f}: {one.rss_mib:.0f} MiB, {one.descriptors} descriptors, {one.threads} threads")

    def alive() -> None:
        if daemon.poll() is not None:
            raise RuntimeError(f"the daemon ended with {daemon.returncode}")

    def shown(scene: Shown) -> None:
        nonlocal seen
        seen += 1
        if scene.sensed - first >= len(samples) * WEEK:
            rest(store, alive)
            take(scene.sensed)

    play_alone(play, store, shown, alive)
    rest(store, alive)
    take(play.scenes[-1].sensed)
    return samples


def used(pid: int) -> dict[str, Any]:
    """What a process holds now (Linux), by the names of `Sample`."""
    proc = Path("/proc") / str(pid)
    rollup = {
        name: float(value.split()[0]) / 1024
        for name, _, value in (line.partition(":") for line in (proc / "smaps_rollup").read_text().splitlines()[1:])
    }
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    return {
        "rss_mib": rollup["Rss"],
        "pss_mib": rollup["Pss"],
        "anonymous_mib": rollup["Anonymous"],
        "descriptors": len(os.listdir(proc / "fd")),
        "threads": len(os.listdir(proc / "task")),
        "cpu_s": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
    }


def _size_mib(database: str) -> float:
    if database.startswith("sqlite"):
        path = Path(database.removeprefix("sqlite:///"))
        return sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*")) / 2**20
    with psycopg.connect(database) as plain:
        (size,) = plain.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    return float(size) / 2**20


def _environment() -> dict[str, str]:
    """Nothing of ours may configure the daemon."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SCARPWATCH_")}


def save(one: Soak, path: Path) -> None:
    """Write a run as JSON."""
    path.write_text(json.dumps(asdict(one), indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> Soak:
    """A run that was saved."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return Soak(**found | {"samples": tuple(Sample(**one) for one in found["samples"])})


def report(runs: Sequence[Soak]) -> str:
    """A table, Markdown."""
    lines = [
        "| | " + " | ".join(f"{one.database}, {one.model}" for one in runs) + " |",
        "| --- |" + " --- |" * len(runs),
    ]
    rows: list[tuple[str, Callable[[Soak], str]]] = [
        ("scenes, acquisitions of both regions", lambda one: f"{one.scenes}, {one.acquisitions}"),
        ("days, events, messages", lambda one: f"{one.samples[-1].day:.0f}, {one.alerts}, {one.messages}"),
        ("resident, MiB, after the first month", lambda one: _median(one.month, "rss_mib")),
        ("at the end", lambda one: _median(one.end, "rss_mib")),
        ("most", lambda one: f"{max(each.rss_mib for each in one.samples):.0f}"),
        ("**end against first month** (at most 1.1)", lambda one: f"**{one.growth:.2f}**"),
        ("of no file, MiB, after the first month", lambda one: _median(one.month, "anonymous_mib")),
        ("at the end", lambda one: _median(one.end, "anonymous_mib")),
        ("descriptors after the first month, at the end", lambda one: _both(one, "descriptors")),
        ("threads after the first month, at the end", lambda one: _both(one, "threads")),
        ("database, MiB, at the end", lambda one: f"{one.samples[-1].database_mib:.1f}"),
        ("CPU s, wall s", lambda one: f"{one.samples[-1].cpu_s:.0f}, {one.samples[-1].seconds:.0f}"),
    ]
    lines += [f"| {name} | " + " | ".join(tell(one) for one in runs) + " |" for name, tell in rows]
    return "\n".join([*lines, "", *(f"- {one.database}: {one.started}; {one.machine}" for one in runs)])


def _median(samples: Sequence[Sample], name: str) -> str:
    return f"{median(getattr(one, name) for one in samples):.0f}"


def _both(one: Soak, name: str) -> str:
    return f"{_median(one.month, name)}, {_median(one.end, name)}"
