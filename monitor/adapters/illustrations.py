"""Pictures and chips of alerts, made from the looks at hand (`monitor.ports.Illustrator`)."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from monitor.adapters.chips import (
    Chips,
    chip_geobox,
    chips_of,
    overlaid,
    read_chips,
    widened,
    write_chips,
    write_picture,
)
from monitor.adapters.picture import alert_picture
from monitor.core.grid import TILE_M
from monitor.errors import BadAsset
from monitor.ports import GroundBefore
from monitor.records import Detector, Event, Look, Tile, Verdict

_THREADS = 4
"""Drawing waits for the disk and for compression, both outside Python's lock."""

Layers = Mapping[Detector, Mapping[Tile, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    now: Mapping[Tile, Look]
    change: Layers
    before: GroundBefore
    mask_source: str


class Illustrations:
    """Draws alerts into `root`/alerts/<event id>/."""

    def __init__(self, root: Path, regions: Mapping[str, BaseGeometry], threshold: float) -> None:
        """`root` is the product folder, `regions` their polygons (EPSG:4326), `threshold` the model card's."""
        self._root = root
        self._regions = regions
        self._threshold = threshold

    def illustrate(
        self,
        events: Sequence[Event],
        now: Mapping[Tile, Look],
        change: Layers,
        before: GroundBefore,
        mask_source: str,
    ) -> dict[str, str]:
        """Write chips and picture of alerts; picture hrefs by event id.

        An alert that has chips keeps them: its picture goes on showing the looks that opened it, and what is
        written beside them is as the event is now. Where it has outgrown its chips, they are widened.

        Raises:
            DiskFull
        """
        scene = _Scene(now=now, change=change, before=before, mask_source=mask_source)
        with ThreadPoolExecutor(_THREADS) as pool:
            hrefs = list(pool.map(lambda event: self._one(event, scene), events))
        return {event.id: href for event, href in zip(events, hrefs, strict=True) if href is not None}

    def _one(self, event: Event, scene: _Scene) -> str | None:
        """The picture's href; None when there is nothing to draw it from."""
        kept = None if _opens(event, scene) else self._kept(event)
        chips = self._cut(event, scene, kept)
        if chips is None:
            return None
        if chips is not kept:
            write_chips(self._root, event, chips)
        picture = alert_picture(event, chips, region=self._regions.get(event.region), threshold=self._threshold)
        return write_picture(self._root, event, picture)

    def _kept(self, event: Event) -> Chips | None:
        """The chips of an event; lost ones are cut anew from what can still be seen."""
        try:
            return read_chips(self._root, event.id)
        except BadAsset:
            return None

    def _cut(self, event: Event, scene: _Scene, kept: Chips | None) -> Chips | None:
        """The kept chips where they show all of the event, else fresh ones, with the kept ones laid over them."""
        epsg = event.tiles[0].epsg
        geobox = chip_geobox(event.geometry, epsg) if kept is None else widened(kept.geobox, event.geometry, epsg)
        near = [tile for tile in scene.now if tile.epsg == epsg and _touches(tile, geobox)]
        if not near or (kept is not None and geobox == kept.geobox):
            return kept
        layer = scene.change.get(event.detector, {})
        fresh = chips_of(
            event,
            before=list(scene.before(event, near).values()),
            after=[scene.now[tile] for tile in near],
            change={tile: layer[tile] for tile in near if tile in layer},
            geobox=geobox,
            mask_source=scene.mask_source,
        )
        return fresh if kept is None else overlaid(kept, fresh)


def _opens(event: Event, scene: _Scene) -> bool:
    """Whether the looks at hand are those that opened the event: whatever is on disk was left by a killed try."""
    opening = {piece.acquisition_id for piece in event.evidence if piece.verdict is Verdict.OPENS}
    return any(look.acquisition_id in opening for look in scene.now.values())


def _touches(tile: Tile, geobox: GeoBox) -> bool:
    box = geobox.boundingbox
    west, south = tile.column * TILE_M, tile.row * TILE_M
    return bool(west < box.right and west + TILE_M > box.left and south < box.top and south + TILE_M > box.bottom)
