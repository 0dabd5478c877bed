"""The composition root: builds everything from the settings and hands it over. Nothing else constructs adapters."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta

from monitor.adapters.catalog import StacApiCatalog, StaticCatalog
from monitor.adapters.catalog.items import OPTICAL_COLLECTIONS, TERRAIN_COLLECTIONS
from monitor.adapters.engine import open_engine
from monitor.adapters.illustrations import Illustrations
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.looks import LookFiles
from monitor.adapters.model_store import load_card
from monitor.adapters.products import ProductFolder
from monitor.adapters.signing import Signers, planetary_computer_sign
from monitor.adapters.store import SqlStore, make_owner
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.config import CatalogSettings, Settings
from monitor.core.lifecycle import LifecycleSettings
from monitor.looking import Instruments, Recent, surroundings
from monitor.pipeline import Pipeline, PipelineSettings
from monitor.ports import Catalog, TerrainSource
from monitor.records import Region, Terrain, Tile
from monitor.service import Service, ServiceSettings


def build(settings: Settings, progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None) -> Service:
    """The service of a configuration, ready to poll and process.

    Raises:
        BadModel, ConfigError: the model or the database does not fit.
    """
    card = load_card(settings.models / settings.model)
    engine = open_engine(card, settings.threads or os.cpu_count() or 1)
    store = SqlStore(settings.database)
    catalogs = {name: _catalog(name, chosen) for name, chosen in settings.catalogs.items()}
    signed = Signers(
        {name: planetary_computer_sign for name, chosen in settings.catalogs.items() if chosen.sign is not None}
    )
    images = RasterImageSource(signed)
    regions = {region.id: region.geometry for region in settings.region_records()}
    terrains: dict[str, TerrainSource] = {}

    def instruments(region: Region) -> Instruments:
        """One engine for all; elevation is looked up once per region."""
        if region.id not in terrains:
            terrains[region.id] = _terrain(region, catalogs, signed)
        return Instruments(card=card, engine=engine, images=images, terrain=terrains[region.id])

    lease = timedelta(minutes=settings.lease_minutes)
    pipeline = Pipeline(
        store=store,
        archive=LookFiles(settings.products),
        publisher=ProductFolder(settings.products),
        illustrator=Illustrations(settings.products, regions, card.threshold),
        instruments=instruments,
        settings=PipelineSettings(
            alerts=settings.alerts, lifecycle=LifecycleSettings(), block_tiles=settings.block_tiles, lease=lease
        ),
        progress=progress,
    )
    return Service(
        store=store,
        pipeline=pipeline,
        regions=settings.region_records(),
        catalogs=catalogs,
        owner=make_owner(),
        settings=ServiceSettings(lease=lease),
        engine=engine.name,
        close=store.close,
    )


def _catalog(name: str, chosen: CatalogSettings) -> Catalog:
    kind: type[StaticCatalog | StacApiCatalog] = StaticCatalog if chosen.type == "static" else StacApiCatalog
    wanted = chosen.collections
    return kind(
        name=name,
        href=chosen.href,
        optical=wanted.optical or OPTICAL_COLLECTIONS,
        terrain=wanted.terrain or TERRAIN_COLLECTIONS,
    )


def _terrain(region: Region, catalogs: Mapping[str, Catalog], signed: Signers) -> TerrainSource:
    """Elevation over a region from all its catalogs; the ground does not change, so its tiles stay at hand."""
    around = surroundings(region.geometry)
    items = [item for name in region.catalogs for item in catalogs[name].terrain(around)]
    return KeptTerrain(RasterTerrainSource(items, signed))


class KeptTerrain:
    """A terrain source that remembers its last tiles (0.8 MB each)."""

    def __init__(self, source: TerrainSource, size: int = 256) -> None:
        """Keep `size` tiles of `source`."""
        self._tiles: Recent[Terrain | None] = Recent(size, source.read)

    def read(self, tile: Tile) -> Terrain | None:
        """Terrain of one tile, or None where no elevation model covers it."""
        return self._tiles(tile)
