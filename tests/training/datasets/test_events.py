"""Events from their rasters."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import calculate_default_transform, reproject

from monitor.core.features import split_date
from monitor.errors import BadAsset, ConfigError
from monitor.inputs import Method
from tests.training.event_files import NORTH, SHAPE, WEST, polygons, slid, write_event, write_raster
from training.datasets.event_rasters import event_grid, read_band
from training.datasets.events import Events, load_events, place_of
from training.event_inputs import event_input
from training.layers import fed
from training.samples import LANDSLIDE, UNLABELLED

SAR = ("vv", "vh", "vv:before", "vh:before", "elevation", "slope")


def read(path: Path, names: tuple[str, ...] = SAR) -> Events:
    """The set with these inputs."""
    return load_events(path, [event_input(name) for name in names])


def in_degrees(path: Path) -> None:
    """Write a raster anew in EPSG:4326, by nearest pixel."""
    with rasterio.open(path) as file:
        place, width, height = calculate_default_transform(file.crs, "EPSG:4326", *SHAPE[::-1], *file.bounds)
        turned = np.zeros((1, height, width), file.dtypes[0])
        here = {"src_transform": file.transform, "src_crs": file.crs, "dst_transform": place, "dst_crs": "EPSG:4326"}
        reproject(file.read(1), turned[0], **here)
    profile = {"driver": "GTiff", "count": 1, "dtype": turned.dtype, "crs": "EPSG:4326", "transform": place}
    with rasterio.open(path, "w", height=height, width=width, **profile) as file:
        file.write(turned)


@pytest.fixture
def event(tmp_path: Path) -> Path:
    """A set of one event."""
    return write_event(tmp_path / "events" / "iburi-2018")


def test_an_event_is_cut_into_chips(event: Path) -> None:
    """In their own units, bands by name, the slides where they are; a number says where a chip lies."""
    samples = read(event.parent).samples
    assert samples.pixels.shape == (8, 6, 128, 128)
    assert [place_of(int(one)) for one in samples.ids] == [(0, row, column) for row in (0, 1) for column in range(4)]
    assert set(samples.groups) == {"iburi-2018"}
    with rasterio.open(event / "s1" / "after" / "2018-10-01.tif") as file:
        vv = file.read(1)
    np.testing.assert_allclose(samples.pixels[5, 0], vv[128:, 128:256], rtol=1e-3)
    np.testing.assert_array_equal(samples.labels[5] == LANDSLIDE, slid()[128:, 128:256])
    assert [0, 1_001] in samples.touching.tolist(), "corners touch too"
    assert [0, 2] not in samples.touching.tolist()


def test_every_channel_lies_between_0_and_1(event: Path) -> None:
    """Decibel, reflectance, metres, degrees and an index, for what such ground shows."""
    names = (*SAR, "B04", "NDVI", "B04:before")
    samples = read(event.parent, names).samples
    features = fed(names, samples.inputs, samples.pixels[0].astype(np.float32))
    assert features.min() >= 0
    assert features.max() <= 1
    assert features.std(axis=(1, 2)).min() > 0.001


def test_the_scenes_nearest_to_the_event_are_taken(event: Path) -> None:
    """Newest first on either side; every scene's VV has a level of its own."""
    names = ("vv", "vv:after2", "vv:before", "vv:before2", "vv:before3")
    samples = read(event.parent, (*names, "elevation")).samples
    levels = np.median(samples.pixels.astype(np.float32), axis=(0, 2, 3))[:5]
    np.testing.assert_allclose(levels, [0.12, 0.11, 0.13, 0.12, 0.11], rtol=0.02)


def test_dates_follow_any_input() -> None:
    """Supplied ones too; the ground has none."""
    assert split_date("coherence:before2") == ("coherence", ":before2")
    assert event_input("vh:after3").method is Method.DECIBEL
    for name in ("slope:before", "B01", "tri"):
        with pytest.raises(ValueError, match="no input"):
            event_input(name)


def test_supplied_layers_lie_beside_their_scene(event: Path) -> None:
    """A file of one band is named by the last word of its name."""
    values = np.full(SHAPE, 0.25, np.float32)
    write_raster(event / "s1" / "after" / "2018-10-01.coherence.tif", [values])
    write_raster(event / "s1" / "after" / "2018-10-01.halpha.tif", [values, 2 * values], ("entropy", "alpha"))
    samples = read(event.parent, ("vv", "coherence", "entropy", "alpha", "elevation")).samples
    assert np.median(samples.pixels, axis=(0, 2, 3))[1:4].tolist() == [0.25, 0.25, 0.5]


