"""What Prometheus sees. The registry is passed in, so that tests and several services in one process stay apart."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor.core.audit import AuditReport
from monitor.core.breaker import HostHealth, HostState
from monitor.core.precision import Precision
from monitor.core.slope_sight import BlindSlopes
from monitor.records import Choice, Detector, NetworkAnswer, Sensor, Tier

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)


class Metrics:
    """The metrics of one service."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._acquisitions = Counter(
            "scarpwatch_acquisitions",
            "Acquisitions by what became of them in this process",
            ("region", "state", "reason"),
            registry=registry,
        )
        self._records = Counter(
            "scarpwatch_evidence_of_record_tiles",
            "Tiles by the sensor that counts on them, once per acquisition, and why",
            ("region", "record", "reason"),
            registry=registry,
        )
        self._answers = Counter(
            "scarpwatch_network_tiles",
            "Tiles looked at, by whether the network of the sensor spoke of them or why not, once per acquisition",
            ("region", "sensor", "answer"),
            registry=registry,
        )
        self._discovered = Counter(
            "scarpwatch_discovered", "New rows of the ledger found by polls of this process", registry=registry
        )
        self._pass = Histogram(
            "scarpwatch_pass_seconds", "Wall time of a pass over the queue", buckets=_SECONDS, registry=registry
        )
        self._stage = Histogram(
            "scarpwatch_stage_seconds",
            "Time of one acquisition by stage; reading and writing run beside the network",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._last_poll = _gauge(
            registry, "scarpwatch_last_poll_timestamp_seconds", "When a catalog last answered a poll", "catalog"
        )
        self._last_look = _gauge(
            registry, "scarpwatch_last_look_timestamp_seconds", "Sensing time of the newest look", "region"
        )
        self._observed = _gauge(
            registry,
            "scarpwatch_observed_ratio",
            "Share of the region that was compared with an earlier look within its look-back",
            "region",
        )
        self._blind = _gauge(
            registry,
            "scarpwatch_radar_blind_slopes_ratio",
            "Share of the slopes of the region that a radar track never sees; track none: that no track sees",
            "region",
            "track",
        )
        self._blind_tracks: dict[str, frozenset[str]] = {}
        self._waiting = _gauge(registry, "scarpwatch_ledger_entries", "Rows of the ledger", "region", "state")
        self._alerts = _gauge(registry, "scarpwatch_alerts_open", "Open alerts", "region", "state")
        self._host_failures = _gauge(registry, "scarpwatch_host_failures", "Failures of a host in a row", "host")
        self._host_resting = _gauge(registry, "scarpwatch_host_resting", "1 while a failing host rests, else 0", "host")
        self._engine = _gauge(registry, "scarpwatch_engine_info", "1 for the inference engine really in use", "engine")
        self._build = Info("scarpwatch_build", "What is running", registry=registry)
        self._tell_of_alerts(registry)

    def _tell_of_alerts(self, registry: CollectorRegistry) -> None:
        """What becomes of messages and exercises."""
        self._deliveries = Counter(
            "scarpwatch_deliveries",
            "Revisions of alerts by channel and what became of a try in this process",
            ("channel", "result"),
            registry=registry,
        )
        self._oldest_due = _gauge(
            registry, "scarpwatch_delivery_oldest_due_seconds", "How long the oldest message waits; 0: none", "channel"
        )
        self._undelivered = _gauge(
            registry, "scarpwatch_deliveries_parked", "Messages that wait for a person", "channel"
        )
        self._held = _gauge(
            registry,
            "scarpwatch_deliveries_held",
            "Revisions that silences hold back, overtaken ones included",
            "channel",
        )
        self._capped = Counter(
            "scarpwatch_leases_capped",
            "Leases shortened by this process because they were taken while a clock was ahead",
            ("region",),
            registry=registry,
        )
        self._escalations = Counter(
            "scarpwatch_escalations",
            "Revisions delivered by this process because nobody had answered the alert",
            ("channel",),
            registry=registry,
        )
        self._alive = _gauge(
            registry,
            "scarpwatch_alive_last_message_timestamp_seconds",
            "When the newest weekly sign of life was written",
            "region",
        )
        self._judged = _gauge(
            registry,
            "scarpwatch_alerts_judged",
            "Alerts of the last 365 days by what people said of them: landslide, other, unjudged",
            "region",
            "tier",
            "detector",
            "said",
        )
        self._drill_scars = Counter(
            "scarpwatch_drill_scars",
            "Scars painted by exercises of the service, by what became of them",
            ("region", "result"),
            registry=registry,
        )
        self._audit_success = _gauge(
            registry,
            "scarpwatch_audit_last_success_timestamp_seconds",
            "When ledger and catalogs were last compared",
            "region",
        )
        self._audit_findings = _gauge(
            registry,
            "scarpwatch_audit_findings",
            "Acquisitions in which ledger and catalogs differed at the last audit: missing, vanished, superseded",
            "region",
            "finding",
        )
        self._drill_success = _gauge(
            registry,
            "scarpwatch_drill_last_success_timestamp_seconds",
            "When an exercise of the service last found more scars than it missed, and reached every channel",
            "region",
        )

    def static_layers(self, reads: Callable[[], Mapping[str, int]]) -> None:
        """Show how often static layers were read from their sources; `reads` is asked at every scrape.

        Counts by layer, zeros included. Once per tile is right, however many acquisitions and restarts there are.
        """
        name, text = "scarpwatch_static_layer_reads", "Tiles of a static layer read from their sources"
        self.registry.register(_Counted(name, text, reads))

    def exposure_layers(self, failures: Callable[[], Mapping[str, int]]) -> None:
        """Show how often an operator's layers could not be read when they were needed; asked at every scrape."""
        name, text = "scarpwatch_exposure_layer_failures", "Times a layer of the operator could not be read when needed"
        self.registry.register(_Counted(name, text, failures))

    def jobs(self, at_work: Callable[[], Mapping[str, "Working | None"]]) -> None:
        """Show how long every job has been at work; asked at every scrape."""
        self.registry.register(_JobTimes(at_work))

    def build(self, version: str, model_version: str, engine: str) -> None:
        """Say once what is running."""
        self._build.info({"version": version, "model_version": model_version})
        self._engine.labels(engine).set(1)

    def acquisition(self, region: str, state: str, reason: str, stages: Mapping[str, float]) -> None:
        """One acquisition came to an end (done, parked) or goes back to the queue (retry). Stages in seconds."""
        self._acquisitions.labels(region, state, reason).inc()
        for stage, seconds in stages.items():
            self._stage.labels(stage).observe(seconds)

    def choices(self, region: str, choices: Iterable[Choice]) -> None:
        """Which sensor counts on which tile at the time of an acquisition."""
        for one in choices:
            record = one.record.value if one.record else "none"
            self._records.labels(region, record, one.reason.value).inc()

    def answers(self, region: str, sensor: Sensor, answers: Mapping[NetworkAnswer, int]) -> None:
        """On how many tiles of an acquisition the network spoke, or did not and why."""
        for answer, tiles in answers.items():
            self._answers.labels(region, sensor.value, answer.value).inc(tiles)

    def polled(self, catalogs: Iterable[str], discovered: int, now: datetime) -> None:
        """These catalogs answered."""
        self._discovered.inc(discovered)
        for catalog in catalogs:
            self._last_poll.labels(catalog).set(now.timestamp())

    def hosts(self, health: Mapping[str, HostHealth], now: datetime) -> None:
        """How every host does that was asked."""
        for host, one in health.items():
            self._host_failures.labels(host).set(one.failures)
            self._host_resting.labels(host).set(one.state(now) is not HostState.WORKING)

    def delivery(self, channel: str, result: str, revisions: int) -> None:
        """A try to deliver so many revisions ended."""
        self._deliveries.labels(channel, result).inc(revisions)

    def lease_capped(self, region: str) -> None:
        """A lease ended later than any can."""
        self._capped.labels(region).inc()

    def escalated(self, channel: str, revisions: int) -> None:
        """So many revisions were delivered because nobody had answered; also 0, so that there is a series."""
        self._escalations.labels(channel).inc(revisions)

    def alive(self, region: str, at: datetime) -> None:
        """When the newest sign of life was written."""
        self._alive.labels(region).set(at.timestamp())

    def channel(self, channel: str, *, oldest_due_s: float, parked: int, held: int) -> None:
        """How a channel stands."""
        self._oldest_due.labels(channel).set(oldest_due_s)
        self._undelivered.labels(channel).set(parked)
        self._held.labels(channel).set(held)

    def audited(self, report: AuditReport) -> None:
        """The newest audit of a region in which its catalogs answered."""
        self._audit_success.labels(report.region).set(report.at.timestamp())
        for finding, count in report.counts.items():
            self._audit_findings.labels(report.region, finding.value).set(count)

    def drill(self, region: str, scars: Mapping[str, int], passed: bool, now: datetime) -> None:
        """An exercise ended. `scars` by what became of them, zeros included."""
        for result, count in scars.items():
            self._drill_scars.labels(region, result).inc(count)
        if passed:
            self._drill_success.labels(region).set(now.timestamp())

    def passed(self, seconds: float) -> None:
        """A pass over the queue ended."""
        self._pass.observe(seconds)

    def region(
        self,
        region: str,
        *,
        observed: float,
        last_look: datetime | None,
        ledger: Mapping[str, int],
        alerts: Mapping[str, int],
    ) -> None:
        """How a region stands. `observed` 0-1; counts by state, zeros included so that a series never vanishes."""
        self._observed.labels(region).set(observed)
        if last_look is not None:
            self._last_look.labels(region).set(last_look.timestamp())
        for state, count in ledger.items():
            self._waiting.labels(region, state).set(count)
        for state, count in alerts.items():
            self._alerts.labels(region, state).set(count)

    def judged(self, alerts: Mapping[tuple[str, Tier, Detector], Precision]) -> None:
        """What people said of alerts, by region, tier and detector; what is not among them any more is forgotten."""
        self._judged.clear()
        for (region, tier, detector), one in alerts.items():
            kind = region, tier.value, detector.value
            self._judged.labels(*kind, "landslide").set(one.landslides)
            self._judged.labels(*kind, "other").set(one.others)
            self._judged.labels(*kind, "unjudged").set(one.unjudged)

    def blind_slopes(self, region: str, blind: BlindSlopes) -> None:
        """What radar never sees of a region's slopes; nothing where no track looks at it, or none does any more."""
        shares = {track: one.blind_share for track, one in blind.tracks.items()}
        if shares:
            shares["none"] = blind.together.blind_share
        for track in self._blind_tracks.get(region, frozenset()) - shares.keys():
            self._blind.remove(region, track)
        self._blind_tracks[region] = frozenset(shares)
        for track, share in shares.items():
            self._blind.labels(region, track).set(share)


class Working(Protocol):
    """A job at work (`monitor.jobs.AtWork`)."""

    @property
    def seconds(self) -> float:
        """Since it began."""

    @property
    def still_s(self) -> float:
        """Since it last made progress."""


class _JobTimes(Collector):
    """How long jobs have been at work, and without progress; 0 of one that is not."""

    def __init__(self, at_work: Callable[[], Mapping[str, Working | None]]) -> None:
        self._at_work = at_work

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As it is now."""
        busy = GaugeMetricFamily(
            "scarpwatch_job_busy_seconds", "How long a job is at work; 0: it is not", None, ["job"]
        )
        text = "How long a job at work shows no progress; /livez fails when it is too long"
        still = GaugeMetricFamily("scarpwatch_job_still_seconds", text, None, ["job"])
        for job, one in sorted(self._at_work().items()):
            busy.add_metric([job], one.seconds if one else 0.0)
            still.add_metric([job], one.still_s if one else 0.0)
        yield busy
        yield still


class _Counted(Collector):
    """A counter by layer that others count."""

    def __init__(self, name: str, text: str, counts: Callable[[], Mapping[str, int]]) -> None:
        self._name = name
        self._text = text
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counts as they are now."""
        family = CounterMetricFamily(self._name, self._text, labels=["layer"])
        for layer, count in sorted(self._counts().items()):
            family.add_metric([layer], count)
        yield family


def _gauge(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, labels, registry=registry)
