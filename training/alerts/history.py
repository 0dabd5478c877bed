"""What a deployment's own ground did where nothing had failed: exposure, and the events that opened all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.canvas import Canvas, canvases
from monitor.core.clusters import burn
from monitor.core.declared import names
from monitor.core.grid import pixels_within, project, region_tiles, tile_polygon
from monitor.core.null_rate import Exposure, QuietCluster, Strata
from monitor.ports import LookArchive
from monitor.quiet_ground import StrataExposure, Together, Waiting, add_up, looks
from monitor.records import (
    AcquisitionState,
    ActionKind,
    Declaration,
    Detector,
    Event,
    LedgerEntry,
    Observation,
    Region,
    Sensor,
    Terrain,
    Tile,
    Verdict,
)
from training.alerts.excepted import Excepted, during, from_then_on
from training.alerts.outcomes import Opened, Outcome, opened_as, outcomes

FOLDS = 5
"""Groups of tiles: what one did is judged by a null of the others."""
_COMPARED = frozenset({"compared", "late"})
"""Reasons of acquisitions that could open events; what was history when it arrived could not."""
_ALL = 10_000_000
"""Acquisitions of a ledger, more than any has."""

Progress = Callable[[str, int, int], None]
Watching = Mapping[Sensor, Sequence[Detector]]
"""Who may open events on the looks of a sensor."""


class History(Protocol):
    """What is read of the database."""

    def history(self, tile: Tile, limit: int = 100) -> list[Observation]:
        """The newest current observations of a tile, newest first."""

    def ledger(self, region: str | None = None, limit: int = 1000) -> list[LedgerEntry]:
        """Ledger rows, newest acquisition first."""

    def events(
        self, region: str | None = None, open_only: bool = False, ended_since: datetime | None = None
    ) -> list[Event]:
        """Events, strongest first."""

    def declarations(self, region: str | None = None) -> list[Declaration]:
        """What people have declared, also what is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What some ground did."""

    exposure: Exposure = field(default_factory=dict)
    watched: float = 0.0
    """km² × years that any sensor watched: less than the sum of `exposure`, for sensors watch the same ground."""
    events: tuple[Opened, ...] = ()

    @property
    def clusters(self) -> list[QuietCluster]:
        """Of the events that were false."""
        return [one.cluster for one in self.events if one.outcome is Outcome.FALSE]

    def share_told(self, detector: str) -> float:
        """Of the events of a detector, how many a later look or a person decided on: its exposure counts as much."""
        return _share(one.outcome is not Outcome.UNKNOWN or one.cluster.held for one in self._of(detector))

    def share_judged(self, detector: str) -> float:
        """Of the events of a detector that later looks held, of how many it is known what they were."""
        return _share(one.outcome is not Outcome.UNKNOWN for one in self._of(detector) if one.cluster.held)

    def _of(self, detector: str) -> Iterable[Opened]:
        return (one for one in self.events if one.cluster.detector == detector)


def _share(of: Iterable[bool]) -> float:
    found = list(of)
    return sum(found) / len(found) if found else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionCount:
    """What was counted of one region."""

    region: str
    km2_years: Mapping[str, float] = field(default_factory=dict)
    """By detector."""
    watched: float = 0.0
    """km² × years by any of them: where several watched at a time it counts once."""
    most_looks: Mapping[Sensor, int] = field(default_factory=dict)
    """Looks of the tile of which there are most."""
    first: datetime | None = None
    last: datetime | None = None
    """Times of the first and the last look that was compared."""
    false: int = 0
    """Events that people dismissed or looks refuted."""
    unknown: int = 0
    """Left out: nobody said what they are, and no look refuted them."""
    confirmed: int = 0
    """Left out: people saw them, or they grew together with one."""
    excepted: int = 0
    """Left out: on excepted ground, or where people had declared an event."""
    joined: int = 0
    """Left out: a look that came late showed that they were part of another event when they opened."""
    without_elevation: int = 0
    """Tiles that were looked at and have no elevation at hand: not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHistory:
    """All regions of a deployment."""

    parts: tuple[Part, ...]
    """By group of tiles."""
    regions: tuple[RegionCount, ...]
    simulated: bool
    """Any of the pixels are made up."""

    @property
    def whole(self) -> Part:
        """All parts as one."""
        return joined(self.parts)

    @property
    def clusters(self) -> list[QuietCluster]:
        """Of all events that were false."""
        return self.whole.clusters

    @property
    def events(self) -> tuple[Opened, ...]:
        """Of all parts."""
        return self.whole.events

    @property
    def exposure(self) -> dict[str, dict[Strata, float]]:
        """Of all parts, also the share of what is not known."""
        return together(self.parts)

    @property
    def km2_years(self) -> float:
        """What any sensor watched, of all parts: what all detectors together cost is counted on it."""
        return sum(part.watched for part in self.parts)


