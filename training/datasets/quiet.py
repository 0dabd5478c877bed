"""Real ground without landslides, as chips whose observed pixels are all STABLE.

Nearly every labelled patch holds a landslide, so a network trained on those alone has never seen quiet ground, cloud
or farmland. Here are Slovenian hills (cloud and haze in two of five scenes), dry Spanish farmland with a river and
bare soil, and Belgian cropland through a year. Folders of cut chips join them: a team's own quiet ground.

Left out on purpose: the Hokkaido scenes (kept for tests of the whole service); the chips of Chittagong (the test of
transfer; where no landslide is drawn their ground is unlabelled, not quiet); the three labelled patches without a
landslide (they stay on their side of the split); the HDF5 patches without masks (nobody says that they are quiet);
and the thinned Sentinel-2 scene of 100 m pixels, where ridges and wadis are as sharp as scars are at 10 m and would
teach that sharp bright shapes are harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from monitor.errors import BadAsset, ConfigError, InputFault
from training.datasets.bands import band_indices
from training.datasets.cutting import cut_manifests, load_cut_chips, tile_numbers
from training.datasets.manifest import Manifest, manifest_of
from training.samples import LANDSLIDE, STABLE, UNLABELLED, Samples

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


Stable = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """One image of a place."""

    place: str
    bands: Array
    """(C, H, W) reflectance, NaN = no observation."""
    stable: Stable
    """(H, W) observed and known to be without landslides."""


def load_quiet(
    folder: Path, places: Collection[str] = (), bands: Sequence[str] = BANDS, chip_px: int = CHIP_PX
) -> Samples:
    """Read the landslide-free chips: (N, C, chip_px, chip_px) reflectance at the top of the atmosphere or the surface.

    A chip smaller than that is continued by reflection; the mirrored part, like pixels that were not observed, is
    UNLABELLED, so that ground is counted once. Which chips of a place show the same ground is not recorded: a place
    is on one side of every comparison.

    Args:
        folder: the data folder.
        places: of SOURCES, or folders of cut chips under the data folder; all of SOURCES when empty.
        bands: what to read; SOURCES have BANDS only.

    Raises:
        ConfigError: there is no such place or band.
        BadAsset: a file is missing or broken.
        InputFault: a cut chip shows a landslide.
    """
    chips = [(scene.place, *chip) for scene in _scenes(folder, places, bands) for chip in _cut(scene, chip_px)]
    if not chips:
        raise BadAsset("its quiet ground is hardly observed anywhere", item=str(folder), remedy="Name other places.")
    return Samples(
        name="quiet-ground",
        bands=tuple(bands),
        ids=np.arange(len(chips), dtype=np.int64),
        pixels=np.stack([pixels for _, pixels, _ in chips]),
        labels=np.stack([labels for _, _, labels in chips]),
        groups=np.array([place for place, _, _ in chips]),
        touching=np.empty((0, 2), dtype=np.int64),
    )


def quiet_manifests(folder: Path, places: Collection[str], quiet: Samples) -> list[Manifest]:
    """What the chips of these places were read from: one for all of SOURCES, and those of the folders of cut chips.

    Raises:
        ConfigError: there is no such place.
        ScarpwatchError: a folder of cut chips has no manifest, or is not as it says.
    """
    known, own = chosen(folder, places)
    found = []
    if known:
        here = quiet.take(quiet.ids[np.isin(quiet.groups, known)].tolist())
        source = "; ".join(SOURCES[place] for place in known)
        files = [folder / file_of(place) for place in known]
        found.append(manifest_of(here, folder, files, source=source, licence="as named"))
    return [*found, *(one for path in own for one in cut_manifests(path))]


def quiet_tiles(folder: Path, places: Collection[str]) -> frozenset[int]:
    """The numbers of the tiles of all cut chips among these places."""
    _, own = chosen(folder, places)
    return frozenset(number for path in own for number in tile_numbers(path))


def file_of(place: str) -> str:
    """The file of a place of SOURCES, relative to the folder of data."""
    return _READERS[place][0]


def chosen(folder: Path, places: Collection[str]) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """Places of SOURCES and folders of cut chips, in a fixed order; all of SOURCES when nothing is named.

    Raises:
        ConfigError: there is no such place.
    """
    own = sorted(set(places) - SOURCES.keys())
    unknown = [place for place in own if not (folder / place).is_dir()]
    if unknown:
        raise ConfigError(
            f"there is no quiet ground of {', '.join(unknown)}",
            item="data.quiet",
            remedy=f"Choose among {', '.join(sorted(SOURCES))}, or name a folder of cut chips under {folder}.",
        )
    return tuple(place for place in SOURCES if place in places or not places), tuple(folder / place for place in own)


def _scenes(folder: Path, places: Collection[str], bands: Sequence[str]) -> Iterator[_Scene]:
    known, own = chosen(folder, places)
    for place in known:
        file, read = _READERS[place]
        channels = band_indices(place, BANDS, bands)
        try:
            for image in read(folder / file):
                yield _Scene(place=place, bands=image[channels], stable=np.asarray(np.isfinite(image).all(axis=0)))
        except (OSError, ValueError, IndexError, RasterioError) as err:
            raise BadAsset(
                f"the quiet ground of {place} cannot be read ({type(err).__name__}: {err})",
                item=str(folder / file),
                remedy="Put the file there, or do without quiet ground of this place.",
            ) from err
    for path in own:
        yield from _own(path, bands)


def _own(path: Path, bands: Sequence[str]) -> Iterator[_Scene]:
    samples = load_cut_chips(path, bands)
    slid = (samples.labels == LANDSLIDE).any(axis=(1, 2))
    if slid.any():
        raise InputFault(
            f"{np.count_nonzero(slid)} of its {len(samples)} chips show landslides",
            item=str(path),
            remedy="Name folders cut with --labels none as quiet ground.",
            reason="not-quiet",
        )
    for group, pixels, labels in zip(samples.groups, samples.pixels, samples.labels, strict=True):
        yield _Scene(place=str(group), bands=pixels.astype(np.float32), stable=labels == STABLE)


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


def _cut(scene: _Scene, side: int) -> Iterator[tuple[Array, NDArray[np.int8]]]:
    """Chips (C, side, side) and labels (side, side) of a scene, without those that show little ground."""
    short = [max(0, side - size) for size in scene.stable.shape]
    ground = np.where(scene.stable, np.int8(STABLE), np.int8(UNLABELLED))
    pixels = np.pad(scene.bands, ((0, 0), (0, short[0]), (0, short[1])), mode="reflect")
    labels = np.pad(ground, ((0, short[0]), (0, short[1])), constant_values=UNLABELLED)
    for row in range(0, labels.shape[0] - side + 1, side):
        for column in range(0, labels.shape[1] - side + 1, side):
            here = (slice(row, row + side), slice(column, column + side))
            if np.isfinite(pixels[:, *here]).all(axis=0).mean() > _LEAST_OBSERVED:
                yield pixels[:, *here], labels[here]
