"""Scars laid over bands as they are read."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.core.grid import TILE_PX
from monitor.core.implants import scar_at
from monitor.core.paint import FRESH, SOIL, Brush, Patch, Surroundings, optical_patch, radar_patch

EPSG = 32654
SIDE = 2560.0
Array = NDArray[np.float32]


def patch(row: int, column: int, size: int = 6) -> Patch:
    """A square of weight 1 that shows 0.5 in one band."""
    whole = np.ones((size, size), np.float32)
    return Patch(epsg=EPSG, row=row, column=column, weight=whole, shows={"B04": 0.5 * whole})


def around(pixels: Array) -> Surroundings:
    """A tile whose ground falls to the south by 25 degrees."""
    rows = np.arange(TILE_PX, dtype=np.float32)[:, None] * np.ones((1, TILE_PX), np.float32)
    return Surroundings(
        epsg=EPSG,
        row=-TILE_PX,
        column=0,
        pixels=pixels,
        seen=np.asarray(np.isfinite(pixels).all(axis=0), dtype=np.bool_),
        elevation_m=(1000.0 - 4.66 * rows).astype(np.float32),
        slope_deg=np.full((TILE_PX, TILE_PX), 25.0, np.float32),
    )


def test_a_patch_across_a_border_is_whole_on_both_sides() -> None:
    """Two tiles painted apart are one tile of twice the width, cut in two."""
    brush = Brush(patches=(patch(-250, 253),))
    bare = np.zeros((TILE_PX, TILE_PX), np.float32)
    west = brush.over("B04", bare, EPSG, 0.0, SIDE, 10.0)
    east = brush.over("B04", bare, EPSG, SIDE, SIDE, 10.0)
    both = brush.over("B04", np.zeros((TILE_PX, 2 * TILE_PX), np.float32), EPSG, 0.0, SIDE, 10.0)
    np.testing.assert_array_equal(np.hstack([west, east]), both)
    assert both.sum() == 18.0
    assert both[6:12, 253:259].min() == 0.5


def test_coarse_bands_show_the_mean() -> None:
    """On cells of 20 m a scar weighs what it covers of them."""
    brush = Brush(patches=(patch(-TILE_PX + 1, 1, size=3),))
    painted = brush.over("B04", np.ones((TILE_PX // 2, TILE_PX // 2), np.float32), EPSG, 0.0, SIDE, 20.0)
    expected = np.array([[0.875, 0.75], [0.75, 0.5]])
    np.testing.assert_allclose(painted[:2, :2], expected)
    assert painted[2:].min() == painted[:, 2:].min() == 1.0


@pytest.mark.parametrize(
    ("band", "epsg", "west_m"), [("B03", EPSG, 0.0), ("B04", EPSG + 1, 0.0), ("B04", EPSG, 2 * SIDE)]
)
def test_what_has_no_scar_is_left_alone(band: str, epsg: int, west_m: float) -> None:
    """Another band, another zone, another tile: the pixels themselves come back."""
    pixels = np.zeros((TILE_PX, TILE_PX), np.float32)
    assert Brush(patches=(patch(-10, 10),)).over(band, pixels, epsg, west_m, SIDE, 10.0) is pixels


def test_no_data_stays_no_data() -> None:
    """A scar does not fill a gap of the swath."""
    pixels = np.full((TILE_PX, TILE_PX), np.nan, np.float32)
    brush = Brush(patches=(patch(-TILE_PX, 0, size=20),))
    assert np.isnan(brush.over("B04", pixels, EPSG, 0.0, SIDE, 10.0)).all()


def test_optics_show_soil_under_haze_in_the_light_of_the_slope() -> None:
    """Every band of a Sentinel-2 network is painted; on evenly lit ground it shows haze and soil."""
    ground = np.full((3, TILE_PX, TILE_PX), 0.05, np.float32)
    ground[:, :60] = 0.02  # the darkest of the scene is its haze
    scar = scar_at(120, 128, 0.5, around(ground).elevation_m)
    made = optical_patch(scar, around(ground), 15.0)
    assert made.shows.keys() == SOIL.keys()
    assert made.weight.max() == pytest.approx(1.0, abs=0.02)
    inside = made.weight > 0.9
    assert made.shows["B04"][inside] == pytest.approx(0.02 + SOIL["B04"], abs=0.01)
    assert made.shows["B11"][inside] == pytest.approx(SOIL["B11"], abs=0.02)
    painted = Brush(patches=(made,)).over("B04", ground[0], EPSG, 0.0, SIDE, 10.0)
    changed = (painted - ground[0]) / (0.02 + SOIL["B04"] - 0.05)
    assert changed.sum() * 0.01 == pytest.approx(0.5, rel=0.03), "hectares"


@pytest.mark.parametrize(("native_m", "step"), [(10.0, 1), (30.0, 3)])
def test_radar_is_painted_on_its_own_pixels(native_m: float, step: int) -> None:
    """The echo falls by the contrast on average, speckles, and is repeated as the source repeats it."""
    generator = np.random.default_rng(5)
    native = generator.gamma(9.0, 0.1 / 9.0, (2, 90, 90)).astype(np.float32)
    power = native.repeat(step, 1).repeat(step, 2)[:, :TILE_PX, :TILE_PX]
    whole = np.full((2, TILE_PX, TILE_PX), np.nan, np.float32)
    whole[:, : power.shape[1], : power.shape[2]] = power
    scar = scar_at(20, 40, 5.0, around(whole).elevation_m)
    made = radar_patch(scar, around(whole), ("vv", "vh"), native_m, FRESH, generator)
    inside = made.weight > 0.9
    for place, band in enumerate(("vv", "vh")):
        fell = 10.0 * np.log10(made.shows[band][inside].mean() / 0.1)
        assert fell == pytest.approx(FRESH.decibels[place], abs=1.0)
        assert made.shows[band][inside].std() > 0.15 * made.shows[band][inside].mean()
    painted = Brush(patches=(made,)).over("vv", whole[0], EPSG, 0.0, SIDE, 10.0)
    if step > 1:
        blocks = painted[: 85 * step, : 85 * step].reshape(85, step, 85, step)
        known = blocks[:60]
        assert np.ptp(known, axis=(1, 3)).max() == 0.0
