"""When the next pass is expected."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.next_pass import Passed, next_passes, still_to_come, told
from monitor.records import Sensor

START = datetime(2026, 1, 1, 1, 30, tzinfo=UTC)


def track(*days: float, sensor: Sensor = Sensor.OPTICAL, orbit: int | None = 31) -> list[Passed]:
    """Passes of a track on these days."""
    return [Passed(sensor=sensor, relative_orbit=orbit, sensing_time=START + timedelta(days=day)) for day in days]


def day(number: float) -> datetime:
    """So many days after the first pass."""
    return START + timedelta(days=number)


@pytest.mark.parametrize(
    ("days", "now", "expected", "basis"),
    [
        ((0, 5, 10), 10, 15, "every 5 days, 3 passes in 10 days, last 2026-01-11"),
        ((0, 5, 10), 12, 15, "every 5 days, 3 passes in 10 days, last 2026-01-11"),
        ((0, 5, 10), 15, 20, "every 5 days, 3 passes in 10 days, last 2026-01-11, 1 missed since"),
        ((0, 5, 10, 30, 35), 36, 40, "every 5 days, 5 passes in 35 days, last 2026-02-05"),
        ((0, 12, 36, 48), 50, 60, "every 12 days, 4 passes in 48 days, last 2026-02-18"),
        ((0, 12, 36), 40, 48, "every 12 days, 3 passes in 36 days, last 2026-02-06"),
        ((0, 0.01, 0.02, 6, 6.01), 7, 12, "every 6 days, 2 passes in 6 days, last 2026-01-07"),
        ((0, 0.5, 1.0), 1.1, 1.5, "every 12 h, 3 passes in 1 day, last 2026-01-02"),
    ],
)
def test_the_next_pass(days: Sequence[float], now: float, expected: float, basis: str) -> None:
    """By the median interval: gaps and slices of one pass change nothing, a pass that is due is still to come."""
    (one,) = next_passes(track(*days), day(now))
    assert (one.expected, one.basis) == (day(expected), basis)


@pytest.mark.parametrize(
    ("days", "now"), [((), 1), ((0,), 1), ((0, 5, 10), 26), ((0, 0.01), 1), ((0, 20), 10), ((0, 5), 200)]
)
def test_nothing_is_claimed_of_unknown_and_dead_tracks(days: Sequence[float], now: float) -> None:
    """Seen less than twice, not seen for three repeats, or known from later alone: no date."""
    assert next_passes(track(*days), day(now)) == ()


@pytest.mark.parametrize(
    ("now", "overdue", "words"),
    [
        (14.9, None, "2026-01-16 (optics, orbit 31)"),
        (15, 15, "2026-01-16, not seen yet, else 2026-01-21 (optics, orbit 31)"),
        (21, 20, "2026-01-21, not seen yet, else 2026-01-26 (optics, orbit 31)"),
    ],
)
def test_a_pass_that_is_due_and_not_listed_is_told_as_overdue(now: float, overdue: float | None, words: str) -> None:
    """And never as the next one: no date in the past is called the next pass."""
    (one,) = next_passes(track(0, 5, 10), day(now))
    assert one.overdue == (None if overdue is None else day(overdue))
    assert told(one) == words
    assert one.expected > day(now)


def test_what_was_expected_once_is_told_as_long_as_it_is_still_to_come() -> None:
    """Of a pass whose time has gone by nobody knows later whether it came."""
    expected = next_passes([*track(0, 5, 10), *track(1, 13, sensor=Sensor.SAR)], day(15))
    assert [one.expected for one in still_to_come(expected, day(16))] == [day(20), day(25)]
    assert [told(one) for one in still_to_come(expected, day(20))] == ["2026-01-26 (radar, orbit 31)"]
    assert told(still_to_come(expected, day(16))[0]) == "2026-01-21 (optics, orbit 31)"


def test_tracks_stay_apart_and_the_earliest_comes_first() -> None:
    """Each relative orbit of each sensor is a track of its own, whichever satellites fly it."""
    optical = track(0, 5, 10)
    radar = track(1, 13, sensor=Sensor.SAR, orbit=46) + track(2, 8, sensor=Sensor.SAR, orbit=116)
    unknown = track(3, 11, orbit=None)
    found = next_passes(radar + optical + unknown, day(13))
    assert [told(one) for one in found] == [
        "2026-01-15 (radar, orbit 116)",
        "2026-01-16 (optics, orbit 31)",
        "2026-01-20 (optics)",
        "2026-01-26 (radar, orbit 46)",
    ]


@given(st.lists(st.integers(0, 24), min_size=2, max_size=25, unique=True), st.integers(0, 50))
def test_order_and_doubling_change_nothing(numbers: list[int], later: int) -> None:
    """Any order and any doubling give the same date, which is never in the past."""
    passed = track(*(4.0 * number for number in numbers))
    now = passed[0].sensing_time + timedelta(days=later)
    found = next_passes(passed, now)
    assert next_passes([*reversed(passed), *passed], now) == found
    assert all(one.expected > now for one in found)
