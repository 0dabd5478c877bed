"""What the log says of jobs that fail: at once, then ever more rarely, and once when they work again.

While a database is gone each job fails every few seconds with the same words. Hundreds of lines that are all alike hide
the one that is not. Metrics and health know nothing of this: they tell every failure.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, JobExecutionEvent
from structlog.typing import FilteringBoundLogger

from monitor.core.estimates import duration
from monitor.errors import ScarpwatchError

HEARD = EVENT_JOB_ERROR | EVENT_JOB_EXECUTED | EVENT_JOB_MISSED
"""The events that are told, or end what is told."""
_FIRST_S, _LONGEST_S = 60.0, 3600.0
"""The same words are told again after so long, then after twice as long, and so on; at the latest after an hour."""
_FORGET_S = 600.0
"""Who worked for so long and fails again begins anew."""
_MOST_WORDS = 20
"""Of one job: words that are never the same twice are all told, and must not be kept for ever."""


@dataclass(slots=True)
class _Words:
    """One thing that a job said."""

    first: float
    count: int = 0
    next_s: float = 0.0
    """It is told again when so long has gone by since the first time."""


@dataclass(slots=True)
class _Failing:
    """A job that failed a short while ago."""

    first: float
    count: int = 0
    said: dict[str, _Words] = field(default_factory=dict)
    works_since: float | None = None
    """None: it failed when it was last started."""
    is_told: bool = False
    """Whoever reads the log thinks that it fails."""


class JobEar:
    """Hears how jobs end, and writes it to the log. Safe across threads."""

    def __init__(self, log: FilteringBoundLogger, ticks: Callable[[], float] = time.monotonic) -> None:
        """`ticks`: seconds of a clock that nobody sets."""
        self._log = log
        self._ticks = ticks
        self._failing: dict[str, _Failing] = {}
        self._lock = Lock()

    def __call__(self, event: JobExecutionEvent) -> None:
        """A job failed, was missed, or did its work."""
        error = getattr(event, "exception", None)
        if event.code == EVENT_JOB_MISSED:
            self._log.warning("started too late; the next one does its work", action="job-missed", item=event.job_id)
        elif error is None:
            self._worked(event.job_id)
        else:
            self._failed(event.job_id, error)

    def _failed(self, job: str, error: BaseException) -> None:
        with self._lock:
            often = self._often(job, f"{type(error).__name__}: {error}")
        if often is None:
            return
        if isinstance(error, ScarpwatchError):
            self._log.error(f"{error}{often}", action="job-failed", item=job, reason=error.reason)
        else:
            self._log.error(f"a defect: please report it{often}", action="job-failed", item=job, exc_info=error)

    def _often(self, job: str, words: str) -> str | None:
        """How often it failed so, for the end of a line; None: it is not told now."""
        now = self._ticks()
        known = self._failing.get(job)
        if known is None or (known.works_since is not None and now - known.works_since > _FORGET_S):
            known = self._failing[job] = _Failing(first=now)
        known.count, known.works_since = known.count + 1, None
        if words not in known.said and len(known.said) >= _MOST_WORDS:
            known.said.pop(next(iter(known.said)))
        one = known.said.setdefault(words, _Words(first=now))
        one.count += 1
        since = now - one.first
        if since < one.next_s:
            return None
        while one.next_s <= since:
            one.next_s += min(max(one.next_s, _FIRST_S), _LONGEST_S)
        known.is_told = True
        return "" if one.count == 1 else f" (it failed so {one.count} times in {duration(since)})"

    def _worked(self, job: str) -> None:
        with self._lock:
            known, now = self._failing.get(job), self._ticks()
            if known is None:
                return
            if known.works_since is None:
                known.works_since = now
            elif now - known.works_since > _FORGET_S:
                del self._failing[job]
            tells, known.is_told = known.is_told, False
        if tells:
            told = f"works again; it failed {known.count} time(s) in {duration(now - known.first)}"
            self._log.info(told, action="job-recovered", item=job)
