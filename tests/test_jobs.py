"""Jobs at intervals, and clocks that are set."""

import threading
import time
from contextlib import closing
from datetime import datetime, timedelta, tzinfo
from types import SimpleNamespace

import pytest
from apscheduler.executors import base as executors
from apscheduler.schedulers import base as schedulers

from monitor import jobs
from monitor.jobs import Jobs


class Wall:
    """The clock on the wall, which somebody sets."""

    def __init__(self) -> None:
        """Right at first."""
        self.ahead = timedelta(0)

    def now(self, zone: tzinfo) -> datetime:
        """What it shows."""
        return datetime.now(zone) + self.ahead

    def time(self) -> float:
        """What it shows, in seconds."""
        return time.time() + self.ahead.total_seconds()


@pytest.mark.parametrize("hours", [-2, 3])
def test_a_clock_that_is_set_stops_no_job(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """Set back, or forward by more than what is still caught up, jobs go on at once and it is told by how much."""
    wall, begun, told = Wall(), threading.Semaphore(0), list[float]()

    class Shown(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            """Of the wall."""
            assert tz is not None
            return wall.now(tz)

    for module in (schedulers, executors, jobs):
        monkeypatch.setattr(module, "datetime", Shown)
    monkeypatch.setattr(jobs, "time", SimpleNamespace(time=wall.time, monotonic=time.monotonic))
    running = Jobs({"default": 1}, told.append, look_s=0.05)
    running.every(timedelta(seconds=0.1), begun.release, "often")
    running.every(timedelta(hours=1), begun.release, "seldom")
    running.daily(3, begun.release, "night")
    running.start()
    with closing(SimpleNamespace(close=running.end)):
        assert all(begun.acquire(timeout=20) for _ in range(4))
        wall.ahead = timedelta(hours=hours)
        while not told:
            time.sleep(0.01)
        assert all(begun.acquire(timeout=20) for _ in range(20))
    assert told == [pytest.approx(hours * 3600, abs=5)]
    assert running.late() == []


def test_jobs_that_are_not_started_are_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock that nobody can set, after three of their intervals and two minutes."""
    ticks = [1000.0]
    monkeypatch.setattr(jobs, "time", SimpleNamespace(time=time.time, monotonic=lambda: ticks[0]))
    asleep = Jobs({"default": 1})
    asleep.every(timedelta(seconds=5), lambda: None, "process")
    asleep.every(timedelta(minutes=30), lambda: None, "poll")
    ticks[0] += 119
    assert asleep.late() == []
    ticks[0] += 2
    assert asleep.late() == ["process"]
    ticks[0] += 3 * 1800
    assert asleep.late() == ["process", "poll"]


def test_a_job_that_hangs_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not late, since its next time is thought of; without progress for its longest time it is stuck."""
    begun, let_go, ahead = threading.Event(), threading.Event(), [0.0]
    monkeypatch.setattr(jobs, "time", SimpleNamespace(time=time.time, monotonic=lambda: time.monotonic() + ahead[0]))

    def hang() -> None:
        begun.set()
        let_go.wait(60)

    running = Jobs({"default": 2}, look_s=60)
    running.every(timedelta(hours=1), hang, "hangs", longest_s=3600)
    running.every(timedelta(hours=1), lambda: None, "ends", longest_s=3600)
    running.start()
    with closing(SimpleNamespace(close=running.end)):
        try:
            assert begun.wait(20)
            ahead[0] = 3500
            assert running.stuck() == []
            running.goes_on("hangs")
            ahead[0] = 7000
            assert running.stuck() == [], "it went on"
            ahead[0] = 7200
            assert running.stuck() == ["hangs"]
            found = running.at_work()["hangs"]
            assert found is not None
            assert found.seconds > 7100
            assert found.still_s < 3800
        finally:
            let_go.set()
    assert (running.stuck(), running.at_work()) == ([], {"hangs": None, "ends": None})
