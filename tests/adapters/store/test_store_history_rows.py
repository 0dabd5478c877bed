"""Acquisitions that were too old for alerts when they arrived, in the ledger."""

from datetime import datetime, timedelta

from monitor.adapters.store import SqlStore
from monitor.records import AcquisitionState
from tests.adapters.store.factories import LEASE, NOW, acquisition, day, result

ME = "me@1:1:1"


def _next(store: SqlStore, *regions: str) -> tuple[str, int]:
    """Region and day of what is claimed and done next."""
    entry = store.claim(ME, LEASE, NOW, regions)
    assert entry is not None
    assert store.complete(entry.acquisition, ME, result(), NOW)
    return entry.acquisition.region, (entry.acquisition.sensing_time - day(0)).days


def test_what_is_old_as_it_arrives_is_history(store: SqlStore) -> None:
    """By its time of sensing alone; a poll that sees it again later does not change it."""
    store.discover("atsuma", [acquisition(1), acquisition(5)], [], NOW, history_before=day(5))
    store.discover("atsuma", [acquisition(1), acquisition(5)], [], NOW, history_before=day(9))
    assert [(entry.acquisition.key, entry.history) for entry in store.ledger()] == [
        ("optical-005", False),
        ("optical-001", True),
    ]
    assert [store.is_history(acquisition(number)) for number in (1, 5)] == [True, False]


def test_history_comes_first_while_it_can_still_teach(store: SqlStore) -> None:
    """A region that is new to the watch is taken in order of time, history or not."""
    store.discover("atsuma", [acquisition(number) for number in (1, 3, 5, 7)], [], NOW, history_before=day(5))
    assert [_next(store, "atsuma")[1] for _ in range(4)] == [1, 3, 5, 7]


def test_history_that_comes_too_late_does_not_hold_up_the_watch(store: SqlStore) -> None:
    """Once something newer is done, what is due of the watch goes before older history."""
    store.discover("atsuma", [acquisition(6)], [], NOW, history_before=day(5))
    assert _next(store, "atsuma") == ("atsuma", 6)
    store.discover("atsuma", [acquisition(number) for number in (1, 2, 8)], [], NOW, history_before=day(5))
    assert [_next(store, "atsuma")[1] for _ in range(3)] == [8, 1, 2]


def test_history_of_one_region_waits_for_the_watch_of_another(store: SqlStore) -> None:
    """A year of one region's past takes hours; a storm in another is looked at meanwhile."""
    store.discover("atsuma", [acquisition(1), acquisition(2)], [], NOW, history_before=day(5))
    store.discover("noto", [acquisition(8, region="noto")], [], NOW, history_before=day(5))
    assert [_next(store, "atsuma", "noto")[0] for _ in range(3)] == ["noto", "atsuma", "atsuma"]


def test_states_of_a_time(store: SqlStore) -> None:
    """Acquisitions sensed in [start, end) of one region are counted by state."""
    store.discover("atsuma", [acquisition(number) for number in (1, 3, 5)], [], NOW)
    store.discover("noto", [acquisition(3, region="noto")], [], NOW)
    _next(store, "atsuma")
    done, waiting = AcquisitionState.DONE, AcquisitionState.DISCOVERED
    assert store.states("atsuma", day(1), day(5)) == {done: 1, waiting: 1}
    assert store.states("atsuma", day(2), day(6)) == {waiting: 2}


def test_how_far_back_a_region_was_searched(store: SqlStore) -> None:
    """The earliest time counts, region by region."""

    def at(days: int) -> datetime:
        return NOW - timedelta(days=days)

    assert store.searched_since("atsuma") is None
    for days in (90, 365, 30):
        store.note_searched("atsuma", at(days))
    assert store.searched_since("atsuma") == at(365)
    assert store.searched_since("noto") is None


def test_how_fast_a_region_is_worked_through(store: SqlStore) -> None:
    """The mean time between two ends of work; a wait for the next acquisition is none."""
    store.discover("atsuma", [acquisition(number) for number in range(6)], [], NOW, history_before=day(4))
    assert store.pace("atsuma") is None
    now = NOW
    for minutes in (0, 2, 2, 600, 3):
        now += timedelta(minutes=minutes)
        entry = store.claim(ME, LEASE, now, ["atsuma"])
        assert entry is not None
        assert store.complete(entry.acquisition, ME, result(), now)
    assert store.pace("atsuma") == 140.0
    assert store.pace("noto") is None
    assert store.history_left("atsuma") == (4, 0)
    assert store.known("atsuma", day(4), day(9)) == {("optical-004", "v1"), ("optical-005", "v1")}
