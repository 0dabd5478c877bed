"""Real ground without landslides, as chips whose observed pixels are all STABLE.

Nearly every labelled patch holds a landslide, so a network trained on those alone has never seen quiet ground, cloud
or farmland. Here are Slovenian hills (cloud and haze in two of five scenes), dry Spanish farmland with a river and
bare soil, and Belgian cropland through a year.

Left out on purpose: the Hokkaido scenes (kept for tests of the whole service); the chips of Chittagong (the test of
transfer; where no landslide is drawn their ground is unlabelled, not quiet); the three labelled patches without a
landslide (they stay on their side of the split); the HDF5 patches without masks (nobody says that they are quiet);
and the thinned Sentinel-2 scene of 100 m pixels, where ridges and wadis are as sharp as scars are at 10 m and would
teach that sharp bright shapes are harmless.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from numpy.typing import NDArray

from training.samples import STABLE, UNLABELLED, Samples

BANDS: Final = ("B04", "B03", "B02")
CHIP_PX: Final = 128
"""Side of a chip, pixels of 10 m."""

_SLOVENIA: Final = "slovenia_s2_series/REFERENCE_SCENES.npy"
_SPAIN: Final = "spain_s1s2_chip/S2/Spain_7370579_S2Hand.tif"
_BELGIUM: Final = "belgium_s1s2dem_monthly/worldcereal_preprocessed_inputs.nc"
_RGB_OF_13: Final = (3, 2, 1)
"""B04, B03, B02 among the 13 bands of level 1C, counted from 0."""
_REFLECTANCE_PER_DN: Final = np.float32(1e-4)
"""All three sources are older than the offset of January 2022."""
_LEAST_OBSERVED: Final = 0.5

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """One image of a place."""

    place: str
    bands: Array
    """(3, H, W) reflectance, NaN = no observation."""


def load_quiet(folder: Path) -> Samples:
    """Read the landslide-free chips: (N, 3, 128, 128) reflectance at the top of the atmosphere or the surface.

    A chip smaller than 128 pixels is continued by reflection; the mirrored part, like pixels that were not observed,
    is UNLABELLED, so that ground is counted once. All chips of a place count as touching: they show the same ground
    on several dates, or neighbouring ground.

    Args:
        folder: the data folder.
    """
    chips = [(scene.place, *chip) for scene in _scenes(folder) for chip in _cut(scene.bands)]
    places = np.array([place for place, _, _ in chips])
    ids = np.arange(len(chips), dtype=np.int64)
    touching = [pair for place in np.unique(places) for pair in combinations(ids[places == place].tolist(), 2)]
    return Samples(
        name="quiet-ground",
        bands=BANDS,
        ids=ids,
        pixels=np.stack([pixels for _, pixels, _ in chips]),
        labels=np.stack([labels for _, _, labels in chips]),
        groups=places,
        touching=np.array(touching, dtype=np.int64),
    )


def quiet_files(folder: Path) -> tuple[Path, ...]:
    """The files the chips are read from, for the manifest."""
    return tuple(folder / name for name in (_SLOVENIA, _SPAIN, _BELGIUM))


def _scenes(folder: Path) -> Iterator[_Scene]:
    yield from _slovenia(folder / _SLOVENIA)
    yield from _spain(folder / _SPAIN)
    yield from _belgium(folder / _BELGIUM)


def _slovenia(path: Path) -> Iterator[_Scene]:
    # Level 1C reflectance 0-1; hills with forest, meadow and villages.
    for scene in np.load(path):
        yield _Scene(place="slovenia", bands=np.moveaxis(scene[..., _RGB_OF_13], -1, 0).astype(np.float32))


def _spain(path: Path) -> Iterator[_Scene]:
    # Level 1C digital numbers.
    with rasterio.open(path) as dataset:
        bands: Array = dataset.read([band + 1 for band in _RGB_OF_13], out_dtype="float32")
    yield _Scene(place="spain", bands=bands * _REFLECTANCE_PER_DN)


def _belgium(path: Path) -> Iterator[_Scene]:
    # Twelve monthly composites of level 2A digital numbers, -1 = nodata.
    bands = []
    for name in BANDS:
        with rasterio.open(f"netcdf:{path}:S2-L2A-{name}") as dataset:
            bands.append(dataset.read(out_dtype="float32"))
    for month in np.stack(bands, axis=1):
        yield _Scene(place="belgium", bands=np.where(month < 0, np.float32(np.nan), month * _REFLECTANCE_PER_DN))


def _cut(bands: Array) -> Iterator[tuple[Array, NDArray[np.int8]]]:
    """Chips (3, 128, 128) and labels (128, 128) of a scene, without those that show little ground."""
    short = [max(0, CHIP_PX - side) for side in bands.shape[1:]]
    observed = np.isfinite(bands).all(axis=0)
    ground = np.where(observed, np.int8(STABLE), np.int8(UNLABELLED))
    pixels = np.pad(bands, ((0, 0), (0, short[0]), (0, short[1])), mode="reflect")
    labels = np.pad(ground, ((0, short[0]), (0, short[1])), constant_values=UNLABELLED)
    for row in range(0, labels.shape[0] - CHIP_PX + 1, CHIP_PX):
        for column in range(0, labels.shape[1] - CHIP_PX + 1, CHIP_PX):
            here = (slice(row, row + CHIP_PX), slice(column, column + CHIP_PX))
            if np.isfinite(pixels[:, *here]).all(axis=0).mean() > _LEAST_OBSERVED:
                yield pixels[:, *here], labels[here]
