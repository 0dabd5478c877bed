"""Comparing the ledger with the catalogs of a region: what polls missed is found, and goes the way of all discovery."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from monitor.core.audit import (
    AuditReport,
    Difference,
    Finding,
    Polls,
    comes_from,
    reconcile,
    report_json,
    with_refusals,
)
from monitor.errors import one_line
from monitor.ports import Catalog
from monitor.records import Fallback, FiledReport, LedgerEntry, Region, ReportKind
from monitor.searching import Found, find, together, windows

_WINDOW = timedelta(days=7)
"""Asked for at once: less than polls ask for, so that a list which a server cuts short without a word shows here."""
_MOMENT = timedelta(minutes=1)


class AuditStore(Protocol):
    """What an audit reads, and where its report is kept."""

    def sensed(self, region: str, start: datetime, end: datetime) -> list[LedgerEntry]:
        """Acquisitions of a region sensed in [start, end), without versions that were replaced."""

    def known(self, region: str, start: datetime, end: datetime) -> set[tuple[str, str]]:
        """Key and version of a region's acquisitions sensed in [start, end)."""

    def last_answer(self, region: str) -> datetime | None:
        """When all catalogs of a region last answered a poll; None: never, as far as is known."""

    def fallback(self, region: str) -> Fallback | None:
        """The catalogs that stand in for those of a region; None: none do."""

    def put_report(self, kind: ReportKind, report: FiledReport) -> None:
        """Keep a report; the one before of its kind and subject is forgotten."""


class Auditor:
    """Compares what regions' catalogs list with what the ledger has of it."""

    def __init__(self, store: AuditStore, catalogs: Mapping[str, Catalog]) -> None:
        """Nothing is asked yet."""
        self._store = store
        self._catalogs = catalogs

    def audit(self, region: Region, now: datetime, enter: Callable[[Found], int]) -> AuditReport:
        """Compare the look-back of a region, week by week; `enter` puts what is missing into the queue.

        A catalog that does not answer for a part of it says nothing of what vanished: then nothing is compared.
        """
        since = now - timedelta(days=region.lookback_days)
        parts = [find(region, self._catalogs, *window, now) for window in windows(since, now, _WINDOW)]
        listing = together(parts)
        if listing.failures:
            report = _not_audited(region, since, now, one_line(listing.failures[0]))
        else:
            report = self._compare(region, listing, now, enter)
        # What was compared last stays known, also while a catalog does not answer.
        kind = ReportKind.NOT_AUDITED if report.not_audited else ReportKind.AUDIT
        self._store.put_report(kind, FiledReport(subject=region.id, at=now, body=report_json(report)))
        return report

    def _compare(self, region: Region, listing: Found, now: datetime, enter: Callable[[Found], int]) -> AuditReport:
        entries = self._store.sensed(region.id, listing.start, now + _MOMENT)
        versions = self._store.known(region.id, listing.start, now + _MOMENT)
        polls = Polls(answered=self._store.last_answer(region.id), trouble=self._trouble(region))
        found = reconcile(listing.acquisitions, entries, versions, region.catalogs, polls)
        refused = [*listing.refused_items, *listing.refused]
        vanished, failure = self._surely_vanished(region, with_refusals(found, entries, refused), now)
        if failure:
            return _not_audited(region, listing.start, now, failure)
        return AuditReport(
            region=region.id,
            at=now,
            since=listing.start,
            listed=len(listing.acquisitions),
            known=len(entries),
            elsewhere=sum(not comes_from(entry, region.catalogs) for entry in entries),
            differences=tuple(vanished),
            queued=enter(listing) if any(one.finding is not Finding.VANISHED for one in found) else 0,
        )

    def _surely_vanished(
        self, region: Region, found: Sequence[Difference], now: datetime
    ) -> tuple[list[Difference], str]:
        """Differences without what is listed after all when asked for alone; or why that is not known."""
        kept = []
        for one in found:
            if one.finding is Finding.VANISHED:
                alone = find(region, self._catalogs, one.sensing_time - _MOMENT, one.sensing_time + _MOMENT, now)
                if alone.failures:
                    return [], one_line(alone.failures[0])
                if any(one.acquisition.startswith(f"{listed.key}_") for listed in alone.acquisitions):
                    continue
            kept.append(one)
        return kept, ""

    def _trouble(self, region: Region) -> str:
        standing_in = self._store.fallback(region.id)
        return "" if standing_in is None else standing_in.reason


def _not_audited(region: Region, since: datetime, now: datetime, why: str) -> AuditReport:
    return AuditReport(region=region.id, at=now, since=since, not_audited=why)
