"""GeoTIFF chips with sparse labels."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from monitor.errors import BadAsset, ConfigError, InputFault
from training.datasets.sparse_chips import load_sparse_chips
from training.samples import LANDSLIDE, STABLE, UNLABELLED

SIDE = 8
PIXEL_DEG = 9e-5


def write(
    path: Path, values: np.ndarray, column: float = 0.0, crs: str | None = "EPSG:4326", pixel: float = PIXEL_DEG
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    place = Affine(pixel, 0, 91.0 + column * pixel, 0, -pixel, 22.0)
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=values.dtype, crs=crs, transform=place
    ) as dataset:
        dataset.write(values)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four chips: two that overlap, one that adjoins, one far away."""
    labels = np.zeros((1, SIDE, SIDE), np.uint16)
    labels[0, 0, :3] = (1, 2, 1)
    image = np.arange(4 * SIDE * SIDE, dtype=np.uint16).reshape(4, SIDE, SIDE) + 1
    image[:, 0, 2] = 0
    image[1, 5, 5] = 0
    for name, column in {"a": 0.0, "b": SIDE / 2, "c": 1.5 * SIDE + 1e-3, "d": 100.0}.items():
        write(tmp_path / "images" / f"{name}.tif", image, column)
        write(tmp_path / "labels" / f"{name}.tif", labels, column)
    return tmp_path


def test_codes_become_labels(folder: Path) -> None:
    """0 unlabelled, 1 stable, 2 landslide; what was not observed has no label."""
    labels = load_sparse_chips(folder, ("B04", "B03", "B02", "B08")).labels
    assert labels[0, 0, :3].tolist() == [STABLE, LANDSLIDE, UNLABELLED]
    assert (labels[:, 1:] == UNLABELLED).all()


def test_zero_in_all_bands_is_no_observation(folder: Path) -> None:
    """Zero in one band is a dark pixel."""
    pixels = load_sparse_chips(folder, ("B04", "B03", "B02", "B08")).pixels
    assert np.isnan(pixels[0, :, 0, 2]).all()
    assert np.isfinite(pixels[0, :, 5, 5]).all()


def test_bands_are_chosen_by_name(folder: Path) -> None:
    """Near infrared and red of four, in the order asked for."""
    samples = load_sparse_chips(folder, ("B04", "B03", "B02", "B08"), keep=("B08", "B04"))
    assert samples.bands == ("B08", "B04")
    assert samples.pixels[0, :, 3, 3].tolist() == [3 * 64 + 28, 28]
    with pytest.raises(ConfigError, match="no band B11"):
        load_sparse_chips(folder, ("B04", "B03", "B02", "B08"), keep=("B11",))


def test_overlap_and_neighbours_touch(folder: Path) -> None:
    """By footprint: a with b, b with c, d with none; rounding of borders does not part neighbours."""
    samples = load_sparse_chips(folder, ("B04", "B03", "B02", "B08"), group="somewhere")
    assert samples.touching.tolist() == [[0, 1], [1, 2]]
    assert samples.groups.tolist() == ["somewhere"] * 4


def test_a_chip_without_partner_is_refused(folder: Path) -> None:
    """The message names it."""
    (folder / "labels" / "b.tif").unlink()
    with pytest.raises(BadAsset, match=r"b\.tif is not in both"):
        load_sparse_chips(folder, ("B04", "B03", "B02", "B08"))


