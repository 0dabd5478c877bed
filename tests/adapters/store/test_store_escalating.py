"""Alerts that nobody answers: who else is told of them, when, why, and what stops it; on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from monitor.adapters.store import SqlStore, escalating
from monitor.core.events import add_evidence
from monitor.core.lifecycle import LifecycleSettings
from monitor.records import (
    Action,
    ActionKind,
    AlertStatus,
    Channel,
    DeliveryState,
    Escalation,
    Event,
    Silence,
    Tier,
    Unanswered,
    Verdict,
)
from tests.adapters.store.factories import LEASE, NOW, acquisition, event, evidence
from tests.adapters.store.test_store_deliveries import DUTY, ME, MINUTE, OTHER, confirmed, keys, opened, take_all, tell

CHIEF = Channel(name="chief", statuses=frozenset(AlertStatus), escalation={Tier.WARNING: 30 * MINUTE})
BOTH = [DUTY, CHIEF]


def plan(store: SqlStore, minutes: float, *channels: Channel) -> None:
    """What the watch does every few seconds."""
    store.plan_deliveries(channels or BOTH, NOW + minutes * MINUTE)


def chief(store: SqlStore, channel: str = "chief") -> list[tuple[str, str, str | None]]:
    """What the chief is to hear, was told, or need not hear."""
    rows = store.deliveries(channel)
    return sorted((one.idempotency_key, one.state.value, one.reason) for one in rows)


def test_nobody_acknowledges(store: SqlStore) -> None:
    """Half an hour after the first channel took a warning the chief hears of it, once; then of all that follows."""
    plan(store, 0)
    tell(store, opened("A"), opened("W", Tier.WATCH))
    plan(store, 0)
    assert take_all(store, after=5 * MINUTE) == [["A:0"], ["W:0"]]
    plan(store, 34)
    assert chief(store) == []
    plan(store, 35)
    plan(store, 35)
    (message,) = store.claim_deliveries(CHIEF, ME, LEASE, NOW + 35 * MINUTE)
    assert message.idempotency_key == "A:0"
    assert message.escalation == Escalation(why=Unanswered.UNACKNOWLEDGED, since=NOW + 5 * MINUTE)
    store.put_off([message], ME, "no-answer", "silent", NOW + 36 * MINUTE)
    (again,) = store.claim_deliveries(CHIEF, ME, LEASE, NOW + 36 * MINUTE)
    assert again.escalation == message.escalation, "the reason is the same at every try"
    store.delivered([again], ME, "HTTP 204", NOW + 36 * MINUTE)
    plan(store, 24 * 60)
    assert chief(store) == [("A:0", "delivered", None)]
    tell(store, confirmed(opened("A")), number=2)
    plan(store, 25 * 60)
    assert chief(store) == [("A:0", "delivered", None), ("A:1", "due", None)]
    assert [one.escalation is None for one in store.deliveries("chief")] == [True, False]


def test_alerts_of_others_keep_none_of_ours_back(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many alerts stand that a channel is not for, or whose time has not come: the one that is due is told."""
    monkeypatch.setattr(escalating, "_AT_ONCE", 2)
    here = replace(CHIEF, regions=frozenset({"valley"}), statuses=frozenset({AlertStatus.TEST}))
    plan(store, 0, DUTY, here)
    exercises = [replace(opened(f"B{n}"), region="valley", status=AlertStatus.EXERCISE) for n in range(3)]
    tell(store, *(opened(f"A{n}") for n in range(3)), *exercises, replace(opened("Z"), region="valley"))
    plan(store, 0, DUTY, here)
    take_all(store)
    tell(store, *(replace(opened(f"C{n}"), region="valley") for n in range(3)), number=2)
    plan(store, 25, DUTY, here)
    take_all(store, after=25 * MINUTE)
    plan(store, 31, DUTY, here)
    assert chief(store) == [("Z:0", "due", None)]


LIFE = LifecycleSettings()


def real(name: str) -> Event:
    """A warning whose steps follow from its evidence, for people to act on."""
    opening = evidence(acquisition(1), Verdict.OPENS, rate=1.0, held_rate=1.0, at_once=True, warning=True)
    blank = replace(event(acquisition(1), name), evidence=(), transitions=())
    return add_evidence(blank, [opening], LIFE)


def test_an_answer_stops_it(store: SqlStore) -> None:
    """Also when the message is due already; a comment is no answer."""
    answers = [ActionKind.ACKNOWLEDGE, ActionKind.CONFIRM, ActionKind.RELEASE, ActionKind.DISMISS]
    minister = replace(CHIEF, name="minister", escalation={Tier.WARNING: 60 * MINUTE})
    plan(store, 0, *BOTH, minister)
    tell(store, *(real(kind.value) for kind in [*answers, ActionKind.COMMENT]))
    plan(store, 0, *BOTH, minister)
    take_all(store)
    plan(store, 30, *BOTH, minister)
    assert [one[1:] for one in chief(store)] == [("due", None)] * 5
    for kind in [*answers, ActionKind.COMMENT]:
        reason = "works" if kind is ActionKind.DISMISS else ""
        done = Action(at=NOW, by="officer", kind=kind, reason=reason, text="seen")
        store.act(kind.value, done, NOW + 31 * MINUTE)
    plan(store, 31, *BOTH, minister)
    found = {key: (state, why) for key, state, why in chief(store) if key.endswith(":0")}
    assert found == {"comment:0": ("due", None)} | {f"{one.value}:0": ("suppressed", "answered") for one in answers}
    plan(store, 61, *BOTH, minister)
    assert chief(store, "minister") == [("comment:0", "due", None)]


