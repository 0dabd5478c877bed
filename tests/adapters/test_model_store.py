"""Model folders are believed only when everything in them agrees."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from monitor.adapters.model_store import list_models, load_card, load_watch_card
from monitor.core.features import bands_to_read, earlier_dates
from monitor.errors import BadModel
from monitor.records import Sensor
from monitor.shipped import shipped_folder
from tests.adapters.tiny_model import make_model, write_card


def test_a_good_folder_gives_its_card(tmp_path: Path) -> None:
    """Every field of the card comes from the file, the name from the folder."""
    card = load_card(make_model(tmp_path / "scar-tiny"))

    assert (card.name, card.version, card.task, card.sensor) == ("scar-tiny", "1.0.0", "scar", Sensor.OPTICAL)
    assert card.bands == ("B04", "B03", "B02")
    assert (card.window_px, card.crop_px, card.resolution_m, card.threshold) == (320, 32, 10.0, 0.5)
    assert card.flips == ("identity", "horizontal", "vertical", "both")
    assert Path(card.weights).is_absolute()
    assert Path(card.weights).is_file()


def test_band_objects_are_read_by_name(tmp_path: Path) -> None:
    """MLM lets a band be an object with a name."""
    bands = [{"name": "B04"}, {"name": "B03"}, "B02"]
    folder = make_model(tmp_path / "m", {"mlm:input": [{"bands": bands}]})

    assert load_card(folder).bands == ("B04", "B03", "B02")


def test_the_shipped_model_of_two_dates_can_watch() -> None:
    """Three bands now and the same three of an earlier look."""
    card = load_watch_card(shipped_folder("models") / "change-rgb")

    assert card.of_pairs
    assert bands_to_read(card) == ("B04", "B03", "B02")
    assert earlier_dates(card) == 1


@pytest.mark.parametrize(
    ("task", "bands", "says"),
    [
        ("change", ["B04", "B03", "B02"], "sees no earlier date"),
        ("change", ["B04", "B04:before", "B04:before3"], r"dates :before, :before3, where .*\(:before, :before2\)"),
        ("change", ["B04", "B04:before", "B04:after2"], "where one look after"),
        ("change", ["B04", "B08:before", "B04:before"], "needs B08, but looks keep red, green and blue"),
        ("change", ["NDVI", "B04:before", "B04"], "needs B08"),
        ("scar", ["B04", "B03", "B04:before"], "'B04:before' of another date"),
        ("change", ["B04", "B04:before", "tri:before"], "the input 'tri:before'"),
    ],
)
def test_dates_that_the_service_cannot_give(tmp_path: Path, task: str, bands: list[str], says: str) -> None:
    """One look after and a whole row of looks before, of what looks keep; the error names what is in the way."""
    folder = make_model(tmp_path / "m", {"scarpwatch:task": task, "mlm:input": [{"bands": bands}]})
    assert load_card(folder).task == task
    with pytest.raises(BadModel, match=says):
        load_watch_card(folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scarpwatch:channels": 4}, r"3 bands .* scarpwatch:channels is 4"),
        ({"mlm:input": [{"bands": ["B04", "B03"]}]}, r"2 bands .* scarpwatch:channels is 3"),
        ({"mlm:input": [{"bands": []}]}, "names no bands"),
        ({"mlm:input": None}, "mlm:input is missing"),
        (
            {"mlm:input": [{"bands": ["B04", "B03", "B02"], "input": {"shape": [1, 3, 128, 128]}}]},
            r"shape \[1, 3, 128, 128\]",
        ),
        ({"scarpwatch:task": "weather"}, "scarpwatch:task is 'weather'"),
        ({"scarpwatch:sensor": "lidar"}, "scarpwatch:sensor is 'lidar'"),
        ({"scarpwatch:flips": ["diagonal"]}, "scarpwatch:flips"),
        ({"scarpwatch:flips": []}, "scarpwatch:flips"),
        ({"scarpwatch:threshold": 50}, "not between 0 and 1"),
        ({"scarpwatch:threshold": None}, "lacks scarpwatch:threshold"),
        ({"scarpwatch:simulated": "no"}, "lacks scarpwatch:simulated"),
        ({"scarpwatch:window_px": 300, "mlm:input": [{"bands": ["B04", "B03", "B02"]}]}, "does not divide"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    """The error names the folder, what is wrong, and a remedy."""
    folder = make_model(tmp_path / "m", changes)

    with pytest.raises(BadModel, match=says) as caught:
        load_card(folder)

    assert str(folder) in caught.value.item
    assert caught.value.remedy.endswith(".")


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    """A single appended byte no longer has the card's hash."""
    folder = make_model(tmp_path / "m")
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"\0")

    with pytest.raises(BadModel, match="sha256"):
        load_card(folder)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    """A card without its weights says which file is missing."""
    folder = make_model(tmp_path / "m")
    (folder / "model.onnx").unlink()

    with pytest.raises(BadModel, match=r"model\.onnx cannot be read"):
        load_card(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "<html></html>"])