@pytest.mark.parametrize(
    ("values", "column", "crs", "says"),
    [
        (np.full((1, SIDE, SIDE), 3, np.uint16), 0.0, "EPSG:4326", "values from 3 to 3"),
        (np.ones((1, SIDE, SIDE), np.float32), 0.0, "EPSG:4326", "holds float32, not whole numbers"),
        (np.zeros((1, SIDE, SIDE), np.uint16), 1.0, "EPSG:4326", "same pixels"),
        (np.zeros((1, SIDE, 4), np.uint16), 0.0, "EPSG:4326", "same pixels"),
        (np.zeros((1, SIDE, SIDE), np.uint16), 0.0, None, "no coordinate reference system"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    folder: Path, values: np.ndarray, column: float, crs: str | None, says: str
) -> None:
    """Another code, place or size, or no place at all."""
    write(folder / "labels" / "a.tif", values, column, crs)
    with pytest.raises(BadAsset, match=f"a.tif: .*{says}"):
        load_sparse_chips(folder, ("B04", "B03", "B02", "B08"))


def test_pixels_in_degrees_are_measured_on_the_ground(folder: Path) -> None:
    """9e-5 degrees at 22 north: 9.966 m of latitude by 9.293 m of longitude, by hand on the ellipsoid."""
    found = load_sparse_chips(folder, ("B04", "B03", "B02", "B08")).resolution_m
    assert found == pytest.approx((9.966 * 9.293) ** 0.5, rel=1e-3)


@pytest.mark.parametrize(("crs", "pixel", "metres"), [("EPSG:32646", 15.0, 15.0), ("EPSG:2263", 30.0, 9.144)])
def test_pixels_of_a_projection_have_its_unit(tmp_path: Path, crs: str, pixel: float, metres: float) -> None:
    """Metres, or the feet of New York."""
    write(tmp_path / "images" / "a.tif", np.ones((1, SIDE, SIDE), np.uint16), 20000.0, crs, pixel)
    write(tmp_path / "labels" / "a.tif", np.full((1, SIDE, SIDE), 2, np.uint16), 20000.0, crs, pixel)
    assert load_sparse_chips(tmp_path, ("B04",)).resolution_m == pytest.approx(metres, rel=1e-4)


@pytest.mark.parametrize(("larger", "refused"), [(1.15, False), (1.5, True)])
def test_a_set_of_mixed_pixels_is_refused(folder: Path, larger: float, refused: bool) -> None:
    """A fifth is let pass; beyond it no area in hectares would be right, and both chips are named."""
    for kind, count in (("images", 4), ("labels", 1)):
        values = np.full((count, SIDE, SIDE), 2, np.uint16)
        write(folder / kind / "d.tif", values, 0.0, "EPSG:4326", larger * PIXEL_DEG)
    if not refused:
        load_sparse_chips(folder, ("B04", "B03", "B02", "B08"))
        return
    with pytest.raises(BadAsset, match=r"chip a has pixels of 9\.6 m, d of 14\.4 m"):
        load_sparse_chips(folder, ("B04", "B03", "B02", "B08"))


def test_a_wrong_number_of_names_is_refused(folder: Path) -> None:
    """Three names for four bands would shift every one."""
    with pytest.raises(BadAsset, match="not 3 bands"):
        load_sparse_chips(folder, ("B04", "B03", "B02"))


def test_chips_without_a_landslide_are_refused(folder: Path) -> None:
    """Nothing could be learnt or scored."""
    for name in "abcd":
        (folder / "labels" / f"{name}.tif").write_bytes((folder / "images" / f"{name}.tif").read_bytes())
        write(folder / "labels" / f"{name}.tif", np.ones((1, SIDE, SIDE), np.uint16), "abcd".index(name) * 100.0)
        write(folder / "images" / f"{name}.tif", np.ones((1, SIDE, SIDE), np.uint16), "abcd".index(name) * 100.0)
    with pytest.raises(InputFault, match="nothing to learn"):
        load_sparse_chips(folder, ("B04",))


def test_the_chips_of_chittagong(data_folder: Path) -> None:
    """100 chips of 256 pixels that overlap by half; 98 of 11,043 stable pixels lie where nothing was observed."""
    samples = load_sparse_chips(
        data_folder / "chittagong_s2_landslides", ("B04", "B03", "B02", "B08"), ("B04", "B03", "B02"), "chittagong"
    )
    assert samples.pixels.shape == (100, 3, 256, 256)
    assert ((samples.labels == STABLE).sum(), (samples.labels == LANDSLIDE).sum()) == (10945, 8106)
    assert np.isnan(samples.pixels).all(axis=1).mean() > 0.01
    # Steps of half a chip: those one step away overlap, those two steps away adjoin, in both directions.
    degree = np.bincount(samples.touching.ravel())
    assert degree.max() == 24