@pytest.mark.parametrize(("name", "said"), [("B05", "under `bands` in events.yaml"), ("coherence", "coherence.tif")])
def test_a_missing_band_is_named_with_its_file(event: Path, name: str, said: str) -> None:
    """What is there, and where it could come from."""
    with pytest.raises(ConfigError, match=f"no band {name}; it has") as caught:
        read(event.parent, (name, "elevation", "slope"))
    assert "2018-10-01" in caught.value.item
    assert said in caught.value.remedy


def test_bands_that_files_do_not_name_are_named_in_the_manifest(event: Path) -> None:
    """In their order; a pattern says where scenes lie that are called otherwise."""
    (event / "s1").rename(event / "radar")
    flat = np.full(SHAPE, 0.5, np.float32)
    write_raster(event / "radar" / "after" / "2018-10-01.tif", [flat, 2 * flat])
    settings = "bands: {radar: [vh, vv]}\nfiles: {radar_after: radar/after/*.tif}\n"
    (event.parent / "events.yaml").write_text(settings)
    samples = read(event.parent, ("vv", "elevation")).samples
    assert np.median(samples.pixels, axis=(0, 2, 3))[0] == 1.0


def test_another_data_set_is_refused(tmp_path: Path) -> None:
    """Whatever it is, with a hint; so is a folder that is not there."""
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "image_1.h5").touch()
    with pytest.raises(BadAsset, match=r"no folder has elevation\.tif; it holds HDF5 patches") as caught:
        read(tmp_path)
    assert "docs/datasets.md" in caught.value.remedy
    with pytest.raises(BadAsset, match="no such folder"):
        read(tmp_path / "nowhere")


def test_an_event_without_its_ground_is_named(event: Path) -> None:
    """Elevation, slope and labels are always there; a half-copied event stops the reading."""
    (write_event(event.parent / "palu-2018", 1) / "slope.tif").unlink()
    with pytest.raises(BadAsset, match=r"palu-2018: slope is one file slope\.tif; there is none"):
        read(event.parent)


def test_labels_are_one_file(event: Path) -> None:
    """Two that may contradict one another are named; what GDAL leaves beside a raster is no label."""
    (event / "labels.tif.aux.xml").write_text("<PAMDataset/>")
    assert len(read(event.parent).samples) == 8
    (event / "labels.geojson").write_text(polygons())
    with pytest.raises(BadAsset, match=r"labels is one file labels\.\*; there is labels\.geojson, labels\.tif"):
        read(event.parent)


@pytest.mark.parametrize("count", [0, 1])
def test_an_event_without_scenes_after_it_is_named(tmp_path: Path, count: int) -> None:
    """Without any, or with fewer than an experiment sees."""
    event = write_event(tmp_path / "events" / "iburi-2018", after=count)
    wanted = ("vv", "vv:after2", "vv:before", "elevation")
    with pytest.raises(BadAsset, match=rf"iburi-2018: it has {count or 'no'} radar scenes after the event.*want 2"):
        read(event.parent, wanted)


@pytest.mark.parametrize("epsg", [4326, 32653])
def test_polygons_of_another_crs_are_reprojected(event: Path, epsg: int) -> None:
    """To within a pixel of the outline."""
    (event / "labels.tif").unlink()
    (event / "labels.geojson").write_text(polygons(epsg=epsg))
    labels = read(event.parent).samples.labels
    different = (labels[0] == LANDSLIDE) ^ slid()[:128, :128]
    assert (labels[0] == LANDSLIDE).sum() > 100
    assert different.sum() <= 24


def test_a_label_raster_of_another_crs_is_reprojected(event: Path) -> None:
    """By nearest pixel, so that no label is made up between two."""
    in_degrees(event / "labels.tif")
    labels = read(event.parent).samples.labels
    assert (labels[0] == LANDSLIDE).sum() == pytest.approx(144, abs=24)
    assert ((labels[0] == LANDSLIDE) & slid()[:128, :128]).sum() > 110


def test_labels_that_lie_elsewhere_or_nowhere_are_refused(event: Path) -> None:
    """Another event's polygons, a raster far away, a raster without CRS, values that mean something else."""
    scars = slid().astype(np.uint8)
    write_raster(event / "labels.tif", [scars], west=WEST + 50_000)
    with pytest.raises(BadAsset, match=r"labels\.tif: none of its landslides lies on the ground"):
        read(event.parent)
    write_raster(event / "labels.tif", [scars], crs=None)
    with pytest.raises(BadAsset, match=r"labels\.tif: it has no coordinate reference system"):
        read(event.parent)
    write_raster(event / "labels.tif", [scars * np.uint8(2)])
    with pytest.raises(ConfigError, match="landslide_values"):
        read(event.parent)
    (event / "labels.tif").unlink()
    (event / "labels.geojson").write_text(polygons(west=WEST + 50_000))
    with pytest.raises(BadAsset, match=r"labels\.geojson: none of its landslides"):
        read(event.parent)


