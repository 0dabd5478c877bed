"""Finished runs whose answers another run learns from."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from monitor.errors import BadModel, ConfigError
from training.experiment import Experiment
from training.loop import averaged_network, epochs_done
from training.run_file import digest_of_ids, read_experiment, read_run
from training.splits import Split


def load_teachers(experiment: Experiment, split: Split, run: Path) -> tuple[nn.Module, ...]:
    """The networks an experiment learns from; they lie beside its own run.

    Raises:
        BadModel: a teacher is not there, not finished, or of other bands.
        ConfigError: a teacher was trained on another split: it would whisper what is to be scored.
    """
    return tuple(_teacher(run.parent / name, experiment, split) for name in experiment.distillation.teachers)


def _teacher(folder: Path, experiment: Experiment, split: Split) -> nn.Module:
    taught = read_experiment(folder) if folder.is_dir() else None
    if taught is None or epochs_done(folder) < taught.schedule.epochs:
        raise BadModel(
            "this teacher is not there or not finished",
            item=str(folder),
            remedy=f"Train it first, beside this run: python -m training fit {folder.name} {folder}.",
        )
    if taught.data.bands != experiment.data.bands:
        raise BadModel(
            f"this teacher sees {', '.join(taught.data.bands)}, not {', '.join(experiment.data.bands)}",
            item=str(folder),
            remedy="Teach with runs of the same bands.",
        )
    seen = read_run(folder)["split"].get("ids_sha256", {})
    if any(seen.get(side) != digest_of_ids(ids) for side, ids in split.sides().items() if side != "train"):
        raise ConfigError(
            "this teacher held out other chips, so it may have seen what is scored",
            item=str(folder),
            remedy="Teach with runs of the same split.",
            reason="split-leaks",
        )
    return averaged_network(taught, folder)