def test_what_does_not_concern_it(store: SqlStore) -> None:
    """Tests and exercises only where it takes them, and only tiers that have a time."""
    others = [
        replace(CHIEF, name="status", statuses=frozenset({AlertStatus.ACTUAL})),
        replace(CHIEF, name="region", regions=frozenset({"abira"})),
        replace(CHIEF, name="tiers", tiers=frozenset({Tier.WATCH})),
    ]
    plan(store, 0, *BOTH, *others)
    tell(store, opened("A"), opened("W", Tier.WATCH))
    plan(store, 0, *BOTH, *others)
    take_all(store)
    plan(store, 60, *BOTH, *others)
    assert [(one.channel, one.idempotency_key) for one in store.deliveries() if one.channel != "duty"] == [
        ("chief", "A:0")
    ]


def test_silences_hold(store: SqlStore) -> None:
    """While a silence holds nobody is told that nobody answers, and what it kept from everybody nobody could answer."""
    plan(store, 0)
    tell(store, opened("T"))
    plan(store, 0)
    take_all(store)
    silence = Silence(id=0, region=None, start=NOW, until=NOW + 90 * MINUTE, geometry=None, why="test", by="kk", at=NOW)
    store.add_silence(silence)
    tell(store, opened("A"), number=2)
    plan(store, 0)
    plan(store, 60)
    assert chief(store) == [("T:0", "held", "silenced:1")]


def test_receivers_that_are_all_dead(store: SqlStore) -> None:
    """A warning that no channel takes is told to the chief as well, with those words."""
    plan(store, 0)
    tell(store, opened("A"))
    plan(store, 0)
    store.put_off(store.claim_deliveries(DUTY, OTHER, LEASE, NOW), OTHER, "no-answer", "", NOW + 60 * MINUTE)
    plan(store, 30)
    (row,) = store.deliveries("chief")
    assert row.escalation == Escalation(why=Unanswered.UNTOLD, since=NOW)


def test_channel_that_is_added_escalates_nothing_of_the_past(store: SqlStore) -> None:
    """Alerts that had been told before the chief's channel was added are not told to it; nor those of long ago."""
    plan(store, 0, DUTY)
    tell(store, opened("A"))
    plan(store, 0, DUTY)
    take_all(store)
    plan(store, 10)
    plan(store, 120)
    assert chief(store) == []
    tell(store, opened("B"), number=2)
    plan(store, 121)
    take_all(store, after=121 * MINUTE)
    store.plan_deliveries(BOTH, NOW + timedelta(days=9))
    assert chief(store) == [], "the watch was down for a week"


def test_escalations_of_a_storm_are_one_message(store: SqlStore) -> None:
    """They are told together at once: what was waited for is over."""
    chat = replace(CHIEF, gather=10 * MINUTE)
    plan(store, 0, DUTY, chat)
    tell(store, opened("A", storm="S"), opened("B", storm="S"))
    plan(store, 0, DUTY, chat)
    take_all(store)
    plan(store, 30, DUTY, chat)
    assert keys(store.claim_deliveries(chat, ME, LEASE, NOW + 30 * MINUTE)) == ["A:0", "B:0"]
    assert {one.state for one in store.deliveries("chief")} == {DeliveryState.DUE}


def test_the_time_of_a_warning_begins_when_it_is_one(store: SqlStore) -> None:
    """A watch that nobody looked at for hours and that becomes a warning leaves people the time of a warning."""
    plan(store, 0)
    watch = opened("A", Tier.WATCH)
    tell(store, watch)
    plan(store, 0)
    take_all(store)
    risen = confirmed(watch)
    steps = (*risen.transitions[:-1], replace(risen.transitions[-1], tier=Tier.WARNING))
    tell(store, replace(risen, tier=Tier.WARNING, transitions=steps), number=2)
    plan(store, 300)
    take_all(store, after=300 * MINUTE)
    plan(store, 329)
    assert chief(store) == []
    plan(store, 330)
    assert chief(store) == [("A:1", "due", None)]


def test_it_reads_no_more_than_what_was_sent_of_open_alerts(store: SqlStore) -> None:
    """It is asked every five seconds, and the table of all that was ever sent grows for years."""
    asked = escalating._standing(CHIEF, Tier.WARNING, NOW, NOW + 30 * MINUTE, ["A"])
    with store.database.read() as session:
        connection = session.connection()
        if not store.database.is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # the table is empty here, and read at once
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        query = str(asked.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
        explain = "EXPLAIN QUERY PLAN" if store.database.is_sqlite else "EXPLAIN"
        plan = connection.exec_driver_sql(f"{explain} {query.replace('%', '%%')}").all()
    assert "ix_delivery_event" in str(plan), plan
