"""How the watch itself stands, for the head of `scarpwatch status`: what a duty engineer asks first on a bad day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.adapters.disks import DiskRoom, disk_room
from monitor.cli.living import make_herald
from monitor.cli.tables import age
from monitor.config import Settings
from monitor.core.alive import Pulse, Source, Trouble, TroubleKind, fallback_json, trouble_json, troubles
from monitor.core.alive_telling import trouble_told
from monitor.core.alive_words import EN
from monitor.core.audit import AuditReport, report_json, told
from monitor.core.next_pass import MEMORY
from monitor.core.pass_calendar import CalendarPass, calendar_json, overdue, pass_calendar, track_told
from monitor.nightly import failed_audits, last_audits
from monitor.overview import Coverage
from monitor.records import AcquisitionState, Fallback, FiledReport, Region, ReportKind

if TYPE_CHECKING:
    from monitor.adapters.store import LedgerCount, SqlStore

_GIB = 1024**3
_LITTLE_DISK = 10e9
"""Free bytes below which the disk is told as wrong: those of the alarm ScarpwatchDiskFilling."""
_AUDIT_OLD = timedelta(days=2)
_MOST = 8
"""Lines of one kind; the rest is counted."""
_TO_DO = {
    TroubleKind.SOURCE: "the line of the catalog says what is wrong with it; mend that, or name another for the region",
    TroubleKind.NO_LOOK: "see whether `scarpwatch run` is at work, whether the catalogs answer, and what waits or is "
    "parked",
    TroubleKind.NO_SCENE: "see whether the catalogs of the region still list new scenes (`scarpwatch passes {region}`, "
    "`scarpwatch audit {region}`); where they never will, choose a `sensor_policy` without that sensor",
    TroubleKind.UNUSABLE: "each that is parked is listed with its cause: mend that, then release it",
    TroubleKind.STALE: "see whether `scarpwatch run` is at work, and its log; `scarpwatch once` works the queue off",
    TroubleKind.UNDELIVERED: "`scarpwatch deliveries --parked` tells why",
}
"""What a person does about a trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """How the watch stands, whatever it sees."""

    now: datetime
    engine: FiledReport | None
    """What `scarpwatch run` looked with when it was last started; None: it never was."""
    disk_of: str
    """The products, or the database where that is a file: whose disk has less room."""
    disk: DiskRoom
    waiting: Mapping[str, int]
    """Acquisitions in the queue by reason; "" is their first turn."""
    at_work: int
    oldest: datetime | None
    """Since when the one waits that waits longest, history apart."""
    sources: Sequence[Source]
    fallbacks: Mapping[str, Fallback]
    missing: Mapping[str, Sequence[CalendarPass]]
    """Newest passes of tracks that should have come, by region."""
    audits: Mapping[str, AuditReport]
    not_audited: Mapping[str, AuditReport]
    nightly: bool
    """Whether audits are made by the service."""
    drills: Mapping[str, FiledReport]
    pulses: Sequence[Pulse]
    """What tells whether the watch over each region is well."""


def watch_state(
    settings: Settings,
    store: "SqlStore",
    regions: Sequence[Region],
    counts: "Sequence[LedgerCount]",
    seen: Sequence[Coverage],
    now: datetime,
) -> WatchState:
    """How the watch over some regions stands.

    Args:
        settings: of the watch.
        store: its database.
        regions: some or all.
        counts: of their ledger.
        seen: what was seen of each of them: counted once, for that takes long.
        now: aware UTC.
    """
    names = [one.id for one in regions]
    disk_of, disk = _least_room(settings)
    waiting: dict[str, int] = {}
    for count in counts:
        if count.state is AcquisitionState.DISCOVERED:
            waiting[count.reason or ""] = waiting.get(count.reason or "", 0) + count.count
    missing = {one.id: _missing(settings, store, one, now) for one in regions}
    asked = {name for one in regions for name in one.catalogs}
    herald = make_herald(settings, store, tuple(regions))
    return WatchState(
        now=now,
        engine=store.reports(ReportKind.ENGINE).get(""),
        disk_of=disk_of,
        disk=disk,
        waiting=waiting,
        at_work=sum(count.count for count in counts if count.state is AcquisitionState.CLAIMED),
        oldest=store.oldest_waiting(names),
        sources=store.sources(asked),
        fallbacks={name: one for name, one in store.fallbacks().items() if name in names},
        missing={name: found for name, found in missing.items() if found},
        audits=last_audits(store, names),
        not_audited=failed_audits(store, names),
        nightly=settings.audit.nightly,
        drills={name: one for name, one in store.reports(ReportKind.DRILL).items() if name in names},
        pulses=herald.pulses({one.region: one for one in seen}, now),
    )


