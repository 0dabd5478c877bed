"""A valley seen in ten bands: the visible ones are as they were, and the further ones can be told, listed and read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage
from shapely import box

from monitor.adapters.catalog.static import StaticCatalog
from monitor.adapters.engine import open_engine
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.model_store import load_card
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.core.acquisitions import group
from monitor.core.features import PER_INPUT
from monitor.core.grid import project, region_tiles, tile_geobox, tile_polygon
from monitor.inputs import Input, Method
from monitor.looking import Instruments, Looker, Network, Stopwatch, surroundings
from monitor.records import Acquisition, Sensor, Tile
from monitor.sandbox.clouds import SceneClass
from monitor.sandbox.frame import EPSG, place_frame
from monitor.sandbox.spectra import BANDS, COVER, CROP, DIFFUSE, EARTH, HAZE, INFRARED, PIXEL_M, SLASH, SNOW
from monitor.sandbox.story import Story
from monitor.sandbox.traps import Cause
from monitor.sandbox.valley import Valley, build_valley
from tests.adapters.tiny_model import make_model

SIZE_PX, SEED = 256, 6
STORY = Story(clearcut=True, snow=True, ten_bands=True)
Look = Mapping[str, NDArray[np.float64]]


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Valley:
    """Two quiet looks and one after the storm."""
    folder = tmp_path_factory.mktemp("ten")
    return build_valley(folder, seed=SEED, size_px=SIZE_PX, quiet=2, after=1, story=STORY)


def scenes(valley: Valley) -> list[pystac.Item]:
    """Scene items, oldest first."""
    catalog = pystac.Catalog.from_file(str(valley.catalog))
    found = [item for item in catalog.get_items(recursive=True) if item.collection_id == "sentinel-2-l2a"]
    return sorted(found, key=lambda item: str(item.datetime))


def look(item: pystac.Item) -> Look:
    """Reflectance of every band on 10 m pixels, those of 20 m four times each, and SCL."""
    layers = {}
    for key in (*BANDS, "SCL"):
        with rasterio.open(str(item.assets[key].get_absolute_href())) as file:
            pixels = file.read(1).astype(np.float64)
        if key != "SCL":
            told = item.assets[key].extra_fields["raster:bands"][0]
            pixels = pixels * told["scale"] + told["offset"]
        times = SIZE_PX // len(pixels)
        layers[key] = np.kron(pixels, np.ones((times, times)))
    return layers


def ndvi(seen: Look) -> NDArray[np.float64]:
    """Of a look."""
    return np.asarray((seen["B08"] - seen["B04"]) / (seen["B08"] + seen["B04"]))


def scar_mask(valley: Valley) -> NDArray[np.bool_]:
    """Pixels of the scars on the scene's grid."""
    outlines = [project(scar.geometry, 4326, EPSG) for scar in valley.scars]
    transform = place_frame(SEED, SIZE_PX).transform()
    return np.asarray(rasterize(outlines, (SIZE_PX, SIZE_PX), transform=transform), dtype=np.bool_)


def test_the_visible_bands_are_the_same_without_them(valley: Valley, tmp_path: Path) -> None:
    """To the last bit: every raster of a valley of three bands is in that of ten, and the truth is the same."""
    three = build_valley(tmp_path, seed=SEED, size_px=SIZE_PX, quiet=2, after=1, story=replace(STORY, ten_bands=False))
    rasters = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.tif"))
    assert len(rasters) == 3 * 4 + 1
    for path in rasters:
        assert (valley.truth.parent / path).read_bytes() == (tmp_path / path).read_bytes(), path
    assert valley.truth.read_bytes() == three.truth.read_bytes()
    more = {path.stem for path in valley.truth.parent.rglob("*.tif")} - {path.stem for path in rasters}
    assert more == set(BANDS[INFRARED])


def test_items_describe_bands_as_real_ones_do(valley: Valley, data_folder: Path) -> None:
    """Names, wavelengths, scale, offset, nodata and pixel size of all ten are those of a real item of baseline 05."""
    name = "S2A_OPER_MSI_L2A_TL_2APS_20240108T121951_A044635_T34VEL"
    path = (
        data_folder / "stac_fixtures" / "stactools_sentinel2" / "tests" / "data-files" / name / "expected_output.json"
    )
    assets = json.loads(path.read_text())["assets"].values()
    for band in BANDS:
        # The same band resampled is listed too, without the ground sample distance.
        real = next(one for one in assets if "gsd" in one and [b["name"] for b in one.get("eo:bands", [])] == [band])
        for item in scenes(valley):
            told = item.assets[band].to_dict()
            assert told["raster:bands"] == real["raster:bands"]
            assert told["gsd"] == real["gsd"]
            assert told["eo:bands"][0].items() <= real["eo:bands"][0].items()


