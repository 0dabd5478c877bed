"""Jobs that fail again and again: told at once, then ever more rarely, and once when they work again."""

import json
import logging
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import StringIO
from types import SimpleNamespace

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, JobExecutionEvent

from monitor.errors import StoreBusy
from monitor.job_lines import HEARD, JobEar
from monitor.jobs import Jobs
from monitor.logs import make_logger

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
GONE = StoreBusy("gone", item="database", remedy="It is tried again")
LOCKED = StoreBusy("locked", item="database", remedy="It is tried again")


class Heard:
    """A log, and a clock that is set by hand."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self.seconds = 0.0
        self._stream = StringIO()
        self._ear = JobEar(make_logger(self._stream, as_json=True), lambda: self.seconds)

    def ends(self, error: Exception | None = None, job: str = "process", code: int | None = None) -> None:
        """A job ended."""
        kind = code or (EVENT_JOB_EXECUTED if error is None else EVENT_JOB_ERROR)
        self._ear(JobExecutionEvent(kind, job, "default", NOON, exception=error))

    def lines(self) -> list[dict[str, object]]:
        """What was written since it was last asked."""
        found = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        self._stream.truncate(0)
        self._stream.seek(0)
        return found

    def told(self) -> list[object]:
        """The same in words."""
        return [one["event"] for one in self.lines()]


def test_the_same_words_come_ever_more_rarely() -> None:
    """After one, two, four minutes and so on, and at least every hour, with how often it failed; once when it works."""
    heard, at = Heard(), list[float]()
    for second in range(0, 6 * 3600, 5):
        heard.seconds = second
        heard.ends(GONE)
        if lines := heard.lines():
            at.append(second / 60)
            (line,) = lines
            assert (line["action"], line["item"], line["reason"]) == ("job-failed", "process", "store-busy")
            often = f" (it failed so {second // 5 + 1} times in " if second else ""
            assert str(line["event"]).startswith(f"{GONE}{often}")
    assert at == [0, 1, 2, 4, 8, 16, 32, 64, 124, 184, 244, 304]
    heard.ends()
    heard.ends()
    assert heard.told() == ["works again; it failed 4320 time(s) in 6 h"]


def test_other_words_and_other_jobs_are_told_at_once() -> None:
    """Nothing is taken for what it is not."""
    heard = Heard()
    for error, job in ((GONE, "process"), (LOCKED, "process"), (GONE, "deliver"), (GONE, "process")):
        heard.ends(error, job)
    assert heard.told() == [str(GONE), str(LOCKED), str(GONE)]
    heard.ends(ValueError("odd"))
    (line,) = heard.lines()
    assert (line["event"], "exception" in line) == ("a defect: please report it", True)
    heard.ends(code=EVENT_JOB_MISSED)
    (line,) = heard.lines()
    assert line["action"] == "job-missed"


def test_a_job_that_works_now_and_then() -> None:
    """It is told as rarely: neither its failures nor that it works fill the log; after ten good minutes it is new."""
    heard, told = Heard(), list[object]()
    for second in range(0, 300, 5):
        heard.seconds = second
        heard.ends(GONE if second % 10 == 0 else None)
        told += heard.told()
    assert told == [
        str(GONE),
        "works again; it failed 1 time(s) in less than a minute",
        f"{GONE} (it failed so 7 times in 1 min)",
        "works again; it failed 7 time(s) in 1 min",
        f"{GONE} (it failed so 13 times in 2 min)",
        "works again; it failed 13 time(s) in 2 min",
        f"{GONE} (it failed so 25 times in 4 min)",
        "works again; it failed 25 time(s) in 4 min",
    ]
    heard.seconds += 700
    heard.ends(GONE)
    assert heard.told() == [str(GONE)]


def test_good_times_are_forgotten() -> None:
    """What worked for long needs no memory, and words that never come twice are not kept for ever."""
    heard = Heard()
    for number in range(100):
        heard.ends(StoreBusy(f"gone {number}", item="database", remedy="Wait"))
    assert len(heard.told()) == 100
    heard.ends()
    assert heard.told() == ["works again; it failed 100 time(s) in less than a minute"]
    heard.seconds = 700
    heard.ends()
    heard.ends(GONE)
    heard.ends()
    assert heard.told() == [str(GONE), "works again; it failed 1 time(s) in less than a minute"]


def test_it_hears_what_the_scheduler_says() -> None:
    """A job that fails twice and then works: one line of each."""
    stream, tries = StringIO(), list[int]()

    def job() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise GONE

    jobs = Jobs({"default": 1})
    jobs.scheduler.add_listener(JobEar(make_logger(stream, as_json=True)), HEARD)
    jobs.every(timedelta(seconds=0.05), job, "often")
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    jobs.start()
    with closing(SimpleNamespace(close=jobs.end)):
        end = time.monotonic() + 20
        while "job-recovered" not in stream.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(one["action"], one["item"]) for one in lines] == [("job-failed", "often"), ("job-recovered", "often")]
    assert "it failed 2 time(s)" in lines[1]["event"]