def watch_lines(state: WatchState) -> list[str]:
    """What is wrong first, each line with "!"; then what is well."""
    wrong = [*_catalog_troubles(state), *_missing_lines(state), *_audit_troubles(state), *_drill_lines(state, False)]
    share = 100 * state.disk.free / state.disk.usable
    disk = f"disk of the {state.disk_of}: {state.disk.free / _GIB:.1f} GiB free ({share:.0f} %)"
    is_full = state.disk.free < _LITTLE_DISK
    wrong = [*_unwell_lines(state), *([disk] if is_full else []), *wrong]
    well = [_engine_line(state), _queue_line(state), *([] if is_full else [disk])]
    answered = [
        f"{one.name} {age(state.now - one.answered)} ago"
        for one in state.sources
        if one.answered is not None and one.failing_since is None
    ]
    well += [f"catalogs answered: {', '.join(answered)}"] if answered else []
    well += [_audit_line(state), *_drill_lines(state, True)]
    return [*(f"! {line}" for line in wrong), *well]


def watch_json(state: WatchState) -> dict[str, object]:
    """The same for programs."""
    return {
        "troubles": {
            pulse.region: [
                trouble_json(one) | {"told": trouble_told(one, pulse), "remedy": _to_do(one, pulse)}
                for one in troubles(pulse)
            ]
            for pulse in state.pulses
        },
        "engine": None if state.engine is None else {"started": state.engine.at.isoformat(), **state.engine.body},
        "disk": {"of": state.disk_of, "free_bytes": state.disk.free, "total_bytes": state.disk.usable},
        "queue": {
            "waiting": dict(sorted(state.waiting.items())),
            "at_work": state.at_work,
            "oldest": None if state.oldest is None else state.oldest.isoformat(),
        },
        "catalogs": {
            one.name: {
                "answered": None if one.answered is None else one.answered.isoformat(),
                "failing_since": None if one.failing_since is None else one.failing_since.isoformat(),
                "detail": one.detail,
            }
            for one in state.sources
        },
        "fallbacks": {name: fallback_json(one) for name, one in state.fallbacks.items()},
        "missing_passes": {name: calendar_json(found) for name, found in state.missing.items()},
        "audits": {name: report_json(one) for name, one in state.audits.items()},
        "not_audited": {name: report_json(one) for name, one in state.not_audited.items()},
        "drills": {name: {"at": one.at.isoformat(), **one.body} for name, one in state.drills.items()},
    }


def _least_room(settings: Settings) -> tuple[str, DiskRoom]:
    """Whose disk has the least room, and how much."""
    return min(((name, disk_room(path)) for name, path in settings.on_disks.items()), key=lambda one: one[1].free)


def _missing(settings: Settings, store: "SqlStore", region: Region, now: datetime) -> list[CalendarPass]:
    span = timedelta(days=region.lookback_days)
    passed = store.passes(region.id, now - MEMORY, now)
    return overdue(pass_calendar(passed, now, now - span, now, settings.fleet))