def test_bands_have_pixels_of_their_own_size(valley: Valley) -> None:
    """10 or 20 m as the sensor has them, over the same ground."""
    ground = place_frame(SEED, SIZE_PX).bounds
    for item in scenes(valley):
        for band, pixel_m in zip(BANDS, PIXEL_M, strict=True):
            with rasterio.open(str(item.assets[band].get_absolute_href())) as file:
                assert (file.res, file.dtypes[0], file.nodata) == ((pixel_m, pixel_m), "uint16", 0)
                assert tuple(file.bounds) == pytest.approx(ground)


def test_light_and_haze_fade_with_the_wavelength() -> None:
    """Blue is scattered most: into the shade, and as haze."""
    assert (np.diff(HAZE) < 0).all()
    assert (np.diff(DIFFUSE) < 0).all()


def test_spectra_have_the_marks_of_their_ground() -> None:
    """What grows has its red edge, soil rises to the shortwave, ice and water absorb there."""
    band = {name: place for place, name in enumerate(BANDS)}
    for table in (COVER, CROP):
        assert ((table > 0) & (table < 0.6)).all()
    leafy = COVER[[0, 1, 2, 9]]
    assert (leafy[:, band["B07"]] > 2.2 * leafy[:, band["B05"]]).all()
    assert (leafy[:, band["B12"]] < leafy[:, band["B11"]]).all()
    assert (np.diff(EARTH[: band["B12"]]) > 0).all()
    assert SLASH[band["B11"]] > SLASH[band["B08"]] > 2 * SLASH[band["B04"]]
    assert SNOW[band["B11"]] < 0.2 * SNOW[band["B03"]]


def test_ground_can_be_told_by_its_infrared(valley: Valley) -> None:
    """Forest by its NDVI, scars and felled forest by its loss, water by its darkness."""
    before, after = (look(item) for item in scenes(valley)[1:])
    clear = np.isin(before["SCL"], (4, 5)) & np.isin(after["SCL"], (4, 5))
    assert np.median(ndvi(before)[clear]) > 0.7
    scars = ndimage.binary_erosion(scar_mask(valley)) & clear
    assert np.median(ndvi(before)[scars]) > 0.7
    assert np.median(ndvi(after)[scars]) < 0.3
    for band in ("B11", "B12"):
        assert np.median(after[band][scars]) > 1.3 * np.median(before[band][scars])
    river = ndimage.binary_erosion(after["SCL"] == SceneClass.WATER, iterations=2)
    assert (before["B11"][river] < 0.1).all()
    (felled,) = [trap for trap in valley.traps if trap.cause is Cause.CLEARCUT]
    transform = place_frame(SEED, SIZE_PX).transform()
    block = rasterize([project(felled.geometry, 4326, EPSG)], (SIZE_PX, SIZE_PX), transform=transform) > 0
    assert np.median(ndvi(after)[block & clear]) < np.median(ndvi(after)[clear]) - 0.15


def test_snow_and_cloud_differ_in_the_shortwave_alone(valley: Valley) -> None:
    """Both are white; B11 is dark over snow and bright over cloud."""
    seen = [look(item) for item in scenes(valley)]
    snow = np.concatenate([(one["B03"] - one["B11"])[one["SCL"] == SceneClass.SNOW] for one in seen])
    cloud = np.concatenate([(one["B03"] - one["B11"])[one["SCL"] == SceneClass.CLOUD_HIGH] for one in seen])
    assert min(snow.size, cloud.size) > 100
    assert np.median(snow) > 0.4
    assert np.median(cloud) < 0.2


def test_shade_is_deeper_in_the_infrared(valley: Valley) -> None:
    """Skylight fills shadows with blue: where a cloud takes the sun, the infrared loses more."""
    darkest = []
    for item in scenes(valley):
        seen = look(item)
        shade, lit = seen["SCL"] == SceneClass.CLOUD_SHADOW, seen["SCL"] == SceneClass.VEGETATION
        if shade.sum() > 300:
            darkest.append(
                [np.median(seen[band][shade]) / np.median(seen[band][lit]) for band in ("B02", "B08", "B12")]
            )
    assert darkest, "no look of this seed has a shadow"
    for blue, near, short in darkest:
        assert max(near, short) < blue < 1.0


