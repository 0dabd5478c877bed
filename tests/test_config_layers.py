"""Layers and the table of severity in the configuration, and what `config check` says of them."""

import json
from pathlib import Path

import pytest
from shapely.geometry import Point

from monitor.cli.run import run
from monitor.config import SettingsError, load
from monitor.core.severity import SeverityRow, SeverityTable
from monitor.records import LayerKind, LayerSource
from tests.fake_watch import parts, region_polygon, write_config
from tests.layer_files import write_geojson

HERE = region_polygon().representative_point()


def write(folder: Path, extra: str = "", region: str = "") -> Path:
    """A configuration with these lines at its end and more settings of its region."""
    path = write_config(folder, extra)
    path.write_text(path.read_text(encoding="utf-8").replace("lookback_days: 60", f"lookback_days: 60{region}"))
    return path


def check(capsys: pytest.CaptureFixture[str], path: Path) -> tuple[int, dict[str, list[dict[str, object]]]]:
    """Exit code and document of `config check --json`."""
    capsys.readouterr()
    code = run(["config", "check", "--json", "--config", str(path)], parts())
    document: dict[str, list[dict[str, object]]] = json.loads(capsys.readouterr().out)
    return code, document


def test_layers_of_all_regions_and_of_one(tmp_path: Path) -> None:
    """A region's layer joins those of all, or takes the place of one; paths start at the file's folder."""
    path = write(
        tmp_path,
        "layers:\n  roads: {kind: roads, path: a.gpkg, layer: main, name_field: ref}\n"
        "  towns: {kind: places, path: /elsewhere/b.geojson}\n",
        ", layers: {roads: {kind: roads, path: own/c.gpkg}, houses: {kind: buildings, path: d.json}}",
    )
    assert load(path).region_layers() == {
        "valley": (
            LayerSource(name="roads", kind=LayerKind.ROADS, path=tmp_path / "own/c.gpkg"),
            LayerSource(name="towns", kind=LayerKind.PLACES, path=Path("/elsewhere/b.geojson")),
            LayerSource(name="houses", kind=LayerKind.BUILDINGS, path=tmp_path / "d.json"),
        )
    }


@pytest.mark.parametrize(
    ("extra", "place", "words"),
    [
        ("layers: {a: {kind: rivers, path: a.gpkg}}", "layers.a.kind", "'places', 'roads', 'buildings' or 'zones'"),
        ("layers: {a: {kind: roads}}", "layers.a.path", "this is not there"),
        ("layers: {a: {kind: roads, path: a.gpkg, field: x}}", "layers.a.field", "Did you mean name_field?"),
        ("layers: {a b: {kind: roads, path: a.gpkg}}", "layers.a b", "Use letters"),
        ("severity: {grave: {}}", "severity.grave", "severe"),
        ("severity: {severe: {area: 1}}", "severity.severe.area", "Did you mean area_ha?"),
        ("severity: {severe: {area_ha: 0}}", "severity.severe.area_ha", "Give a number in range"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, extra: str, place: str, words: str) -> None:
    """Every mistake has its place, its line and what to do."""
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, extra + "\n"))
    (mistake,) = caught.value.mistakes
    assert mistake.place == place
    assert words in mistake.message + mistake.remedy
    assert mistake.line is not None


def test_the_table_of_severity(tmp_path: Path) -> None:
    """Without a word the table is the documented one; a row that is given replaces the whole row."""
    assert load(write(tmp_path / "plain")).severity.table() == SeverityTable()
    given = load(
        write(tmp_path / "given", "severity: {severe: {roads: 3}, low_confidence_steps: 0}\n")
    ).severity.table()
    assert given.severe == SeverityRow(roads=3)
    assert (given.extreme, given.low_confidence_steps) == (SeverityTable().extreme, 0)


def test_config_check_names_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A layer that cannot be read is a mistake with a remedy; odd features and ground elsewhere are hints."""
    (tmp_path / "rubbish.gpkg").write_bytes(b"<html>")
    write_geojson(tmp_path / "odd.geojson", [("here", HERE), ("null", None)])
    write_geojson(tmp_path / "far.geojson", [("far", Point(0, 0))])
    layers = "layers:\n" + "".join(
        f"  {name}: {{kind: places, path: {name}.{suffix}}}\n"
        for name, suffix in (("lost", "gpkg"), ("rubbish", "gpkg"), ("odd", "geojson"), ("far", "geojson"))
    )
    code, document = check(capsys, write(tmp_path, layers))
    assert code == 2
    mistakes = {one["place"]: one for one in document["mistakes"]}
    assert set(mistakes) == {"layers.lost", "layers.rubbish"}
    assert "Correct the path" in str(mistakes["layers.lost"]["remedy"])
    assert mistakes["layers.rubbish"]["message"] == (f"{tmp_path}/rubbish.gpkg: it is neither a GeoPackage nor GeoJSON")
    assert mistakes["layers.lost"]["line"] == 7
    hints = {one["place"]: str(one["message"]) for one in document["hints"]}
    assert hints == {
        "layers.odd": "1 feature without a usable geometry left out",
        "layers.far": "it has nothing within 20 km of region valley",
    }


def test_good_layers_are_not_mentioned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A layer that is as it should be leaves the check as short as before."""
    write_geojson(tmp_path / "towns.geojson", [("here", HERE)])
    code, document = check(capsys, write(tmp_path, region=", layers: {towns: {kind: places, path: towns.geojson}}"))
    assert (code, document["mistakes"], document["hints"]) == (0, [], [])
