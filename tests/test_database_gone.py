"""PostgreSQL is gone for five minutes, at every stage: nothing is lost, nothing comes twice, work goes on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest
from shapely import box

from monitor.adapters.store import SqlStore, dump
from monitor.config import Settings
from monitor.delivering import Courier, CourierSettings
from monitor.errors import StoreBusy
from monitor.pipeline import Outcome, Pipeline
from monitor.records import (
    Acquisition,
    AcquisitionState,
    AlertStatus,
    Channel,
    DeliveryState,
    Message,
    Region,
    SensorPolicy,
)
from monitor.service import Clock, Service, ServiceSettings, Watched
from monitor.survey import Surveyed
from tests.adapters.store.factories import LEASE, NOW, acquisition, event, observation, result
from tests.line import Line, line_to
from tests.postgres import postgres_server, postgres_url
from tests.test_daemon import settings
from tests.test_measuring import Watched as Measured
from tests.test_searching import Listed, item

__all__ = ["postgres_server", "postgres_url", "settings"]

FIVE_MINUTES = timedelta(minutes=5)
ME = "me@1:1:1"
REGION = Region(
    id="atsuma", geometry=box(141.9, 42.7, 141.95, 42.75), catalogs=("local",), sensor_policy=SensorPolicy.OPTICAL_ONLY
)


@pytest.fixture
def line(postgres_url: str) -> Iterator[tuple[str, Line]]:
    """A database with its tables, behind a line that can be cut."""
    with closing(SqlStore(postgres_url)) as store:
        store.upgrade()
    with line_to(postgres_url) as through:
        yield through


@dataclass(slots=True)
class Steps:
    """A pipeline that looks at nothing, holds its lease and writes one event; before each step it is interrupted."""

    store: SqlStore
    before: Callable[[str], None]

    def survey(
        self, acquisition: Acquisition, region: Region, hold: Callable[[], None], stop: Callable[[], bool]
    ) -> Surveyed:
        """Nothing to look at."""
        hold()
        return cast("Surveyed", acquisition)

    def rests(self) -> bool:
        """Nobody else is needed."""
        return False

    def hold(self, acquisition: Acquisition, owner: str, clock: Clock) -> None:
        """Prolong the lease."""
        self.before("extend")
        assert self.store.extend(acquisition, owner, LEASE, clock())

    def judge(self, surveyed: Surveyed, owner: str, clock: Clock) -> Outcome:
        """Write."""
        one = cast("Acquisition", surveyed)
        self.store.looks_before(observation(one).tile, None, one.comparable, one.sensing_time, 3)
        self.before("complete")
        found = result(observations=(observation(one),), events=(event(one, f"E-{one.key}"),))
        written = self.store.complete(one, owner, found, clock())
        self.before("written")
        return Outcome(result=found, written=written, opened=1, seconds={}, tiles=1, complaint="")


def service(store: SqlStore, before: Callable[[str], None], catalog: Listed | None = None) -> Service:
    """The real service over these steps."""
    return Service(
        store=store,
        pipeline=cast("Pipeline", Steps(store, before)),
        watched=Watched(regions=(REGION,), catalogs={"local": catalog or Listed([])}),
        owner=ME,
        settings=ServiceSettings(lease=LEASE),
    )


@pytest.mark.parametrize("stage", ["claim", "extend", "complete", "written"])
def test_a_pass_goes_on(line: tuple[str, Line], stage: str) -> None:
    """The same process takes up at once what it held; to have been interrupted is no try."""
    url, cable = line
    gone: list[str] = []

    def cut_before(step: str) -> None:
        if step == stage and not gone:
            gone.append(step)
            cable.cut()

    with closing(SqlStore(url)) as store:
        watch = service(store, cut_before)
        store.discover("atsuma", [acquisition(1), acquisition(2)], [], NOW)
        cut_before("claim")
        with pytest.raises(StoreBusy):
            watch.process(lambda: NOW)
        cable.mend()
        watch.process(lambda: NOW + FIVE_MINUTES)
        assert [(one.state, one.attempts) for one in store.ledger()] == [(AcquisitionState.DONE, 1)] * 2
        written = dump(store)
    assert [len(written[name]) for name in ("observation", "event", "transition", "outbox")] == [2, 2, 2, 2]


def test_a_poll_comes_again(line: tuple[str, Line]) -> None:
    """What the catalogs answered while nobody could write it is asked for anew."""
    url, cable = line

    class CutWhileAsked(Listed):
        """Its answer finds the database gone."""

        def search(self, *about: object) -> object:  # type: ignore[override]
            cable.cut()
            return super().search(*about)  # type: ignore[arg-type]

    with closing(SqlStore(url)) as store:
        items = [item(NOW - timedelta(days=2))]
        with pytest.raises(StoreBusy):
            service(store, lambda _: None, CutWhileAsked(items)).poll(NOW)
        cable.mend()
        assert service(store, lambda _: None, Listed(items)).poll(NOW + FIVE_MINUTES) == (1, ())
        assert [one.answered for one in store.sources(["local"])] == [NOW + FIVE_MINUTES]


@pytest.mark.parametrize("when", ["before", "within"])
def test_what_is_measured_stays_and_is_measured_again(line: tuple[str, Line], settings: Settings, when: str) -> None:
    """Prometheus goes on to see what was known, not nothing; the next minute has all of it."""
    url, cable = line
    with closing(SqlStore(url)) as store:
        watched = Measured(settings, store)

        def waiting() -> float | None:
            labels = {"region": "valley", "state": "discovered"}
            return watched.registry.get_sample_value("scarpwatch_ledger_entries", labels)

        store.discover("valley", [acquisition(1, region="valley")], [], NOW)
        watched.measuring.everything(NOW, lambda: None)
        assert waiting() == 1
        store.discover("valley", [acquisition(2, region="valley")], [], NOW)
        if when == "before":
            cable.cut()
        with pytest.raises(StoreBusy):
            watched.measuring.everything(NOW + FIVE_MINUTES, cable.cut if when == "within" else watched.goes_on)
        assert waiting() == 1
        cable.mend()
        watched.measuring.minute(NOW + FIVE_MINUTES, watched.goes_on)
        assert waiting() == 2


@dataclass(slots=True)
class Inbox:
    """A receiver that acknowledges, and cuts the line while it does."""

    cable: Line
    got: list[str] = field(default_factory=list)

    def send(self, messages: Sequence[Message], now: object) -> str:
        """Keep, cut, acknowledge."""
        self.got += [one.idempotency_key for one in messages]
        if len(self.got) == 1:
            self.cable.cut()
        return "taken"


def test_a_message_is_not_sent_again(line: tuple[str, Line]) -> None:
    """An acknowledgement that could not be noted is noted when the database is back, before anything is sent."""
    url, cable = line
    channel, inbox, told = Channel(name="duty", statuses=frozenset(AlertStatus)), Inbox(cable), list[str]()
    with closing(SqlStore(url)) as store:
        store.begin_channels([channel], NOW)
        store.discover("atsuma", [acquisition(1), acquisition(2)], [], NOW)
        service(store, lambda _: None).process(lambda: NOW)
        store.plan_deliveries([channel], NOW)
        courier = Courier(
            channel=channel,
            outlet=inbox,
            store=store,
            owner=ME,
            draw=lambda: 0.5,
            settings=CourierSettings(note_tries=1),
        )
        for _ in range(2):
            with pytest.raises(StoreBusy):
                courier.deliver(lambda: NOW, lambda one: told.append(one.action))
        assert (len(inbox.got), told) == (1, [])
        cable.mend()
        # Later than its lease: nobody else is there to take it over.
        courier.deliver(lambda: NOW + 2 * FIVE_MINUTES, lambda one: told.append(one.action))
        assert len(inbox.got) == len(set(inbox.got)) == 2
        assert told == ["delivered"] * 2
        assert {one.state for one in store.deliveries()} == {DeliveryState.DELIVERED}
