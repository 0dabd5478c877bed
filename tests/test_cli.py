"""The command line: what every command prints, and the exit codes that scripts rely on."""

import json
import os
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from shapely.geometry import Polygon, shape

from monitor.adapters.store import SqlStore
from monitor.adapters.store.migration import downgrade
from monitor.cli.exits import exit_code
from monitor.cli.run import run
from monitor.errors import BadModel, CatalogUnavailable, ConfigError, ScarpwatchError, StoreBusy
from monitor.records import Rejected
from tests.fake_watch import NOW, RIGHT, TILE, parts, region_polygon, write_config


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration named by SCARPWATCH_CONFIG, in an environment without other settings."""
    for name in list(os.environ):
        if name.startswith("SCARPWATCH_"):
            monkeypatch.delenv(name)
    path = write_config(tmp_path)
    monkeypatch.setenv("SCARPWATCH_CONFIG", str(path))
    monkeypatch.setenv("COLUMNS", "200")
    return path


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    capsys.readouterr()
    code = run(arguments, parts())
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def call_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    """Exit code and JSON document of one command; nothing else may be on standard output."""
    code, out, _ = call(capsys, *arguments, "--json")
    document = json.loads(out)
    assert isinstance(document, dict)
    return code, document


def picture(config: Path) -> None:
    """The picture of the large alert; the small one's was lost."""
    path = config.parent / "products" / "pictures" / "large.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"png")


def counter_clockwise(geometry: dict[str, object]) -> bool:
    """Whether the exterior ring of a GeoJSON polygon turns left."""
    outline = shape(geometry)
    assert isinstance(outline, Polygon)
    return outline.exterior.is_ccw


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version needs no command."""
    code, out, _ = call(capsys, "--version")
    assert (code, out.split()[0]) == (0, "scarpwatch")


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command's --help names the codes."""
    for command in ((), ("once",), ("run",), ("alerts",), ("config", "check"), ("db", "upgrade")):
        code, out, _ = call(capsys, *command, "--help")
        assert code == 0
        assert "Exit codes: 0" in out


@pytest.mark.usefixtures("config")
def test_once_then_nothing_new(capsys: pytest.CaptureFixture[str]) -> None:
    """A first pass creates the SQLite database and works; a second finds nothing new and says so."""
    code, out, err = call(capsys, "once")
    assert code == 0
    assert "2 new acquisition(s), 2 processed, 0 parked" in out
    assert "2 alert(s) opened" in out
    assert "not observed" in out
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["action"] for line in lines] == ["discovered", "claimed", "done", "claimed", "done"]
    code, out, _ = call(capsys, "once")
    assert code == 0
    assert out.startswith("Nothing new.")


@pytest.mark.usefixtures("config")
def test_once_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints the summary and nothing else."""
    code, document = call_json(capsys, "once")
    assert code == 0
    assert (document["discovered"], document["processed"], document["alerts_opened"]) == (2, 2, 2)


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(("variable", "said"), [("BAD_ITEM", "1 parked"), ("CATALOG_DOWN", "answers 503")])
def test_once_that_had_trouble_exits_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str, said: str
) -> None:
    """Something parked or a silent catalog is exit code 1, with the reason."""
    monkeypatch.setenv(variable, "yes")
    code, out, _ = call(capsys, "once")
    assert code == 1
    assert said in out


@pytest.mark.usefixtures("config")
def test_alerts_as_geojson(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """Open alerts worst first, outlined in EPSG:4326, with what was not observed; candidates are no alerts."""
    call(capsys, "once")
    picture(config)
    code, document = call_json(capsys, "alerts")
    assert code == 0
    assert document["type"] == "FeatureCollection"
    features = document["features"]
    assert isinstance(features, list)
    assert [feature["id"] for feature in features] == ["large", "small"]
    assert shape(features[0]["geometry"]).within(region_polygon())
    properties = features[0]["properties"]
    # The other feature's picture is not there, and is not promised.
    assert [feature["properties"]["picture"] for feature in features] == ["pictures/large.png", None]
    assert all(counter_clockwise(feature["geometry"]) for feature in features)
    assert properties["window_start"] == "2026-01-05T01:30:00+00:00"
    assert set(properties) >= {"state", "status", "detector", "area_ha", "mean_change", "confidence", "model_version"}
    assert properties["alike_from_m"] is None
    missed = document["not_observed"]
    assert isinstance(missed, dict)
    # Of 1.5 tiles, a quarter of one was seen twice, all of it once.
    assert missed["valley"]["share_not_observed"] == pytest.approx(1 - 0.25 / 1.5, abs=0.01)
    assert missed["valley"]["share_not_seen"] == 0
    assert missed["valley"]["tiles_without_earlier_look"] == [TILE.id]


@pytest.mark.usefixtures("config")
def test_blind_slopes_that_cannot_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A folder is no file: the option is named, with what helps."""
    call(capsys, "once")
    code, _, err = call(capsys, "status", "--blind-slopes", str(tmp_path))
    assert code == 2
    assert f"--blind-slopes: {tmp_path} cannot be written: Is a directory" in err
    assert "Name a file" in err


