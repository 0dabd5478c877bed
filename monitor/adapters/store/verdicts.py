"""What people said of alerts. Functions take the session of one transaction."""

from datetime import datetime
from itertools import groupby

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from monitor.adapters.store.schema import ActionRow, EventRow, TransitionRow
from monitor.core.lifecycle import ALERT_STATES, CONFIRMED_IN_FIELD, MERGED, ROLLED_BACK
from monitor.core.precision import Judged
from monitor.records import ActionKind, AlertStatus, Detector, Tier

_JUDGEMENTS = (ActionKind.CONFIRM.value, ActionKind.DISMISS.value)


def judged(session: Session, since: datetime) -> list[Judged]:
    """Every real alert that a look showed first at or after a time, with the last word of people on it.

    Left out are alerts that became part of another one or were taken back, and what was no alert before a person had
    seen it: it says nothing of how far alerts are to be trusted.
    """
    said = session.execute(
        select(ActionRow.event_id, ActionRow.kind)
        .where(ActionRow.kind.in_(_JUDGEMENTS), ActionRow.event_id.in_(_alerts(since)))
        .order_by(ActionRow.at, ActionRow.id)
    )
    last = {event_id: kind == ActionKind.CONFIRM.value for event_id, kind in said}
    before = _before_confirmed(session, since)
    columns = (EventRow.id, EventRow.region, EventRow.tier, EventRow.detector, EventRow.window_end)
    return [
        Judged(
            region=region,
            tier=before.get(event_id) or Tier(tier),
            detector=Detector(detector),
            seen=seen,
            landslide=last.get(event_id),
        )
        for event_id, region, tier, detector, seen in session.execute(_alerts(since).with_only_columns(*columns))
        if before.get(event_id, Tier.WATCH) is not None
    ]


def _alerts(since: datetime) -> Select[str]:
    return select(EventRow.id).where(
        EventRow.told_at.is_not(None),
        EventRow.window_end >= since,
        EventRow.status == AlertStatus.ACTUAL.value,
        EventRow.told_reason.not_in((MERGED, ROLLED_BACK)),
    )


def _before_confirmed(session: Session, since: datetime) -> dict[str, Tier | None]:
    """Of alerts that a person confirmed, the tier before that; None: it was no alert."""
    confirmed = select(ActionRow.event_id).where(
        ActionRow.kind == ActionKind.CONFIRM.value, ActionRow.event_id.in_(_alerts(since))
    )
    steps = session.execute(
        select(TransitionRow.event_id, TransitionRow.state, TransitionRow.tier, TransitionRow.reason)
        .where(TransitionRow.event_id.in_(confirmed))
        .order_by(TransitionRow.event_id, TransitionRow.sequence)
    )
    return {event_id: _tier_before(list(of_event)) for event_id, of_event in groupby(steps, lambda row: row[0])}


def _tier_before(steps: list[Row[str, str, str, str]]) -> Tier | None:
    names = [reason for *_, reason in steps]
    earlier = steps[: names.index(CONFIRMED_IN_FIELD)] if CONFIRMED_IN_FIELD in names else steps
    tiers = [Tier(tier) for _, state, tier, _ in earlier if state in {one.value for one in ALERT_STATES}]
    if not tiers:
        return None
    return Tier.WARNING if Tier.WARNING in tiers else Tier.WATCH
