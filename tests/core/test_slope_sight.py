"""What radar never sees of the slopes of a region, added up."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.core.slope_sight import Sight, SightTally, TrackSight, slope_sight, track_of, unseen

UP, DOWN = "R046-ascending", "R053-descending"
EVERYWHERE = np.ones((256, 256), bool)
CLEAR = np.arange(256 * 256).reshape(256, 256) < 30 * 256
"""What optics saw: the upper 30 rows."""
HECTARE = 0.01
"""km²."""


def sights(blind: slice) -> NDArray[np.uint8]:
    """A tile whose upper 100 rows are slopes; some of its rows are blind."""
    slope = np.zeros((256, 256), np.float32)
    slope[:100] = 30.0
    slope[0, 0] = np.nan
    hidden = np.zeros((256, 256), bool)
    hidden[blind] = True
    return slope_sight(hidden, slope, 15.0)


def test_flat_and_unknown_ground_is_no_slope() -> None:
    """Radar may be blind there: nothing slides, or nobody knows."""
    found = sights(slice(0, 200))
    assert found[0, 0] == Sight.NO_SLOPE
    assert (found[100:] == Sight.NO_SLOPE).all()
    assert (found[1:100] == Sight.BLIND).all()


def test_each_track_and_all_together() -> None:
    """One track misses the upper half of the slopes, the other the middle: neither sees where they meet."""
    tally = SightTally()
    unused = {"R001-ascending": sights(slice(0))}
    tally.add(EVERYWHERE, {UP: sights(slice(0, 50)), DOWN: sights(slice(25, 75)), **unused}, [UP, DOWN], CLEAR)
    total = tally.total()
    slopes = (100 * 256 - 1) / 100 * HECTARE
    assert total.tracks[UP].slopes_km2 == pytest.approx(slopes)
    assert total.tracks[UP].blind_km2 == pytest.approx((50 * 256 - 1) / 100 * HECTARE)
    assert total.tracks[DOWN].blind_km2 == pytest.approx(50 * 256 / 100 * HECTARE)
    assert total.together.blind_km2 == pytest.approx(25 * 256 / 100 * HECTARE)
    assert total.together.blind_share == pytest.approx(0.25, abs=1e-3)
    assert total.not_seen_km2 == pytest.approx(20 * 256 / 100 * HECTARE), "optics saw five of the 25 rows"
    assert set(total.tracks) == {UP, DOWN}, "a track that is not in use helps nobody"
    assert total.unknown_tiles == 0


def test_a_tile_that_one_track_alone_reaches() -> None:
    """What it misses there nobody sees; a tile of which nothing is kept yet is unknown, and so is half of one."""
    tally = SightTally()
    left = EVERYWHERE.copy()
    left[:, 128:] = False
    tally.add(left, {UP: sights(slice(0, 100))}, [UP], CLEAR)
    tally.add(left, {}, [UP], CLEAR)
    tally.add(left, {UP: sights(slice(0))}, [UP, DOWN], CLEAR)
    total = tally.total()
    assert total.unknown_tiles == 2
    assert total.together.blind_km2 == pytest.approx((100 * 128 - 1) / 100 * HECTARE)
    assert total.together.blind_share == pytest.approx(0.5, abs=1e-3)


def test_no_slopes_no_share() -> None:
    """A plain has nothing to miss."""
    assert TrackSight(slopes_km2=0.0, blind_km2=0.0).blind_share == 0.0
    assert SightTally().total().tracks == {}
    assert unseen([sights(slice(0, 10)), sights(slice(5, 20))]).sum() == 5 * 256


def test_track_of_a_class() -> None:
    """Polarisations and product do not matter: the slopes are the same."""
    assert track_of("sar:R046:ascending:vv+vh:sentinel-1-rtc") == track_of("sar:R046:ascending:vv:opera") == UP
