"""Landslide4Sense as published: HDF5 patches of 14 bands, 128 x 128 pixels, with masks.

A folder holds `img/image_N.h5` (key `img`, (H, W, 14) float64) and `mask/mask_N.h5` (key `mask`, (H, W) uint8,
1 = landslide); the validation and test parts of 2022 came without masks. Or it holds such folders, the parts as they
are published, TrainData, ValidData and TestData. One image is read by `monitor.adapters.landslide4sense`, which also
says what its bands are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.landslide4sense import BANDS, bad_patch, read_array, read_image
from monitor.errors import BadAsset
from training.datasets.bands import picked, require_bands
from training.datasets.checks import require_landslides
from training.samples import LANDSLIDE, UNLABELLED, Samples

PARTS: Final = ("TrainData", "ValidData", "TestData")
"""Folders of the published parts."""
_IDS_OF_A_PART: Final = 100_000
"""More than any part has: chips are numbered from 1 in each."""

Progress = Callable[[str, int, int], None]
"""What is being done, how many are done, how many there are."""


def load_landslide4sense(
    folder: Path,
    bands: Sequence[str] = BANDS,
    progress: Progress = lambda _what, _done, _all: None,
) -> Samples:
    """Read a folder as published: with `img` (and `mask`), the images alone side by side, or the parts.

    Without a folder `mask` every pixel is UNLABELLED. All 14 bands of the 3,799 training patches take 3.5 GB, so
    read only the `bands` that are needed; NDVI and its like are made of two. Which patch lies where was not published:
    no touching pairs, and one group, or of parts one for each by its name, whose ids begin at a number of its own.

    Raises:
        BadAsset: a file is not as published; images and masks do not pair up; there are no images; parts differ in
            size.
        InputFault: a pixel is not finite; no pixel of the set is a landslide.
        ConfigError: there is no such band.
    """
    require_bands(str(folder), BANDS, bands)
    parts = [folder / name for name in PARTS if (folder / name).is_dir()]
    if not parts:
        return _load(folder, bands, progress)
    return _joined(folder, [_load(part, bands, progress) for part in parts])


def _load(folder: Path, bands: Sequence[str], progress: Progress) -> Samples:
    images, masks = _files(folder)
    first = read_image(next(iter(images.values())))
    pixels = np.empty((len(images), len(bands), *first.shape[1:]), dtype=np.float32)
    labels = np.full((len(images), *first.shape[1:]), UNLABELLED, dtype=np.int8)
    for index, (number, path) in enumerate(images.items()):
        image = read_image(path)
        if image.shape != first.shape:
            raise _bad(path, f"it is {_size(image)} pixels, but the first image of the set is {_size(first)}")
        pixels[index] = picked(image, BANDS, bands)
        if masks:
            labels[index] = read_mask(masks[number], image.shape[1:])
        progress(f"reading {folder.name}", index + 1, len(images))
    if masks:
        require_landslides(labels, str(folder))
    return Samples(
        name=folder.name,
        bands=tuple(bands),
        ids=np.fromiter(images, dtype=np.int64),
        pixels=pixels,
        labels=labels,
        groups=np.full(len(images), "unknown"),
        touching=np.zeros((0, 2), dtype=np.int64),
    )


def _joined(folder: Path, parts: Sequence[Samples]) -> Samples:
    """All parts as one set, each a group of its name."""
    for part in parts:
        if part.pixels.shape[2:] != parts[0].pixels.shape[2:]:
            raise _bad(folder / part.name, "its images have another size than those of the other parts")
    return replace(
        parts[0],
        name=folder.name,
        ids=np.concatenate([part.ids + place * _IDS_OF_A_PART for place, part in enumerate(parts)]),
        pixels=np.concatenate([part.pixels for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        groups=np.concatenate([np.full(len(part), part.name) for part in parts]),
    )


def read_mask(path: Path, size: tuple[int, ...]) -> NDArray[np.int8]:
    """One mask, (H, W) int8, STABLE or LANDSLIDE.

    Raises:
        BadAsset: not HDF5, no key `mask`, another size than its image, other values than 0 and 1.
    """
    mask = read_array(path, "mask", str(path))
    if mask.shape != size:
        raise _bad(path, f"the mask is {mask.shape}, but its image is {size}")
    if not np.isin(mask, (0, 1)).all():
        raise _bad(path, f"the mask has values {np.unique(mask)[:5].tolist()}, not only 0 and 1")
    return mask.astype(np.int8)


def write_landslide4sense(samples: Samples, folder: Path) -> None:
    """Write a set with all 14 bands as published; masks only where every pixel has a label.

    Raises:
        ValueError: other bands, or a chip of which only some pixels have a label: the format cannot say that.
    """
    if samples.bands != BANDS:
        raise ValueError(f"{samples.name}: the format wants the bands {BANDS}, not {samples.bands}")
    unknown = samples.labels == UNLABELLED
    masked = ~unknown.any(axis=(1, 2))
    in_part = ~masked & ~unknown.all(axis=(1, 2))
    if in_part.any():
        raise ValueError(f"{samples.name}: chip {samples.ids[in_part][0]} is labelled in part, which no mask can say")
    for index, number in enumerate(samples.ids):
        image = np.moveaxis(samples.pixels[index], 0, -1).astype(np.float64)
        _write(folder / "img" / f"image_{number}.h5", "img", image)
        if masked[index]:
            mask = (samples.labels[index] == LANDSLIDE).astype(np.uint8)
            _write(folder / "mask" / f"mask_{number}.h5", "mask", mask)


def _files(folder: Path) -> tuple[dict[int, Path], dict[int, Path]]:
    """Images and masks by number, in order; no masks at all where there is no folder of them."""
    images = _numbered(folder / "img" if (folder / "img").is_dir() else folder, "image")
    masks = _numbered(folder / "mask", "mask")
    if not images:
        raise _bad(folder, "there is no image_N.h5, neither in it nor in its folder img")
    if masks:
        _require_pairs(images, masks)
    return images, masks


def _require_pairs(images: Mapping[int, Path], masks: Mapping[int, Path]) -> None:
    for number, path in masks.items():
        if number not in images:
            raise _bad(path, f"the mask has no image_{number}.h5")
    for number, path in images.items():
        if number not in masks:
            raise _bad(path, f"the image has no mask_{number}.h5, though others have one")


def _numbered(folder: Path, kind: str) -> dict[int, Path]:
    names = ((re.fullmatch(rf"{kind}_(\d+)\.h5", path.name), path) for path in folder.glob("*.h5"))
    return dict(sorted((int(found[1]), path) for found, path in names if found))


def _write(path: Path, key: str, values: NDArray[np.generic]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.create_dataset(key, data=values)


def _size(image: NDArray[np.float32]) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"


def _bad(path: Path, problem: str) -> BadAsset:
    return bad_patch(str(path), problem)
