"""What a worker process looks with: networks and readers, made once and kept from block to block."""

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from monitor.adapters.engine import open_engine
from monitor.adapters.hosts import Hosts
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.land_cover_source import RasterLandCover
from monitor.adapters.looks import pack
from monitor.adapters.model_store import load_watch_card
from monitor.adapters.radar_imagery import RadarImageSource
from monitor.adapters.signing import PlanetaryComputer, Signers
from monitor.adapters.static_files import StaticFiles
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.block import Seen, look_at
from monitor.core.ground_layers import wanted_scheme
from monitor.core.land_cover import LandCover
from monitor.errors import BadModel, ClusterUnavailable, ConfigError
from monitor.executors.orders import Order, Recipe, Returned, Sent
from monitor.kept_terrain import KeptTerrain
from monitor.looking import Instruments, Looker, Network, Stopwatch
from monitor.ports import ImageSource
from monitor.records import ModelCard, Sensor, Tile
from monitor.shipped import shipped_folder
from monitor.view import Recent

Value = TypeVar("Value")

_NETWORKS = 2
"""Kept: of optics and of radar, 0.1 to 0.3 GB each."""
_RECIPES = 2
"""Kept: of so many regions and sensors, with elevation at hand (0.2 GB each at most)."""


class Kept(Generic[Value]):
    """The last `size` values by key, each made once, whoever else asks meanwhile. Safe across threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, made by `make` where it is not at hand."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
                while len(self._values) > self._size:
                    self._values.popitem(last=False)
            self._values.move_to_end(key)
            return self._values[key]


class Bench:
    """Looks at blocks."""

    def __init__(self) -> None:
        """Nothing is opened yet."""
        self._networks: Kept[Network] = Kept(_NETWORKS)
        self._instruments: Kept[Instruments] = Kept(_RECIPES)
        self._hosts = Hosts()

    def look(self, order: Order, worker: str, scratch: str) -> Returned:
        """A block, looked at.

        Args:
            worker: address of this worker.
            scratch: folder where static layers are kept as long as this worker lives.

        Raises:
            ClusterUnavailable: this worker has another model, or not the engine that was asked for.
            Transient, Permanent: as the readers do.
        """
        instruments = self._instruments.get(order.recipe_key, lambda: self._made(order.recipe, worker, scratch))
        instruments = instruments.fit_for(order.acquisition)
        looker = Looker(order.acquisition, instruments, Stopwatch())
        seen = tuple(_sent(one, instruments) for one in look_at(looker, order.ground, order.tiles))
        network = instruments.network
        return Returned(
            worker=worker,
            engine=network.engine.name if network and not network.card.of_pairs else "",
            seen=seen,
            mask_sources=frozenset(looker.mask_sources),
            without_elevation=frozenset(looker.without_elevation),
            seconds=dict(looker.watch.seconds),
        )

    def _made(self, recipe: Recipe, worker: str, scratch: str) -> Instruments:
        card, scheme = recipe.card, None if recipe.card is None else wanted_scheme(recipe.card)
        reaches = {one.catalog: one for one in recipe.reaches}
        signed = Signers(dict.fromkeys(recipe.signed, PlanetaryComputer(self._hosts)), self._hosts, reaches)
        files = StaticFiles(Path(scratch) / "scarpwatch")
        images: ImageSource = RadarImageSource(signed)
        if recipe.sensor is Sensor.OPTICAL:
            images = RasterImageSource(signed)
        land_cover: Callable[[Tile], LandCover | None] = _no_land_cover
        if scheme is not None:
            land_cover = Recent(256, RasterLandCover(recipe.land_cover, scheme, signed, files).read)
        return Instruments(
            network=None if card is None else self._network(card, recipe, worker),
            images=images,
            terrain=KeptTerrain(RasterTerrainSource(recipe.elevation, signed, files)),
            land_cover=land_cover,
        )

    def _network(self, card: ModelCard, recipe: Recipe, worker: str) -> Network:
        key = (card, recipe.models, recipe.engine, recipe.threads)
        return self._networks.get(key, lambda: _opened(card, recipe, worker))


def _opened(card: ModelCard, recipe: Recipe, worker: str) -> Network:
    """The worker's own copy of a network.

    Raises:
        ClusterUnavailable: it is not there, is another one, or does not run on the engine that was asked for.
    """
    folder = (recipe.models or shipped_folder("models")) / card.name
    try:
        own = load_watch_card(folder)
        if replace(own, weights=card.weights) != card:
            raise BadModel(
                f"is another model (sha256 {own.sha256[:12]} instead of {card.sha256[:12]}, version {own.version} "
                f"instead of {card.version}, or another card)",
                item=f"model folder {folder}",
                remedy="Give every worker the model folder of the coordinator.",
            )
        return Network(card=own, engine=open_engine(own, recipe.threads or os.cpu_count() or 1, recipe.engine))
    except (BadModel, ConfigError) as err:
        raise ClusterUnavailable(
            f"this worker cannot look as it must: {err.item}: {err.message}",
            item=f"worker {worker}",
            remedy=f"{err.remedy} The acquisition waits.",
            reason="cluster-unfit",
            tried=False,
        ) from err


def _sent(seen: Seen, through: Instruments) -> Sent:
    look = None if seen.look is None else pack(seen.look, through.model_version)
    return Sent(tile=seen.tile, look=look, row=seen.row, clear=seen.clear)


def _no_land_cover(_tile: Tile) -> None:
    """For a card that has none among its inputs."""


BENCH = Bench()
"""The one of this process: Dask gives its tasks no other place to keep what is dear to make."""
