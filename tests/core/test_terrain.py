"""Slope and ruggedness against values worked out by hand."""

import numpy as np
import pytest

from monitor.core.terrain import slope_deg, terrain_of, terrain_ruggedness_m


@pytest.mark.parametrize(("east", "south"), [(0.0, 0.0), (1.0, 0.0), (0.0, -0.5), (0.3, 0.4)])
def test_slope_of_a_plane(east: float, south: float) -> None:
    """A plane of known gradient has the slope atan(|gradient|) everywhere but at the rim."""
    rows, columns = np.mgrid[:20, :20] * 10.0
    plane = (100 + east * columns + south * rows).astype(np.float32)
    expected = np.degrees(np.arctan(np.hypot(east, south)))
    np.testing.assert_allclose(slope_deg(plane, 10.0)[1:-1, 1:-1], expected, atol=1e-3)


def test_ruggedness_of_a_spike() -> None:
    """A spike of 3 m: root of 8 x 9 at the spike, 3 m at each neighbour, nothing beyond."""
    ground = np.zeros((7, 7), np.float32)
    ground[3, 3] = 3.0
    ruggedness = terrain_ruggedness_m(ground)
    assert ruggedness[3, 3] == pytest.approx(np.sqrt(72.0))
    assert ruggedness[2, 2] == ruggedness[3, 4] == pytest.approx(3.0)
    assert ruggedness[0, 0] == ruggedness[3, 5] == 0.0


def test_voids_stay_voids() -> None:
    """No slope is invented next to a hole in the elevation model."""
    ground = np.zeros((9, 9), np.float32)
    ground[4, 4] = np.nan
    assert np.isnan(slope_deg(ground, 10.0)[3:6, 3:6]).all()
    assert np.isnan(terrain_ruggedness_m(ground)[3:6, 3:6]).all()
    assert np.isfinite(slope_deg(ground, 10.0)[0, 0])


def test_a_tile_that_is_void_has_no_terrain() -> None:
    """Whatever is known of the ground around it; with one cell it has some, and slopes nowhere near the void."""
    elevation = np.full((288, 288), 100.0, np.float32)
    elevation[16:-16, 16:-16] = np.nan
    assert terrain_of(elevation, 16) is None
    elevation[16:-16, 16:144] = 100.0
    ground = terrain_of(elevation, 16)
    assert ground is not None
    assert np.isfinite(ground.slope_deg[1:-1, :127]).all()
    assert np.isnan(ground.slope_deg[1:-1, 127:-1]).all()
    assert np.isnan(ground.tri_m[1:-1, 127:-1]).all()
