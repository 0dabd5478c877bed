"""Scene classes of every awkward kind, and pixels that are no observation."""

from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer

from monitor.adapters.catalog.items import optical_kind, scene_item
from monitor.adapters.imagery import RasterImageSource
from monitor.core.grid import tile_geobox
from monitor.records import Asset, Bands, PixelState, SceneItem
from tests.adapters.scene_files import NAMES, SIDE_PX, TILE, forest, scene, write_tif

CLOUD, SHADOW, WATER, SNOW, FOREST = 9, 3, 6, 11, 4


def read(folder: Path, classes: str) -> Bands:
    """A forest with these scene classes."""
    return RasterImageSource().read([scene({**forest(folder), "SCL": Asset(href=classes)})], NAMES, TILE)


@pytest.mark.parametrize("resolution", [10.0, 20.0, 60.0])
def test_classes_of_any_resolution_lie_on_the_same_ground(resolution: float, tmp_path: Path) -> None:
    """A cloud and a shadow of 240 m are where they are at 10, 20 and 60 m, and grow by 60 and 40 m."""
    size = int(3240 / resolution)
    classes = np.full((size, size), FOREST, np.uint8)
    for scene_class, first in ((CLOUD, 600), (SHADOW, 1800)):
        start, stop = int(first / resolution), int((first + 240) / resolution)
        classes[start:stop, start:stop] = scene_class
    state = read(tmp_path, write_tif(tmp_path / "scl.tif", classes, resolution=resolution)).state
    middle = {CLOUD: 28 + 12, SHADOW: 148 + 12}
    row = state[middle[CLOUD]]
    assert np.flatnonzero(row == PixelState.CLOUD).tolist() == list(range(28 - 6, 52 + 6))
    row = state[middle[SHADOW]]
    assert np.flatnonzero(row == PixelState.SHADOW).tolist() == list(range(148 - 4, 172 + 4))


def test_classes_of_another_zone(tmp_path: Path) -> None:
    """SCL that lies in the neighbouring zone is warped: the half that is cloud there is cloud here."""
    west, south, east, north = tile_geobox(TILE, 80).boundingbox.bbox
    to_zone = Transformer.from_crs("EPSG:32633", "EPSG:32632", always_xy=True)
    x, y = to_zone.transform((west + east) / 2, (south + north) / 2)
    classes = np.full((300, 300), FOREST, np.uint8)
    classes[:, :150] = CLOUD
    path = write_tif(tmp_path / "scl.tif", classes, resolution=20.0, crs="EPSG:32632", corner=(x - 3000.0, y + 3000.0))
    state = read(tmp_path, path).state
    assert (state[128, :120] == PixelState.CLOUD).all()
    assert (state[128, 142:] == PixelState.VALID).all()
    # North of the two zones differs by 4.3 degrees: the edge of the cloud leans by 19 px over the tile.
    edges = [int((state[line] == PixelState.CLOUD).sum()) for line in (0, 255)]
    assert 14 < abs(edges[0] - edges[1]) < 24


def test_classes_shifted_by_half_a_pixel(tmp_path: Path) -> None:
    """On a grid of its own the nearest class counts; none is mixed."""
    classes = np.full((160, 160), FOREST, np.uint8)
    classes[:80] = WATER
    state = read(tmp_path, write_tif(tmp_path / "scl.tif", classes, resolution=20.0, shift_px=0.5)).state
    assert set(np.unique(state).tolist()) == {PixelState.VALID, PixelState.WATER}
    assert 127 <= int((state[:, 100] == PixelState.WATER).sum()) <= 129


def test_classes_that_are_wholly_nodata_hide_what_lies_below(tmp_path: Path) -> None:
    """Pixels without a class may be cloud: they are no observation, and colour does not make them one."""
    bands = read(tmp_path, write_tif(tmp_path / "scl.tif", np.zeros((160, 160), np.uint8), resolution=20.0))
    assert (bands.state == PixelState.NODATA).all()
    assert bands.mask_source == "scl"


def test_ground_beyond_the_classes_is_no_observation(tmp_path: Path) -> None:
    """SCL that covers half of the tile says nothing of the other half."""
    classes = np.full((160, 80), FOREST, np.uint8)
    state = read(tmp_path, write_tif(tmp_path / "scl.tif", classes, resolution=20.0)).state
    assert (state[:, :128] == PixelState.VALID).all()
    assert (state[:, 128:] == PixelState.NODATA).all()


