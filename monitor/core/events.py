"""From clusters to events, and what a later look says about an event."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitor.core.acquisitions import processing
from monitor.core.declared import Declared, eased_lifecycle, maker, reason, reason_anew
from monitor.core.grid import project
from monitor.core.grown_ground import counting, opened_on
from monitor.core.lifecycle import (
    ALERT_STATES,
    ENDED_STATES,
    RELEASED,
    LifecycleSettings,
    Piece,
    is_at_once,
    replay,
    weighed,
)
from monitor.core.masks import MaskSource
from monitor.core.null_rate import NullRates
from monitor.core.sensors import MEASURES, NAMES
from monitor.core.shares import percent
from monitor.records import (
    Action,
    ActionKind,
    AlertStatus,
    Cluster,
    Declaration,
    Event,
    EventState,
    Evidence,
    Sensor,
    Tier,
    Tile,
    Verdict,
)

_MIN_OBSERVED = 0.3
"""Share of an event that a look must see before it may speak."""
_STILL_CHANGED = 0.5
"""Share of the opening change that counts as still changed."""
_A_SCAR_HA, _A_SCAR = 0.1, 0.01
"""So much ground that would start a cluster is a landslide, however large the outline is that another sensor drew; but
it stands for no outline of which, as far as it was seen, it is a smaller share."""
_BACK = 0.25
"""Share of the opening change below which the ground is back as it was."""
_LARGE_SHIFT_DB = 1.5
"""Backscatter of undisturbed ground varies by about 1 dB from pass to pass."""
_SEEN_AROUND = 0.5
"""Less than this share of a cluster's surroundings seen is a doubt: a gap between clouds shows their rims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookContext:
    """What an event needs to know of the acquisition that made its clusters."""

    region: str
    acquisition_key: str
    acquisition_id: str
    sensing_time: datetime
    previous_time: datetime
    """Newest look before this one; a cluster's own ground may have been seen last much earlier."""
    model_version: str
    status: AlertStatus
    mask_source: str
    shift: float
    """Scene shift that was removed from the detector's change: log-ratio of red, or decibels."""
    sensor: Sensor = Sensor.OPTICAL
    comparable: str = Sensor.OPTICAL.value
    """`Acquisition.comparable`."""
    records: Mapping[Tile, Sensor | None] = field(default_factory=dict)
    """The evidence of record on every tile at the time of the look."""
    of_record: bool = True
    """Whether the look is the evidence of record on the cluster's ground."""
    seen_around: float = 1.0
    """Share of the ground within 300 m of the cluster that was seen both now and before."""
    beside_hidden: bool = False
    """Cloud, shadow or snow within 60 m of the cluster."""
    plain_status: AlertStatus | None = None
    """Status of what is found without the network; None: `status`."""
    null: NullRates | None = None
    """What quiet ground does; None: nobody knows."""
    strata: tuple[str, ...] = ()
    """What kind of ground the cluster lies on, and when."""
    released: bool = False
    """What it opens may go to the public without a person's word."""
    declared: Declaration | None = None
    """What a person has declared on the cluster's ground."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One look's change on an event's pixels against its frozen reference."""

    observed_fraction: float
    mean_change: float | None
    area_ha: float
    strong_ha: float = 0.0
    """Hectares on slopes whose change alone would start a cluster."""


def measure(
    change: NDArray[np.float32],
    ground: NDArray[np.bool_],
    pixel_ha: float,
    strong: NDArray[np.bool_] | None = None,
) -> Level:
    """Level of a change layer (H, W; NaN = not observed) on the pixels of an event (H, W).

    `strong` (H, W) are the pixels that may start a cluster of the layer's detector: none unless given.
    """
    values = change[ground]
    seen = np.isfinite(values)
    area_ha = float(ground.sum()) * pixel_ha
    if not seen.any():
        return Level(observed_fraction=0.0, mean_change=None, area_ha=area_ha)
    return Level(
        observed_fraction=float(seen.mean()),
        mean_change=float(values[seen].mean(dtype=np.float64)),
        area_ha=area_ha,
        strong_ha=float((strong & ground).sum()) * pixel_ha if strong is not None else 0.0,
    )


