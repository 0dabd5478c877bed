"""Settings: sources, paths, and every mistake explained with its place and remedy."""

import json
import os
from pathlib import Path

import pytest
from shapely.geometry import box

from monitor.cli.surroundings import doubtful
from monitor.config import Settings, SettingsError, load, unknown_variables
from monitor.config.extent import held_km2
from monitor.errors import ConfigError
from monitor.records import Detector, SensorPolicy

EXAMPLE = """\
database: sqlite:///watch.db
products: ./products
catalogs:
  local: {type: static, href: path/to/catalog.json}
regions:
  atsuma:
    geometry: {bbox: [141.8904, 42.6824, 142.0280, 42.7695]}   # or a GeoJSON file
    catalogs: [local]
    lookback_days: 20000
    sensor_policy: optical_only
"""
BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
PAST_180 = {"type": "Polygon", "coordinates": [[[179, 10], [181, 10], [181, 11], [179, 10]]]}
FAR_APART = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[x, y], [x + 0.01, y], [x + 0.01, y + 0.01], [x, y + 0.01], [x, y]]] for x, y in ((12.1, 44.0), (17.8, 48.0))
    ],
}
SQUARE = {"type": "Polygon", "coordinates": [[[10, 45], [11, 45], [11, 46], [10, 46], [10, 45]]]}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from an environment without settings."""

    for name in list(os.environ):
        if name.startswith("SCARPWATCH_"):
            monkeypatch.delenv(name)


def write(folder: Path, text: str = EXAMPLE) -> Path:
    """A configuration file in a folder."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> SettingsError:
    """What `load` says about a wrong configuration."""
    with pytest.raises(SettingsError) as caught:
        load(write(folder, text))
    return caught.value


def test_example_works_as_it_is(tmp_path: Path) -> None:
    """The documented example loads, and its paths start at the folder of the file."""
    settings = load(write(tmp_path))
    (region,) = settings.region_records()
    assert settings.database == f"sqlite:///{tmp_path}/watch.db"
    assert settings.products == tmp_path / "products"
    assert settings.catalogs["local"].href == str(tmp_path / "path/to/catalog.json")
    assert region.geometry.equals(box(141.8904, 42.6824, 142.0280, 42.7695))
    assert (region.id, region.catalogs, region.lookback_days) == ("atsuma", ("local",), 20000)
    assert region.sensor_policy is SensorPolicy.OPTICAL_ONLY


@pytest.mark.parametrize(
    ("collections", "policy", "said"),
    [
        ("optical: [], radar: []", "both", "of optical and of radar"),
        ("optical: []", "optical_only", "of optical"),
        ("optical: []", "both", ""),
        ("optical: []", "radar_only", ""),
        ("radar: []", "optical_when_clear", ""),
    ],
)
def test_a_region_without_any_scene_is_a_doubt(tmp_path: Path, collections: str, policy: str, said: str) -> None:
    """Empty lists under all of its catalogs leave nothing to watch."""
    catalog = f"href: path/to/catalog.json, collections: {{{collections}}}"
    text = EXAMPLE.replace("href: path/to/catalog.json", catalog).replace("optical_only", policy)
    doubts = [
        one.message for one in doubtful(load(write(tmp_path, text)), {}) if one.place == "regions.atsuma.catalogs"
    ]
    expected = f"nothing is ever watched: every catalog has an empty list {said} collections"
    assert doubts == ([expected] if said else [])
    beside = text.replace("regions:", "  other: {type: static, href: other.json}\nregions:").replace(
        "[local]", "[local, other]"
    )
    assert not any("ever watched" in one.message for one in doubtful(load(write(tmp_path, beside)), {}))


def test_shipped_configuration_is_valid() -> None:
    """The config.yaml of the checkout loads, with the values it shows equal to the defaults."""
    settings = load(Path(__file__).parents[1] / "config.yaml")
    assert list(settings.regions) == ["atsuma"]
    assert settings.alerts == Settings().alerts
    assert settings.models.name == "models"


