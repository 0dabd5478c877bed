"""What a silence keeps back, and who is told of what when it is over; on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from shapely import box

from monitor.adapters.store import SqlStore
from monitor.adapters.store.migration import downgrade
from monitor.records import AlertStatus, Channel, DeliveryState, EventState, Retried, Silence, Tier, Verdict
from tests.adapters.store.factories import LEASE, NOW, acquisition, event, later
from tests.adapters.store.test_store_deliveries import DUTY, ME, MINUTE, OPS, claim, confirmed, opened, take_all, tell
from tests.adapters.store.test_store_escalating import CHIEF

GATHERING = Channel(name="box", statuses=frozenset(AlertStatus), gather=10 * MINUTE)
SILENCE = Silence(
    id=0, region=None, start=NOW, until=NOW + 90 * MINUTE, geometry=None, why="roadworks", by="kk", at=NOW
)


def plan(store: SqlStore, minutes: float, *channels: Channel) -> timedelta:
    """What the watch does every few seconds, twice: the second time there is nothing to do. Minutes since the start."""
    for _ in range(2):
        store.plan_deliveries(channels or [DUTY], NOW + minutes * MINUTE)
    return minutes * MINUTE


def rows(store: SqlStore, channel: str = "duty") -> list[tuple[str, str, str | None]]:
    """What became of the messages of a channel."""
    return sorted((one.idempotency_key, one.state.value, one.reason) for one in store.deliveries(channel))


def test_what_still_stands_is_told_once_in_its_newest_revision(store: SqlStore) -> None:
    """Not what has ended meanwhile, and nothing a second time; also when a person ends the silence early."""
    number = store.add_silence(SILENCE)
    tell(store, opened("A"), opened("B"), opened("C"))
    plan(store, 0)
    tell(
        store,
        confirmed(opened("A")),
        later(opened("B"), acquisition(2), EventState.REFUTED, Verdict.CONTRADICTS),
        number=2,
    )
    plan(store, 10)
    assert take_all(store, after=10 * MINUTE) == []
    (kept,) = store.held_back(NOW + 10 * MINUTE)
    assert (kept.silence.id, kept.messages) == (number, 2), "what has ended is not told"
    (standing,) = store.channel_counts("duty")
    assert standing.counts == {DeliveryState.HELD: 4}, "every revision counts for the metric"
    assert store.end_silence(number, NOW + 20 * MINUTE)
    after = plan(store, 20)
    assert store.held_back(NOW + after) == []
    (message,) = store.claim_deliveries(DUTY, ME, LEASE, NOW + after)
    assert (message.idempotency_key, message.held_back) == ("C:0", True)
    store.delivered([message], ME, "HTTP 204", NOW + after)
    assert take_all(store, after=after) == [["A:1"]]
    assert rows(store) == [
        ("A:0", "suppressed", "superseded"),
        ("A:1", "delivered", None),
        ("B:0", "suppressed", f"silenced:{number}"),
        ("C:0", "delivered", None),
    ]
    tell(store, confirmed(opened("C")), number=3)
    assert take_all(store, after=plan(store, 30)) == [["C:1"]], "who was told hears what follows"


def test_many_are_told_together(store: SqlStore) -> None:
    """A channel that gathers gets one message of all that a silence held, whatever its storm, at every try."""
    plan(store, 0, GATHERING)
    store.add_silence(SILENCE)
    tell(store, opened("A", storm="S"), opened("B", storm="T"), opened("C"))
    plan(store, 0, GATHERING)
    after = plan(store, 90, GATHERING)
    messages = store.claim_deliveries(GATHERING, ME, LEASE, NOW + after)
    assert sorted(one.idempotency_key for one in messages) == ["A:0", "B:0", "C:0"]
    store.put_off(messages, ME, "no-answer", "silent", NOW + 91 * MINUTE)
    tell(store, confirmed(opened("A", storm="S")), opened("D", storm="S"), number=2)
    (together,) = take_all(store, GATHERING, plan(store, 110, GATHERING))
    assert sorted(together) == ["A:0", "A:1", "B:0", "C:0"], "and what has come of the same alerts since"
    assert take_all(store, GATHERING, plan(store, 120, GATHERING)) == [["D:0"]]


def test_what_was_first_planned_after_the_silence_goes_with_the_rest(store: SqlStore) -> None:
    """A revision of which nobody knew while it held, as after an outage, waits for no more of its storm."""
    plan(store, 0, GATHERING)
    store.add_silence(SILENCE)
    tell(store, opened("A"), opened("B"))
    plan(store, 0, GATHERING)
    tell(store, confirmed(opened("A")), number=2)
    (together,) = take_all(store, GATHERING, plan(store, 91, GATHERING))
    assert sorted(together) == ["A:1", "B:0"]


def test_another_silence_holds_it_on(store: SqlStore) -> None:
    """What two silences cover waits for both; what a part of the ground is silenced for, only where it touches."""
    first = store.add_silence(SILENCE)
    far = replace(opened("FAR"), geometry=box(10, 45, 10.01, 45.01))
    tell(store, opened("A"), far)
    plan(store, 0)
    ground = event(acquisition(1)).geometry.buffer(0.001)
    second = store.add_silence(replace(SILENCE, region="atsuma", geometry=ground, until=NOW + 120 * MINUTE))
    assert take_all(store, after=plan(store, 90)) == [["FAR:0"]]
    assert rows(store) == [("A:0", "held", f"silenced:{second}"), ("FAR:0", "delivered", None)]
    assert [one.messages for one in store.held_back(NOW + 90 * MINUTE)] == [1]
    assert take_all(store, after=plan(store, 120)) == [["A:0"]]
    assert first != second


def test_what_was_told_elsewhere_or_concerns_nobody_is_left(store: SqlStore) -> None:
    """A revision that came through after the silence overtakes what was held; what a channel is not for is not told."""
    store.add_silence(SILENCE)
    tell(store, opened("A"), opened("W"))
    plan(store, 0, DUTY, OPS)
    watched = confirmed(opened("W"))
    steps = (*watched.transitions[:-1], replace(watched.transitions[-1], tier=Tier.WATCH))
    tell(store, confirmed(opened("A")), replace(watched, tier=Tier.WATCH, transitions=steps), number=2)
    after = plan(store, 91, DUTY, OPS)
    assert take_all(store, after=after) == [["A:1"], ["W:1"]]
    assert take_all(store, OPS, after=after) == [["A:1"]], "a channel for warnings does not hear of what is for watch"
    assert rows(store, "ops") == [
        ("A:0", "suppressed", "superseded"),
        ("A:1", "delivered", None),
        ("W:0", "suppressed", "silenced:1"),
    ]


def test_a_person_sends_one_in_spite_of_it(store: SqlStore) -> None:
    """What is asked for by its key goes while the silence holds; what comes later is held again."""
    store.add_silence(SILENCE)
    tell(store, opened("A"))
    plan(store, 0)
    assert store.retry_deliveries("A:0", NOW) == Retried(due=1, superseded=0)
    assert take_all(store, after=plan(store, 1)) == [["A:0"]]
    tell(store, confirmed(opened("A")), number=2)
    assert claim(store, after=plan(store, 2)) == []


@pytest.mark.parametrize("days", [0, 10])
def test_escalation_goes_on_when_the_silence_is_over(store: SqlStore, days: int) -> None:
    """The chief is told of what nobody answered before it, and of what it held back once people had the time."""
    both = [DUTY, CHIEF]
    plan(store, 0, *both)
    tell(store, opened("T"))
    plan(store, 0, *both)
    take_all(store)
    over = 90 + days * 24 * 60
    store.add_silence(replace(SILENCE, start=NOW + MINUTE, until=NOW + over * MINUTE))
    tell(store, opened("A"), number=2)
    plan(store, 1, *both)
    plan(store, 60, *both)
    plan(store, over - 1, *both)
    assert rows(store, "chief") == [("T:0", "held", "silenced:1")]
    after = plan(store, over, *both)
    assert take_all(store, after=after) == [["A:0"]]
    assert take_all(store, CHIEF, after) == [["T:0"]]
    assert store.deliveries("chief")[0].escalation is not None
    assert take_all(store, CHIEF, plan(store, over + 29, *both)) == []
    assert take_all(store, CHIEF, plan(store, over + 30, *both)) == [["A:0"]]


def test_answered_in_the_silence(store: SqlStore) -> None:
    """What ended while it was held back is escalated to nobody."""
    both = [DUTY, CHIEF]
    plan(store, 0, *both)
    tell(store, opened("T"))
    plan(store, 0, *both)
    take_all(store)
    store.add_silence(SILENCE)
    plan(store, 60, *both)
    tell(store, later(opened("T"), acquisition(2), EventState.REFUTED, Verdict.CONTRADICTS), number=2)
    after = plan(store, 90, *both)
    assert take_all(store, CHIEF, after) == []
    assert rows(store, "chief") == [("T:0", "suppressed", "silenced:1")]
    assert take_all(store, after=after) == [["T:1"]], "who was told of it hears of its end"


def test_what_earlier_versions_swallowed_waits(store: SqlStore) -> None:
    """After an upgrade what a silence had set aside for good is told when it is over."""
    store.add_silence(SILENCE)
    tell(store, opened("A"))
    plan(store, 0)
    downgrade(store.database, "0018")
    store.upgrade()
    assert rows(store) == [("A:0", "held", "silenced:1")]
    assert take_all(store, after=plan(store, 90)) == [["A:0"]]
