"""A year of the watch against the truth: what was seen of the ground and when, which events lie on scars, which do not.

The truth is never shown to the service; what the service kept (events with their evidence, looks) is only read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from rasterio import features
from shapely import union_all
from shapely.geometry.base import BaseGeometry

from benchmarks.scoring import FOUND_SHARE
from benchmarks.years_exposure import Kinds
from benchmarks.years_records import EITHER, OPTICS, RADAR, SENSORS, EventRecord, ScarRecord
from monitor.core.canvas import Canvas
from monitor.core.clusters import burn
from monitor.core.grid import PIXEL_HA, project
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.sun import sun_position
from monitor.quiet_ground import Seen, Waiting
from monitor.records import Detector, Event, Evidence, Sensor, Verdict
from monitor.sandbox.frame import EPSG, place_frame
from monitor.sandbox.optics import direct_light
from monitor.sandbox.terrain import build_relief
from monitor.sandbox.traps import Cause, Trap
from monitor.sandbox.valley import TrueScar, Valley

Mask = NDArray[np.bool_]

NO_CAUSE = "none"
GRAZING = "grazing light"
"""No label of the simulation: the sun hardly reached the slope at the look that opened a false event of optics, or at
the one before."""
RIM_M = 20.0
"""An outline is drawn on 10 m pixels and a scar has soft edges: a rim of two pixels belongs to it."""
SHOWN_SHARE = 0.5
_ON_SCARS = 0.1
"""Share of an event on scars and their rims from which it is theirs: half a valley under snow holds some as well."""
_ON_TRAP = 0.2
"""Share of a false event on labelled ground from which the label is its cause."""
_MEMORY = {OPTICS: timedelta(days=60), RADAR: timedelta(days=150)}
"""How long after a change a sensor's reference may still remember the ground as it was: 12 looks, 12 passes."""
_SNOW_LIES = timedelta(days=6)
"""What snow did is over at the next look."""
_LABEL_LATE = timedelta(days=6)
"""A change is labelled with the first optical look that sees it, and radar may pass before that."""
_GRAZING = 0.35
"""Sunlight on the ground of an event against that on flat ground, below which it grazes."""
_DAY = timedelta(days=1)
_NAMES = {Sensor.OPTICAL: OPTICS, Sensor.SAR: RADAR}
_SENSORS = {name: sensor for sensor, name in _NAMES.items()}
_SPEAKS = (Verdict.OPENS, Verdict.SUPPORTS)


@dataclass(slots=True, kw_only=True)
class Sights:
    """What the looks of a year showed."""

    km2: float = 0.0
    km2_years: dict[str, float] = field(default_factory=dict)
    shown: list[dict[str, float | None]] = field(default_factory=list)
    """Per scar: `ScarRecord.shown`."""
    looks: list[list[tuple[float, str, float]]] = field(default_factory=list)
    """Per scar: `ScarRecord.looks`."""


def sights(seen: Iterator[Seen], valley: Valley, canvas: Canvas, kinds: Kinds | None = None) -> Sights:
    """Exposure, and when every scar was first shown to each sensor after the storm; `kinds` adds up that of strata."""
    grounds = [burn(project(scar.geometry, 4326, canvas.epsg), canvas) for scar in valley.scars]
    waiting = Waiting(canvas.shape)
    pixel_days = dict.fromkeys((*SENSORS, EITHER), 0.0)
    ever = np.zeros(canvas.shape, dtype=np.bool_)
    found = Sights(shown=[dict.fromkeys(SENSORS) for _ in grounds], looks=[[] for _ in grounds])
    for look in seen:
        ever |= look.valid
        sensor = _NAMES[look.sensor]
        for name in (sensor, EITHER):
            waited = waiting.days(name, look)
            pixel_days[name] += float(np.nansum(waited))
            if kinds is not None and name == sensor:
                kinds.add(look, waited)
        if look.time > valley.storm:
            day = (look.time - valley.storm) / _DAY
            for ground, shown, seen_on in zip(grounds, found.shown, found.looks, strict=True):
                if look.compared[ground].mean() >= SHOWN_SHARE:
                    seen_on.append((round(day, 4), sensor, kinds.light_on(ground) if kinds else -1.0))
                    if shown[sensor] is None:
                        shown[sensor] = day
    found.km2 = float(ever.sum()) * PIXEL_HA / 100.0
    found.km2_years = {name: days * PIXEL_HA / 100.0 / 365.25 for name, days in pixel_days.items()}
    return found


