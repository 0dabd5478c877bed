"""What the benchmark of the feeds fills in can be served, and what it prints is what was measured."""

from contextlib import closing
from pathlib import Path

from benchmarks.asking import Answered
from benchmarks.feeds import Served, fill, table
from monitor.adapters.store import SqlStore
from monitor.adapters.store.listing import AlertLists, Wanted


def test_synthetic_alerts_are_alerts_like_any(tmp_path: Path) -> None:
    """Listed, told, and with a message each."""
    with closing(SqlStore(f"sqlite:///{tmp_path}/feeds.db")) as store:
        store.upgrade()
        fill(store, 40)
        lists = AlertLists(store.database)
        assert lists.count(Wanted()) == len(lists.messages(50)[0]) == 40
        told = lists.revision("north-000000", 0)
        assert told is not None
        assert len(told.event.evidence) == 2


def test_the_target_is_missed_by_slow_answers_and_by_errors() -> None:
    """A fast error is no answer."""
    fast, slow, wrong = (
        tuple(Answered(kind="atom", status=status, ms=ms) for _ in range(20))
        for status, ms in ((200, 5.0), (200, 80.0), (503, 5.0))
    )
    said = [
        table(
            Served(machine="m", alerts=1, rate=1, seconds=1, answered=answered, first_s=(0.1,), peak_mib=1, writes=0)
        ).rpartition(": ")[2]
        for answered in (fast, slow, wrong)
    ]
    assert said == ["kept", "MISSED", "MISSED"]
