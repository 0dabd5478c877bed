"""Mosaics hold every observed pixel, or the disk was full."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from monitor.adapters.mosaic import LAYERS, grid_of, write_cog
from monitor.core.grid import neighbour, tile_from_id
from tests.adapters.small_disk import run_on_small_disk

TILE = tile_from_id("UTM54N-0150-1842")


def test_a_grid_is_the_smallest_rectangle_of_whole_tiles() -> None:
    """Three tiles in an L span two by three."""
    grid = grid_of([TILE, neighbour(TILE, 1, 0), neighbour(TILE, 0, 2)])

    assert (grid.columns, grid.rows, grid.shape) == (2, 3, (768, 512))
    assert (grid.transform.c, grid.transform.f) == (150 * 2560, 1843 * 2560)


def test_a_grid_has_one_zone() -> None:
    """Tiles of two zones, or none at all, have no common grid."""
    with pytest.raises(ValueError, match="exactly one zone"):
        grid_of([TILE, tile_from_id("UTM55N-0150-1842")])
    with pytest.raises(ValueError, match="exactly one zone"):
        grid_of([])


def test_a_mosaic_without_observation_has_no_statistics(tmp_path: Path) -> None:
    """All nodata is a valid product: it says that nothing was seen."""
    unseen = {TILE: np.full((256, 256), np.nan, dtype=np.float32)}

    assert write_cog(tmp_path / "p.tif", LAYERS["probability"], unseen, grid_of(unseen)) is None
    with rasterio.open(tmp_path / "p.tif") as dataset:
        assert not dataset.read_masks(1).any()
    assert [path.name for path in tmp_path.iterdir()] == ["p.tif"]


def test_at_every_size_of_disk_a_mosaic_is_whole_or_refused(tmp_path: Path) -> None:
    """From no room to plenty, in small steps: never a file that lost observed ground without an error."""
    printed = run_on_small_disk(
        tmp_path / "disk",
        1200,
        """
        import shutil
        import numpy as np, rasterio
        from monitor.adapters.mosaic import LAYERS, grid_of, write_cog
        from monitor.core.grid import neighbour, tile_from_id
        from monitor.errors import DiskFull

        noise = np.random.default_rng(0).random((256, 256), dtype=np.float32)
        tiles = {neighbour(tile_from_id("UTM54N-0150-1842"), c, r): noise for c in range(2) for r in range(2)}
        (disk / "p").mkdir()
        whole = full = 0
        for room_kb in range(8, 1000, 24):
            filler = disk / "filler"
            filler.write_bytes(b"x" * (shutil.disk_usage(disk).free - room_kb * 1024))
            try:
                write_cog(disk / "p/x.tif", LAYERS["probability"], tiles, grid_of(tiles))
            except DiskFull:
                full += 1
            else:
                whole += 1
                with rasterio.open(disk / "p/x.tif") as dataset:
                    assert dataset.read_masks(1).all(), room_kb
            for path in (disk / "p").iterdir():
                assert path.name == "x.tif", path
                path.unlink()
            filler.unlink()
        print(whole, full)
        """,
    )

    whole, full = map(int, printed.split())
    assert whole > 3
    assert full > 3
