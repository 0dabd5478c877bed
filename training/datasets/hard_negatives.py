"""Quiet chips by how wrong a model is about them, so that training draws the misleading ones more often.

Hard-negative mining (Sung and Poggio 1998, doi 10.1109/34.655648): most quiet ground is easy, and a network learns
most from the bare fields, gravel and quarries that it takes for scars.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.files import write_atomic
from monitor.errors import ConfigError
from training.samples import Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class HardNegatives:
    """False area of every quiet chip, as one model sees it."""

    model: str
    threshold: float
    chips_sha256: str
    """Of the quiet chips that were asked about."""
    false_ha: tuple[float, ...]
    """By chip, in their order."""


def quiet_digest(quiet: Samples) -> str:
    """SHA-256 over pixels and labels of quiet chips."""
    content = hashlib.sha256(np.ascontiguousarray(quiet.pixels).data)
    content.update(np.ascontiguousarray(quiet.labels).data)
    return content.hexdigest()


def digest_of(found: HardNegatives) -> dict[str, str]:
    """The model that was asked, and a SHA-256 of all it said, for the description of a run."""
    content = json.dumps(asdict(found), sort_keys=True)
    return {"model": found.model, "sha256": hashlib.sha256(content.encode()).hexdigest()}


def require_same_chips(found: HardNegatives, quiet: Samples) -> None:
    """Raise ConfigError when other quiet chips were asked about."""
    if found.chips_sha256 != quiet_digest(quiet):
        raise ConfigError(
            f"{found.model} was asked about other quiet chips than those of data.quiet",
            item="data.hard_negatives",
            remedy="Write it again with the same --quiet, and --chip-px as large as the labelled chips: training mine.",
        )


def draw_weights(found: HardNegatives) -> NDArray[np.float64]:
    """(Q,) how likely each chip is drawn, sum 1: half of the draws by false area, half all alike."""
    false = np.array(found.false_ha)
    alike = np.full(len(false), 1 / len(false))
    return alike if not false.any() else 0.5 * alike + 0.5 * false / false.sum()


def write_hard_negatives(found: HardNegatives, path: Path) -> None:
    """Write the file an experiment names under `data.hard_negatives`.

    Raises:
        DiskFull
    """
    write_atomic(path, (json.dumps(asdict(found), indent=1) + "\n").encode())


def read_hard_negatives(path: Path) -> HardNegatives:
    """Read such a file.

    Raises:
        ConfigError: it is missing or something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return HardNegatives(**{**content, "false_ha": tuple(map(float, content["false_ha"]))})
    except FileNotFoundError as err:
        raise ConfigError("there is no such file", item=str(path), remedy="Write it: python -m training mine.") from err
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise ConfigError(
            f"it lists no hard negatives ({err})", item=str(path), remedy="Write it: python -m training mine."
        ) from err
