"""How grave an event is, and what CAP says of it: each by one table (docs/alerts.md, Context).

Severity is of the ground and what lies on it; urgency and certainty follow from the state of the alert alone.

    state                                        urgency                         certainty
    candidate                                    never told
    provisional                                  expected where something is     possible
                                                 exposed or that is not known,
                                                 else future; of a whole
                                                 tile future
    confirmed                                    as provisional                  likely
    open, and confirmed from the field           as provisional                  observed
    closed (settled, merged), expired            past                            as it was before it ended
    closed (ground-recovered)                    past                            as it was before it ended
    closed (dismissed-...)                       past                            unlikely
    refuted                                      past                            unlikely

The ground has failed when an alert opens, and nobody saw it begin: urgency is never `immediate`.
"""

from dataclasses import dataclass

from monitor.core.lifecycle import CONFIRMED_IN_FIELD, DISMISSED, OPEN_STATES
from monitor.records import (
    ActionKind,
    Certainty,
    Detector,
    Event,
    EventState,
    Exposure,
    Nearby,
    Severity,
    Urgency,
    ZoneRelation,
)

_STEPS = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityRow:
    """What makes an event so grave: any one of these. None, or False, asks for nothing."""

    area_ha: float | None = None
    buildings: int | None = None
    """Within `near_m` of the changed ground or of its possible runout, as roads."""
    roads: int | None = None
    zone: bool = False
    """It lies in, or could run out into, a designated zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityTable:
    """The rows, worst first; what none of them fits is minor."""

    extreme: SeverityRow = SeverityRow(area_ha=50.0, buildings=20)
    severe: SeverityRow = SeverityRow(area_ha=10.0, buildings=1)
    moderate: SeverityRow = SeverityRow(area_ha=1.0, roads=1, zone=True)
    low_confidence_steps: int = 1
    """An event of low confidence is so many steps less grave."""


def severity(event: Event, exposure: Exposure | None, table: SeverityTable) -> tuple[Severity, str]:
    """How grave an event is by its size, its confidence and what is exposed, and why in words.

    Where a layer cannot be read it is moderate at least: what lies there is not known. The rise of a whole tile has no
    outline, so neither its size nor what is exposed is known: it asks for a look, and is minor.

    Args:
        exposure: None: the region has no layers.
    """
    if event.detector is Detector.TILE:
        return Severity.MINOR, "a whole tile: neither how much ground it is nor what is exposed is known"
    rows = ((Severity.EXTREME, table.extreme), (Severity.SEVERE, table.severe), (Severity.MODERATE, table.moderate))
    met = ((level, _reasons(row, event.area_ha, exposure)) for level, row in rows)
    level, reasons = next(((level, why) for level, why in met if why), (Severity.MINOR, [_hectares(event.area_ha)]))
    if event.confidence == "low" and table.low_confidence_steps and level is not Severity.MINOR:
        level = _STEPS[max(0, _STEPS.index(level) - table.low_confidence_steps)]
        reasons.append("lowered for low confidence")
    if exposure is None:
        reasons.append("no layers to tell what is exposed")
    elif exposure.unreadable:
        reasons.append("exposure unknown")
        level = max(level, Severity.MODERATE, key=_STEPS.index)
    return level, ", ".join(reasons)


def _hectares(area_ha: float) -> str:
    return f"{area_ha:.1f} ha"


def _reasons(row: SeverityRow, area_ha: float, exposure: Exposure | None) -> list[str]:
    found = []
    if row.area_ha is not None and area_ha >= row.area_ha:
        found.append(_hectares(area_ha))
    if exposure is None:
        return found
    for limit, there, what in ((row.buildings, exposure.buildings, "building"), (row.roads, exposure.roads, "road")):
        if limit is not None and there is not None and there.count >= max(limit, 1):
            found.append(f"{there.count} {what}{'' if there.count == 1 else 's'} within {exposure.near_m:g} m")
    if row.zone and exposure.zone not in (None, ZoneRelation.OUTSIDE):
        found.append("a designated zone")
    return found


def urgency(event: Event) -> Urgency:
    """How soon somebody should act. Never `immediate`: a slope that has failed is not by itself about to."""
    if event.state is EventState.CANDIDATE:
        return Urgency.UNKNOWN
    if event.state not in OPEN_STATES:
        return Urgency.PAST
    if event.detector is Detector.TILE:
        return Urgency.FUTURE
    exposed = event.context.exposure if event.context is not None else None
    return Urgency.FUTURE if exposed is not None and _nothing_there(exposed) else Urgency.EXPECTED


def _nothing_there(found: Exposure) -> bool:
    """Whether it is known that neither road nor building is near, and no designated zone."""
    empty = all(_is_none(one) for one in (found.roads, found.buildings))
    return empty and not found.unreadable and found.zone in (None, ZoneRelation.OUTSIDE)


def _is_none(one: Nearby | None) -> bool:
    return one is not None and one.count == 0


def certainty(event: Event) -> Certainty:
    """How sure it is that the ground failed: by its states, and by a person who has seen it there."""
    if event.state is EventState.CANDIDATE:
        return Certainty.UNKNOWN
    last = event.transitions[-1] if event.transitions else None
    if event.state is EventState.REFUTED or (last is not None and last.reason.startswith(DISMISSED)):
        return Certainty.UNLIKELY
    # Lists have the steps of an event without what people did.
    in_field = any(step.reason == CONFIRMED_IN_FIELD for step in event.transitions)
    if in_field or any(action.kind is ActionKind.CONFIRM for action in event.actions):
        return Certainty.OBSERVED
    ever_confirmed = any(step.state is EventState.CONFIRMED for step in event.transitions)
    return Certainty.LIKELY if event.state is EventState.CONFIRMED or ever_confirmed else Certainty.POSSIBLE