def judge_scars(valley: Valley, events: Sequence[Event], found: Sights, zone: int) -> tuple[ScarRecord, ...]:
    """Every scar with the events that found it: true ones that cover a fifth of it."""
    scars = _grounds(valley, zone)
    laid = [(event, project(event.geometry, 4326, zone)) for event in events]
    grounds = [(event, ground) for event, ground in laid if _true(event, ground, valley.storm, scars)]
    return tuple(
        _scar(scar, shown, seen_on, [event for event, ground in grounds if _covers(ground, scar, zone)], valley.storm)
        for scar, shown, seen_on in zip(valley.scars, found.shown, found.looks, strict=True)
    )


def judge_events(
    valley: Valley, events: Sequence[Event], kinds: Kinds | None, zone: int, size_px: int
) -> tuple[EventRecord, ...]:
    """Every event, oldest first, with what it lies on. `size_px` is the side of the valley's scene."""
    scars = _grounds(valley, zone)
    traps = [(trap, project(trap.geometry, 4326, zone).buffer(RIM_M)) for trap in valley.traps]
    records = [_event(event, valley.storm, scars, traps, zone) for event in sorted(events, key=opened)]
    if kinds is not None:
        words = {one.id: kinds.strata(one, opened(one), _SENSORS[sensor_of(_opening(one))]) for one in events}
        records = [replace(one, strata=words[one.id]) for one in records]
    light = Light(valley, size_px)
    unexplained = {one.id for one in records if one.cause == NO_CAUSE and one.sensor == OPTICS}
    grazed = {event.id for event in events if event.id in unexplained and light.grazes(event)}
    return tuple(replace(one, cause=GRAZING) if one.id in grazed else one for one in records)


class Light:
    """The sun on the true ground of a valley."""

    def __init__(self, valley: Valley, size_px: int) -> None:
        """The relief is raised again from the seed."""
        west, south, east, north = valley.bbox
        self._centre = ((west + east) / 2, (south + north) / 2)
        self._frame = place_frame(valley.seed, size_px)
        self._relief = build_relief(self._frame, valley.seed)

    def grazes(self, event: Event) -> bool:
        """Whether the sun hardly reached an event's ground at the look before it, or at the one that opened it."""
        return min(self.on(event, time) for time in (event.window_start, opened(event))) < _GRAZING

    def on(self, event: Event, time: datetime) -> float:
        """Mean direct light on an event's ground, 1 on flat ground."""
        light = self._frame.crop(direct_light(self._relief, sun_position(time, *self._centre)))
        ground = features.rasterize(
            [project(event.geometry, 4326, EPSG)], light.shape, transform=self._frame.transform(), all_touched=True
        )
        return float(light[ground > 0].mean()) if ground.any() else 1.0


def opened(event: Event) -> datetime:
    """Time of the look that opened an event."""
    return _opening(event).sensing_time


def sensor_of(piece: Evidence) -> str:
    """Which sensor a piece of evidence of the plain detectors comes from."""
    return RADAR if piece.detector is Detector.RADAR else OPTICS


def alerted(event: Event) -> datetime | None:
    """When an event became an alert, if it ever did."""
    return next((step.at for step in event.transitions if step.state in ALERT_STATES), None)


def _opening(event: Event) -> Evidence:
    return next(piece for piece in event.evidence if piece.verdict is Verdict.OPENS)


