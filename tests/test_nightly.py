"""The audit of the night, beside other processes and on a clock of its own."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

from prometheus_client import CollectorRegistry, generate_latest

from monitor.adapters.metrics import Metrics
from monitor.core.audit import AuditReport, Difference, Finding, report_json
from monitor.errors import StoreBusy
from monitor.logs import make_logger
from monitor.nightly import NightlyAudit
from monitor.records import FiledReport, ReportKind, Sensor

NIGHT = datetime(2026, 2, 1, 3, tzinfo=UTC)
GONE = Difference(
    finding=Finding.VANISHED,
    acquisition="S2A-1_v1",
    sensor=Sensor.OPTICAL,
    sensing_time=NIGHT,
    reason="not-listed",
    detail="pc lists it no more",
)


class Night:
    """Audits that are kept as the store keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, FiledReport] = {}
        self.audited: list[str] = []
        self.stream, self.registry = StringIO(), CollectorRegistry()
        log = make_logger(self.stream, as_json=True)
        self.job = NightlyAudit(self.audit, self, Metrics(self.registry).catalogs, log)

    def reports(self, kind: ReportKind) -> dict[str, FiledReport]:
        """Those of audits."""
        return self.kept if kind is ReportKind.AUDIT else {}

    def audit(self, region: str, now: datetime) -> AuditReport:
        """One finding in the valley; a database that is locked by the sea; a catalog that is down in the hills."""
        self.audited.append(region)
        if region == "sea":
            raise StoreBusy("locked", item="watch.db", remedy="It is tried again.")
        down = "catalog pc: answers 503" if region == "hills" else ""
        report = AuditReport(region=region, at=now, since=now, not_audited=down, differences=() if down else (GONE,))
        if not down:
            self.kept[region] = FiledReport(subject=region, at=now, body=report_json(report))
        return report

    def run(self, after: timedelta, stop: bool = False) -> list[str]:
        """The actions that the log tells of one night."""
        self.stream.truncate(self.stream.seek(0))
        self.job.run(["hills", "sea", "valley"], lambda: NIGHT + after, lambda: stop)
        return [json.loads(line)["action"] for line in self.stream.getvalue().splitlines()]


def test_a_night() -> None:
    """One region that fails disturbs no other; what was found is a line of the log and a metric."""
    night = Night()
    assert night.run(timedelta(0)) == ["not-audited", "audit-failed", "audited", "audit-finding"]
    text = generate_latest(night.registry).decode()
    assert 'scarpwatch_audit_findings{finding="vanished",region="valley"} 1.0' in text
    assert 'scarpwatch_audit_findings{finding="missing",region="valley"} 0.0' in text
    assert f'audit_last_success_timestamp_seconds{{region="valley"}} {NIGHT.timestamp() / 1e9:.7f}e+09' in text
    assert 'region="hills"' not in text, "what was not compared has no success"


def test_once_a_night_is_enough() -> None:
    """A region that somebody audited an hour ago is left alone; the next night it is not, nor when it asks to stop."""
    night = Night()
    night.run(timedelta(0))
    night.audited.clear()
    night.run(timedelta(hours=1))
    assert night.audited == ["hills", "sea"]
    night.run(timedelta(hours=24), stop=True)
    assert night.audited == ["hills", "sea"]
    night.run(timedelta(hours=24))
    assert night.audited[2:] == ["hills", "sea", "valley"]
    night.run(timedelta(hours=2))
    assert night.audited[5:] == ["hills", "sea", "valley"], "an audit of the future was made by a clock that was ahead"


def test_the_last_audit_is_shown_after_a_restart() -> None:
    """From the first scrape on."""
    night = Night()
    night.run(timedelta(0))
    registry = CollectorRegistry()
    again = NightlyAudit(night.audit, night, Metrics(registry).catalogs, make_logger(StringIO()))
    again.show(["valley", "hills"])
    assert 'scarpwatch_audit_findings{finding="vanished",region="valley"} 1.0' in generate_latest(registry).decode()
