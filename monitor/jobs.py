"""Jobs at intervals, started whatever happens to the clock of the machine.

The scheduler compares times of the clock on the wall: set back by two hours, it would start nothing for two hours. Here
a second look, by a clock that nobody can set, notices that and plans the jobs anew.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
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
        self._ended = Event()
        self._watchdog = Thread(target=self._watch, name="clocks", daemon=True)
        # A job that is still at work when its time comes was thought of as well.
        self.scheduler.add_listener(self._on_start, EVENT_JOB_SUBMITTED | EVENT_JOB_MAX_INSTANCES)

    def every(
        self, interval: timedelta, job: Callable[..., None], name: str, pool: str = "default", args: Sequence[str] = ()
    ) -> None:
        """Start a job now and then at intervals."""
        seconds = interval.total_seconds()
        self._often[name], self._begun[name] = seconds, time.monotonic()
        trigger = IntervalTrigger(seconds=seconds, timezone="UTC")
        # The scheduler lives in real time, whatever the clock of the watch says.
        now = datetime.now(UTC)
        self.scheduler.add_job(job, trigger, args=tuple(args), id=name, executor=pool, next_run_time=now)

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
