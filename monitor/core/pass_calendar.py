"""The passes over a region that were expected, and whether they came; and those that are to come."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from monitor.core.fleet import NO_FLEET, Fleet
from monitor.core.next_pass import MEMORY, MOST_MISSED, Passed, Track, by_track, distinct, in_service, repeat_of
from monitor.core.sensors import NAMES
from monitor.records import Sensor

PUBLISHED_WITHIN = timedelta(days=2)
"""Catalogs list most scenes hours after they were sensed, radar backscatter up to two days after."""
_ON_TIME = 0.25
"""Of a repeat: a pass so near the expected time is the one that was expected."""


class PassState(StrEnum):
    """What became of a pass."""

    SEEN = "seen"
    """A catalog lists it."""
    MISSING = "missing"
    """It was expected, and no catalog lists it."""
    AWAITED = "awaited"
    """It was expected a short while ago: a catalog may still list it."""
    COMING = "coming"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPass:
    """One pass of a track."""

    sensor: Sensor
    relative_orbit: int | None
    at: datetime
    """When it was sensed, or is expected to be."""
    state: PassState
    platform: str = ""
    """Of a pass that came; which satellite comes next is not known."""


def pass_calendar(
    passed: Sequence[Passed], now: datetime, since: datetime, until: datetime, fleet: Fleet = NO_FLEET
) -> tuple[CalendarPass, ...]:
    """Every pass over a region from `since` to `until` that came or should come, in order of time.

    A track repeats after the median of its intervals, counted at every time among the satellites that served then: one
    that ended is not waited for, and one that began late was not missed before. After three passes in a row that did
    not come, while others of its sensor did, a track is taken for one that is not flown, until it comes again. What
    did not come while none of its sensor did cannot be told from an outage: all of that is missing.

    Args:
        passed: what catalogs listed, from `MEMORY` before `since` on.
    """
    tracks: dict[Track, list[Passed]] = {}
    for one in sorted(passed, key=lambda one: one.sensing_time):
        if one.sensing_time <= now:
            tracks.setdefault((one.sensor, one.relative_orbit), []).append(one)
    found = [one for track in tracks for one in _of_track(track, tracks, now, until, fleet)]
    chosen = (one for one in found if since <= one.at <= until)
    return tuple(sorted(chosen, key=lambda one: (one.at, one.sensor.value, one.relative_orbit or -1)))


def overdue(calendar: Iterable[CalendarPass]) -> list[CalendarPass]:
    """The newest missing pass of every track of which none came since."""
    known = (PassState.SEEN, PassState.MISSING)
    newest = {(one.sensor, one.relative_orbit): one for one in calendar if one.state in known}
    return [one for one in newest.values() if one.state is PassState.MISSING]


def calendar_json(calendar: Iterable[CalendarPass]) -> list[dict[str, object]]:
    """For programs."""
    return [
        {
            "sensor": one.sensor.value,
            "relative_orbit": one.relative_orbit,
            "at": one.at.astimezone(UTC).isoformat(),
            "state": one.state.value,
            "platform": one.platform or None,
        }
        for one in calendar
    ]


def counts(calendar: Iterable[CalendarPass]) -> Mapping[Track, dict[PassState, int]]:
    """How many passes of every track are in which state, tracks in order."""
    found: dict[Track, dict[PassState, int]] = {}
    for one in calendar:
        states = found.setdefault((one.sensor, one.relative_orbit), {})
        states[one.state] = states.get(one.state, 0) + 1
    return dict(sorted(found.items(), key=lambda one: (one[0][0].value, one[0][1] or -1)))


def track_told(sensor: Sensor, orbit: int | None) -> str:
    """In words: "radar, orbit 46"."""
    return NAMES[sensor] + ("" if orbit is None else f", orbit {orbit}")


def _of_track(
    track: Track, tracks: Mapping[Track, Sequence[Passed]], now: datetime, until: datetime, fleet: Fleet
) -> Iterator[CalendarPass]:
    came = tracks[track]
    of_sensor = [one.sensing_time for (sensor, _), ones in tracks.items() if sensor is track[0] for one in ones]
    platforms = {one.sensing_time: one.platform for one in reversed(came)}
    times = distinct(one.sensing_time for one in came)
    for at in times:
        yield _pass(track, at, PassState.SEEN, platforms[at])
    shortest = min((later - earlier for earlier, later in pairwise(times)), default=timedelta(0))
    for earlier, later in pairwise(times):
        if later - earlier >= (2 - _ON_TIME) * shortest:  # no cycle is shorter: most have no room for another pass
            yield from (_pass(track, at, PassState.MISSING) for at in _between(earlier, later, came, of_sensor, fleet))
    yield from _after(track, times[-1], came, of_sensor, now, until, fleet)


def _pass(track: Track, at: datetime, state: PassState, platform: str = "") -> CalendarPass:
    return CalendarPass(sensor=track[0], relative_orbit=track[1], at=at, state=state, platform=platform)


def _between(
    earlier: datetime, later: datetime, came: Sequence[Passed], others: Sequence[datetime], fleet: Fleet
) -> Iterator[datetime]:
    """Passes that should have come between two that did."""
    repeat = _repeat_at(earlier + (later - earlier) / 2, came, fleet)
    if repeat is None:
        return
    expected, alone = earlier + repeat, 0
    while later - expected >= (1 - _ON_TIME) * repeat:
        alone += _others_came(expected, repeat, others)
        if alone > MOST_MISSED:
            return
        yield expected
        expected += repeat


def _after(
    track: Track,
    last: datetime,
    came: Sequence[Passed],
    others: Sequence[datetime],
    now: datetime,
    until: datetime,
    fleet: Fleet,
) -> list[CalendarPass]:
    """Passes expected after the last that came."""
    recent = [one for one in came if one.sensing_time >= now - MEMORY]
    times = distinct(by_track(in_service(recent, now, fleet)).get(track, []))
    repeat = repeat_of(times)
    if repeat is None:
        return []
    found: list[CalendarPass] = []
    expected, alone = times[-1] + repeat, 0
    while expected <= until:
        late = now - expected
        if expected - last >= (1 - _ON_TIME) * repeat:  # what came meanwhile may be of another satellite
            waiting = PassState.AWAITED if late <= PUBLISHED_WITHIN else PassState.MISSING
            found.append(_pass(track, expected, PassState.COMING if late < timedelta(0) else waiting))
            alone += late >= timedelta(0) and _others_came(expected, repeat, others)
        expected += repeat
    return [] if alone > MOST_MISSED else found


def _others_came(at: datetime, repeat: timedelta, others: Iterable[datetime]) -> bool:
    """Whether anything of its sensor came since the time before: then it is no outage of all of it."""
    return any(at - repeat < one <= at for one in others)


def _repeat_at(at: datetime, came: Sequence[Passed], fleet: Fleet) -> timedelta | None:
    near = [one for one in came if abs(one.sensing_time - at) <= MEMORY]
    return repeat_of(distinct(one.sensing_time for one in in_service(near, at, fleet)))
