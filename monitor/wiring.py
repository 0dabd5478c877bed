"""The composition root: builds everything from the settings and hands it over. Nothing else constructs adapters."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from monitor.adapters.catalog import Asking, Collections, StacApiCatalog, StaticCatalog
from monitor.adapters.engine import open_engine
from monitor.adapters.exposure_layers import LayerFiles
from monitor.adapters.hosts import Hosts
from monitor.adapters.illustrations import Illustrations
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.land_cover_source import RasterLandCover
from monitor.adapters.looks import LookFiles
from monitor.adapters.model_store import load_radar_card, load_watch_card
from monitor.adapters.null_file import QUIET_GROUND, load_null
from monitor.adapters.products import ProductFolder
from monitor.adapters.radar_imagery import RadarImageSource
from monitor.adapters.reach import Reach
from monitor.adapters.signing import PlanetaryComputer, Signers
from monitor.adapters.slope_sights import SlopeSightFiles
from monitor.adapters.static_files import SourceReads, StaticFiles
from monitor.adapters.store import SqlStore, make_owner
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.config import CatalogSettings, Settings
from monitor.core.ground_layers import wanted_scheme
from monitor.core.land_cover import LandCover, Scheme
from monitor.core.null_rate import NullRates
from monitor.core.paint import Brush
from monitor.describing import Describer
from monitor.errors import BadItem, CatalogUnavailable, ConfigError
from monitor.executors.local import Executor, Local
from monitor.executors.orders import Recipe
from monitor.kept_terrain import KeptTerrain
from monitor.looking import Instruments, Network, surroundings
from monitor.pipeline import Means, Outlets, Pipeline, PipelineSettings
from monitor.ports import Catalog, ImageSource, TerrainSource
from monitor.records import ModelCard, Region, SceneItem, Sensor, Tile
from monitor.service import Gauges, Service, ServiceSettings, Watched
from monitor.shipped import shipped_folder
from monitor.view import Recent


def build(settings: Settings, progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None) -> Service:
    """The service of a configuration, ready to poll and process.

    Raises:
        BadModel, ConfigError: the model or the database does not fit, or `executor: dask` lacks its library.
    """
    tools = Tools.of(settings)
    store = SqlStore(settings.database, lifecycle=settings.tiers.lifecycle, limits=settings.limits)
    regions = {region.id: region.geometry for region in settings.region_records()}
    lease, looks = timedelta(minutes=settings.lease_minutes), LookFiles(settings.products)
    layers = LayerFiles(settings.region_layers(), regions)
    executor = _executor(settings, tools)

    def close() -> None:
        executor.close()
        store.close()

    pipeline = Pipeline(
        store=store,
        means=Means(instruments=partial(tools.instruments, tools.images()), executor=executor, progress=progress),
        outlets=Outlets(
            archive=looks,
            publisher=ProductFolder(settings.products),
            illustrator=Illustrations(settings.products, regions, tools.card.threshold),
            sights=SlopeSightFiles(settings.products),
        ),
        settings=pipeline_settings(settings, lease),
        describer=Describer(passes=store, layers=layers, table=settings.severity.table(), fleet=settings.fleet),
    )
    return Service(
        store=store,
        pipeline=pipeline,
        watched=Watched(regions=settings.region_records(), catalogs=tools.catalogs, fleet=settings.fleet),
        owner=make_owner(),
        settings=ServiceSettings(lease=lease, optical_looks=settings.alerts.looks),
        close=close,
        gauges=Gauges(
            engine=tools.engine_name,
            sign_failures=tools.signed.failures.counts,
            hosts=tools.hosts.snapshot,
            static_reads=tools.reads.counts,
            layer_failures=layers.failures,
            look_mb=lambda: looks.mean_mb(store.newest_looks()),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What acquisitions are looked at with: one engine for all."""

    networks: Mapping[Sensor, Network]
    catalogs: Mapping[str, Catalog]
    hosts: Hosts
    reads: SourceReads
    signed: Signers
    elevation: "Elevation"
    maps: Mapping[Sensor, "LandCoverMaps"]
    signs: frozenset[str]
    """Catalogs whose links are signed."""
    reaches: Mapping[str, Reach]
    """Where the links of each catalog may lead."""

    @classmethod
    def of(cls, settings: Settings, read_only: bool = False) -> "Tools":
        """The tools of a configuration; `read_only` keeps nothing in its product folder.

        Raises:
            BadModel: a model does not fit.
        """
        networks, hosts = _networks(settings), Hosts()
        reaches = {name: chosen.reach(name) for name, chosen in settings.catalogs.items()}
        catalogs = {name: _catalog(name, chosen, hosts, reaches[name]) for name, chosen in settings.catalogs.items()}
        signs = frozenset(name for name, chosen in settings.catalogs.items() if chosen.sign is not None)
        signed = Signers(dict.fromkeys(signs, PlanetaryComputer(hosts)), hosts, reaches)
        kept, reads = StaticFiles(settings.products, read_only), SourceReads()
        return cls(
            networks=networks,
            catalogs=catalogs,
            hosts=hosts,
            reads=reads,
            signed=signed,
            signs=signs,
            reaches=reaches,
            elevation=Elevation(catalogs, lambda items: RasterTerrainSource(items, signed, kept, reads)),
            maps=_maps(networks, catalogs, lambda scheme, items: RasterLandCover(items, scheme, signed, kept, reads)),
        )

    @property
    def card(self) -> ModelCard:
        """Of the network that looks at optics."""
        return self.networks[Sensor.OPTICAL].card

    @property
    def engine_name(self) -> str:
        """The engine really in use."""
        return self.networks[Sensor.OPTICAL].engine.name

    def images(self, brush: Brush | None = None) -> dict[Sensor, ImageSource]:
        """Pixels of both sensors, painted over where there is a brush."""
        return {
            Sensor.OPTICAL: RasterImageSource(self.signed, brush=brush),
            Sensor.SAR: RadarImageSource(self.signed, brush=brush),
        }

    def instruments(self, images: Mapping[Sensor, ImageSource], region: Region, sensor: Sensor) -> Instruments:
        """What one acquisition of a region is looked at with."""
        return Instruments(
            network=self.networks.get(sensor),
            images=images[sensor],
            terrain=self.elevation.of(region),
            land_cover=self.maps[sensor].of(region) if sensor in self.maps else lambda _tile: None,
        )

    def recipe(self, settings: Settings, region: Region, sensor: Sensor) -> Recipe:
        """How workers make the same for themselves, as far as `instruments` found sources for the region."""
        assert settings.dask is not None
        return Recipe(
            sensor=sensor,
            card=self.networks[sensor].card if sensor in self.networks else None,
            models=None if settings.models == shipped_folder("models") else settings.models,
            engine=settings.dask.worker_engine,
            threads=settings.threads,
            elevation=self.elevation.items(region),
            land_cover=self.maps[sensor].items(region) if sensor in self.maps else (),
            signed=self.signs,
            reaches=tuple(self.reaches.values()),
        )


