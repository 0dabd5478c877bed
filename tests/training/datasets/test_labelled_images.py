"""Images of any sensor with polygons in any CRS become windows with labels."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from shapely import box, to_geojson
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import project
from monitor.errors import BadAsset, ConfigError, InputFault
from training.datasets.labelled_images import load_labelled_images
from training.experiment import DataSettings
from training.material import gather
from training.samples import LANDSLIDE, STABLE, UNLABELLED, Samples

EPSG = 32654
WEST, NORTH, PIXEL_M = 400_000.0, 4_700_000.0, 1.5
BANDS = ("B02", "B03", "B04", "B08")
SHAPE = (256 * 2 + 30, 256 * 3)


def write_image(folder: Path, name: str = "scene", shape: tuple[int, int] = SHAPE, crs: str | None = None) -> Path:
    """Blue, green, red and near infrared of 1.5 m; the upper left corner was not observed."""
    path = folder / "images" / f"{name}.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    pixels = rng.integers(100, 4000, (4, *shape)).astype(np.uint16)
    pixels[:, :20, :30] = 0
    with rasterio.open(
        path, "w", driver="GTiff", count=4, height=shape[0], width=shape[1], dtype="uint16", crs=crs or f"EPSG:{EPSG}",
        transform=Affine(PIXEL_M, 0, WEST, 0, -PIXEL_M, NORTH),
    ) as file:  # fmt: skip
        file.write(pixels)
    return path


def on_pixels(left: int, top: int, right: int, bottom: int) -> BaseGeometry:
    """A rectangle of pixels of the image, in its CRS."""
    return box(WEST + PIXEL_M * left, NORTH - PIXEL_M * bottom, WEST + PIXEL_M * right, NORTH - PIXEL_M * top)


def write_polygons(path: Path, *shapes: BaseGeometry, epsg: int = 4326) -> None:
    """As GeoJSON of a CRS."""
    features = [
        {"type": "Feature", "properties": {}, "geometry": json.loads(to_geojson(project(one, EPSG, epsg)))}
        for one in shapes
    ]
    crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{epsg}"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}), encoding="utf-8")


def loaded(folder: Path, keep: tuple[str, ...] = BANDS) -> Samples:
    return load_labelled_images(folder, BANDS, keep)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two rows of three windows; a slide in the second and the sixth."""
    write_image(tmp_path)
    write_polygons(tmp_path / "labels.geojson", on_pixels(300, 40, 340, 60), on_pixels(600, 400, 650, 420))
    return tmp_path


@pytest.mark.parametrize("epsg", [4326, EPSG, 3857])
def test_polygons_of_any_crs_lie_where_they_belong(folder: Path, epsg: int) -> None:
    """Brought to the image's own grid; what slid is no pixel off."""
    slides = on_pixels(300, 40, 340, 60), on_pixels(600, 400, 650, 420)
    write_polygons(folder / "labels.geojson", *slides, epsg=epsg)
    samples = loaded(folder)
    assert samples.pixels.shape == (6, 4, 256, 256)
    found = samples.labels == LANDSLIDE
    assert found.sum(axis=(1, 2)).tolist() == [0, 40 * 20, 0, 0, 0, 50 * 20]
    assert found[1, 40:60, 300 - 256 : 340 - 256].all()
    assert samples.resolution_m == pytest.approx(1.5)


def test_what_was_not_observed_or_not_searched_has_no_label(folder: Path) -> None:
    """Zeros in every band, and ground outside of what somebody looked at."""
    write_polygons(folder / "searched.geojson", on_pixels(0, 0, 512, 256))
    samples = loaded(folder)
    assert len(samples) == 2
    assert (samples.labels[0, :20, :30] == UNLABELLED).all()
    assert np.isnan(samples.pixels[0, :, :20, :30]).all()
    assert (samples.labels[0, 20:] == STABLE).all()


def test_ndvi_is_made_of_its_bands(folder: Path) -> None:
    """(NIR - red) / (NIR + red), beside bands in any order."""
    whole, made = loaded(folder), loaded(folder, ("B03", "NDVI"))
    red, infrared = (whole.pixels[1, BANDS.index(name)] for name in ("B04", "B08"))
    np.testing.assert_allclose(made.pixels[1, 1], (infrared - red) / (infrared + red), rtol=1e-5)
    np.testing.assert_array_equal(made.pixels[1, 0], whole.pixels[1, 1])
    with pytest.raises(ConfigError, match="B11"):
        loaded(folder, ("B03", "NDMI"))


def test_windows_that_touch_what_is_scored_are_not_trained_on(tmp_path: Path) -> None:
    """The last fifth is scored, the first sixth chooses the threshold."""
    write_image(tmp_path, shape=(256, 256 * 10))
    write_polygons(tmp_path / "labels.geojson", *(on_pixels(256 * at + 9, 50, 256 * at + 49, 99) for at in range(10)))
    data = DataSettings(kind="labelled-images", path=tmp_path.name, file_bands=BANDS, bands=("B02", "B03", "NDVI"))
    split = gather(data, tmp_path.parent).split
    assert (sorted(split.threshold), sorted(split.validation)) == ([0, 1], [8, 9])
    assert sorted(split.train) == [3, 4, 5, 6]


@pytest.mark.parametrize("absent", ["images", "labels"])
def test_what_is_missing_is_named(folder: Path, absent: str) -> None:
    """With what to put where."""
    if absent == "images":
        (folder / "images" / "scene.tif").unlink()
    else:
        (folder / "labels.geojson").unlink()
    with pytest.raises(BadAsset, match=absent):
        loaded(folder)


def test_labels_that_lie_elsewhere_are_refused(folder: Path) -> None:
    """Nothing of them is on any image."""
    write_polygons(folder / "labels.geojson", on_pixels(90_000, 0, 90_100, 100))
    with pytest.raises(InputFault, match="labels"):
        loaded(folder)


def test_an_image_smaller_than_a_window_says_so(tmp_path: Path) -> None:
    """And where such chips belong."""
    write_image(tmp_path, shape=(200, 200))
    write_polygons(tmp_path / "labels.geojson", on_pixels(30, 40, 50, 60))
    with pytest.raises(BadAsset, match="sparse-chips"):
        loaded(tmp_path)
