"""Deliveries: planned once, claimed by one, told in order, limited, silenced, retried; on both databases."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from shapely import box

from monitor.adapters.store import SqlStore, make_owner
from monitor.records import (
    AlertStatus,
    Channel,
    DeliveryState,
    Event,
    EventState,
    Message,
    RateLimit,
    Retried,
    Silence,
    Tier,
    Verdict,
)
from tests.adapters.store.factories import LEASE, NOW, acquisition, event, later
from tests.adapters.store.test_store_events import process

ME, OTHER = "here@1:1:1", "there@2:2:2"
MINUTE = timedelta(minutes=1)
DUTY = Channel(name="duty", statuses=frozenset(AlertStatus))
OPS = Channel(name="ops", statuses=frozenset(AlertStatus), tiers=frozenset({Tier.WARNING}))


def opened(name: str, tier: Tier = Tier.WARNING, storm: str = "", strength: float = 1.0) -> Event:
    """An event whose opening is news."""
    plain = event(acquisition(1), name, strength)
    steps = tuple(replace(step, tier=tier) for step in plain.transitions)
    return replace(plain, tier=tier, storm=storm, transitions=steps)


def confirmed(known: Event, number: int = 2) -> Event:
    """The same after one more look."""
    return later(known, acquisition(number), EventState.CONFIRMED)


def tell(store: SqlStore, *events: Event, number: int = 1) -> None:
    """Events that people should hear of."""
    process(store, acquisition(number), *events)


def claim(store: SqlStore, channel: Channel = DUTY, owner: str = ME, after: timedelta = timedelta(0)) -> list[str]:
    """Keys of what is claimed."""
    return keys(store.claim_deliveries(channel, owner, LEASE, NOW + after))


def keys(messages: Sequence[Message]) -> list[str]:
    """Their idempotency keys."""
    return [one.idempotency_key for one in messages]


def take_all(store: SqlStore, channel: Channel = DUTY, after: timedelta = timedelta(0)) -> list[list[str]]:
    """Claim and acknowledge until nothing is due."""
    found = []
    while messages := store.claim_deliveries(channel, ME, LEASE, NOW + after):
        found.append(keys(messages))
        assert store.delivered(messages, ME, "HTTP 204", NOW + after) == len(messages)
    return found


def test_planned_once_for_those_who_want_it(store: SqlStore) -> None:
    """A message goes once to every channel it fits; a channel added later hears only what comes from then on."""
    tell(store, opened("W"), opened("S", Tier.WATCH))
    assert store.plan_deliveries([OPS], NOW) == 2
    assert store.plan_deliveries([OPS, DUTY], NOW) == 0
    assert [(one.channel, one.idempotency_key) for one in store.deliveries()] == [("ops", "W:0")]
    tell(store, confirmed(opened("W")), number=2)
    store.plan_deliveries([OPS, DUTY], NOW)
    assert sorted((one.channel, one.idempotency_key) for one in store.deliveries()) == [
        ("duty", "W:1"),
        ("ops", "W:0"),
        ("ops", "W:1"),
    ]


def test_who_heard_of_an_alert_hears_of_its_end(store: SqlStore) -> None:
    """A channel for warnings is told that an alert ended, although it is a watch by then."""
    warned = opened("W")
    tell(store, warned)
    store.plan_deliveries([OPS], NOW)
    ended = later(warned, acquisition(2), EventState.REFUTED, Verdict.CONTRADICTS)
    steps = (*ended.transitions[:-1], replace(ended.transitions[-1], tier=Tier.WATCH))
    tell(store, replace(ended, tier=Tier.WATCH, transitions=steps), number=2)
    store.plan_deliveries([OPS], NOW)
    assert take_all(store, OPS) == [["W:0"], ["W:1"]]


def test_claimed_by_one_until_the_lease_ends(store: SqlStore) -> None:
    """What one process sends no other does; after the lease another may, and the first notes nothing any more."""
    tell(store, opened("A"))
    store.plan_deliveries([DUTY], NOW)
    mine = store.claim_deliveries(DUTY, ME, LEASE, NOW)
    assert claim(store, owner=OTHER) == claim(store) == []
    theirs = store.claim_deliveries(DUTY, OTHER, LEASE, NOW + LEASE)
    assert [one.attempts for one in (*mine, *theirs)] == [1, 2]
    assert store.delivered(mine, ME, "late", NOW) == 0
    assert store.delivered(theirs, OTHER, "HTTP 204", NOW) == 1
    assert store.delivered(theirs, OTHER, "HTTP 204", NOW) == 0
    assert claim(store, after=10 * LEASE) == []


def test_later_claim_of_the_same_process(store: SqlStore) -> None:
    """A try that outlived its lease notes nothing of a later try, also of the same process."""
    tell(store, opened("A"))
    store.plan_deliveries([DUTY], NOW)
    slow = store.claim_deliveries(DUTY, ME, LEASE, NOW)
    again = store.claim_deliveries(DUTY, ME, LEASE, NOW + LEASE)
    assert store.park_deliveries(slow, ME, "gone", "too late") == 0
    assert store.delivered(again, ME, "HTTP 204", NOW + LEASE) == 1


def test_dead_process_is_relieved_at_once(store: SqlStore) -> None:
    """A process of this host that is gone holds nothing up; one that lives keeps what it holds."""
    tell(store, opened("A"), opened("B"))
    store.plan_deliveries([DUTY], NOW)
    host, _, _ = make_owner().partition(":")
    assert claim(store, owner=f"{host}:999999999:1") == ["A:0"]
    assert claim(store, owner=make_owner()) == ["A:0"]
    assert claim(store) == ["B:0"]


def test_revisions_in_order_and_warnings_first(store: SqlStore) -> None:
    """A later revision waits for an earlier one that is due, not for one that is parked; warnings go first."""
    watch, risen = opened("A", Tier.WATCH), opened("B", Tier.WATCH)
    tell(store, watch, risen)
    warned = confirmed(risen)
    steps = (*warned.transitions[:-1], replace(warned.transitions[-1], tier=Tier.WARNING))
    tell(store, replace(warned, tier=Tier.WARNING, transitions=steps), confirmed(watch), number=2)
    store.plan_deliveries([DUTY], NOW)
    first = store.claim_deliveries(DUTY, ME, LEASE, NOW)
    assert keys(first) == ["B:0"], "the warning of B waits for it"
    store.put_off(first, ME, "no-answer", "silent", NOW + MINUTE)
    second = store.claim_deliveries(DUTY, ME, LEASE, NOW)
    assert keys(second) == ["A:0"]
    store.park_deliveries(second, ME, "gone", "no more")
    assert take_all(store) == [["A:1"]]
    assert take_all(store, after=MINUTE) == [["B:0"], ["B:1"]]


def test_storm_is_gathered(store: SqlStore) -> None:
    """Revisions of one storm become one message when its first has waited; others are told apart."""
    chat = replace(DUTY, gather=10 * MINUTE)
    tell(store, opened("B", Tier.WATCH, storm="S2"), opened("C", Tier.WATCH), opened("A", storm="S1"))
    store.plan_deliveries([chat], NOW)
    tell(store, confirmed(opened("A", storm="S1")), opened("D", storm="S1"), number=2)
    store.plan_deliveries([chat], NOW + 5 * MINUTE)
    assert take_all(store, chat, after=9 * MINUTE) == []
    assert take_all(store, chat, after=10 * MINUTE) == [["A:0", "A:1", "D:0"], ["B:0"], ["C:0"]]
    assert {one.state for one in store.deliveries()} == {DeliveryState.DELIVERED}


def test_gathered_keep_their_order(store: SqlStore) -> None:
    """A revision is not gathered while an earlier one of its event is put off."""
    chat = replace(DUTY, gather=MINUTE)
    tell(store, opened("A", storm="S"))
    store.plan_deliveries([chat], NOW)
    first = store.claim_deliveries(chat, ME, LEASE, NOW + MINUTE)
    store.put_off(first, ME, "no-answer", "silent", NOW + 10 * MINUTE)
    tell(store, confirmed(opened("A", storm="S")), opened("B", storm="S"), number=2)
    store.plan_deliveries([chat], NOW + MINUTE)
    assert take_all(store, chat, after=2 * MINUTE) == [["B:0"]]
    assert take_all(store, chat, after=10 * MINUTE) == [["A:0", "A:1"]]


def test_limit_holds_back_and_loses_nothing(store: SqlStore) -> None:
    """What is over the limit waits with its reason, until the oldest message is old enough; warnings go first."""
    limited = replace(DUTY, at_most=RateLimit(count=2, per=60 * MINUTE))
    tell(store, opened("A", Tier.WATCH), opened("B", Tier.WATCH), opened("C"), opened("D"), opened("E"))
    store.plan_deliveries([limited], NOW)
    assert take_all(store, limited) == [["C:0"], ["D:0"]]
    waiting = store.deliveries(state=DeliveryState.DUE)
    assert {(one.reason, one.not_before) for one in waiting} == {("rate-limited", NOW + 60 * MINUTE)}
    assert take_all(store, limited, after=59 * MINUTE) == []
    assert take_all(store, limited, after=60 * MINUTE) == [["E:0"], ["A:0"]]
    assert take_all(store, limited, after=120 * MINUTE) == [["B:0"]]


def test_silence_holds_what_it_covers(store: SqlStore) -> None:
    """What touches a silence while it holds is not sent; elsewhere, before, after and once ended it is."""
    ground = event(acquisition(1)).geometry
    far = replace(opened("FAR"), geometry=box(10, 45, 10.01, 45.01))
    silence = Silence(
        id=0,
        region="atsuma",
        start=NOW,
        until=NOW + 60 * MINUTE,
        geometry=ground.buffer(0.001),
        why="roadworks",
        by="kk",
        at=NOW,
    )
    elsewhere = store.add_silence(replace(silence, region="abira", geometry=None))
    number = store.add_silence(silence)
    tell(store, opened("A"), far)
    store.plan_deliveries([DUTY], NOW)
    assert take_all(store) == [["FAR:0"]]
    (kept,) = store.deliveries(state=DeliveryState.HELD)
    assert (kept.idempotency_key, kept.reason) == ("A:0", f"silenced:{number}")
    assert [one.id for one in store.silences(NOW)] == [elsewhere, number]
    assert store.end_silence(number, NOW)
    assert not store.end_silence(number, NOW)
    tell(store, confirmed(opened("A")), number=2)
    store.plan_deliveries([DUTY], NOW)
    assert take_all(store) == [["A:1"]], "of what was held and what has come since the newest is told"
    assert store.retry_deliveries("A:0", NOW) == Retried(due=1, superseded=0)
    assert take_all(store) == [["A:0"]]


def test_end_of_what_a_silence_kept_back(store: SqlStore) -> None:
    """A channel for warnings that never heard of an alert does not hear, as a watch, that it ended."""
    everywhere = Silence(id=0, region=None, start=NOW, until=NOW + MINUTE, geometry=None, why="test", by="kk", at=NOW)
    store.add_silence(everywhere)
    warned = opened("W")
    tell(store, warned)
    store.plan_deliveries([OPS], NOW)
    ended = later(warned, acquisition(2), EventState.REFUTED, Verdict.CONTRADICTS)
    steps = (*ended.transitions[:-1], replace(ended.transitions[-1], tier=Tier.WATCH))
    tell(store, replace(ended, tier=Tier.WATCH, transitions=steps), number=2)
    store.plan_deliveries([OPS], NOW + MINUTE)
    assert take_all(store, OPS, after=MINUTE) == []


def test_a_silence_lets_the_end_of_what_was_told_pass(store: SqlStore) -> None:
    """Who was told of an alert is told that it ended; who was not, because of the silence, hears of neither."""
    told, kept = opened("A"), opened("B")
    tell(store, told)
    store.plan_deliveries([DUTY], NOW)
    assert take_all(store) == [["A:0"]]
    everywhere = Silence(id=0, region=None, start=NOW, until=NOW + MINUTE, geometry=None, why="test", by="kk", at=NOW)
    number = store.add_silence(everywhere)
    tell(store, kept, confirmed(told), number=2)
    ends = (later(one, acquisition(3), EventState.REFUTED, Verdict.CONTRADICTS) for one in (confirmed(told), kept))
    tell(store, *ends, number=3)
    store.plan_deliveries([DUTY], NOW)
    (end,) = store.deliveries(state=DeliveryState.DUE)
    assert (end.idempotency_key, end.reason) == ("A:2", f"end-passes-silence:{number}")
    assert take_all(store) == [["A:2"]]


def test_put_back_replayed_and_paused(store: SqlStore) -> None:
    """Parked messages are due again on demand; delivered ones too, with the number of the replay; pauses hold."""
    tell(store, opened("A"), opened("B"))
    store.plan_deliveries([DUTY], NOW)
    store.park_deliveries(store.claim_deliveries(DUTY, ME, LEASE, NOW), ME, "http-401", "who are you?")
    assert [(one.reason, one.detail) for one in store.deliveries(state=DeliveryState.PARKED)] == [
        ("http-401", "who are you?")
    ]
    assert take_all(store) == [["B:0"]]
    assert store.retry_deliveries("duty", NOW) == Retried(due=1, superseded=0)
    store.pause_channel("duty", NOW + MINUTE, NOW)
    assert take_all(store) == []
    assert take_all(store, after=MINUTE) == [["A:0"]]
    assert store.replay_deliveries("duty", NOW + MINUTE, NOW) == 1
    (again,) = store.claim_deliveries(DUTY, ME, LEASE, NOW)
    assert (again.idempotency_key, again.replays, again.attempts) == ("A:0", 1, 1)
    (count,) = store.channel_counts()
    assert count.counts == {DeliveryState.DUE: 1, DeliveryState.DELIVERED: 1}


def test_what_a_later_revision_has_overtaken_is_not_put_back(store: SqlStore) -> None:
    """Nobody hears of an alert after its end, unless a person asks for that very message."""
    told, standing = opened("A"), opened("B")
    tell(store, told, standing)
    store.plan_deliveries([DUTY], NOW)
    for _ in range(2):
        store.park_deliveries(store.claim_deliveries(DUTY, ME, LEASE, NOW), ME, "http-401", "who are you?")
    tell(store, later(told, acquisition(2), EventState.REFUTED, Verdict.CONTRADICTS), number=2)
    store.plan_deliveries([DUTY], NOW)
    assert take_all(store) == [["A:1"]]
    assert store.retry_deliveries("duty", NOW) == Retried(due=1, superseded=1)
    assert take_all(store) == [["B:0"]]
    (left,) = store.deliveries(state=DeliveryState.SUPPRESSED)
    assert (left.idempotency_key, left.reason) == ("A:0", "superseded")
    assert store.retry_deliveries("duty", NOW) == Retried(due=0, superseded=0)
    assert store.retry_deliveries("A:0", NOW) == Retried(due=1, superseded=0)
    assert take_all(store) == [["A:0"]]


def test_what_is_parked_in_a_row_is_put_back_in_its_order(store: SqlStore) -> None:
    """Nothing later has arrived: the receiver hears the whole story."""
    tell(store, opened("A"))
    tell(store, confirmed(opened("A")), number=2)
    store.plan_deliveries([DUTY], NOW)
    for _ in range(2):
        store.park_deliveries(store.claim_deliveries(DUTY, ME, LEASE, NOW), ME, "http-401", "who are you?")
    assert store.retry_deliveries("duty", NOW) == Retried(due=2, superseded=0)
    assert take_all(store) == [["A:0"], ["A:1"]]


def test_channel_that_is_gone(store: SqlStore) -> None:
    """What is due for a channel that nobody has had for a day is parked; until then it may be another process's."""
    tell(store, opened("A"))
    store.plan_deliveries([DUTY], NOW)
    tell(store, opened("B"), number=2)
    assert store.plan_deliveries([], NOW + timedelta(days=9)) == 0
    assert store.unplanned() == 1
    store.plan_deliveries([OPS], NOW + timedelta(days=1))
    assert [one.state for one in store.deliveries(channel="duty")] == [DeliveryState.DUE]
    store.plan_deliveries([OPS], NOW + timedelta(days=1, minutes=1))
    (parked,) = store.deliveries(channel="duty")
    assert (parked.state, parked.reason) == (DeliveryState.PARKED, "no-such-channel")


def test_clock_set_back(store: SqlStore) -> None:
    """Times written before the clock was set back hold nothing up for longer than a receiver may ask for."""
    tell(store, opened("A"), opened("B"))
    store.plan_deliveries([DUTY], NOW)
    store.put_off(store.claim_deliveries(DUTY, OTHER, LEASE, NOW), OTHER, "no-answer", "", NOW + 60 * MINUTE)
    assert store.claim_deliveries(DUTY, OTHER, LEASE, NOW)
    assert take_all(store, after=-timedelta(hours=2)) == [["B:0"]], "no lease is of two hours"
    assert take_all(store, after=-timedelta(hours=5)) == []
    assert take_all(store, after=-timedelta(hours=6)) == [["A:0"]]


def test_limit_of_a_day_holds(store: SqlStore) -> None:
    """What waits for longer than a receiver may ask for, because its channel takes one a day, still waits."""
    limited = replace(DUTY, at_most=RateLimit(count=1, per=timedelta(days=1)))
    tell(store, opened("A"), opened("B"))
    store.plan_deliveries([limited], NOW)
    assert take_all(store, limited) == [["A:0"]]
    assert take_all(store, limited, after=60 * MINUTE) == []
