"""What comes in: catalogs, and the hosts they and their pixels live on."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from monitor.core.alive import Source
from monitor.core.audit import AuditReport
from monitor.core.breaker import HostHealth, HostState

_ANSWERED, _FAILED = "answered", "failed"


class Catalogs:
    """Whether there is anybody to hear from."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._polls = Counter(
            "scarpwatch_catalog_polls",
            "Polls of a catalog by this process: answered, or failed for at least one region",
            ("catalog", "result"),
            registry=registry,
        )
        self._discovered = Counter(
            "scarpwatch_discovered", "New rows of the ledger found by polls of this process", registry=registry
        )
        self._last_poll = Gauge(
            "scarpwatch_last_poll_timestamp_seconds",
            "When a catalog last answered a poll, whichever process asked",
            ("catalog",),
            registry=registry,
        )
        self._failing_since = Gauge(
            "scarpwatch_catalog_failing_since_timestamp_seconds",
            "Since when a catalog does not answer, whichever process asks; 0: it answers",
            ("catalog",),
            registry=registry,
        )
        self._audit_success = Gauge(
            "scarpwatch_audit_last_success_timestamp_seconds",
            "When ledger and catalogs were last compared",
            ("region",),
            registry=registry,
        )
        self._audit_findings = Gauge(
            "scarpwatch_audit_findings",
            "Acquisitions in which ledger and catalogs differed at the last audit: missing, vanished, superseded",
            ("region", "finding"),
            registry=registry,
        )
        self._host_failures = Gauge(
            "scarpwatch_host_failures", "Failures of a host in a row", ("host",), registry=registry
        )
        self._host_resting = Gauge(
            "scarpwatch_host_resting", "1 while a failing host rests, else 0", ("host",), registry=registry
        )

    def begin(self, catalogs: Iterable[str]) -> None:
        """Those that will be polled: each has its counters from the start."""
        for one in catalogs:
            for result in (_ANSWERED, _FAILED):
                self._polls.labels(one, result)

    def polled(self, answered: Iterable[str], failed: Iterable[str], discovered: int, now: datetime) -> None:
        """A poll of every region has ended."""
        self._discovered.inc(discovered)
        for one in answered:
            self._polls.labels(one, _ANSWERED).inc()
            self._last_poll.labels(one).set(now.timestamp())
        for one in failed:
            self._polls.labels(one, _FAILED).inc()

    def sources(self, sources: Iterable[Source]) -> None:
        """How catalogs answered when they were last asked, by whichever instance."""
        for one in sources:
            if one.answered is not None:
                self._last_poll.labels(one.name).set(one.answered.timestamp())
            since = one.failing_since
            self._failing_since.labels(one.name).set(0.0 if since is None else since.timestamp())

    def audited(self, report: AuditReport) -> None:
        """The newest audit of a region in which its catalogs answered."""
        self._audit_success.labels(report.region).set(report.at.timestamp())
        for finding, count in report.counts.items():
            self._audit_findings.labels(report.region, finding.value).set(count)

    def hosts(self, health: Mapping[str, HostHealth], now: datetime) -> None:
        """How every host does that was asked."""
        for host, one in health.items():
            self._host_failures.labels(host).set(one.failures)
            self._host_resting.labels(host).set(one.state(now) is not HostState.WORKING)
