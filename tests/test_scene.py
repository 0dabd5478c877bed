"""What is compared on a part of a scene is what the whole scene would say there."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import ndimage

from monitor.core.change import AlertSettings
from monitor.core.grid import neighbour
from monitor.records import Detector, Look, PixelState, Sensor, Terrain, Tile
from monitor.scene import Measuring, change_layers, compare, references, scenes

FIRST = Tile(epsg=32633, column=200, row=2000)
TILES = tuple(neighbour(FIRST, columns, down) for columns in range(4) for down in range(3))
KNOWN = (neighbour(FIRST, 0, 1), neighbour(FIRST, 1, 1))
"""Tiles with a past: at the western edge, and with tiles all around."""
NOW = datetime(2024, 6, 1, tzinfo=UTC)


def ground(tile: Tile) -> Terrain:
    """Hills without a seam between tiles."""
    rows = np.arange(256)[:, None] - tile.row * 256
    columns = np.arange(256)[None, :] + tile.column * 256
    height = (1000 + 200 * np.sin(rows / 40.0) * np.cos(columns / 30.0)).astype(np.float32)
    slope = np.full((256, 256), 25.0, np.float32)
    return Terrain(elevation_m=height, slope_deg=slope, tri_m=slope)


def look(tile: Tile, sensor: Sensor, days_ago: int, native_px: int) -> Look:
    """Noise in pixels of a size, a landslide's worth of change in the newest."""
    rng = np.random.default_rng([tile.column, tile.row, days_ago])
    small = rng.gamma(20.0, 1 / 20.0, (2 if sensor is Sensor.SAR else 3, 256, 256))
    pixels = 0.1 * ndimage.uniform_filter(small, (0, native_px, native_px), mode="wrap").astype(np.float32)
    if days_ago == 0:
        pixels[:, 100:140, 100:130] *= 3
    state = np.full((256, 256), PixelState.VALID, np.uint8)
    state[:5, :9] = PixelState.CLOUD
    return Look(
        tile=tile,
        acquisition_id=f"pass-{days_ago}_v1",
        sensing_time=NOW - timedelta(days=days_ago),
        sensor=sensor,
        probability=rng.random((256, 256), np.float32),
        spread=np.zeros((256, 256), np.float32),
        pixels=pixels,
        state=state,
    )


@pytest.mark.parametrize(
    ("sensor", "native_m", "detectors"),
    [
        (Sensor.OPTICAL, 10.0, {Detector.NETWORK, Detector.BASELINE}),
        (Sensor.SAR, 10.0, {Detector.NETWORK, Detector.RADAR}),
        (Sensor.SAR, 22.0, {Detector.NETWORK, Detector.RADAR}),
    ],
)
def test_a_part_is_compared_as_in_the_whole(sensor: Sensor, native_m: float, detectors: set[Detector]) -> None:
    """Events far apart need not look at all the ground between them."""
    settings, native_px = AlertSettings(), round(native_m / 10.0)
    measuring = Measuring(sensor=sensor, polarisations=("vv", "vh") if sensor is Sensor.SAR else (), native_m=native_m)
    now = {tile: look(tile, sensor, 0, native_px) for tile in TILES}
    past = references(
        {tile: [look(tile, sensor, 12 * ago, native_px) for ago in range(1, 7)] for tile in KNOWN}, settings
    )
    (scene,) = scenes(now, {tile: ground(tile) for tile in TILES}, settings, measuring)
    part = scene.part(KNOWN)
    assert part.canvas.shape == (3 * 256, 3 * 256)
    whole, there = change_layers(scene, past), change_layers(part, past)
    assert set(whole) == set(there) == detectors
    for detector, layer in whole.items():
        place = scene.canvas.place(part.canvas)
        np.testing.assert_allclose(there[detector].change, layer.change[place], atol=1e-5)
        assert np.isfinite(there[detector].change).sum() > 100_000
        assert (there[detector].shift, there[detector].noise) == pytest.approx((layer.shift, layer.noise), abs=1e-5)


def test_ground_that_stayed_as_it_was_starts_no_cluster_in_a_scene_that_darkened() -> None:
    """All around lost half of its light and one plot did not: it has not brightened, beside it soil has."""
    settings, tile = AlertSettings(), FIRST
    before = [look(tile, Sensor.OPTICAL, 5 * ago, 1) for ago in range(1, 4)]
    dark = look(tile, Sensor.OPTICAL, 1, 1)
    for one in (*before, dark):
        one.pixels[:] = 0.1 + 0.1 * (one.pixels - 0.1)
    dark.pixels[:] *= 0.5
    plot, soil = (slice(40, 60), slice(40, 60)), (slice(100, 120), slice(100, 120))
    dark.pixels[:, *plot] *= 2.0
    dark.pixels[:, *soil] = np.array([0.25, 0.18, 0.12], np.float32)[:, None, None]
    (scene,) = scenes({tile: dark}, {tile: ground(tile)}, settings)
    found = compare(scene, references({tile: before}, settings), settings)
    layer, mask = found.layers[Detector.BASELINE], found.masks[Detector.BASELINE]
    assert np.nanmedian(layer.change[plot]) > settings.baseline_high
    assert not mask[plot].any()
    assert mask[soil].all()
