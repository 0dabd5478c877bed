"""A simulated valley as the service sees it: read, resampled and masked by its own code, laid side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.catalog import StaticCatalog
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.land_cover_source import RasterLandCover
from monitor.adapters.radar_imagery import RadarImageSource
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.core.acquisitions import group as group_items
from monitor.core.canvas import Canvas, canvases
from monitor.core.features import LAND_COVER, PER_INPUT, TERRAIN
from monitor.core.grid import project, region_tiles
from monitor.core.land_cover import Scheme
from monitor.inputs import Input, Method
from monitor.kept_terrain import KeptTerrain
from monitor.looking import Instruments, Looker, Network, Stopwatch, surroundings
from monitor.ports import ImageSource
from monitor.records import Acquisition, ModelCard, Sensor, Tile
from monitor.sandbox.spectra import BANDS as SENTINEL_2
from monitor.sandbox.spectra import INFRARED
from monitor.sandbox.valley import Valley

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEGEND: Final = Scheme.ESA_WORLDCOVER
"""Of the map that a simulated valley has."""
GROUND: Final = (*TERRAIN, f"{LAND_COVER}{LEGEND.value}")
"""Layers that stay the same from look to look."""
BANDS: Final = {Sensor.OPTICAL: ("B04", "B03", "B02"), Sensor.SAR: ("vv", "vh")}
"""Layers of every look; optics may have more (`FURTHER`)."""
FURTHER: Final = SENTINEL_2[INFRARED]
"""Bands that are read where they are asked for, of valleys that have ten."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One acquisition of a valley."""

    acquisition: Acquisition
    after: bool
    """It was sensed after the storm."""
    bands: Array
    """(C, H, W) reflectance or linear power in the order of `bands_of`; NaN = hidden, blind or not covered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all acquisitions of a valley share."""

    terrain: Array
    """(3, H, W) elevation, slope and tri; NaN = void."""
    classes: NDArray[np.uint8]
    """(H, W) classes of LEGEND, 0 = none."""
    scars: Mask
    traps: Mask
    """Ground that changed for a cause that is no landslide, at any time."""


def bands_of(sensor: Sensor, further: Sequence[str] = ()) -> tuple[str, ...]:
    """Layers of a look of this sensor, with these further bands of optics."""
    return (*BANDS[sensor], *further) if sensor is Sensor.OPTICAL else BANDS[sensor]


class ValleyReader:
    """Reads the acquisitions of one valley over all of its tiles."""

    def __init__(self, valley: Valley, further: Sequence[str] = ()) -> None:
        """Only the catalog is read yet; `further` of `FURTHER` are read beside red, green and blue."""
        self._valley = valley
        self._further = tuple(further)
        self._around = surroundings(box(*valley.bbox))
        self._catalog = StaticCatalog(name="valley", href=str(valley.catalog))
        self._terrain = KeptTerrain(RasterTerrainSource(self._catalog.terrain(self._around)))
        self._maps = RasterLandCover(self._catalog.land_cover(self._around), LEGEND)
        self._images: dict[Sensor, ImageSource] = {
            Sensor.OPTICAL: RasterImageSource(),
            Sensor.SAR: RadarImageSource(),
        }
        (self._canvas,) = canvases(region_tiles(box(*valley.bbox)))

    def looks(self, sensor: Sensor) -> Iterator[Seen]:
        """Every acquisition of a sensor, oldest first; one is in memory at a time."""
        times = (*self._valley.times, *self._valley.passes)
        items, _ = self._catalog.search(self._around, min(times) - _DAY, max(times) + _DAY, sensor)
        acquisitions, _ = group_items("valley", items)
        names = bands_of(sensor, self._further)
        for one in sorted(acquisitions, key=lambda one: one.sensing_time):
            looker = Looker(one, self._instruments(sensor), Stopwatch())
            layers = {tile: looker.sources(tile, 0).bands for tile in self._canvas.tiles}
            bands = [_laid(self._canvas, {tile: found[band] for tile, found in layers.items()}) for band in names]
            yield Seen(acquisition=one, after=one.sensing_time > self._valley.storm, bands=np.stack(bands))

    def ground(self) -> Ground:
        """Terrain, land cover and the truth."""
        sources = {tile: self._terrain.read(tile) for tile in self._canvas.tiles}
        known = {tile: found for tile, found in sources.items() if found is not None}
        maps = {tile: self._maps.read(tile) for tile in self._canvas.tiles}
        return Ground(
            terrain=np.stack(
                [
                    _laid(self._canvas, {tile: found.elevation_m for tile, found in known.items()}),
                    _laid(self._canvas, {tile: found.slope_deg for tile, found in known.items()}),
                    _laid(self._canvas, {tile: found.tri_m for tile, found in known.items()}),
                ]
            ),
            classes=self._canvas.lay(
                {tile: found.classes for tile, found in maps.items() if found is not None}, np.uint8(0)
            ),
            scars=_burnt([scar.geometry for scar in self._valley.scars], self._canvas),
            traps=_burnt([trap.geometry for trap in self._valley.traps], self._canvas),
        )

    def _instruments(self, sensor: Sensor) -> Instruments:
        return Instruments(
            network=Network(card=_reading_card(sensor, bands_of(sensor, self._further)), engine=_NoEngine()),
            images=self._images[sensor],
            terrain=self._terrain,
        )


@dataclass(frozen=True, slots=True)
class _NoEngine:
    """Stands where a network would: looks are only read."""

    name: str = "none"

    def predict(self, windows: Array) -> Array:
        raise AssertionError("looks are only read here, and no network is asked")


def _reading_card(sensor: Sensor, bands: tuple[str, ...]) -> ModelCard:
    """A card that asks for these bands of a sensor as they are."""
    method = Method.FIXED if sensor is Sensor.OPTICAL else Method.DECIBEL
    return ModelCard(
        name="reading",
        version="reading",
        task="scar",
        sensor=sensor,
        bands=bands,
        channels=len(bands),
        normalisation=PER_INPUT,
        window_px=256,
        crop_px=0,
        resolution_m=10.0,
        flips=("identity",),
        threshold=0.5,
        simulated=True,
        sha256="",
        weights="",
        inputs=tuple(Input(name=name, method=method) for name in bands),
    )


def _laid(canvas: Canvas, arrays: dict[Tile, Array]) -> Array:
    return canvas.lay(arrays, np.float32(np.nan))


def _burnt(geometries: Sequence[BaseGeometry], canvas: Canvas) -> Mask:
    """(H, W) True where a pixel's centre lies in any of them (EPSG:4326)."""
    shapes = [project(one, 4326, canvas.epsg) for one in geometries if not one.is_empty]
    if not shapes:
        return np.zeros(canvas.shape, dtype=np.bool_)
    return np.asarray(rasterize(shapes, canvas.shape, transform=canvas.transform), dtype=np.bool_)