def test_a_card_that_is_not_a_stac_item_is_refused(tmp_path: Path, content: str) -> None:
    """Empty, cut, foreign or HTML: all are BadModel, none a traceback."""
    folder = make_model(tmp_path / "m")
    (folder / "model.json").write_text(content)

    with pytest.raises(BadModel, match=r"model\.json"):
        load_card(folder)


def test_a_missing_folder_says_how_models_are_made(tmp_path: Path) -> None:
    """The remedy for a wrong name is the export command."""
    with pytest.raises(BadModel, match="training export"):
        load_card(tmp_path / "nowhere")


def test_one_broken_folder_does_not_hide_the_others(tmp_path: Path) -> None:
    """Good cards come sorted by name, broken folders as their errors."""
    make_model(tmp_path / "b")
    make_model(tmp_path / "a")
    broken = make_model(tmp_path / "c")
    write_card(broken, {"scarpwatch:channels": 9})

    cards, errors = list_models(tmp_path)

    assert [card.name for card in cards] == ["a", "b"]
    assert [str(broken) in error.item for error in errors] == [True]
    assert list_models(tmp_path / "nowhere") == ([], [])


def test_what_passes_must_resolve(tmp_path: Path) -> None:
    """A radar card may say it; what is no size is refused."""
    key = "scarpwatch:native_resolution_m"
    assert load_card(make_model(tmp_path / "silent")).native_resolution_m is None
    assert load_card(make_model(tmp_path / "said", {key: 22})).native_resolution_m == 22.0
    with pytest.raises(BadModel, match=f"{key} is 0"):
        load_card(make_model(tmp_path / "none", {key: 0}))


def test_the_hash_may_be_written_in_capitals(tmp_path: Path) -> None:
    """Hexadecimal is the same in either case."""
    folder = make_model(tmp_path / "m")
    document = json.loads((folder / "model.json").read_text())
    asset = document["assets"]["model"]
    asset["scarpwatch:sha256"] = asset["scarpwatch:sha256"].upper()
    (folder / "model.json").write_text(json.dumps(document))

    assert load_card(folder).sha256 == asset["scarpwatch:sha256"].lower()


INPUTS: dict[str, dict[str, object]] = {
    "B04": {"method": "median-lower-spread"},
    "NDVI": {"method": "fixed", "center": 0.5, "scale": 0.25},
    "tri": {"method": "fixed", "center": 8, "scale": 6.0},
    "land_cover:io-lulc": {"method": "one-hot", "classes": [1, 2, 4, 5, 7, 8, 9, 10, 11]},
}


def with_inputs(folder: Path, inputs: Mapping[str, object], **changes: object) -> Path:
    """A model folder whose card states its inputs one by one."""
    stated: dict[str, object] = {
        "scarpwatch:normalisation": "per-input",
        "scarpwatch:inputs": inputs,
        "scarpwatch:channels": 12,
        "mlm:input": [{"bands": list(inputs)}],
    }
    return make_model(folder, stated | changes)


