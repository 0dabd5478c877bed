"""How a tile is looked at: pixels, context, network, look. One `Looker` serves one acquisition."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from shapely import box, prepare, transform, union_all
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from monitor.core.features import Sources, bands_to_read, build_features, inputs_of
from monitor.core.grid import TILE_M, TILE_PX, neighbour, project, region_tiles, tile_polygon
from monitor.core.ground_layers import land_cover_around, terrain_around
from monitor.core.land_cover import LandCover
from monitor.core.quantise import quantise
from monitor.core.tta import predict_tile
from monitor.inputs import Method
from monitor.ports import Engine, ImageSource, TerrainSource
from monitor.radar_view import blind_ground
from monitor.records import (
    Acquisition,
    Look,
    ModelCard,
    NetworkAnswer,
    PixelState,
    Prediction,
    SceneItem,
    Sensor,
    Terrain,
    Tile,
)
from monitor.view import Recent, TilePixels, View

Array = NDArray[np.float32]
Value = TypeVar("Value")

NO_NETWORK = "no-network"
"""Model version of looks without a network."""
_SENTINEL_1_M = 22.0
"""What the wide swath resolves in azimuth (20 x 22 m, `sar:resolution_azimuth`): of radar cards that do not say."""
_LIKE = 1.25
"""Passes that resolve up to so many times as much or little are alike."""
_CONTEXT_RINGS = 2
_RIM_DEG = 0.004


class Stopwatch:
    """Seconds per stage of one acquisition; a stage inside another counts for itself only.

    Threads are timed each for itself: what runs beside the network counts in full, so stages may add up to more
    than the time that passed.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()
        self._thread = threading.local()

    def run(self, stage: str, work: Callable[[], Value]) -> Value:
        """Do `work` and add its own wall time to `stage`."""
        inner: list[float] = self._thread.__dict__.setdefault("inner", [])
        start = time.perf_counter()
        inner.append(0.0)
        try:
            return work()
        finally:
            elapsed = time.perf_counter() - start
            own = elapsed - inner.pop()
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + own
            if inner:
                inner[-1] += elapsed

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add what others took, by stage."""
        with self._lock:
            for stage, more in seconds.items():
                self.seconds[stage] = self.seconds.get(stage, 0.0) + more


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One tile before the network has seen it."""

    tile: Tile
    pixels: TilePixels
    features: Array | None
    """What the network is to see; None where it sees nothing or there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network and what its card says of it."""

    card: ModelCard
    engine: Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """What looking with one sensor needs from the world."""

    network: Network | None
    """None: the sensor's pixels are kept and compared without one, for the reason in `silence`."""
    images: ImageSource
    terrain: TerrainSource
    land_cover: Callable[[Tile], LandCover | None] = lambda _tile: None
    """Asked only for a card that has land cover among its inputs."""
    pixel_cache_tiles: int = 160
    """Read tiles kept at hand (0.9 MB each): a row of blocks and its rim."""
    silence: NetworkAnswer = NetworkAnswer.NONE
    """Why there is no network, where there is none."""

    def fit_for(self, acquisition: Acquisition) -> "Instruments":
        """The same, without a network that this acquisition cannot be fed to."""
        why = None if self.network is None else _unfit(self.network.card, acquisition)
        return self if why is None else replace(self, network=None, silence=why)

    @property
    def card(self) -> ModelCard:
        """The network's card.

        Raises:
            ValueError: there is no network.
        """
        if self.network is None:
            raise ValueError("looking without a network, which alone has a card")
        return self.network.card

    @property
    def model_version(self) -> str:
        """What looks and observations are filed under."""
        return self.network.card.version if self.network else NO_NETWORK

    @property
    def threshold(self) -> float:
        """Probability from which a pixel is hazard; without a network none is."""
        return self.network.card.threshold if self.network else 1.0

    @property
    def of_pairs(self) -> bool:
        """Whether the network's answer is of earlier looks as well, and so a change itself."""
        return self.network is not None and self.network.card.of_pairs

    @property
    def simulated(self) -> bool:
        """Whether the network was trained on simulated data alone."""
        return self.network is not None and self.network.card.simulated


