"""What a person may have meant with an id that there is not. Functions take the session of one transaction."""

from difflib import get_close_matches

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.adapters.store.schema import EventRow
from monitor.errors import Refused

_NAMED = 3
_LEAST = 4
"""Characters that must be right before an id is found by a part of it."""
_COMPARED = 2000
"""Ids that are compared letter by letter, those told last: it takes a tenth of a second."""
_CUTOFF = 0.85
"""Ids of one region and day are alike to three quarters; beyond that it is a slip of the finger."""


def unknown_event(session: Session, event_id: str) -> Refused:
    """That there is no event of this name, with the alerts that look alike."""
    alike = _alike(session, event_id)
    meant = f"Did you mean {' or '.join(alike)}? " if alike else ""
    return Refused(
        "there is no event of this name",
        item=event_id,
        remedy=f"{meant}`scarpwatch alerts --all` lists all alerts, also those that ended; candidates are in no list.",
        reason="unknown-event",
    )


def _alike(session: Session, event_id: str) -> list[str]:
    """Ids of alerts that hold what was typed, newest first; else those that differ by little, nearest first."""
    told = select(EventRow.id).where(EventRow.told_at.is_not(None)).order_by(EventRow.told_at.desc(), EventRow.id)
    typed = event_id.strip().lower()
    if len(typed) >= _LEAST:
        holds = func.lower(EventRow.id).contains(typed, autoescape=True)
        if found := session.scalars(told.where(holds).limit(_NAMED)).all():
            return list(found)
    newest = {one.lower(): one for one in session.scalars(told.limit(_COMPARED))}
    return [newest[one] for one in get_close_matches(typed, newest, n=_NAMED, cutoff=_CUTOFF)]
