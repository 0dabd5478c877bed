"""When a satellite is expected to see a region again, from when it came so far."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low

from monitor.core.fleet import NO_FLEET, Fleet, serves
from monitor.core.sensors import NAMES
from monitor.records import NextPass, Sensor

MEMORY = timedelta(days=120)
"""Older passes say nothing of the satellites that fly today."""
SAME_PASS = timedelta(hours=6)
"""Slices and reprocessings of one pass; another satellite follows on the same orbit after days."""
MOST_MISSED = 3
"""A track that did not come so many times in a row is not flown, or not published, any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One acquisition of a region that a catalog listed, whatever became of it."""

    sensor: Sensor
    relative_orbit: int | None
    sensing_time: datetime
    platform: str = "unknown"


Track = tuple[Sensor, int | None]
"""A sensor on a relative orbit, whichever satellites fly it."""


def next_passes(passed: Iterable[Passed], now: datetime, fleet: Fleet = NO_FLEET) -> tuple[NextPass, ...]:
    """The next pass of every track that still comes, earliest first; none of a track seen less than twice.

    It repeats after the median of its intervals (of two in the middle the shorter), which gaps leave alone as long as
    they are the fewer. Passes after `now` are ignored, and those of satellites that do not serve then.
    """
    recent = (one for one in passed if now - MEMORY <= one.sensing_time <= now)
    times = by_track(in_service(recent, now, fleet))
    found = (_next(sensor, orbit, came, now) for (sensor, orbit), came in times.items())
    return tuple(sorted((one for one in found if one is not None), key=_order))


def in_service(passed: Iterable[Passed], at: datetime, fleet: Fleet) -> list[Passed]:
    """Those from which passes at a time can be told: of satellites that serve then, and served when they passed."""
    return [one for one in passed if serves(fleet, one.platform, at) and serves(fleet, one.platform, one.sensing_time)]


def by_track(passed: Iterable[Passed]) -> dict[Track, list[datetime]]:
    """Times of every track, as they come."""
    tracks: dict[Track, list[datetime]] = {}
    for one in passed:
        tracks.setdefault((one.sensor, one.relative_orbit), []).append(one.sensing_time)
    return tracks


def repeat_of(came: Sequence[datetime]) -> timedelta | None:
    """After how long a track comes again; None: not known.

    Args:
        came: in order, every pass once (`distinct`).
    """
    return median_low([later - earlier for earlier, later in pairwise(came)]) if len(came) > 1 else None


def _order(one: NextPass) -> tuple[datetime, str, int]:
    return one.expected, one.sensor.value, -1 if one.relative_orbit is None else one.relative_orbit


def _next(sensor: Sensor, orbit: int | None, times: Sequence[datetime], now: datetime) -> NextPass | None:
    came = distinct(times)
    repeat = repeat_of(came)
    if repeat is None:
        return None
    waited = now - came[-1]
    if waited > MOST_MISSED * repeat:
        return None
    missed = waited // repeat
    basis = f"every {days(repeat)}, {len(came)} passes in {days(came[-1] - came[0])}, last {came[-1]:%Y-%m-%d}"
    if missed:
        basis += f", {missed} missed since"
    overdue = came[-1] + missed * repeat if missed else None
    expected = came[-1] + (missed + 1) * repeat
    return NextPass(sensor=sensor, relative_orbit=orbit, expected=expected, basis=basis, overdue=overdue)


def still_to_come(expected: Iterable[NextPass], at: datetime) -> tuple[NextPass, ...]:
    """Passes that were expected once and are so still at a later time. Which of the others came is not known."""
    return tuple(replace(one, overdue=None) for one in expected if one.expected > at)


def first_of_each(passes: Iterable[NextPass]) -> list[NextPass]:
    """The next pass of each sensor, of passes in order."""
    first: dict[Sensor, NextPass] = {}
    for one in passes:
        first.setdefault(one.sensor, one)
    return list(first.values())


def told(one: NextPass) -> str:
    """In words: "2026-02-03 (radar, orbit 46)", after one that is overdue."""
    orbit = "" if one.relative_orbit is None else f", orbit {one.relative_orbit}"
    late = "" if one.overdue is None else f"{one.overdue:%Y-%m-%d}, not seen yet, else "
    return f"{late}{one.expected:%Y-%m-%d} ({NAMES[one.sensor]}{orbit})"


def distinct(times: Iterable[datetime]) -> list[datetime]:
    """Times in order, slices of one pass once: the first of them."""
    came: list[datetime] = []
    for time in sorted(times):
        if not came or time - came[-1] > SAME_PASS:
            came.append(time)
    return came


def days(span: timedelta) -> str:
    """In words: "12 days", "6 h"."""
    number = span / timedelta(days=1)
    return f"{number:.0f} day{'' if round(number) == 1 else 's'}" if number >= 0.95 else f"{number * 24:.0f} h"