def _unfit(card: ModelCard, acquisition: Acquisition) -> NetworkAnswer | None:
    """Why a network is not asked about an acquisition; optics are read as its card wants them."""
    if acquisition.sensor is not Sensor.SAR:
        return None
    if not set(bands_to_read(card)) <= set(acquisition.polarisations):
        return NetworkAnswer.POLARISATION
    # Pixels of a finer grid than the sensor resolves are common: 10 m ones of 22 m are what Sentinel-1 delivers.
    finest = card.resolution_m / _LIKE
    coarsest = (card.native_resolution_m or max(card.resolution_m, _SENTINEL_1_M)) * _LIKE
    native = acquisition.resolution_m
    return None if native is not None and finest <= native <= coarsest else NetworkAnswer.RESOLUTION


@dataclass(slots=True)
class Looker:
    """Looks at tiles through one acquisition."""

    acquisition: Acquisition
    instruments: Instruments
    watch: Stopwatch
    mask_sources: set[str] = field(default_factory=set)
    """Which cloud masks were used so far."""
    without_elevation: set[Tile] = field(default_factory=set)
    """Tiles whose ground was asked for and that no elevation model covers."""
    blocks: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Blocks that workers looked at, by the engine that really ran there ("none": no network was asked) and result:
    done, or again (more than once, since a worker was lost or failed)."""
    _pixels: Recent[TilePixels] = field(init=False)
    _view: View = field(init=False)
    _footprints: dict[int, BaseGeometry] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        size = self.instruments.pixel_cache_tiles
        self._pixels = Recent(size, self._read)
        network = self.instruments.network
        inputs = inputs_of(network.card) if network else ()
        self._view = View(self._pixels, self._bands(), inputs, self.terrain, 8 * size)

    def look(self, tile: Tile) -> Look | None:
        """The quantised look of one tile; None where nothing at all was observed."""
        return self.answer(self.prepare(tile))

    def prepare(self, tile: Tile) -> Prepared:
        """A tile up to the network's door. Of all that a looker does this and `state` alone read files."""
        own = self._pixels(tile)
        clear = (own.state == PixelState.VALID).any()
        return Prepared(tile=tile, pixels=own, features=self.features(tile) if clear else None)

    def answer(self, prepared: Prepared) -> Look | None:
        """The network's answer as a look; may be asked from another thread than `prepare`."""
        tile, own = prepared.tile, prepared.pixels
        clear = own.state == PixelState.VALID
        if not clear.any():
            return None
        prediction = self._predict(prepared.features)
        if prediction is None:
            return None
        return quantise(
            Look(
                tile=tile,
                acquisition_id=self.acquisition.id,
                sensing_time=self.acquisition.sensing_time,
                sensor=self.acquisition.sensor,
                probability=np.where(clear, prediction.probability, np.nan).astype(np.float32),
                spread=np.where(clear, prediction.spread, np.nan).astype(np.float32),
                pixels=self._kept(own.bands),
                state=own.state,
            )
        )

    def pixels(self, tile: Tile) -> TilePixels:
        """A tile as read."""
        return self._pixels(tile)

    def state(self, tile: Tile) -> NDArray[np.uint8]:
        """(256, 256) PixelState of a tile."""
        return self._pixels(tile).state

    def features(self, tile: Tile) -> Array | None:
        """(C, 256 + 2 crop, 256 + 2 crop) what a network of one date sees of a tile; None: too little ground."""
        network = self.instruments.network
        if network is None or network.card.of_pairs:
            return None
        card = network.card
        halo_px = card.crop_px
        fields = None
        if any(one.method is Method.CONTEXT for one in inputs_of(card)):
            fields = self.watch.run("features", lambda: self._view.ground(tile, halo_px))
            if fields is None:
                return None
        return self.watch.run("features", lambda: build_features(inputs_of(card), self.sources(tile, halo_px), fields))

    def _predict(self, features: Array | None) -> Prediction | None:
        network = self.instruments.network
        if network is None or network.card.of_pairs:
            nothing = np.full((TILE_PX, TILE_PX), np.nan, np.float32)
            return Prediction(probability=nothing, spread=nothing)
        if features is None:
            return None
        card = network.card
        return self.watch.run(
            "engine", lambda: predict_tile(network.engine, features, card.flips, card.crop_px, card.window_px)
        )

    def sources(self, tile: Tile, halo_px: int) -> Sources:
        """What the network's inputs are made of, (256 + 2 halo, 256 + 2 halo); what is not clear ground is NaN."""
        card = self.instruments.card
        return Sources(
            bands=self._view.bands(tile, halo_px),
            terrain=terrain_around(tile, halo_px, card, self.terrain),
            land_cover=land_cover_around(tile, halo_px, card, self.instruments.land_cover),
        )

    def _read(self, tile: Tile) -> TilePixels:
        return self.watch.run("read", lambda: self._read_bands(tile))

    def _read_bands(self, tile: Tile) -> TilePixels:
        wanted = self._bands()
        items = self.items(tile)
        if not items:
            nothing = np.full((len(wanted), TILE_PX, TILE_PX), np.nan, np.float32)
            state = np.full((TILE_PX, TILE_PX), PixelState.NODATA, np.uint8)
            return TilePixels(bands=nothing, state=state, mask_source="none")
        bands = self.instruments.images.read(items, wanted, tile)
        self.mask_sources.add(bands.mask_source)
        state = bands.state
        if self.acquisition.sensor is Sensor.SAR:
            state = blind_ground(state, items, tile, self.instruments.terrain.known)
        return TilePixels(
            bands=np.ascontiguousarray(bands.pixels.values, dtype=np.float32),
            state=state,
            mask_source=bands.mask_source,
        )

    def items(self, tile: Tile) -> list[SceneItem]:
        """The items whose footprint may touch a tile."""
        return [item for item in self.acquisition.items if self._covers(item.geometry, tile)]

    def _bands(self) -> tuple[str, ...]:
        """Radar is kept in every polarisation of the pass; optics are read as their network needs them."""
        network = self.instruments.network
        if self.acquisition.sensor is Sensor.SAR or network is None:
            return self.acquisition.polarisations
        return bands_to_read(network.card)

    def _kept(self, bands: Array) -> Array:
        """What a look keeps: red, green and blue, which come first, or every polarisation."""
        return bands if self.acquisition.sensor is Sensor.SAR else bands[:3]

    def _covers(self, footprint: BaseGeometry, tile: Tile) -> bool:
        key = hash((footprint.wkb, tile.epsg))
        if key not in self._footprints:
            # 1 km of grace: footprints in catalogs are simplified, and a needless read costs less than a lost look.
            self._footprints[key] = project(footprint.segmentize(0.05), 4326, tile.epsg).buffer(1000.0)
            prepare(self._footprints[key])
        return bool(self._footprints[key].intersects(tile_polygon(tile)))

    def terrain(self, tile: Tile) -> Terrain | None:
        """The ground of a tile; None where no elevation model covers it."""
        ground = self.watch.run("read", lambda: self.instruments.terrain.read(tile))
        if ground is None:
            self.without_elevation.add(tile)
        return ground


