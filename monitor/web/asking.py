"""What requests hold, checked: ids, times, cursors. Whatever does not fit is a 4xx that says what would."""

import base64
import binascii
import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, StringConstraints

from monitor.adapters.store.listing import Place
from monitor.web.problems import Problem

_LARGEST_ROW = 2**62
_NO_CONTROL = r"^[^\x00-\x1f\x7f]+$"


def _utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError as err:
        raise ValueError("out of the range of times") from err


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
EventId = Annotated[
    str,
    Path(max_length=200, pattern=_NO_CONTROL, description="As in lists and feeds.", examples=["atsuma-20180908-3f"]),
]
Sequence = Annotated[int, Path(ge=0, le=1_000_000, description="Number of a revision that was told.")]
Name = Annotated[str, StringConstraints(max_length=200, pattern=_NO_CONTROL)]
Limit = Annotated[int, Query(ge=1, le=500, description="Alerts in one answer.")]
Cursor = Annotated[str, StringConstraints(max_length=400)]
"""From `next` of the answer before."""


def written(place: Place) -> str:
    """A cursor: opaque to callers."""
    plain = json.dumps([place.rank, place.event_id, place.begun])
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def read_place(cursor: str | None) -> Place | None:
    """Where a list was left.

    Raises:
        Problem: 400, nobody gave that cursor.
    """
    if cursor is None:
        return None
    try:
        rank, event_id, begun = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return Place(rank=float(rank), event_id=_clean(event_id), begun=_number(begun))
    except (ValueError, TypeError, binascii.Error, RecursionError) as err:
        raise bad_cursor(cursor) from err


def read_number(cursor: str | None) -> int | None:
    """Where an index was left.

    Raises:
        Problem: 400, nobody gave that cursor.
    """
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 18):
        raise bad_cursor(cursor)
    return int(cursor)


def bad_cursor(cursor: str) -> Problem:
    """It was not given by an answer."""
    remedy = "Leave it out to begin, then follow `next` of each answer."
    return Problem(HTTPStatus.BAD_REQUEST, "no such cursor", item=cursor[:100], remedy=remedy, reason="bad-cursor")


def no_such_alert(event_id: str) -> Problem:
    """Nobody was told of it, or it may not be seen."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        "there is no alert of this id that you may see",
        item=event_id,
        remedy="Lists and feeds show the ids there are; what is not released needs a token.",
        reason="unknown-event",
    )


def _clean(event_id: object) -> str:
    if not isinstance(event_id, str) or len(event_id) > 200 or not event_id.isprintable():
        raise ValueError("no id")
    return event_id


def _number(begun: object) -> int:
    if type(begun) is not int or not 0 <= begun < _LARGEST_ROW:
        raise ValueError("no row")
    return begun
