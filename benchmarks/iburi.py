"""The Hokkaido Eastern Iburi pair, opened with the service's own parts: acquisitions, looks, canvas, source pixels."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from shapely import box

from monitor.adapters.catalog import StaticCatalog
from monitor.adapters.engine import open_engine
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.model_store import load_card
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.config import Settings
from monitor.core.acquisitions import group
from monitor.core.canvas import Canvas, canvases
from monitor.core.grid import region_tiles
from monitor.errors import BadModel
from monitor.kept_terrain import KeptTerrain
from monitor.looking import Instruments, Looker, Network, Stopwatch, order_for_cache
from monitor.records import Acquisition, Look, ModelCard, Region, Terrain, Tile

BBOX = (141.8904, 42.6824, 142.0280, 42.7695)
"""West, south, east, north of the region `atsuma`."""
CATALOG = Path("hokkaido_iburi_2018") / "catalog" / "catalog.json"
FOLDER = Path("hokkaido_iburi_2018")

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The two acquisitions, the tiles of the region and its ground."""

    region: Region
    before: Acquisition
    after: Acquisition
    tiles: tuple[Tile, ...]
    terrain: KeptTerrain
    source: Affine
    """Pixel (column, row) of the 970 x 1533 source images to longitude, latitude."""

    @property
    def canvas(self) -> Canvas:
        """All tiles side by side (the region lies in one UTM zone)."""
        (canvas,) = canvases(self.tiles)
        return canvas

    def ground(self) -> dict[Tile, Terrain]:
        """Terrain of every tile."""
        found = {tile: self.terrain.read(tile) for tile in self.tiles}
        return {tile: terrain for tile, terrain in found.items() if terrain is not None}

    def source_pixels(self) -> tuple[Array, Array]:
        """Fractional (row, column) in the source images of every canvas pixel's centre, two (H, W) arrays."""
        transform, (height, width) = self.canvas.transform, self.canvas.shape
        x = transform.c + transform.a * (np.arange(width) + 0.5)
        y = transform.f + transform.e * (np.arange(height) + 0.5)
        to_lonlat = Transformer.from_crs(self.canvas.epsg, 4326, always_xy=True)
        longitude, latitude = to_lonlat.transform(*np.meshgrid(x, y))
        inverse = ~self.source
        return (
            (inverse.e * latitude + inverse.f).astype(np.float32),
            (inverse.a * longitude + inverse.c).astype(np.float32),
        )


def open_pair(data: Path) -> Pair:
    """The pair of the data folder, grouped into acquisitions as a poll does it."""
    region = Region(id="atsuma", geometry=box(*BBOX), catalogs=("local",), lookback_days=20000)
    catalog = StaticCatalog(name="local", href=str((data / CATALOG).absolute()))
    items, _ = catalog.search(region.geometry, datetime.fromisoformat("2000-01-01T00:00:00+00:00"), _far())
    (before, after), _ = group(region.id, items)
    with rasterio.open(data / FOLDER / "post-event" / "download.B4.tif") as source:
        transform = source.transform
    return Pair(
        region=region,
        before=before,
        after=after,
        tiles=region_tiles(region.geometry),
        terrain=KeptTerrain(RasterTerrainSource(catalog.terrain(region.geometry))),
        source=transform,
    )


def card_of_one_look(model: Path) -> ModelCard:
    """The card of a model whose answer is of one look.

    Raises:
        BadModel: it is of a pair of looks: `python -m benchmarks implants --change` takes such a one.
    """
    card = load_card(model)
    if card.of_pairs:
        raise BadModel(
            "is of task change, and one look at a time is measured here",
            item=f"model folder {model}",
            remedy="Give a model of task scar; python -m benchmarks implants takes one of task change with --change.",
        )
    return card


def instruments(pair: Pair, model: Path, threads: int = 0) -> Instruments:
    """What the service would look at the pair with; raises as `card_of_one_look`."""
    card = card_of_one_look(model)
    engine = open_engine(card, threads or os.cpu_count() or 1)
    return Instruments(network=Network(card=card, engine=engine), images=RasterImageSource(), terrain=pair.terrain)


def look_at(acquisition: Acquisition, tiles: tuple[Tile, ...], tools: Instruments) -> dict[Tile, Look]:
    """The looks of an acquisition, tile by tile as the pipeline makes them; tiles that show nothing are left out."""
    looker = Looker(acquisition, tools, Stopwatch())
    looks = {tile: looker.look(tile) for tile in order_for_cache(tiles)}
    return {tile: look for tile, look in looks.items() if look is not None}


def settings_for(data: Path, folder: Path, model: Path) -> Settings:
    """The configuration of the pair, with a database and products of its own in `folder`."""
    catalog = {"type": "static", "href": str((data / CATALOG).absolute())}
    region = {
        "geometry": {"bbox": list(BBOX)},
        "catalogs": ["local"],
        "lookback_days": 20000,
        "sensor_policy": "optical_only",
    }
    return Settings.model_validate(
        {
            "folder": folder.absolute(),
            "database": "sqlite:///watch.db",
            "products": "./products",
            "models": str(model.absolute().parent),
            "model": model.name,
            "catalogs": {"local": catalog},
            "regions": {"atsuma": region},
        }
    )


def _far() -> datetime:
    return datetime.fromisoformat("2100-01-01T00:00:00+00:00")