def _unwell_lines(state: WatchState) -> list[str]:
    """What `scarpwatch alive` and the pages say as well, by the same rules, and what to do."""
    unwell = [pulse for pulse in state.pulses if troubles(pulse)]
    lines = []
    for pulse in unwell[:_MOST]:
        lines.append(EN.unwell.format(region=pulse.region))
        lines += [f"  {trouble_told(one, pulse)} To do: {_to_do(one, pulse)}" for one in troubles(pulse)]
    more = len(unwell) - _MOST
    return [*lines, *([f"and {more} more regions are NOT WELL: scarpwatch status --json"] if more > 0 else [])]


def _to_do(one: Trouble, pulse: Pulse) -> str:
    return _TO_DO[one.kind].format(region=pulse.region)


def _catalog_troubles(state: WatchState) -> list[str]:
    lines = [
        f"catalog {one.name} fails since {_minute(one.failing_since)} ({age(state.now - one.failing_since)}), "
        f"{_answered(one)}: {_bare(one)}"
        for one in state.sources
        if one.failing_since is not None
    ]
    stand_ins = [
        f"{name}: {', '.join(one.catalogs)} stands in since {_minute(one.since)}: {one.reason}"
        for name, one in state.fallbacks.items()
    ]
    return [*lines, *_first(stand_ins)]


def _answered(one: Source) -> str:
    return "never answered" if one.answered is None else f"last answered {_minute(one.answered)}"


def _bare(one: Source) -> str:
    """Why it fails, without the name that the line begins with; the address is kept."""
    named = f"catalog {one.name} ("
    return one.detail.removeprefix(named).replace("): ", ": ", 1) if one.detail.startswith(named) else one.detail


def _missing_lines(state: WatchState) -> list[str]:
    lines = [
        f"{name}: no catalog lists the pass of {_minute(one.at)} of {track_told(one.sensor, one.relative_orbit)}; "
        f"see: scarpwatch passes {name}"
        for name, found in state.missing.items()
        for one in found
    ]
    return _first(lines)


def _audit_troubles(state: WatchState) -> list[str]:
    lines = [f"{name}: {told(one)}" for name, one in state.not_audited.items()]
    lines += [
        f"{name}: audit of {_minute(one.at)}: {told(one)}" for name, one in state.audits.items() if one.differences
    ]
    return _first(lines)


def _audit_line(state: WatchState) -> str:
    if not state.audits:
        return "audit: none yet" + ("" if state.nightly else ", and none is made by night: scarpwatch audit")
    oldest = min(state.audits.values(), key=lambda one: one.at)
    old = " (OLD: scarpwatch audit)" if state.now - oldest.at > _AUDIT_OLD else ""
    same = sum(not one.differences for one in state.audits.values())
    return (
        f"audit: {same} of {len(state.audits)} region(s) agree with their catalogs; "
        f"the oldest is {age(state.now - oldest.at)} old, of {oldest.region}{old}"
    )


def _drill_lines(state: WatchState, passed: bool) -> list[str]:
    lines = [
        f"drill in {name} {age(state.now - one.at)} ago: {'passed' if passed else 'NOT PASSED'}: {one.body['detail']}"
        for name, one in state.drills.items()
        if bool(one.body["passed"]) is passed
    ]
    return _first(lines)


def _engine_line(state: WatchState) -> str:
    if state.engine is None:
        return "engine: not known, as `scarpwatch run` was never started here"
    body = state.engine.body
    since = f"as of {_minute(state.engine.at)}, when the service was last started"
    return f"engine: {body['engine']}, model {body['model']}, version {body['version']}, {since}"


def _queue_line(state: WatchState) -> str:
    again = {reason: number for reason, number in sorted(state.waiting.items()) if reason}
    tried = f", tried again: {', '.join(f'{reason} {number}' for reason, number in again.items())}" if again else ""
    since = f"; the oldest since {age(state.now - state.oldest)}" if state.oldest is not None else ""
    return f"queue: {state.waiting.get('', 0)} wait, {state.at_work} at work{tried}{since}"


def _first(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST
    return [*lines[:_MOST], *([f"and {more} more such: scarpwatch status --json"] if more > 0 else [])]


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