def _executor(settings: Settings, tools: Tools) -> Executor:
    """Where blocks of tiles are looked at.

    Raises:
        ConfigError: `executor: dask` without its library.
    """
    if settings.executor == "local" or settings.dask is None:
        return Local()
    try:
        from monitor.executors.cluster import DaskExecutor
    except ModuleNotFoundError as err:
        raise ConfigError(
            f"the library of the Dask cluster is not installed ({err})",
            item="executor dask",
            remedy="pip install 'scarpwatch[dask]', or set executor to local.",
        ) from err
    return DaskExecutor(settings.dask.cluster(), partial(tools.recipe, settings))


def pipeline_settings(settings: Settings, lease: timedelta) -> PipelineSettings:
    """What an operator has set about one acquisition's way.

    Raises:
        ConfigError: the file of what quiet ground does is wrong.
    """
    return PipelineSettings(
        alerts=settings.alerts,
        lifecycle=settings.tiers.lifecycle,
        null=_null(settings),
        sensors=settings.sensors,
        block_tiles=settings.block_tiles,
        lease=lease,
    )


def _null(settings: Settings) -> NullRates | None:
    """What quiet ground does: of the configured file, else of the shipped one.

    Raises:
        ConfigError: the file does not fit.
    """
    path = settings.tiers.null_rates or shipped_folder("models") / QUIET_GROUND
    return load_null(path) if settings.tiers.null_rates or path.is_file() else None


def _networks(settings: Settings) -> dict[Sensor, Network]:
    """The network of each sensor that has one.

    Raises:
        BadModel: a card and its weights disagree, or it is of another sensor.
    """
    threads = settings.threads or os.cpu_count() or 1
    cards = [load_watch_card(settings.models / settings.model)]
    if settings.radar_model is not None:
        cards.append(load_radar_card(settings.models / settings.radar_model))
    opened = [Network(card=one, engine=open_engine(one, threads, settings.engine)) for one in cards]
    return dict(zip((Sensor.OPTICAL, Sensor.SAR), opened, strict=False))


