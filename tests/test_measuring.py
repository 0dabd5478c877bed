"""What Prometheus is told of the regions, also while nothing happens."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from monitor.adapters.looks import LookFiles
from monitor.adapters.metrics import Metrics
from monitor.adapters.slope_sights import SlopeSightFiles
from monitor.adapters.store import SqlStore
from monitor.config import Settings
from monitor.measuring import Measuring
from monitor.records import Sensor
from tests.fake_watch import FIRST, LEASE, NOW, FakeService, acquisition
from tests.test_daemon import settings

__all__ = ["settings"]

OPTICAL = {"region": "valley", "sensor": "optical"}
HOUR = timedelta(hours=1)


class Watched:
    """A measured watch, and what it shows."""

    def __init__(self, settings: Settings, store: SqlStore) -> None:
        self.store = store
        self.settings = settings
        self.registry = CollectorRegistry()
        self.went_on = 0
        self.measuring = Measuring(
            store=store,
            looks=LookFiles(settings.products),
            sights=SlopeSightFiles(settings.products),
            settings=settings,
            metrics=Metrics(self.registry),
        )

    def goes_on(self) -> None:
        """Counts."""
        self.went_on += 1

    def value(self, name: str, **labels: str) -> float | None:
        """Of one series."""
        return self.registry.get_sample_value(f"scarpwatch_{name}", OPTICAL | labels)

    def work(self, *numbers: int, now: datetime = NOW) -> None:
        """Find and process acquisitions."""
        self.store.discover("valley", [acquisition(number) for number in numbers], [], now)
        service = FakeService(self.settings, lambda: now)
        service.process(lambda: now)
        service.close()


@pytest.fixture
def watched(settings: Settings) -> Iterator[Watched]:
    """Two passes are done, five days apart."""
    store = SqlStore(settings.database)
    one = Watched(settings, store)
    one.work(0, 1)
    yield one
    store.close()


def at(day: float) -> datetime:
    """So many days after the first pass."""
    return FIRST + timedelta(days=day)


def test_a_silence_is_no_calm(watched: Watched) -> None:
    """Nothing is processed any more, and the numbers go on: what is due is missed, and nothing that ages vanishes."""
    measured: dict[float, list[float | None]] = {}
    names = ("scenes_expected", "scenes_seen", "scenes_usable", "passes_overdue")
    for day in (5, 12, 40, 300):
        watched.measuring.minute(at(day), watched.goes_on)
        measured[day] = [watched.value(name) for name in names]
        assert watched.value("newest_scene_timestamp_seconds") == at(5).timestamp()
        assert watched.value("newest_usable_look_timestamp_seconds") == at(5).timestamp()
        assert watched.registry.get_sample_value("scarpwatch_measured_timestamp_seconds") == at(day).timestamp()
    assert measured == {5: [2, 2, 2, 0], 12: [3, 2, 2, 1], 40: [5, 0, 0, 6], 300: [0, 0, 0, 0]}
    assert watched.value("next_pass_timestamp_seconds") == 0
    assert watched.value("newest_scene_timestamp_seconds", sensor="sar") == 0, "none ever"


def test_what_was_seen_shrinks_without_work(watched: Watched) -> None:
    """Looks grow old: they are counted again after some hours, not only when the next one comes."""

    def shown() -> float | None:
        return watched.registry.get_sample_value("scarpwatch_observed_ratio", {"region": "valley"})

    watched.measuring.minute(NOW, watched.goes_on)
    assert shown() == pytest.approx(0.25 / 1.5, abs=0.01)
    late = NOW + timedelta(days=watched.settings.regions["valley"].lookback_days)
    watched.measuring.minute(late, watched.goes_on)
    assert shown() == 0


def test_the_newest_look_is_read_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next minute asks for nothing; the next look, and what was processed again, is read anew."""
    read: list[Sensor] = []
    ask = watched.store.newest_look

    def asked(region: str, sensor: Sensor, tiles: list[str]) -> object:
        read.append(sensor)
        return ask(region, sensor, tiles)

    monkeypatch.setattr(watched.store, "newest_look", asked)
    for minutes in range(3):
        watched.measuring.minute(NOW + timedelta(minutes=minutes), watched.goes_on)
    assert read == [Sensor.OPTICAL]
    assert watched.value("probability_mean") == pytest.approx(0.1)
    assert watched.value("largest_change") is None
    watched.work(2)
    watched.measuring.minute(NOW + timedelta(minutes=3), watched.goes_on)
    watched.measuring.everything(NOW + timedelta(minutes=4), watched.goes_on, {"coast"})
    assert read == [Sensor.OPTICAL] * 2
    watched.measuring.everything(NOW + timedelta(minutes=5), watched.goes_on, {"valley"})
    assert read == [Sensor.OPTICAL] * 3


def test_queue_and_parked(watched: Watched) -> None:
    """What waits and for how long, and what waits for a person; what is released is shown no more."""
    watched.store.discover("valley", [acquisition(2)], [], NOW)
    watched.measuring.minute(NOW + HOUR, watched.goes_on)
    region = {"region": "valley"}
    due = "scarpwatch_queue_oldest_due_seconds"
    assert watched.registry.get_sample_value(due, region) == 3600
    entry = watched.store.claim("me@1:1:1", LEASE, NOW, ["valley"])
    assert entry is not None
    watched.store.park(entry.acquisition, "me@1:1:1", "bad-item", "broken", NOW)
    watched.measuring.minute(NOW + HOUR, watched.goes_on)
    assert watched.registry.get_sample_value(due, region) == 0
    assert watched.value("scenes_parked", reason="bad-item") == 1
    assert watched.store.release("valley", entry.acquisition.id, NOW)
    watched.measuring.minute(NOW + HOUR, watched.goes_on)
    assert watched.value("scenes_parked", reason="bad-item") is None


def test_a_catalog_that_fails(watched: Watched) -> None:
    """Since when, whichever process asked; one that answers is 0, one that nobody has asked is not there."""
    name, local = "scarpwatch_catalog_failing_since_timestamp_seconds", {"catalog": "local"}

    def shown() -> float | None:
        watched.measuring.minute(NOW, watched.goes_on)
        return watched.registry.get_sample_value(name, local)

    assert shown() is None
    watched.store.note_sources([], {"local": "answers 503"}, NOW - HOUR)
    assert shown() == (NOW - HOUR).timestamp()
    watched.store.note_sources(["local"], {}, NOW)
    assert shown() == 0
    assert watched.went_on > 0
