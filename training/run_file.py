"""What a run was trained on, kept beside its checkpoint and copied into the model card."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from monitor.errors import BadModel
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


def begin_run(run: Path, experiment: Experiment, material: RunMaterial) -> dict[str, Any]:
    """Write down what a run trains on, or check that a run that is continued trains on the same.

    Raises:
        BadModel: the run was begun with another experiment or other data: the card would lie.
    """
    described = describe(experiment, material)
    if (run / RUN_FILE).exists():
        before = read_run(run)
        changed = sorted(key for key in described if before.get(key) != described[key])
        if changed or read_experiment(run) != experiment:
            raise BadModel(
                f"the run was begun with another {', '.join(changed) or 'experiment'}",
                item=str(run),
                remedy="Begin another run, or continue with what it was begun with.",
            )
    run.mkdir(parents=True, exist_ok=True)
    save_experiment(experiment, run / EXPERIMENT_FILE)
    (run / RUN_FILE).write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return described


def describe(experiment: Experiment, material: RunMaterial) -> dict[str, Any]:
    """Data, split and leakage of a run, for its file and its card."""
    return {
        "data": [
            {"name": one.name, "source": one.source, "licence": one.licence, "chips": one.chips, "sha256": one.digest}
            for one in material.manifests
        ],
        "split": {
            "kind": str(material.split.kind),
            "chips": {side: len(ids) for side, ids in material.split.sides().items()},
            "settings": experiment.data.model_dump(
                mode="json", include={"validation", "threshold", "exclude_ids", "allow_leaks"}
            ),
            "leaks": [asdict(leak) for leak in material.leakage.leaks],
        },
        "quiet": sorted(set(material.quiet.groups.tolist())) if material.quiet is not None else [],
        "quiet_chips": len(material.quiet) if material.quiet is not None else 0,
        "simulated": experiment.simulated,
    }
