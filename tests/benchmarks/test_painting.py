"""Scars painted before anything looks at the pixels."""

from pathlib import Path

import numpy as np

from benchmarks.iburi import open_pair
from benchmarks.painting import BANDS, PaintedSource, near, scene_haze, scene_pixels
from monitor.adapters.imagery import RasterImageSource
from monitor.records import PixelState


def test_unpainted_pixels_give_the_masks_of_the_service(data_folder: Path) -> None:
    """A scene passed through without paint is what the service reads, state by state."""
    pair = open_pair(data_folder)
    source = RasterImageSource()
    tile = pair.tiles[len(pair.tiles) // 2]
    pixels = scene_pixels(pair.after, source, [tile])
    painted = PaintedSource(
        source=source, painted=pixels, changed=frozenset([tile]), dark=scene_haze(pair.after.items[0])
    )
    ours = painted.read(pair.after.items, BANDS, tile)
    theirs = source.read(pair.after.items, BANDS, tile)
    np.testing.assert_array_equal(ours.state, theirs.state)
    np.testing.assert_array_equal(ours.pixels.values, theirs.pixels.values)


def test_paint_that_looks_like_cloud_is_hidden(data_folder: Path) -> None:
    """White paint becomes cloud in the mask: an implant may honestly be lost."""
    pair = open_pair(data_folder)
    source = RasterImageSource()
    tile = pair.tiles[len(pair.tiles) // 2]
    pixels = scene_pixels(pair.after, source, [tile])
    pixels[tile] = pixels[tile].copy()
    pixels[tile][:, 100:120, 100:120] = 0.5
    painted = PaintedSource(
        source=source, painted=pixels, changed=frozenset([tile]), dark=scene_haze(pair.after.items[0])
    )
    state = painted.read(pair.after.items, BANDS, tile).state
    assert (state[100:120, 100:120] == PixelState.CLOUD).all()


def test_tiles_within_the_halo_of_paint_are_looked_at_again() -> None:
    """Paint touches its own tile and the neighbour whose window reaches it, no other."""
    pair_of_tiles = {name: (slice(0, 256), slice(256 * i, 256 * i + 256)) for i, name in enumerate(("a", "b", "c"))}
    paint = np.zeros((256, 768), bool)
    paint[100, 250] = True
    assert near(paint, pair_of_tiles, 32) == {"a", "b"}
    assert near(paint, pair_of_tiles, 4) == {"a"}
