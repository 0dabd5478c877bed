"""Labels of tiles from maps."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from shapely import box
from shapely.geometry import mapping

from monitor.core.grid import TILE_M, project, tile_from_id, tile_geobox, tile_polygon
from monitor.errors import BadAsset, ConfigError
from training.datasets.chip_files import LabelCode
from training.datasets.ground_truth import HazardMap, MappedLandslides, read_polygons

TILE = tile_from_id("UTM54N-0150-1842")
GROUND = tile_polygon(TILE)
DEGREES = project(GROUND, TILE.epsg, 4326)
NODATA = 255


def hazard_map(path: Path, crs: str = "EPSG:32654") -> Path:
    """Western half of the tile zone 0 and 1, then zone 2, then nodata, in columns of 64 pixels; nothing beyond."""
    zones = np.repeat(np.array([0, 1, 2, NODATA], np.uint8), 64)[None, None, :].repeat(256, axis=1)
    west, north = TILE.column * TILE_M, (TILE.row + 1) * TILE_M
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        height=256,
        width=256,
        dtype="uint8",
        nodata=NODATA,
        crs=crs,
        transform=Affine(10, 0, west, 0, -10, north),
    ) as dataset:
        dataset.write(zones)
    return path


def test_listed_values_are_hazard_and_nodata_is_unknown(tmp_path: Path) -> None:
    """Warning and special warning zones are one class."""
    codes = HazardMap(hazard_map(tmp_path / "zones.tif"), (1, 2)).codes(TILE)
    assert codes[100, [0, 63]].tolist() == [LabelCode.STABLE] * 2
    assert codes[100, [64, 127, 128, 191]].tolist() == [LabelCode.LANDSLIDE] * 4
    assert codes[100, [192, 255]].tolist() == [LabelCode.UNLABELLED] * 2


def test_only_listed_values_are_hazard(tmp_path: Path) -> None:
    """Special warning zones alone."""
    codes = HazardMap(hazard_map(tmp_path / "zones.tif"), (2,)).codes(TILE)
    assert (codes[:, 64:128] == LabelCode.STABLE).all()
    assert (codes[:, 128:192] == LabelCode.LANDSLIDE).all()


def test_beyond_the_map_nothing_is_known(tmp_path: Path) -> None:
    """Its own extent is the area, and an area may narrow it."""
    truth = HazardMap(hazard_map(tmp_path / "zones.tif"), (1, 2))
    assert truth.area.symmetric_difference(DEGREES).area < 0.01 * DEGREES.area
    assert not truth.codes(tile_from_id("UTM54N-0151-1842")).any()
    elsewhere = HazardMap(hazard_map(tmp_path / "zones.tif"), (1, 2), box(0, 0, 1, 1))
    assert not elsewhere.codes(TILE).any()


def test_a_hazard_map_needs_values_and_ground(tmp_path: Path) -> None:
    """The messages name the file."""
    with pytest.raises(ConfigError, match=r"zones\.tif: no value"):
        HazardMap(hazard_map(tmp_path / "zones.tif"), ())
    (tmp_path / "page.tif").write_text("<html>")
    with pytest.raises(BadAsset, match=r"page\.tif: it is no raster"):
        HazardMap(tmp_path / "page.tif", (1,))


def test_a_pixel_is_judged_by_its_centre() -> None:
    """A polygon of exact pixel borders gives exactly those pixels; outside the searched ground nothing is labelled."""
    west, north = TILE.column * TILE_M, (TILE.row + 1) * TILE_M
    scar = project(box(west + 100.5, north - 200.5, west + 150.5, north - 160.5), TILE.epsg, 4326)
    searched = project(box(west, north - 1280, west + 1280, north), TILE.epsg, 4326)
    codes = MappedLandslides(scar, searched).codes(TILE)
    rows, columns = np.nonzero(codes == LabelCode.LANDSLIDE)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (16, 19, 10, 14)
    assert len(rows) == 4 * 5
    assert (codes[:127, :127] != LabelCode.UNLABELLED).all()
    assert (codes[129:] == LabelCode.UNLABELLED).all()
    assert (codes[:, 129:] == LabelCode.UNLABELLED).all()


def test_polygons_come_from_any_geojson(tmp_path: Path) -> None:
    """A geometry, a feature or a collection; outlines that cross themselves are mended."""
    path = tmp_path / "scars.geojson"
    square, bow = (
        mapping(box(0, 0, 1, 1)),
        {"type": "Polygon", "coordinates": [[[2, 0], [4, 2], [4, 0], [2, 2], [2, 0]]]},
    )
    for document, area in (
        (square, 1.0),
        ({"type": "Feature", "geometry": square, "properties": {}}, 1.0),
        ({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": g} for g in (square, bow)]}, 3.0),
    ):
        path.write_text(json.dumps(document))
        assert read_polygons(path).area == pytest.approx(area)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<html>", "no readable GeoJSON"),
        ("[]", "no readable GeoJSON"),
        ('{"type": "FeatureCollection", "features": []}', "no polygon"),
        (json.dumps(mapping(box(0, 0, 1, 0))), "no polygon"),
        (json.dumps(mapping(tile_polygon(TILE))), "no.* degrees|not longitude"),
    ],
)
def test_what_is_no_map_of_landslides_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """Metres are not degrees."""
    (tmp_path / "scars.geojson").write_text(text)
    with pytest.raises(ConfigError, match=f"scars.geojson: .*({says})"):
        read_polygons(tmp_path / "scars.geojson")


def test_the_tile_is_the_service_grid() -> None:
    """256 pixels of 10 m: what the expectations above count on."""
    assert tile_geobox(TILE).shape == (256, 256)
    assert tile_geobox(TILE).boundingbox.left == TILE.column * TILE_M
