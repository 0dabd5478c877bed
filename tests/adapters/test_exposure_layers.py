"""An operator's layers: formats, reference systems, and everything that may be wrong with a file."""

import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.exposure_layers import LayerFiles, read_layer
from monitor.core.grid import project
from monitor.errors import BadAsset
from monitor.records import LayerKind, LayerSource
from tests.layer_files import write_geojson, write_geopackage

ZONE = 32654
REGION = box(141.89, 42.68, 142.03, 42.77)
HOUSE = box(560_000.0, 4_730_000.0, 560_010.0, 4_730_012.0)  # UTM 54N
BOW_TIE = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])


def source(path: Path, **changes: object) -> LayerSource:
    """A layer of buildings in a file."""
    fields = {"name": "houses", "kind": LayerKind.BUILDINGS, "path": path} | changes
    return LayerSource(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("crs", ["EPSG:32654", "EPSG:6680", "EPSG:3857", "EPSG:4326", "EPSG:6668"])
def test_any_crs(tmp_path: Path, crs: str) -> None:
    """A building lies where it lies, whatever CRS its file is in."""
    path = write_geopackage(tmp_path / "houses.gpkg", [("Town hall", project(HOUSE, ZONE, crs))], crs)
    read = read_layer(source(path), ZONE, REGION)
    assert shapely.hausdorff_distance(read.layer.ground[0], HOUSE) < 1.0  # JGD2011 and WGS 84 differ by less
    assert read.layer.names == ("Town hall",)


def test_geojson_has_degrees_unless_it_says_otherwise(tmp_path: Path) -> None:
    """Without a word on its CRS GeoJSON is longitude and latitude; the old member `crs` is honoured."""
    plain = write_geojson(tmp_path / "plain.geojson", [("a", project(HOUSE, ZONE, 4326))])
    member = {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32654"}}}
    old = write_geojson(tmp_path / "old.json", [("a", HOUSE)], member)
    for path in (plain, old):
        found = read_layer(source(path), ZONE, REGION).layer.ground[0]
        assert shapely.hausdorff_distance(found, HOUSE) < 0.01


def test_bad_features_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Null, empty and unreachable geometries are left out, crossing outlines mended, both counted."""
    features: list[tuple[str | None, BaseGeometry | None]] = [
        ("good", project(HOUSE, ZONE, 4326)),
        ("null", None),
        ("empty", Polygon()),
        ("beyond", Point(500.0, 95.0)),
        ("crossing", shapely.transform(BOW_TIE, lambda xy: xy / 1e5 + (141.9, 42.7))),
    ]
    read = read_layer(source(write_geojson(tmp_path / "a.geojson", features)), ZONE, REGION)
    assert (read.skipped, read.mended, read.layer.names) == (3, 1, ("good", "crossing"))
    assert shapely.is_valid(read.layer.ground).all()
    assert read.complaint() == (
        "layer houses: 3 features without a usable geometry left out, 1 feature with a crossing outline mended"
    )


def test_an_empty_layer_is_a_layer(tmp_path: Path) -> None:
    """A file without features is read: there is nothing."""
    layer = read_layer(source(write_geojson(tmp_path / "empty.geojson", [])), ZONE, REGION).layer
    assert len(layer.ground) == 0


def _rubbish(path: Path) -> LayerSource:
    path.write_bytes(b"<html>502 Bad Gateway</html>")
    return source(path)


def _cut_short(path: Path) -> LayerSource:
    write_geopackage(path, [("a", HOUSE)], "EPSG:32654")
    path.write_bytes(path.read_bytes()[:5000])
    return source(path)


def _cut_json(path: Path) -> LayerSource:
    write_geojson(path, [("a", HOUSE)])
    path.write_bytes(path.read_bytes()[:-40])
    return source(path)


def _no_crs(path: Path, number: int = -1) -> LayerSource:
    write_geopackage(path, [("a", HOUSE)], "EPSG:32654")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA writable_schema = 1")
        database.execute("UPDATE gpkg_geometry_columns SET srs_id = ?", [number])
        database.execute("UPDATE gpkg_contents SET srs_id = ?", [number])
    database.close()
    return source(path)


def _no_degrees_either(path: Path) -> LayerSource:
    return _no_crs(path, 0)  # "undefined geographic", as -1 is "undefined Cartesian"


def _two_layers(path: Path) -> LayerSource:
    write_geopackage(path, [("a", HOUSE)], "EPSG:32654", layer="houses")
    write_geopackage(path, [("b", HOUSE)], "EPSG:32654", layer="barns")
    return source(path)


def _other_layer(path: Path) -> LayerSource:
    write_geopackage(path, [("a", HOUSE)], "EPSG:32654", layer="houses")
    return source(path, layer="barns")


def _other_field(path: Path) -> LayerSource:
    write_geopackage(path, [("a", HOUSE)], "EPSG:32654", field="label")
    return source(path, name_field="title")


def _virtual(path: Path) -> LayerSource:
    path.write_text("<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>http://127.0.0.1/</SrcDataSource>")
    return source(path)


def _plain_database(path: Path) -> LayerSource:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE a (b TEXT)")
    database.close()
    return source(path)


@pytest.mark.parametrize(
    ("make", "message", "remedy"),
    [
        (source, "cannot be opened", "Correct the path"),
        (_rubbish, "neither a GeoPackage nor GeoJSON", "Export it"),
        (_cut_short, "cannot be read", "Export it anew"),
        (_cut_json, "cannot be read", "Export it anew"),
        (_no_crs, "CRS is unknown", "Assign the CRS"),
        (_no_degrees_either, "CRS is unknown", "Assign the CRS"),
        (_two_layers, "it has 2 layers", "Set `layer` to one of: houses, barns"),
        (_other_layer, "no layer barns", "Set `layer` to one of: houses"),
        (_other_field, "no field title", "Set `name_field` to one of: label"),
        (_virtual, "neither a GeoPackage nor GeoJSON", "Export it"),
        (_plain_database, "neither a GeoPackage nor GeoJSON", "Export it"),
    ],
)
def test_a_broken_layer_is_named_with_its_remedy(tmp_path: Path, make: object, message: str, remedy: str) -> None:
    """Whatever is wrong with a file, the error says what and what to do."""
    broken = make(tmp_path / "layer.gpkg")  # type: ignore[operator]
    with pytest.raises(BadAsset) as caught:
        read_layer(broken, ZONE, REGION)
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert caught.value.item == str(tmp_path / "layer.gpkg")


def test_names_are_one_plain_line(tmp_path: Path) -> None:
    """Markup and other scripts stay as they are; control characters and marks that turn the text go."""
    names = [
        "<b>&\"'",
        "a\x00b\r\nc",
        "\u202eevil\u202c",
        "\u05d4\u05e8 \u05d4\u05db\u05e8\u05de\u05dc",
        None,
        "x" * 500,
    ]
    path = write_geojson(tmp_path / "a.geojson", [(name, Point(141.9, 42.7)) for name in names])
    found = read_layer(source(path), ZONE, REGION).layer.names
    assert found[0] == "<b>&\"'"
    assert found[1] in ("a", "ab c")  # GDAL itself ends a text at a NUL
    assert found[2:5] == ("evil", names[3], "")
    assert len(found[5]) == 120


def test_a_named_field_and_layer_are_read(tmp_path: Path) -> None:
    """`layer` and `name_field` choose, and a field of numbers is a name too."""
    path = write_geopackage(tmp_path / "a.gpkg", [("A", HOUSE)], "EPSG:32654", layer="a")
    write_geopackage(path, [("B", HOUSE)], "EPSG:32654", layer="b", field="label")
    assert read_layer(source(path, layer="b", name_field="label"), ZONE, REGION).layer.names == ("B",)
    assert read_layer(source(path, layer="b"), ZONE, REGION).layer.names == ("",)


def test_a_layer_that_breaks_is_unknown_until_it_is_mended(tmp_path: Path) -> None:
    """A file replaced by rubbish stops nothing: it is told and counted, and read again when it is whole."""
    path = write_geojson(tmp_path / "houses.geojson", [("a", project(HOUSE, ZONE, 4326)), ("null", None)])
    good = path.read_bytes()
    files = LayerFiles({"atsuma": [source(path)]}, {"atsuma": REGION})
    first, again = files.of("atsuma", ZONE), files.of("atsuma", ZONE)
    assert first is not None
    assert again is not None
    assert first.complaints == ("layer houses: 1 feature without a usable geometry left out",)
    assert again.complaints == ()
    assert again.layers[0] is first.layers[0]
    path.write_bytes(b"rubbish")
    broken = files.of("atsuma", ZONE)
    assert broken is not None
    assert (broken.layers, broken.unreadable) == ((), ("houses",))
    assert "neither a GeoPackage nor GeoJSON" in broken.complaints[0]
    assert files.failures() == {"houses": 1}
    path.write_bytes(good)
    os.utime(path, (1, 1))
    mended = files.of("atsuma", ZONE)
    assert mended is not None
    assert mended.unreadable == ()


def test_a_region_without_layers_has_none(tmp_path: Path) -> None:
    """None tells a region without layers from one whose layers are empty."""
    assert LayerFiles({}, {"atsuma": REGION}).of("atsuma", ZONE) is None


def test_of_a_very_large_layer_the_surroundings_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of features, those far away are not loaded; the box is asked for in the file's own CRS."""
    monkeypatch.setattr("monitor.adapters.exposure_layers._WHOLE", 1)
    far, lines = LineString([(0, 0), (1, 1)]), MultiPolygon([HOUSE])
    features = [("near", project(lines, ZONE, 3857)), ("far", far)]
    path = write_geopackage(tmp_path / "a.gpkg", features, "EPSG:3857")
    assert read_layer(source(path), ZONE, REGION).layer.names == ("near",)


def test_heights_are_dropped(tmp_path: Path) -> None:
    """A layer with heights gives plain outlines."""
    path = write_geojson(tmp_path / "a.geojson", [("a", Point(141.9, 42.7, 300.0))])
    ground = read_layer(source(path), ZONE, REGION).layer.ground
    assert not np.any(shapely.has_z(ground))
