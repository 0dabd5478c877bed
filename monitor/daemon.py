"""`scarpwatch run`: two jobs (poll, process), one for every channel, a web server, and a clean end.

SIGTERM and SIGINT only set a flag. The acquisition at hand is finished and written, then everything is closed
and the process ends with 0. A second signal ends it at once; the lease of what was left is then taken over.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from structlog.typing import FilteringBoundLogger

from monitor.alive import Herald
from monitor.config import Settings
from monitor.core.audit import AuditReport
from monitor.core.breaker import HostHealth
from monitor.core.estimates import Estimate
from monitor.delivering import Delivery, DeliveryEvent
from monitor.heap import Heap
from monitor.job_lines import HEARD, JobEar
from monitor.jobs import Jobs
from monitor.log_lines import PollEar, log_delivery, log_event
from monitor.measuring import Measuring, WatchStore
from monitor.metrics_wiring import About as About
from monitor.metrics_wiring import Counting, make_metrics
from monitor.night_drill import NightDrill, Nights
from monitor.nightly import NightlyAudit, Reports
from monitor.ports import LookArchive, SlopeSights, Store, Turn
from monitor.records import DeliveryState, FiledReport, ReportKind
from monitor.systemd import Systemd
from monitor.turns import Turns
from monitor.web.health import Answers, Check
from monitor.web.server import WebServer
from monitor.web.unwell import Unwell

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from monitor.searching import Found
    from monitor.service import Clock, PassEvent, PassSummary, Report

_LOOK_AT_QUEUE_EVERY = timedelta(seconds=5)
"""How soon an acquisition is noticed after a poll found it or its waiting time ended: one small query."""
_STAND_BY_EVERY = timedelta(minutes=1)
"""How soon an instance takes over from one that is gone."""
_DELIVERY = "deliver"
"""The jobs of channels, and the threads they run in: one each."""
_ALIVE = "alive"
"""The job that looks whether the message of the week is due, and the thread it runs in."""
_ALIVE_EVERY = timedelta(minutes=10)
_DRILL = "drill"
"""The job of exercises, and the thread it runs in."""
_AUDIT = "audit"
"""The job that compares ledger and catalogs, and the thread it runs in."""
_PROCESS = "process"
_MEASURE = "measure"
"""The job that tells Prometheus how the regions stand, and the thread it runs in: nothing may hide a silence."""
_MEASURE_EVERY = timedelta(minutes=1)
_STUCK_LEASES = 4
"""The lease of an acquisition is prolonged before every block of tiles. Who has not come to it for so many leases, and
at least for `_STUCK_LEAST`, will not."""
_STUCK_LEAST = timedelta(hours=1)
_MISSED_POLLS = 3
"""A watch that missed so many polls is not watching."""
_ENDS = {"done": "done", "parked": "parked", "retry": "discovered"}
"""Ledger state in which an event's action leaves an acquisition."""


class KeptStore(WatchStore, Reports, Protocol):
    """What the daemon reads of the database, and keeps there, besides what the service does."""

    def put_report(self, kind: ReportKind, report: FiledReport) -> None:
        """Keep a report; the one before of its kind and subject is forgotten."""


class Watch(Counting, Protocol):
    """The service as the daemon and the command line see it (`monitor.service.Service`)."""

    @property
    def store(self) -> Store:
        """The database."""

    def once(self, clock: "Clock", report: "Report" = ..., stop: Callable[[], bool] = ...) -> "PassSummary":
        """Poll everything, then process what is due."""

    def poll(self, now: datetime, report: "Report" = ...) -> tuple[int, tuple[str, ...]]:
        """Ask every catalog; the number of new acquisitions, and what went wrong."""

    def process(
        self, clock: "Clock", stop: Callable[[], bool] = ..., report: "Report" = ..., only: str | None = None
    ) -> "PassSummary":
        """Process what is due until nothing is, or `stop` says so; `only` names the one region to work on."""

    def look_up(
        self, region: str, start: datetime, end: datetime, now: datetime, stop: Callable[[], bool] = ...
    ) -> "list[Found]":
        """What the catalogs of a region know of a time; nothing is written."""

    def estimate(self, region: str, parts: "Sequence[Found]") -> Estimate:
        """What it takes to look at what was found."""

    def enter(self, region: str, parts: "Sequence[Found]", now: datetime) -> int:
        """Put into the queue what was found; the number of new acquisitions."""

    def audit(self, region: str, now: datetime) -> AuditReport:
        """Compare the ledger with the catalogs of a region."""

    def hosts(self) -> Mapping[str, HostHealth]:
        """How every host does that was asked."""

    def close(self) -> None:
        """Release everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where the daemon reads how the regions stand, and what reads it for people."""

    store: KeptStore
    looks: LookArchive
    sights: SlopeSights
    api: "ASGIApp | None" = None
    """Served beside /livez, /readyz and /metrics."""
    refusals: Callable[[], Mapping[str, int]] = dict
    """What the API refused, by reason."""
    turn: Turn | None = None
    """Of asking the catalogs; None: nobody else works on this database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What it does beside asking and processing, and how soon it notices that there is something to do."""

    delivery: Delivery | None = None
    """None leaves what people should hear to other processes."""
    herald: Herald | None = None
    """Tells the channels once a week how the regions stand; None: nobody does."""
    drill: NightDrill | None = None
    """Exercises; None: none are made."""
    look_every: timedelta = _LOOK_AT_QUEUE_EVERY
    """At the queue and at the outbox."""


