"""What a run was trained on, kept beside its checkpoint and copied into the model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

RUN_FILE: Final = "run.json"

_FIXED: Final = ("exclude_ids", "patches_train", "negatives", "negatives_share", "npz_sha256")
"""May not change when a run is continued: the card would lie about its training data."""


def read_run(run: Path) -> dict[str, Any]:
    """The description of a run; FileNotFoundError when there is none."""
    described: dict[str, Any] = json.loads((run / RUN_FILE).read_text(encoding="utf-8"))
    return described


def describe_run(run: Path, facts: Mapping[str, Any], epochs: int, epochs_done: int) -> dict[str, Any]:
    """Write the run file and return it.

    Continuing keeps where the run came from and adds to `planned_epochs`, pairs of (epochs done,
    epochs planned from then on), because the learning rate follows the plan.
    Raises ValueError when a run that has learned something is continued with other data.
    """
    before = read_run(run) if epochs_done else {}
    changed = [key for key in _FIXED if before and before.get(key) != facts[key]]
    if changed:
        raise ValueError(f"{run} was trained with other {', '.join(changed)}: begin another run")
    plans = [plan for plan in before.get("planned_epochs", []) if plan[0] < epochs_done]
    described = {
        **facts,
        "started_from": before.get("started_from", facts.get("started_from")),
        "planned_epochs": [*plans, [epochs_done, epochs]],
    }
    (run / RUN_FILE).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return described