def test_defaults_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    """Settings left out resolve like settings written down."""
    settings = load(write(tmp_path, "regions: {}\n"))
    assert settings.database == f"sqlite:///{tmp_path}/watch.db"
    assert settings.products == tmp_path / "products"


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables override single settings, also deep inside groups, and leave the rest of the file."""
    monkeypatch.setenv("SCARPWATCH_SERVE__PORT", "9999")
    monkeypatch.setenv("SCARPWATCH_REGIONS__ATSUMA__LOOKBACK_DAYS", "7")
    monkeypatch.setenv("SCARPWATCH_PRODUCTS", "elsewhere")
    monkeypatch.setenv("SCARPWATCH_ALERTS__HIGH", "0.5")
    settings = load(write(tmp_path, EXAMPLE + "alerts: {low: 0.1}\n"))
    assert settings.serve.port == 9999
    assert settings.regions["atsuma"].lookback_days == 7
    assert settings.regions["atsuma"].catalogs == ("local",)
    assert settings.products == tmp_path / "elsewhere"
    assert (settings.alerts.high, settings.alerts.low) == (0.5, 0.1)


def test_secret_from_a_named_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SCARPWATCH_DATABASE_FILE is read, stripped, wins, and the password is not shown."""
    secret = tmp_path / "database.secret"
    secret.write_text("postgresql://watch:hush@db.example/watch\n", encoding="utf-8")
    monkeypatch.setenv("SCARPWATCH_DATABASE", "sqlite:///other.db")
    monkeypatch.setenv("SCARPWATCH_DATABASE_FILE", str(secret))
    settings = load(write(tmp_path))
    assert settings.database == "postgresql+psycopg://watch:hush@db.example/watch"
    assert settings.database_label == "postgresql://watch:***@db.example/watch"
    assert "hush" not in repr(settings)


def test_secrets_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file of SCARPWATCH_SECRETS_DIR is a setting; a plain variable wins over it."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "database").write_text("postgresql://a:b@c/d", encoding="utf-8")
    (folder / "scarpwatch_model").write_text("other", encoding="utf-8")
    monkeypatch.setenv("SCARPWATCH_SECRETS_DIR", str(folder))
    monkeypatch.setenv("SCARPWATCH_MODEL", "named")
    settings = load(write(tmp_path))
    assert settings.database == "postgresql+psycopg://a:b@c/d"
    assert settings.model == "named"