def joined(parts: Sequence[Part]) -> Part:
    """What some ground did that was counted in parts."""
    return Part(
        exposure=together(parts),
        watched=sum(part.watched for part in parts),
        events=tuple(one for part in parts for one in part.events),
    )


def together(parts: Sequence[Part]) -> dict[str, dict[Strata, float]]:
    """Exposure of some parts, by detector."""
    detectors = sorted({name for part in parts for name in part.exposure})
    return {name: add_up([part.exposure.get(name, {}) for part in parts]) for name in detectors}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads the history of regions."""

    store: History
    archive: LookArchive
    elevation: Callable[[Tile], Terrain | None]
    watching: Watching
    excepted: tuple[Excepted, ...] = ()
    progress: Progress = lambda _what, _done, _all: None

    def read(self, regions: Sequence[Region]) -> QuietHistory:
        """All that their quiet ground did."""
        pieces: list[tuple[int, Part]] = []
        counts, simulated = [], False
        for region in regions:
            entries = [one for one in self.store.ledger(region.id, _ALL) if _counts(one)]
            simulated |= any(item.simulated for one in entries for item in one.acquisition.items)
            count, found = self._region(region, {one.acquisition.key for one in entries})
            counts.append(count)
            pieces += found
        groups = [[part for place, part in pieces if place == number] for number in range(FOLDS)]
        return QuietHistory(parts=tuple(joined(one) for one in groups), regions=tuple(counts), simulated=simulated)

    def _region(self, region: Region, counted: set[str]) -> tuple[RegionCount, list[tuple[int, Part]]]:
        """What was counted, and what every tile and event did by its group."""
        events = self.store.events(region.id)
        of = outcomes(events)
        declared = self.store.declarations(region.id)
        apart_from = (*self.excepted, *(during(one, region.geometry) for one in declared))
        known = (*apart_from, *(from_then_on(one) for one in events if of[one.id] is not Outcome.FALSE))
        tiles = region_tiles(region.geometry)
        walks = []
        for done, tile in enumerate(tiles):
            self.progress(f"{region.id}: quiet ground", done, len(tiles))
            walks.append(self._tile(tile, region, counted, known))
        opened = [one for one in events if one.detector is not Detector.TILE and _opening(one)]
        alone = [one for one in opened if not _was_another(one)]
        quiet = _quiet(alone, apart_from, declared)
        numbers = Counter(of[one.id] for one in quiet)
        found = [
            (_fold(tile), Part(exposure=walk.exposure, watched=walk.watched))
            for tile, walk in zip(tiles, walks, strict=True)
        ]
        found += [(_fold(event.tiles[0]), Part(events=(_opened(event, of[event.id]),))) for event in quiet]
        times = [time for walk in walks for time in walk.times]
        total = together([part for _, part in found])
        return RegionCount(
            region=region.id,
            km2_years={name: sum(cells.values()) for name, cells in total.items()},
            watched=sum(walk.watched for walk in walks),
            most_looks={sensor: max((walk.looks.get(sensor, 0) for walk in walks), default=0) for sensor in Sensor},
            first=min(times, default=None),
            last=max(times, default=None),
            false=numbers[Outcome.FALSE],
            unknown=numbers[Outcome.UNKNOWN],
            confirmed=numbers[Outcome.LANDSLIDE],
            excepted=len(alone) - len(quiet),
            joined=len(opened) - len(alone),
            without_elevation=sum(walk.blank for walk in walks),
        ), found

    def _tile(self, tile: Tile, region: Region, counted: set[str], known: Sequence[Excepted]) -> _Walk:
        (canvas,) = canvases([tile])
        terrain = self.elevation(tile)
        if terrain is None:
            return _Walk(blank=bool(self.store.history(tile, 1)))
        centre = project(tile_polygon(tile), tile.epsg, 4326).centroid
        exposure = StrataExposure(canvas, {tile: terrain}, (centre.x, centre.y))
        inside, waiting = pixels_within(region.geometry, tile), Waiting(canvas.shape)
        by_any = Together(canvas.shape)
        masks = _masks(known, canvas)
        walk = _Walk()
        for look in looks(self.store, self.archive, canvas):
            waited = waiting.days(look.sensor.value, look)
            quiet = inside if look.key in counted else np.zeros_like(inside)
            for one, ground in masks:
                if one.holds(look.time):
                    quiet = quiet & ~ground
            exposure.add(look, waited, quiet)
            if self.watching.get(look.sensor):
                by_any.add(look, quiet)
            walk.looks[look.sensor] = walk.looks.get(look.sensor, 0) + bool(look.valid.any())
            if look.key in counted and look.compared.any():
                walk.times.append(look.time)
        walk.exposure = _by_detector(exposure.cells(), self.watching)
        walk.watched = by_any.km2_years
        return walk


@dataclass(slots=True, kw_only=True)
class _Walk:
    """What was counted on one tile."""

    exposure: dict[str, Mapping[Strata, float]] = field(default_factory=dict)
    watched: float = 0.0
    looks: dict[Sensor, int] = field(default_factory=dict)
    times: list[datetime] = field(default_factory=list)
    blank: bool = False


def _quiet(opened: Iterable[Event], excepted: Sequence[Excepted], declared: Sequence[Declaration]) -> list[Event]:
    """Those that opened on quiet ground: not on excepted ground, and not by what may be a declared event."""
    return [
        one
        for one in opened
        if not (any(_happened_on(known, one) for known in excepted) or any(names(each, one) for each in declared))
    ]


def _was_another(event: Event) -> bool:
    """Whether an event was part of another one when it opened, as a look showed that arrived after its own.

    Had that look come in time there would be one event. Events that opened apart and grew together later are two.
    """
    opened = min(one.sensing_time for one in event.evidence if one.verdict is Verdict.OPENS and not one.withdrawn)
    merged = (one for one in event.actions if one.kind is ActionKind.MERGE and not one.withdrawn)
    return any(one.at <= opened for one in merged)


def _happened_on(known: Excepted, event: Event) -> bool:
    return known.holds(event.window_end) and bool(known.geometry.intersects(event.geometry))


def _by_detector(
    cells: Mapping[Sensor, Mapping[Strata, float]], watching: Watching
) -> dict[str, Mapping[Strata, float]]:
    found: dict[str, Mapping[Strata, float]] = {}
    for sensor, of in cells.items():
        for detector in watching.get(sensor, ()):
            found[detector.value] = add_up([found.get(detector.value, {}), of])
    return found


def _masks(known: Sequence[Excepted], canvas: Canvas) -> list[tuple[Excepted, NDArray[np.bool_]]]:
    tiles = [project(tile_polygon(tile), tile.epsg, 4326) for tile in canvas.tiles]
    near = (one for one in known if any(one.geometry.intersects(tile) for tile in tiles))
    laid = [(one, burn(project(one.geometry, 4326, canvas.epsg), canvas)) for one in near]
    return [(one, ground) for one, ground in laid if ground.any()]


def _counts(entry: LedgerEntry) -> bool:
    return entry.state is AcquisitionState.DONE and entry.reason in _COMPARED


def _fold(tile: Tile) -> int:
    """Neighbours lie in different groups."""
    return (tile.column + 2 * tile.row) % FOLDS


def _opening(event: Event) -> bool:
    return any(one.verdict is Verdict.OPENS and not one.withdrawn for one in event.evidence)


def _opened(event: Event, outcome: Outcome) -> Opened:
    centre = event.geometry.centroid
    return Opened(
        id=event.id,
        area_ha=event.area_ha,
        place=(centre.x, centre.y),
        cluster=opened_as(event),
        outcome=outcome,
    )
