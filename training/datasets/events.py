"""Chips of events from their rasters: Sentinel-1 and -2 before and after, elevation, slope, landslides.

Every event is cut on its own grid of 10 m into squares of 128 pixels. The number of a chip says where it lies, so
that blocks of neighbours can be held out as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.core.features import INDICES, normalised_difference, split_date
from monitor.core.grid import project
from monitor.errors import ConfigError
from monitor.inputs import Input
from training.datasets.checks import require_landslides
from training.datasets.event_layout import EVENTS_FILE, EventFolder, Scene, Sensor, event_folders
from training.datasets.event_rasters import Array, band_names, event_grid, open_raster, read_band, read_labels
from training.datasets.footprints import touching_pairs
from training.event_inputs import BACKSCATTER, GROUND, OPTICAL, RADAR, SUPPLIED
from training.samples import UNLABELLED, Samples

CHIP_PX: Final = 128
ROWS: Final = 1_000
"""More than an event has rows or columns of chips."""
_LEAST_LABELLED: Final = 0.5
"""Share of a chip that must be labelled and seen."""
_PIXEL_DEG: Final = 9e-5
_LARGEST_REFLECTANCE: Final = 3.0
"""Median above which reflectance must be stored as whole numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """A set of events, read."""

    samples: Samples
    files: tuple[Path, ...]
    """All that was read."""
    source: str
    """As events.yaml names it."""
    licence: str