@lru_cache(maxsize=2048)
def surroundings(geometry: BaseGeometry) -> BaseGeometry:
    """All ground whose pixels bear on the tiles of a region: the tiles and two rings around them, EPSG:4326.

    A tile's answer is blended from the statistics of its neighbours, which describe their own neighbours. Scenes and
    elevation are looked up for all of it, so that a tile on a region's edge gets the answer it gets inside one.
    """
    near = range(-_CONTEXT_RINGS, _CONTEXT_RINGS + 1)
    tiles = {neighbour(tile, columns, down) for tile in region_tiles(geometry) for columns in near for down in near}
    ground = [
        _in_one_piece(union_all([tile_polygon(tile) for tile in tiles if tile.epsg == epsg]), epsg)
        for epsg in sorted({tile.epsg for tile in tiles})
    ]
    # Few corners for catalogs that take the outline in a request; the rim makes up for what is cut off.
    return _cut_at_antimeridian(union_all(ground).buffer(_RIM_DEG).simplify(_RIM_DEG / 2))


def _in_one_piece(ground: BaseGeometry, epsg: int) -> BaseGeometry:
    """Ground of one zone in EPSG:4326; what lies beyond the antimeridian goes on past ±180 degrees."""
    outline = project(ground.segmentize(TILE_M), epsg, 4326)
    west, _, east, _ = outline.bounds
    if east - west <= 180:
        return outline
    first = 6 * (epsg % 100) - 363  # half a turn west of the zone's middle
    return transform(outline, lambda xy: np.column_stack([(xy[:, 0] - first) % 360 + first, xy[:, 1]]))


def _cut_at_antimeridian(outline: BaseGeometry) -> BaseGeometry:
    """The same ground within ±180 degrees."""
    west, _, east, _ = outline.bounds
    if west >= -180 and east <= 180:
        return outline
    world = box(-180, -90, 180, 90)
    return union_all([translate(outline, xoff=turn).intersection(world) for turn in (-360, 0, 360)])


def order_for_cache(tiles: Sequence[Tile]) -> tuple[Tile, ...]:
    """Row by row from the north: neighbours are read once and stay at hand."""
    return tuple(sorted(tiles, key=lambda tile: (tile.epsg, -tile.row, tile.column)))