_NO_DUTIES = Duties()


class Daemon:
    """The service, kept going."""

    def __init__(
        self,
        *,
        service: Watch,
        kept: Kept,
        settings: Settings,
        about: About,
        log: FilteringBoundLogger,
        clock: "Clock",
        duties: Duties = _NO_DUTIES,
    ) -> None:
        """
        Raises:
            ConfigError: the address of `serve` cannot be used.
        """
        self._service = service
        self._kept, self._store = kept, kept.store
        self._settings = settings
        self._log, self._unwell = log, Unwell(log)
        self._clock = clock
        self._stop, self._systemd, self._heap = threading.Event(), Systemd(), Heap()
        self._interval = timedelta(minutes=settings.poll_minutes)
        self._last_poll: tuple[datetime, float] | None = None
        self._delivery = duties.delivery
        self._herald = duties.herald
        self._turns = Turns(kept.turn, log)
        self._about = about
        channels = duties.delivery.couriers if duties.delivery else {}
        threads = {"default": 2, _DELIVERY: max(1, len(channels)), _DRILL: 1, _ALIVE: 1, _AUDIT: 1, _MEASURE: 1}
        self._jobs = Jobs(threads, self._on_clock_set)
        self._look_every = duties.look_every
        self.metrics = make_metrics(settings, about, service, self._jobs, kept.refusals, channels)
        self._measuring = Measuring(
            store=kept.store,
            looks=kept.looks,
            sights=kept.sights,
            settings=settings,
            metrics=self.metrics,
            told=self._systemd.stands,
        )
        self._audit = NightlyAudit(service.audit, kept.store, self.metrics.catalogs, log)
        drill, telling = duties.drill, self.metrics.telling
        self._drills = None if drill is None else Nights(drill, kept.store, telling, log)
        answers = Answers(alive=self._alive, ready=self._ready, registry=self.metrics.registry)
        serve = settings.serve
        self.health = WebServer(serve.host, serve.port, answers, kept.api, serve.trusted_proxies)

    def run(self) -> None:
        """Work until `stop`, SIGTERM or SIGINT; returns when everything is drained and closed.

        Must be called in the main thread, where signals arrive.
        """
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            with self._systemd.watched(self._goes_on):
                self._start()
                self._systemd.ready()
                self._stop.wait()
                self._systemd.stopping()
                self._log.info("finishing the acquisition at hand", action="draining")
                self._jobs.end()
        finally:
            self._stop.set()
            self.health.close()
            for number, handler in before.items():
                signal.signal(number, handler)
        self._log.info("ended cleanly", action="stopped")

    def stop(self) -> None:
        """Ask for a clean end; returns at once."""
        self._stop.set()

    def poll(self) -> None:
        """The poll job: ask every catalog. What it finds is a row of the ledger, which the process job sees."""
        self._store.check()
        now = self._clock()
        if not self._turns.ours():
            known = self._store.sources(self._settings.catalogs)
            self.metrics.catalogs.sources(known)
            self._last_poll = self._turns.heard(known, now)
            return
        heard = PollEar(self._log)

        def report(event: "PassEvent") -> None:
            heard(event)
            self.metrics.work.delays(event.delays)

        discovered, _errors = self._service.poll(now, report)
        answered = heard.answered(self._settings)
        silent = sorted(set(self._measuring.catalogs) - set(answered))
        self.metrics.catalogs.polled(answered, silent, discovered, now)
        self.metrics.catalogs.hosts(self._service.hosts(), now)
        if answered or not self._settings.catalogs:
            self._last_poll = now, time.monotonic()
        else:
            self._turns.give_up()  # another instance may reach them

    def stand_by(self) -> None:
        """The job of an instance whose turn it is not: whether it is now, and how the catalogs answer the other."""
        if self._turns.standing_by:
            self.poll()

    def process(self) -> None:
        """The process job: work until nothing is due or the end is asked for.

        Raises:
            ConfigError: the tables were upgraded since this program began; it would write rows of an older kind.
        """
        self._store.check()
        start = time.monotonic()
        worked: set[str] = set()

        def report(event: "PassEvent") -> None:
            self._report(event)
            worked.add(event.region)

        summary = self._service.process(partial(self._tell_the_time, _PROCESS), self._stop.is_set, report)
        self.metrics.catalogs.hosts(self._service.hosts(), self._clock())
        if summary.processed or summary.parked or summary.retried:
            self.metrics.work.passed(time.monotonic() - start)
            self._measuring.everything(self._clock(), partial(self._jobs.goes_on, _PROCESS), worked)
            self._heap.tidy(idle=True)

    def measure(self) -> None:
        """The job of the minute: how the regions stand, also while nothing comes in."""
        self._measuring.minute(self._clock(), partial(self._jobs.goes_on, _MEASURE))
        self._show_nights()

    def deliver(self, channel: str) -> None:
        """The job of one channel: send what is due. A receiver that is dead or slow holds up nothing but itself."""
        assert self._delivery is not None

        def report(event: DeliveryEvent) -> None:
            log_delivery(self._log, event)
            self.metrics.telling.delivery(event.channel, event.action, event.revisions)
            self.metrics.work.delays(event.delays)
            if event.action == "delivered":
                self.metrics.telling.escalated(event.channel, event.escalations)

        try:
            clock = partial(self._tell_the_time, f"{_DELIVERY}-{channel}")
            self._delivery.round(channel, clock, report, self._stop.is_set)
        finally:
            self._measure_channel(channel)

    def plan(self) -> None:
        """The job of a watch without channels: nobody who adds one later is told of what was before."""
        assert self._delivery is not None
        self._delivery.plan(self._clock())

    def say_alive(self) -> None:
        """The job of the week: who relies on the watch hears that it is alive, also when there is nothing to tell."""
        assert self._herald is not None
        for said in self._herald.speak(self._clock()):
            say = self._log.info if said.well else self._log.warning
            say(said.title, action="alive" if said.well else "not-well", region=said.region, item=said.key)
        for region, at in self._herald.spoken().items():
            self.metrics.telling.alive(region, at)

    def drill(self) -> None:
        """The job of the night: an exercise in every chosen region."""
        assert self._drills is not None
        if self._drills.due(self._clock()) and self._turns.ours():
            self._drills.run(self._clock, self._stop.is_set)

    def audit(self) -> None:
        """The job of the night: what the polls of the look-back missed is found."""
        if self._turns.ours():
            self._audit.run(sorted(self._settings.regions), self._clock, self._stop.is_set)

    def _start(self) -> None:
        # The last state of the regions is shown from the first scrape on, not only after the next acquisition.
        self._measuring.everything(self._clock(), lambda: None)
        self._show_nights()
        engine = {"engine": self._about.engine, "model": self._about.model_version, "version": self._about.version}
        self._store.put_report(ReportKind.ENGINE, FiledReport(subject="", at=self._clock(), body=engine))
        self.health.start()
        self._jobs.scheduler.add_listener(JobEar(self._log), HEARD)
        self._jobs.every(self._interval, self.poll, "poll")
        if self._kept.turn is not None:
            self._jobs.every(min(self._interval, _STAND_BY_EVERY), self.stand_by, "stand-by")
        self._jobs.every(self._look_every, self.process, _PROCESS, longest_s=self._longest_s())
        self._jobs.every(_MEASURE_EVERY, self.measure, _MEASURE, _MEASURE)
        self._start_delivery()
        if self._herald is not None:
            self._jobs.every(_ALIVE_EVERY, self.say_alive, _ALIVE, _ALIVE)
        if self._settings.audit.nightly:
            self._jobs.daily(self._settings.audit.hour_utc, self.audit, _AUDIT, _AUDIT)
        if self._drills is not None:
            self._jobs.daily(self._drills.hour_utc, self.drill, _DRILL, _DRILL)
        # The listener says what matters; the library would log every look at the queue skipped while one is at work.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self._jobs.start()
        where = f"http://{self._settings.serve.host}:{self.health.port}"
        self._log.info(f"watching {len(self._settings.regions)} region(s); {where}/metrics", action="started")

    def _show_nights(self) -> None:
        """What came of audits and exercises, also of those that another instance or a person made."""
        self._audit.show(self._settings.regions)
        if self._drills is not None:
            self._drills.show()

    def _goes_on(self) -> bool:
        """For systemd; the end that was asked for has a limit of its own (`TimeoutStopSec=`)."""
        return self._stop.is_set() or not (self._jobs.late() or self._jobs.stuck())

    def _longest_s(self) -> float:
        """So long a job that asks for the time as it goes on may take from one time to the next."""
        return max(_STUCK_LEAST, _STUCK_LEASES * timedelta(minutes=self._settings.lease_minutes)).total_seconds()

    def _tell_the_time(self, job: str) -> datetime:
        """Whoever prolongs a lease asks for the time, before every block of tiles and every message: it goes on."""
        self._jobs.goes_on(job)
        return self._clock()

    def _start_delivery(self) -> None:
        if self._delivery is None:
            return
        if not self._delivery.couriers:
            self._jobs.every(self._look_every, self.plan, _DELIVERY, _DELIVERY)
        for name in self._delivery.couriers:
            job, longest_s = f"{_DELIVERY}-{name}", self._longest_s()
            self._jobs.every(self._look_every, self.deliver, job, _DELIVERY, (name,), longest_s)

    def _measure_channel(self, name: str) -> None:
        assert self._delivery is not None
        now, standing = self._clock(), self._delivery.standing(name)
        late = now - standing.oldest_due if standing.oldest_due else timedelta(0)
        parked, held = (standing.counts.get(state, 0) for state in (DeliveryState.PARKED, DeliveryState.HELD))
        self.metrics.telling.channel(name, oldest_due_s=max(0.0, late.total_seconds()), parked=parked, held=held)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        # A second signal meets the default handler: people who insist are obeyed.
        signal.signal(number, signal.SIG_DFL)
        self._stop.set()

    def _on_clock_set(self, by_s: float) -> None:
        words = f"the clock was set {'back' if by_s < 0 else 'forward'} by {abs(by_s):.0f} s; all jobs are started anew"
        self._log.warning(words, action="clock-set", item="clock")

    def _report(self, event: "PassEvent") -> None:
        log_event(self._log, event)
        state = _ENDS.get(event.action)
        if state:
            self.metrics.work.acquisition(event.region, state, event.reason, event.seconds)
            self.metrics.work.choices(event.region, event.choices)
            self.metrics.work.delays(event.delays)
            self._heap.tidy()
        if event.action == "lease-capped":
            self.metrics.work.lease_capped(event.region)
        if event.acquisition is not None:
            self.metrics.work.answers(event.region, event.acquisition.sensor, event.answers)
            self.metrics.work.tiles(event.region, event.acquisition.sensor, event.tiles)
            self.metrics.work.worker_blocks(event.blocks)

    def _alive(self) -> tuple[Check, ...]:
        running = self._jobs.scheduler.running
        late = self._jobs.late()
        detail = f"not started for too long: {', '.join(late)}" if late else "started when they should be"
        stuck = self._jobs.stuck()
        progress = f"at work without progress for too long: {', '.join(stuck)}" if stuck else "none is stuck"
        return (
            Check(name="scheduler", passed=running, detail="running" if running else "not running"),
            Check(name="jobs", passed=not late, detail=detail),
            Check(name="progress", passed=not stuck, detail=progress),
        )

    def _ready(self) -> tuple[Check, ...]:
        return (self._unwell.database(self._store.check), self._poll_check())

    def _poll_check(self) -> Check:
        if self._last_poll is None:
            return Check(name="poll", passed=False, detail="no catalog has answered yet")
        at, ticks = self._last_poll
        # A clock that was set back makes nothing fresh: the other one counts on.
        late = max(self._clock() - at, timedelta(seconds=time.monotonic() - ticks))
        passed = late <= _MISSED_POLLS * self._interval
        return Check(name="poll", passed=passed, detail=f"a catalog last answered {late.total_seconds():.0f} s ago")
