"""Ledger and catalogs compared: what the watch never heard of, what is listed no more, what has a newer version.

Nothing is ever deleted for it. What is missing goes into the queue; what vanished is told.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from monitor.core.acquisitions import shows_news
from monitor.records import Acquisition, AcquisitionState, LedgerEntry, Rejected, Sensor


class Finding(StrEnum):
    """In what ledger and catalogs differ."""

    MISSING = "missing"
    """A catalog lists it, and the ledger has it not."""
    VANISHED = "vanished"
    """The ledger has it, and its catalog lists it no more."""
    SUPERSEDED = "superseded"
    """A catalog lists a newer version."""


NOT_POLLED = "not-polled"
"""No poll was answered yet."""
SINCE_LAST_POLL = "since-last-poll"
"""The catalogs did not answer since it was made."""
NOT_LISTED_THEN = "not-listed-then"
"""Polls were answered since it was made, and did not have it."""
NOT_LISTED = "not-listed"
REFUSED = "refused"
NEW_VERSION = "new-version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One acquisition in which they differ."""

    finding: Finding
    acquisition: str
    """Id: of what the catalog lists or, if it vanished, of what the ledger has."""
    sensor: Sensor
    sensing_time: datetime
    reason: str
    """A word."""
    detail: str
    """A sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What comparing ledger and catalogs of a region showed."""

    region: str
    at: datetime
    since: datetime
    """Compared were acquisitions sensed from then on."""
    not_audited: str = ""
    """Why nothing was compared, in a sentence: what a catalog does not answer for has not vanished."""
    listed: int = 0
    """Acquisitions that the catalogs list."""
    known: int = 0
    """Acquisitions that the ledger has."""
    elsewhere: int = 0
    """Those of them that come from catalogs which were not asked."""
    differences: tuple[Difference, ...] = ()
    queued: int = 0
    """New rows of the ledger."""

    @property
    def counts(self) -> dict[Finding, int]:
        """How many differences of each kind, zeros included."""
        found = Counter(one.finding for one in self.differences)
        return {kind: found[kind] for kind in Finding}


@dataclass(frozen=True, slots=True, kw_only=True)
class Polls:
    """How the polls of a region went."""

    answered: datetime | None
    """When all its catalogs last answered; None: never."""
    trouble: str = ""
    """What its catalogs say since, if they fail."""


def reconcile(
    listed: Iterable[Acquisition],
    entries: Sequence[LedgerEntry],
    versions: Collection[tuple[str, str]],
    asked: Collection[str],
    polls: Polls,
) -> list[Difference]:
    """In what a listing that is whole differs from the ledger, in order of time.

    Args:
        entries: of the same time; versions that were replaced are not among them.
        versions: key and version of all that the ledger has of that time.
        asked: names of the catalogs that were asked; what came from others has not vanished.
    """
    known = {entry.acquisition.key: entry for entry in entries}
    there = {one.key: one for one in listed}
    found = [_missing(one, polls) for key, one in there.items() if key not in known]
    for key, entry in known.items():
        one = there.get(key)
        if one is None:
            found += [_vanished(entry)] if comes_from(entry, asked) else []
        elif (key, one.version) not in versions and shows_news(one, entry.acquisition):
            found.append(_superseded(one, entry))
    return sorted(found, key=lambda one: (one.sensing_time, one.acquisition))


def comes_from(entry: LedgerEntry, catalogs: Collection[str]) -> bool:
    """Whether all of an acquisition was listed by some of these catalogs."""
    return {item.catalog for item in entry.acquisition.items} <= set(catalogs)


def with_refusals(
    found: Sequence[Difference], entries: Sequence[LedgerEntry], no: Iterable[Rejected]
) -> list[Difference]:
    """Differences with why a catalog's item is used no more, where it is listed and refused."""
    why = {one.item: one for one in no}
    items = {entry.acquisition.id: [item.id for item in entry.acquisition.items] for entry in entries}
    told = []
    for one in found:
        refused = next((why[name] for name in items.get(one.acquisition, ()) if name in why), None)
        if one.finding is Finding.VANISHED and refused is not None:
            detail = f"its item {refused.item} is listed, and refused now: {refused.detail}"
            told.append(_difference(one.finding, one, REFUSED, detail))
        else:
            told.append(one)
    return told


