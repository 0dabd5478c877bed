"""Steps of the way from the satellite to the receiver."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.core.delays import Step, of_delivery, of_discovery, of_processing
from monitor.records import AcquisitionState, Escalation, LedgerEntry, Message, MessageKind, Unanswered
from tests.adapters.store.factories import acquisition, day

HOUR = 3600.0


def at(hours: float) -> datetime:
    """So many hours after the pass of day 1."""
    return day(1) + timedelta(hours=hours)


def entry(discovered: datetime | None, history: bool = False) -> LedgerEntry:
    """An acquisition that is done."""
    return LedgerEntry(
        acquisition=acquisition(1),
        state=AcquisitionState.DONE,
        reason="compared",
        detail="",
        attempts=1,
        not_before=None,
        updated=at(9),
        history=history,
        discovered=discovered,
    )


def message(**changes: object) -> Message:
    """A revision that was written two hours after the pass."""
    plain = Message(
        idempotency_key="E1:1", channel="mail", event_id="E1", sequence=1, payload={}, created=at(2), attempts=1
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_discovery() -> None:
    """An acquisition is published with the last of its items, and not known to be where one does not say."""
    plain = acquisition(1)
    (item,) = plain.items
    said = replace(plain, items=(replace(item, published=at(2)), replace(item, published=at(3))))
    silent = replace(plain, items=(replace(item, published=at(2)), item))
    assert dict(of_discovery([said], at(4))) == {
        Step.SENSED_TO_DISCOVERED: 4 * HOUR,
        Step.SENSED_TO_PUBLISHED: 3 * HOUR,
        Step.PUBLISHED_TO_DISCOVERED: HOUR,
    }
    assert of_discovery([silent], at(4)) == ((Step.SENSED_TO_DISCOVERED, 4 * HOUR),)


def test_a_date_that_cannot_be_is_no_delay() -> None:
    """Published before it was sensed, or found before it was published: somebody's clock is wrong."""
    plain = acquisition(1)
    early, late = (replace(plain, items=(replace(plain.items[0], published=at(hours)),)) for hours in (-1, 9))
    assert [step for step, _ in of_discovery([early], at(4))] == [
        Step.SENSED_TO_DISCOVERED,
        Step.PUBLISHED_TO_DISCOVERED,
    ]
    assert [step for step, _ in of_discovery([late], at(4))] == [Step.SENSED_TO_DISCOVERED, Step.SENSED_TO_PUBLISHED]


def test_processing() -> None:
    """Every alert that an acquisition opened counts; history waits for nobody."""
    alerted = (Step.SENSED_TO_ALERTED, 9 * HOUR)
    assert of_processing(entry(at(4)), 2, at(9)) == ((Step.DISCOVERED_TO_PROCESSED, 5 * HOUR), alerted, alerted)
    assert of_processing(entry(None), 1, at(9)) == (alerted,)
    assert of_processing(entry(at(4), history=True), 1, at(9)) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": MessageKind.ALIVE},
        {"replays": 1},
        {"held_back": True},
        {"escalation": Escalation(why=Unanswered.UNTOLD, since=day(1))},
    ],
)
def test_what_waited_on_purpose_is_no_delay(changes: dict[str, object]) -> None:
    """Nor is what is about no alert."""
    assert of_delivery([message(), message(**changes)], at(3)) == ((Step.ALERTED_TO_DELIVERED, HOUR),)
