"""Ground around a tile, put together from maps that may differ."""

import numpy as np

from monitor.core.canvas import with_halo
from monitor.core.grid import neighbour, tile_from_id
from monitor.core.ground_layers import land_cover_around
from monitor.core.land_cover import CLASSES, LandCover, Scheme, one_hot
from monitor.records import Tile
from tests.test_pairing import card

TILE = tile_from_id("UTM54N-0160-1850")


def test_neighbours_may_have_maps_of_other_legends() -> None:
    """Every pixel gets its own map's class in the model's words; ground without a map gets none."""
    target = Scheme.IO_LULC
    rng = np.random.default_rng(4)
    maps: dict[Tile, LandCover] = {}
    for number, (columns, down) in enumerate([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)]):
        scheme = tuple(Scheme)[number % 3]
        classes = rng.choice([0, *CLASSES[scheme]], (256, 256)).astype(np.uint8)
        maps[neighbour(TILE, columns, down)] = LandCover(scheme=scheme, classes=classes)
    nothing = np.zeros((len(CLASSES[target]), 256, 256), dtype=np.float32)
    expected = with_halo(
        TILE, 16, lambda near: one_hot(maps[near], target) if near in maps else nothing, np.float32(0.0)
    )

    found = land_cover_around(TILE, 16, card([f"land_cover:{target.value}"]), maps.get)

    assert found is not None
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
