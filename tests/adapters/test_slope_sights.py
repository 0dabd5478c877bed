"""Slopes that radar never sees, on disk."""

from pathlib import Path

import numpy as np

from monitor.adapters.slope_sights import SlopeSightFiles
from monitor.adapters.static_files import StaticFiles, StaticLayer
from monitor.records import Tile

TILE = Tile(epsg=32633, column=200, row=2000)
UP, DOWN = "R046-ascending", "R053-descending"


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    """By track, beside other static layers, also to another process; none of it in a folder that is not there."""
    assert SlopeSightFiles(tmp_path / "nowhere").read(TILE) == {}
    found = np.random.default_rng(1).integers(0, 3, (256, 256)).astype(np.uint8)
    kept = SlopeSightFiles(tmp_path)
    StaticFiles(tmp_path).write(StaticLayer.TERRAIN, TILE, "dem", np.zeros((288, 288), np.float32))
    for track, sights in ((UP, found), (DOWN, 2 - found)):
        assert not kept.known(TILE, track, "key")
        kept.write(TILE, track, "key", sights)
    again = SlopeSightFiles(tmp_path)
    assert again.known(TILE, UP, "key")
    assert not again.known(TILE, UP, "another elevation model")
    read = again.read(TILE)
    assert list(read) == [UP, DOWN]
    np.testing.assert_array_equal(read[UP], found)
    np.testing.assert_array_equal(read[DOWN], 2 - found)


def test_a_file_that_is_gone_is_made_again(tmp_path: Path) -> None:
    """Also by the process that has known it."""
    kept = SlopeSightFiles(tmp_path)
    kept.write(TILE, UP, "key", np.ones((256, 256), np.uint8))
    assert kept.known(TILE, UP, "key")
    (file,) = tmp_path.rglob("*.tif")
    file.unlink()
    assert not kept.known(TILE, UP, "key")
    kept.write(TILE, UP, "key", np.ones((256, 256), np.uint8))
    assert kept.known(TILE, UP, "key")


def test_a_broken_file_is_made_again(tmp_path: Path) -> None:
    """It is not known, and not read."""
    kept = SlopeSightFiles(tmp_path)
    kept.write(TILE, UP, "key", np.ones((256, 256), np.uint8))
    (file,) = tmp_path.rglob("*.tif")
    file.write_bytes(file.read_bytes()[:200])
    assert not kept.known(TILE, UP, "key")
    assert kept.read(TILE) == {}
