"""Taking back what acquisitions said, and processing them again, in the database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.adapters.store import Chosen, RolledBack, SqlStore, dump
from monitor.core.events import add_evidence
from monitor.core.lifecycle import LifecycleSettings
from monitor.records import (
    Acquisition,
    AcquisitionState,
    Action,
    ActionKind,
    Event,
    EventState,
    LedgerEntry,
    Sensor,
    Verdict,
)
from tests.adapters.store.factories import (
    LEASE,
    MODEL,
    NOW,
    TILE,
    acquisition,
    day,
    event,
    evidence,
    observation,
    reference,
    result,
)
from tests.adapters.store.test_store_events import ME, messages, process

LIFE = LifecycleSettings()
REGION = Chosen(region="atsuma", tiles=(TILE,))
DONE, PARKED, SUPERSEDED = AcquisitionState.DONE, AcquisitionState.PARKED, AcquisitionState.SUPERSEDED
WAITING = AcquisitionState.DISCOVERED


def _opened(by: Acquisition, name: str = "E1", strength: float = 0.8) -> Event:
    """An event whose steps follow from its evidence."""
    blank = replace(event(by, name), evidence=(), transitions=())
    return add_evidence(blank, [evidence(by, Verdict.OPENS, strength=strength)], LIFE)


def _heard(known: Event, by: Acquisition, verdict: Verdict = Verdict.SUPPORTS) -> Event:
    return add_evidence(known, [evidence(by, verdict)], LIFE)


def _story(store: SqlStore) -> None:
    """Four looks: the second opens an alert and a candidate, the third supports them, the fourth opens one more."""
    for number in range(1, 5):
        one = acquisition(number)
        found: tuple[Event, ...] = ()
        if number == 2:
            found = (_opened(one), _opened(one, "weak", 0.1))
        if number == 3:
            found = (_heard(_opened(acquisition(2)), one),)
        if number == 4:
            found = (_opened(one, "E4"),)
        frozen = reference("E4", 1), replace(reference("E4", 3), acquisition_id=acquisition(3).id)
        process(store, one, *found, references=frozen if number == 4 else ())


def _back(store: SqlStore, chosen: Chosen, again: bool = False, dry_run: bool = False) -> RolledBack:
    action = Action(at=NOW, by="engineer", kind=ActionKind.ROLL_BACK, text="the provider shifted it")
    return store.roll_back(chosen, action, NOW, day(4) if again else None, dry_run)


def _states(store: SqlStore) -> list[tuple[str, AcquisitionState, bool]]:
    """Version, state, and whether it is history, oldest look first."""
    rows: list[LedgerEntry] = sorted(store.ledger(), key=lambda one: (one.acquisition.key, one.acquisition.version))
    return [(f"{one.acquisition.key[-1]}{one.acquisition.version}", one.state, one.history) for one in rows]


def test_from_a_day_on(store: SqlStore) -> None:
    """Alerts opened since are cancelled, once and for those who had heard of them; the others lose what was said."""
    _story(store)
    heard = messages(store)
    done = _back(store, replace(REGION, since=day(3)))
    assert (done.acquisitions, done.looks, done.told) == ((acquisition(3).id, acquisition(4).id), 2, 2)
    assert (done.ended, done.changed, done.kept) == (("E4",), ("E1",), ())
    assert messages(store) == [*heard, ("E1:2", "provisional"), ("E4:1", "closed")]
    first, last = store.event("E1"), store.event("E4")
    assert first is not None
    assert last is not None
    assert (first.state, [piece.withdrawn for piece in first.evidence]) == (EventState.PROVISIONAL, [False, True])
    assert (last.transitions[-1].reason, last.transitions[-1].by) == ("rolled-back", "engineer")
    assert _states(store) == [
        ("1v1", DONE, False),
        ("2v1", DONE, False),
        ("3v1", PARKED, False),
        ("4v1", PARKED, False),
    ]
    assert [row.acquisition_key for row in store.looks_before(TILE, MODEL, "optical", day(9), 9)] == [
        "optical-002",
        "optical-001",
    ]
    assert store.reference("E4", "optical") == {TILE: ["looks/1.npz"]}
    assert sum(count.count for count in store.choices(day(0))) == 2
    assert _back(store, replace(REGION, since=day(3))).told == 0
    assert len(messages(store)) == len(heard) + 2


def test_a_candidate_is_taken_back_in_silence(store: SqlStore) -> None:
    """Nobody had heard of it."""
    _story(store)
    heard = messages(store)
    done = _back(store, replace(REGION, acquisition=acquisition(2).id))
    assert set(done.ended) == {"E1", "weak"}
    assert messages(store) == [*heard, ("E1:2", "closed")]


def test_what_had_ended_ends_once(store: SqlStore) -> None:
    """Receivers who heard that an alert was dismissed need not hear that what raised it was taken back."""
    process(store, acquisition(1), _opened(acquisition(1)))
    store.act("E1", Action(at=NOW, by="officer", kind=ActionKind.DISMISS, reason="works"), NOW)
    heard = messages(store)
    done = _back(store, replace(REGION, since=day(1)))
    assert (done.ended, done.changed, done.told) == ((), ("E1",), 0)
    assert messages(store) == heard
    read = store.event("E1")
    assert read is not None
    assert (read.state, read.transitions[-1].reason) == (EventState.CLOSED, "rolled-back")


def test_a_dry_run_changes_nothing(store: SqlStore) -> None:
    """It tells the numbers of the real one."""
    _story(store)
    before = dump(store)
    planned = _back(store, replace(REGION, since=day(2)), dry_run=True)
    assert dump(store) == before
    assert _back(store, replace(REGION, since=day(2))) == planned


def test_by_model(store: SqlStore) -> None:
    """Those that were looked at through one version of a model, in this region only."""
    _story(store)
    other = acquisition(5)
    store.discover("atsuma", [other], [], NOW)
    assert store.claim(ME, LEASE, NOW, ["atsuma"]) is not None
    assert store.complete(other, ME, result(observations=(observation(other, model_version="scar-2"),)), NOW)
    done = _back(store, replace(REGION, model="scar-2"))
    assert done.acquisitions == (other.id,)
    assert _back(store, replace(REGION, model="scar-3")).acquisitions == ()


def test_queued_again(store: SqlStore) -> None:
    """As another processing of the same version: a poll that sees the version changes nothing."""
    _story(store)
    _back(store, replace(REGION, since=day(3)), again=True)
    assert _states(store)[2:] == [
        ("3v1", SUPERSEDED, False),
        ("3v1r2", WAITING, True),
        ("4v1", SUPERSEDED, False),
        ("4v1r2", WAITING, False),
    ]
    assert store.discover("atsuma", [acquisition(3), acquisition(4)], [], NOW) == 0
    again = replace(acquisition(3), version="v1r2")
    assert store.claim(ME, LEASE, NOW, ["atsuma"]) is not None
    known = store.event("E1")
    assert known is not None
    process_claimed(store, again, _heard(known, again))
    read = store.event("E1")
    assert read is not None
    assert (read.state, len(read.evidence)) == (EventState.CONFIRMED, 3)
    assert [state for name, state in messages(store) if name.startswith("E1")] == [
        "provisional",
        "confirmed",
        "provisional",
        "confirmed",
    ]


def process_claimed(store: SqlStore, of: Acquisition, found: Event) -> None:
    """Complete what `me` has claimed."""
    assert store.complete(of, ME, result(events=(found,), observations=(observation(of),)), NOW)


def test_a_released_one_is_another_processing(store: SqlStore) -> None:
    """What it said before stays taken back."""
    _story(store)
    _back(store, replace(REGION, acquisition=acquisition(4).id))
    assert store.release("atsuma", acquisition(4).id, NOW)
    assert _states(store)[3:] == [("4v1", SUPERSEDED, False), ("4v1r2", WAITING, False)]


def test_what_is_at_work_meanwhile_writes_nothing(store: SqlStore) -> None:
    """It was judged against what is taken back: its lease is gone, and it is due again."""
    _story(store)
    store.discover("atsuma", [acquisition(5)], [], NOW)
    claimed = store.claim(ME, LEASE, NOW, ["atsuma"])
    assert claimed is not None
    _back(store, replace(REGION, since=day(3)))
    assert not store.extend(claimed.acquisition, ME, LEASE, NOW)
    again = store.claim(ME, timedelta(1), NOW, ["atsuma"])
    assert again is not None
    assert (again.acquisition, again.attempts) == (claimed.acquisition, 1)


def test_processed_again(store: SqlStore) -> None:
    """What was seen counts until the same is done anew, and is then replaced at once; nobody hears of it."""
    _story(store)
    heard = messages(store)
    assert store.reprocess(replace(REGION, since=day(3)), NOW, day(4), dry_run=True) == (
        acquisition(3).id,
        acquisition(4).id,
    )
    assert _states(store)[2:] == [("3v1", DONE, False), ("4v1", DONE, False)]
    store.reprocess(replace(REGION, since=day(3)), NOW, day(4))
    assert _states(store)[2:] == [
        ("3v1", SUPERSEDED, False),
        ("3v1r2", WAITING, True),
        ("4v1", SUPERSEDED, False),
        ("4v1r2", WAITING, False),
    ]

    def versions() -> list[str]:
        return [row.acquisition_version for row in store.looks_before(TILE, MODEL, "optical", day(9), 2)]

    assert versions() == ["v1", "v1"]
    store.discover("atsuma", [acquisition(5)], [], NOW)
    for number, version, seen in ((4, "v1r2", ["v1r2", "v1"]), (5, "v1", ["v1", "v1r2"]), (3, "v1r2", ["v1", "v1r2"])):
        entry = store.claim(ME, LEASE, NOW, ["atsuma"])
        assert entry is not None
        assert entry.acquisition == replace(acquisition(number), version=version)
        assert store.complete(entry.acquisition, ME, result(observations=(observation(entry.acquisition),)), NOW)
        assert versions() == seen
    assert messages(store) == heard
    assert store.reprocess(replace(REGION, since=day(3)), NOW, day(4)) == (
        replace(acquisition(3), version="v1r2").id,
        replace(acquisition(4), version="v1r2").id,
        acquisition(5).id,
    )
    assert _states(store)[-1][0] == "5v1r2"
    assert "3v1r3" in {name for name, *_ in _states(store)}


@pytest.mark.parametrize(("sensor", "judged"), [(Sensor.OPTICAL, [2, 3, 4]), (Sensor.SAR, [4])])
def test_what_would_be_judged_again(store: SqlStore, sensor: Sensor, judged: list[int]) -> None:
    """Not the first looks of a class, which there is nothing to compare with, nor what is history by now."""
    for number in range(1, 5):
        process(store, acquisition(number, sensor=sensor))
    assert store.judged_again(REGION, day(0)) == len(judged)
    for number in range(1, 5):
        assert store.judged_again(replace(REGION, since=day(number)), day(0)) == sum(one >= number for one in judged)
    assert store.judged_again(REGION, day(4)) == 1
    assert len(store.reprocess(REGION, NOW, day(4), dry_run=True)) == 4
    store.forget_looks(lambda href: "003" in href)
    assert store.judged_again(REGION, day(0)) == (1 if sensor is Sensor.OPTICAL else 0), "after the one that is left"
