"""What a run was trained on, kept beside its checkpoint and copied into the model card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from monitor.adapters.files import write_atomic
from monitor.errors import BadModel, ConfigError
from training.datasets.hard_negatives import digest_of
from training.experiment import Experiment, load_experiment, save_experiment
from training.material import RunMaterial

RUN_FILE: Final = "run.json"
EXPERIMENT_FILE: Final = "experiment.yaml"


def read_run(run: Path) -> dict[str, Any]:
    """The description of a run.

    Raises:
        BadModel: there is none.
    """
    try:
        described: dict[str, Any] = json.loads((run / RUN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise BadModel("there is no run here", item=str(run), remedy="Train first: python -m training fit.") from err
    return described


def read_experiment(run: Path) -> Experiment:
    """The experiment a run was begun with."""
    return load_experiment(str(run / EXPERIMENT_FILE))


def begin_run(
    run: Path, experiment: Experiment, material: RunMaterial, made_from: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Write down what a run trains on, or check that a run that is continued trains on the same.

    Args:
        made_from: the finished runs it needs now, as `training.finished` describes them; a fresh run needs all.

    Raises:
        BadModel: the run was begun with another experiment, other data or other runs: the card would lie.
        ConfigError: the data are simulated and the experiment does not say so: the card would lie again.
    """
    _require_said_simulated(experiment, material)
    described = describe(experiment, material)
    if (run / RUN_FILE).exists():
        before = read_run(run)
        changed = sorted(key for key in described if before.get(key) != described[key])
        changed += [str(one["run"]) for one in made_from if one not in before.get("made_from", [])]
        if changed or read_experiment(run) != experiment:
            raise BadModel(
                f"the run was begun with another {', '.join(changed) or 'experiment'}",
                item=str(run),
                remedy="Begin another run, or continue with what it was begun with.",
            )
    else:
        if made_from:
            described["made_from"] = list(made_from)
        run.mkdir(parents=True, exist_ok=True)
        save_experiment(experiment, run / EXPERIMENT_FILE)
        # Last: where it is, the experiment is whole.
        write_atomic(run / RUN_FILE, json.dumps(described, indent=2, ensure_ascii=False).encode() + b"\n")
    return described


def describe(experiment: Experiment, material: RunMaterial) -> dict[str, Any]:
    """Data, split and leakage of a run, for its file and its card."""
    sides = material.split.sides()
    held_out = {side: ids for side, ids in sides.items() if side != "train"}
    return {
        **({"hard_negatives": digest_of(material.hard_negatives)} if material.hard_negatives else {}),
        "data": [
            {
                **{"name": one.name, "source": one.source, "licence": one.licence, "chips": one.chips},
                **({"made_of": dict(one.made_of)} if one.made_of else {}),
                "sha256": one.digest,
            }
            for one in material.manifests
        ],
        "split": {
            "kind": str(material.split.kind),
            "chips": {side: len(ids) for side, ids in sides.items()},
            "ids": {side: id_ranges(ids) for side, ids in held_out.items()},
            "ids_sha256": {side: digest_of_ids(ids) for side, ids in sides.items()},
            "excluded_ids": experiment.data.exclude_ids,
            "leaks": [asdict(leak) for leak in material.leakage.leaks],
        },
        "quiet": sorted(set(material.quiet.groups.tolist())) if material.quiet is not None else [],
        "quiet_chips": len(material.quiet) if material.quiet is not None else 0,
        "simulated": experiment.simulated,
    }


def _require_said_simulated(experiment: Experiment, material: RunMaterial) -> None:
    made_up = [one.name for one in material.manifests if one.simulated]
    if made_up and not experiment.simulated:
        raise ConfigError(
            f"the chips of {', '.join(made_up)} are simulated, the experiment says simulated: false",
            item=experiment.name,
            remedy="Set simulated: true, so that the card and every alert say so.",
        )


def digest_of_ids(ids: Iterable[int]) -> str:
    """One word for a set of chips: SHA-256 of their sorted numbers, joined by commas."""
    return hashlib.sha256(",".join(str(number) for number in sorted(ids)).encode()).hexdigest()


def id_ranges(ids: Iterable[int]) -> str:
    """Chips for people, runs of numbers joined: "300-303,310"."""
    ranges: list[list[int]] = []
    for number in sorted(ids):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
