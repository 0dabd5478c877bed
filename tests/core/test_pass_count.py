"""Passes that were due, came, and were of use."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from monitor.core.fleet import Service
from monitor.core.pass_count import Listed, PassCount, count_passes
from monitor.records import AcquisitionState, Sensor

START = datetime(2026, 1, 1, 1, 30, tzinfo=UTC)
DONE, PARKED, WAITS = AcquisitionState.DONE, AcquisitionState.PARKED, AcquisitionState.DISCOVERED


def day(number: float) -> datetime:
    """So many days after the first pass."""
    return START + timedelta(days=number)


def listed(
    *days: float,
    orbit: int = 31,
    state: AcquisitionState = DONE,
    usable: bool = True,
    sensor: Sensor = Sensor.OPTICAL,
    platform: str = "s2a",
) -> list[Listed]:
    """Acquisitions of one track."""
    return [
        Listed(
            sensor=sensor,
            relative_orbit=orbit,
            platform=platform,
            sensing_time=day(number),
            state=state,
            usable=usable,
        )
        for number in days
    ]


def counted(ones: Sequence[Listed], now: float) -> PassCount:
    """Of optics."""
    return count_passes(ones, Sensor.OPTICAL, day(now))


@pytest.mark.parametrize(
    ("days", "now", "expected", "seen", "overdue"),
    [
        ((), 1, 0, 0, 0),  # nothing is known
        ((0,), 20, 1, 1, 0),  # one pass is no cycle
        ((0, 5, 10), 15.9, 3, 3, 0),  # due since a few hours
        ((0, 5, 10), 16, 4, 3, 1),
        ((0, 5, 10, 20), 20.5, 5, 4, 0),  # one is missing in between
        ((0, 0.02, 5, 5.01), 6, 2, 2, 0),  # slices
        ((0, 5, 10, 15, 20, 25, 30, 35), 36, 6, 6, 0),  # older than 30 days
        ((0, 5, 10), 42, 6, 0, 6),  # everything is silent: nothing is forgotten, the last 30 days are counted
    ],
)
def test_what_the_cycle_wants(days: Sequence[float], now: float, expected: int, seen: int, overdue: int) -> None:
    """A pass that did not come is as certain as one that did."""
    found = counted(listed(*days), now)
    assert (found.expected, found.seen, found.overdue) == (expected, seen, overdue)


def test_a_track_that_ended_while_others_go_on_is_given_up() -> None:
    """A satellite was switched off; that it misses three passes is still told."""
    ended, goes_on = listed(0, 6, 12, orbit=46), listed(*range(0, 60, 6), orbit=53)
    assert counted([*ended, *goes_on], 32).overdue == 3
    assert counted([*ended, *goes_on], 38).overdue == 0
    assert counted([*ended, *goes_on], 55).expected == 5


def test_an_outage_is_counted_alike_while_it_lasts_and_afterwards() -> None:
    """Of two tracks, whose third pass is missed on different days: no number falls before something comes again."""
    before = [*listed(0, 12, 24), *listed(5, 17, 29, orbit=60)]
    overdue = [counted(before, now).overdue for now in (37, 42, 49, 54, 61, 66, 73, 78, 85)]
    assert overdue == list(range(1, 10))
    assert counted(before, 85).expected == 5, "of the last 30 days"
    assert counted([*before, *listed(84), *listed(89, orbit=60)], 90).expected == 5


def test_a_satellite_that_ended_is_not_counted_as_missed() -> None:
    """Neither since its newest pass, nor while the other goes on in its old cycle."""
    both = [*listed(*range(0, 61, 10)), *listed(5, 15, 25, platform="s2b")]
    fleet = {"s2b": Service(until=day(30))}
    assert count_passes(both, Sensor.OPTICAL, day(61), fleet).expected == 3
    assert count_passes(both, Sensor.OPTICAL, day(61)).expected == 6


def test_what_became_of_passes() -> None:
    """A pass is processed with the first of its parts, and other sensors and the future do not count."""
    found = counted(
        [
            *listed(0),
            *listed(5, usable=False),
            *listed(10, state=PARKED, usable=False),
            *listed(10.01),
            *listed(15, state=WAITS, usable=False),
            *listed(3, sensor=Sensor.SAR),
            *listed(25),
        ],
        16,
    )
    assert found == PassCount(
        expected=4, seen=4, processed=3, usable=2, overdue=0, newest=day(15), newest_usable=day(10.01)
    )