def load_events(path: Path, inputs: Sequence[Input]) -> Events:
    """Chips of all events under a folder with these inputs as layers; groups are events.

    A pixel that any of the layers does not show is UNLABELLED; chips that are mostly so are left out.

    Raises:
        BadAsset: the folder is another data set; an event lacks a file or scenes, or has one that is broken or lies
            elsewhere.
        ConfigError: a band is not there, or is in another unit than events.yaml says.
        InputFault: no pixel is a landslide.
    """
    names = [one.name for one in inputs]
    folders = event_folders(path)
    readers = [_Reader(event, names) for event in folders]
    parts = [_cut(place, reader) for place, reader in enumerate(readers)]
    ids = np.concatenate([part.ids for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    require_landslides(labels, str(path))
    footprints = [one for part in parts for one in part.footprints]
    settings = folders[0].settings
    return Events(
        samples=Samples(
            name=path.name,
            bands=tuple(names),
            ids=ids,
            pixels=np.concatenate([part.pixels for part in parts]),
            labels=labels,
            groups=np.array([event.name for event, part in zip(folders, parts, strict=True) for _ in part.ids]),
            touching=touching_pairs(ids, footprints, _PIXEL_DEG / 2),
            inputs=tuple(inputs),
        ),
        files=(*path.glob(EVENTS_FILE), *(file for reader in readers for file in reader.files)),
        source=settings.source or path.name,
        licence=settings.licence,
    )


def place_of(chip: int) -> tuple[int, int, int]:
    """Place of the event among the set's, row and column of the chip in it, from the north-west."""
    event, place = divmod(chip, ROWS * ROWS)
    return event, place // ROWS, place % ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The chips of one event."""

    ids: NDArray[np.int64]
    pixels: NDArray[np.float16]
    labels: NDArray[np.int8]
    footprints: list[BaseGeometry]


def _cut(place: int, reader: _Reader) -> _Part:
    layers = (reader.layer(name) for name in reader.names)
    # 16 bits keep power to 0.01 dB, reflectance to 0.0002 and elevation to 4 m: enough for a network, half the memory.
    pixels = np.stack([_chips(layer.astype(np.float16)) for layer in layers], axis=1)
    labels = _chips(read_labels(reader.event, reader.grid))
    labels[~np.isfinite(pixels).all(axis=1)] = UNLABELLED
    kept = np.flatnonzero((labels != UNLABELLED).mean(axis=(1, 2)) >= _LEAST_LABELLED)
    columns = reader.grid.shape[1] // CHIP_PX
    places = [(int(number) // columns, int(number) % columns) for number in kept]
    return _Part(
        ids=np.array([place * ROWS * ROWS + row * ROWS + column for row, column in places], dtype=np.int64),
        pixels=pixels[kept],
        labels=labels[kept],
        footprints=[_footprint(reader.grid, row, column) for row, column in places],
    )


class _Reader:
    """The layers of one event on its grid, one in memory at a time."""

    def __init__(self, event: EventFolder, names: Sequence[str]) -> None:
        self.event = event
        self.names = tuple(names)
        elevation = event.raster("elevation")
        self.grid = event_grid(elevation)
        if min(self.grid.shape) < CHIP_PX:
            raise ConfigError(
                f"its ground of {self.grid.shape[1]} x {self.grid.shape[0]} pixels of 10 m holds no chip",
                item=str(elevation),
                remedy=f"An event is at least {CHIP_PX} pixels wide and high.",
            )
        self.files = [event.labels(), *([searched] if (searched := event.searched()) else [])]
        self._looks = {sensor: event.looks(sensor, dates) for sensor, dates in _dates(names).items()}

    def layer(self, name: str) -> Array:
        """(H, W) an input as the network's features are made of it; NaN = not observed.

        Raises:
            ConfigError: no file of the scene has the band, or it is in another unit.
            BadAsset: a file is broken or lies elsewhere.
        """
        plain, date = split_date(name)
        if plain in INDICES:
            first, second = (self.layer(f"{band}{date}") for band in INDICES[plain])
            return normalised_difference(first, second)
        if plain in GROUND:
            file = self.event.raster(plain)
            self._note(file)
            return read_band(file, 1, self.grid)
        sensor = _sensor(plain)
        file, band = self._find(self._looks[sensor][date], plain, sensor)
        return self._in_unit(read_band(file, band, self.grid), plain, file)

    def _find(self, scene: Scene, plain: str, sensor: Sensor) -> tuple[Path, int]:
        """The file of a scene that has a band, and the band's place in it."""
        otherwise = getattr(self.event.settings.bands, sensor)
        there: list[str] = []
        for path in scene.files:
            with open_raster(path) as file:
                names = band_names(file, path, otherwise)
            if plain in names:
                self._note(path)
                return path, names.index(plain) + 1
            there += names
        raise ConfigError(
            f"there is no band {plain}; it has {', '.join(there)}",
            item=str(scene.files[0]),
            remedy=_remedy(plain, scene),
            reason="missing-band",
        )

    def _in_unit(self, values: Array, plain: str, file: Path) -> Array:
        """Linear power of vv and vh, reflectance 0–1 of optics; the rest as it is."""
        if plain in OPTICAL:
            values = values / np.float32(self.event.settings.reflectance_scale)
            if float(np.nanmedian(values)) > _LARGEST_REFLECTANCE:
                raise _unit(file, f"the median of {plain} is {np.nanmedian(values):.0f}", "reflectance_scale: 10000")
            return values
        if plain not in BACKSCATTER:
            return values
        if self.event.settings.radar_unit == "decibel":
            return np.asarray(10.0 ** (values / 10.0), dtype=np.float32)
        if float(np.nanmedian(values)) < 0:
            raise _unit(file, f"{plain} is below 0 on most of the ground", "radar_unit: decibel")
        return values

    def _note(self, file: Path) -> None:
        if file not in self.files:
            self.files.append(file)


def _dates(names: Sequence[str]) -> Mapping[Sensor, list[str]]:
    """Which dates of which sensor the inputs name."""
    found: dict[Sensor, list[str]] = {}
    for plain, date in map(split_date, names):
        if plain not in GROUND:
            dates = found.setdefault(_sensor(plain), [])
            dates.extend([date] if date not in dates else [])
    return found


def _sensor(plain: str) -> Sensor:
    return "radar" if plain in RADAR else "optical"


def _remedy(plain: str, scene: Scene) -> str:
    if plain in SUPPLIED:
        return (
            f"Catalogs of terrain-corrected scenes carry none: put your own beside it as {scene.name}.{plain}.tif, "
            "or leave the input out."
        )
    return "Name the file's bands in the file or under `bands` in events.yaml, add the band, or leave the input out."


def _unit(file: Path, problem: str, setting: str) -> ConfigError:
    return ConfigError(
        f"{problem}, so it is not in the unit that events.yaml says",
        item=str(file),
        remedy=f"Write `{setting}` into events.yaml if that is its unit.",
        reason="unit",
    )


def _chips(layer: NDArray[Any]) -> NDArray[Any]:
    """(H, W) to (K, 128, 128), row by row; what is left over in the east and south is dropped."""
    down, across = layer.shape[0] // CHIP_PX, layer.shape[1] // CHIP_PX
    cut = layer[: down * CHIP_PX, : across * CHIP_PX].reshape(down, CHIP_PX, across, CHIP_PX)
    return np.ascontiguousarray(cut.transpose(0, 2, 1, 3).reshape(-1, CHIP_PX, CHIP_PX))


def _footprint(grid: GeoBox, row: int, column: int) -> BaseGeometry:
    """EPSG:4326."""
    part = grid[row * CHIP_PX : (row + 1) * CHIP_PX, column * CHIP_PX : (column + 1) * CHIP_PX]
    return project(box(*part.boundingbox), str(grid.crs), 4326)
