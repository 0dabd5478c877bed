"""False alarms on land without landslides: hectares at or above a threshold per 1,000 km² seen.

Chips that all hold landslides say nothing about the 99.9 % of the land that holds none. Here every
pixel at or above the threshold is false. In scenes, land under cloud, snow or water is not land seen;
chips have no mask and count with what they show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from shapely import box

from monitor.adapters.catalog import StaticCatalog
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.core.acquisitions import group
from monitor.core.grid import RESOLUTION_M, region_tiles, tile_geobox
from monitor.kept_terrain import KeptTerrain
from monitor.looking import Instruments, Looker, Network, Stopwatch, order_for_cache
from monitor.ports import Engine
from monitor.records import Acquisition, ModelCard, Tile
from training.metrics import Interval, redrawn
from training.samples import UNLABELLED, Samples

Array = NDArray[np.float32]

HOKKAIDO: Final = Path("hokkaido_iburi_2018")
"""Folder of the scenes before and after the earthquake of 2018, within the folder of real data."""
BBOX: Final = (141.8904, 42.6824, 142.0280, 42.7695)
"""West, south, east, north of what is looked at."""
FIRST_QUIET_ROW: Final = 720
"""Source row of the later scene from which no fresh scar larger than a few pixels was seen by eye."""
BEFORE: Final = "Hokkaido, before the earthquake"
SOUTH: Final = "Hokkaido, unslid south after it"
MIN_PIECES: Final = 5
"""A source of fewer pieces gets no interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A chip or tile of land without landslides."""

    source: str
    bands: tuple[str, ...]
    pixels: Array
    """(C, H, W) in any linear unit, NaN = no data."""
    probability: Array
    """(H, W), NaN = not seen."""
    resolution_m: float

    def seen_km2(self) -> float:
        """Land that was observed."""
        return float(np.isfinite(self.probability).sum()) * self.resolution_m**2 / 1e6

    def false_ha(self, threshold: float) -> float:
        """Land at or above a threshold."""
        return float((np.nan_to_num(self.probability) >= threshold).sum()) * self.resolution_m**2 / 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietRow:
    """What one source says about one threshold."""

    source: str
    seen_km2: float
    false_ha: float
    interval: Interval | None
    """95 % of the rate, by resampling pieces; None where there are few, or nothing false to resample."""

    @property
    def per_1000_km2(self) -> float:
        """False hectares per 1,000 km² seen; 0 where nothing was."""
        return 1000 * self.false_ha / self.seen_km2 if self.seen_km2 else 0.0


def quiet_rows(pieces: Sequence[Piece], threshold: float) -> tuple[QuietRow, ...]:
    """One row per source, in the order of the pieces."""
    sources = dict.fromkeys(piece.source for piece in pieces)
    return tuple(_row([piece for piece in pieces if piece.source == source], threshold) for source in sources)


def quiet_chips(samples: Samples, probability: Array) -> tuple[Piece, ...]:
    """Chips of stable ground, by their groups. probability: (N, H, W), NaN = not seen.

    UNLABELLED pixels, such as mirrored ones, are not land either.
    """
    order = np.argsort(samples.groups, kind="stable")
    return tuple(
        Piece(
            source=str(samples.groups[index]),
            bands=samples.bands,
            pixels=samples.pixels[index].astype(np.float32),
            probability=np.where(samples.labels[index] == UNLABELLED, np.float32(np.nan), probability[index]),
            resolution_m=samples.resolution_m,
        )
        for index in order
    )


def quiet_scenes(data: Path, card: ModelCard, engine: Engine) -> tuple[Piece, ...]:
    """Hokkaido as the service sees it: the scene before the earthquake, and the unslid south of the one after it.

    Args:
        data: folder of real data.
        engine: for windows of the card.
    """
    (before, after), tiles, terrain = _scenes(data)
    tools = Instruments(network=Network(card=card, engine=engine), images=RasterImageSource(), terrain=terrain)
    with rasterio.open(data / HOKKAIDO / "post-event" / "download.B4.tif") as source:
        transform: Affine = source.transform
    return (*_looks(before, tiles, tools, BEFORE, None), *_looks(after, tiles, tools, SOUTH, transform))


def _scenes(data: Path) -> tuple[tuple[Acquisition, Acquisition], tuple[Tile, ...], KeptTerrain]:
    ground = box(*BBOX)
    catalog = StaticCatalog(name="local", href=str((data / HOKKAIDO / "catalog" / "catalog.json").absolute()))
    items, _ = catalog.search(ground, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    (before, after), _ = group("quiet", items)
    return (before, after), region_tiles(ground), KeptTerrain(RasterTerrainSource(catalog.terrain(ground)))


def _looks(
    acquisition: Acquisition, tiles: Sequence[Tile], tools: Instruments, source: str, rows: Affine | None
) -> Iterator[Piece]:
    """Every look; with `rows`, a pixel transform of the scene, only what lies south of FIRST_QUIET_ROW."""
    looker = Looker(acquisition, tools, Stopwatch())
    for tile in order_for_cache(tiles):
        look = looker.look(tile)
        if look is None:
            continue
        quiet = True if rows is None else _source_rows(tile, rows) >= FIRST_QUIET_ROW
        probability = np.where(quiet, look.probability, np.float32(np.nan))
        if np.isfinite(probability).any():
            yield Piece(
                source=source,
                bands=tools.card.bands,
                pixels=look.pixels,
                probability=probability,
                resolution_m=RESOLUTION_M,
            )


def _source_rows(tile: Tile, transform: Affine) -> Array:
    """(256, 256) fractional row in a north-up scene in EPSG:4326 of every pixel's centre."""
    height, width = tile_geobox(tile).shape
    x, y = tile_geobox(tile).affine * np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    _, latitude = Transformer.from_crs(tile.epsg, 4326, always_xy=True).transform(x, y)
    return np.asarray((latitude - transform.f) / transform.e, dtype=np.float32)


def _row(pieces: Sequence[Piece], threshold: float) -> QuietRow:
    false = np.array([piece.false_ha(threshold) for piece in pieces])
    seen = np.array([piece.seen_km2() for piece in pieces])
    interval = None
    if len(pieces) >= MIN_PIECES and false.any():
        drawn = redrawn(len(pieces))
        low, high = np.percentile(1000 * (drawn @ false) / np.maximum(drawn @ seen, 1e-9), (2.5, 97.5))
        interval = (float(low), float(high))
    return QuietRow(source=pieces[0].source, seen_km2=float(seen.sum()), false_ha=float(false.sum()), interval=interval)
