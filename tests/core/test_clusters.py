"""From changed pixels to outlined clusters."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from shapely import box, contains_xy
from shapely.affinity import rotate, translate

from monitor.core.canvas import canvases
from monitor.core.change import AlertSettings
from monitor.core.clusters import Ground, burn, clusters, grow, outline
from monitor.records import Cluster, Detector, Tile

SETTINGS = AlertSettings()
(CANVAS,) = canvases([Tile(epsg=32633, column=200, row=2000), Tile(epsg=32633, column=201, row=2000)])
STEEP = np.full(CANVAS.shape, 25.0, np.float32)
DOWN = np.broadcast_to(-10.0 * np.tan(np.radians(25.0)) * np.arange(CANVAS.shape[0])[:, None], CANVAS.shape)
"""Elevation of an even slope of 25° that falls to the south, m."""


def _find(change: np.ndarray, slope: np.ndarray = STEEP, elevation: np.ndarray = DOWN) -> list[Cluster]:
    mask = grow(change, slope, 0.35, 0.2, 10.0)
    spread = np.full(CANVAS.shape, 0.05, np.float32)
    ground = Ground(canvas=CANVAS, slope_deg=slope, elevation_m=elevation.astype(np.float32), spread=spread)
    return clusters(change, mask, Detector.NETWORK, ground, SETTINGS)


def test_a_patch_across_a_tile_border_is_one_cluster() -> None:
    """Area, strength and tiles of a patch that lies on two tiles."""
    change = np.zeros(CANVAS.shape, np.float32)
    change[100:110, 250:262] = 0.6
    (found,) = _find(change)
    assert found.area_ha == pytest.approx(1.2)
    assert found.strength == pytest.approx(1.2 * 0.6, rel=1e-5)
    assert [tile.column for tile in found.tiles] == [200, 201]
    assert found.geometry.area == pytest.approx(12_000.0)


def test_ground_above_one_height_that_changed_alike_is_one_cluster() -> None:
    """However far its pieces lie apart; what lies below, or mostly so, is a cluster by itself."""
    change = np.zeros(CANVAS.shape, np.float32)
    for row, column in ((10, 10), (60, 300), (90, 150), (120, 80), (200, 400)):
        change[row : row + 20, column : column + 20] = 0.6
    mask, spread = change > 0, np.zeros(CANVAS.shape, np.float32)
    above = np.arange(CANVAS.shape[0])[:, None] * np.ones(CANVAS.shape) < 125
    ground = Ground(canvas=CANVAS, slope_deg=STEEP, elevation_m=DOWN.astype(np.float32), spread=spread, alike=above)
    one, *others = clusters(change, mask, Detector.RADAR, ground, SETTINGS)
    assert [cluster.area_ha for cluster in (one, *others)] == pytest.approx([12.0, 4.0, 4.0])
    assert one.alike_from_m == pytest.approx(DOWN[109, 0])
    assert [cluster.alike_from_m for cluster in others] == [None, None]
    nowhere = replace(ground, alike=np.zeros(CANVAS.shape, bool))
    assert len(clusters(change, mask, Detector.RADAR, nowhere, SETTINGS)) == 5


def test_growth_to_the_low_threshold_needs_a_strong_seed() -> None:
    """Weak pixels count only beside a strong one."""
    change = np.zeros(CANVAS.shape, np.float32)
    change[20:30, 20:30] = 0.25
    change[120:130, 20:30] = 0.25
    change[125, 25] = 0.5
    (found,) = _find(change)
    assert found.area_ha == pytest.approx(1.0)
    assert found.geometry.centroid.y < CANVAS.transform.f - 1000


def test_change_seeds_on_slopes_and_runs_out_onto_flat_ground() -> None:
    """The fan below a slope belongs to it; the same change on the plain alone, or far out, does not."""
    slope = STEEP.copy()
    slope[:, 200:] = 1.0
    change = np.zeros(CANVAS.shape, np.float32)
    change[50:60, 190:230] = 0.6
    change[150:160, 300:340] = 0.6
    (found,) = _find(change, slope)
    assert found.area_ha == pytest.approx(1.0 + 1.0), "10 px on the slope and 100 m of runout"


@pytest.mark.parametrize(("on_slope", "on_flat", "expected"), [(2, 7, 0), (4, 6, 0), (6, 4, 1), (6, 10, 1)])
def test_a_field_whose_edge_is_steep_is_no_landslide(on_slope: int, on_flat: int, expected: int) -> None:
    """Less than half of it, or half a hectare, on a slope is too little; six tenths are enough, with a wide fan too."""
    slope = STEEP.copy()
    slope[:, 200:] = 1.0
    change = np.zeros(CANVAS.shape, np.float32)
    change[50:60, 200 - on_slope : 200 + on_flat] = 0.6
    assert len(_find(change, slope)) == expected


def test_a_field_does_not_hide_the_landslide_beside_it() -> None:
    """A bright field 100 m from a scar is left out, however much larger it is; the scar stays."""
    slope = STEEP.copy()
    slope[:, 204:] = 1.0
    change = np.zeros(CANVAS.shape, np.float32)
    change[50:62, 185:190] = 0.6
    change[45:70, 203:217] = 0.6
    (found,) = _find(change, slope)
    assert found.area_ha == pytest.approx(0.6)


def test_change_along_a_contour_is_no_landslide() -> None:
    """Three rows along the slope drop 9 m over 350 m: a road or a field's edge. The same ground downhill is found."""
    along, down = np.zeros(CANVAS.shape, np.float32), np.zeros(CANVAS.shape, np.float32)
    along[50:53, 100:135] = 0.6
    down[50:85, 100:103] = 0.6
    assert _find(along) == []
    assert len(_find(down)) == 1


