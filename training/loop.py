"""A run: Lightning with checkpoints, running average, TensorBoard; continues where it was stopped."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lightning
import torch
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    ModelCheckpoint,
    TQDMProgressBar,
)
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn

from monitor.errors import BadModel
from training.batches import Chips, Sources
from training.experiment import Experiment
from training.module import HELD_OUT_LOSS, SegmentationModule, network_parameters
from training.networks.build import build_network
from training.samples import Samples

CHECKPOINT: Final = "last.ckpt"
BEST: Final = "best.ckpt"
"""Of the epoch with the lowest loss on the threshold chips, where an experiment keeps that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReport:
    """One line of progress."""

    epoch: int
    epochs: int
    loss: float
    f1_best: float
    """On the threshold chips, which are not trained on."""
    pr_auc: float


class _Reporter(Callback):
    def __init__(self, report: Callable[[EpochReport], None]) -> None:
        self._report = report

    def on_train_epoch_end(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        seen = trainer.callback_metrics
        self._report(
            EpochReport(
                epoch=trainer.current_epoch + 1,
                epochs=trainer.max_epochs or 0,
                loss=float(seen["loss"]),
                f1_best=float(seen["f1_best"]),
                pr_auc=float(seen["pr_auc"]),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parents:
    """Networks that another is made from."""

    start: nn.Module | None = None
    """What it begins as, instead of pretrained or random weights."""
    teachers: tuple[nn.Module, ...] = ()
    """Whose answers it learns from beside the labels."""


def fit(
    experiment: Experiment,
    sources: Sources,
    held_out: Samples,
    folder: Path,
    report: Callable[[EpochReport], None],
    *,
    parents: Parents | None = None,
    workers: int = 0,
    progress: bool = False,
) -> bool:
    """Train to the end of the schedule on every GPU there is, or the CPU; saves after every epoch.

    A folder that holds a checkpoint of the same network is continued, one that is at its end stays.
    `held_out` is scored after each epoch to show progress; it lowers the learning rate, ends the run or chooses its
    epoch only where the schedule says so.

    Returns whether this process speaks for all: with several GPUs the others must not go on to write files.

    Raises:
        BadModel: the folder's checkpoint holds another network.
    """
    checkpoint = folder / CHECKPOINT
    started = checkpoint.exists()
    if started:
        _require_same_network(checkpoint, experiment)
    lightning.seed_everything(experiment.schedule.seed, verbose=False)
    parents = parents or Parents()
    module = SegmentationModule(experiment, initial=not started, teachers=parents.teachers)
    if parents.start is not None and not started:
        module.network.load_state_dict(parents.start.state_dict())
    chips = Chips(sources, held_out, experiment.variation, experiment.schedule, workers)
    trainer = _trainer(experiment, folder, report, progress=progress)
    if at_its_end(folder, experiment):
        return trainer.is_global_zero
    with warnings.catch_warnings():
        # Advice about worker processes and log intervals, meant for other machines and longer epochs.
        warnings.filterwarnings("ignore", module="lightning")
        trainer.fit(module, chips, ckpt_path=checkpoint if started else None, weights_only=True)
    return trainer.is_global_zero


def trained_network(experiment: Experiment, folder: Path) -> nn.Module:
    """What a run has learned, ready to infer: the running average of its weights, or its best epoch.

    Raises:
        BadModel: nothing was saved yet, or the weights belong to another network.
    """
    checkpoint = folder / (BEST if experiment.schedule.kept == "best" else CHECKPOINT)
    _require_same_network(checkpoint, experiment)
    weights = {
        name.removeprefix("network."): value
        for name, value in read_checkpoint(checkpoint)["state_dict"].items()
        if name.startswith("network.")
    }
    network = build_network(experiment.network, experiment.data.channels, initial=False)
    network.load_state_dict(weights)
    return network.eval()


def epochs_done(folder: Path) -> int:
    """Whole epochs in the folder's checkpoint; 0 when there is none."""
    checkpoint = folder / CHECKPOINT
    return int(read_checkpoint(checkpoint)["epoch"]) + 1 if checkpoint.exists() else 0


def at_its_end(folder: Path, experiment: Experiment) -> bool:
    """Whether a run has done all its epochs, or stopped early because it learned nothing more."""
    if epochs_done(folder) >= experiment.schedule.epochs:
        return True
    patience = experiment.schedule.stop_epochs
    checkpoint = folder / CHECKPOINT
    if patience is None or not checkpoint.exists():
        return False
    callbacks: dict[str, dict[str, Any]] = read_checkpoint(checkpoint).get("callbacks", {})
    waited = [state["wait_count"] for name, state in callbacks.items() if name.startswith(EarlyStopping.__name__)]
    return any(int(count) >= patience for count in waited)


def read_checkpoint(checkpoint: Path) -> dict[str, Any]:
    """The checkpoint's dictionary.

    Raises:
        BadModel: it is missing or cannot be read.
    """
    try:
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except FileNotFoundError as err:
        raise BadModel(
            "there is no checkpoint", item=str(checkpoint), remedy="Train first: python -m training fit."
        ) from err
    except Exception as err:  # torch raises a dozen kinds for a file cut short or of another program
        raise BadModel(
            f"the checkpoint cannot be read ({err})", item=str(checkpoint), remedy="Remove it and train again."
        ) from err
    return state


def _require_same_network(checkpoint: Path, experiment: Experiment) -> None:
    saved = read_checkpoint(checkpoint).get("hyper_parameters", {})
    wanted = network_parameters(experiment)
    found = {key: saved.get(key) for key in wanted}
    if json.dumps(found) != json.dumps(wanted):
        raise BadModel(
            f"the checkpoint holds {json.dumps(found)}, the experiment {experiment.name} wants {json.dumps(wanted)}",
            item=str(checkpoint),
            remedy="Continue with the experiment it was trained by, or begin another run.",
        )


def _trainer(
    experiment: Experiment, folder: Path, report: Callable[[EpochReport], None], *, progress: bool
) -> lightning.Trainer:
    # Its notes on hardware are for people who chose among machines; errors still come through.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    schedule = experiment.schedule
    callbacks: list[Callback] = []
    if schedule.kept == "best":
        callbacks.append(
            ModelCheckpoint(folder, filename=Path(BEST).stem, monitor=HELD_OUT_LOSS, enable_version_counter=False)
        )
    else:
        callbacks.append(EMAWeightAveraging(decay=schedule.averaging))
    if schedule.stop_epochs is not None:
        callbacks.append(EarlyStopping(HELD_OUT_LOSS, patience=schedule.stop_epochs, min_delta=0.0))
    callbacks += [
        # After the others, whose state it saves.
        ModelCheckpoint(folder, filename="last", enable_version_counter=False, save_on_train_epoch_end=True),
        _Reporter(report),
    ]
    if progress:
        callbacks.append(TQDMProgressBar(leave=False))
    return lightning.Trainer(
        max_epochs=schedule.epochs,
        precision=schedule.precision,
        gradient_clip_val=1.0,
        callbacks=callbacks,
        logger=TensorBoardLogger(folder, name=None, version="tensorboard"),
        enable_progress_bar=progress,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=True,
    )
