"""What surrounds an event: the ground, what lies on it, how grave that makes the event, and when it is seen next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from monitor.records.kinds import Sensor


class LayerKind(StrEnum):
    """What an operator's own layer shows."""

    PLACES = "places"
    """Municipalities as polygons, or settlements as points."""
    ROADS = "roads"
    BUILDINGS = "buildings"
    ZONES = "zones"
    """Designated hazard zones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSource:
    """Where an operator's layer is."""

    name: str
    kind: LayerKind
    path: Path
    name_field: str | None = None
    """None: the field `name`, if there is one."""
    layer: str | None = None
    """Of a GeoPackage that has several."""


class Severity(StrEnum):
    """How grave an event is, in the words of CAP 1.2; least first."""

    MINOR = "minor"
    MODERATE = "moderate"
    SEVERE = "severe"
    EXTREME = "extreme"


class Urgency(StrEnum):
    """How soon somebody should act, in the words of CAP 1.2. `Immediate` is never said."""

    EXPECTED = "expected"
    FUTURE = "future"
    PAST = "past"
    UNKNOWN = "unknown"


class Certainty(StrEnum):
    """How sure it is that the ground failed, in the words of CAP 1.2."""

    OBSERVED = "observed"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"
    UNKNOWN = "unknown"


class ZoneRelation(StrEnum):
    """How an event lies to the designated zone that it is closest to."""

    INSIDE = "inside"
    """All of the changed ground lies in designated zones."""
    TOUCHES = "touches"
    """Some of it does."""
    REACHED = "reached"
    """None of it does; the possible runout would enter one."""
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runout:
    """Where debris of an event could go further down: a rule of thumb, no forecast (`core.runout`)."""

    downhill_deg: float | None
    """Main direction downhill, degrees clockwise from north; None where slopes of the event face every way."""
    compass: str | None
    """The same as a word: N, NE, E, SE, S, SW, W, NW."""
    reach_deg: float
    """Angle of reach: debris stops where the line from its start to it becomes less steep."""
    area: BaseGeometry | None
    """EPSG:4326, without the event's own ground; None where it could not go further."""
    length_m: float
    """Along the way, from the changed ground to the farthest point."""
    drop_m: float
    """From the changed ground down to the same point."""
    complete: bool
    """False: it goes on where no elevation is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearby:
    """Things of one kind within a distance of an event or of its possible runout."""

    count: int
    reached: int
    """Of these, how many lie on the changed ground or on its possible runout."""
    names: tuple[str, ...] = ()
    """Those that have one, without repetition, nearest first; at most `core.exposure.MOST_NAMES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What an operator's layers have at and near an event. None: there is no readable layer of the kind."""

    near_m: float
    roads: Nearby | None = None
    """Roads of one name count once, pieces without a name that meet too."""
    buildings: Nearby | None = None
    zone: ZoneRelation | None = None
    zones: tuple[str, ...] = ()
    """Names of the designated zones of that relation."""
    municipality: str | None = None
    place: str | None = None
    """Against the nearest named place: "2.1 km NE of Atsuma"."""
    unreadable: tuple[str, ...] = ()
    """Layers that cannot be read: what they would show is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPass:
    """When a satellite is expected to see the region again."""

    sensor: Sensor
    relative_orbit: int | None
    expected: datetime
    basis: str
    """In words: how often it came so far."""
    overdue: datetime | None = None
    """The newest pass of this track that should have come already, and that no catalog listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventContext:
    """What an alert says beside the change itself, as it was known when the event was last told of."""

    severity: Severity
    severity_reason: str
    runout: Runout | None = None
    """None: elevation is not known, or the event is too large for the rule of thumb."""
    land_cover: Mapping[str, float] = field(default_factory=dict)
    """Share of the changed ground by class, 0 to 1, largest first; empty without a map."""
    exposure: Exposure | None = None
    """None: the region has no layers."""
    next_passes: tuple[NextPass, ...] = ()
    """As expected at the look that told of it; earliest first, at most one per track, empty while too few are known."""