def test_ground_that_was_not_searched_is_unlabelled(event: Path) -> None:
    """Chips without any label are left out."""
    west = [[WEST, NORTH], [WEST + 1920, NORTH], [WEST + 1920, NORTH - 2560], [WEST, NORTH - 2560], [WEST, NORTH]]
    crs = '{"type":"name","properties":{"name":"EPSG:32654"}}'
    (event / "searched.geojson").write_text(f'{{"type":"Polygon","crs":{crs},"coordinates":[{west}]}}')
    samples = read(event.parent).samples
    assert [place_of(int(one))[2] for one in samples.ids] == [0, 1, 0, 1]
    assert (samples.labels[1][:, 64:] == UNLABELLED).all()
    assert (samples.labels[0] != UNLABELLED).all()


def test_an_elevation_in_degrees_gets_a_grid_of_10_metres(event: Path) -> None:
    """Everything is brought to UTM around it."""
    in_degrees(event / "elevation.tif")
    samples = read(event.parent).samples
    assert len(samples) >= 6
    assert (samples.labels == LANDSLIDE).sum() > 0.8 * slid()[:, :384].sum()


@pytest.mark.parametrize("pixel_m", [20.0, 30.0])
def test_a_coarser_elevation_gets_a_grid_of_10_metres_too(tmp_path: Path, pixel_m: float) -> None:
    """In its own CRS, over all its ground."""
    place = Affine(pixel_m, 0, WEST + 3, 0, -pixel_m, NORTH)
    with rasterio.open(
        tmp_path / "dem.tif", "w", driver="GTiff", count=1, height=60, width=80, dtype="float32", crs="EPSG:32654",
        transform=place,
    ) as file:  # fmt: skip
        file.write(np.full((1, 60, 80), 500, np.float32))
    grid = event_grid(tmp_path / "dem.tif")
    assert str(grid.crs) == "EPSG:32654"
    assert (abs(grid.resolution.x), abs(grid.resolution.y)) == (10.0, 10.0)
    assert (grid.boundingbox.left, grid.boundingbox.top) == (WEST, NORTH)
    assert grid.shape == (60 * pixel_m / 10, 80 * pixel_m / 10 + 1)
    assert np.isfinite(read_band(tmp_path / "dem.tif", 1, grid)).mean() > 0.9


def test_nodata_is_not_seen(event: Path) -> None:
    """A file's own value for it, and NaN; neighbours stay as they are."""
    with rasterio.open(event / "slope.tif", "r+") as file:
        values = file.read(1)
        values[:64, :64] = -9999
        file.write(values, 1)
        file.nodata = -9999
    samples = read(event.parent).samples
    assert (samples.labels[0][:64, :64] == UNLABELLED).all()
    assert (samples.labels[0] == UNLABELLED).sum() == 64 * 64


@pytest.mark.parametrize(
    ("sensor", "name", "factor", "setting"),
    [("s1", "vv", -100.0, "radar_unit: decibel"), ("s2", "B04", 10_000.0, "reflectance_scale: 10000")],
)
def test_another_unit_is_noticed(event: Path, sensor: str, name: str, factor: float, setting: str) -> None:
    """And brought to power and reflectance once events.yaml says so."""
    path = event / sensor / "after" / "2018-10-01.tif"
    with rasterio.open(path, "r+") as file:
        file.write((file.read() * factor).astype(np.float32))
    with pytest.raises(ConfigError, match="not in the unit") as caught:
        read(event.parent, (name, "elevation"))
    assert setting in caught.value.remedy
    (event.parent / "events.yaml").write_text(setting)
    found = float(np.median(read(event.parent, (name, "elevation")).samples.pixels[:, 0]))
    assert found == pytest.approx(10 ** (-11 / 10) if sensor == "s1" else 0.05, rel=0.05)


def test_settings_that_nobody_knows_are_refused(event: Path) -> None:
    """And events that have no folder."""
    (event.parent / "events.yaml").write_text("independant: [iburi-2018]")
    with pytest.raises(ConfigError, match="independant"):
        read(event.parent)
    (event.parent / "events.yaml").write_text("independent: [palu-2018]")
    with pytest.raises(ConfigError, match="palu-2018, which has no folder"):
        read(event.parent)


def test_a_scene_of_other_ground_is_refused(event: Path) -> None:
    """It would only leave everything unlabelled."""
    write_raster(event / "s1" / "after" / "2018-10-01.tif", [np.ones(SHAPE, np.float32)] * 2, ("vv", "vh"), WEST + 5e4)
    with pytest.raises(BadAsset, match=r"2018-10-01\.tif: no pixel of it lies on the ground of the event"):
        read(event.parent)
