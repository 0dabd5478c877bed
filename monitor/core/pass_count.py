"""Which passes over a region were due, which were listed, and what became of them: how silence is told from calm.

The orbit tells when a satellite comes again, so a scene that is not there is as certain a fact as one that is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from monitor.core.fleet import NO_FLEET, Fleet, serves
from monitor.core.next_pass import MOST_MISSED, SAME_PASS, repeat_of
from monitor.records import AcquisitionState, Sensor

WINDOW = timedelta(days=30)
"""Passes of so long are counted."""
GRACE = timedelta(days=1)
"""A pass is missed only so long after it was due: producers take hours, and catalogs some more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One acquisition of a region that a catalog listed, and what became of it."""

    sensor: Sensor
    relative_orbit: int | None
    sensing_time: datetime
    state: AcquisitionState
    usable: bool
    """It is done, and showed ground."""
    platform: str = "unknown"


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
    """Count the passes of one sensor.

    A track that missed `MOST_MISSED` passes in a row is not flown any more, if others of its sensor go on. Where none
    does, that cannot be told from an outage: then all of them stay due for as long as they are remembered.

    Args:
        listed: of one region, within `next_pass.MEMORY`; those of other sensors are ignored.
        now: aware UTC; what was sensed later is ignored.
        fleet: when satellites begin and end; none that has ended is waited for.
    """
    own = [one for one in listed if one.sensor is sensor and one.sensing_time <= now]
    tracks: dict[int | None, list[Listed]] = {}
    for one in own:
        tracks.setdefault(one.relative_orbit, []).append(one)
    passes = [_passes(ones) for ones in tracks.values()]
    came = [[one[0].sensing_time for one in track] for track in passes]
    serving = [[one[0].sensing_time for one in track if serves(fleet, one[0].platform, now)] for track in passes]
    since = [_missed_since(times, now) for times in serving]
    goes_on = any(len(times) > 1 and len(missed) <= MOST_MISSED for times, missed in zip(serving, since, strict=True))
    overdue = [missed if len(missed) <= MOST_MISSED or not goes_on else [] for missed in since]
    start = now - WINDOW
    recent = [one for track in passes for one in track if one[0].sensing_time > start]
    between = [at for times in came for at in _missed_between(times)]
    missed = sum(at > start for at in [*between, *(at for ones in overdue for at in ones)])
    return PassCount(
        expected=len(recent) + missed,
        seen=len(recent),
        processed=sum(any(one.state is AcquisitionState.DONE for one in parts) for parts in recent),
        usable=sum(any(one.usable for one in parts) for parts in recent),
        overdue=sum(map(len, overdue)),
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


def _missed_between(came: Sequence[datetime]) -> list[datetime]:
    """When a track should have come between passes that are there."""
    repeat = repeat_of(came)
    if repeat is None:
        return []
    return [
        earlier + number * repeat
        for earlier, later in pairwise(came)
        for number in range(1, round((later - earlier) / repeat))
    ]


def _missed_since(came: Sequence[datetime], now: datetime) -> list[datetime]:
    """When a track should have come since its newest pass."""
    repeat = repeat_of(came)
    if repeat is None:
        return []
    waited = now - GRACE - came[-1]
    return [came[-1] + number * repeat for number in range(1, waited // repeat + 1)]