def test_a_whole_range_of_failed_slopes_is_found() -> None:
    """Low ridges that failed all over drop little for their common size: 60 m over 2.5 by 4 km."""
    rows = np.arange(CANVAS.shape[0])[:, None]
    ridges = np.broadcast_to(np.abs(rows % 26 - 13) * 4.66, CANVAS.shape)
    change = np.zeros(CANVAS.shape, np.float32)
    change[2:-2, 60:-60] = 0.6
    (found,) = _find(change, elevation=ridges)
    assert found.area_ha == pytest.approx(252 * 392 * 0.01)


def test_level_ground_is_no_landslide_however_steep_it_is_said_to_be() -> None:
    """Without a drop, or without any elevation, nothing can have slid."""
    change = np.zeros(CANVAS.shape, np.float32)
    change[50:60, 50:60] = 0.6
    assert _find(change, elevation=np.zeros(CANVAS.shape)) == []
    assert _find(change, elevation=np.full(CANVAS.shape, np.nan)) == []


def test_pieces_within_the_join_distance_are_one_event() -> None:
    """140 m apart are one cluster, 200 m apart are two."""
    for gap_px, expected in [(14, 1), (20, 2)]:
        change = np.zeros(CANVAS.shape, np.float32)
        change[50:56, 50:56] = 0.6
        change[50:56, 56 + gap_px : 62 + gap_px] = 0.6
        assert len(_find(change)) == expected, gap_px


def test_specks_and_units_below_the_minimum_are_dropped() -> None:
    """Two bright pixels are a roof; nine pixels are under 0.1 ha."""
    change = np.zeros(CANVAS.shape, np.float32)
    change[50, 50:52] = 0.9
    change[150:153, 150:153] = 0.9
    assert _find(change) == []


def test_not_observed_pixels_never_belong_to_a_cluster() -> None:
    """NaN splits a patch, it does not join it."""
    change = np.zeros(CANVAS.shape, np.float32)
    change[50:60, 50:60] = 0.6
    change[50:60, 55] = np.nan
    (found,) = _find(change)
    assert found.area_ha == pytest.approx(0.9)


def test_outline_covers_the_pixels_and_burn_undoes_it() -> None:
    """Burning an outline gives the pixels it was drawn from, holes included."""
    member = np.zeros((40, 50), bool)
    member[5:30, 8:40] = True
    member[12:20, 15:25] = False
    member[33:36, 41:45] = True
    window = (slice(60, 100), slice(230, 280))
    burnt = burn(outline(member, window, CANVAS), CANVAS)
    np.testing.assert_array_equal(burnt[window], member)
    assert burnt.sum() == member.sum()


@pytest.mark.parametrize("seed", range(6))
def test_burn_takes_every_pixel_whose_centre_lies_inside(seed: int) -> None:
    """Of ragged outlines with holes, turned and partly beside the canvas, asked point by point."""
    rng = np.random.default_rng(seed)
    relief = ndimage.gaussian_filter(rng.normal(size=CANVAS.shape), rng.uniform(1.0, 4.0))
    member = relief > np.quantile(relief, 0.3)
    ground = outline(member, (slice(0, CANVAS.shape[0]), slice(0, CANVAS.shape[1])), CANVAS)
    turned = translate(rotate(ground, rng.uniform(5, 85)), *rng.uniform(-800, 800, 2))
    columns, rows = np.meshgrid(np.arange(CANVAS.shape[1]) + 0.5, np.arange(CANVAS.shape[0]) + 0.5)
    x, y = CANVAS.transform @ (columns, rows)
    np.testing.assert_array_equal(burn(turned, CANVAS), contains_xy(turned, x, y))


def test_burn_outside_the_canvas_is_empty() -> None:
    """A polygon elsewhere on the planet has no pixel here."""
    assert not burn(box(0, 0, 1000, 1000), CANVAS).any()