def test_missing_secret_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that cannot be read stops the start and names the variable and the path."""
    monkeypatch.setenv("SCARPWATCH_DATABASE_FILE", str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match=r"SCARPWATCH_DATABASE_FILE.*absent"):
        load(write(tmp_path))


def test_unknown_variable_is_found() -> None:
    """A misspelt variable is reported; those that are read are not."""
    environ = {"SCARPWATCH_DATBASE": "x", "SCARPWATCH_SERVE__PORT": "1", "SCARPWATCH_CONFIG": "c.yaml", "PATH": "x"}
    assert unknown_variables(environ) == ["SCARPWATCH_DATBASE"]


@pytest.mark.parametrize(
    "content",
    [
        SQUARE,
        {"type": "Feature", "properties": {}, "geometry": SQUARE},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": SQUARE}]},
    ],
)
def test_region_from_geojson(tmp_path: Path, content: dict[str, object]) -> None:
    """A region is the same polygon from a file beside the configuration and written into it."""
    (tmp_path / "area.geojson").write_text(json.dumps(content), encoding="utf-8")
    bbox = "{bbox: [141.8904, 42.6824, 142.0280, 42.7695]}"
    for written in ("area.geojson", json.dumps(content)):
        (region,) = load(write(tmp_path, EXAMPLE.replace(bbox, written))).region_records()
        assert region.geometry.equals(box(10, 45, 11, 46))


def test_collections_left_out_or_none(tmp_path: Path) -> None:
    """What is not written is what is known; an empty list is no collection at all."""
    asked = "href: path/to/catalog.json, collections: {radar: [], land_cover: [io-lulc-9-class]}}"
    collections = (
        load(write(tmp_path, EXAMPLE.replace("href: path/to/catalog.json}", asked))).catalogs["local"].collections
    )
    assert (collections.optical, collections.radar, collections.terrain) == (None, (), None)
    assert collections.land_cover == ("io-lulc-9-class",)


BBOX = "{bbox: [141.8904, 42.6824, 142.0280, 42.7695]}"
MISTAKES = [
    # what is written instead of what, place, line, part of the message, part of the remedy
    ("lookback_days: 20000", "lookback_day: 20000", "regions.atsuma.lookback_day", 9, "no such", "mean lookback_days"),
    ("lookback_days: 20000", "lookback_days: -3", "regions.atsuma.lookback_days", 9, "greater than", "-3"),
    ("lookback_days: 20000", "lookback_days: soon", "regions.atsuma.lookback_days", 9, "integer", "whole number"),
    ("optical_only", "optical", "regions.atsuma.sensor_policy", 10, "optical_when_clear", "words named here"),
    ("optical_only", "radar", "regions.atsuma.sensor_policy", 10, "radar_only", "one of the words"),
    ("[local]", "[lokal]", "regions.atsuma.catalogs[0]", 8, "no catalog of this name (there are: local)", "catalogs:"),
    ("products: ./products", "drills: {regions: [atsuna]}", "drills.regions[0]", 2, "there are: atsuma", "regions:"),
    ("products: ./products", "drills: {regions: [atsuma], ha: 90}", "drills.ha", 2, "20", ""),
    ("[local]", "[]", "regions.atsuma.catalogs", 8, "at least 1", "at least one"),
    ("catalogs: [local]", "# nothing", "regions.atsuma.catalogs", 6, "must be", "Add it"),
    ("  atsuma:", "  at suma:", "regions.at suma", 6, "name cannot be used", "letters"),
    ("type: static", "type: file", "catalogs.local.type", 4, "'static' or 'stac'", "words"),
    (
        "catalog.json}",
        "catalog.json, collections: {land_cover: [io-lulc-9-class, corine]}}",
        "catalogs.local.collections.land_cover[1]",
        4,
        "classes of corine are not known (known: esa-worldcover, io-lulc-annual-v02, io-lulc-9-class, jaxa-hrlulc)",
        "under the name whose classes it has",
    ),
    ("type: static", "asset_hosts: ['http://a/b'], type: static", "catalogs.local.asset_hosts[0]", 4, "not a", "*."),
    ("products: ./products", "serve: {trusted_proxies: ['*']}", "serve.trusted_proxies[0]", 2, "no network", "10."),
    ("products: ./products", "serve: {trusted_proxies: [0.0.0.0/0]}", "serve.trusted_proxies[0]", 2, "everybody", ""),
    ("type: static", "typo: static, type: static", "catalogs.local.typo", 4, "no such", "mean type"),
    ("sqlite:///watch.db", "watch.db", "database", 1, "not a database URL", "sqlite:///"),
    ("sqlite:///watch.db", "mysql://a/b", "database", 1, "mysql is not", "postgresql://"),
    ("sqlite:///watch.db", "postgresql://host", "database", 1, "names no database", "postgresql://"),
    ("database:", "databse:", "databse", 1, "no such", "mean database"),
    ("products: ./products", "database: sqlite:///x.db", "database", 2, "twice", "line 1"),
    ("products: ./products", "alerts: {hihg: 0.4}", "alerts.hihg", 2, "no such", "mean high"),
    ("products: ./products", "alerts: {high: 0.1}", "alerts.low", 2, "low is greater", "smaller"),
    ("products: ./products", "alerts: {min_area_ha: 0}", "alerts.min_area_ha", 2, "greater than 0", "number"),
    ("products: ./products", "serve: {port: 70000}", "serve.port", 2, "65535", "range"),
    ("products: ./products", "poll_minutes: 0", "poll_minutes", 2, "greater than 0", "range"),
    ("142.0280", "141.0", "regions.atsuma.geometry.bbox", 7, "west (141.8904) is not less than east (141.0)", "180"),
    ("42.7695", "42.0", "regions.atsuma.geometry.bbox", 7, "south", "order"),
    (", 42.7695", "", "regions.atsuma.geometry.bbox", 7, "four numbers", "west, south"),
    ("{bbox: [141", "{box: [1, 2, 3, 4], bbox: [141", "regions.atsuma.geometry.box", 7, "no such", "bbox"),
    (BBOX, "[1, 2]", "regions.atsuma.geometry", 7, "neither a bbox", "bbox"),
    (BBOX, "{bbox: [500000, 4600000, 510000, 4700000]}", "regions.atsuma.geometry", 7, "longitude", "EPSG:4326"),
    (BBOX, json.dumps(BOW_TIE), "regions.atsuma.geometry", 7, "Self-intersection at 0.5, 0.5", "corner"),
    (BBOX, '{"type": "Polygon", "coordinates": []}', "regions.atsuma.geometry", 7, "empty", "corners"),
    (BBOX, '{"type": "Point", "coordinates": [1, 2]}', "regions.atsuma.geometry", 7, "not Point", "polygon"),
    (BBOX, '{"type": "Polygon", "coordinates": "x"}', "regions.atsuma.geometry", 7, "coordinates", "GeoJSON"),
    (BBOX, "{bbox: [-180, -80, 180, 80]}", "regions.atsuma.geometry", 7, "GB of memory", "several regions"),
    (BBOX, "{bbox: [8, 44, 15, 49]}", "regions.atsuma.geometry", 7, "about 45,", "several regions"),
    (BBOX, json.dumps(PAST_180), "regions.atsuma.geometry", 7, "crosses the 180th meridian", "cut at 180°"),
    (BBOX, json.dumps(FAR_APART), "regions.atsuma.geometry", 7, "too large", "what lies between"),
    (BBOX, "missing.geojson", "regions.atsuma.geometry", 7, "missing.geojson", "folder of the configuration"),
    (BBOX, "broken.geojson", "regions.atsuma.geometry", 7, "not JSON (line 1)", "GeoJSON"),
]


@pytest.mark.parametrize(("old", "new", "place", "line", "message", "remedy"), MISTAKES)
def test_mistake_is_explained(
    tmp_path: Path, old: str, new: str, place: str, line: int, message: str, remedy: str
) -> None:
    """Each mistake is reported with its place, its line, what is wrong and what to do."""
    assert old in EXAMPLE
    (tmp_path / "broken.geojson").write_text("<html>", encoding="utf-8")
    error = refusal(tmp_path, EXAMPLE.replace(old, new, 1))
    (found,) = [mistake for mistake in error.mistakes if mistake.place == place]
    assert (found.place, found.line) == (place, line)
    assert message in found.message
    assert remedy in found.remedy
    assert str(error).startswith(f"{tmp_path / 'config.yaml'}")


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """Several mistakes are reported together, in the order of the file."""
    text = EXAMPLE.replace("20000", "-1").replace("type: static", "type: file").replace("142.0280", "100")
    error = refusal(tmp_path, text)
    assert [mistake.place for mistake in error.mistakes] == [
        "catalogs.local.type",
        "regions.atsuma.geometry.bbox",
        "regions.atsuma.lookback_days",
    ]


def test_mistake_in_the_environment_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong value from a variable is not blamed on the file."""
    monkeypatch.setenv("SCARPWATCH_POLL_MINUTES", "often")
    (mistake,) = refusal(tmp_path, EXAMPLE).mistakes
    assert (mistake.place, mistake.line) == ("SCARPWATCH_POLL_MINUTES", None)
    assert "number" in mistake.remedy


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [("regions:\n  a: [1, 2\n", 3, "not YAML"), ("a:\n\t- b\n", 2, "not YAML"), ("- a\n- b\n", 1, "settings by name")],
)
def test_broken_file_is_explained(tmp_path: Path, text: str, line: int, message: str) -> None:
    """What is not YAML, or not a mapping, is refused with its line."""
    (mistake,) = refusal(tmp_path, text).mistakes
    assert mistake.line == line
    assert message in mistake.message


