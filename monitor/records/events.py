"""Changed ground, and everything that is said about it."""

from dataclasses import dataclass
from datetime import datetime

from shapely.geometry.base import BaseGeometry

from monitor.records.context import EventContext
from monitor.records.ground import Tile
from monitor.records.kinds import ActionKind, AlertStatus, Detector, EventState, Growing, Sensor, Tier, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Coherent changed ground found in one acquisition."""

    detector: Detector
    geometry: BaseGeometry
    """Polygon or MultiPolygon that outlines the changed pixels, in `epsg`."""
    epsg: int
    area_ha: float
    mean_change: float
    """Mean of p_now - p_ref (network) or of the log-ratio of red (baseline) over changed pixels."""
    strength: float
    """area_ha * mean_change."""
    spread: float
    """Mean flip spread; quality, not noise."""
    slope_deg: float
    """90th percentile of slope under the cluster."""
    tiles: tuple[Tile, ...]
    alike_from_m: float | None = None
    """It is ground from this height up that changed alike: melting snow looks so, and slopes that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one look says about one event."""

    acquisition_id: str
    sensing_time: datetime
    detector: Detector
    """What measured `level`: of the look's own sensor, which need not be the one that opened the event."""
    verdict: Verdict
    observed_fraction: float
    """Share of the event's pixels observed by the look."""
    level: float
    """Mean change of the observed pixels against the frozen reference."""
    strength: float
    detail: str
    of_record: bool = True
    """False: the look's sensor was not the evidence of record on this ground (`core.sensors`)."""
    own: bool = True
    """False: of another sensor or track than the look that opened the event, asked for a change of its own."""
    rate: float | None = None
    """Of what opens an event: how often quiet ground opens one at least so strong, in false events per 1,000 km² and
    year (`core.null_rate`); None: not known there."""
    held_rate: float | None = None
    """The same of those that a later look supports."""
    rate_simulated: bool = False
    """Some of the ground on which both were counted is made up."""
    at_once: bool | None = None
    """Of what opens an event: rare enough to be an alert at once, by the thresholds of that day. They may change; what
    people have heard of stays what it is. None: decided by `strength` alone."""
    warning: bool = False
    """Of what opens an event at once: rare enough to be a warning ..."""
    held_warning: bool = False
    """... or once a later look supports it."""
    strata: tuple[str, ...] = ()
    """Of what opens an event: what kind of ground it is, and when (`core.strata`)."""
    withdrawn: bool = False
    """It was taken back (`ActionKind.ROLL_BACK`) and counts no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Ground that one look added to an event, so that the event can be drawn anew without it."""

    acquisition_id: str
    """Empty: what the event was before the first of them."""
    sensing_time: datetime
    geometry: BaseGeometry
    """EPSG:4326."""
    area_ha: float
    """Hectares that it adds."""
    foreign_ha: float = 0.0
    """Of these, what only another sensor or track saw change, as `Event.foreign_ha`."""
    mean_change: float
    """Of the others."""
    tiles: tuple[Tile, ...]
    took_in: tuple[str, ...] = ()
    """Ids of the alerts whose ground is part of it."""
    warning: bool = False
    """One of these was a warning."""
    withdrawn: bool = False
    """It was taken back and counts no more."""

    @property
    def kind(self) -> Growing:
        """What it tells of the event."""
        return Growing.TAKES_IN if self.took_in else Growing.GROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a person did with an event."""

    at: datetime
    """When; never before the newest evidence the person could have seen, whatever the clock said."""
    by: str
    """Who; empty where the service did it itself."""
    kind: ActionKind
    reason: str = ""
    """Of a dismissal a `DismissalReason`, of a merge the id of the other event, of a roll-back the state before, of a
    declaration its storm."""
    text: str = ""
    acquisition_id: str = ""
    """Of a merge: the look that shows it."""
    area_ha: float | None = None
    """Of a roll-back that takes ground back: hectares before."""
    withdrawn: bool = False
    """Of a merge: its look was taken back, and it counts no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step in an event's life, with its reason."""

    at: datetime
    """Sensing time of the look that caused it, or when a person did."""
    previous: EventState | None
    state: EventState
    reason: str  # kebab-case word
    detail: str
    acquisition_id: str | None
    by: str | None = None
    """The person who caused it."""
    tier: Tier = Tier.WATCH
    """Of the alert from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Changed ground and everything said about it."""

    id: str
    """Stable: derived from region, acquisition and place."""
    region: str
    state: EventState
    status: AlertStatus
    detector: Detector
    geometry: BaseGeometry
    """Outline of the changed ground, EPSG:4326."""
    area_ha: float
    mean_change: float
    strength: float
    spread: float
    slope_deg: float
    confidence: str
    """low, medium or high; `confidence_reason` says why. Not a probability."""
    confidence_reason: str
    window_start: datetime
    """Last look without the failure."""
    window_end: datetime
    """First look with it."""
    model_version: str
    comparable: str = Sensor.OPTICAL.value
    """`Acquisition.comparable` of the look that opened it."""
    foreign_ha: float = 0.0
    """Hectares of `area_ha` that only another sensor or track saw change: no part of `mean_change` and `strength`."""
    alike_from_m: float | None = None
    """As of the cluster that opened it."""
    tiles: tuple[Tile, ...]
    """It is judged on: those it lies on, and of ground that changed alike those around."""
    tier: Tier = Tier.WATCH
    storm: str = ""
    """Id of what it is grouped under: events of a region whose failure windows have a day in common (`core.storms`)."""
    released: bool = False
    """It may go to the public: a person has said so, or the region's configuration."""
    split_from: str | None = None
    """Id of the event that was refuted by the look which opened this one on part of its ground."""
    took_in: tuple[str, ...] = ()
    """Ids of the alerts that grew together with it and ended."""
    picture: str | None = None
    """Relative path of the picture in the product folder."""
    context: EventContext | None = None
    """What surrounds it; None of candidates, and of alerts from before it was kept."""
    evidence: tuple[Evidence, ...] = ()
    growth: tuple[Growth, ...] = ()
    """Empty: its ground is what it opened with. Else outline, hectares and change follow from these (`core.growth`)."""
    actions: tuple[Action, ...] = ()
    transitions: tuple[Transition, ...] = ()

    @property
    def rate(self) -> float | None:
        """How often quiet ground opens an event so strong, of a confirmed one: one that holds; None: not known.

        In false events per 1,000 km² and year.
        """
        opening = self.opening
        if opening is None:
            return None
        return opening.held_rate if self.state in (EventState.CONFIRMED, EventState.CLOSED) else opening.rate

    @property
    def rate_simulated(self) -> bool:
        """Some of the ground on which its rate was counted is made up."""
        return self.opening is not None and self.opening.rate_simulated

    @property
    def opening(self) -> Evidence | None:
        """What opened it."""
        return next((piece for piece in self.evidence if piece.verdict is Verdict.OPENS), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenReference:
    """One look that belongs to the frozen reference of an event on one tile."""

    event_id: str
    tile: Tile
    acquisition_id: str
    look_href: str
    comparable: str = Sensor.OPTICAL.value
    """`Acquisition.comparable` of the look: a later look is judged against those of its own class."""
