"""Why nothing was observed of a tile."""

from typing import cast

import numpy as np
import pytest

from monitor.looking import Instruments
from monitor.observing import unseen
from monitor.ports import ImageSource, TerrainSource
from monitor.records import PixelState
from monitor.view import TilePixels
from tests.adapters.store.factories import TILE, acquisition

_STATE = {
    "s": PixelState.SNOW,
    "c": PixelState.CLOUD,
    "h": PixelState.SHADOW,
    "w": PixelState.WATER,
    ".": PixelState.NODATA,
}


@pytest.mark.parametrize(
    ("tenths", "decision"),
    [
        ("ssssssssss", "snow"),
        ("sssssssssc", "snow"),
        ("sssssssscc", "snow-in-part"),
        ("sssssss...", "snow-in-part"),
        ("s.........", "snow-in-part"),
        ("ssscchhhh.", "clouded"),
        ("sswwwwwwcc", "water"),
        ("..........", "outside"),
    ],
)
def test_what_hides_a_tile(tenths: str, decision: str) -> None:
    """The one that hides most; snow alone only where hardly anything else is in sight or out of it."""
    state = np.repeat(np.array([_STATE[one] for one in tenths], np.uint8), 26)[:256]
    pixels = TilePixels(
        bands=np.full((3, 256, 256), np.nan, np.float32),
        state=np.ascontiguousarray(np.broadcast_to(state, (256, 256))),
        mask_source="scl",
    )
    nothing = Instruments(network=None, images=cast(ImageSource, None), terrain=cast(TerrainSource, None))
    row = unseen(acquisition(1), pixels, TILE, nothing)
    assert (row.decision, row.look_href, row.stats.valid_fraction) == (decision, None, 0.0)
