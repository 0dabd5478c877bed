"""What people read of audits and passes on a terminal."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.table import Table

from monitor.cli.tables import age, plain_table
from monitor.core.audit import AuditReport, Finding
from monitor.core.pass_calendar import CalendarPass, PassState, counts, track_told

_MOST = 20
"""Findings of a region that are listed."""
_WORDS = {
    PassState.SEEN: "seen",
    PassState.MISSING: "MISSING",
    PassState.AWAITED: "awaited: a catalog may still list it",
    PassState.COMING: "to come",
}


def audit_table(reports: Sequence[AuditReport]) -> Table:
    """One row for each region."""
    table = plain_table("Region", "Look-back", "Listed", "Known", "Missing", "Vanished", "Superseded", "Queued")
    for one in reports:
        # A day would say that the watch knows something of it: a long look-back ends before there were satellites.
        span = f"{(one.at - one.since).days} days"
        if one.not_audited:
            table.add_row(one.region, span, "not audited")
            continue
        found = [str(one.counts[kind]) for kind in (Finding.MISSING, Finding.VANISHED, Finding.SUPERSEDED)]
        table.add_row(one.region, span, str(one.listed), str(one.known), *found, str(one.queued))
    return table


def finding_lines(reports: Iterable[AuditReport]) -> list[str]:
    """Every finding with its reason; the first ones where there are many."""
    lines = []
    for report in reports:
        if report.not_audited:
            lines.append(f"! {report.region}: not audited: {report.not_audited}")
        for one in report.differences[:_MOST]:
            lines.append(f"  {report.region}: {one.finding.value}: {one.acquisition} ({one.reason}): {one.detail}")
        if len(report.differences) > _MOST:
            lines.append(f"  {report.region}: and {len(report.differences) - _MOST} more: scarpwatch audit --json")
        if report.elsewhere:
            lines.append(f"  {report.region}: {report.elsewhere} known come from catalogs that were not asked")
    return lines


def pass_table(calendar: Sequence[CalendarPass], now: datetime) -> Table:
    """One row for each pass, in order of time."""
    table = plain_table("When, UTC", "", "Sensor", "Pass", "Satellite")
    for one in calendar:
        span = now - one.at
        when = f"{age(span)} ago" if one.at <= now else f"in {age(-span)}"
        style = "bold red" if one.state is PassState.MISSING else "dim" if one.state is PassState.COMING else None
        row = (f"{one.at:%Y-%m-%d %H:%M}", when, track_told(one.sensor, one.relative_orbit), _WORDS[one.state])
        table.add_row(*row, one.platform, style=style)
    return table


def track_lines(calendar: Sequence[CalendarPass]) -> list[str]:
    """How each track did."""
    lines = []
    for (sensor, orbit), states in counts(calendar).items():
        seen, missing = states.get(PassState.SEEN, 0), states.get(PassState.MISSING, 0)
        told = f"{seen} of {seen + missing} seen" if missing else f"{seen} seen, none missing"
        following = next((one for one in calendar if _is_next(one, sensor, orbit)), None)
        coming = f"next {following.at:%Y-%m-%d %H:%M}" if following else "no next one can be told"
        lines.append(f"{track_told(sensor, orbit)}: {told}; {coming}")
    return lines


def _is_next(one: CalendarPass, sensor: object, orbit: int | None) -> bool:
    return one.state is PassState.COMING and one.sensor is sensor and one.relative_orbit == orbit
