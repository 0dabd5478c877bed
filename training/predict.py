"""Files through a model folder: HDF5 patches or GeoTIFF chips to probability, spread, picture and map.

A chip is normalised by its own statistics and answered whole, with the flips of the card, as when scoring; only a chip
that is no square of a multiple of 32 pixels is continued by mirrors first.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile

from monitor.adapters.files import write_atomic
from monitor.adapters.georeference import Ground, pixel_ha, unlike
from monitor.adapters.landslide4sense import BANDS, RESOLUTION_M, read_image
from monitor.core.features import require_ground
from monitor.errors import BadAsset, ConfigError
from monitor.ports import Engine
from monitor.records import ModelCard
from training.chip_picture import chip_picture
from training.datasets.bands import band_indices
from training.samples import UNLABELLED, Pixels, Samples
from training.scoring import ask, chip_engine

_STEP_PX: Final = 32
"""Networks halve their window five times."""
_LARGEST_PX: Final = 1024
"""A chip is answered in one window; beyond this memory runs into gigabytes."""
_HDF5: Final = (".h5", ".hdf5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One file, read."""

    name: str
    """Of the file, without its suffix."""
    bands: tuple[str, ...]
    pixels: Pixels
    """(C, H, W), any linear unit per band; NaN = no observation."""
    pixel_ha: float
    ground: Ground | None
    """None where the file does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the network says about one chip. Arrays are (H, W) float32, NaN = no observation."""

    probability: NDArray[np.float32]
    """Mean over the card's flips."""
    spread: NDArray[np.float32]
    """Standard deviation over flips: sensitivity to flips, not an uncertainty."""
    share: float
    """Of the observed pixels, those at or above the card's threshold."""
    area_ha: float
    """Of those pixels."""


def read_chip(path: Path, card: ModelCard, names: Sequence[str] = ()) -> Chip:
    """Read a Landslide4Sense patch (.h5) or a raster (anything else).

    Args:
        card: its bands are what a raster without band names is taken to have, where the number agrees.
        names: of a raster's bands, when the file does not name them.

    Raises:
        BadAsset: missing, no readable HDF5 or raster, no array `img`, bands that nobody names, too large.
        InputFault: NaN where the format has none.
    """
    if path.is_dir():
        raise BadAsset("it is a folder", item=str(path), remedy=f"Name its files, such as {path}/*.h5 or {path}/*.tif.")
    if not path.is_file():
        raise BadAsset("there is no such file", item=str(path), remedy="Correct its name.")
    return _patch(path) if path.suffix.lower() in _HDF5 else _raster(path, card, names)


def require_room(paths: Sequence[Path], folder: Path) -> None:
    """Raise ConfigError when results would overwrite one another or lie among the files they are made of."""
    first: dict[str, Path] = {}
    for path in paths:
        other = first.setdefault(path.stem, path)
        if other is not path:
            raise ConfigError(
                f"the results of {other} and {path} would have the same name",
                item=path.stem,
                remedy="Ask for them one after the other, into two folders.",
            )
        if path.resolve().parent == folder.resolve():
            raise ConfigError(
                f"the results would lie beside {path} and could overwrite it",
                item=str(folder),
                remedy="Name another folder with --out.",
            )


def resolution_note(chip: Chip, card: ModelCard) -> str:
    """A sentence when a chip's pixels are not of the size the network was trained on, else nothing."""
    odd = unlike(chip.pixel_ha, card)
    return f"{chip.name}: {odd}" if odd else ""


class Predictor:
    """A model that answers chips of any size, with one engine per window size."""

    def __init__(self, card: ModelCard, threads: int) -> None:
        self._card = card
        self._threads = threads
        self._engines: dict[int, Engine] = {}

    def find(self, chip: Chip) -> Found:
        """Ask the network about a chip.

        Raises:
            ConfigError: the chip lacks a band of the card.
            InputFault: too few pixels are observed in all of them.
            BadModel: the weights take no windows of this size.
        """
        card = self._card
        pixels = chip.pixels[band_indices(chip.name, chip.bands, card.bands)]
        seen = np.asarray(np.isfinite(pixels).all(axis=0))
        require_ground(seen, chip.name)
        sample = replace(_one_sample(chip.name, card.bands, _window(pixels)), inputs=card.inputs)
        answers = ask(self._engine(sample.labels.shape[-1]), sample, card.flips)
        here = (0, slice(seen.shape[0]), slice(seen.shape[1]))
        probability = answers.probability[here].copy()
        above = int((np.nan_to_num(probability) >= card.threshold).sum())
        return Found(
            probability=probability,
            spread=answers.spread[here].copy(),
            share=above / int(seen.sum()),
            area_ha=above * chip.pixel_ha,
        )

    def _engine(self, side_px: int) -> Engine:
        if side_px not in self._engines:
            self._engines[side_px] = chip_engine(self._card, side_px, self._threads)
        return self._engines[side_px]