def _missing(one: Acquisition, polls: Polls) -> Difference:
    made = max((item.processing_time for item in one.items if item.processing_time), default=None)
    if polls.answered is None:
        reason, detail = NOT_POLLED, "the catalogs of the region have not answered any poll yet"
    elif made is None or made > polls.answered:
        reason = SINCE_LAST_POLL
        detail = f"they last answered a poll on {polls.answered:%Y-%m-%d %H:%M} UTC"
        detail += f"; it was made on {made:%Y-%m-%d %H:%M}" if made else "; when it was made is not told"
    else:
        reason = NOT_LISTED_THEN
        detail = (
            f"made on {made:%Y-%m-%d %H:%M} UTC, before the last poll that was answered "
            f"({polls.answered:%Y-%m-%d %H:%M}): it was listed later, or its list was cut short"
        )
    detail += f"; since then: {polls.trouble}" if polls.trouble and reason is not NOT_LISTED_THEN else ""
    return _difference(Finding.MISSING, one, reason, detail)


def _vanished(entry: LedgerEntry) -> Difference:
    lost = "what was seen of it counts on"
    if entry.state in (AcquisitionState.DISCOVERED, AcquisitionState.CLAIMED):
        lost = "it waits all the same, and is parked if its files are gone too"
    elif entry.state is AcquisitionState.PARKED:
        lost = "it stays parked"
    names = sorted({item.catalog for item in entry.acquisition.items})
    detail = f"{', '.join(names)} lists it no more: withdrawn, or to be published anew; {lost}"
    return _difference(Finding.VANISHED, entry.acquisition, NOT_LISTED, detail)


def _superseded(one: Acquisition, entry: LedgerEntry) -> Difference:
    more = len(one.items) - len(entry.acquisition.items)
    detail = f"version {one.version} takes the place of {entry.acquisition.version}"
    detail += f", with {more} more item{'s' if more > 1 else ''}" if more > 0 else ""
    return _difference(Finding.SUPERSEDED, one, NEW_VERSION, detail)


def _difference(finding: Finding, of: Acquisition | Difference, reason: str, detail: str) -> Difference:
    name = of.id if isinstance(of, Acquisition) else of.acquisition
    return Difference(
        finding=finding,
        acquisition=name,
        sensor=of.sensor,
        sensing_time=of.sensing_time,
        reason=reason,
        detail=detail,
    )


def told(report: AuditReport) -> str:
    """In one sentence."""
    if report.not_audited:
        return f"not audited: {report.not_audited}"
    counts = ", ".join(f"{number} {kind.value}" for kind, number in report.counts.items())
    days = (report.at - report.since).days
    return f"{report.listed} listed, {report.known} known of the last {days} days: {counts}; {report.queued} queued"


def report_json(report: AuditReport) -> dict[str, object]:
    """JSON types; `report_from_json` gives the same again."""
    return {
        "region": report.region,
        "at": _iso(report.at),
        "since": _iso(report.since),
        "not_audited": report.not_audited,
        "listed": report.listed,
        "known": report.known,
        "elsewhere": report.elsewhere,
        "queued": report.queued,
        "counts": {kind.value: number for kind, number in report.counts.items()},
        "differences": [
            {
                "finding": one.finding.value,
                "acquisition": one.acquisition,
                "sensor": one.sensor.value,
                "sensing_time": _iso(one.sensing_time),
                "reason": one.reason,
                "detail": one.detail,
            }
            for one in report.differences
        ],
    }


def report_from_json(plain: Mapping[str, Any]) -> AuditReport:
    """Inverse of `report_json`."""
    return AuditReport(
        region=plain["region"],
        at=datetime.fromisoformat(plain["at"]),
        since=datetime.fromisoformat(plain["since"]),
        not_audited=plain["not_audited"],
        listed=plain["listed"],
        known=plain["known"],
        elsewhere=plain["elsewhere"],
        queued=plain["queued"],
        differences=tuple(
            Difference(
                finding=Finding(one["finding"]),
                acquisition=one["acquisition"],
                sensor=Sensor(one["sensor"]),
                sensing_time=datetime.fromisoformat(one["sensing_time"]),
                reason=one["reason"],
                detail=one["detail"],
            )
            for one in plain["differences"]
        ),
    )


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()
