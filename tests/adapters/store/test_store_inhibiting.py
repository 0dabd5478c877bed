"""Alerts whose evidence is in doubt: only those wait, only as long as that lasts; on both databases."""

from dataclasses import replace
from datetime import timedelta

from monitor.adapters.store import SqlStore
from monitor.adapters.store.views import Chosen
from monitor.records import Action, ActionKind, DeliveryState, EventState
from tests.adapters.store.factories import LEASE, NOW, acquisition, event, evidence, result
from tests.adapters.store.test_store_deliveries import DUTY, ME, MINUTE, take_all
from tests.adapters.store.test_store_escalating import BOTH, real
from tests.adapters.store.test_store_events import process

HELD = "inhibited:optical-001_v1"


def plan(store: SqlStore, minutes: float = 0) -> dict[str, str | None]:
    """What the watch does every few seconds; what is due, with its reason."""
    store.plan_deliveries([DUTY], NOW + minutes * MINUTE)
    return {one.idempotency_key: one.reason for one in store.deliveries(state=DeliveryState.DUE)}


def republish(store: SqlStore) -> None:
    """The producer replaces the first scene."""
    store.discover("atsuma", [acquisition(1, "v2")], [], NOW)


def test_only_what_rests_on_a_replaced_scene_alone_waits(store: SqlStore) -> None:
    """Until the newer version was looked at; what another scene or a person speaks for goes on."""
    firm = replace(real("FIRM"), evidence=(*real("FIRM").evidence, evidence(acquisition(2))))
    process(store, acquisition(1), real("A"), firm, real("ACKED"))
    process(store, acquisition(3), event(acquisition(3), "OTHER"))
    done = Action(at=NOW, by="officer", kind=ActionKind.ACKNOWLEDGE)
    store.act("ACKED", done, NOW)
    republish(store)
    assert plan(store) == {"A:0": HELD, "FIRM:0": None, "ACKED:0": None, "OTHER:0": None}
    assert sorted(take_all(store)) == [["ACKED:0"], ["FIRM:0"], ["OTHER:0"]]
    assert plan(store, 5) == {"A:0": HELD}
    entry = store.claim(ME, LEASE, NOW, ["atsuma"])
    assert entry is not None
    assert plan(store, 6) == {"A:0": HELD}, "it is being looked at"
    assert store.complete(entry.acquisition, ME, result(), NOW)
    assert plan(store, 7) == {"A:0": None}
    assert take_all(store, after=7 * MINUTE) == [["A:0"]]


def test_an_alert_that_ends_is_told_in_order(store: SqlStore) -> None:
    """What ended meanwhile waits for nothing: a receiver hears what it was, and that it is over."""
    process(store, acquisition(1), real("A"))
    republish(store)
    assert plan(store) == {"A:0": HELD}
    store.act("A", Action(at=NOW, by="officer", kind=ActionKind.DISMISS, reason="works"), NOW)
    assert plan(store, 1) == {"A:0": None, "A:1": None}
    assert take_all(store, after=MINUTE) == [["A:0"], ["A:1"]]


def test_a_faulty_newer_version_mutes_nothing(store: SqlStore) -> None:
    """One that is parked says nothing against the older; nor does one that nobody gets round to, for ever."""
    process(store, acquisition(1), real("A"))
    republish(store)
    assert plan(store, 5 * 60) == {"A:0": HELD}
    assert plan(store, 6 * 60) == {"A:0": None}
    assert plan(store, 5) == {"A:0": HELD}
    entry = store.claim(ME, LEASE, NOW, ["atsuma"])
    assert entry is not None
    store.park(entry.acquisition, ME, "zero-filled", "half of it is empty", NOW)
    assert plan(store, 6) == {"A:0": None}


def test_what_a_person_processes_again_waits_for_nothing(store: SqlStore) -> None:
    """`reprocess` is no doubt: what was seen counts until it was looked at again."""
    process(store, acquisition(1), real("A"))
    store.reprocess(Chosen(region="atsuma", tiles=()), NOW, NOW - timedelta(days=9000))
    assert {entry.state.value for entry in store.ledger()} == {"superseded", "discovered"}
    assert plan(store) == {"A:0": None}
    assert store.event("A") is not None
    assert store.events(open_only=True)[0].state is EventState.PROVISIONAL


def test_nobody_is_blamed_for_what_was_kept_back(store: SqlStore) -> None:
    """The time in which people may answer begins when the alert is let go, not when it was found."""
    store.plan_deliveries(BOTH, NOW)
    process(store, acquisition(1), real("A"))
    republish(store)
    for minutes in (0, 31, 6 * 60, 6 * 60 + 29):
        store.plan_deliveries(BOTH, NOW + minutes * MINUTE)
        assert store.deliveries("chief") == [], minutes
    store.plan_deliveries(BOTH, NOW + (6 * 60 + 30) * MINUTE)
    (told,) = store.deliveries("chief")
    assert told.idempotency_key.startswith("A:0")


def test_a_clock_that_was_ahead_mutes_nothing(store: SqlStore) -> None:
    """What was replaced on a day to come holds nothing back until that day."""
    process(store, acquisition(1), real("A"))
    store.discover("atsuma", [acquisition(1, "v2")], [], NOW + timedelta(days=365))
    assert plan(store) == {"A:0": None}