def together(levels: Sequence[Level]) -> Level:
    """One level of the parts of an event, at least one, that lie on different grids."""
    if len(levels) == 1:
        return levels[0]
    area_ha = sum(level.area_ha for level in levels)
    seen = [(level.area_ha * level.observed_fraction, level.mean_change or 0.0) for level in levels]
    seen_ha = sum(hectares for hectares, _ in seen)
    return Level(
        observed_fraction=seen_ha / area_ha if area_ha else 0.0,
        mean_change=sum(hectares * change for hectares, change in seen) / seen_ha if seen_ha else None,
        area_ha=area_ha,
        strong_ha=sum(level.strong_ha for level in levels),
    )


def judge(level: Level, opening_change: float, quiet: float = 0.0) -> tuple[Verdict, str]:
    """What a level says about an event that opened with `opening_change`, where quiet ground shows `quiet`."""
    if level.mean_change is None or level.observed_fraction < _MIN_OBSERVED:
        return Verdict.NOT_OBSERVED, f"{percent(level.observed_fraction)}% of the ground was seen"
    share = _share(level.mean_change, opening_change, quiet)
    detail = f"change {level.mean_change:+.2f} against the ground as it was before, {share:.0%} of the first"
    detail += _above(quiet)
    if share >= _STILL_CHANGED:
        return Verdict.SUPPORTS, detail
    if share < _BACK:
        return Verdict.CONTRADICTS, detail
    return Verdict.INCONCLUSIVE, detail


def judge_across(level: Level, high: float, sensor: Sensor, quiet: float = 0.0) -> tuple[Verdict, str]:
    """What a look says about an event that another sensor or track opened.

    Args:
        level: change in the look's own measure against its own earlier looks, on the event's ground.
        high: the change from which its detector starts a cluster.
        sensor: of the look.
        quiet: what its measure shows where nothing happened.

    Change is never compared across sensors: the look is asked whether it saw a change of its own. Optics see every
    fresh scar in the open, so none is evidence against it; radar misses one landslide in eight (Mondini et al. 2019,
    doi:10.3390/rs11070760), so its silence is none.
    """
    if level.mean_change is None or level.observed_fraction < _MIN_OBSERVED:
        return Verdict.NOT_OBSERVED, f"{percent(level.observed_fraction)}% of the ground was seen"
    share = _share(level.mean_change, high, quiet)
    own = f"{level.mean_change:+.2f} of its own"
    detail = f"{NAMES[sensor]}: change {own}, {share:.0%} of what would start a cluster{_above(quiet)}"
    # A small scar in the coarse outline of another sensor is a scar all the same.
    scar = level.strong_ha >= max(_A_SCAR_HA, _A_SCAR * level.area_ha * level.observed_fraction)
    if share >= _STILL_CHANGED or (sensor is Sensor.OPTICAL and scar):
        return Verdict.SUPPORTS, detail
    if share < _BACK and sensor is Sensor.OPTICAL:
        return Verdict.CONTRADICTS, detail
    return Verdict.INCONCLUSIVE, detail


def _share(level: float, whole: float, quiet: float) -> float:
    """How much of a change is there. What quiet ground shows as well is no change."""
    return (level - quiet) / (whole - quiet) if whole != quiet else 0.0


def _above(quiet: float) -> str:
    return f" above the {quiet:.1f} of quiet ground" if quiet else ""


