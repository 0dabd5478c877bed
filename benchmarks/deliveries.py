"""Kill the delivery at random against a real receiver: what arrives, what is missing, what comes twice.

The receiver is a process of its own that verifies every signature and writes down what arrives before it answers. The
delivery is `scarpwatch deliver` in a process of its own, killed by SIGKILL at random and started again.
"""

import multiprocessing
import os
import random
import signal
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

from rich.console import Console
from shapely import box

from benchmarks.receiving import SECRET, count_arrivals, receiver
from monitor.adapters.store import SqlStore
from monitor.cli.parts import Parts, Progress, prepare_database
from monitor.cli.run import run as run_command
from monitor.config import Settings, load
from monitor.daemon import Watch
from monitor.delivery_wiring import build_delivery
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    AlertStatus,
    DeliveryState,
    Detector,
    Event,
    EventState,
    Sensor,
    Transition,
)

_IMPORTED = build_delivery
"""What a process of the delivery needs is imported once, before any is started: it shall die in its work."""
_CONTEXT = multiprocessing.get_context("forkserver")
_CHANNEL = "duty"
_ARRIVALS = "arrivals.jsonl"
_LONGEST_LIFE_S = 0.2
"""Of a process that is killed, after its first message arrived."""
_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What arrived."""

    revisions: int
    kills: int
    arrived: int
    """Different messages."""
    missing: int
    after_noted: int
    """Arrivals after the acknowledgement of the same message was noted."""
    before_noted: int
    """Arrivals of a message that had arrived, while no acknowledgement of it was noted."""
    seed: int
    seconds: float

    def __str__(self) -> str:
        """For a terminal."""
        return (
            f"revisions {self.revisions}, kills {self.kills}, arrived {self.arrived}, missing {self.missing}\n"
            f"duplicates after the acknowledgement was noted {self.after_noted}, before it {self.before_noted}\n"
            f"{self.seconds:.0f} s, seed {self.seed}"
        )


def run(folder: Path, kills: int, seed: int) -> Result:
    """Deliver with so many kills, then to the end.

    Args:
        folder: for the database, the log of the receiver and the configuration; empty.
        kills: how often the delivery is killed.
        seed: of when it is killed.
    """
    start, chance = time.monotonic(), random.Random(seed)
    _CONTEXT.set_forkserver_preload(["benchmarks.deliveries"])
    with receiver(folder / _ARRIVALS) as url:
        config = _configure(folder, url)
        prepare_database(load(config), _now())
        revisions = _fill(folder, events=max(10, 8 * kills))
        done = sum(_killed(config, folder / _ARRIVALS, chance.uniform(0, _LONGEST_LIFE_S)) for _ in range(kills))
        while _due(folder):
            _deliver(config).join(_PATIENCE_S)
    return _result(folder, revisions=revisions, kills=done, seed=seed, seconds=time.monotonic() - start)


def _killed(config: Path, arrivals: Path, life_s: float) -> bool:
    """Start the delivery and kill it so long after a message of its own arrived; False when it had ended by itself."""
    before = _size(arrivals)
    process = _deliver(config)
    while process.is_alive() and _size(arrivals) == before:
        time.sleep(0.001)
    time.sleep(life_s)
    process.kill()
    process.join(_PATIENCE_S)
    return process.exitcode == -signal.SIGKILL


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _deliver(config: Path) -> BaseProcess:
    process = _CONTEXT.Process(target=_delivery_process, args=(str(config),))
    process.start()
    return process


def _delivery_process(config: str) -> None:
    """`scarpwatch deliver`, quietly."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.exit(run_command(["deliver", "--config", config], Parts(build=_no_service, demo=_no_demo, clock=_now)))


def _no_demo(folder: Path, seed: int, check: bool, console: Console) -> bool:
    raise AssertionError("nothing here runs the demonstration")


def _no_service(settings: Settings, progress: Progress) -> Watch:
    """Delivery needs no service."""
    raise AssertionError("nothing here polls or processes")


def _now() -> datetime:
    return datetime.now(UTC)


def _configure(folder: Path, url: str) -> Path:
    path = folder / "config.yaml"
    channel = f"{{type: webhook, url: '{url}', secret: {SECRET}, allow_private: true, statuses: [test]}}"
    path.write_text(f"database: sqlite:///watch.db\nchannels: {{{_CHANNEL}: {channel}}}\n", encoding="utf-8")
    return path


def _due(folder: Path) -> bool:
    with closing(SqlStore(f"sqlite:///{folder}/watch.db")) as store:
        return bool(store.unplanned() or store.deliveries(state=DeliveryState.DUE, limit=1))


def _result(folder: Path, *, revisions: int, kills: int, seed: int, seconds: float) -> Result:
    with closing(SqlStore(f"sqlite:///{folder}/watch.db")) as store:
        rows = store.deliveries(state=DeliveryState.DELIVERED, limit=10 * revisions)
    arrivals = count_arrivals(folder / _ARRIVALS, rows)
    return Result(
        revisions=revisions,
        kills=kills,
        arrived=arrivals.arrived,
        missing=revisions - arrivals.arrived,
        after_noted=arrivals.after_noted,
        before_noted=arrivals.before_noted,
        seed=seed,
        seconds=seconds,
    )


def _fill(folder: Path, events: int) -> int:
    """Write so many events of two revisions each; how many revisions that is."""
    now = _now()
    found = tuple(_event(number, now) for number in range(events))
    acquisition = Acquisition(
        region="valley",
        key="S2A-0",
        version="v1",
        sensing_time=now,
        sensor=Sensor.OPTICAL,
        platform="S2A",
        relative_orbit=1,
        items=(),
    )
    with closing(SqlStore(f"sqlite:///{folder}/watch.db")) as store:
        store.discover("valley", [acquisition], [], now)
        store.claim("benchmark", timedelta(hours=1), now, ["valley"])
        result = AcquisitionResult(reason="compared", detail="made up", events=found)
        store.complete(acquisition, "benchmark", result, now)
        return len(store.outbox(10 * events))


def _event(number: int, now: datetime) -> Event:
    steps = tuple(
        Transition(at=now, previous=before, state=state, reason="made-up", detail="", acquisition_id="S2A-0_v1")
        for before, state in ((None, EventState.PROVISIONAL), (EventState.PROVISIONAL, EventState.CONFIRMED))
    )
    west = 10 + 0.001 * number
    return Event(
        id=f"valley-{number:05d}",
        region="valley",
        state=EventState.CONFIRMED,
        status=AlertStatus.TEST,
        detector=Detector.BASELINE,
        geometry=box(west, 45, west + 0.0005, 45.0005),
        area_ha=0.5,
        mean_change=0.4,
        strength=0.2,
        spread=0.0,
        slope_deg=30.0,
        confidence="medium",
        confidence_reason="made up",
        window_start=now,
        window_end=now,
        model_version="1",
        tiles=(),
        transitions=steps,
    )
