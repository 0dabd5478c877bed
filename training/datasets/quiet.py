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

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from monitor.errors import BadAsset, ConfigError
from training.samples import STABLE, UNLABELLED, Samples

BANDS: Final = ("B04", "B03", "B02")
CHIP_PX: Final = 128
"""Side of a chip, pixels of 10 m."""

SOURCES: Final[dict[str, str]] = {
    "slovenia": "eo-learn example data, Slovenia, Sentinel-2 L1C (MIT)",
    "spain": "Sen1Floods11 chip Spain_7370579, Sentinel-2 L1C (CC-BY-4.0)",
    "belgium": "WorldCereal test patch, Belgium, Sentinel-2 L2A, monthly composites (MIT)",
}
"""Where the ground of every place comes from, with its licence."""

_RGB_OF_13: Final = (3, 2, 1)
"""B04, B03, B02 among the 13 bands of level 1C, counted from 0."""
_REFLECTANCE_PER_DN: Final = np.float32(1e-4)
"""All three sources are older than the offset of January 2022."""
_NO_DATA: Final = 65535
_LEAST_OBSERVED: Final = 0.5

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """One image of a place."""

    place: str
    bands: Array
    """(3, H, W) reflectance, NaN = no observation."""


def load_quiet(folder: Path, places: Collection[str] = ()) -> Samples:
    """Read the landslide-free chips: (N, 3, 128, 128) reflectance at the top of the atmosphere or the surface.

    A chip smaller than 128 pixels is continued by reflection; the mirrored part, like pixels that were not observed,
    is UNLABELLED, so that ground is counted once. All chips of a place count as touching: they show the same ground
    on several dates, or neighbouring ground.

    Args:
        folder: the data folder.
        places: of SOURCES; all of them when empty.

    Raises:
        ConfigError: there is no such place.
        BadAsset: a file is missing or broken.
    """
    chips = [(scene.place, *chip) for scene in _scenes(folder, places) for chip in _cut(scene.bands)]
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


def quiet_files(folder: Path, places: Collection[str] = ()) -> tuple[Path, ...]:
    """The files the chips of these places are read from, for the manifest.

    Raises:
        ConfigError: there is no such place.
    """
    return tuple(folder / _READERS[place][0] for place in _chosen(places))


def _scenes(folder: Path, places: Collection[str]) -> Iterator[_Scene]:
    for place in _chosen(places):
        file, read = _READERS[place]
        try:
            for bands in read(folder / file):
                yield _Scene(place=place, bands=bands)
        except (OSError, ValueError, IndexError, RasterioError) as err:
            raise BadAsset(
                f"the quiet ground of {place} cannot be read ({type(err).__name__}: {err})",
                item=str(folder / file),
                remedy="Put the file there, or do without quiet ground of this place.",
            ) from err


def _chosen(places: Collection[str]) -> tuple[str, ...]:
    unknown = sorted(set(places) - SOURCES.keys())
    if unknown:
        raise ConfigError(
            f"there is no quiet ground of {', '.join(unknown)}",
            item="data.quiet",
            remedy=f"Choose among {', '.join(sorted(SOURCES))}.",
        )
    return tuple(place for place in SOURCES if place in places or not places)


def _slovenia(path: Path) -> Iterator[Array]:
    # Level 1C reflectance 0-1; hills with forest, meadow and villages.
    for scene in np.load(path):
        yield np.moveaxis(scene[..., _RGB_OF_13], -1, 0).astype(np.float32)


def _spain(path: Path) -> Iterator[Array]:
    # Level 1C digital numbers.
    with rasterio.open(path) as dataset:
        bands: Array = dataset.read([band + 1 for band in _RGB_OF_13], out_dtype="float32")
    yield bands * _REFLECTANCE_PER_DN


def _belgium(path: Path) -> Iterator[Array]:
    # Twelve monthly composites of level 2A digital numbers; -1 = nodata, in two months 65535.
    bands = []
    for name in BANDS:
        with rasterio.open(f"netcdf:{path}:S2-L2A-{name}") as dataset:
            bands.append(dataset.read(out_dtype="float32"))
    for month in np.stack(bands, axis=1):
        missing = (month < 0) | (month >= _NO_DATA)
        yield np.where(missing, np.float32(np.nan), month * _REFLECTANCE_PER_DN)


_READERS: Final[dict[str, tuple[str, Callable[[Path], Iterator[Array]]]]] = {
    "slovenia": ("slovenia_s2_series/REFERENCE_SCENES.npy", _slovenia),
    "spain": ("spain_s1s2_chip/S2/Spain_7370579_S2Hand.tif", _spain),
    "belgium": ("belgium_s1s2dem_monthly/worldcereal_preprocessed_inputs.nc", _belgium),
}
"""The file of every place within the data folder, and what reads its images, (3, H, W) reflectance each."""


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