def acquisitions(valley: Valley) -> Sequence[Acquisition]:
    """As the service finds them, oldest first."""
    around = surroundings(box(*valley.bbox))
    catalog = StaticCatalog(name="valley", href=str(valley.catalog))
    day = timedelta(days=1)
    items, _ = catalog.search(around, valley.times[0] - day, valley.times[-1] + day, Sensor.OPTICAL)
    return sorted(group("valley", items)[0], key=lambda one: one.sensing_time)


def fullest(valley: Valley) -> Tile:
    """The tile with most of the valley in it."""
    middle = box(*place_frame(SEED, SIZE_PX).bounds)
    return max(region_tiles(box(*valley.bbox)), key=lambda tile: middle.intersection(tile_polygon(tile)).area)


def test_coarse_bands_are_read_in_their_place(valley: Valley) -> None:
    """B8A of 20 m lies on B08 of 10 m to a small part of a pixel, and is smooth between its own pixels."""
    tile = fullest(valley)
    (one,) = acquisitions(valley)[1:2]
    near, coarse = RasterImageSource().read(one.items, ("B08", "B8A"), tile).pixels.values
    seen = ndimage.binary_erosion(np.isfinite(near), iterations=8)
    blurred = ndimage.gaussian_filter(np.nan_to_num(near), 1.2)

    def likeness(rows: int, columns: int) -> float:
        return float(np.corrcoef(np.roll(coarse, (rows, columns), (0, 1))[seen], blurred[seen])[0, 1])

    for axis in ((1, 0), (0, 1)):
        before, here, after = (likeness(step * axis[0], step * axis[1]) for step in (-1, 0, 1))
        # Top of the parabola through three likenesses: where the two lie on each other.
        assert abs(0.5 * (before - after) / (before - 2.0 * here + after)) < 0.15
        assert here > 0.95
    repeated = np.diff(coarse, axis=1) == 0
    assert repeated[seen[:, 1:]].mean() < 0.2, "every pixel of 20 m stands twice"


def test_a_card_of_many_bands_is_fed(valley: Valley, tmp_path: Path) -> None:
    """Red edge, near and shortwave infrared and an index, through the service's own catalog, reading and features."""
    names = ("B04", "B03", "B02", "B08", "B11", "B12", "B05", "NDVI")
    fixed = {"NDVI": Input(name="NDVI", method=Method.FIXED, center=0.5, scale=0.25)}
    inputs = tuple(fixed.get(name, Input(name=name, method=Method.CONTEXT)) for name in names)
    plain = load_card(make_model(tmp_path / "tiny"))
    card = replace(plain, bands=names, channels=len(names), normalisation=PER_INPUT, inputs=inputs)
    terrain = StaticCatalog(name="valley", href=str(valley.catalog)).terrain(surroundings(box(*valley.bbox)))
    tools = Instruments(
        network=Network(card=card, engine=open_engine(plain, 1)),
        images=RasterImageSource(),
        terrain=RasterTerrainSource(terrain),
    )
    looker, tile = Looker(acquisitions(valley)[-1], tools, Stopwatch()), fullest(valley)
    features = looker.features(tile)
    assert features is not None
    assert features.shape[0] == len(names)
    assert np.isfinite(features).all()
    bands = looker.sources(tile, card.crop_px).bands
    seen = np.isfinite(bands["B04"])
    index = features[-1] * 0.25 + 0.5
    np.testing.assert_allclose(
        index[seen], ((bands["B08"] - bands["B04"]) / (bands["B08"] + bands["B04"]))[seen], atol=1e-5
    )
    halo = tile_geobox(tile, card.crop_px)
    scars = (
        rasterize([project(one.geometry, 4326, EPSG) for one in valley.scars], halo.shape, transform=halo.affine) > 0
    )
    scars = ndimage.binary_erosion(scars) & seen
    assert scars.sum() > 20
    for place, name in enumerate(names[:-1]):
        if name not in ("B08", "B05"):
            assert np.median(features[place][scars]) > 1.0, f"scars stand out in {name}"
    assert np.median(index[scars]) < 0.3 < 0.6 < np.median(index[seen])