def _grounds(valley: Valley, zone: int) -> BaseGeometry:
    """All scars with their rims."""
    return union_all([project(scar.geometry, 4326, zone) for scar in valley.scars]).buffer(RIM_M)


def _true(event: Event, ground: BaseGeometry, storm: datetime, scars: BaseGeometry) -> bool:
    """Whether it opened after the storm, and for what the storm left."""
    return opened(event) > storm and float(ground.intersection(scars).area) >= _ON_SCARS * float(ground.area)


def _covers(ground: BaseGeometry, scar: TrueScar, zone: int) -> bool:
    own = project(scar.geometry, 4326, zone)
    return float(ground.intersection(own).area) >= FOUND_SHARE * float(own.area)


def _scar(
    scar: TrueScar,
    shown: Mapping[str, float | None],
    seen_on: Sequence[tuple[float, str, float]],
    on_it: Sequence[Event],
    storm: datetime,
) -> ScarRecord:
    said: dict[str, list[float]] = {name: [] for name in SENSORS}
    for piece in (piece for event in on_it for piece in event.evidence if piece.verdict in _SPEAKS):
        said[sensor_of(piece)].append((piece.sensing_time - storm) / _DAY)
    alerts = [(at - storm) / _DAY for event in on_it if (at := alerted(event)) is not None]
    first = min(on_it, key=opened, default=None)
    return ScarRecord(
        area_ha=scar.area_ha,
        slope_deg=scar.slope_deg,
        shown=shown,
        evidence={name: min(days, default=None) for name, days in said.items()},
        alert=min(alerts, default=None),
        opened_by=sensor_of(_opening(first)) if first is not None else None,
        looks=tuple(seen_on),
        events=tuple(event.id for event in on_it),
    )


def _event(
    event: Event, storm: datetime, scars: BaseGeometry, traps: Sequence[tuple[Trap, BaseGeometry]], zone: int
) -> EventRecord:
    start, ground, end = _opening(event), project(event.geometry, 4326, zone), event.transitions[-1]
    true = _true(event, ground, storm, scars)
    place = event.geometry.representative_point()
    return EventRecord(
        id=event.id,
        sensor=sensor_of(start),
        day=(start.sensing_time - storm) / _DAY,
        date=f"{start.sensing_time:%Y-%m-%d}",
        area_ha=event.area_ha,
        slope_deg=event.slope_deg,
        true=true,
        alerted=alerted(event) is not None,
        ended=f"{event.state.value} ({end.reason})",
        cause="" if true else cause_of(ground, start, traps),
        longitude=round(place.x, 5),
        latitude=round(place.y, 5),
        detail=start.detail,
        strength=start.strength,
        strata=(),
        said=tuple(
            (round((one.sensing_time - storm) / _DAY, 4), one.verdict.value, one.detector.value, one.of_record)
            for one in event.evidence
        ),
    )


def cause_of(ground: BaseGeometry, start: Evidence, traps: Sequence[tuple[Trap, BaseGeometry]]) -> str:
    """The label on most of a false event's ground, if it was laid while the sensor's reference may remember before it.

    Args:
        ground: outline of the event, in metres.
        start: the evidence that opened it.
        traps: labelled ground with its outline in the same metres, a rim included.
    """
    memory = _MEMORY[sensor_of(start)]
    shares: dict[str, float] = {}
    for trap, outline in traps:
        since = start.sensing_time - (_SNOW_LIES if trap.cause is Cause.SNOW else memory)
        if since <= trap.time <= start.sensing_time + _LABEL_LATE:
            share = float(outline.intersection(ground).area / ground.area)
            shares[trap.cause.value] = max(share, shares.get(trap.cause.value, 0.0))
    best = max(shares, key=lambda cause: shares[cause], default=NO_CAUSE)
    return best if shares.get(best, 0.0) >= _ON_TRAP else NO_CAUSE