def write_found(chip: Chip, found: Found, card: ModelCard, folder: Path) -> list[Path]:
    """Write NAME.npy (probability), NAME.png and, where the chip lies somewhere, NAME.tif (probability, spread).

    Raises:
        DiskFull
    """
    array = io.BytesIO()
    np.save(array, found.probability)
    contents = {
        ".npy": array.getvalue(),
        ".png": chip_picture(
            chip.pixels.astype(np.float32), chip.bands, found.probability, card.threshold, _captions(chip, found, card)
        ),
    }
    if chip.ground is not None:
        contents[".tif"] = _geotiff(found, chip.ground, card)
    paths = []
    for suffix, content in contents.items():
        paths.append(folder / f"{chip.name}{suffix}")
        write_atomic(paths[-1], content)
    return paths


def _patch(path: Path) -> Chip:
    image = read_image(path)
    _require_small(path, *image.shape[1:])
    return Chip(name=path.stem, bands=BANDS, pixels=image, pixel_ha=RESOLUTION_M**2 / 1e4, ground=None)


def _raster(path: Path, card: ModelCard, names: Sequence[str]) -> Chip:
    try:
        with rasterio.open(path) as file:
            _require_small(path, file.height, file.width)
            bands = _band_names(path, file, card, names)
            pixels = _observed(file)
            ground = Ground(crs=file.crs, transform=file.transform) if file.crs else None
            area_ha = pixel_ha(file) if file.crs else card.resolution_m**2 / 1e4
    except RasterioError as err:
        raise BadAsset(
            f"it is no readable raster ({err})", item=str(path), remedy="Give .h5 patches or GeoTIFF chips."
        ) from err
    return Chip(name=path.stem, bands=bands, pixels=pixels, pixel_ha=area_ha, ground=ground)


def _require_small(path: Path, height: int, width: int) -> None:
    if max(height, width) > _LARGEST_PX:
        raise BadAsset(
            f"it is {width} x {height} pixels, more than {_LARGEST_PX} on a side",
            item=str(path),
            remedy="Cut it into chips, or let the service watch the region.",
        )


def _band_names(path: Path, file: DatasetReader, card: ModelCard, names: Sequence[str]) -> tuple[str, ...]:
    """Names given by hand, else the file's own, else the card's where the number agrees."""
    own = tuple(name or "" for name in file.descriptions)
    chosen = tuple(names) or (own if all(own) else card.bands)
    if len(chosen) != file.count:
        raise BadAsset(
            f"it has {file.count} bands, but {len(chosen)} are named: {', '.join(chosen)}",
            item=str(path),
            remedy="Name the bands of the file in its order with --bands.",
            reason="bands-disagree",
        )
    return chosen


def _observed(file: DatasetReader) -> Pixels:
    """(C, H, W); complete 8-bit pixels stay 8-bit, so that their ties are undone as in training."""
    pixels = file.read()
    hidden = file.read_masks() == 0
    if pixels.dtype == np.uint8 and not hidden.any():
        whole: NDArray[np.uint8] = pixels
        return whole
    observed: NDArray[np.float32] = np.where(hidden, np.float32(np.nan), pixels.astype(np.float32))
    return observed


def _window(pixels: Pixels) -> Pixels:
    """Continued by mirrors to a square that the network can halve; the chip lies in the upper left corner."""
    height, width = pixels.shape[1:]
    side = -(-max(height, width) // _STEP_PX) * _STEP_PX
    rows, columns = (np.pad(np.arange(size), (0, side - size), mode="symmetric") for size in (height, width))
    return pixels[:, rows[:, None], columns]


def _one_sample(name: str, bands: tuple[str, ...], window: Pixels) -> Samples:
    return Samples(
        name=name,
        bands=bands,
        ids=np.zeros(1, dtype=np.int64),
        pixels=window[None],
        labels=np.full((1, *window.shape[1:]), UNLABELLED, dtype=np.int8),
        groups=np.full(1, name),
        touching=np.zeros((0, 2), dtype=np.int64),
    )


def _captions(chip: Chip, found: Found, card: ModelCard) -> tuple[str, str]:
    simulated = "  ·  network trained on SIMULATED data" if card.simulated else ""
    return (
        f"{chip.name}  ·  {card.version}{simulated}",
        f"{found.share:.1%} at or above {card.threshold:.2f}: {found.area_ha:.1f} ha",
    )


def _geotiff(found: Found, ground: Ground, card: ModelCard) -> bytes:
    height, width = found.probability.shape
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 2, "dtype": "float32", "nodata": np.nan}
    with MemoryFile() as memory:
        with memory.open(
            **profile, crs=ground.crs, transform=ground.transform, compress="deflate", predictor=3
        ) as file:
            file.write(np.stack([found.probability, found.spread]))
            file.descriptions = ("probability", "spread")
            file.update_tags(model=card.version, threshold=card.threshold, simulated=str(card.simulated).lower())
        return bytes(memory.read())
