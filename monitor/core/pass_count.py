"""Which passes over a region were due, which were listed, and what became of them: how silence is told from calm.

The orbit tells when a satellite comes again, so a scene that is not there is as certain a fact as one that is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.fleet import NO_FLEET, Fleet
from monitor.core.next_pass import MEMORY, SAME_PASS, Passed
from monitor.core.pass_calendar import PassState, pass_calendar
from monitor.records import AcquisitionState, Sensor

WINDOW = timedelta(days=30)
"""Passes of so long are counted."""
GRACE = timedelta(days=1)
"""A pass is missed only so long after it was due: producers take hours, and catalogs some more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Passed):
    """One acquisition of a region that a catalog listed, and what became of it."""

    state: AcquisitionState
    usable: bool
    """It is done, and showed ground."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassCount:
    """The passes of one sensor over a region. A pass counts once, however many acquisitions it is listed as."""

    expected: int = 0
    """That were listed within `WINDOW`, and those that the orbit cycle wanted and nobody listed."""
    seen: int = 0
    processed: int = 0
    usable: int = 0
    overdue: int = 0
    """Missed since the newest of their track, however long ago."""
    newest: datetime | None = None
    """Sensing time; None: none within the memory."""
    newest_usable: datetime | None = None


def count_passes(listed: Iterable[Listed], sensor: Sensor, now: datetime, fleet: Fleet = NO_FLEET) -> PassCount:
    """Count the passes of one sensor. Which of them are missed the calendar says (`pass_calendar`).

    Args:
        listed: of one region, within `next_pass.MEMORY`; those of other sensors are ignored.
        now: aware UTC; what was sensed later is ignored.
        fleet: when satellites begin and end; none that has ended is waited for.
    """
    own = [one for one in listed if one.sensor is sensor and one.sensing_time <= now]
    tracks: dict[int | None, list[Listed]] = {}
    for one in own:
        tracks.setdefault(one.relative_orbit, []).append(one)
    passes = {orbit: _passes(ones) for orbit, ones in tracks.items()}
    calendar = pass_calendar(own, now, now - MEMORY, now, fleet)
    missed = [one for one in calendar if one.state is not PassState.SEEN and now - one.at >= GRACE]
    start = now - WINDOW
    recent = [parts for track in passes.values() for parts in track if parts[0].sensing_time > start]
    return PassCount(
        expected=len(recent) + sum(one.at > start for one in missed),
        seen=len(recent),
        processed=sum(any(one.state is AcquisitionState.DONE for one in parts) for parts in recent),
        usable=sum(any(one.usable for one in parts) for parts in recent),
        overdue=sum(one.at > passes[one.relative_orbit][-1][0].sensing_time for one in missed),
        newest=max((one.sensing_time for one in own), default=None),
        newest_usable=max((one.sensing_time for one in own if one.usable), default=None),
    )


def _passes(listed: Iterable[Listed]) -> list[list[Listed]]:
    """The acquisitions of one track, pass by pass."""
    passes: list[list[Listed]] = []
    for one in sorted(listed, key=lambda one: one.sensing_time):
        if passes and one.sensing_time - passes[-1][0].sensing_time <= SAME_PASS:
            passes[-1].append(one)
        else:
            passes.append([one])
    return passes
