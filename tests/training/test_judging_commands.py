"""report, compare and baselines through a command line, on a folder of drawn chips and a network known by heart."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from tests.training.tiny import drawn_chips, write_model
from training.judging import judge, shipped
from training.judging_commands import baselines_command, compare_command, report_command, rgb_material
from training.quiet_land import BEFORE
from training.report.page import report_page
from training.report.tables import quiet_table
from training.run_file import digest_of_ids
from training.trained_on import OTHER_SPLIT

TRAINING, THRESHOLD, SCORED = list(range(10, 30)), [1205, 1210, 1240], [300, 340, 400, 450, 1700, 1790]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one npz file."""
    folder = tmp_path_factory.mktemp("data")
    chips = drawn_chips([*TRAINING, *SCORED, *THRESHOLD])
    (folder / "l4s_rgb").mkdir()
    rgb, mask = np.moveaxis(chips.pixels, 1, -1), chips.labels == 1
    np.savez(folder / "l4s_rgb" / "l4s_rgb.npz", ids=chips.ids, rgb=rgb, mask=mask)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders of the same network, the second with a threshold that finds nothing."""
    folder = tmp_path_factory.mktemp("models")
    return write_model(folder / "good", threshold=0.9), write_model(folder / "blind", threshold=0.999)


def run(*arguments: object) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("report")(report_command)
    app.command("compare")(compare_command)
    app.command("baselines")(baselines_command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_report_is_one_file_that_needs_nothing_else(data: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    """Figures and pictures inside; no script, no link to fetch; the card's words escaped."""
    out = tmp_path / "deep" / "report.html"
    result = run("report", models[0], "--beside", models[1], "--data", data, "--out", out, "--no-quiet")
    assert result.exit_code == 0, result.output
    page = out.read_text()
    assert not re.search(r"<script|<link|@import|(?:src|href)=\"(?!data:|#)", page)
    assert "Bright things &lt;b&gt;" in page
    assert page.count("data:image/png;base64,") == 3
    assert page.count("<svg") == 3
    for words in ("1.000", "XGBoost", "blind", "6 chips", "not uncertainty", "touching: 0", "No simulated data"):
        assert words in page, words


def test_models_are_compared_with_the_first(data: Path, models: tuple[Path, Path]) -> None:
    """Strict JSON: the good one against itself differs by nothing, the blind one loses all of F1."""
    result = run("compare", *models, "--data", data, "--no-quiet", "--json")
    assert result.exit_code == 0, result.output
    good, blind = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (good["model"], good["f1"], good["parameters"]) == ("good", 1.0, 7)
    assert good["differences"]["f1"] == {"value": 0.0, "interval": [0.0, 0.0]}
    assert blind["f1"] == 0.0
    assert blind["differences"]["f1"] == {"value": -1.0, "interval": [-1.0, -1.0]}
    assert blind["pr_auc"] == good["pr_auc"] == 1.0
    assert sum(size["found"] for size in good["scars"]) == len(SCORED)
    assert good["calibration"]["chips"] == len(THRESHOLD)


def test_baselines_are_shown_as_text_and_as_a_page(data: Path, tmp_path: Path) -> None:
    """Each in the same tables as a model."""
    result = run("baselines", "--data", data, "--no-quiet", "--out", tmp_path / "baselines.html")
    assert result.exit_code == 0, result.output
    for name in ("brightness", "random forest", "XGBoost"):
        assert f"| {name}" in result.stdout
        assert name in (tmp_path / "baselines.html").read_text()


def test_a_model_of_other_bands_is_refused_by_name(data: Path, tmp_path: Path) -> None:
    """With what to do, and no traceback."""
    model = write_model(tmp_path / "wide", bands=("B04", "B03", "B02", "B08"))
    result = run("compare", model, "--data", data, "--no-quiet")
    assert result.exit_code == 1
    assert "model wide: needs the bands B04, B03, B02, B08" in result.output
    assert "Traceback" not in result.output


def test_missing_data_are_named(tmp_path: Path, models: tuple[Path, Path]) -> None:
    """The file that was looked for."""
    result = run("compare", models[0], "--data", tmp_path)
    assert result.exit_code == 1
    assert "l4s_rgb.npz" in result.output


def trained(ids: list[int], kind: str = "blocks of ids with guards") -> dict[str, object]:
    """Properties of a card that was scored on these ids."""
    return {"scarpwatch:training": {"split": {"kind": kind, "ids_sha256": {"validation": digest_of_ids(ids)}}}}


def test_a_model_of_another_split_is_marked(data: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    """By the ids it was scored on or a random split; neither the one of this split nor an old card, none is refused."""
    same = write_model(tmp_path / "same", more=trained(SCORED[::-1]))
    other = write_model(tmp_path / "other", more=trained(SCORED[1:]))
    random = write_model(tmp_path / "random", more=trained(SCORED, "random: for comparison only"))
    page = tmp_path / "page.html"
    result = run("compare", models[0], same, other, random, "--data", data, "--no-quiet", "--out", page)
    assert result.exit_code == 0, result.output
    for text in (result.stdout, page.read_text()):
        marked = {name for name in ("good", "same", "other", "random") if f"{name}: {OTHER_SPLIT}." in text}
        assert marked == {"other", "random"}
    assert f"| other ({OTHER_SPLIT})" in result.stdout
    assert f"<td>other<small>{OTHER_SPLIT}</small></td>" in page.read_text()
    report = tmp_path / "report.html"
    result = run("report", same, "--beside", other, "--data", data, "--no-quiet", "--no-baselines", "--out", report)
    assert result.exit_code == 0, result.output
    assert f'<p class="warn">other: {OTHER_SPLIT}.</p>' in report.read_text()
    assert f"same: {OTHER_SPLIT}" not in report.read_text()


def test_quiet_ground_that_was_trained_on_is_marked(data: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    """In tiles and tables; the hills of Hokkaido only where a card does not keep their like out of the patches."""
    source = {"source": "Landslide4Sense (2022)"}
    facts = {"data": [source], "quiet": ["hills"], "split": {"excluded_ids": "300-489"}}
    folder = write_model(tmp_path / "hilly", more={"scarpwatch:training": facts})
    material = replace(rgb_material(data, quiet=False), quiet=replace(drawn_chips([1]), groups=np.array(["hills"])))
    first, plain = (judge(shipped(one, 1), material) for one in (folder, models[0]))
    (row,) = quiet_table([first, plain]).rows[:1]
    assert row[1].endswith("(trained on)")
    assert "trained on" not in quiet_table([first, plain]).rows[1][1]
    assert "false ha per 1,000 km², hills, trained on<" in report_page(first, [], material, datetime.now(UTC))
    assert first.quiet_note(BEFORE) == "similar ground in training"
    assert plain.quiet_note(BEFORE) == ""


def test_a_model_that_compares_two_dates_is_sent_elsewhere(data: Path, tmp_path: Path) -> None:
    """Not asked for bands that no chip has."""
    model = write_model(tmp_path / "two", more={"scarpwatch:task": "change"})
    for command in ("compare", "report"):
        result = run(command, model, "--data", data, "--no-quiet")
        assert result.exit_code == 1
        assert "model two: it compares two dates" in result.output
        assert "python -m benchmarks implants" in result.output
