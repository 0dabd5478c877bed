"""What people read on a terminal."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.cli.tables import coverage_line, sensor_table
from monitor.overview import Coverage
from monitor.records import Sensor, Tile
from tests.fake_watch import NOW


@pytest.mark.parametrize(
    ("compared", "seen", "words"),
    [
        (0.976, 0.985, "97.6% of 7 km² observed and compared with an earlier look, 2.4% not observed (0.9% without"),
        (0.9999, 1.0, "99.9% of 7 km² observed and compared with an earlier look, 0.1% not observed (0.1% without"),
        (1.0, 1.0, "100% of 7 km² observed and compared with an earlier look, 0% not observed (0% without"),
        (0.3334, 0.6667, "33.3% of 7 km² observed and compared with an earlier look, 66.7% not observed (33.3%"),
    ],
)
def test_shares_add_up(compared: float, seen: float, words: str) -> None:
    """The parts of the coverage line add up to what they are parts of, and only all of it is 100 %."""
    assert words in coverage_line(_coverage(seen, compared), NOW)


def test_a_silent_sensor_is_not_hidden_by_another() -> None:
    """Each has a row, also one that never looked."""
    coverage = replace(
        _coverage(1.0, 0.98),
        seen_by={Sensor.OPTICAL: 0.0, Sensor.SAR: 1.0},
        compared_by={Sensor.SAR: 0.98},
        tile_looks={Tile(epsg=32654, column=150, row=1842): {Sensor.SAR: NOW - timedelta(days=3)}},
    )
    columns = [list(column.cells) for column in sensor_table([coverage], NOW).columns]
    assert list(zip(*columns, strict=True)) == [
        ("valley", "optics", "0%", "0%", "never"),
        ("valley", "radar", "100%", "98%", "3 days ago"),
    ]


def _coverage(seen: float, compared: float) -> Coverage:
    return Coverage(
        region="valley",
        since=NOW - timedelta(days=60),
        area_km2=6.55,
        tiles=1,
        seen=seen,
        compared=compared,
        never_observed=(),
        not_compared=(),
        last_look=NOW,
        broken_looks=0,
    )
