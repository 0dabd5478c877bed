"""Level-1C scenes and the cloud detector s2cloudless: real pixels, and what happens where it is not installed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.adapters.cloudless import Cloudless, MissingExtraWarning
from monitor.adapters.imagery import RasterImageSource
from monitor.core.grid import neighbour
from monitor.core.masks import CLOUDLESS_BANDS
from monitor.records import Asset, PixelState, SceneItem
from tests.adapters.scene_files import NAMES, SIDE_PX, TILE, forest, scene, write_tif

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
SERIES = "slovenia_s2_series"
DATES = (2, 1, 4, 3, 0)
"""Where the five reference scenes stand among the 68 dates of the series: their NDVI is the same to the last digit."""
ROWS, COLUMNS = slice(68, 169), slice(68, 168)
"""Where the 101 x 100 pixels are put on the tile."""


def level_1c(folder: Path, pixels: NDArray[np.uint16]) -> SceneItem:
    """A scene of all bands but no SCL from DN (13, 320, 320); bands of 60 m have pixels of 60 m."""
    assets = {}
    for name, band in zip(BANDS, pixels, strict=True):
        assets[name] = Asset(href=write_tif(folder / f"{name}.tif", band), scale=1e-4, nodata=0.0)
    return scene(assets)


def even(folder: Path, value: int = 600) -> SceneItem:
    """A scene of one value."""
    return level_1c(folder, np.full((13, SIDE_PX, SIDE_PX), value, np.uint16))


class Detector:
    """Cloud is what is bright in the cirrus band; remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[NDArray[np.float32]] = []

    def get_cloud_probability_maps(self, data: NDArray[np.float32], **_: Any) -> NDArray[np.float32]:
        """(1, N, 1) of (1, N, 1, 10)."""
        self.seen.append(data)
        return (data[..., CLOUDLESS_BANDS.index("B10")] > 0.08).astype(np.float32)


def source_with(detector: Detector) -> RasterImageSource:
    """A source whose detector is this one."""
    return RasterImageSource(cloudless=Cloudless(load=lambda: detector))


@pytest.mark.parametrize("place", range(5))
def test_real_scenes(place: int, data_folder: Path, tmp_path: Path) -> None:
    """Five real Level-1C scenes: every cloud of the series' own mask is masked, and of the clear scenes nothing."""
    pytest.importorskip("s2cloudless", reason="the extra `clouds` is not installed")
    reference = np.load(data_folder / SERIES / "REFERENCE_SCENES.npy")[place]
    expected = np.load(data_folder / SERIES / "TestEOPatch" / "mask" / "CLM_S2C.npy")[DATES[place], ..., 0]
    pixels = np.zeros((13, SIDE_PX, SIDE_PX), np.uint16)
    pixels[:, 100:201, 100:200] = np.rint(np.moveaxis(reference, -1, 0) * 1e4)
    read = RasterImageSource().read([level_1c(tmp_path, pixels)], NAMES, TILE)
    assert read.mask_source == "s2cloudless"
    state = read.state[ROWS, COLUMNS]
    assert ((state == PixelState.CLOUD) == expected).mean() > 0.998
    assert (state[expected] == PixelState.CLOUD).all()
    assert (state != PixelState.NODATA).all()
    assert (read.state[:60] == PixelState.NODATA).all()
    assert read.pixels.values[0][ROWS, COLUMNS] == pytest.approx(np.rint(reference[..., 3] * 1e4) * 1e-4, abs=1e-6)


def test_probabilities_are_those_of_the_package(data_folder: Path) -> None:
    """On the real pixels they are the ones stored with the series, band order and all; NaN in one band is unknown."""
    pytest.importorskip("s2cloudless", reason="the extra `clouds` is not installed")
    scenes = np.load(data_folder / SERIES / "REFERENCE_SCENES.npy")
    stored = np.load(data_folder / SERIES / "TestEOPatch" / "data" / "CLP_S2C.npy")[..., 0]
    ten = [BANDS.index(name) for name in CLOUDLESS_BANDS]
    cloudless = Cloudless()
    for pixels, date in zip(scenes, DATES, strict=True):
        bands = np.moveaxis(pixels[..., ten], -1, 0).astype(np.float32)
        bands[7, 50, 50] = np.nan
        found = cloudless.probability(bands)
        assert np.isnan(found[50, 50])
        found[50, 50] = stored[date, 50, 50]
        np.testing.assert_allclose(found, stored[date], atol=1e-5)


def _not_installed() -> NoReturn:
    raise ModuleNotFoundError("No module named 's2cloudless'")


def _without_library() -> NoReturn:
    raise OSError("libgomp.so.1: cannot open shared object file")