@pytest.mark.usefixtures("config")
def test_all_alerts_include_ended_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """--all adds what was refuted, never candidates."""
    call(capsys, "once")
    _, document = call_json(capsys, "alerts", "--all")
    features = document["features"]
    assert isinstance(features, list)
    assert [feature["id"] for feature in features] == ["gone", "large", "small"]


@pytest.mark.usefixtures("config")
def test_no_alert_is_never_shown_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Without any look the list says that its emptiness means nothing."""
    call(capsys, "db", "upgrade")
    code, out, _ = call(capsys, "alerts")
    assert code == 0
    assert "No open alerts." in out
    assert "nothing observed yet" in out
    assert "means nothing; 0 open alert(s)\n" in call(capsys, "status")[1]
    _, document = call_json(capsys, "alerts")
    missed = document["not_observed"]
    assert isinstance(missed, dict)
    assert missed["valley"]["share_not_observed"] == 1
    assert missed["valley"]["tiles_never_observed"] == [TILE.id, RIGHT.id]
    assert missed["valley"]["learning"] is True


@pytest.mark.usefixtures("config")
def test_alert_table_for_people(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """The table shows the worst first with place, hectares, window and picture, then the coverage."""
    call(capsys, "once")
    picture(config)
    _, out, _ = call(capsys, "alerts")
    assert out.index("large") < out.index("small")
    for part in ("4.00", "2026-01-05", "83.4% not observed", "last look 10 days ago"):
        assert part in out
    assert f"     {config.parent}/products/pictures/large.png\n" in out
    assert out.count("     no picture\n") == 1


@pytest.mark.usefixtures("config")
def test_status_shows_the_parked_and_release_frees_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parked acquisition is listed with reason and remedy and can be put back; status is 1 until then."""
    monkeypatch.setenv("BAD_ITEM", "yes")
    call(capsys, "once")
    code, document = call_json(capsys, "status")
    assert code == 1
    parked = document["parked"]
    assert isinstance(parked, list)
    assert [(one["id"], one["reason"]) for one in parked] == [("S2A-1_v1", "bad-item")]
    assert "Ask the provider" in parked[0]["detail"]
    code, out, _ = call(capsys, "status")
    assert code == 1
    assert "  valley: bad-item: asset B04 is missing. Ask the provider.\n" in out
    assert "    then: scarpwatch release valley S2A-1_v1\n" in out
    assert "learning: no earlier look" in out

    assert call(capsys, "release", "valley", "S2A-9_v1")[0] == 1
    assert call(capsys, "release", "valley", "S2A-1_v1")[0] == 0
    monkeypatch.delenv("BAD_ITEM")
    assert call(capsys, "once")[0] == 0
    code, document = call_json(capsys, "status")
    assert code == 0
    regions = document["regions"]
    assert isinstance(regions, dict)
    assert regions["valley"]["ledger"] == {"done": {"compared": 1, "learning": 1}}
    assert regions["valley"]["alerts"]["provisional"] == 2
    assert regions["valley"]["last_look"] == "2026-01-10T01:30:00+00:00"
    assert regions["valley"]["share_seen_by_sensor"] == {"optical": 1.0, "sar": 0.0}
    assert "2026-01-15, not seen yet, else 2026-01-20 (optics, orbit 31); 2 open alert(s)" in call(capsys, "status")[1]


