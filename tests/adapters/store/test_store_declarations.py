"""Events that people declare, in the database; on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from monitor.adapters.store import SqlStore, events
from monitor.core.events import add_evidence
from monitor.errors import Refused
from monitor.records import Acquisition, Action, ActionKind, Declaration, Event, EventState, Verdict
from tests.adapters.store.factories import LEASE, LIFE, acquisition, event, evidence, result
from tests.adapters.store.test_store_events import messages, process
from tests.core.test_declared import GROUND, NOW, QUAKE, REGION, declaration


def test_a_declaration_is_kept_as_it_was_entered(store: SqlStore) -> None:
    """With who, when, where and what it eases; then who ended it."""
    one = store.declare(declaration(geometry=GROUND), REGION, NOW)
    assert store.declarations("atsuma") == [one]
    assert store.declarations("elsewhere") == []
    assert one.storm == "atsuma-earthquake-20180905"
    later = NOW + timedelta(days=1)
    assert store.end_declaration(one.id, "sato", later)
    assert not store.end_declaration(one.id, "mori", later), "it was over"
    assert store.declarations() == [replace(one, ended=later, ended_by="sato")]


def test_two_people_declare_the_same_at_once(store: SqlStore) -> None:
    """One of them is told that the other was faster, and who that was."""

    def enter(by: str) -> Declaration | str:
        try:
            return store.declare(replace(declaration(), by=by), REGION, NOW)
        except Refused as refused:
            return f"{refused.reason}: {refused.message}"

    with ThreadPoolExecutor(2) as both:
        done = list(both.map(enter, ["mori", "sato"]))
    (kept,) = [one for one in done if isinstance(one, Declaration)]
    (refused,) = [one for one in done if isinstance(one, str)]
    assert refused.startswith(f"already-declared: {kept.by} has declared it already")
    assert store.declarations() == [kept]


@pytest.mark.parametrize("ended", [False, True])
def test_its_region_is_claimed_first(store: SqlStore, ended: bool) -> None:
    """Before an older acquisition of another region, and within the region still in order of time."""
    shortly = NOW + timedelta(days=20)
    store.discover("abira", [acquisition(1, region="abira")], [], shortly)
    store.discover("atsuma", [acquisition(number) for number in (9, 7)], [], shortly)
    one = store.declare(declaration(), REGION, NOW)
    if ended:
        store.end_declaration(one.id, "mori", NOW + timedelta(days=1))
    claimed = store.claim("me@1:1:1", LEASE, shortly, ["abira", "atsuma"])
    assert claimed is not None
    first = claimed.acquisition.region, claimed.acquisition.key
    assert first == (("abira", acquisition(1).key) if ended else ("atsuma", acquisition(7).key))


@pytest.mark.parametrize("newer_is_done", [True, False])
def test_only_history_that_its_looks_are_compared_with_goes_first(store: SqlStore, newer_is_done: bool) -> None:
    """Years of backfill behind the watch of a declared region keep no other region waiting."""
    me, shortly = "me@1:1:1", NOW + timedelta(days=20)
    if newer_is_done:
        store.discover("atsuma", [acquisition(7)], [], shortly)
        assert store.claim(me, LEASE, shortly, ["atsuma"])
        assert store.complete(acquisition(7), me, result(), shortly)
    store.declare(declaration(), REGION, NOW)
    store.discover("abira", [acquisition(8, region="abira")], [], shortly)
    store.discover("atsuma", [acquisition(5)], [], shortly, history_before=acquisition(6).sensing_time)
    claimed = store.claim(me, LEASE, shortly, ["abira", "atsuma"])
    assert claimed is not None
    assert claimed.acquisition.region == ("abira" if newer_is_done else "atsuma")


def _found(of: Acquisition, event_id: str = "E1", *, strength: float = 0.15) -> Event:
    """An event that one look opened, a day after the earthquake was possible; no rate of change is known."""
    blank = replace(event(of, event_id), evidence=(), transitions=(), storm="atsuma-storm-1")
    window = {"window_start": QUAKE - timedelta(days=1), "window_end": of.sensing_time}
    piece = evidence(of, Verdict.OPENS, strength=strength)
    return add_evidence(replace(blank, **window), [piece], LIFE)  # type: ignore[arg-type]


def test_what_was_found_before_is_weighed_anew(store: SqlStore) -> None:
    """In one transaction, told once; what is weaker waits on, and is grouped under what was declared."""
    process(store, acquisition(7), _found(acquisition(7)), _found(acquisition(7), "E2", strength=0.05))
    assert messages(store) == []
    one = store.declare(replace(declaration(), storm=""), REGION, NOW)
    raised, weak = store.events()
    assert (raised.state, weak.state) == (EventState.PROVISIONAL, EventState.CANDIDATE)
    assert {event.storm for event in (raised, weak)} == {one.storm}
    assert messages(store) == [("E1:1", "provisional")]
    assert store.weighed_anew(one) == ("E1",)
    process(store, acquisition(8), raised, add_evidence(weak, [evidence(acquisition(8))], LIFE))
    assert messages(store)[1:] == [("E2:1", "provisional")]
    assert store.end_declaration(one.id, "mori", NOW)
    process(store, acquisition(9), *store.events())
    assert [event.state for event in store.events()] == [EventState.PROVISIONAL] * 2, "what people were told stands"


def test_a_look_that_was_judged_meanwhile_keeps_what_was_declared(store: SqlStore) -> None:
    """The pipeline read the candidate before, and writes it afterwards: with its storm, and told of once."""
    candidate = _found(acquisition(7))
    process(store, acquisition(7), candidate)
    one = store.declare(replace(declaration(), storm=""), REGION, NOW)
    store.end_declaration(one.id, "mori", NOW)
    process(store, acquisition(8), replace(add_evidence(candidate, [evidence(acquisition(8))], LIFE), storm="other"))
    (event,) = store.events()
    assert (event.state, event.storm) == (EventState.CONFIRMED, one.storm)
    assert messages(store) == [("E1:1", "provisional"), ("E1:2", "confirmed")]


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ([Verdict.SUPPORTS], [("E1:1", "provisional"), ("E1:3", "confirmed")]),
        ([Verdict.SUPPORTS, Verdict.SUPPORTS], [("E1:1", "provisional"), ("E1:2", "confirmed")]),
        ([Verdict.CONTRADICTS], []),
    ],
)
def test_what_people_know_is_not_told_again(store: SqlStore, said: list[Verdict], heard: list[tuple[str, str]]) -> None:
    """Of an alert they hear where it stands now, if that is news; of what was refuted before anybody heard nothing."""
    known = _found(acquisition(7))
    process(store, acquisition(7), known)
    for number, verdict in enumerate(said, start=8):
        known = add_evidence(known, [evidence(acquisition(number), verdict)], LIFE)
        process(store, acquisition(number), known)
    one = store.declare(declaration(), REGION, NOW)
    assert messages(store) == heard
    assert store.weighed_anew(one) == ()
    process(store, acquisition(11), *store.events())
    assert messages(store) == heard


def test_an_alert_that_somebody_has_seen_is_told_as_it_stands(store: SqlStore) -> None:
    """The person's word came after what is weighed anew; a step says how the alert stands by that."""
    process(store, acquisition(7), _found(acquisition(7)))
    known = add_evidence(_found(acquisition(7)), [evidence(acquisition(8))], LIFE)
    process(store, acquisition(8), known)
    store.act("E1", Action(at=NOW, by="mori", kind=ActionKind.ACKNOWLEDGE), NOW)
    store.declare(declaration(), REGION, NOW)
    (event,) = store.events()
    assert (event.state, event.transitions[-1].reason) == (EventState.CONFIRMED, "late-evidence")
    assert messages(store)[-1] == ("E1:3", "confirmed")


