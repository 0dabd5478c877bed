"""Quoted figures are made again, or the command says that they are not."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from training import reproduce
from training.__main__ import app
from training.experiment import Experiment, load_experiment, save_experiment


@pytest.fixture
def quoted_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny experiment cannot be worse than zero, nor better than one."""
    path = tmp_path / "quoted.yaml"
    monkeypatch.setattr(reproduce, "QUOTED_FILE", path)
    return path


def reproduced(tiny_data: Path, out: Path, *options: str) -> tuple[int, str]:
    arguments = ["reproduce", "tiny", "--data", str(tiny_data), "--out", str(out), "--threads", "1", *options]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return result.exit_code, result.output


def test_a_figure_outside_its_interval_fails(
    quoted_file: Path, tiny_file: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """Inside: exit code 0. Outside: said, and 1. The run is continued, not made again."""
    entry = f"tiny:\n- {{experiment: {tiny_file}, f1: [0, 1], pr_auc: [0, 1]}}\n"
    quoted_file.write_text(entry)
    code, said = reproduced(tiny_data, tmp_path / "out")
    assert code == 0
    assert said.count("agrees") == 2
    quoted_file.write_text(entry.replace("pr_auc: [0, 1]", "pr_auc: [2, 3]"))
    code, said = reproduced(tiny_data, tmp_path / "out")
    assert code == 1
    assert "DISAGREES" in said
    assert "epoch 1/1" not in said


def test_what_an_experiment_is_made_from_is_trained_first(
    quoted_file: Path, tiny_experiment: Experiment, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean of two runs needs both, and only the mean is quoted."""
    monkeypatch.setattr("training.experiment.FOLDER", tmp_path)
    for name, average in (("one", ()), ("two", ()), ("mean", ("one", "two"))):
        changed = tiny_experiment.model_copy(update={"name": name, "average": average})
        save_experiment(changed, tmp_path / f"{name}.yaml")
    quoted_file.write_text("tiny:\n- {experiment: mean, f1: [0, 1], pr_auc: [0, 1]}\n")
    code, said = reproduced(tiny_data, tmp_path / "out")
    assert code == 0
    assert [line for line in said.splitlines() if line.startswith("==")] == ["== one", "== two", "== mean"]
    assert said.count("agrees") == 2


def test_the_quick_form_has_its_own_figures(
    quoted_file: Path, tiny_file: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """And a name under which nothing is quoted is refused with those that are."""
    quoted_file.write_text(f"tiny-quick:\n- {{experiment: {tiny_file}, f1: [0, 1], pr_auc: [0, 1]}}\n")
    code, said = reproduced(tiny_data, tmp_path / "out")
    assert (code, "tiny-quick" in said) == (1, True)
    code, _ = reproduced(tiny_data, tmp_path / "out", "--quick")
    assert code == 0


def test_what_is_quoted_names_experiments_that_ship() -> None:
    """With intervals that are intervals, and a quick form of each set."""
    for name in ("rgb", "rgb-quick"):
        for step in reproduce.quoted(name):
            assert load_experiment(step.experiment).name == step.experiment
            assert all(0 < low < high < 1 for low, high in step.intervals.values())