@pytest.mark.usefixtures("config")
def test_broken_look_counts_as_not_observed(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """A kept look that cannot be read lowers the share and is told."""
    call(capsys, "once")
    for path in (config.parent / "products" / "looks" / RIGHT.id).glob("S2A-0*"):
        path.write_bytes(b"")
    _, out, _ = call(capsys, "status")
    assert "1 kept looks could not be read" in out
    _, document = call_json(capsys, "alerts")
    missed = document["not_observed"]
    assert isinstance(missed, dict)
    assert missed["valley"]["share_not_observed"] == 1


@pytest.mark.usefixtures("config")
def test_regions_and_models(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Regions are GeoJSON; the models in use are marked, and one that is not there is exit code 2."""
    code, document = call_json(capsys, "regions")
    assert code == 0
    features = document["features"]
    assert isinstance(features, list)
    assert len(features) == 1
    outline = shape(features[0]["geometry"])
    assert outline.equals(region_polygon())
    assert counter_clockwise(features[0]["geometry"])
    assert "valley" in call(capsys, "regions")[1]
    code, document = call_json(capsys, "models")
    assert code == 0
    models = document["models"]
    assert isinstance(models, list)
    assert [model["name"] for model in models] == [document["in_use"]] == ["scar-rgb-noiburi"]
    assert "scar-rgb-noiburi (in use)" in call(capsys, "models")[1]
    monkeypatch.setenv("SCARPWATCH_RADAR_MODEL", "not-there")
    code, document = call_json(capsys, "models")
    assert (code, document["in_use"], document["radar_in_use"]) == (2, "scar-rgb-noiburi", "not-there")


@pytest.mark.usefixtures("config")
def test_unfit_model_is_told(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """Weights that do not match their card are named by models and config check, with exit code 2."""
    (config.parent / "models" / "scar-rgb-noiburi" / "model.onnx").write_bytes(b"other weights")
    code, out, _ = call(capsys, "models")
    assert code == 2
    assert "broken:" in out
    code, out, _ = call(capsys, "config", "check")
    assert code == 2
    assert "model:" in out


def test_config_check_of_a_good_file(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """All well is said with what was understood; a misspelt variable is a hint."""
    code, out, _ = call(capsys, "config", "check")
    assert code == 0
    assert f"{config}: all is well: 1 region(s), 1 catalog(s)" in out
    os.environ["SCARPWATCH_PRODUKTS"] = "x"
    try:
        code, document = call_json(capsys, "config", "check", "--config", str(config))
    finally:
        del os.environ["SCARPWATCH_PRODUKTS"]
    assert code == 0
    hints = document["hints"]
    assert isinstance(hints, list)
    assert hints[0]["place"] == "SCARPWATCH_PRODUKTS"


def test_config_check_explains_mistakes(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """Each mistake is one line with file, line number and place, and one with the remedy; exit code 2."""
    text = config.read_text(encoding="utf-8").replace("lookback_days: 60", "lookback_days: -1")
    config.write_text(text.replace("[local]", "[locl]"), encoding="utf-8")
    code, out, _ = call(capsys, "config", "check")
    assert code == 2
    assert f"{config}:4: regions.valley.lookback_days: " in out
    code, out, err = call(capsys, "once")
    assert code == 2
    assert f"{config}:4: regions.valley.lookback_days: " in err


def test_config_check_looks_around(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """What a valid file needs around it is checked too: catalog file, folders."""
    (config.parent / "catalog.json").unlink()
    config.write_text(config.read_text(encoding="utf-8") + "products: area.geojson/products\n", encoding="utf-8")
    code, document = call_json(capsys, "config", "check")
    assert code == 2
    mistakes = document["mistakes"]
    assert isinstance(mistakes, list)
    assert [(one["place"], one["line"]) for one in mistakes] == [("catalogs.local.href", 3), ("products", 6)]


def test_misspelt_model_is_guessed(
    capsys: pytest.CaptureFixture[str], config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that is not there is told with its line and the name that is near, also by commands that work."""
    config.write_text(config.read_text(encoding="utf-8") + "model: scar-rgb-noiburri\n", encoding="utf-8")
    for command in (("config", "check"), ("once",), ("run",)):
        code, out, err = call(capsys, *command)
        assert code == 2
        assert f"{config}:6: model: there is no model scar-rgb-noiburri in " in out + err
        assert "Did you mean scar-rgb-noiburi? See: scarpwatch models\n" in out + err
    monkeypatch.setenv("SCARPWATCH_MODEL", "elsewhere")
    _, out, _ = call(capsys, "config", "check")
    assert f"{config}: SCARPWATCH_MODEL: there is no model elsewhere in " in out


def test_collections_that_a_static_catalog_lacks(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """A hint names the line of the wrong collections and those the catalog has; right ones give none."""
    link = {"rel": "child", "href": "./scenes/collection.json"}
    root = {"type": "Catalog", "stac_version": "1.1.0", "links": [link]}
    (config.parent / "catalog.json").write_text(json.dumps(root), encoding="utf-8")
    (config.parent / "scenes").mkdir()
    below = {"type": "Collection", "stac_version": "1.1.0", "id": "s2", "links": []}
    (config.parent / "scenes" / "collection.json").write_text(json.dumps(below), encoding="utf-8")
    text = config.read_text(encoding="utf-8")
    for asked, place in (("", "optical"), ("optical: [s3]", "optical"), ("optical: [s2], terrain: [dem]", "terrain")):
        catalog = f"href: catalog.json, collections: {{{asked}}}"
        config.write_text(text.replace("href: catalog.json", catalog), encoding="utf-8")
        code, out, _ = call(capsys, "config", "check")
        assert code == 0
        assert f"hint: {config}:3: catalogs.local.collections.{place}: the catalog has no collection " in out
        assert "hint: There are: s2.\n" in out
        assert out.count("hint: ") == 2
    for right in ("optical: [s2]", "terrain: [s2]"):
        config.write_text(text.replace("href: catalog.json", f"href: catalog.json, collections: {{{right}}}"))
        assert "hint" not in call(capsys, "config", "check")[1]


def test_config_check_hints(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """A large region is told with its line; the exit code stays 0."""
    rest = [line for line in config.read_text(encoding="utf-8").splitlines() if not line.startswith("regions")]
    large = "{geometry: {bbox: [10, 45, 11, 46]}, catalogs: [local]}"
    config.write_text("\n".join([*rest, f"regions: {{large: {large}}}", ""]), encoding="utf-8")
    code, document = call_json(capsys, "config", "check")
    hints = cast("list[dict[str, object]]", document["hints"])
    assert (code, [(one["place"], one["line"]) for one in hints]) == (
        0, [("regions.large.geometry", 5)],
    )  # fmt: skip
    assert "8,686 km² to be held at once, about 1,326 tiles and 24 GB" in str(hints[0]["message"])


@pytest.mark.usefixtures("config")
def test_usage_errors_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown region, option or file is wrong usage."""
    call(capsys, "db", "upgrade")
    code, _, err = call(capsys, "alerts", "--region", "elsewhere")
    assert code == 2
    assert "configured: valley" in err
    assert call(capsys, "alerts", "--nonsense")[0] == 2
    assert call(capsys, "once", "--config", "absent.yaml")[0] == 2


@pytest.mark.usefixtures("config")
def test_database_that_is_not_there_exits_3(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """Reading commands do not make a database; they name the command that does."""
    code, _, err = call(capsys, "status")
    assert code == 3
    assert "scarpwatch db upgrade" in err
    assert not (config.parent / "watch.db").exists()
    assert call(capsys, "db", "upgrade")[0] == 0
    assert call(capsys, "status")[0] == 0


def test_postgres_out_of_reach_exits_3(
    capsys: pytest.CaptureFixture[str], config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not answer is exit code 3, and its password is not shown."""
    pytest.importorskip("psycopg")
    monkeypatch.setenv("SCARPWATCH_DATABASE", "postgresql://watch:hush@127.0.0.1:1/watch")
    code, out, err = call(capsys, "once", "--config", str(config))
    assert code == 3
    assert "127.0.0.1:1" in err
    assert "hush" not in out + err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreBusy("locked", item="db", remedy="Wait."), 3),
        (ConfigError("old", item="db", remedy="Run: scarpwatch db upgrade"), 3),
        (ConfigError("wrong", item="x", remedy="Correct it."), 2),
        (BadModel("wrong", item="x", remedy="Correct it."), 2),
        (CatalogUnavailable("503", item="x", remedy="Wait."), 1),
    ],
)
def test_exit_code_of_errors(error: ScarpwatchError, code: int) -> None:
    """Every kind of error that ends a command has its code."""
    assert exit_code(error) == code


def test_demo_passes_its_options_and_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """demo hands seed, folder and check over; a check that is not passed is exit code 1."""
    code, out, _ = call(capsys, "demo", "--seed", "7", "--folder", "place", "--check")
    assert (code, out.strip()) == (0, "place 7 True")
    assert call(capsys, "demo", "--seed", "13")[0] == 1


@pytest.mark.usefixtures("config")
def test_old_looks_are_outside_the_look_back(capsys: pytest.CaptureFixture[str]) -> None:
    """Shares are about the look-back; the age of the last look is told however old it is."""
    call(capsys, "once")
    later = parts(lambda: NOW + timedelta(days=365))
    assert run(["alerts"], later) == 0
    out = capsys.readouterr().out
    assert "100% not observed" in out
    assert "last look 375 days ago" in out


@pytest.mark.usefixtures("config")
def test_old_sqlite_is_upgraded_by_once_only(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """SQLite of an older version is refused by readers and upgraded by once."""
    call(capsys, "db", "upgrade")
    store = SqlStore(f"sqlite:///{config.parent}/watch.db")
    downgrade(store.database, "base")
    store.close()
    assert call(capsys, "status")[0] == 3
    assert call(capsys, "once")[0] == 0
    assert call(capsys, "status")[0] == 0


def test_refused_items_are_shown(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """What polls refuse is in status with its reason, for people and for machines."""
    call(capsys, "once")
    refused = Rejected(item="S2_BROKEN", reason="no-geometry", detail="the item has no footprint")
    with closing(SqlStore(f"sqlite:///{config.parent / 'watch.db'}")) as store:
        store.discover("valley", [], [refused], NOW)
    assert "S2_BROKEN: no-geometry, the item has no footprint" in call(capsys, "status")[1]
    _, document = call_json(capsys, "status")
    (row,) = cast("list[dict[str, object]]", document["refused"])
    assert (row["item"], row["reason"], row["polls"]) == ("S2_BROKEN", "no-geometry", 1)
