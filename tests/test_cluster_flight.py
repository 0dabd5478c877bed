"""Blocks on their way to workers and back, by a client that is none: what befalls them, and that nothing goes on."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from distributed import Client, KilledWorker
from distributed.client import ClosedClientError

from monitor.block import Ground
from monitor.errors import ClusterUnavailable, Poisoned, StoreBusy
from monitor.executors import cluster as cluster_module
from monitor.executors import flight as flight_module
from monitor.executors.cluster import DaskExecutor
from monitor.executors.flight import Flight
from monitor.executors.orders import Cluster, Order, Recipe, Returned, new_key
from monitor.records import Sensor, Tile
from tests.adapters.store.factories import acquisition

ADDRESS = "tcp://127.0.0.1:9"
CLUSTER = Cluster(address=ADDRESS, wait=timedelta(seconds=0), timeout=timedelta(seconds=0))
KILLED = KilledWorker("look", SimpleNamespace(address="tcp://one"), allowed_failures=1)  # type: ignore[arg-type]
DONE = Returned(worker="tcp://one")


@dataclass
class Fate:
    """What becomes of a block, told at once: begun so often, then an answer or an error; None: nothing, ever."""

    ends: Returned | BaseException | None = DONE
    begun: int = 1
    key: str = ""
    released: bool = False

    @property
    def status(self) -> str:
        """A block that cannot be fetched is done all the same."""
        return "finished" if isinstance(self.ends, Returned | OSError) else "error"

    def add_done_callback(self, told: Callable[["Fate"], None]) -> None:
        """Now."""
        if self.ends is not None:
            told(self)

    def result(self, timeout: float) -> Returned:
        """Fetched."""
        assert timeout > 0
        if isinstance(self.ends, Returned):
            return self.ends
        assert self.ends is not None
        raise self.ends

    def exception(self, timeout: float) -> BaseException | None:
        """What it failed with."""
        assert timeout > 0
        assert isinstance(self.ends, BaseException)
        return self.ends

    def release(self) -> None:
        """Nobody wants it any more."""
        self.released = True


@dataclass
class Scheduler:
    """Gives each block that is sent the next fate; those after the last are done."""

    fates: list[Fate]
    sent: list[Fate] = field(default_factory=list)
    heard: Callable[[tuple[object, str]], None] | None = None

    def submit(self, *_: object, key: str, **__: object) -> Fate:
        """Send."""
        fate = self.fates.pop(0) if self.fates else Fate()
        fate.key = key
        self.sent.append(fate)
        assert self.heard is not None
        for _time in range(fate.begun):
            self.heard((0, key))
        return fate

    def subscribe_topic(self, _topic: str, handler: Callable[[tuple[object, str]], None]) -> None:
        """Who hears that blocks are begun."""
        self.heard = handler

    def unsubscribe_topic(self, _topic: str) -> None:
        """Nobody does."""
        self.heard = None


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flight_module, "_TICK_S", 0.005)
    monkeypatch.setattr(flight_module, "_HOLD_EVERY", timedelta(0))
    monkeypatch.setattr(cluster_module, "_ANSWER_S", 0.1)


def orders(count: int) -> list[Order]:
    """Of one tile each."""
    one = acquisition(1)
    recipe = Recipe(
        sensor=Sensor.OPTICAL, card=None, models=None, engine="cpu", threads=1, elevation=(), land_cover=(),
        signed=frozenset(), reaches=(),
    )  # fmt: skip
    ground = Ground(wkb=b"", flat_limit_deg=5.0)
    return [
        Order(key=new_key(one), recipe=recipe, recipe_key="", acquisition=one, ground=ground, tiles=(tile,))
        for tile in (Tile(epsg=32654, column=number, row=1) for number in range(count))
    ]


def fly(scheduler: Scheduler, count: int = 1, room: int = 1, cluster: Cluster = CLUSTER, **calls: object) -> list[bool]:
    """Which of so many blocks were begun again; what they fail with."""
    flight = Flight(cast(Client, scheduler), cluster, orders(count), lambda: room)
    called = {"hold": lambda: None, "stop": lambda: False} | calls
    with closing(flight.blocks(**called)) as coming:  # type: ignore[arg-type]
        return [again for _, again in coming]


def test_no_more_are_under_way_than_workers_can_look_at() -> None:
    """A new one is sent for each that comes back."""
    flight = Flight(cast(Client, scheduler := Scheduler([])), CLUSTER, orders(5), lambda: 2)
    flight._note_begun((0, "of another coordinator"))
    assert not flight._begun, "it is no sign that ours move"
    coming = flight.blocks(lambda: None, lambda: False)
    sent = [len(scheduler.sent) for _ in coming]
    assert sent == [3, 4, 5, 5, 5]


@pytest.mark.parametrize(
    ("fates", "sent", "reason"),
    [
        ([Fate(TimeoutError()), Fate(OSError("cut"))], 3, None),
        ([Fate(TimeoutError())] * 3, 3, "cluster-stalled"),
        ([Fate(KILLED, begun=2)], 1, "poisoned"),
        ([Fate(KILLED, begun=1)] * 2, 3, None),
        ([Fate(KILLED, begun=0)] * 3, 3, "workers-lost"),
        ([Fate(CancelledError())], 1, "no-scheduler"),
        ([Fate(None)], 1, "cluster-stalled"),
    ],
)
def test_what_befalls_a_block(fates: Sequence[Fate], sent: int, reason: str | None) -> None:
    """It is sent once more a bounded number of times, and only where it is not to blame."""
    scheduler = Scheduler([replace(one) for one in fates])
    if reason is None:
        assert fly(scheduler) == [False]
    else:
        with pytest.raises((ClusterUnavailable, Poisoned)) as caught:
            fly(scheduler)
        assert caught.value.reason == reason
    assert len(scheduler.sent) == sent
    assert scheduler.heard is None


def test_a_defect_is_raised_as_it_is() -> None:
    """And the others are given up."""
    scheduler = Scheduler([Fate(None), Fate(ValueError("a defect"))])
    with pytest.raises(ValueError, match="a defect"):
        fly(scheduler, count=2, room=2)
    assert [one.released for one in scheduler.sent] == [True, False]


def test_a_block_begun_by_two_workers_is_told() -> None:
    """The first one was lost."""
    assert fly(Scheduler([Fate(begun=2)]), count=2) == [True, False]


def test_nobody_waits_for_workers_when_the_end_is_asked_for() -> None:
    """However long they are waited for otherwise; nor where they do not come."""
    patient = replace(CLUSTER, wait=timedelta(hours=1))
    for cluster, stop in ((patient, True), (CLUSTER, False)):
        with pytest.raises(ClusterUnavailable) as caught:
            fly(Scheduler([]), room=0, cluster=cluster, stop=lambda: stop)  # noqa: B023 (called within the turn)
        assert caught.value.reason == "no-workers"


def test_the_lease_is_kept_while_nothing_comes_back() -> None:
    """Who lost it gives up what is under way."""
    scheduler, held = Scheduler([Fate(None)]), list[int]()

    def hold() -> None:
        held.append(1)
        if len(held) == 3:
            raise StoreBusy("lost", item="lease", remedy="None.", reason="lease-lost")

    with pytest.raises(StoreBusy):
        fly(scheduler, cluster=replace(CLUSTER, timeout=timedelta(hours=1)), hold=hold)
    assert scheduler.sent[0].released


def test_a_connection_that_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noticed when the next block is sent, too."""

    def closed(*_: object, **__: object) -> None:
        raise ClosedClientError

    monkeypatch.setattr(Scheduler, "submit", closed)
    with pytest.raises(ClusterUnavailable) as caught:
        fly(Scheduler([]))
    assert caught.value.reason == "no-scheduler"


def test_a_scheduler_that_is_not_there_costs_no_thread() -> None:
    """It may be away for weeks, and is asked every few minutes."""
    executor = DaskExecutor(CLUSTER, recipe=lambda _region, _sensor: orders(1)[0].recipe)
    before = threading.active_count()
    for _ in range(2):
        with pytest.raises(ClusterUnavailable):
            executor._connected()
    assert threading.active_count() == before