def open_event(
    cluster: Cluster, context: LookContext, settings: LifecycleSettings, parent: Event | None = None
) -> Event:
    """A new event on the ground of one cluster.

    `parent` was refuted by the same look, and the cluster is what remains of it: it happened when that did.
    """
    rates = context.null.rate(cluster.detector, cluster.strength, context.strata) if context.null else None
    detail = f"{cluster.area_ha:.2f} ha changed by {cluster.mean_change:+.2f} ({MEASURES[cluster.detector]})"
    piece = Evidence(
        acquisition_id=context.acquisition_id,
        sensing_time=context.sensing_time,
        detector=cluster.detector,
        verdict=Verdict.OPENS,
        observed_fraction=1.0,
        level=cluster.mean_change,
        strength=cluster.strength,
        detail=detail
        + (_rarity(rates[0], context) if rates else "")
        + (f"; {reason(context.declared)}" if context.declared else ""),
        of_record=context.of_record,
        rate=rates[0] if rates else None,
        held_rate=rates[1] if rates else None,
        rate_simulated=context.null is not None and rates is not None and context.null.simulated,
        strata=context.strata,
    )
    piece = _inherited(weighed(piece, eased_lifecycle(settings, context.declared)), parent)
    transitions = replay([piece], settings)
    confidence, why = assess(cluster, context)
    return Event(
        id=event_id(cluster, context),
        region=context.region,
        state=transitions[-1].state,
        tier=transitions[-1].tier,
        status=context.status,
        detector=cluster.detector,
        geometry=project(cluster.geometry, cluster.epsg, 4326),
        area_ha=cluster.area_ha,
        mean_change=cluster.mean_change,
        strength=cluster.strength,
        spread=cluster.spread,
        slope_deg=cluster.slope_deg,
        confidence=confidence,
        confidence_reason=why,
        window_start=parent.window_start if parent else context.previous_time,
        window_end=parent.window_end if parent else context.sensing_time,
        storm=parent.storm if parent else "",
        split_from=parent.id if parent else None,
        released=context.released or (parent is not None and parent.released),
        model_version=context.model_version,
        comparable=context.comparable,
        alike_from_m=cluster.alike_from_m,
        tiles=cluster.tiles,
        evidence=(piece,),
        transitions=transitions,
    )


def _inherited(opening: Evidence, parent: Event | None) -> Evidence:
    """What remains of an alert is an alert, and of a warning a warning."""
    if parent is None or not any(step.state in ALERT_STATES for step in parent.transitions):
        return opening
    warning = opening.warning or parent.tier is Tier.WARNING
    return replace(opening, at_once=True, of_record=True, warning=warning)


def _rarity(rate: float, context: LookContext) -> str:
    ground = "simulated quiet ground" if context.null and context.null.simulated else "quiet ground"
    words = f" ({', '.join(context.strata)})" if context.strata else ""
    return f"; {ground} does so {rate:.3g} times per 1,000 km² and year{words}"


def event_id(cluster: Cluster, context: LookContext) -> str:
    """Stable: the same ground in the same acquisition of the same region always gives the same id."""
    point = cluster.geometry.representative_point()
    place = f"{context.region}|{context.acquisition_key}|{cluster.epsg}|{point.x:.0f}|{point.y:.0f}"
    if (number := processing(context.acquisition_id)) > 1:
        place += f"|{number}"  # what the first one opened may have been taken back, and people have heard so
    digest = hashlib.sha256(place.encode()).hexdigest()[:8]
    return f"{context.region}-{context.sensing_time:%Y%m%d}-{digest}"


def add_evidence(event: Event, pieces: Sequence[Evidence], settings: LifecycleSettings) -> Event:
    """The event with new evidence; a look that already spoke through the same detector is ignored."""
    said = {(piece.acquisition_id, piece.detector): piece for piece in event.evidence}
    for piece in pieces:
        said.setdefault((piece.acquisition_id, piece.detector), piece)
    if len(said) == len(event.evidence):
        return event
    return replayed(replace(event, evidence=tuple(said.values())), settings)


def with_actions(event: Event, actions: Sequence[Action], settings: LifecycleSettings) -> Event:
    """The event with what people did, in order of time."""
    done = sorted({*event.actions, *actions}, key=lambda one: (one.at, one.kind, one.by, one.acquisition_id))
    return replayed(replace(event, actions=tuple(done)), settings)


