"""Labelled patches and the honest split of them by blocks of ids.

Patches were cut in raster order, so neighbours on the ground are id±1 and about id±45: a random
split leaks. Scored blocks, guards around them, and pairs whose edges match keep the sides apart.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

IdRange = tuple[int, int]
"""First and last id of a block, both included."""

VALIDATION_BLOCKS: Final[tuple[IdRange, ...]] = (
    (300, 489),
    (1700, 1849),
    (2480, 2539),
    (2790, 2849),
    (3600, 3719),
)
THRESHOLD_BLOCKS: Final[tuple[IdRange, ...]] = ((1200, 1249), (3400, 3439), (3760, 3799))
"""Held out of the training ids to choose the card's threshold; never scored as validation.

Each lies at the edge of a run of training ids, where its own guard costs fewest patches.
"""
IBURI_BLOCKS: Final[tuple[IdRange, ...]] = ((2200, 2620),)
"""Patches that look like the Iburi hills, left out of the model shown on the Hokkaido scene."""

GUARD_IDS: Final = 48
"""A row of patches is about 45 ids wide."""
NARROW_GUARD_IDS: Final = 25
NARROW_REGION: Final[IdRange] = (2200, 2930)
"""Here rows are 20 to 30 ids wide."""

_RANGE: Final = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")

PATCH_FILE: Final = "l4s_rgb/l4s_rgb.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches:
    """Patches with their labels."""

    ids: NDArray[np.int64]
    """(N,) published patch numbers."""
    rgb: NDArray[np.uint8]
    """(N, H, W, 3) uint8, bands B04, B03, B02, scaled per patch: the gain is lost."""
    mask: NDArray[np.bool_]
    """(N, H, W) bool, True = landslide."""
    touching: NDArray[np.int64]
    """(P, 2) pairs of ids that are neighbours on the ground; may be empty."""

    def take(self, ids: Iterable[int]) -> Patches:
        """The patches with these ids, in file order."""
        chosen = np.isin(self.ids, np.fromiter(ids, dtype=np.int64))
        return Patches(
            ids=self.ids[chosen],
            rgb=self.rgb[chosen],
            mask=self.mask[chosen],
            touching=self.touching,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Disjoint sets of ids."""

    train: frozenset[int]
    threshold: frozenset[int]
    """Scored to choose the threshold, not trained on."""
    validation: frozenset[int]


def data_folder(given: Path | None) -> Path:
    """The folder of real data: the argument, else SCARPWATCH_DATA, else ../shared/data."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = given or Path(os.environ.get("SCARPWATCH_DATA", str(beside)))
    if not folder.is_dir():
        raise FileNotFoundError(f"no data folder at {folder}: pass --data or set SCARPWATCH_DATA")
    return folder


def load_patches(path: Path) -> Patches:
    """Read an npz file with `ids`, `rgb`, `mask` and, if known, `touching`."""
    with np.load(path) as file:
        missing = {"ids", "rgb", "mask"} - set(file)
        if missing:
            raise ValueError(f"{path} lacks the arrays {sorted(missing)}")
        touching = file["touching"] if "touching" in file else np.zeros((0, 2), np.int64)
        return Patches(
            ids=file["ids"].astype(np.int64),
            rgb=file["rgb"],
            mask=file["mask"].astype(bool),
            touching=touching.astype(np.int64).reshape(-1, 2),
        )


def parse_id_ranges(text: str) -> tuple[IdRange, ...]:
    """Read "300-489,1700" as ((300, 489), (1700, 1700)); an empty text gives no ranges."""
    ranges: list[IdRange] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        found = _RANGE.fullmatch(part)
        if found is None:
            raise ValueError(f"{part!r} is no id or range of ids such as 300-489")
        low, high = int(found[1]), int(found[2] or found[1])
        if high < low:
            raise ValueError(f"range {part!r} runs backwards")
        ranges.append((low, high))
    return tuple(ranges)


def ids_within(ids: Iterable[int], blocks: Sequence[IdRange]) -> frozenset[int]:
    """The ids that lie in any of the blocks."""
    return frozenset(int(i) for i in ids if any(low <= i <= high for low, high in blocks))


def separated(
    candidates: Iterable[int],
    blocks: Sequence[IdRange],
    ids: Iterable[int],
    touching: NDArray[np.int64],
) -> frozenset[int]:
    """The candidates outside the blocks, outside the guards and touching no patch of a block."""
    inside = ids_within(ids, blocks)
    guarded = ids_within(candidates, [_with_guard(block) for block in blocks])
    neighbours = {int(b) for a, b in touching if int(a) in inside}
    neighbours |= {int(a) for a, b in touching if int(b) in inside}
    return frozenset(int(i) for i in candidates) - guarded - neighbours


def split_ids(patches: Patches, exclude: Sequence[IdRange] = ()) -> Split:
    """Divide the patches; `exclude` blocks, with guards and neighbours, are in no training set."""
    ids = [int(i) for i in patches.ids]
    left = separated(ids, VALIDATION_BLOCKS, ids, patches.touching)
    left = separated(left, exclude, ids, patches.touching)
    return Split(
        train=separated(left, THRESHOLD_BLOCKS, ids, patches.touching),
        threshold=ids_within(left, THRESHOLD_BLOCKS),
        validation=ids_within(ids, VALIDATION_BLOCKS),
    )


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _with_guard(block: IdRange) -> IdRange:
    return block[0] - _guard(block[0]), block[1] + _guard(block[1])


def _guard(border_id: int) -> int:
    narrow = NARROW_REGION[0] <= border_id <= NARROW_REGION[1]
    return NARROW_GUARD_IDS if narrow else GUARD_IDS
