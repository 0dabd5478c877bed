"""Finished runs that another run is made from; they lie beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from monitor.errors import BadModel, ConfigError
from training.datasets.manifest import sha256_of
from training.experiment import Experiment
from training.loop import CHECKPOINT, at_its_end, epochs_done, trained_network
from training.run_file import digest_of_ids, read_experiment, read_run
from training.splits import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that is at its end."""

    network: nn.Module
    described: dict[str, Any]
    """Which one it is and what it has seen, for the file of the run that is made from it."""


def load_finished(name: str, experiment: Experiment, split: Split, run: Path) -> Finished:
    """The run `name` beside `run`, for an experiment that learns from it or is made of it.

    Raises:
        BadModel: it is not there, not finished, or of other bands.
        ConfigError: what it has seen would make the card of the new run lie.
    """
    folder = run.parent / name
    found = read_experiment(folder) if folder.is_dir() else None
    if found is None or not at_its_end(folder, found):
        raise BadModel(
            f"{experiment.name} is made from this run, which is not there or not finished",
            item=str(folder),
            remedy="Train first, beside this run: "
            + "; ".join(f"python -m training fit {one} {run.parent / one}" for one in experiment.made_from)
            + ".",
        )
    if found.data.bands != experiment.data.bands:
        raise BadModel(
            f"this run sees {', '.join(found.data.bands)}, not {', '.join(experiment.data.bands)}",
            item=str(folder),
            remedy="Name runs of the same bands.",
        )
    seen = read_run(folder)
    _require_same_ground(experiment, split, folder, seen)
    described = {
        "run": name,
        "experiment": found.name,
        "epochs": epochs_done(folder),
        "sha256": sha256_of(folder / CHECKPOINT),
        "data": seen.get("data", []),
        "quiet": seen.get("quiet", []),
    }
    return Finished(network=trained_network(found, folder), described=described)


def _require_same_ground(experiment: Experiment, split: Split, folder: Path, seen: dict[str, Any]) -> None:
    divided = seen["split"].get("ids_sha256", {})
    if any(divided.get(side) != digest_of_ids(ids) for side, ids in split.sides().items()):
        raise ConfigError(
            "this run divided the chips otherwise, so it may have seen what is scored or left out",
            item=str(folder),
            remedy="Name runs of the same split.",
            reason="split-leaks",
        )
    if seen.get("simulated") and not experiment.simulated:
        raise ConfigError(
            f"this run was trained on simulated data, {experiment.name} says simulated: false",
            item=str(folder),
            remedy="Set simulated: true, so that the card and every alert say so.",
        )
