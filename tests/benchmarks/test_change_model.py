"""The change model on the pair: two dates of a tile as one input."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.change_model import ChangeModel, open_change_model
from benchmarks.iburi import instruments, open_pair
from monitor.errors import BadModel
from monitor.records import Tile
from tests.adapters.tiny_model import make_model

BANDS = ("B04", "B03", "B02")
TILE = Tile(epsg=32654, column=224, row=1849)
PAIRED = {"mlm:input": [{"bands": [*BANDS, *(f"{band}:before" for band in BANDS)]}], "scarpwatch:channels": 6}


def _model(folder: Path) -> ChangeModel:
    """One 3x3 convolution over six bands, one flip."""
    changes = {**PAIRED, "scarpwatch:task": "change", "scarpwatch:flips": ["identity"]}
    return open_change_model(make_model(folder, changes, channels=6))


def test_a_model_of_one_date_is_refused(tmp_path: Path) -> None:
    """A scar model would read the earlier date as nonsense."""
    with pytest.raises(BadModel, match="task is scar with 3 bands"):
        open_change_model(make_model(tmp_path / "scar"))


def test_the_later_date_comes_first(tmp_path: Path) -> None:
    """The answer is the network's own arithmetic on the later date's bands, then the earlier one's."""
    model = _model(tmp_path / "change")
    tile = TILE
    now, before = (np.random.default_rng(seed).normal(0, 1, (3, 320, 320)).astype(np.float32) for seed in (1, 2))
    answer = model.compare({tile: now}, {tile: before})[tile]
    kernel = np.random.default_rng(7).normal(0, 0.3, (1, 6, 3, 3))[0]
    raw = sum(
        ndimage.correlate(band, weights, mode="constant")
        for band, weights in zip(np.concatenate([now, before]).astype(float), kernel, strict=True)
    )
    np.testing.assert_allclose(answer, (1 / (1 + np.exp(-raw)))[32:-32, 32:-32], atol=1e-4)


def test_a_tile_without_an_earlier_date_has_no_answer(tmp_path: Path) -> None:
    """A pair needs two dates."""
    tile = TILE
    assert _model(tmp_path / "change").compare({tile: np.zeros((3, 320, 320), np.float32)}, {}) == {}


def test_each_date_is_seen_as_the_service_sees_it(tmp_path: Path, data_folder: Path) -> None:
    """Half of the input is what a scar model of the same bands gets: three bands, with the rim of a window."""
    model = _model(tmp_path / "change")
    pair = open_pair(data_folder)
    tools = instruments(pair, make_model(tmp_path / "scar"), threads=1)
    tile = pair.tiles[len(pair.tiles) // 2]
    seen = model.see(pair.after, (tile,), tools)[tile]
    assert seen.shape == (3, 320, 320)
    assert np.isfinite(seen).all()
    assert abs(float(np.median(seen))) < 1, "relative to the ground around it"
    blind = replace(pair.after, items=())
    assert model.see(blind, (tile,), tools) == {}
