"""Channels in the database: each is told what it has not been told, whichever process has it and whenever."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from monitor.adapters.store import SqlStore
from monitor.adapters.store.migration import downgrade
from monitor.records import DeliveryState
from tests.adapters.store.factories import LEASE, NOW
from tests.adapters.store.test_store_deliveries import DUTY, ME, MINUTE, opened, take_all, tell

DAY = timedelta(days=1)
MAIL = replace(DUTY, name="mail")


def told(store: SqlStore, channel: str) -> list[str]:
    """Keys of what a channel was, or is, to hear."""
    return sorted(one.idempotency_key for one in store.deliveries(channel))


def test_processes_with_different_channels(store: SqlStore) -> None:
    """A process that has other channels says nothing for ours: each hears everything from when it was added."""
    tell(store, opened("A"))
    store.plan_deliveries([DUTY], NOW)
    tell(store, opened("B"), number=2)
    store.plan_deliveries([MAIL], NOW)
    assert (told(store, "duty"), told(store, "mail")) == (["A:0"], ["B:0"])
    store.plan_deliveries([DUTY], NOW)
    assert told(store, "duty") == ["A:0", "B:0"]
    chat = replace(DUTY, name="chat")
    tell(store, opened("C"), number=3)
    store.plan_deliveries([MAIL], NOW)
    store.plan_deliveries([DUTY, chat], NOW)
    assert (told(store, "duty"), told(store, "chat")) == (["A:0", "B:0", "C:0"], []), "one is behind, the other new"
    assert store.plan_deliveries([], NOW) == 0, "a process without channels leaves them to those that have some"


def test_channel_that_comes_back(store: SqlStore) -> None:
    """A channel that no process had for a while has lost nothing; after a month it begins anew, like a new one."""
    tell(store, opened("A"))
    store.plan_deliveries([DUTY, MAIL], NOW)
    tell(store, opened("B"), number=2)
    store.plan_deliveries([MAIL], NOW + 9 * DAY)
    assert [one.state for one in store.deliveries("duty")] == [DeliveryState.PARKED], "nobody had it for a day"
    store.plan_deliveries([DUTY, MAIL], NOW + 10 * DAY)
    assert told(store, "duty") == ["A:0", "B:0"]
    assert {one.state for one in store.deliveries("duty")} == {DeliveryState.DUE}, "it gets what it missed"
    tell(store, opened("C"), number=3)
    store.plan_deliveries([MAIL], NOW + 50 * DAY)
    store.plan_deliveries([DUTY, MAIL], NOW + 50 * DAY)
    assert told(store, "duty") == ["A:0", "B:0"]
    assert told(store, "mail") == ["A:0", "B:0", "C:0"]


def test_channel_that_somebody_has_is_not_given_up(store: SqlStore) -> None:
    """What waits for long on a channel is parked by nobody while a process still has the channel."""
    tell(store, opened("A"))
    store.plan_deliveries([DUTY], NOW)
    for hours in range(0, 72, 6):
        store.plan_deliveries([DUTY], NOW + timedelta(hours=hours))
        store.plan_deliveries([MAIL], NOW + timedelta(hours=hours))
    assert [one.state for one in store.deliveries("duty")] == [DeliveryState.DUE]


def test_what_was_parked_before_the_month_stays_parked(store: SqlStore) -> None:
    """A channel that comes back gets what waited for it alone, and no old revision after a later one."""
    tell(store, opened("A"), opened("B"))
    store.plan_deliveries([DUTY, MAIL], NOW)
    (first,) = store.claim_deliveries(DUTY, ME, LEASE, NOW)
    store.park_deliveries([first], ME, "http-400", "refused")
    store.plan_deliveries([MAIL], NOW + 20 * DAY)
    store.plan_deliveries([DUTY, MAIL], NOW + 21 * DAY)
    assert sorted((one.idempotency_key, one.state.value, one.reason) for one in store.deliveries("duty")) == [
        ("A:0", "parked", "http-400"),
        ("B:0", "due", None),
    ]


def test_channel_added_after_a_time_without_any(store: SqlStore) -> None:
    """Who took all channels off and adds one months later is not told of all that happened in between."""
    store.plan_deliveries([DUTY], NOW)
    tell(store, opened("A"))
    store.plan_deliveries([], NOW + 60 * DAY)
    tell(store, opened("B"), number=2)
    store.plan_deliveries([MAIL], NOW + 61 * DAY)
    assert told(store, "mail") == ["B:0"]


def test_first_channels_of_a_watch_that_never_had_any(store: SqlStore) -> None:
    """They hear nothing of before, and all that is found once they are entered, though it be planned long after."""
    tell(store, opened("A"))
    store.begin_channels([], NOW)
    tell(store, opened("B"), number=2)
    store.begin_channels([DUTY, MAIL], NOW)
    tell(store, opened("C"), number=3)
    later = NOW + 9 * DAY
    store.begin_channels([DUTY, MAIL], later)
    store.plan_deliveries([DUTY, MAIL], later)
    assert (told(store, "duty"), told(store, "mail")) == (["C:0"], ["C:0"])
    assert store.hearing_since(["duty"]) == NOW


def test_channel_beside_one_that_is_behind(store: SqlStore) -> None:
    """A new one hears nothing that was found before it, also where another has not been told of that yet."""
    store.begin_channels([DUTY], NOW)
    tell(store, opened("A"))
    store.begin_channels([DUTY, MAIL], NOW)
    tell(store, opened("B"), number=2)
    store.plan_deliveries([DUTY, MAIL], NOW)
    assert (told(store, "duty"), told(store, "mail")) == (["A:0", "B:0"], ["B:0"])


def test_clock_that_was_ahead(store: SqlStore) -> None:
    """A channel that was entered while the clock was ten years ahead is there from the day it is set back."""
    store.plan_deliveries([DUTY], NOW + 3650 * DAY)
    store.plan_deliveries([DUTY], NOW)
    assert store.hearing_since(["duty"]) == NOW


def test_upgrade_keeps_what_was_told(store: SqlStore) -> None:
    """Down and up again nothing that was told is told again, and what was told to nobody still is."""
    tell(store, opened("A"))
    store.plan_deliveries([DUTY], NOW)
    assert take_all(store) == [["A:0"]]
    tell(store, opened("B"), number=2)
    downgrade(store.database, "0010")
    store.upgrade()
    store.plan_deliveries([DUTY, MAIL], NOW + MINUTE)
    assert take_all(store, after=MINUTE) == [["B:0"]]
    assert told(store, "mail") == ["B:0"]


def test_channel_that_lags_loses_nothing_on_the_way_down_and_up(store: SqlStore) -> None:
    """What only some were told is planned anew for all, under the same keys; who is gone for long begins anew."""
    gone = replace(DUTY, name="gone")
    tell(store, opened("A"))
    store.plan_deliveries([gone], NOW - 31 * DAY)
    store.plan_deliveries([], NOW - 31 * DAY)
    tell(store, opened("B"), number=2)
    store.plan_deliveries([DUTY, MAIL], NOW)
    tell(store, opened("C"), number=3)
    store.plan_deliveries([MAIL], NOW)
    before = store.deliveries("mail")
    downgrade(store.database, "0010")
    with store.database.read() as session:
        rows = session.execute(text("SELECT event_id FROM outbox WHERE planned IS NULL ORDER BY id")).scalars()
        assert list(rows) == ["C"], "an older version plans what somebody was not told"
    store.upgrade()
    assert told(store, "duty") == ["B:0"]
    store.plan_deliveries([MAIL], NOW)
    store.plan_deliveries([DUTY], NOW)
    assert told(store, "duty") == ["B:0", "C:0"]
    assert store.deliveries("mail") == before, "nothing twice"


def test_recipients_that_have_taken_a_message(store: SqlStore) -> None:
    """They are kept from try to try, and only what the same ones have taken is told together; a replay tells all."""
    chat = replace(DUTY, gather=MINUTE)
    tell(store, opened("A", storm="S"))
    store.plan_deliveries([chat], NOW)
    (first,) = store.claim_deliveries(chat, ME, LEASE, NOW + MINUTE)
    store.put_off([replace(first, taken=frozenset({"b", "a"}))], ME, "http-503", "", NOW + 2 * MINUTE)
    tell(store, opened("B", storm="S"), number=2)
    store.plan_deliveries([chat], NOW + MINUTE)
    found = [store.claim_deliveries(chat, ME, LEASE, NOW + 3 * MINUTE) for _ in range(2)]
    assert [[(one.idempotency_key, one.taken) for one in messages] for messages in found] == [
        [("A:0", frozenset({"a", "b"}))],
        [("B:0", frozenset())],
    ]
    store.delivered(found[0], ME, "sent", NOW + 3 * MINUTE)
    store.replay_deliveries("duty", None, NOW + 3 * MINUTE)
    (again,) = store.claim_deliveries(chat, ME, LEASE, NOW + 4 * MINUTE)
    assert (again.idempotency_key, again.taken) == ("A:0", frozenset())
