"""When catalogs that answer are out of date."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from monitor.core.fleet import Service
from monitor.core.next_pass import Passed
from monitor.core.staleness import stale
from monitor.records import Sensor

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BOTH = (Sensor.OPTICAL, Sensor.SAR)


def passes(sensor: Sensor, *days: float) -> list[Passed]:
    """Passes of one track."""
    platform = "sentinel-1b" if sensor is Sensor.SAR else "sentinel-2a"
    return [Passed(sensor=sensor, relative_orbit=46, sensing_time=START + day * DAY, platform=platform) for day in days]


@pytest.mark.parametrize(
    ("days", "now", "said"),
    [
        ((0, 5, 10), 15, ""),
        ((0, 5, 10), 18, ""),
        ((0, 5, 10), 18.1, "the newest scene of optics is of 2026-01-11, and one of 2026-01-16 was expected"),
        ((0, 5, 10), 60, "the newest scene of optics is of 2026-01-11, and one of 2026-01-16 was expected"),
        ((0,), 60, ""),
        ((), 60, ""),
    ],
)
def test_the_newest_scene_is_older_than_the_cycle_allows(days: Sequence[float], now: float, said: str) -> None:
    """By the margin; where no cycle is known nothing is."""
    listed = passes(Sensor.OPTICAL, *days)
    assert stale(listed, [], BOTH, START + now * DAY, 3 * DAY, {}) == said


def test_a_sensor_that_is_listed_no_more() -> None:
    """What the catalogs once had of it, they list no more; a satellite that ended is not waited for."""
    optical, radar = passes(Sensor.OPTICAL, 40, 45, 50), passes(Sensor.SAR, 0, 6)
    now = START + 51 * DAY
    said = stale(optical, [*optical, *radar], BOTH, now, 3 * DAY, {})
    assert said == "no scene of radar is listed any more"
    assert stale(optical, [*optical, *radar], (Sensor.OPTICAL,), now, 3 * DAY, {}) == ""
    assert stale(passes(Sensor.OPTICAL, 3, 8), radar, BOTH, START + 8 * DAY, 3 * DAY, {}) == "", "it may be listed yet"
    ended = {"sentinel-1b": Service(until=START + 7 * DAY)}
    assert stale(optical, [*optical, *radar], BOTH, now, 3 * DAY, ended) == ""
    assert stale(radar, radar, BOTH, now, 3 * DAY, ended) == ""
