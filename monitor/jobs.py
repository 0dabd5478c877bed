"""Jobs at intervals, started whatever happens to the clock of the machine.

The scheduler compares times of the clock on the wall: set back by two hours, it would start nothing for two hours. Here
a second look, by a clock that nobody can set, notices that and plans the jobs anew.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Thread

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_SUBMITTED, JobSubmissionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

_JUMP_S = 30.0
"""So far apart the two clocks have not merely drifted: one was set."""
_LOOK_S = 5.0
_MISSED = 3
"""A job that was not started for so many of its intervals is late ..."""
_LEAST_LATE_S = 120.0
"""... but none before this."""
_LONGEST_S = 6 * 3600.0
"""A job that gives no sign of progress may take so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """A job that has begun and not ended."""

    seconds: float
    """Since it began."""
    still_s: float
    """Since it last showed that it goes on (`Jobs.goes_on`), or began."""


class Jobs:
    """Starts jobs in threads; one that is still at work is not started beside itself."""

    def __init__(
        self, threads: dict[str, int], told: Callable[[float], None] = lambda _s: None, look_s: float = _LOOK_S
    ) -> None:
        """
        Args:
            threads: how many, by the name of their pool; there must be a `default`.
            told: hears by how many seconds the clock was set.
            look_s: how often the clocks are compared.
        """
        self.scheduler = BackgroundScheduler(
            executors={name: ThreadPoolExecutor(count) for name, count in threads.items()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600},
            timezone="UTC",
        )
        self._told = told
        self._look_s = look_s
        self._begun: dict[str, float] = {}
        self._often: dict[str, float] = {}
        self._longest: dict[str, float] = {}
        self._since: dict[str, float] = {}
        self._went_on: dict[str, float] = {}
        self._ended = Event()
        self._watchdog = Thread(target=self._watch, name="clocks", daemon=True)
        # A job that is still at work when its time comes was thought of as well.
        self.scheduler.add_listener(self._on_start, EVENT_JOB_SUBMITTED | EVENT_JOB_MAX_INSTANCES)

    def every(
        self,
        interval: timedelta,
        job: Callable[..., None],
        name: str,
        pool: str = "default",
        args: Sequence[str] = (),
        longest_s: float = _LONGEST_S,
    ) -> None:
        """Start a job now and then at intervals; without a sign of progress for `longest_s` it is stuck."""
        seconds = interval.total_seconds()
        self._longest[name] = longest_s
        self._often[name], self._begun[name] = seconds, time.monotonic()
        trigger = IntervalTrigger(seconds=seconds, timezone="UTC")
        # The scheduler lives in real time, whatever the clock of the watch says.
        now = datetime.now(UTC)
        noted = partial(self._work, name, job)
        self.scheduler.add_job(noted, trigger, args=tuple(args), id=name, executor=pool, next_run_time=now)

    def daily(self, hour_utc: int, job: Callable[[], None], name: str, pool: str = "default") -> None:
        """Start a job at an hour of every day."""
        self.scheduler.add_job(job, CronTrigger(hour=hour_utc, timezone="UTC"), id=name, executor=pool)

    def start(self) -> None:
        """Begin."""
        self.scheduler.start()
        self._watchdog.start()

    def end(self) -> None:
        """Start nothing more and wait for what is at work."""
        self._ended.set()
        self.scheduler.shutdown(wait=True)

    def late(self) -> list[str]:
        """Jobs that should have been started long ago, by a clock that nobody can set."""
        now = time.monotonic()
        return [
            name for name, often in self._often.items() if now - self._begun[name] > max(_MISSED * often, _LEAST_LATE_S)
        ]

    def goes_on(self, name: str) -> None:
        """A job says that it makes progress."""
        self._went_on[name] = time.monotonic()

    def at_work(self) -> Mapping[str, AtWork | None]:
        """Every job that is started at intervals; None: it is not at work."""
        now, since, went_on = time.monotonic(), dict(self._since), dict(self._went_on)
        return {
            name: AtWork(seconds=now - since[name], still_s=now - max(since[name], went_on.get(name, 0.0)))
            if name in since
            else None
            for name in self._often
        }

    def stuck(self) -> list[str]:
        """Jobs at work that have not gone on for too long: `late` cannot tell, since none is started beside itself."""
        return [name for name, one in self.at_work().items() if one is not None and one.still_s > self._longest[name]]

    def _work(self, name: str, job: Callable[..., None], *args: str) -> None:
        self._since[name] = time.monotonic()
        try:
            job(*args)
        finally:
            self._since.pop(name, None)

    def _watch(self) -> None:
        apart = time.time() - time.monotonic()
        while not self._ended.wait(self._look_s):
            now_apart = time.time() - time.monotonic()
            if abs(now_apart - apart) > _JUMP_S:
                self._told(now_apart - apart)
                self._plan_anew()
            # Compared with the last look only: slow drift is no jump.
            apart = now_apart

    def _plan_anew(self) -> None:
        now = datetime.now(UTC)
        for job in self.scheduler.get_jobs():
            at_once = job.id in self._often
            job.modify(next_run_time=now if at_once else job.trigger.get_next_fire_time(None, now))

    def _on_start(self, event: JobSubmissionEvent) -> None:
        self._begun[event.job_id] = time.monotonic()
