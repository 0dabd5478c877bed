"""Catalogs that are out of order on purpose, over a real database."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.store import SqlStore
from monitor.core.delays import Step
from monitor.core.fleet import NO_FLEET, Fleet
from monitor.errors import CatalogUnavailable
from monitor.pipeline import Pipeline
from monitor.records import Region, Rejected, SceneItem, Sensor, SensorPolicy
from monitor.service import PassEvent, Service, ServiceSettings, Watched

START = datetime(2026, 1, 1, 1, 30, tzinfo=UTC)
DAY = timedelta(days=1)
VALLEY = Region(
    id="valley",
    geometry=box(141.9, 42.7, 141.95, 42.75),
    catalogs=("pc",),
    fallback_catalogs=("es",),
    lookback_days=45,
    sensor_policy=SensorPolicy.OPTICAL_ONLY,
)


def scene(day: float, catalog: str = "pc", listed: float | None = None) -> SceneItem:
    """A scene of one day, made (and listed) on that day or a later one."""
    at = START + day * DAY
    return SceneItem(
        catalog=catalog,
        collection="sentinel-2-l2a",
        id=f"{catalog}-{at:%Y%m%dT%H%M%S}",
        sensing_time=at,
        geometry=box(141, 42, 143, 43),
        sensor=Sensor.OPTICAL,
        platform="sentinel-2a",
        relative_orbit=54,
        grid_code="54TXN",
        processing_baseline="05.11",
        processing_time=START + (day if listed is None else listed) * DAY,
    )


class Shelf:
    """Lists each item from when it was made on; may be down, forget items, or cut long lists short."""

    def __init__(self, name: str, items: Sequence[SceneItem]) -> None:
        self.name = name
        self.items = list(items)
        self.down = False
        self.longest: int | None = None
        """Items of a list at most; it says nothing of the rest."""
        self.asked: list[tuple[datetime, datetime]] = []
        self.now = START

    def search(
        self, geometry: BaseGeometry, start: datetime, end: datetime, sensor: Sensor = Sensor.OPTICAL
    ) -> tuple[list[SceneItem], list[Rejected]]:
        """Those of a sensor in [start, end]."""
        self.asked.append((start, end))
        if self.down:
            raise CatalogUnavailable("answers 503", item=f"catalog {self.name} (x)", remedy="It is asked again.")
        made = [one for one in self.items if one.processing_time is not None and one.processing_time <= self.now]
        found = [one for one in made if start <= one.sensing_time <= end and one.sensor is sensor]
        return found[: self.longest], []

    def terrain(self, geometry: BaseGeometry) -> list[SceneItem]:
        """None."""
        return []

    def land_cover(self, geometry: BaseGeometry) -> list[SceneItem]:
        """None."""
        return []


class Unasked:
    """A pipeline for an empty queue."""

    def rests(self) -> bool:
        """Nobody else is needed."""
        return False


class Upstream:
    """A service that polls two catalogs, on a clock of its own; nothing is processed."""

    def __init__(self, store: SqlStore, region: Region = VALLEY, fleet: Fleet = NO_FLEET) -> None:
        self.store = store
        self.pc, self.es = Shelf("pc", []), Shelf("es", [])
        self.events: list[PassEvent] = []
        self.service = Service(
            store=store,
            pipeline=cast(Pipeline, Unasked()),
            watched=Watched(
                regions=[region], catalogs={"pc": self.pc, "es": self.es, "pc2": Shelf("pc2", [])}, fleet=fleet
            ),
            owner="test",
            settings=ServiceSettings(),
        )

    def lists(self, *days: float) -> None:
        """Both catalogs list scenes of these days."""
        self.pc.items += [scene(day) for day in days]
        self.es.items += [scene(day, "es") for day in days]

    def at(self, day: float) -> datetime:
        """It is that day, for the catalogs too."""
        self.pc.now = self.es.now = START + day * DAY
        return self.pc.now

    def poll(self, day: float) -> int:
        """Poll; the number of new acquisitions. What was reported is in `events`."""
        self.events.clear()
        return self.service.poll(self.at(day), self.events.append)[0]

    def actions(self) -> set[str]:
        """What the last poll reported."""
        return {event.action for event in self.events}

    def found_after(self) -> list[float]:
        """How many days after they were sensed the last poll found passes, as it is measured."""
        delays = (delay for event in self.events for delay in event.delays)
        return [seconds / DAY.total_seconds() for step, seconds in delays if step is Step.SENSED_TO_DISCOVERED]

    def known(self) -> list[float]:
        """Days of the ledger's acquisitions, versions that were replaced included."""
        return sorted((entry.acquisition.sensing_time - START) / DAY for entry in self.store.ledger())

    def history(self) -> list[float]:
        """Days of those that raise no alert."""
        return sorted((one.acquisition.sensing_time - START) / DAY for one in self.store.ledger() if one.history)


@contextmanager
def upstream(folder: Path, region: Region = VALLEY, fleet: Fleet = NO_FLEET, **changes: object) -> Iterator[Upstream]:
    """Two catalogs and an empty database."""
    blank = folder.parent / "blank.db"
    if not blank.exists():  # made once: the migrations take longer than these tests
        with closing(SqlStore(f"sqlite:///{blank}")) as store:
            store.upgrade()
    shutil.copy(blank, folder / "watch.db")
    with closing(SqlStore(f"sqlite:///{folder}/watch.db")) as store:
        yield Upstream(store, replace(region, **changes), fleet)  # type: ignore[arg-type]
