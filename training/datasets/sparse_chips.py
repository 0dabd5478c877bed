"""GeoTIFF chips with sparse labels: `images/` and `labels/` side by side, 0 unlabelled, 1 stable, 2 landslide.

Chips cut from one mosaic often overlap (those of Chittagong by half): `touching` says which, so that no split puts
the same ground on two sides. A landslide shown by several chips counts several times when all of them are scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.errors import BadAsset
from training.datasets.bands import picked, require_bands
from training.datasets.checks import require_landslides
from training.datasets.chip_files import Chip, pairs, read_chip
from training.datasets.footprints import touching_pairs
from training.samples import UNLABELLED, Samples

_LIKE: Final = 1.2
"""Largest ratio of pixel sizes within a set."""


def load_sparse_chips(folder: Path, bands: Sequence[str], keep: Sequence[str] = (), group: str = "") -> Samples:
    """Read all chips of a folder, in the order of their names; ids count them.

    A pixel that is 0 in every band was not observed: NaN, and UNLABELLED.

    Args:
        bands: names of the bands of every file, in their order.
        keep: those to read; all of them when empty.
        group: region or event of all chips; the folder's name when empty.

    Raises:
        BadAsset: files that do not pair up, cannot be read or differ in size or bands.
        ConfigError: there is no such band.
        InputFault: no pixel is a landslide.
    """
    chips = [without_zeros(read_chip(image, label)) for image, label in pairs(folder)]
    groups = [group or folder.name] * len(chips)
    samples = samples_of(folder, chips, range(len(chips)), groups, bands, keep)
    require_landslides(samples.labels, str(folder))
    return samples


def samples_of(
    folder: Path,
    chips: Sequence[Chip],
    ids: Sequence[int],
    groups: Sequence[str],
    bands: Sequence[str],
    keep: Sequence[str],
) -> Samples:
    """Chips as samples named after their folder; `bands` are those of the files, `keep` those wanted (empty: all).

    Raises:
        BadAsset: the chips differ in size or bands, or by more than 20 % in the size of their pixels.
        ConfigError: there is no such band.
    """
    require_bands(str(folder), bands, keep or bands)
    for chip in chips:
        if chip.pixels.shape != (len(bands), *chips[0].pixels.shape[1:]):
            raise BadAsset(
                f"chip {chip.name} has the shape {chip.pixels.shape}, not {len(bands)} bands and the size of the first",
                item=str(folder),
                remedy="Name all bands of the files; chips of one set have one size.",
            )
    numbers = np.array(ids, dtype=np.int64)
    return Samples(
        name=folder.name,
        bands=tuple(keep or bands),
        ids=numbers,
        pixels=np.stack([picked(chip.pixels, bands, keep or bands) for chip in chips]),
        labels=np.stack([chip.labels for chip in chips]),
        groups=np.array(groups),
        touching=touching_pairs(numbers, [chip.footprint for chip in chips], chips[0].pixel_deg / 2),
        resolution_m=_resolution_m(folder, chips),
    )


def _resolution_m(folder: Path, chips: Sequence[Chip]) -> float:
    """Median over the chips."""
    ordered = sorted(chips, key=lambda chip: chip.resolution_m)
    finest, coarsest = ordered[0], ordered[-1]
    if coarsest.resolution_m > _LIKE * finest.resolution_m:
        raise BadAsset(
            f"chip {finest.name} has pixels of {finest.resolution_m:.1f} m, {coarsest.name} of "
            f"{coarsest.resolution_m:.1f} m",
            item=str(folder),
            remedy="Resample all chips of a set to one size of pixels.",
        )
    return float(np.median([chip.resolution_m for chip in chips]))


def without_zeros(chip: Chip) -> Chip:
    """Pixels that are 0 in every band made what they are: not observed."""
    nothing: NDArray[np.bool_] = (chip.pixels == 0).all(axis=0)
    return replace(
        chip,
        pixels=np.where(nothing, np.float32(np.nan), chip.pixels),
        labels=np.where(nothing, np.int8(UNLABELLED), chip.labels),
    )
