"""The watch itself: poll every catalog of every region, then process what is due.

Acquisitions are judged one at a time. While one is judged, the network looks at the next.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from monitor.auditing import Auditor
from monitor.core.audit import AuditReport
from monitor.core.breaker import HostHealth
from monitor.core.delays import Delay, of_discovery, of_processing
from monitor.core.estimates import Cost, Estimate, estimate, to_be_there, told
from monitor.core.fleet import Fleet
from monitor.core.story import story_of
from monitor.errors import ClusterUnavailable, Permanent, ScarpwatchError, Transient
from monitor.next_survey import Hold, NextSurvey
from monitor.observing import decisions
from monitor.pass_events import PassEvent as PassEvent
from monitor.pass_events import PassSummary as PassSummary
from monitor.pass_events import Report as Report
from monitor.pipeline import Outcome, Pipeline
from monitor.polling import Polled, Poller, nothing_shows
from monitor.ports import Catalog, RegionStore
from monitor.records import Acquisition, LedgerEntry, Region, Sensor
from monitor.searching import Found
from monitor.survey import Surveyed, watched_tiles

Clock = Callable[[], datetime]

_ALL = 10_000_000
"""Acquisitions of a ledger, more than any has."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
NO_SCENE = "no-scene"
"""Reason of a poll that the catalogs answered, with not one scene of the whole look-back."""
_REFUSED_REMEDY = "Mend it in the catalog, or tell the catalog's operator; every poll looks at it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """How the service polls and how patient it is."""

    lease: timedelta = timedelta(minutes=10)
    max_attempts: int = 5
    """Tries before an acquisition is parked that ends the process every time."""
    patience: int = 12
    """Tries before an acquisition is parked whose fault may pass: about a day."""
    retry_after: timedelta = timedelta(minutes=2)
    """Wait before the second try; doubled for each further one."""
    longest_wait: timedelta = timedelta(hours=6)
    optical_looks: int = 3
    """That make up a reference."""


def _silent(_event: PassEvent) -> None:
    """Nobody listens."""


@dataclass(slots=True, kw_only=True)
class _Tally:
    processed: int = 0
    parked: int = 0
    retried: int = 0
    alerts_opened: int = 0
    errors: list[str] = field(default_factory=list)
    halted: bool = False
    """Whether this process cannot look at anything now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """What goes along with every acquisition of one pass."""

    clock: Clock
    stop: Callable[[], bool]
    report: Report
    coming: NextSurvey[Surveyed]
    regions: Sequence[str]
    tally: _Tally = field(default_factory=_Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is watched, and where it is asked for."""

    regions: Sequence[Region]
    catalogs: Mapping[str, Catalog]
    fleet: Fleet = field(default_factory=dict)
    """When satellites begin and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """What the parts of a service tell about themselves."""

    engine: str = "unknown"
    """What really runs."""
    hosts: Callable[[], Mapping[str, HostHealth]] = dict
    """How every host does that was asked."""
    static_reads: Callable[[], Mapping[str, int]] = dict
    """Tiles of every static layer that were read from their sources."""
    layer_failures: Callable[[], Mapping[str, int]] = dict
    """How often each of the operator's layers could not be read when it was needed."""
    sign_failures: Callable[[], Mapping[tuple[str, str], int]] = dict
    """How often links of a catalog got no token, or one that the store refused, by catalog and reason."""
    look_mb: Callable[[], Mapping[Sensor, float]] = dict
    """What a look at a tile takes on disk, by sensor, as far as any was kept."""


class Service:
    """Polls and processes; wired in `monitor.wiring`."""

    def __init__(
        self,
        *,
        store: RegionStore,
        pipeline: Pipeline,
        watched: Watched,
        owner: str,
        settings: ServiceSettings,
        gauges: Gauges | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """`owner` names this process in leases, `gauges` tell about its parts; `close` releases what was opened."""
        gauges = gauges or Gauges()
        self.store = store
        self.engine = gauges.engine
        self.sign_failures = gauges.sign_failures
        self.static_reads = gauges.static_reads
        self.layer_failures = gauges.layer_failures
        self.hosts = gauges.hosts
        self._look_mb = gauges.look_mb
        self.regions = {region.id: region for region in watched.regions}
        self._pipeline = pipeline
        self._poller = Poller(store, watched.catalogs, watched.fleet)
        self._auditor = Auditor(store, watched.catalogs)
        self._owner = owner
        self._settings = settings
        self._close = close
        self._placed: set[str] = set()

    def once(self, clock: Clock, report: Report = _silent, stop: Callable[[], bool] = lambda: False) -> PassSummary:
        """One pass: poll everything, then process until nothing is due or `stop` says so."""
        discovered, errors = self.poll(clock(), report)
        summary = self.process(clock, stop, report)
        return PassSummary(
            discovered=discovered,
            processed=summary.processed,
            parked=summary.parked,
            retried=summary.retried,
            waiting=summary.waiting,
            alerts_opened=summary.alerts_opened,
            errors=(*errors, *summary.errors),
        )

    def poll(self, now: datetime, report: Report = _silent) -> tuple[int, tuple[str, ...]]:
        """Ask every catalog of every region; what one of them cannot answer does not stop the others.

        Returns the number of new acquisitions and what went wrong.
        """
        discovered = 0
        errors: list[str] = []
        silent: dict[str, str] = {}
        asked: set[str] = set()
        for region in self.regions.values():
            self._place(region)
            polled = self._poller.look_back(region, now)
            found = polled.found
            asked |= {*region.catalogs, *polled.fallback}
            _tell_refusals(report, region, found)
            for action, words in polled.told:
                report(_event(action, region.id, region.id, words))
            errors += map(str, found.failures)
            silent |= {name: str(one) for one in found.failures for name in one.item.split()}
            # Of a region that is new nothing is known of all the time that it was asked about.
            known = {key for key, _ in self.store.known(region.id, found.start, now)} if found.acquisitions else set()
            if found.acquisitions and not known:
                for line in told(self.estimate(region.id, [found])):
                    report(_event("onboarding", region.id, region.id, line))
            new = self._enter(region, found, now, polled.watched_until)
            if polled.searched:
                self.store.note_searched(region.id, found.start)
            if polled.answered:
                self.store.note_answer(region.id, now)
            discovered += new
            # What was there before the region was watched waited for nobody; another version is no new pass.
            first = [one for one in found.acquisitions if one.key not in known]
            delays = self._delays(region, first, now) if new and known else ()
            report(replace(_discovered(region, polled, new), delays=delays))
        failing = {name: why for name, why in silent.items() if name in asked}
        self.store.note_sources(asked - failing.keys(), failing, now)
        return discovered, tuple(errors)

    def _place(self, region: Region) -> None:
        """A region is configured once in the life of a process."""
        if region.id not in self._placed:
            self.store.note_tiles(region.id, watched_tiles(region))
            self._placed.add(region.id)

    def look_up(
        self, region: str, start: datetime, end: datetime, now: datetime, stop: Callable[[], bool] = lambda: False
    ) -> list[Found]:
        """What the catalogs of a region know of a time that may lie long ago; nothing is written.

        Up to a month that a catalog did not answer for: what comes later must not be processed before it.
        """
        return self._poller.look_up(self.regions[region], start, end, now, stop)

    def enter(self, region: str, parts: Sequence[Found], now: datetime) -> int:
        """Put into the queue what catalogs answered in whole; returns the number of new acquisitions.

        What is older than the region's age of history is history.
        """
        whole = [part for part in parts if not part.failures]
        return sum(self._enter(self.regions[region], part, now) for part in whole)

    def estimate(self, region: str, parts: Sequence[Found]) -> Estimate:
        """What it takes to look at what was found, as far as that is not in the queue or done.

        References are made of it and of all that was looked at before, whenever that was sensed; of what is parked
        nothing is made.
        """
        found = [one for part in parts if not part.failures for one in part.acquisitions]
        times = [one.sensing_time for one in found] or [_EVER]
        known = self.store.known(region, min(times), max(times) + timedelta(seconds=1))
        new = [one for one in found if (one.key, one.version) not in known]
        there = to_be_there(found, self.store.ledger(region, _ALL))
        cost = Cost(look_mb=self._look_mb(), seconds=self.store.pace(region))
        tiles = len(watched_tiles(self.regions[region]))
        return estimate(there, new, tiles, cost, self._settings.optical_looks)

    def audit(self, region: str, now: datetime) -> AuditReport:
        """Compare the ledger with the catalogs of a region over its look-back, and queue what was missed."""
        watched = self._poller.watched_until(self.regions[region], now)
        enter = partial(self._enter, self.regions[region], now=now, watched=watched)
        return self._auditor.audit(self.regions[region], now, enter)

    def _enter(self, region: Region, found: Found, now: datetime, watched: datetime | None = None) -> int:
        """`watched`: until when the region was watched without a gap; None: until now."""
        return self.store.discover(
            region.id,
            found.acquisitions,
            [*found.refused_items, *found.refused],
            now,
            complete=not found.failures,
            history_before=region.history_before(watched or now),
        )

    def _delays(self, region: Region, found: Sequence[Acquisition], now: datetime) -> tuple[Delay, ...]:
        new = self.store.found_at(region.id, now)
        return of_discovery((one for one in found if (one.key, one.version) in new), now)

    def process(
        self,
        clock: Clock,
        stop: Callable[[], bool] = lambda: False,
        report: Report = _silent,
        only: str | None = None,
    ) -> PassSummary:
        """Process due acquisitions, oldest first within each region, until none is left or `stop` says so.

        `only` names the region that is worked on; None: all of them.
        """
        regions = list(self.regions) if only is None else [only]
        for held in self.store.cap_leases(self._settings.lease, clock(), regions):
            report(_capped(held))
        # Whoever begins holds nothing: it could not be written how a try ended.
        for held in self.store.take_back(self._owner, clock(), regions):
            report(_event("resumed", held.acquisition.region, held.acquisition.key, "the database was gone", "resumed"))
        with NextSurvey(partial(self._survey, stop), partial(_go_alone, report)) as coming:
            this = _Pass(clock=clock, stop=stop, report=report, coming=coming, regions=regions)
            while not (stop() or this.tally.halted or self._pipeline.rests()):
                entry = self.store.claim(self._owner, self._settings.lease, clock(), regions)
                if entry is None:
                    break
                self._process_one(entry, this)
        return PassSummary(
            processed=this.tally.processed,
            parked=this.tally.parked,
            retried=this.tally.retried,
            waiting=self.store.waiting(regions),
            alerts_opened=this.tally.alerts_opened,
            errors=tuple(this.tally.errors),
        )

    def close(self) -> None:
        """Release database connections and files."""
        self._close()

    def _process_one(self, entry: LedgerEntry, this: _Pass) -> None:
        acquisition = entry.acquisition
        this.report(_event("claimed", acquisition.region, acquisition.key, f"try {entry.attempts}"))
        # A try that was given back left its reason; one that died left none.
        if entry.attempts > (self._settings.patience if entry.reason else self._settings.max_attempts):
            detail = f"{entry.attempts - 1} tries ended without a result: the process died or was killed each time"
            self._park(entry, "crashed-repeatedly", detail, this)
            return
        try:
            outcome = self._outcome(entry, this)
        except Transient as error:
            self._retry(entry, error, this)
        except Permanent as error:
            self._park(entry, error.reason, str(error), this)
        except Exception as error:
            # The one broad except of the service: a defect in ours or a library must not stop the watch.
            detail = f"{type(error).__name__}: {error}. This is a defect: please report it with the log."
            self._park(entry, "unexpected-error", detail, this)
        else:
            self._done(entry, outcome, this)

    def _outcome(self, entry: LedgerEntry, this: _Pass) -> Outcome:
        """What becomes of a claimed acquisition; while it is judged the next one is looked at."""
        acquisition = entry.acquisition
        surveyed = this.coming.take(acquisition, partial(self._pipeline.hold, acquisition, self._owner, this.clock))
        # What was tried before goes alone, and so does what follows: if the process dies, it is known of which.
        if entry.attempts == 1 and not this.stop():
            self._look_ahead(this)
        try:
            return self._pipeline.judge(surveyed, self._owner, this.clock)
        except ScarpwatchError:
            raise
        except Exception as error:
            # Two at once may need what one alone does not, such as memory. A defect comes again.
            if not this.coming.give_up():
                raise
            _go_alone(this.report, acquisition, error)
        return self._pipeline.judge(surveyed, self._owner, this.clock)

    def _look_ahead(self, this: _Pass) -> None:
        """Begin with the next acquisition, where there is one that was never tried."""
        try:
            following = self.store.following(self._owner, this.clock(), this.regions)
            if following is None or following.attempts > 0:
                return
            next_one = following.acquisition
            this.coming.begin(next_one)
        except (Transient, RuntimeError) as error:
            this.report(_event("alone", "", "", f"the next acquisition is not looked at ahead: {error}", "not-ahead"))
        else:
            this.report(_event("ahead", next_one.region, next_one.key, "looked at while the one before is judged"))

    def _survey(self, stop: Callable[[], bool], acquisition: Acquisition, hold: Hold) -> Surveyed:
        return self._pipeline.survey(acquisition, self.regions[acquisition.region], hold, stop)

    def _done(self, entry: LedgerEntry, outcome: Outcome, this: _Pass) -> None:
        acquisition = entry.acquisition
        if not outcome.written:
            this.report(_of(acquisition, "lost", "another process took it over", "lease-lost"))
            return
        this.tally.processed += 1
        this.tally.alerts_opened += outcome.opened
        result = outcome.result
        for complaint in outcome.layer_complaints:
            this.report(_event("layer-odd", acquisition.region, acquisition.key, complaint, "layer-odd"))
        if outcome.complaint:
            this.report(_event("look-lost", acquisition.region, acquisition.key, outcome.complaint, "look-lost"))
        this.report(
            PassEvent(
                action="done",
                item=acquisition.key,
                detail=result.detail,
                region=acquisition.region,
                seconds=outcome.seconds,
                reason=result.reason,
                choices=result.choices,
                answers=Counter(row.network for row in result.observations if row.network is not None),
                acquisition=acquisition,
                tiles=decisions(result.observations),
                delays=of_processing(entry, outcome.opened, this.clock()),
                blocks=outcome.blocks,
                story=story_of(acquisition, result, outcome.opened, outcome.tiles),
            )
        )

    def _retry(self, entry: LedgerEntry, error: Transient, this: _Pass) -> None:
        """Give it back for later; after the last try park it. What only waits for a host uses up no try."""
        if error.tried and entry.attempts >= self._settings.patience:
            self._park(entry, error.reason, f"{entry.attempts} tries failed; the last: {error}", this)
            return
        now, acquisition = this.clock(), entry.acquisition
        due = now + self._wait(entry, error)
        if not self.store.retry(acquisition, self._owner, error.reason, str(error), due, now, counted=error.tried):
            this.report(_of(acquisition, "lost", str(error), "lease-lost"))
            return
        this.tally.retried += 1
        this.tally.halted = _is_ours(error)
        this.tally.errors.append(str(error))
        this.report(_of(acquisition, "retry", str(error), error.reason))

    def _wait(self, entry: LedgerEntry, error: Transient) -> timedelta:
        """Until the next try: the doubling wait or, if it is longer, what the world asks for (Retry-After).

        None where this process must wait and not the acquisition: another may reach the cluster, in order of time.
        """
        settings = self._settings
        if _is_ours(error):
            return timedelta(0)
        asked = min(timedelta(seconds=min(error.retry_after_s or 0.0, 1e9)), settings.longest_wait)
        if not error.tried:
            return max(asked, timedelta(seconds=1))
        doubled: timedelta = settings.retry_after * 2 ** (entry.attempts - 1)
        return max(min(doubled, settings.longest_wait), asked)

    def _park(self, entry: LedgerEntry, reason: str, detail: str, this: _Pass) -> None:
        acquisition = entry.acquisition
        if not self.store.park(acquisition, self._owner, reason, detail, this.clock()):
            this.report(_of(acquisition, "lost", detail, "lease-lost"))
            return
        this.tally.parked += 1
        this.tally.errors.append(f"{acquisition.key}: {detail}")
        this.report(_of(acquisition, "parked", detail, reason))


def _is_ours(error: Transient) -> bool:
    """Whether it would meet every acquisition that this process tries now."""
    return isinstance(error, ClusterUnavailable) and not error.tried


def _tell_refusals(report: Report, region: Region, found: Found) -> None:
    """Who did not answer, and which items cannot be used."""
    for failure in found.failures:
        report(_event("poll-failed", region.id, failure.item, str(failure), failure.reason))
    for one in found.refused_items:
        report(_event("refused", region.id, one.item, f"{one.detail}. {_REFUSED_REMEDY}", one.reason))


def _discovered(region: Region, polled: Polled, new: int) -> PassEvent:
    """What a poll of a region brought, also if that is nothing."""
    found = polled.found
    stood_in = tuple(name for name in polled.fallback if name not in found.silent)
    detail, reason = f"{new} new of {len(found.acquisitions)} acquisitions", ""
    if not found.acquisitions and not found.failures:
        detail, reason = nothing_shows(region, len(found.refused_items) + len(found.refused)), NO_SCENE
    return replace(_event("discovered", region.id, region.id, detail, reason), stood_in=stood_in)


def _go_alone(report: Report, acquisition: Acquisition, error: Exception) -> None:
    detail = f"{type(error).__name__}: {error}, beside another acquisition; tried alone"
    report(_event("alone", acquisition.region, acquisition.key, detail, "not-ahead"))


def _capped(held: LedgerEntry) -> PassEvent:
    until = f"{held.lease_until:%Y-%m-%d %H:%M} UTC" if held.lease_until else ""
    detail = f"held by {held.owner} until {until}, later than a lease ends: its clock was ahead. It ends soon now"
    return _of(held.acquisition, "lease-capped", detail, "clock-ahead")


def _of(one: Acquisition, action: str, detail: str, reason: str) -> PassEvent:
    return replace(_event(action, one.region, one.key, detail, reason), acquisition=one)


def _event(action: str, region: str, item: str, detail: str, reason: str = "") -> PassEvent:
    return PassEvent(action=action, item=item, detail=detail, region=region, reason=reason)
