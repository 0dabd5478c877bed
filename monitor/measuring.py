"""Reading from the database how the regions stand, for Prometheus.

Two measures: a cheap one every minute, since silence is what happens while nothing is processed, and one that opens the
kept looks, after work and a few times a day.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from monitor.adapters.metrics import Metrics, RegionNow
from monitor.adapters.store.measures import RegionRows
from monitor.config import Settings
from monitor.core.alive import Source
from monitor.core.grid import region_tiles
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.look_figures import LookFigures, LookRows, look_figures
from monitor.core.next_pass import MEMORY, first_of_each, next_passes
from monitor.core.pass_count import PassCount, count_passes
from monitor.core.precision import WINDOWS_DAYS, Judged, by_kind
from monitor.core.sensors import sensors_of
from monitor.observing import DECISIONS
from monitor.overview import TileHistory, coverage
from monitor.ports import LookArchive, SlopeSights, Store
from monitor.records import AcquisitionState, Region, Sensor

_COUNT_AGAIN = timedelta(hours=6)
"""So old may be what was counted in the kept looks: where nothing comes in, what was seen shrinks with time."""
GoesOn = Callable[[], None]


class WatchStore(Store, TileHistory, Protocol):
    """What is read of the database besides what the service does."""

    def region_rows(self, regions: Iterable[str], since: datetime) -> Iterator[tuple[str, RegionRows]]:
        """How every region stands; what it listed since a time."""

    def oldest_due(self, regions: Iterable[str], now: datetime) -> dict[str, datetime]:
        """Since when the acquisition that waits longest is due; regions with none are left out."""

    def newest_ever(self, region: str, sensor: Sensor) -> tuple[datetime | None, datetime | None]:
        """Sensing time of the newest acquisition of a sensor, and of the newest that showed ground."""

    def newest_look(self, region: str, sensor: Sensor, tiles: Sequence[str]) -> LookRows:
        """What the newest look of a sensor says of tiles, and looks of its kind before."""

    def sources(self, catalogs: Iterable[str]) -> list[Source]:
        """How these catalogs answered when they were last asked."""

    def judged(self, since: datetime) -> list[Judged]:
        """Every real alert that a look showed first at or after a time, with the last word of people on it."""

    def check(self) -> None:
        """Raise ConfigError or StoreBusy unless the database can be worked with."""


class Measuring:
    """Measures one watch. Safe across threads: they take turns."""

    def __init__(
        self,
        *,
        store: WatchStore,
        looks: LookArchive,
        sights: SlopeSights,
        settings: Settings,
        metrics: Metrics,
        told: Callable[[Iterable[RegionNow], datetime], None] = lambda _regions, _now: None,
    ) -> None:
        """What can be counted of the regions and catalogs of `settings` is 0 from now on; `told` hears each measure."""
        self._store = store
        self._looks = looks
        self._sights = sights
        self._settings = settings
        self._metrics = metrics
        self._told = told
        self._regions = {one.id: one for one in settings.region_records()}
        self.catalogs = sorted({name for one in self._regions.values() for name in one.catalogs})
        self._lock = Lock()
        self._counted: datetime | None = None
        self._figures: dict[tuple[str, Sensor], tuple[datetime, LookFigures | None]] = {}
        self._ever: dict[tuple[str, Sensor], tuple[datetime | None, datetime | None]] = {}
        metrics.catalogs.begin(self.catalogs)
        for one in self._regions.values():
            metrics.work.begin(one.id, sensors_of(one.sensor_policy), DECISIONS)

    def minute(self, now: datetime, goes_on: GoesOn) -> None:
        """The cheap measure, and the other where it is old."""
        if self._counted is None or abs(now - self._counted) >= _COUNT_AGAIN:
            self.everything(now, goes_on)
        else:
            with self._lock:
                self._read(now, goes_on)

    def everything(self, now: datetime, goes_on: GoesOn, worked: Collection[str] | None = None) -> None:
        """Both measures.

        Args:
            now: aware UTC.
            goes_on: called after each region: looks are many.
            worked: the regions of which something was processed, perhaps again: then it has the same time and other
                numbers; None: it is not known which.
        """
        with self._lock:
            again = self._regions if worked is None else worked
            self._figures = {of: kept for of, kept in self._figures.items() if of[0] not in again}
            self._ever = {of: kept for of, kept in self._ever.items() if of[0] not in again}
            self._read(now, goes_on)
            self._count(again, now, goes_on)
            if worked is None:
                self._counted = now

    def _read(self, now: datetime, goes_on: GoesOn) -> None:
        due = self._store.oldest_due(self._regions, now)
        standing: dict[str, RegionNow] = {}
        for name, rows in self._store.region_rows(self._regions, now - MEMORY):
            goes_on()
            late = now - due[name] if name in due else timedelta(0)
            standing[name] = self._region(self._regions[name], rows, max(0.0, late.total_seconds()), now)
        self._metrics.regions.show(standing, now)
        self._told(standing.values(), now)
        self._metrics.catalogs.sources(self._store.sources(self.catalogs))

    def _region(self, region: Region, rows: RegionRows, oldest_due_s: float, now: datetime) -> RegionNow:
        sensors, fleet = sensors_of(region.sensor_policy), self._settings.fleet
        passes = {one: self._passes(region.id, one, count_passes(rows.listed, one, now, fleet)) for one in sensors}
        looks = {one: self._look(region, one, passes[one].newest_usable) for one in sensors}
        return RegionNow(
            ledger={state.value: rows.states.get(state, 0) for state in AcquisitionState},
            alerts={state.value: rows.alerts.get(state, 0) for state in ALERT_STATES},
            passes=passes,
            next_pass={one.sensor: one.expected for one in first_of_each(next_passes(rows.listed, now, fleet))},
            parked=rows.parked,
            oldest_due_s=oldest_due_s,
            looks={sensor: look for sensor, look in looks.items() if look is not None},
        )

    def _passes(self, region: str, sensor: Sensor, counted: PassCount) -> PassCount:
        """With the newest scene and look there ever were, where they are older than the memory of passes."""
        if counted.newest is not None and counted.newest_usable is not None:
            return counted
        if (region, sensor) not in self._ever:
            self._ever[region, sensor] = self._store.newest_ever(region, sensor)
        newest, usable = self._ever[region, sensor]
        return replace(counted, newest=counted.newest or newest, newest_usable=counted.newest_usable or usable)

    def _look(self, region: Region, sensor: Sensor, newest: datetime | None) -> LookFigures | None:
        """The numbers of the newest look, read once for each."""
        if newest is None:
            return None
        known = self._figures.get((region.id, sensor))
        if known is None or known[0] != newest:
            tiles = [tile.id for tile in region_tiles(region.geometry)]
            rows = self._store.newest_look(region.id, sensor, tiles)
            known = newest, look_figures(rows, self._settings.alerts)
            self._figures[region.id, sensor] = known
        return known[1]

    def _count(self, which: Collection[str], now: datetime, goes_on: GoesOn) -> None:
        self._metrics.telling.judged(by_kind(self._store.judged(now - timedelta(days=max(WINDOWS_DAYS)))))
        for name in sorted(self._regions.keys() & set(which)):
            goes_on()
            seen = coverage(self._regions[name], self._store, self._looks, now, self._sights)
            self._metrics.regions.covered(name, seen.compared, seen.last_look)
            self._metrics.regions.blind_slopes(name, seen.blind)
