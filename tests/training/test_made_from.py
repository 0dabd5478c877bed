"""Runs that learn from finished runs, or start at their mean."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from training.__main__ import app
from training.experiment import DistillationSettings, Experiment, save_experiment
from training.loop import CHECKPOINT, read_checkpoint
from training.losses import distillation_loss

LABELS = torch.tensor([[[[1, 0, -1, -1]]]], dtype=torch.int8)
ANSWERS = torch.tensor([[[[0.7, 0.2, 0.9, 0.1]]]])


def test_agreeing_with_the_teacher_is_best() -> None:
    """Being surer than it costs as much as doubting it."""
    agreeing = torch.logit(ANSWERS)
    best = float(distillation_loss(agreeing, ANSWERS, LABELS))
    assert best < float(distillation_loss(2 * agreeing, ANSWERS, LABELS))
    assert best < float(distillation_loss(0.3 * agreeing, ANSWERS, LABELS))


def test_a_teacher_is_not_asked_about_ground_without_labels() -> None:
    """Cloud and unsearched ground teach nothing, from whomever."""
    logits = torch.zeros_like(ANSWERS, requires_grad=True)
    distillation_loss(logits, ANSWERS, LABELS).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert (logits.grad != 0).tolist() == [[[[True, True, False, False]]]]
    assert float(distillation_loss(logits.detach(), ANSWERS, torch.full_like(LABELS, -1))) == 0


@pytest.fixture
def beside(tiny_run: Path, tmp_path: Path) -> Path:
    """A folder of runs with one that is finished."""
    shutil.copytree(tiny_run, tmp_path / "first")
    return tmp_path


def taught(beside: Path, experiment: Experiment, data: Path, teacher: str = "first") -> Result:
    """Fit a student beside its teacher."""
    student = experiment.model_copy(update={"distillation": DistillationSettings(teachers=(teacher,))})
    save_experiment(student, beside / "student.yaml")
    arguments = ["fit", str(beside / "student.yaml"), str(beside / "student"), "--data", str(data), "--threads", "1"]
    return CliRunner().invoke(app, arguments)


def averaged(beside: Path, experiment: Experiment, data: Path) -> Result:
    """The mean of two runs that differ in the order of their chips."""
    other = experiment.schedule.model_copy(update={"order": 7})
    for name, changed in (
        ("second", {"schedule": other}),
        ("mean", {"average": ("first", "second")}),
    ):
        save_experiment(experiment.model_copy(update=changed), beside / f"{name}.yaml")
        arguments = ["fit", str(beside / f"{name}.yaml"), str(beside / name), "--data", str(data), "--threads", "1"]
        result = CliRunner().invoke(app, arguments)
    return result


def test_training_starts_at_the_mean_of_two_runs(
    beside: Path, tiny_experiment: Experiment, tiny_data: Path, tmp_path: Path
) -> None:
    """At a rate that moves nothing it stays there, with statistics of its own; the card says what it is made from."""
    still = tiny_experiment.schedule.model_copy(update={"learning_rate": 1e-12})
    assert averaged(beside, tiny_experiment.model_copy(update={"schedule": still}), tiny_data).exit_code == 0
    first, second, mean = (
        read_checkpoint(beside / name / CHECKPOINT)["state_dict"] for name in ("first", "second", "mean")
    )
    weights = [name for name in mean if name.startswith("network.") and name.endswith("weight")]
    assert any(not torch.equal(first[name], second[name]) for name in weights)
    for name in weights:
        torch.testing.assert_close(mean[name], (first[name] + second[name]) / 2)
    moved = next(name for name in mean if name.endswith("running_mean"))
    assert not torch.allclose(mean[moved], (first[moved] + second[moved]) / 2)
    arguments = ["export", str(beside / "mean"), str(tmp_path / "model"), "--data", str(tiny_data), "--threads", "1"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    training = json.loads((tmp_path / "model" / "model.json").read_text())["properties"]["scarpwatch:training"]
    assert training["made_from"] == ["first", "second"]


def test_only_runs_of_one_network_have_a_mean(beside: Path, tiny_experiment: Experiment, tiny_data: Path) -> None:
    """A narrower decoder cannot be added to a wider one."""
    narrow = tiny_experiment.network.model_copy(update={"decoder_channels": (8, 8, 8, 8, 8)})
    result = averaged(beside, tiny_experiment.model_copy(update={"network": narrow}), tiny_data)
    assert (result.exit_code, "not all of first, second are of the network" in result.output) == (1, True)


def test_a_student_learns_something_else_and_names_its_teacher(
    beside: Path, tiny_experiment: Experiment, tiny_data: Path
) -> None:
    """The checkpoint holds one network as ever."""
    assert taught(beside, tiny_experiment, tiny_data).exit_code == 0
    alone, student = (read_checkpoint(beside / name / CHECKPOINT)["state_dict"] for name in ("first", "student"))
    assert alone.keys() == student.keys()
    assert any(not torch.equal(alone[name], student[name]) for name in alone)
    assert json.loads((beside / "student" / "run.json").read_text())["made_from"] == ["first"]


def test_a_teacher_must_be_there_and_finished(beside: Path, tiny_experiment: Experiment, tiny_data: Path) -> None:
    """The remedy is the command that trains it."""
    result = taught(beside, tiny_experiment, tiny_data, "nobody")
    assert (result.exit_code, "not there or not finished" in result.output) == (1, True)
    (beside / "first" / CHECKPOINT).unlink()
    assert "training fit first" in taught(beside, tiny_experiment, tiny_data).output


def test_a_teacher_of_other_bands_is_refused(beside: Path, tiny_experiment: Experiment, tiny_data: Path) -> None:
    """Both are named."""
    fewer = tiny_experiment.data.model_copy(update={"bands": ("B04",)})
    student = tiny_experiment.model_copy(update={"data": fewer})
    assert "sees B04, B03, B02, not B04" in taught(beside, student, tiny_data).output


def test_a_teacher_that_held_out_other_chips_is_refused(
    beside: Path, tiny_experiment: Experiment, tiny_data: Path
) -> None:
    """What it saw in training it would whisper to the student."""
    data = tiny_experiment.data.model_copy(update={"validation": ("1205",), "threshold": ("300-301",)})
    result = taught(beside, tiny_experiment.model_copy(update={"data": data}), tiny_data)
    assert (result.exit_code, "held out other chips" in result.output) == (1, True)
