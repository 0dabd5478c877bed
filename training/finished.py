"""Finished runs that another run is made from; they lie beside it."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from monitor.errors import BadModel, ConfigError
from training.experiment import Experiment
from training.loop import averaged_network, epochs_done
from training.run_file import digest_of_ids, read_experiment, read_run
from training.splits import Split


def load_finished(name: str, experiment: Experiment, split: Split, run: Path) -> nn.Module:
    """The network of the run `name` beside `run`, for an experiment that learns from it or is made of it.

    Raises:
        BadModel: it is not there, not finished, or of other bands.
        ConfigError: it was trained on another split, so it has seen what is to be scored.
    """
    folder = run.parent / name
    found = read_experiment(folder) if folder.is_dir() else None
    if found is None or epochs_done(folder) < found.schedule.epochs:
        raise BadModel(
            f"{experiment.name} is made from this run, which is not there or not finished",
            item=str(folder),
            remedy=f"Train it first: python -m training fit {name} {folder}.",
        )
    if found.data.bands != experiment.data.bands:
        raise BadModel(
            f"this run sees {', '.join(found.data.bands)}, not {', '.join(experiment.data.bands)}",
            item=str(folder),
            remedy="Name runs of the same bands.",
        )
    held_out = read_run(folder)["split"].get("ids_sha256", {})
    if any(held_out.get(side) != digest_of_ids(ids) for side, ids in split.sides().items() if side != "train"):
        raise ConfigError(
            "this run held out other chips, so it may have seen what is scored",
            item=str(folder),
            remedy="Name runs of the same split.",
            reason="split-leaks",
        )
    return averaged_network(found, folder)
