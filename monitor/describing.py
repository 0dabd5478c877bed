"""What surrounds the alerts that an acquisition speaks of: ground, exposure, severity, the next pass."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from monitor.core.canvas import Canvas, canvases
from monitor.core.clusters import burn
from monitor.core.exposure import LayersAtHand, exposure
from monitor.core.fleet import Fleet
from monitor.core.grid import neighbour, project
from monitor.core.land_cover import CLASSES, LandCover
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.next_pass import MEMORY, next_passes
from monitor.core.runout import MOST_HA, runout
from monitor.core.severity import SeverityTable, severity
from monitor.errors import ScarpwatchError
from monitor.ports import ExposureLayers, PassHistory, TerrainSource
from monitor.records import (
    Acquisition,
    Detector,
    Event,
    EventContext,
    Exposure,
    LayerKind,
    NextPass,
    Runout,
    Tile,
    Verdict,
)

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

Found = TypeVar("Found")

_NAN = np.float32(np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is known of the ground while an acquisition is judged."""

    terrain: TerrainSource
    land_cover: Callable[[Tile], LandCover | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Events with their context, and what was amiss on the way."""

    events: tuple[Event, ...]
    complaints: tuple[str, ...] = ()
    """What is wrong with an operator's layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Describer:
    """Adds to alerts what surrounds them. What cannot be read is said to be unknown; it never stops an alert."""

    passes: PassHistory
    layers: ExposureLayers
    table: SeverityTable
    fleet: Fleet = field(default_factory=dict)
    """When satellites begin and end."""

    def describe(self, events: Sequence[Event], acquisition: Acquisition, ground: Surroundings) -> Described:
        """All events, those with a new context of which this acquisition says something."""
        if not any(needs_context(event, acquisition.id) for event in events):
            return Described(events=tuple(events))
        now = acquisition.sensing_time
        coming = next_passes(self.passes.passes(acquisition.region, now - MEMORY, now), now, self.fleet)
        complaints: dict[str, None] = {}
        described = []
        for event in events:
            if needs_context(event, acquisition.id):
                event, said = self._described(event, ground, coming)
                complaints |= dict.fromkeys(said)
            described.append(event)
        return Described(events=tuple(described), complaints=tuple(complaints))

    def _described(
        self, event: Event, ground: Surroundings, coming: tuple[NextPass, ...]
    ) -> tuple[Event, tuple[str, ...]]:
        epsg, outline, source = _main_zone(event)
        flow, reach = _runout(event, source, ground.terrain)
        at_hand = self.layers.of(event.region, epsg)
        exposed = None
        if at_hand is not None:
            exposed = _exposure(event, outline, reach, at_hand)
        level, reason = severity(event, exposed, self.table)
        context = EventContext(
            severity=level,
            severity_reason=reason,
            runout=flow,
            land_cover={} if event.detector is Detector.TILE else _land_cover(source, ground.land_cover),
            exposure=exposed,
            next_passes=coming,
        )
        return replace(event, context=context), at_hand.complaints if at_hand is not None else ()


def needs_context(event: Event, acquisition_id: str) -> bool:
    """Whether an event that is or was an alert has no context yet, or news of this acquisition."""
    if not any(step.state in ALERT_STATES for step in event.transitions):
        return False
    stepped = any(step.acquisition_id == acquisition_id for step in event.transitions)
    said = any(
        piece.acquisition_id == acquisition_id and piece.verdict is not Verdict.NOT_OBSERVED for piece in event.evidence
    )
    return event.context is None or stepped or said


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """The pixels of an event in one zone."""

    canvas: Canvas
    pixels: Mask
    """(H, W) of the canvas."""


def _main_zone(event: Event) -> tuple[int, BaseGeometry, _Source]:
    """The zone that holds most of an event, its outline there, and its pixels."""
    found = []
    for canvas in canvases(event.tiles):
        outline = project(event.geometry, 4326, canvas.epsg)
        found.append((outline, _Source(canvas=canvas, pixels=burn(outline, canvas))))
    outline, source = max(found, key=lambda one: int(one[1].pixels.sum()))
    return source.canvas.epsg, outline, source


def _exposure(event: Event, outline: BaseGeometry, reach: BaseGeometry | None, at_hand: LayersAtHand) -> Exposure:
    """What the layers have at an event; of a whole tile, somewhere in which the rise is, its place alone."""
    if event.detector is not Detector.TILE:
        return exposure(outline, reach, at_hand.layers, at_hand.unreadable)
    return exposure(outline, None, [one for one in at_hand.layers if one.kind is LayerKind.PLACES])


def _runout(event: Event, source: _Source, terrain: TerrainSource) -> tuple[Runout | None, BaseGeometry | None]:
    """Where debris could go, and that ground in the zone's CRS; others are read if it leaves the event's tiles."""
    if event.area_ha > MOST_HA or event.alike_from_m is not None or event.detector is Detector.TILE:
        return None, None
    known = {tile: one.elevation_m for tile in source.canvas.tiles if (one := _read(terrain.read, tile)) is not None}
    if not known:
        return None, None
    found = runout(source.canvas.lay(known, _NAN), source.pixels, source.canvas, event.area_ha)
    if found[0].complete:
        return found
    around = {neighbour(tile, east, down) for tile in known for east in (-1, 0, 1) for down in (-1, 0, 1)}
    more = {tile: one.elevation_m for tile in around - known.keys() if (one := _read(terrain.known, tile)) is not None}
    (canvas,) = canvases({*known, *around})
    pixels = canvas.lay(source.canvas.cut(source.pixels), np.False_)
    return runout(canvas.lay({**known, **more}, _NAN), pixels, canvas, event.area_ha)


def _land_cover(source: _Source, land_cover: Callable[[Tile], LandCover | None]) -> Mapping[str, float]:
    """Share of the event's pixels by class, of those whose class is known; largest first."""
    counts: dict[str, int] = {}
    for tile in source.canvas.tiles:
        pixels = source.pixels[source.canvas.window(tile)]
        found = _read(land_cover, tile) if pixels.any() else None
        if found is None:
            continue
        values = found.classes[pixels]
        for one in CLASSES[found.scheme]:
            if count := int((values == one).sum()):
                name = one.name.lower().replace("_", " ")
                counts[name] = counts.get(name, 0) + count
    whole = sum(counts.values())
    return {name: count / whole for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}


def _read(read: Callable[[Tile], Found | None], tile: Tile) -> Found | None:
    """What is known of a tile; what cannot be read now is not known, and no reason to hold an alert back."""
    try:
        return read(tile)
    except ScarpwatchError:
        return None