def _maps(
    networks: Mapping[Sensor, Network],
    catalogs: Mapping[str, Catalog],
    read: Callable[[Scheme, Sequence[SceneItem]], RasterLandCover],
) -> dict[Sensor, "LandCoverMaps"]:
    """Land cover for the sensors whose network wants it; those of one legend share it."""
    wanted = {sensor: scheme for sensor, one in networks.items() if (scheme := wanted_scheme(one.card)) is not None}
    legends = {scheme: LandCoverMaps(catalogs, partial(read, scheme)) for scheme in wanted.values()}
    return {sensor: legends[scheme] for sensor, scheme in wanted.items()}


def _catalog(name: str, chosen: CatalogSettings, hosts: Hosts, reach: Reach) -> Catalog:
    kind = StaticCatalog if chosen.type == "static" else StacApiCatalog
    collections = Collections(**chosen.collections.model_dump(exclude_none=True))
    return kind(name=name, href=chosen.href, collections=collections, asking=Asking(hosts=hosts, reach=reach))


class Elevation:
    """Elevation of the regions. The ground does not change, so what was found stays at hand; what was not found is
    looked for again: once per acquisition, since a catalog may have been incomplete or mended."""

    def __init__(self, catalogs: Mapping[str, Catalog], read: Callable[[Sequence[SceneItem]], TerrainSource]) -> None:
        """`read` makes a source of items."""
        self._catalogs = catalogs
        self._read = read
        self._kept: dict[str, tuple[list[SceneItem], KeptTerrain]] = {}

    def items(self, region: Region) -> tuple[SceneItem, ...]:
        """What was found for a region so far."""
        return tuple(self._kept[region.id][0]) if region.id in self._kept else ()

    def of(self, region: Region) -> TerrainSource:
        """The source for one acquisition of a region.

        Raises:
            CatalogUnavailable: nothing is known yet, and a catalog cannot be asked now.
            BadItem: nothing is known yet, and all that a catalog has leads where it may not.
        """
        items, source = self._kept.get(region.id, ([], None))
        if source is not None and source.complete:
            return source
        around = surroundings(region.geometry)
        try:
            found = _of_first(region, lambda name: self._catalogs[name].terrain(around))
        except (CatalogUnavailable, BadItem):
            if source is None or not items:
                raise
            return source  # of use where it covers the ground
        # Elevation does not vanish: what an answer lacks that an earlier one had is the catalog's trouble.
        known = {item.id for item in items}
        new = [item for item in found if item.id not in known]
        if source is None or new:
            items = [*items, *new]
            source = KeptTerrain(self._read(items))
            self._kept[region.id] = items, source
        return source


def _of_first(region: Region, ask: Callable[[str], list[SceneItem]]) -> list[SceneItem]:
    """What the catalogs of a region have of its ground; those that stand in for them are asked when one fails.

    Raises:
        CatalogUnavailable, BadItem: of one of its own, when those fail as well.
    """
    try:
        return [item for name in region.catalogs for item in ask(name)]
    except (CatalogUnavailable, BadItem) as failure:
        try:
            found = [item for name in region.fallback_catalogs for item in ask(name)]
        except (CatalogUnavailable, BadItem):
            found = []
        if not found:
            raise failure
        return found


class LandCoverMaps:
    """Land cover of the regions; each region's catalogs are asked until one of them has a map."""

    def __init__(self, catalogs: Mapping[str, Catalog], read: Callable[[Sequence[SceneItem]], RasterLandCover]) -> None:
        """`read` makes a source of items."""
        self._catalogs = catalogs
        self._read = read
        self._kept: dict[str, Recent[LandCover | None]] = {}
        self._items: dict[str, tuple[SceneItem, ...]] = {}

    def items(self, region: Region) -> tuple[SceneItem, ...]:
        """What was found for a region so far."""
        return self._items.get(region.id, ())

    def of(self, region: Region) -> Callable[[Tile], LandCover | None]:
        """Land cover of the tiles of a region (0.1 MB each, the last 256 at hand).

        Raises:
            CatalogUnavailable: a catalog cannot be asked now.
            BadItem: no catalog of the region has a map that the model can use.
        """
        if region.id not in self._kept:
            around = surroundings(region.geometry)
            items = tuple(_of_first(region, lambda name: self._catalogs[name].land_cover(around)))
            source = self._read(items)
            if source.empty:
                raise BadItem(
                    "the model needs land cover, and no catalog of the region has a map that it can use",
                    item=region.id,
                    remedy="Add a catalog with one (docs/operate.md lists them) to the region, or choose another "
                    "model, then run `scarpwatch release`.",
                    reason="no-land-cover",
                )
            self._kept[region.id], self._items[region.id] = Recent(256, source.read), items
        return self._kept[region.id]