def weighed_anew(event: Event, declarations: Iterable[Declaration], settings: LifecycleSettings) -> Event:
    """The event by the thresholds that people eased for the look that opened it, when they did so after that look.

    It counts from the beginning of the event, as if it had been declared before: for what it opened on, not for ground
    that it has grown onto since. But what has ended stays ended. What was no alert yet is grouped under what was
    declared.

    Args:
        declarations: all of the event's region.
    """
    opening, known = event.opening, tuple(declarations)
    made = maker(known, event)
    if made is not None and not any(step.state in ALERT_STATES for step in event.transitions):
        event = replace(event, storm=made.storm)
    declared_since = any(one.kind is ActionKind.DECLARE for one in event.actions)
    if opening is None or opening.withdrawn or not opening.of_record or declared_since or is_at_once(opening, settings):
        return event
    declared = Declared.of(known, opening.sensing_time).on(opened_on(event))
    if declared is None or _is_weighed_by(opening, declared):
        return event
    if not weighed(opening, eased_lifecycle(settings, declared)).at_once:
        return event
    why = reason_anew(declared)
    action = Action(at=declared.declared, by="", kind=ActionKind.DECLARE, reason=declared.storm, text=why)
    anew = with_actions(event, [action], settings)
    # Its ground was nobody's since it ended: no look was asked about it, and another event may stand there.
    return event if event.state in ENDED_STATES and anew.state not in ENDED_STATES else anew


def _is_weighed_by(opening: Evidence, declared: Declaration) -> bool:
    """Whether a look knew of a declaration when it opened an event: by the thresholds of that day it stays what it was.

    Thresholds of tiers that were raised since are nothing that was declared.
    """
    return reason(declared) in opening.detail


def replayed(event: Event, settings: LifecycleSettings) -> Event:
    """The event with the steps, state and tier that follow from all that counts of what is known of it."""
    known: tuple[Piece, ...] = (*event.evidence, *counting(event.growth), *event.actions)
    pieces = [piece for piece in known if not piece.withdrawn]
    transitions = replay(pieces, settings)
    last = transitions[-1] if transitions else None
    return replace(
        event,
        transitions=transitions,
        state=last.state if last else EventState.CANDIDATE,
        tier=last.tier if last else event.tier,
        released=event.released or any(step.reason == RELEASED for step in transitions),
    )


def assess(cluster: Cluster, context: LookContext) -> tuple[str, str]:
    """Confidence in words, with what lowers it. Not a probability."""
    doubts = []
    if context.sensor is Sensor.OPTICAL:
        doubts += _doubts_of_the_mask(context)
    if cluster.alike_from_m is not None:
        doubts.append(changed_alike(cluster.alike_from_m))
    if context.seen_around < _SEEN_AROUND:
        doubts.append(f"only {percent(context.seen_around)}% of the ground around it was seen")
    if context.sensor is Sensor.OPTICAL and abs(context.shift) > 0.25:
        doubts.append(f"the whole scene shifted by {context.shift:+.2f} (season, sun or haze)")
    if context.sensor is Sensor.SAR and abs(context.shift) > _LARGE_SHIFT_DB:
        doubts.append(f"the whole scene shifted by {context.shift:+.1f} dB (rain, snow or wet soil)")
    if cluster.spread > 0.15:
        doubts.append(f"the network's answer depends on the image's orientation (spread {cluster.spread:.2f})")
    if cluster.area_ha < 0.3:
        doubts.append("small for 10 m pixels")
    if cluster.slope_deg < 15.0:
        doubts.append("gentle slope")
    if (context.sensing_time - context.previous_time).days > 90:
        doubts.append(f"{(context.sensing_time - context.previous_time).days} days since the look before")
    level = "high" if not doubts else "medium" if len(doubts) < 3 else "low"
    return level, "; ".join(doubts) or "none of the known doubts"


def changed_alike(from_m: float) -> str:
    """Of a change that snow makes as well, in words."""
    return f"slopes from {from_m:.0f} m up changed alike: melting snow, or slopes that failed"


def _doubts_of_the_mask(context: LookContext) -> list[str]:
    """What is not sure about clouds, by what told them."""
    if context.mask_source == MaskSource.SCL:
        return []
    if context.mask_source == MaskSource.S2CLOUDLESS:
        # Its clouds have a rim, so ground beside them is no doubt; ground that a shadow has left has brightened.
        return ["clouds were masked by s2cloudless, which finds no cloud shadows"]
    beside = ["it lies within 60 m of what looks like cloud or snow"] if context.beside_hidden else []
    return ["the source has no cloud mask", *beside]
