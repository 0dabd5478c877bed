"""Events, evidence, transitions, frozen references and the outbox."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from monitor.adapters.store import Chosen, SqlStore, dump
from monitor.core.context_json import context_to_json
from monitor.records import (
    Acquisition,
    AcquisitionState,
    Action,
    ActionKind,
    Detector,
    Event,
    EventState,
    FrozenReference,
    Verdict,
)
from tests.adapters.store.factories import (
    LEASE,
    NOW,
    TILE,
    acquisition,
    choice,
    comment,
    day,
    event,
    evidence,
    grown,
    later,
    observation,
    reference,
    rejected,
    result,
    transition,
)
from tests.core.test_context_words import FULL

ME = "here@1:1:1"
EAST = replace(TILE, column=151)


def process(store: SqlStore, of: Acquisition, *events: Event, references: tuple[FrozenReference, ...] = ()) -> None:
    """Discover, claim and complete one acquisition."""
    store.discover(of.region, [of], [], NOW)
    entry = store.claim(ME, LEASE, NOW, [of.region])
    assert entry is not None
    found = result(events=events, references=references, observations=(observation(of),), choices=(choice(of),))
    assert store.complete(entry.acquisition, ME, found, NOW)


def change_the_past(store: SqlStore) -> None:
    """Of the alert E1 that two looks have shown: a late look, a person's deed of earlier, and a look taken back."""
    late = replace(evidence(acquisition(0)), sensing_time=acquisition(1).sensing_time)
    known = store.event("E1")
    assert known is not None
    early = Action(at=acquisition(1).sensing_time, by="officer", kind=ActionKind.CONFIRM)
    process(store, acquisition(3), replace(known, evidence=(*known.evidence, late), actions=(early,)))
    action = Action(at=NOW, by="engineer", kind=ActionKind.ROLL_BACK)
    store.roll_back(Chosen(region="atsuma", tiles=(TILE,), acquisition=acquisition(2).id), action, NOW)


def messages(store: SqlStore) -> list[tuple[str, object]]:
    """What the outbox would tell, in order."""
    return [(one.idempotency_key, one.payload["state"]) for one in store.outbox()]


def test_event_survives_the_database(store: SqlStore) -> None:
    """An event comes back as it went in, with its evidence, transitions and exact outline."""
    opened = event(acquisition(1))
    process(store, acquisition(1), opened)
    assert store.events() == [opened]
    assert store.event("E1") == opened
    assert store.event("E2") is None


def test_context_survives_the_database_and_is_in_the_message(store: SqlStore) -> None:
    """What surrounds an event comes back as it went in, names in any script included, and its message carries it."""
    opened = replace(event(acquisition(1)), context=FULL)
    process(store, acquisition(1), opened)
    assert store.events() == [opened]
    (message,) = store.outbox()
    assert message.payload["context"] == context_to_json(FULL)


def test_unknown_numbers_stay_unknown(store: SqlStore) -> None:
    """NaN is NaN again after the database, on both engines."""
    unseen = evidence(acquisition(1), Verdict.NOT_OBSERVED, level=math.nan, observed_fraction=0.0)
    process(store, acquisition(1), replace(event(acquisition(1)), spread=math.nan, evidence=(unseen,)))
    (read,) = store.events()
    assert math.isnan(read.spread)
    assert math.isnan(read.evidence[0].level)
    assert read.evidence[0].observed_fraction == 0.0


def test_later_looks_append(store: SqlStore) -> None:
    """A later look updates the event and appends its evidence and step; the same record again adds nothing."""
    opened = event(acquisition(1))
    confirmed = replace(later(opened, acquisition(2), EventState.CONFIRMED), picture="new.png", area_ha=3.0)
    process(store, acquisition(1), opened)
    process(store, acquisition(2), confirmed)
    process(store, acquisition(3), confirmed)
    assert store.events() == [confirmed]
    assert messages(store) == [("E1:0", "provisional"), ("E1:1", "confirmed")]


def test_partial_record_loses_nothing(store: SqlStore) -> None:
    """A record that carries only what is new does not remove what is stored."""
    opened = event(acquisition(1))
    confirmed = later(opened, acquisition(2), EventState.CONFIRMED)
    process(store, acquisition(1), opened)
    process(store, acquisition(2), replace(confirmed, evidence=confirmed.evidence[1:], transitions=()))
    (read,) = store.events()
    assert read.evidence == confirmed.evidence
    assert read.transitions == opened.transitions


def test_replay_that_differs_is_told(store: SqlStore) -> None:
    """When a late look changes the replay, steps already told stay and the corrected ones follow."""
    opened = event(acquisition(1))
    confirmed = later(opened, acquisition(3), EventState.CONFIRMED)
    refuted = later(opened, acquisition(2), EventState.REFUTED, Verdict.CONTRADICTS)
    process(store, acquisition(1), opened)
    process(store, acquisition(3), confirmed)
    process(store, acquisition(2), refuted)
    (read,) = store.events()
    assert [step.state.value for step in read.transitions] == ["provisional", "confirmed", "refuted"]
    assert [one.verdict for one in read.evidence] == [Verdict.OPENS, Verdict.CONTRADICTS, Verdict.SUPPORTS]
    assert messages(store)[-1] == ("E1:2", "refuted")


