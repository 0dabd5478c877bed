"""Which passes were expected, which came, and which satellites are not waited for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.fleet import Fleet, Service, all_retired, serves
from monitor.core.next_pass import Passed, next_passes
from monitor.core.pass_calendar import CalendarPass, PassState, calendar_json, counts, overdue, pass_calendar
from monitor.records import Sensor

START = datetime(2021, 9, 1, 5, 30, tzinfo=UTC)
DAY = timedelta(days=1)
A, B = "sentinel-1a", "sentinel-1b"
SEEN, MISSING, AWAITED, COMING = PassState


def radar(platform: str, *days: float, orbit: int = 46) -> list[Passed]:
    """Passes of one satellite, so many days after the start."""
    return [
        Passed(sensor=Sensor.SAR, relative_orbit=orbit, sensing_time=START + day * DAY, platform=platform)
        for day in days
    ]


def states(found: Sequence[CalendarPass]) -> list[tuple[float, PassState]]:
    """Day and state of each."""
    return [((one.at - START) / DAY, one.state) for one in found]


def calendar(
    passed: list[Passed], now: float, fleet: Fleet, until: float | None = None
) -> list[tuple[float, PassState]]:
    """From the start on."""
    end = START + (now if until is None else until) * DAY
    return states(pass_calendar(passed, START + now * DAY, START, end, fleet))


@pytest.mark.parametrize(
    ("days", "now", "until", "expected"),
    [
        ((0, 12, 24), 25, 40, [(0, SEEN), (12, SEEN), (24, SEEN), (36, COMING)]),
        ((0, 12, 24, 48), 49, 49, [(0, SEEN), (12, SEEN), (24, SEEN), (36, MISSING), (48, SEEN)]),
        ((0, 12, 24), 37, 37, [(0, SEEN), (12, SEEN), (24, SEEN), (36, AWAITED)]),
        ((0, 12, 24), 39, 49, [(0, SEEN), (12, SEEN), (24, SEEN), (36, MISSING), (48, COMING)]),
        ((0, 12), 49, 65, [(0, SEEN), (12, SEEN), (24, MISSING), (36, MISSING), (48, AWAITED), (60, COMING)]),
        ((0, 12, 24, 26), 26, 26, [(0, SEEN), (12, SEEN), (24, SEEN), (26, SEEN)]),
        ((0,), 40, 60, [(0, SEEN)]),
    ],
)
def test_what_was_expected(
    days: Sequence[float], now: float, until: float, expected: list[tuple[float, PassState]]
) -> None:
    """Gaps are missing passes, what is just due is awaited, and an outage is not forgotten however long it lasts."""
    assert calendar(radar(A, *days), now, {}, until) == expected


def test_a_track_that_others_outlast_is_given_up() -> None:
    """Three passes in a row that did not come are missing; then it is not waited for, until it comes again."""
    other = radar(A, *range(5, 150, 12), orbit=119)
    ended = [one for one in calendar(radar(A, 0, 12, 24, 36) + other, 84, {}, 110) if one[1] is not SEEN]
    assert ended == [(89, COMING), (101, COMING)]
    still = [one for one in calendar(radar(A, 0, 12, 24, 36) + other, 78, {}, 90) if one[1] is not SEEN]
    assert still == [(48, MISSING), (60, MISSING), (72, MISSING), (84, COMING), (89, COMING)], "three may be missed"
    back = calendar(radar(A, 0, 12, 24, 36, 132, 144) + other, 144, {})
    assert [day for day, state in back if state is MISSING] == [48, 60, 72]


def test_an_outage_of_all_tracks_is_no_end_of_any() -> None:
    """While it lasts, and afterwards: no pass of it is forgotten, as nobody can tell it from the end of all of them."""
    before = radar(A, 0, 12, 24) + radar(A, 5, 17, 29, orbit=119)
    optics = [replace(one, sensor=Sensor.OPTICAL) for one in radar(A, *range(3, 100, 5))]
    lost = [36, 41, 48, 53, 60, 65, 72, 77]
    assert [day for day, state in calendar(before + optics, 80, {}) if state is MISSING] == lost
    after = before + optics + radar(A, 84, 96) + radar(A, 89, 101, orbit=119)
    assert [day for day, state in calendar(after, 102, {}) if state is MISSING] == lost


def test_a_satellite_that_ended_is_not_waited_for() -> None:
    """From its end on the other one alone is expected; without that being configured every second pass is missing."""
    both = radar(A, *range(0, 145, 12)) + radar(B, *range(6, 109, 12))
    ended: Fleet = {B: Service(until=START + 113 * DAY)}
    assert [day for day, state in calendar(both, 145, {}) if state is MISSING] == [114, 126, 138]
    assert MISSING not in dict(map(reversed, calendar(both, 145, ended)))  # type: ignore[arg-type]
    (one,) = next_passes(both, START + 145 * DAY, ended)
    assert (one.expected, one.overdue) == (START + 156 * DAY, None)


def test_a_satellite_that_begins_is_no_surprise() -> None:
    """What it sent before it served teaches nothing, and was not missed; from then on it is expected."""
    passed = radar(A, 0, 12, 24, 36, 48, 60, 72) + radar(B, 3, 42, 54, 66)
    fleet: Fleet = {B: Service(since=START + 40 * DAY)}
    assert [day for day, state in calendar(passed, 72, fleet) if state is MISSING] == []
    (one,) = next_passes(passed, START + 72 * DAY, fleet)
    assert one.expected == START + 78 * DAY


def test_the_newest_missing_pass_of_a_track_is_overdue() -> None:
    """One that was missed long ago, before others came, is not."""
    now = START + 63 * DAY
    passed = radar(A, 0, 12, 24, 48) + radar(A, 1, 13, 25, 49, 61, orbit=119)
    found = overdue(pass_calendar(passed, now, START, now))
    assert [(one.relative_orbit, (one.at - START) / DAY) for one in found] == [(46, 60)]


def test_a_missing_pass_is_overdue_while_the_next_is_awaited() -> None:
    """In an outage the next one is due before anything came: that is no sign of life."""
    now = START + 48.5 * DAY
    found = overdue(pass_calendar(radar(A, 0, 12, 24), now, START, now))
    assert [(one.at - START) / DAY for one in found] == [36]


def test_when_satellites_serve() -> None:
    """Ends are open where nothing is said; of unknown satellites nothing is known to have ended."""
    fleet: Fleet = {A: Service(since=START), B: Service(until=START)}
    assert [serves(fleet, name, at) for name in (A, B, "new") for at in (START - DAY, START)] == [
        False, True, True, False, True, True,
    ]  # fmt: skip
    assert all_retired(fleet, {B}, START)
    assert not any(all_retired(fleet, names, START) for names in (set(), {A, B}, {"new"}))
    assert not all_retired(fleet, {A}, START - DAY), "one that is to begin has not ended"


@given(st.sets(st.integers(0, 30), min_size=2, max_size=20), st.integers(0, 40))
def test_every_pass_that_came_is_told_once(numbers: set[int], later: int) -> None:
    """Whatever is missing: those that came are seen, in order of time, and nothing past is to come."""
    days = sorted(12 * number for number in numbers)
    now = START + (days[-1] + later) * DAY
    found = pass_calendar(radar(A, *days), now, START, now + 30 * DAY)
    assert [(one.at - START) / DAY for one in found if one.state is SEEN] == days
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert all((one.state is COMING) == (one.at > now) for one in found)
    assert sum(map(len, counts(found).values())) <= 4
    assert len(calendar_json(found)) == len(found)
