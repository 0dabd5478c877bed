"""Published studies are made again, row by row, and shown beside their tables."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.training.conftest import draw_patches
from tests.training.datasets.test_labelled_images import on_pixels, write_image, write_polygons
from tests.training.event_files import write_event
from tests.training.three_valleys import make_three
from training.__main__ import app
from training.datasets.rgb_patches import PATCH_FILE
from training.experiment import Experiment, NetworkSettings
from training.fit_commands import with_epochs
from training.material import gather
from training.samples import LANDSLIDE, UNLABELLED, Samples
from training.simulated.chips import CHIPS_PER_STACK, STACKS_PER_VALLEY, place_of
from training.splits import SplitKind
from training.studies import band_choice, events, hiroshima, remaking
from training.studies.records import Study
from training.studies.remaking import same_ground
from training.studies.showing import Remade, missing_table

TINY = NetworkSettings(encoder="mobilenetv3_small_100", pretrained=False, decoder_channels=(16, 16, 8, 8, 8))


def tiny(experiment: Experiment) -> Experiment:
    """A row with a network and valleys of seconds."""
    document = experiment.model_dump(mode="json")
    document["data"] |= {"path": hiroshima.QUICK_FOLDER, "threshold": ["valley-2"], "validation": ["valley-3"]}
    document["network"] = TINY.model_dump(mode="json")
    document["schedule"] |= {"epochs": 1, "batch_size": 2}
    return Experiment.model_validate(document)


def test_every_row_of_the_hiroshima_study_is_an_experiment_by_its_recipe() -> None:
    """Eight rows; Nadam, a plateau, an early end, batches of 8, the same order of chips everywhere."""
    rows = hiroshima.study().rows
    made = [row.here for row in rows if row.here is not None]
    assert [row.name for row in rows] == list("abcdefgh")
    assert [one.data.channels for one in made] == [3, 4, 14, 15, 1, 2, 12, 13]
    assert {one.network.architecture for one in made} == {"resunet++"}
    assert len({one.schedule.model_dump_json() for one in made}) == 1
    schedule = made[0].schedule
    assert (schedule.optimizer, schedule.learning_rate, schedule.batch_size) == ("nadam", 1e-4, 8)
    assert (schedule.course, schedule.plateau_epochs, schedule.plateau_factor) == ("plateau", 10, 0.2)
    assert (schedule.stop_epochs, schedule.kept) == (30, "best")
    assert all(set(row.published) == {"precision", "recall", "f1", "pr_auc"} for row in rows)


def test_quick_rows_keep_training_and_scoring_apart() -> None:
    """Whole valleys are held out, also in the quick form."""
    for row in hiroshima.study(quick=True).rows:
        assert row.here is not None
        assert row.here.data.split == "groups"
        assert not set(row.here.data.validation) & set(row.here.data.threshold)


def test_quick_rows_say_what_they_learn_from() -> None:
    """Windows of the chips; a full row learns from whole chips and says nothing of windows."""
    for study in (hiroshima.study, events.study):
        for quick in (True, False):
            rows = [row for row in study(quick=quick).rows if row.here is not None]
            assert {row.here.variation.window_px for row in rows if row.here} == {64 if quick else None}
            assert all(("windows of 64 pixels" in row.lacks) == quick for row in rows)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where valleys are at hand already."""
    folder = tmp_path_factory.mktemp("reproduce")
    make_three(folder / "A" / "quick" / "data" / hiroshima.QUICK_FOLDER)
    return folder


