"""How long and how fast a run learns: optimizers, courses of the rate, an early end, the best epoch."""

from itertools import count
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from training.experiment import Experiment, LossSettings
from training.loop import BEST, CHECKPOINT, EpochReport, at_its_end, epochs_done, fit, read_checkpoint, trained_network
from training.losses import segmentation_loss
from training.material import gather
from training.module import HELD_OUT_LOSS, SegmentationModule


def scheduled(experiment: Experiment, **changes: object) -> Experiment:
    """The tiny experiment with another schedule."""
    document = experiment.model_dump(mode="json")
    document["schedule"] |= changes
    return Experiment.model_validate(document)


def trained(experiment: Experiment, data: Path, run: Path) -> list[EpochReport]:
    material = gather(experiment.data, data)
    reports: list[EpochReport] = []
    run.mkdir(exist_ok=True)
    fit(experiment, material.sources(), material.threshold(), run, reports.append)
    return reports


@pytest.mark.parametrize("name", ["adamw", "adam", "nadam"])
def test_the_optimizer_is_the_named_one(tiny_experiment: Experiment, name: str) -> None:
    """By the name of its class."""
    module = SegmentationModule(scheduled(tiny_experiment, optimizer=name, course="constant"), initial=False)
    made = module.configure_optimizers()["optimizer"]
    assert type(made).__name__.lower() == name


def test_a_plateau_lowers_the_rate(tiny_experiment: Experiment) -> None:
    """After as many epochs as are granted without a lower loss, by the factor."""
    still = scheduled(tiny_experiment, course="plateau", plateau_epochs=2, plateau_factor=0.5, learning_rate=1e-3)
    made = SegmentationModule(still, initial=False).configure_optimizers()
    course = made["lr_scheduler"]
    assert not isinstance(course, LRScheduler)
    lowered = cast("ReduceLROnPlateau", course["scheduler"])
    rates = []
    for loss in (0.9, 0.8, 0.8, 0.8, 0.8):
        lowered.step(loss)
        rates.append(max(lowered.get_last_lr()))
    assert course["monitor"] == HELD_OUT_LOSS
    assert rates == [1e-3, 1e-3, 1e-3, 1e-3, 5e-4]


def test_a_run_that_learns_no_more_ends_and_stays_ended(
    tiny_experiment: Experiment, tiny_data: Path, tmp_path: Path
) -> None:
    """Not at the last epoch, and neither does starting it again go on."""
    still = scheduled(tiny_experiment, epochs=9, learning_rate=1e-12, course="constant", stop_epochs=2, kept="best")
    run = tmp_path / "run"
    first = trained(still, tiny_data, run)
    assert 2 < len(first) < 9
    assert at_its_end(run, still)
    assert trained(still, tiny_data, run) == []
    assert epochs_done(run) == len(first)


def test_the_best_epoch_is_kept(
    tiny_experiment: Experiment, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is exported are the weights of the lowest loss on the threshold chips, here the first epoch's."""
    losses = count()

    def ever_worse(logits: Tensor, labels: Tensor, settings: LossSettings) -> Tensor:
        learning = logits.requires_grad
        return segmentation_loss(logits, labels, settings) if learning else torch.tensor(float(next(losses)))

    monkeypatch.setattr("training.module.segmentation_loss", ever_worse)
    kept_best = scheduled(tiny_experiment, epochs=3, course="constant", optimizer="adam", kept="best")
    run = tmp_path / "run"
    trained(kept_best, tiny_data, run)
    best, last = (read_checkpoint(run / name) for name in (BEST, CHECKPOINT))
    kept = trained_network(kept_best, run).state_dict()
    assert (best["epoch"], last["epoch"]) == (0, 2)
    assert all(torch.equal(value, best["state_dict"][f"network.{name}"]) for name, value in kept.items())
    assert any(not torch.equal(value, last["state_dict"][f"network.{name}"]) for name, value in kept.items())