def test_candidates_are_not_told(store: SqlStore) -> None:
    """Nobody hears of a candidate or of its end, but of its rise to an alert."""
    one, two = acquisition(1), acquisition(2)
    candidate = replace(
        event(one), state=EventState.CANDIDATE, transitions=(transition(one, None, EventState.CANDIDATE),)
    )
    process(store, one, candidate, replace(candidate, id="E2"))
    assert messages(store) == []
    assert [found.id for found in store.events(open_only=True)] == ["E1", "E2"]
    gone = later(replace(candidate, id="E2"), two, EventState.EXPIRED)
    process(store, two, later(candidate, two, EventState.PROVISIONAL), gone)
    assert messages(store) == [("E1:1", "provisional")]


def test_two_detectors_of_one_look(store: SqlStore) -> None:
    """Network and baseline may each say something about one look, once, and keep their order."""
    one = acquisition(1)
    both = (evidence(one, Verdict.OPENS), evidence(one, detector=Detector.BASELINE))
    process(store, one, replace(event(one), evidence=both + both))
    assert store.events()[0].evidence == both


def test_events_by_strength_region_and_state(store: SqlStore) -> None:
    """Events come strongest first; by region; ended ones are left out on request."""
    one = acquisition(1)
    weak, strong, unknown = event(one, "weak", 0.1), event(one, "strong", 9.0), event(one, "unknown", math.nan)
    closed = replace(event(one, "closed", 5.0), state=EventState.CLOSED)
    process(store, one, weak, strong, closed, unknown)
    elsewhere = acquisition(1, region="abira")
    process(store, elsewhere, event(elsewhere, "far", 1.0))
    assert [found.id for found in store.events()] == ["strong", "closed", "far", "weak", "unknown"]
    assert [found.id for found in store.events("atsuma", open_only=True)] == ["strong", "weak", "unknown"]
    assert [len(found.evidence) for found in store.events("abira")] == [1]


def test_reference_is_frozen(store: SqlStore) -> None:
    """Once an event has a reference on a tile it keeps it; a tile that joins later gets its own."""
    one, two = acquisition(1), acquisition(2)
    process(store, one, event(one), references=(reference("E1", 2), reference("E1", 1)))
    process(store, two, event(one), references=(reference("E1", 3), reference("E1", 3, EAST)))
    assert store.reference("E1", "optical") == {TILE: ["looks/2.npz", "looks/1.npz"], EAST: ["looks/3.npz"]}
    assert store.reference("E2", "optical") == {}


def test_each_class_of_looks_has_its_own_frozen_reference(store: SqlStore) -> None:
    """What optics saw before an event and what a radar track saw before it are kept apart on the same tile."""
    one = acquisition(1)
    track = replace(reference("E1", 3), comparable="sar:R137:ascending:vv+vh:sentinel-1-rtc")
    process(store, one, event(one), references=(reference("E1", 1), track))
    assert store.reference("E1", "optical") == {TILE: ["looks/1.npz"]}
    assert store.reference("E1", track.comparable) == {TILE: ["looks/3.npz"]}


def test_message_holds_the_event(store: SqlStore) -> None:
    """A message says what, where, when and why in JSON types."""
    process(store, acquisition(1), event(acquisition(1)))
    (message,) = store.outbox()
    assert message.created == NOW
    told = {name: message.payload[name] for name in ("event_id", "region", "status", "previous", "state", "at")}
    assert told == {
        "event_id": "E1",
        "region": "atsuma",
        "status": "test",
        "previous": None,
        "state": "provisional",
        "at": day(1).isoformat(),
    }
    assert message.payload["geometry"] == event(acquisition(1)).geometry.__geo_interface__ | {
        "coordinates": [[list(point) for point in event(acquisition(1)).geometry.exterior.coords]]  # type: ignore[attr-defined]
    }


def test_failed_completion_leaves_nothing(store: SqlStore) -> None:
    """When the last statement of a completion fails, nothing of it is there and the lease is still held."""
    one = acquisition(1)
    store.discover("atsuma", [one], [], NOW)
    assert store.claim(ME, LEASE, NOW, ["atsuma"]) is not None
    before = dump(store)
    wrong = result(events=(event(one),), observations=(observation(one),), references=(reference("unknown", 1),))
    with pytest.raises(IntegrityError):
        store.complete(one, ME, wrong, NOW)
    assert dump(store) == before
    assert store.extend(one, ME, LEASE, NOW)


def test_dump_agrees_between_runs(store: SqlStore, any_other_store: Callable[[], SqlStore]) -> None:
    """Runs that differ only in times, owners, tries and polls have the same dump; different content does not."""
    one, two = acquisition(1), acquisition(2)
    confirmed = grown(event(one), two)
    store.discover("atsuma", [two], [rejected()], NOW)
    process(store, one, event(one), references=(reference("E1", 1),))
    process(store, two, confirmed)
    store.act("E1", comment(), NOW)
    store.note_searched("atsuma", NOW)

    other = any_other_store()
    for _ in range(2):
        other.discover("atsuma", [one, two], [rejected()], NOW + LEASE)
    assert other.claim("x@1:1:1", LEASE, NOW, ["atsuma"]) is not None
    for of, found in ((one, event(one)), (two, confirmed)):
        assert other.claim("y@1:1:1", LEASE, NOW + 2 * LEASE, ["atsuma"]) is not None
        assert dump(other) != dump(store)
        references = (reference("E1", 1),) if of is one else ()
        found_all = result(
            events=(found,), references=references, observations=(observation(of),), choices=(choice(of),)
        )
        assert other.complete(of, "y@1:1:1", found_all, NOW + 3 * LEASE)
    assert {entry.state for entry in other.ledger()} == {AcquisitionState.DONE}
    other.act("E1", comment(), NOW + 3 * LEASE)
    other.note_searched("atsuma", NOW + LEASE)
    assert dump(other) == dump(store)
    assert all(dump(store).values()), "every table took part"
