"""What arrives late: who is late, which looks are younger, and what people hear when an order is put right."""

from dataclasses import replace

from monitor.adapters.store import SqlStore
from monitor.adapters.store.views import Chosen
from monitor.core.events import add_evidence
from monitor.core.lifecycle import LifecycleSettings
from monitor.records import Acquisition, Action, ActionKind, Event, EventState, Sensor, Verdict
from tests.adapters.store.factories import (
    LEASE,
    NOW,
    TILE,
    acquisition,
    day,
    event,
    evidence,
    observation,
    result,
    transition,
)

ME = "here@1:1:1"
EAST = replace(TILE, column=151)
LIFE = LifecycleSettings()
REGION = acquisition(1).region


def done(store: SqlStore, of: Acquisition, *events: Event, tiles: tuple[object, ...] = (TILE,)) -> None:
    """Discover, claim and complete one acquisition with looks at tiles."""
    store.discover(of.region, [of], [], NOW)
    entry = store.claim(ME, LEASE, NOW, [of.region])
    assert entry is not None
    rows = tuple(observation(entry.acquisition, tile) for tile in (TILE, EAST) if tile in tiles)
    assert store.complete(entry.acquisition, ME, result(events=events, observations=rows), NOW)


def test_who_is_late(store: SqlStore) -> None:
    """One of whose region and sensor (of radar: and track) a newer one is done; one that waits makes nothing late."""
    radar = acquisition(9, sensor=Sensor.SAR)
    store.discover(REGION, [acquisition(9)], [], NOW)
    assert not store.is_late(acquisition(1))
    done(store, acquisition(2))
    assert store.is_late(acquisition(1))
    assert not store.is_history(acquisition(1))
    assert not store.is_late(acquisition(2)), "not later than itself"
    assert not store.is_late(acquisition(3))
    assert not store.is_late(replace(radar, sensing_time=acquisition(1).sensing_time))
    assert not store.is_late(acquisition(1, region="abira"))


def test_done_again_is_history_where_newer_ones_are_done(store: SqlStore) -> None:
    """What people have done again stays silent, what was taken back or its provider publishes anew does not."""
    for number in (1, 2):
        done(store, acquisition(number))
    chosen = Chosen(region=REGION, tiles=(TILE,), acquisition=acquisition(1).id)
    store.reprocess(chosen, NOW, day(0))
    (again,) = [entry.acquisition for entry in store.ledger() if entry.attempts == 0]
    assert store.is_history(again)
    done(store, again)
    undo = Action(at=NOW, by="officer", kind=ActionKind.ROLL_BACK)
    store.roll_back(replace(chosen, acquisition=again.id), undo, NOW, again_from=day(0))
    (anew,) = [entry.acquisition for entry in store.ledger() if entry.attempts == 0]
    assert (store.is_history(anew), store.is_late(anew)) == (False, True)
    assert not store.is_history(acquisition(1, "v2"))


def test_looks_after(store: SqlStore) -> None:
    """Done, of the region, no history, on the tiles that are asked for, oldest first, in their current version."""
    done(store, acquisition(1))
    done(store, acquisition(4), tiles=(TILE, EAST))
    done(store, acquisition(3))
    done(store, acquisition(3, "v2"))
    done(store, acquisition(5), tiles=(EAST,))
    done(store, acquisition(6, region="abira"))
    store.discover(REGION, [acquisition(2)], [], NOW, history_before=day(3))
    done(store, acquisition(2))

    def after(number: int, *tiles: object) -> list[tuple[str, list[object]]]:
        wanted = [tile for tile in (TILE, EAST) if tile in tiles]
        return [(one.id, [row.tile for row in rows]) for one, rows in store.looks_after(REGION, wanted, day(number))]

    assert store.is_history(acquisition(2))
    assert after(1, TILE) == [(acquisition(3, "v2").id, [TILE]), (acquisition(4).id, [TILE])]
    assert after(3, TILE, EAST) == [(acquisition(4).id, [TILE, EAST]), (acquisition(5).id, [EAST])]
    assert after(5, TILE, EAST) == []


def test_an_event_opens_once(store: SqlStore) -> None:
    """When a late look turns out to be the first that shows it, people hear what follows and no second opening."""
    first, late = acquisition(3), acquisition(2)
    opened = event(first)
    opening = transition(first, None, EventState.PROVISIONAL)
    done(store, first, replace(opened, transitions=(replace(opening, reason="change-found"),)))
    (known,) = store.events()
    done(store, late, add_evidence(known, [evidence(late)], LIFE))
    (event_now,) = store.events()
    assert [(step.state, step.reason, step.acquisition_id) for step in event_now.transitions] == [
        (EventState.PROVISIONAL, "change-found", first.id),
        (EventState.CONFIRMED, "still-changed", first.id),
    ]
    assert [entry.payload["state"] for entry in store.outbox()] == ["provisional", "confirmed"]


def test_what_was_refuted_before_anybody_heard_is_not_told(store: SqlStore) -> None:
    """A late look opens an event that a younger one refutes; of one that people know they hear the end."""
    first, late = acquisition(3), acquisition(2)
    alone = add_evidence(event(late), [evidence(first, Verdict.CONTRADICTS)], LIFE)
    assert alone.state is EventState.REFUTED
    done(store, late, alone)
    assert store.outbox() == []
    (stored,) = store.events()
    assert [step.state for step in stored.transitions] == [EventState.PROVISIONAL, EventState.REFUTED]
    known = event(acquisition(4), "E2")
    done(store, acquisition(4), known)
    done(store, acquisition(5), add_evidence(known, [evidence(acquisition(5), Verdict.CONTRADICTS)], LIFE))
    assert [entry.payload["state"] for entry in store.outbox()] == ["provisional", "refuted"]
