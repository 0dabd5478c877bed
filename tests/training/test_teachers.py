"""A run that learns from finished runs."""

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


def test_a_student_learns_something_else_and_names_its_teacher(
    beside: Path, tiny_experiment: Experiment, tiny_data: Path
) -> None:
    """The checkpoint holds one network as ever."""
    assert taught(beside, tiny_experiment, tiny_data).exit_code == 0
    alone, student = (read_checkpoint(beside / name / CHECKPOINT)["state_dict"] for name in ("first", "student"))
    assert alone.keys() == student.keys()
    assert any(not torch.equal(alone[name], student[name]) for name in alone)
    assert json.loads((beside / "student" / "run.json").read_text())["teachers"] == ["first"]


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
