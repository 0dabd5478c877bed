"""The audit of the night: ledger and catalogs of every region compared, its reports told and shown."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from monitor.core.audit import AuditReport, Finding, report_from_json, told
from monitor.errors import ScarpwatchError
from monitor.records import FiledReport, ReportKind

_DONE_ALREADY = timedelta(hours=12)
"""Another process, or a person, compared a region so short a while ago: once a night is enough."""


class Reports(Protocol):
    """Where reports are kept (`monitor.adapters.store.SqlStore`)."""

    def reports(self, kind: ReportKind) -> Mapping[str, FiledReport]:
        """The newest report of a kind on every subject."""


class Gauge(Protocol):
    """Where audits are shown (`monitor.adapters.metrics.catalogs.Catalogs`)."""

    def audited(self, report: AuditReport) -> None:
        """The newest audit of a region in which its catalogs answered."""


Audit = Callable[[str, datetime], AuditReport]
"""Of one region (`monitor.service.Service.audit`)."""


class NightlyAudit:
    """Audits every region, one after the other; one that fails disturbs nothing."""

    def __init__(self, audit: Audit, reports: Reports, gauge: Gauge, log: FilteringBoundLogger) -> None:
        self._audit = audit
        self._reports = reports
        self._gauge = gauge
        self._log = log

    def show(self, regions: Iterable[str]) -> None:
        """Show the last audit of every region, whoever made it."""
        for report in last_audits(self._reports, regions).values():
            self._gauge.audited(report)

    def run(self, regions: Iterable[str], clock: Callable[[], datetime], stop: Callable[[], bool]) -> None:
        """Audit the regions that were not audited this night; until `stop` says so."""
        known = last_audits(self._reports, regions)
        for region in regions:
            now, last = clock(), known.get(region)
            if stop():
                return
            if last is not None and timedelta(0) <= now - last.at < _DONE_ALREADY:
                continue
            try:
                report = self._audit(region, now)
            except ScarpwatchError as error:
                self._log.warning(str(error), action="audit-failed", region=region, reason=error.reason)
                continue
            self._tell(report)

    def _tell(self, report: AuditReport) -> None:
        if report.not_audited:
            self._log.warning(told(report), action="not-audited", region=report.region)
            return
        self._gauge.audited(report)
        say = self._log.warning if any(report.counts.values()) else self._log.info
        say(told(report), action="audited", region=report.region)
        for one in report.differences:
            words = f"{one.finding.value}: {one.detail}"
            say = self._log.info if one.finding is Finding.SUPERSEDED else self._log.warning
            say(words, action="audit-finding", region=report.region, item=one.acquisition, reason=one.reason)


def last_audits(reports: Reports, regions: Iterable[str]) -> dict[str, AuditReport]:
    """The last audit of every region in which its catalogs answered."""
    return _of(reports.reports(ReportKind.AUDIT), regions)


def failed_audits(reports: Reports, regions: Iterable[str]) -> dict[str, AuditReport]:
    """Regions that could not be audited since their last audit, and why."""
    done = last_audits(reports, regions)
    failed = _of(reports.reports(ReportKind.NOT_AUDITED), regions)
    return {name: one for name, one in failed.items() if name not in done or one.at > done[name].at}


def _of(found: Mapping[str, FiledReport], regions: Iterable[str]) -> dict[str, AuditReport]:
    return {name: report_from_json(found[name].body) for name in regions if name in found}