def test_inputs_one_by_one(tmp_path: Path) -> None:
    """Order, methods and constants come from the card; land cover counts with all its classes."""
    card = load_watch_card(with_inputs(tmp_path / "m", INPUTS))
    assert card.channels == 12
    assert card.bands == tuple(INPUTS)
    assert [(one.name, one.method.value, one.center, one.scale) for one in card.inputs] == [
        ("B04", "median-lower-spread", 0.0, 1.0),
        ("NDVI", "fixed", 0.5, 0.25),
        ("tri", "fixed", 8.0, 6.0),
        ("land_cover:io-lulc", "one-hot", 0.0, 1.0),
    ]
    assert load_card(make_model(tmp_path / "bands")).inputs == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"rain": {"method": "fixed", "center": 0, "scale": 1}},
            r"the input 'rain', which is none of B01, .* tri, land_",
        ),
        ({"land_cover:corine": {"method": "one-hot", "classes": []}}, "the input 'land_cover:corine'"),
        ({"vv": {"method": "decibel", "center": -12, "scale": 4}}, r"'vv' of a sensor that is sar"),
        ({"tri": {"method": "median-lower-spread"}}, "tri needs the method fixed, not 'median-lower-spread'"),
        ({"tri": {"method": "fixed", "center": 8}}, "beside the method it needs center, scale"),
        ({"tri": {"method": "fixed", "center": 8, "scale": 0}}, "tri has the scale 0"),
        ({"tri": {"method": "fixed", "center": "8", "scale": 1}}, "tri has center '8', which is no number"),
        (
            {"tri": {"method": "fixed", "center": 8, "scale": 1, "unit": "m"}},
            "beside the method it needs center, scale",
        ),
        ({"land_cover:io-lulc": {"method": "one-hot", "classes": [1, 2, 3]}}, "the legend is "),
        ({"land_cover:esa-worldcover": {"method": "one-hot", "classes": []}}, "land cover in 2 legends"),
        ({"tri": 8}, "tri needs the method fixed, not None"),
    ],
)
def test_inputs_that_cannot_be_made(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    """The error names the input, and what there is."""
    with pytest.raises(BadModel, match=says):
        load_card(with_inputs(tmp_path / "m", INPUTS | changes))


def test_inputs_and_bands_must_agree(tmp_path: Path) -> None:
    """Every band has an entry and every entry a band, once; channels are counted with all classes."""
    folder = with_inputs(tmp_path / "more", INPUTS, **{"mlm:input": [{"bands": ["B04", "B03"]}]})
    with pytest.raises(BadModel, match=r"without entry: \['B03'\]"):
        load_card(folder)
    twice = with_inputs(tmp_path / "twice", INPUTS, **{"mlm:input": [{"bands": [*INPUTS, "B04"]}]})
    with pytest.raises(BadModel, match="twice"):
        load_card(twice)
    with pytest.raises(BadModel, match=r"12 bands .* scarpwatch:channels is 4"):
        load_card(with_inputs(tmp_path / "few", INPUTS, **{"scarpwatch:channels": 4}))
    with pytest.raises(BadModel, match="lacks scarpwatch:inputs"):
        load_card(with_inputs(tmp_path / "none", INPUTS, **{"scarpwatch:inputs": None}))


def test_bands_that_the_service_cannot_read(tmp_path: Path) -> None:
    """A card without inputs may name what it likes, but only what can be made can be watched with."""
    folder = make_model(tmp_path / "m", {"mlm:input": [{"bands": ["B04", "B03", "PAN"]}]})
    assert load_card(folder).bands[2] == "PAN"
    with pytest.raises(BadModel, match="the input 'PAN'"):
        load_watch_card(folder)