def test_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    """A configuration that is not there tells where one is looked for."""
    with pytest.raises(SettingsError, match=r"no such file.*--config"):
        load(tmp_path / "absent.yaml")


def test_alert_settings_are_the_fields_of_the_core(tmp_path: Path) -> None:
    """Thresholds reach the core as its own record, enums included."""
    settings = load(write(tmp_path, EXAMPLE + "alerts: {detectors: [baseline], looks: 5}\n"))
    assert settings.alerts.detectors == (Detector.BASELINE,)
    assert settings.alerts.looks == 5


def test_ground_is_measured_on_the_ellipsoid() -> None:
    """A degree at 45° north has the 8,687 km² of the ellipsoid; parts in different zones are held apart."""
    assert held_km2(box(10, 45, 11, 46)) == pytest.approx(8687, rel=0.0005)
    assert held_km2(box(0, 60, 6, 61)) == pytest.approx(6 * held_km2(box(0, 60, 1, 61)), rel=1e-4)
    either_side = box(179.9, 10, 180, 10.1).union(box(-180, 10, -179.9, 10.1))
    assert held_km2(either_side) == pytest.approx(2 * held_km2(box(3, 10, 3.1, 10.1)))
    assert held_km2(box(5.9, -0.1, 6.1, 0.1)) == pytest.approx(4 * held_km2(box(0, 0, 0.1, 0.1)))


def test_the_default_policy_knows_radar(tmp_path: Path) -> None:
    """optical_when_clear, written or left out."""
    for text in (EXAMPLE.replace("    sensor_policy: optical_only\n", ""), EXAMPLE.replace("_only", "_when_clear")):
        assert load(write(tmp_path, text)).regions["atsuma"].sensor_policy is SensorPolicy.OPTICAL_WHEN_CLEAR
