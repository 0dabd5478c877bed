"""Pictures and chips of alerts, made from the looks at hand (`monitor.ports.Illustrator`)."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from monitor.adapters.chips import chip_geobox, chips_of, write_chips, write_picture
from monitor.adapters.picture import alert_picture
from monitor.core.grid import TILE_M
from monitor.records import Detector, Event, Look, Tile

_THREADS = 4
"""Drawing waits for the disk and for compression, both outside Python's lock."""

Layers = Mapping[Detector, Mapping[Tile, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    now: Mapping[Tile, Look]
    before: Mapping[Tile, Look]
    change: Layers


class Illustrations:
    """Draws alerts into `root`/alerts/<event id>/."""

    def __init__(self, root: Path, regions: Mapping[str, BaseGeometry], threshold: float) -> None:
        """`root` is the product folder, `regions` their polygons (EPSG:4326), `threshold` the model card's."""
        self._root = root
        self._regions = regions
        self._threshold = threshold

    def illustrate(
        self, events: Sequence[Event], now: Mapping[Tile, Look], before: Mapping[Tile, Look], change: Layers
    ) -> dict[str, str]:
        """Write chips and picture of alerts; picture hrefs by event id.

        Raises:
            DiskFull
        """
        scene = _Scene(now=now, before=before, change=change)
        with ThreadPoolExecutor(_THREADS) as pool:
            hrefs = list(pool.map(lambda event: self._one(event, scene), events))
        return {event.id: href for event, href in zip(events, hrefs, strict=True)}

    def _one(self, event: Event, scene: _Scene) -> str:
        epsg = event.tiles[0].epsg
        geobox = chip_geobox(event.geometry, epsg)
        near = [tile for tile in scene.now if tile.epsg == epsg and _touches(tile, geobox)]
        layer = scene.change[event.detector]
        chips = chips_of(
            event,
            before=[scene.before[tile] for tile in near if tile in scene.before],
            after=[scene.now[tile] for tile in near],
            change={tile: layer[tile] for tile in near if tile in layer},
        )
        write_chips(self._root, event, chips)
        picture = alert_picture(event, chips, region=self._regions.get(event.region), threshold=self._threshold)
        return write_picture(self._root, event, picture)


def _touches(tile: Tile, geobox: GeoBox) -> bool:
    box = geobox.boundingbox
    west, south = tile.column * TILE_M, tile.row * TILE_M
    return bool(west < box.right and west + TILE_M > box.left and south < box.top and south + TILE_M > box.bottom)