def test_without_classes_whiteness_decides(tmp_path: Path) -> None:
    """The bands are there and SCL is not: white ground is hidden, and the mask is named."""
    assets = forest(tmp_path)
    for name in NAMES:
        pixels = np.full((SIDE_PX, SIDE_PX), 600, np.uint16)
        pixels[132:192, 132:192] = 5000
        assets[name] = Asset(href=write_tif(tmp_path / f"white-{name}.tif", pixels), scale=1e-4)
    bands = RasterImageSource().read([scene(assets)], NAMES, TILE)
    assert bands.mask_source == "bright-white"
    assert (bands.state[100:160, 100:160] == PixelState.CLOUD).all()
    assert bands.state[20, 20] == PixelState.VALID


@pytest.mark.parametrize("band", NAMES)
def test_zero_inside_the_scene_is_no_observation_in_any_band(band: str, tmp_path: Path) -> None:
    """A hole of DN 0 in one band is one in all of them, though SCL says forest; beside it nothing is dimmed by it."""
    assets = forest(tmp_path)
    pixels = np.full((SIDE_PX, SIDE_PX), 600, np.uint16)
    pixels[132:136, 132:136] = 0
    assets[band] = Asset(href=write_tif(tmp_path / "holed.tif", pixels), scale=1e-4, offset=0.0)
    classes = write_tif(tmp_path / "scl.tif", np.full((160, 160), FOREST, np.uint8), resolution=20.0)
    bands = RasterImageSource().read([scene({**assets, "SCL": Asset(href=classes)})], NAMES, TILE)
    hole = np.zeros((256, 256), bool)
    hole[100:104, 100:104] = True
    assert ((bands.state == PixelState.NODATA) == hole).all()
    assert (np.isnan(bands.pixels.values) == hole).all()
    np.testing.assert_allclose(bands.pixels.values[:, ~hole], 0.06, atol=1e-6)


@pytest.mark.parametrize("shift_px", [0.5, 0.0])
def test_zero_is_nodata_also_between_pixels_and_under_an_offset(shift_px: float, tmp_path: Path) -> None:
    """DN 0 is not reflectance -0.1, and does not darken what is interpolated beside it."""
    pixels = np.full((SIDE_PX, SIDE_PX), 1600, np.uint16)
    pixels[:, :160] = 0
    href = write_tif(tmp_path / "edge.tif", pixels, shift_px=shift_px)
    assets = {name: Asset(href=href, scale=1e-4, offset=-0.1) for name in NAMES}
    seen = RasterImageSource().read([scene(assets)], NAMES, TILE).pixels.values
    np.testing.assert_allclose(seen[np.isfinite(seen)], 0.06, atol=1e-6)
    assert np.isnan(seen[:, :, :127]).all()
    assert np.isfinite(seen[:, :, 130:]).all()


def listed(folder: Path, name: str, baseline: str, value: int, columns: slice) -> SceneItem:
    """An item as a catalog lists it: DN on some columns, 0 elsewhere, and the baseline they were made with."""
    pixels = np.zeros((SIDE_PX, SIDE_PX), np.uint16)
    pixels[:, columns] = value
    hrefs = {band: {"href": write_tif(folder / f"{name}-{band}.tif", pixels)} for band in NAMES}
    outline = [[[14.9, 46.1], [15.2, 46.1], [15.2, 46.3], [14.9, 46.3], [14.9, 46.1]]]
    document = {
        "type": "Feature",
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": outline},
        "properties": {"datetime": "2022-01-25T10:00:31Z", "s2:processing_baseline": baseline},
        "assets": hrefs,
    }
    found = scene_item(document, catalog="here", collection="any", href="/item.json", kind=optical_kind(()))
    assert isinstance(found, SceneItem)
    return found


def test_two_baselines_of_one_day_each_with_its_own_offset(tmp_path: Path) -> None:
    """The same ground in two granules, one of them reprocessed with 1000 DN more, has no seam."""
    old = listed(tmp_path, "old", "03.01", 600, slice(0, 160))
    new = listed(tmp_path, "new", "05.11", 1600, slice(160, None))
    for items in ([old, new], [new, old]):
        bands = RasterImageSource().read(items, NAMES, TILE)
        assert (bands.state == PixelState.VALID).all()
        np.testing.assert_allclose(bands.pixels.values, 0.06, atol=1e-6)
