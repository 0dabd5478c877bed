"""What people read on a terminal."""

from datetime import timedelta

import pytest

from monitor.cli.tables import coverage_line
from monitor.overview import Coverage
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
    coverage = Coverage(
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
    assert words in coverage_line(coverage, NOW)