@pytest.mark.parametrize("load", [_not_installed, _without_library])
def test_without_the_package_whiteness_decides(load: Callable[[], NoReturn], tmp_path: Path) -> None:
    """One word that names the extra, however many tiles and scenes; the tile is read as one without cloud mask."""
    told: list[str] = []
    source = RasterImageSource(cloudless=Cloudless(warn=told.append, load=load))
    item = even(tmp_path)
    for tile in (TILE, neighbour(TILE, 1, 0), TILE):
        assert source.read([item], NAMES, tile).mask_source == "bright-white"
    assert len(told) == 1
    assert "pip install 'scarpwatch[clouds]'" in told[0]
    with pytest.raises(ValueError, match="no s2cloudless"):
        Cloudless(warn=told.append, load=load).probability(np.zeros((10, 2, 2), np.float32))


def test_the_word_is_a_warning(tmp_path: Path) -> None:
    """Where nobody listens it is a Python warning, which the log shows."""
    source = RasterImageSource(cloudless=Cloudless(load=_not_installed))
    with pytest.warns(MissingExtraWarning, match=r"scarpwatch\[clouds\]"):
        source.read([even(tmp_path)], NAMES, TILE)


def test_nobody_is_told_where_it_is_not_needed(tmp_path: Path) -> None:
    """A scene with SCL, or with fewer bands, asks for no detector."""
    told: list[str] = []
    source = RasterImageSource(cloudless=Cloudless(warn=told.append, load=_not_installed))
    item = even(tmp_path)
    classes = Asset(href=write_tif(tmp_path / "scl.tif", np.full((160, 160), 4, np.uint8), resolution=20.0))
    assert source.read([replace(item, assets={**item.assets, "SCL": classes})], NAMES, TILE).mask_source == "scl"
    fewer = {name: asset for name, asset in item.assets.items() if name != "B10"}
    assert source.read([replace(item, assets=fewer)], NAMES, TILE).mask_source == "bright-white"
    assert told == []


def test_a_cloud_grows_over_the_border_of_a_tile(tmp_path: Path) -> None:
    """Both tiles have the whole of a cloud on their border and of its rim."""
    pixels = np.full((13, SIDE_PX, SIDE_PX), 600, np.uint16)
    pixels[BANDS.index("B10"), 100:140, 280:300] = 900  # the tile ends before column 288
    item, source = level_1c(tmp_path, pixels), source_with(Detector())
    states = [source.read([item], NAMES, tile).state for tile in (TILE, neighbour(TILE, 1, 0))]
    west, east = (state == PixelState.CLOUD for state in states)
    rows = slice(76, 100)
    assert west[rows, 242:].all()
    assert east[rows, :18].all()
    assert not west[:, :240].any()
    assert not east[:, 20:].any()


def test_the_detector_sees_reflectance_in_its_order(tmp_path: Path) -> None:
    """Scale and offset are applied, bands stand as it wants them, and what has no data in a band is not shown to it."""
    pixels = np.stack([np.full((SIDE_PX, SIDE_PX), 2000 + 100 * place, np.uint16) for place in range(13)])
    pixels[BANDS.index("B09"), 132:192, 132:192] = 0
    item = level_1c(tmp_path, pixels)
    assets = {name: replace(asset, offset=-0.1) for name, asset in item.assets.items()}
    detector = Detector()
    state = source_with(detector).read([replace(item, assets=assets)], NAMES, TILE).state
    (shown,) = detector.seen
    expected = [0.1 + 0.01 * BANDS.index(name) for name in CLOUDLESS_BANDS]
    np.testing.assert_allclose(shown[0, :, 0], np.broadcast_to(expected, shown.shape[1::2]), atol=1e-6)
    assert shown.shape[1] == 144 * 144 - 30 * 30
    assert (state[100:160, 100:160] == PixelState.NODATA).all()


def test_snow_is_not_clear_ground(tmp_path: Path) -> None:
    """The detector knows clouds only: what is bright in green and dark in short-wave infrared is snow, with its rim."""
    pixels = np.full((13, SIDE_PX, SIDE_PX), 600, np.uint16)
    pixels[:9, 132:192, 132:192] = 6000
    state = source_with(Detector()).read([level_1c(tmp_path, pixels)], NAMES, TILE).state
    assert (state[100:160, 100:160] == PixelState.SNOW).all()
    # 30 x 30 cells of 20 m, three more on each side, and four at each corner.
    assert (state == PixelState.SNOW).sum() == 4 * (30 * 30 + 4 * 3 * 30 + 4 * 4)


def test_beside_a_scene_with_classes_the_lesser_mask_is_named(tmp_path: Path) -> None:
    """A tile that shows two scenes is as sure as the less sure one."""
    (tmp_path / "a").mkdir()
    classes = Asset(href=write_tif(tmp_path / "scl.tif", np.full((160, 160), 4, np.uint8), resolution=20.0))
    classified = scene({**forest(tmp_path), "SCL": classes}, "b")
    raw = replace(even(tmp_path / "a"), id="a")
    source = source_with(Detector())
    assert source.read([raw, classified], NAMES, TILE).mask_source == "s2cloudless"
    assert source.read([raw, scene(forest(tmp_path), "c"), classified], NAMES, TILE).mask_source == "bright-white"
