"""Runs that learn from finished runs, or start at their mean."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from training.__main__ import app
from training.averaging import average
from training.datasets.manifest import sha256_of
from training.experiment import DistillationSettings, Experiment, save_experiment
from training.loop import CHECKPOINT, read_checkpoint, trained_network
from training.losses import distillation_loss
from training.material import gather

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
    """At a rate that moves nothing it stays there; the card says what it is made from, by the hash of its weights."""
    still = tiny_experiment.schedule.model_copy(update={"learning_rate": 1e-12})
    assert averaged(beside, tiny_experiment.model_copy(update={"schedule": still}), tiny_data).exit_code == 0
    first, second, mean = (
        read_checkpoint(beside / name / CHECKPOINT)["state_dict"] for name in ("first", "second", "mean")
    )
    weights = [name for name in mean if name.startswith("network.") and name.endswith("weight")]
    assert any(not torch.equal(first[name], second[name]) for name in weights)
    for name in weights:
        torch.testing.assert_close(mean[name], (first[name] + second[name]) / 2)
    arguments = ["export", str(beside / "mean"), str(tmp_path / "model"), "--data", str(tiny_data), "--threads", "1"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    training = json.loads((tmp_path / "model" / "model.json").read_text())["properties"]["scarpwatch:training"]
    assert [one["run"] for one in training["made_from"]] == ["first", "second"]
    assert training["made_from"][0]["sha256"] == sha256_of(beside / "first" / CHECKPOINT)


def test_the_mean_measures_its_own_statistics(tiny_run: Path, tiny_experiment: Experiment, tiny_data: Path) -> None:
    """Those of the mean network over the chips, not the mean of its parts'."""
    part = trained_network(tiny_experiment, tiny_run)
    sources = gather(tiny_experiment.data, tiny_data).sources()
    found, again = (average(tiny_experiment, [part, part], sources).state_dict() for _ in range(2))
    named = next(name for name in found if name.endswith("running_mean"))
    assert torch.equal(found[named], again[named])
    assert not torch.allclose(found[named], part.state_dict()[named])


def test_a_run_goes_on_without_what_it_no_longer_needs(
    beside: Path, tiny_experiment: Experiment, tiny_data: Path
) -> None:
    """A run that started from a mean needs the parts no more; finished, it stays as it is."""
    assert averaged(beside, tiny_experiment, tiny_data).exit_code == 0
    shutil.rmtree(beside / "first")
    made = (beside / "mean" / CHECKPOINT).read_bytes()
    arguments = ["fit", str(beside / "mean.yaml"), str(beside / "mean"), "--data", str(tiny_data), "--threads", "1"]
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, "all 1 epochs are done" in result.output) == (0, True)
    assert (beside / "mean" / CHECKPOINT).read_bytes() == made


def test_a_teacher_that_changed_is_refused(beside: Path, tiny_experiment: Experiment, tiny_data: Path) -> None:
    """Trained again under the same name, between the first half of the student's training and the second."""
    student = tiny_experiment.model_copy(update={"schedule": tiny_experiment.schedule.model_copy(update={"epochs": 2})})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.making.fit", lambda *_arguments, **_options: True)
        assert taught(beside, student, tiny_data).exit_code == 0
    state = read_checkpoint(beside / "first" / CHECKPOINT)
    torch.save({**state, "note": "trained again"}, beside / "first" / CHECKPOINT)
    result = taught(beside, student, tiny_data)
    assert (result.exit_code, "begun with another first" in result.output) == (1, True)


def test_simulated_ground_is_not_hidden_behind_a_run(
    beside: Path, tiny_experiment: Experiment, tiny_data: Path
) -> None:
    """What learns from a simulated run is simulated."""
    described = json.loads((beside / "first" / "run.json").read_text())
    (beside / "first" / "run.json").write_text(json.dumps({**described, "simulated": True}))
    assert "simulated: false" in taught(beside, tiny_experiment, tiny_data).output
    said = tiny_experiment.model_copy(update={"simulated": True})
    assert taught(beside, said, tiny_data).exit_code == 0


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
    assert json.loads((beside / "student" / "run.json").read_text())["made_from"][0]["run"] == "first"


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


def test_a_teacher_that_saw_other_chips_is_refused(beside: Path, tiny_experiment: Experiment, tiny_data: Path) -> None:
    """What it saw in training it would whisper to the student."""
    for changed in ({"validation": ("1205",), "threshold": ("300-301",)}, {"exclude_ids": "61"}):
        data = tiny_experiment.data.model_copy(update=changed)
        result = taught(beside, tiny_experiment.model_copy(update={"data": data}), tiny_data)
        assert (result.exit_code, "divided the chips otherwise" in result.output) == (1, True)