def only(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    """The study has these rows alone, with a tiny network."""
    whole = hiroshima.study(quick=True)
    rows = tuple(replace(row, here=tiny(row.here)) for row in whole.rows if row.here is not None and row.name in names)

    def study(*, quick: bool = False) -> Study:
        assert quick
        return replace(whole, rows=rows)

    monkeypatch.setattr(hiroshima, "study", study)
    monkeypatch.setattr(hiroshima, "QUICK_VALLEYS", range(0))


@pytest.fixture
def small_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows of radar with a tiny network."""
    only(monkeypatch, "eh")
    monkeypatch.setattr(hiroshima, "RICHEST", "e")
    monkeypatch.setattr(hiroshima, "RIVALS", {"another network": TINY})
    monkeypatch.setattr(remaking, "_SHOWN_ROWS", ("h",))


@pytest.mark.usefixtures("small_study")
def test_a_study_ends_with_its_table_and_a_page(out: Path) -> None:
    """Rows, other networks, trees, the random split and maps; one row made again is the same and trains nothing."""
    arguments = ["reproduce", "A", "--quick", "--out", str(out), "--threads", "1"]
    first = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert first.exit_code == 0, first.output
    (row,) = re.findall(r"^\| h  SAR .*$", first.stdout, re.MULTILINE)[:1]
    assert "0.81" in row
    (gain,) = re.findall(r"^\| SAR → SAR \+ TRI \+ land cover .*$", first.stdout, re.MULTILINE)
    assert "+0.20" in gain
    for words in ("random forest", "XGBoost", "another network", "What a random split would have said"):
        assert words in first.stdout
    page = (out / "A" / "quick" / "report.html").read_text(encoding="utf-8")
    assert "SIMULATED" in page
    assert "quick form" in page
    assert page.count("data:image/png;base64") == 1
    again = CliRunner().invoke(app, [*arguments, "--row", "h"], catch_exceptions=False)
    assert "epoch 1/1" in first.stdout
    assert "epoch 1/1" not in again.stdout
    assert re.findall(r"^\| h  SAR .*$", again.stdout, re.MULTILINE)[:1] == [row]


def test_true_colour_is_made_on_real_patches_too(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the published row, on ground kept apart; without patches the study goes on and says what is missing."""
    only(monkeypatch, "a")
    monkeypatch.setattr(hiroshima, "RICHEST", "d")
    arguments = ["reproduce", "A", "--quick", "--out", str(out), "--data", str(tmp_path), "--threads", "1"]
    without = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert without.exit_code == 0, without.output
    assert PATCH_FILE in without.output
    assert "on real ground\n" not in without.stdout
    ids = np.array([10, 600, 700, 800, 1205, 395, 1715])
    rgb, mask = draw_patches(len(ids))
    (tmp_path / PATCH_FILE).parent.mkdir()
    np.savez(tmp_path / PATCH_FILE, ids=ids, rgb=rgb, mask=mask, touching=np.empty((0, 2), dtype=np.int64))
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert not (tmp_path / hiroshima.QUICK_FOLDER).exists()
    table = result.stdout.split("Row a on real ground")[1]
    assert "8-bit RGB, divided by blocks of ids with guards: 4 trained on, 1 for the threshold, 2 scored" in table
    (row,) = re.findall(r"^\| a  optical RGB .*$", table, re.MULTILINE)
    assert [cell.strip() for cell in row.split("|")[2:6]] == ["0.68", "0.67", "0.67", "0.74"]
    card = json.loads((out / "A" / "quick" / "models" / "hiroshima-a-rgb" / "model.json").read_text(encoding="utf-8"))
    assert "SIMULATED" not in json.dumps(card)


@pytest.mark.usefixtures("small_study")
def test_the_maps_show_one_place_before_and_after(out: Path) -> None:
    """The same valley and chip, once without and once with a scar."""
    experiment = tiny(next(row.here for row in hiroshima.study(quick=True).rows if row.here is not None))
    scored = gather(experiment.data, out / "A" / "quick" / "data").scored()
    pair = same_ground(scored)
    before, after = (place_of(int(number)) for number in pair.ids)
    assert (before[0], before[2]) == (after[0], after[2])
    assert not (pair.labels[0] == LANDSLIDE).any()
    assert (pair.labels[1] == LANDSLIDE).any()


def test_the_look_before_is_the_clearest_that_shows_the_slope_whole() -> None:
    """Not a later one, however clear, on which a cloud hides the scar; not another place or valley."""
    scar = np.zeros((8, 8), dtype=bool)
    scar[2:4, 2:6] = True
    labels = np.zeros((6, 8, 8), dtype=np.int8)
    labels[0][scar] = LANDSLIDE
    labels[1][scar] = UNLABELLED
    pixels = np.ones((6, 3, 8, 8), dtype=np.float32)
    pixels[2, :, :5] = np.nan
    pixels[3, :, :1] = np.nan
    looks = [(1, 0, 0), (1, 1, 0), (1, 2, 0), (1, 3, 0), (1, 4, 1), (2, 0, 0)]  # valley, look, place
    ids = [(valley * STACKS_PER_VALLEY + stack) * CHIPS_PER_STACK + place for valley, stack, place in looks]
    chips = Samples(
        name="drawn",
        pixels=pixels,
        labels=labels,
        ids=np.array(ids),
        groups=np.array(["valley-1"] * 5 + ["valley-2"]),
        touching=np.empty((0, 2), dtype=np.int64),
        bands=("B04", "B03", "B02"),
    )
    assert same_ground(chips).ids.tolist() == [ids[3], ids[0]]


@pytest.mark.usefixtures("small_study")
def test_a_random_split_says_so(out: Path) -> None:
    """It is marked wherever its figures are."""
    experiment = tiny(next(row.here for row in hiroshima.study(quick=True).rows if row.here is not None))
    leaky = hiroshima.at_random(experiment)
    assert gather(leaky.data, out / "A" / "quick" / "data").split.kind is SplitKind.RANDOM
    assert leaky.name == "hiroshima-e-random"


@pytest.fixture
def small_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with four events, and a row of radar with a tiny network."""
    for number, name in enumerate(("flood", "quake", "rain", "storm")):
        write_event(tmp_path / events.DATA / name, number, before=1, after=1)
    (tmp_path / events.DATA / "events.yaml").write_text("independent: [storm]\nthreshold: [flood]\n")
    whole = events.study(quick=True)
    kept = [row for row in whole.rows if row.name in {"gamma-1-1", "gamma-coherence-1-1"}]

    def study(*, quick: bool = False) -> Study:
        assert quick
        rows = [replace(row, original=_small(row.original)) for row in kept if row.original is not None]
        return replace(whole, rows=tuple(rows))

    monkeypatch.setattr(events, "study", study)
    monkeypatch.setattr(remaking, "_QUICK_EPOCHS", 1)
    return tmp_path


def _small(experiment: Experiment) -> Experiment:
    document = experiment.model_dump(mode="json")
    document["network"] = TINY.model_dump(mode="json")
    document["schedule"] |= {"batch_size": 2}
    return Experiment.model_validate(document)


def test_events_of_the_user_are_scored_by_independent_and_dependent_sites(small_events: Path, tmp_path: Path) -> None:
    """The data of the study are used where they are, and what the quick form leaves out is said."""
    out = tmp_path / "out"
    arguments = ["reproduce", "C", "--quick", "--out", str(out), "--data", str(small_events), "--threads", "1"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "Independent and dependent sites" in result.stdout
    (left_out,) = re.findall(r"^\| gamma-coherence-1-1 .*$", result.stdout, re.MULTILINE)
    assert "not in the quick form" in left_out
    assert result.stdout.count("not in the quick form") == 1
    page = (out / "C" / "quick" / "report.html").read_text(encoding="utf-8")
    assert "the data of the study" in page
    assert "SIMULATED" not in page


def test_bands_are_chosen_on_the_images_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets of bands, one of them of an index, and the largest batch beside the small one."""
    folder = tmp_path / band_choice.DATA
    write_image(folder, shape=(256, 256 * 10))
    write_polygons(folder / "labels.geojson", *(on_pixels(256 * at + 9, 50, 256 * at + 49, 99) for at in range(10)))
    whole = band_choice.study(quick=True)
    kept = [row for row in whole.rows if row.name in {band_choice.SWEPT, "bg-ndvi"}]
    rows = [replace(row, original=_small(row.original)) for row in kept if row.original is not None]
    short = [replace(row, original=with_epochs(row.original, 1)) for row in rows if row.original is not None]
    monkeypatch.setattr(band_choice, "study", lambda **_: replace(whole, rows=tuple(short)))
    arguments = ["reproduce", "D", "--quick", "--out", str(tmp_path / "out"), "--data", str(tmp_path), "--threads", "1"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    for words in ("bgrn  blue, green, red, NIR", "bg-ndvi  blue, green, NDVI", "batches of 40", "0.828"):
        assert words in result.stdout


@pytest.mark.parametrize("letter", ["A", "B", "C", "D"])
def test_a_folder_that_is_not_there_is_refused(letter: str, tmp_path: Path) -> None:
    """Also by studies that could do without one: nothing is made of other data than was meant."""
    result = CliRunner().invoke(app, ["reproduce", letter, "--quick", "--out", str(tmp_path), "--data", "nowhere"])
    assert result.exit_code == 1
    assert "nowhere" in result.output
    assert "--data" in result.output
    assert not (tmp_path / letter).exists()


def test_rows_that_were_not_made_are_listed_with_the_reason() -> None:
    """Neighbours in one line, a row with published figures in its own; every row is counted."""
    study = events.study(quick=True)
    table = missing_table(Remade(study=study, outcomes=()))
    assert f"{len(study.rows)} of the {len(study.rows)} rows" in table.meaning
    several = [re.match(r"(\d+) rows, ", row[0]) for row in table.rows]
    assert sum(int(found[1]) if found else 1 for found in several) == len(study.rows)
    (best,) = (row for row in table.rows if row[0].startswith("radar-all-3-3  "))
    assert "0.60" in best
    assert best[0].endswith("(3 + 3 scenes; published as the best of radar; that it is this scene count is inferred)")
    assert "complex radar scenes" in best[-1]
    together = table.rows[-1]
    assert together[0].endswith(f"to {study.rows[-1].name}")
    assert "one sensor at a time" in together[-1]
