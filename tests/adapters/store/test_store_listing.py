"""What lists and messages read of the alerts, and tokens, on every database."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from monitor.adapters.store import SqlStore
from monitor.adapters.store.listing import AlertLists, Wanted
from monitor.adapters.store.messages import event_of_payload
from monitor.adapters.store.migration import downgrade
from monitor.adapters.store.tokens import TokenRows, digest
from monitor.core.cap import CapSettings, cap_message
from monitor.errors import Refused
from monitor.records import (
    Detector,
    Event,
    EventContext,
    EventState,
    Role,
    Severity,
    Tier,
    Verdict,
)
from tests.adapters.store.factories import LEASE, NOW, acquisition, event, later, result
from tests.adapters.store.test_store_events import change_the_past, process


def fill(store: SqlStore) -> None:
    """One confirmed by a second look, one of the other tier."""
    first, second = acquisition(1), acquisition(2)
    other = event(first, "E2", 1.0)
    steps = tuple(replace(step, tier=Tier.WARNING) for step in other.transitions)
    plain = [event(first, "E1", 1.0), replace(other, tier=Tier.WARNING, released=True, transitions=steps)]
    for of, events in ((first, plain), (second, [later(plain[0], second, EventState.CONFIRMED)])):
        store.discover("atsuma", [of], [], NOW)
        assert store.claim("me@1:1:1", LEASE, NOW, ["atsuma"]) is not None
        assert store.complete(of, "me@1:1:1", result(events=events), NOW)


def test_a_list_goes_on_where_it_was_left_also_among_equals(store: SqlStore) -> None:
    """Two alerts of the same strength are each listed once."""
    fill(store)
    lists = AlertLists(store.database)
    first = lists.worst(Wanted(), 1)
    assert first.following is not None
    second = lists.worst(Wanted(), 1, first.following)
    assert [one.event.id for one in (*first.listed, *second.listed)] == ["E2", "E1"]
    assert second.following is None
    assert lists.count(Wanted(tier=Tier.WARNING)) == lists.count(Wanted(released=True)) == 1


def test_what_moves_while_a_list_is_read_is_listed_once(store: SqlStore) -> None:
    """Alerts keep the place that they had when the list was begun, whether they grow or fall, also among equals."""
    one = acquisition(1)
    plain = [
        event(one, name, strength) for name, strength in (("A", 5.0), ("B", 4.0), ("C", 3.0), ("D", 3.0), ("E", 1.0))
    ]
    process(store, one, *plain)
    lists = AlertLists(store.database)
    found = [*(first := lists.worst(Wanted(), 2)).listed]
    moved = zip(plain, (0.5, 0.4, 6.0, 3.0, 9.0), strict=True)
    process(store, acquisition(2), *(_told_anew(known, strength) for known, strength in moved), event(one, "F", 7.0))
    following = first.following
    while following is not None:
        page = lists.worst(Wanted(), 1, following)
        found += page.listed
        following = page.following
    assert [told.event.id for told in found] == ["A", "B", "C", "D", "E"]
    anew = lists.worst(Wanted(), 9).listed
    assert [told.event.id for told in anew] == ["E", "F", "C", "D", "A", "B"]


def _told_anew(known: Event, strength: float) -> Event:
    return replace(later(known, acquisition(2), EventState.CONFIRMED), strength=strength)


def test_a_list_has_the_order_of_what_was_told(store: SqlStore) -> None:
    """Warnings, then watches, then whole tiles; what changed since and was not told anew stays in place."""
    one = acquisition(1)
    tile = replace(event(one, "tile", 99.0), detector=Detector.TILE)
    warning = event(one, "warning", 0.1)
    steps = tuple(replace(step, tier=Tier.WARNING) for step in warning.transitions)
    plain = event(one, "weak", 1.0), event(one, "strong", 2.0)
    process(store, one, tile, replace(warning, tier=Tier.WARNING, transitions=steps), *plain)
    process(store, acquisition(2), replace(plain[0], strength=3.0))
    listed = AlertLists(store.database).worst(Wanted(), 9).listed
    assert [told.event.id for told in listed] == ["warning", "strong", "weak", "tile"]


def test_what_is_grave_comes_first_and_keeps_its_place(store: SqlStore) -> None:
    """Severity goes before strength; a list goes on in its order although the gravest has become minor meanwhile."""
    one, two = acquisition(1), acquisition(2)
    grave = {"minor": 9.0, "extreme": 0.3, "severe": 5.0, "moderate": 7.0}
    plain = [
        replace(event(one, name, strength), context=EventContext(severity=Severity(name), severity_reason="as told"))
        for name, strength in grave.items()
    ]
    process(store, one, *plain, event(one, "unknown", 8.0))
    lists = AlertLists(store.database)
    first = lists.worst(Wanted(), 2)
    assert [told.event.id for told in first.listed] == ["extreme", "severe"]
    minor = replace(later(plain[3], two, EventState.CONFIRMED), context=plain[0].context)
    process(store, two, minor)
    rest = lists.worst(Wanted(), 9, first.following).listed
    assert [told.event.id for told in rest] == ["unknown", "moderate", "minor"]
    assert [key.place.event_id for key in lists.keys(Wanted())][-2:] == ["minor", "moderate"]


def test_what_a_message_said_never_changes(store: SqlStore) -> None:
    """Looks that come late, or are taken back, and what people do then, change no message that was written before."""
    fill(store)
    lists = AlertLists(store.database)
    said = [cap_message(one, CapSettings()).xml for number in (0, 1) if (one := lists.revision("E1", number))]
    change_the_past(store)
    again = [cap_message(one, CapSettings()).xml for number in (0, 1) if (one := lists.revision("E1", number))]
    assert len(again) == 2
    assert again == said


def test_a_message_is_of_the_alert_as_it_was_then(store: SqlStore) -> None:
    """The first revision knows nothing of the second look; the second names the first."""
    fill(store)
    lists = AlertLists(store.database)
    first, second = (lists.revision("E1", number) for number in (0, 1))
    assert first is not None
    assert second is not None
    assert (first.event.state, second.event.state) == (EventState.PROVISIONAL, EventState.CONFIRMED)
    assert [piece.verdict for piece in first.event.evidence] == [Verdict.OPENS]
    assert [piece.verdict for piece in second.event.evidence] == [Verdict.OPENS, Verdict.SUPPORTS]
    assert [one.sequence for one in second.earlier] == [0]
    assert first.earlier == ()
    assert lists.revision("E1", 2) is None
    whole = store.event("E1")
    assert whole == replace(second.event, tiles=whole.tiles if whole else ())


def test_an_event_survives_the_way_through_a_message(store: SqlStore) -> None:
    """What the outbox holds is enough to tell of it."""
    fill(store)
    payload = next(one.payload for one in store.outbox() if one.event_id == "E2")
    whole = store.event("E2")
    assert whole is not None
    assert event_of_payload(dict(payload)) == replace(whole, evidence=(), transitions=())


def test_messages_newest_first_and_only_released_ones_for_everybody(store: SqlStore) -> None:
    """In parts, with the number to go on before."""
    fill(store)
    lists = AlertLists(store.database)
    newest, before = lists.messages(2)
    oldest, end = lists.messages(2, before)
    told = [(one.event.id, one.sequence) for one in (*newest, *oldest)]
    assert told == [("E1", 1), ("E2", 0), ("E1", 0)]
    assert end is None
    assert [one.event.id for one in lists.messages(9, released=True)[0]] == ["E2"]


def test_the_version_of_the_lists_changes_when_an_alert_does(store: SqlStore) -> None:
    """And not otherwise."""
    lists = AlertLists(store.database)
    empty = lists.version()
    fill(store)
    full = lists.version()
    assert empty != full == lists.version()


def test_alerts_from_before_are_listed_after_an_upgrade(store: SqlStore) -> None:
    """The columns that lists need are filled in."""
    fill(store)
    before = AlertLists(store.database).worst(Wanted(), 9)
    downgrade(store.database, "0006")
    store.upgrade()
    assert AlertLists(store.database).worst(Wanted(), 9) == before


def test_a_token_is_known_by_its_digest_until_it_is_revoked(store: SqlStore) -> None:
    """Last use is noted to the minute; a name is used once at a time."""
    tokens = TokenRows(store.database)
    secret = tokens.add("tanaka", Role.RESPONDER, NOW)
    assert tokens.bearer(secret + "x", NOW) is None
    for seconds, noted in ((0, 0), (59, 0), (60, 60)):
        assert tokens.bearer(secret, NOW + timedelta(seconds=seconds)) is not None
        (kept,) = tokens.all()
        assert kept.last_used == NOW + timedelta(seconds=noted)
    with pytest.raises(Refused, match="in use"):
        tokens.add("tanaka", Role.ADMIN, NOW)
    assert tokens.revoke("tanaka", NOW)
    assert tokens.bearer(secret, NOW) is None
    assert tokens.bearer(tokens.add("tanaka", Role.READER, NOW), NOW) is not None
    assert len(digest(secret)) == 64


def test_a_role_covers_those_before_it() -> None:
    """Reader, responder, admin."""
    covers = [[one.covers(needed) for needed in Role] for one in Role]
    assert covers == [[True, False, False], [True, True, False], [True, True, True]]


def test_who_reads_waits_for_no_writer(store: SqlStore) -> None:
    """While somebody writes, a token is good all the same; its use is noted the next time."""
    tokens = TokenRows(store.database)
    secret = tokens.add("duty", Role.READER, NOW)
    with store.database.write() as writer:
        writer.execute(text("SELECT 1"))  # a transaction begins with its first statement
        found = tokens.bearer(secret, NOW)
    assert found is not None
    assert [one.last_used for one in tokens.all()] == [None]
    tokens.bearer(secret, NOW)
    assert [one.last_used for one in tokens.all()] == [NOW]
