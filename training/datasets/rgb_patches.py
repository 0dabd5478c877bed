"""Landslide4Sense patches as 8-bit red, green, blue with dense masks, in one npz file.

Every patch was scaled so that its own maximum red is 255: the gain, and with it any reflectance, is lost. Patches
were cut in raster order, so neighbours on the ground are id±1 and about id±45 (`training.splits`).
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.errors import BadAsset
from training.datasets.checks import require_landslides
from training.samples import Samples

PATCH_FILE: Final = "l4s_rgb/l4s_rgb.npz"
"""Where the file lies in the data folder."""
BANDS: Final = ("B04", "B03", "B02")
IBURI_IDS: Final = (2200, 2620)
"""First and last id of the patches that look like the Iburi hills of Hokkaido."""
UNKNOWN: Final = "unknown"

_ARRAYS: Final = ("ids", "rgb", "mask")


def load_rgb_patches(path: Path) -> Samples:
    """Read an npz file with `ids` (N,), `rgb` (N, H, W, 3) uint8, `mask` (N, H, W) and, if known, `touching` (P, 2).

    The published numbers do not say where a patch lies. Its group is "iburi" where its looks do, else "unknown";
    such groups are too coarse to split by, and serve to leave the Iburi hills out.

    Raises:
        BadAsset: no such file, no npz, or arrays are missing or do not belong together.
        InputFault: no pixel is a landslide.
    """
    arrays = _read(path)
    ids, rgb, mask = arrays["ids"].astype(np.int64), arrays["rgb"], arrays["mask"].astype(bool)
    if rgb.dtype != np.uint8 or rgb.shape != (*mask.shape, 3) or mask.shape[0] != len(ids):
        raise _bad(path, f"ids {ids.shape}, rgb {rgb.dtype} {rgb.shape} and mask {mask.shape} do not belong together")
    labels = mask.astype(np.int8)
    require_landslides(labels, str(path))
    low, high = IBURI_IDS
    return Samples(
        name=path.stem,
        bands=BANDS,
        ids=ids,
        pixels=np.ascontiguousarray(np.moveaxis(rgb, -1, 1)),
        labels=labels,
        groups=np.where((ids >= low) & (ids <= high), "iburi", UNKNOWN),
        touching=arrays["touching"].astype(np.int64).reshape(-1, 2),
    )


def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with np.load(path) as file:
            missing = [name for name in _ARRAYS if name not in file]
            if missing:
                raise _bad(path, f"it lacks the arrays {', '.join(missing)}")
            touching = file["touching"] if "touching" in file else np.zeros((0, 2), np.int64)
            return {**{name: file[name] for name in _ARRAYS}, "touching": touching}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as err:
        raise _bad(path, f"it is no readable npz file ({err})") from err


def _bad(path: Path, problem: str) -> BadAsset:
    return BadAsset(problem, item=str(path), remedy="Give an npz file with ids, rgb (N, H, W, 3) uint8 and mask.")
