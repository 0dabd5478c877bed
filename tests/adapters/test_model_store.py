"""Model folders are believed only when everything in them agrees."""

import json
from pathlib import Path

import pytest

from monitor.adapters.model_store import list_models, load_card, load_watch_card
from monitor.errors import BadModel
from monitor.records import Sensor
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


def test_a_model_of_two_dates_cannot_watch(tmp_path: Path) -> None:
    """It is a good folder, but the service looks at one date at a time; the error says what to choose."""
    folder = make_model(tmp_path / "pairs", {"scarpwatch:task": "change"})

    assert load_card(folder).task == "change"
    with pytest.raises(BadModel, match=r"compares two dates .* task scar"):
        load_watch_card(folder)
    assert load_watch_card(make_model(tmp_path / "scar")).task == "scar"


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


def test_the_hash_may_be_written_in_capitals(tmp_path: Path) -> None:
    """Hexadecimal is the same in either case."""
    folder = make_model(tmp_path / "m")
    document = json.loads((folder / "model.json").read_text())
    asset = document["assets"]["model"]
    asset["scarpwatch:sha256"] = asset["scarpwatch:sha256"].upper()
    (folder / "model.json").write_text(json.dumps(document))

    assert load_card(folder).sha256 == asset["scarpwatch:sha256"].lower()