def test_declared_anew_tells_nothing_anew(store: SqlStore) -> None:
    """Somebody mistook the name: what was ended and declared again has raised its alerts already."""
    process(store, acquisition(7), _found(acquisition(7)))
    first = store.declare(replace(declaration(), storm=""), REGION, NOW)
    raised = store.events()
    assert store.end_declaration(first.id, "mori", NOW)
    second = store.declare(replace(declaration(), storm="", name="Tomakomai"), REGION, NOW + timedelta(minutes=1))
    assert store.events() == raised
    assert messages(store) == [("E1:1", "provisional")]
    assert (store.weighed_anew(first), store.weighed_anew(second)) == (("E1",), ())


def test_what_people_have_heard_of_keeps_its_storm(store: SqlStore) -> None:
    """Also when a late look shows that it should never have been an alert: they were told of it under that name."""
    opened = _found(acquisition(7), strength=0.05)
    process(store, acquisition(7), opened, replace(opened, id="E0", storm="atsuma-storm-0"))
    process(store, acquisition(9), add_evidence(opened, [evidence(acquisition(9))], LIFE))
    assert store.declare(declaration(), REGION, NOW).storm == "atsuma-storm-0"
    known = next(event for event in store.events() if event.id == "E1")
    late = evidence(acquisition(8), Verdict.CONTRADICTS)
    process(store, acquisition(8), add_evidence(known, [late], LIFE))
    told = next(event for event in store.events() if event.id == "E1")
    assert (told.state, told.storm) == (EventState.REFUTED, "atsuma-storm-1")
    assert store.outbox()[-1].payload["storm"] == "atsuma-storm-1"


def test_declared_wholly_or_not_at_all(store: SqlStore) -> None:
    """Killed between two alerts, nothing is declared and nobody has heard; who declares it again is not refused."""
    process(store, acquisition(7), _found(acquisition(7)), _found(acquisition(7), "E2"))
    known, put, written = store.events(), events.put, []

    def killed(*what: Any) -> None:
        written.append(what)
        if len(written) > 1:
            raise KeyboardInterrupt
        put(*what)

    with patch.object(events, "put", killed), pytest.raises(KeyboardInterrupt):
        store.declare(declaration(), REGION, NOW)
    assert (store.events(), store.declarations(), messages(store)) == (known, [], [])
    one = store.declare(declaration(), REGION, NOW)
    assert messages(store) == [("E1:1", "provisional"), ("E2:1", "provisional")]
    assert store.weighed_anew(one) == ("E1", "E2")
