"""No real pass at hand is taken for a fault, and every one of them is when it is moved by 30 m."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import iburi
from benchmarks.california import NATIVE_M, open_bursts, widen
from monitor.adapters.imagery import RasterImageSource
from monitor.core.faults import (
    SHIFT_PX,
    misregistered,
    not_linear_power,
    optical_matching,
    radar_limit_px,
    radar_matching,
)
from monitor.core.gaps import CELL_PX, Cells, empty_cells, filled_blocks
from monitor.core.grid import pixels_within
from monitor.core.radar import LEAST_PASSES, build_backscatter_reference
from monitor.core.registration import agreed_shift, patch_shifts
from monitor.records import PixelState


@pytest.mark.parametrize("name", ["T137-292319-IW2", "T137-292321-IW2", "T137-292323-IW2"])
def test_real_passes_are_no_fault_and_moved_ones_are(data_folder: Path, name: str) -> None:
    """Wet soil of several dB, storms, gaps of a year, two satellites: 18 passes with enough earlier ones."""
    burst = next(one for one in open_bursts(data_folder) if one.name == name)
    how, limit_px = radar_matching(NATIVE_M), radar_limit_px(NATIVE_M)
    verdicts = []
    for index in range(LEAST_PASSES, len(burst.times)):
        earlier = [when.timestamp() for when in burst.times[:index]]
        reference = build_backscatter_reference(burst.power[:index], earlier)
        assert reference is not None
        assert not_linear_power(burst.power[index]) is None
        before = (10.0 * np.log10(widen(reference.mean))).mean(axis=0)
        for moved in (0, 1):
            now = (10.0 * np.log10(widen(np.roll(burst.power[index], moved, axis=1)))).mean(axis=0)
            found = agreed_shift([patch_shifts(now, before, how)], how)
            verdicts.append((moved, misregistered(found, limit_px) is not None))
    assert len(verdicts) == 2 * 18
    assert all(fault == bool(moved) for moved, fault in verdicts), verdicts


def test_a_real_swath_edge_is_no_zero_fill_and_a_moved_pair_is_found(data_folder: Path) -> None:
    """Hokkaido 2018: two fifths of one scene lie beyond its swath inside a box-like footprint, half a year and
    thousands of landslides lie between the two; as they are they are no fault, moved by 30 m they are."""
    pair, source = iburi.open_pair(data_folder), RasterImageSource()
    clear = []
    for acquisition in (pair.before, pair.after):
        read = {tile: source.read(acquisition.items, ("B04", "B03", "B02"), tile) for tile in pair.tiles}
        state = pair.canvas.lay({tile: one.state for tile, one in read.items()}, np.uint8(PixelState.NODATA))
        bands = [{tile: one.pixels.values[band] for tile, one in read.items()} for band in range(3)]
        pixels = np.stack([pair.canvas.lay(band, np.float32(np.nan)) for band in bands])
        inside = {tile: pixels_within(acquisition.items[0].geometry, tile) for tile in pair.tiles}
        covered = pair.canvas.lay(inside, np.bool_(False))[CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX]
        missing = empty_cells(pixels, state)
        cells = Cells(covered=covered, missing=missing, seen_before=np.zeros_like(covered))
        assert filled_blocks(cells) is None
        clear.append(np.where(state == PixelState.VALID, pixels.mean(axis=0), np.float32(np.nan)))
        if acquisition is pair.before:
            assert (missing & covered).sum() > 0.35 * covered.sum()
    how = optical_matching(len(pair.tiles))
    tiles = [pair.canvas.window(tile) for tile in pair.tiles]
    for moved in (0, -3, 3):
        now = np.roll(clear[1], moved, axis=0)
        found = agreed_shift([patch_shifts(now[tile], clear[0][tile], how) for tile in tiles], how)
        assert (misregistered(found, SHIFT_PX) is not None) == bool(moved), found
