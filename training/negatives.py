"""Real chips without landslides, as patches whose mask is empty.

Nearly every labelled patch holds a landslide, so a network trained on them alone has never seen
quiet ground, cloud or farmland. Left out on purpose: the scenes kept for tests of the whole
service, and the decimated Sentinel-2 scene, whose 100 m pixels make ridges and wadis as sharp as
scars are at 10 m and would teach that sharp bright shapes are harmless.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from numpy.typing import NDArray

PATCH_PX: Final = 128
"""Side of a patch, pixels of 10 m."""

_SLOVENIA: Final = "slovenia_s2_series/REFERENCE_SCENES.npy"
_SPAIN: Final = "spain_s1s2_chip/S2/Spain_7370579_S2Hand.tif"
_BELGIUM: Final = "belgium_s1s2dem_monthly/worldcereal_preprocessed_inputs.nc"
_RGB_OF_13: Final = (3, 2, 1)
"""B04, B03, B02 among the 13 bands of level 1C, counted from 0."""


def load_negatives(folder: Path) -> NDArray[np.float32]:
    """Read the landslide-free patches.

    Returns (N, 3, 128, 128) float32, bands B04, B03, B02 in each source's own linear unit,
    NaN = no observation. Chips smaller than a patch are continued by reflection.
    """
    scenes = [*_slovenia(folder / _SLOVENIA), *_spain(folder / _SPAIN)]
    scenes += _belgium(folder / _BELGIUM)
    return np.stack([patch for scene in scenes for patch in _cut(scene)])


def no_negatives() -> NDArray[np.float32]:
    """An empty stack, (0, 3, 128, 128)."""
    return np.zeros((0, 3, PATCH_PX, PATCH_PX), dtype=np.float32)


def _slovenia(path: Path) -> Iterator[NDArray[np.float32]]:
    # Level 1C reflectance 0-1; hills with forest, meadow and villages, two scenes cloudy or hazy.
    for scene in np.load(path):
        yield np.moveaxis(scene[..., _RGB_OF_13], -1, 0).astype(np.float32)


def _spain(path: Path) -> Iterator[NDArray[np.float32]]:
    # Level 1C digital numbers; dry farmland with a river and bare soil.
    with rasterio.open(path) as dataset:
        yield dataset.read([band + 1 for band in _RGB_OF_13], out_dtype="float32")


def _belgium(path: Path) -> Iterator[NDArray[np.float32]]:
    # Twelve monthly composites of level 2A digital numbers, -1 = nodata; flat cropland.
    bands = []
    for name in ("B04", "B03", "B02"):
        with rasterio.open(f"netcdf:{path}:S2-L2A-{name}") as dataset:
            bands.append(dataset.read(out_dtype="float32"))
    months = np.stack(bands, axis=1)
    yield from np.where(months < 0, np.float32(np.nan), months).astype(np.float32)


def _cut(scene: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    _, height, width = scene.shape
    short = (max(0, PATCH_PX - height), max(0, PATCH_PX - width))
    padded = np.pad(scene, ((0, 0), (0, short[0]), (0, short[1])), mode="reflect")
    for row in range(0, padded.shape[1] - PATCH_PX + 1, PATCH_PX):
        for column in range(0, padded.shape[2] - PATCH_PX + 1, PATCH_PX):
            patch = padded[:, row : row + PATCH_PX, column : column + PATCH_PX]
            if np.isfinite(patch).all(axis=0).mean() > 0.5:
                yield patch
