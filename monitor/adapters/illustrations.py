"""Pictures and chips of alerts, made from the looks at hand (`monitor.ports.Illustrator`)."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from monitor.adapters.chip_files import (
    KeptChips,
    alert_folder,
    drop_chips,
    read_kept,
    wider_folder,
    write_chips,
    write_picture,
)
from monitor.adapters.chips import Chips, chip_geobox, chips_of, overlaid, widened
from monitor.adapters.picture import alert_picture
from monitor.core.grid import TILE_M
from monitor.core.lifecycle import ALERT_STATES
from monitor.ports import GroundBefore
from monitor.records import Detector, Event, Look, Sensor, Tile, Verdict

_THREADS = 4
"""Drawing waits for the disk and for compression, both outside Python's lock."""

Layers = Mapping[Detector, Mapping[Tile, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    now: Mapping[Tile, Look]
    change: Layers
    before: GroundBefore
    mask_source: str

    @property
    def radar(self) -> bool:
        """Whether the looks at hand are radar."""
        return any(look.sensor is Sensor.SAR for look in self.now.values())

    def layer(self, detector: Detector) -> Mapping[Tile, NDArray[np.float32]]:
        """The change by a detector; if it is one of another sensor, by the baseline of the looks at hand."""
        if self.radar:
            return self.change.get(Detector.RADAR, {})
        return self.change.get(Detector.BASELINE if detector is Detector.RADAR else detector, {})

    @property
    def passes(self) -> frozenset[str]:
        """Natural keys of the looks at hand: one, as they are of one acquisition."""
        return frozenset(_pass(look.acquisition_id) for look in self.now.values())


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

        An alert that has chips keeps them: its picture goes on showing the looks that made it one, and what is
        written beside them is as the event is now. Where it has outgrown its chips, wider ones are added.

        Raises:
            DiskFull
            AssetUnavailable: a kept chip cannot be read now; no chip was changed for it.
        """
        scene = _Scene(now=now, change=change, before=before, mask_source=mask_source)
        with ThreadPoolExecutor(_THREADS) as pool:
            hrefs = list(pool.map(lambda event: self._one(event, scene), events))
        return {event.id: href for event, href in zip(events, hrefs, strict=True) if href is not None}

    def _one(self, event: Event, scene: _Scene) -> str | None:
        """The picture's href; None when there is nothing to draw it from."""
        chips = self._opening(event, scene) if _becomes_alert(event, scene) else self._kept(event, scene)
        if chips is None:
            return None
        picture = alert_picture(event, chips, region=self._regions.get(event.region), threshold=self._threshold)
        return write_picture(self._root, event, picture)

    def _opening(self, event: Event, scene: _Scene) -> Chips | None:
        """Chips of the looks at hand: whatever is on disk was left by a killed try, or is lost."""
        chips = _cut(event, scene, chip_geobox(event.geometry, event.tiles[0].epsg))
        if chips is not None:
            write_chips(self._root, alert_folder(event.id), chips)
        return chips

    def _kept(self, event: Event, scene: _Scene) -> Chips | None:
        """The chips that are kept, completed and widened where they must be."""
        folder, found = self._find(event, scene)
        if found is None:
            return self._opening(event, scene)
        chips = found.whole() or self._mended(event, scene, folder, found)
        if chips is None or chips.radar is not scene.radar:
            return chips  # what another sensor sees must not be laid beside them
        return self._around(event, scene, chips)

    def _find(self, event: Event, scene: _Scene) -> tuple[str, KeptChips | None]:
        """The widest chips of earlier passes, with their folder."""
        folders = [wider_folder(event.id, one) for one in _widening_passes(event) if one not in scene.passes]
        for folder in folders:
            if (found := read_kept(self._root, folder)) is not None:
                return folder, found
        return alert_folder(event.id), read_kept(self._root, alert_folder(event.id))

    def _mended(self, event: Event, scene: _Scene, folder: str, left: KeptChips) -> Chips | None:
        """Lost files cut anew from what can still be seen; those that are left stay untouched."""
        fresh = _cut(event, scene, left.geobox)
        if fresh is None or (left.mask_source == "radar") is not scene.radar:
            return None
        first = read_kept(self._root, alert_folder(event.id))
        opening = first.whole() if first else None
        chips = left.completed(overlaid(opening, fresh) if opening else fresh)
        write_chips(self._root, folder, chips, left.lost)
        return chips

    def _around(self, event: Event, scene: _Scene, chips: Chips) -> Chips:
        """The chips where they show all of the event, else wider ones with these laid over the looks at hand."""
        view = widened(chips.geobox, event.geometry, event.tiles[0].epsg)
        fresh = None if view == chips.geobox else _cut(event, scene, view)
        if fresh is None:
            for one in scene.passes:  # a version of this pass that was killed may have seen it grow
                drop_chips(self._root, wider_folder(event.id, one))
            return chips
        wide = overlaid(chips, fresh)
        for one in scene.passes:
            write_chips(self._root, wider_folder(event.id, one), wide)
        return wide


def _cut(event: Event, scene: _Scene, view: GeoBox) -> Chips | None:
    """The looks at hand on a view; None when they do not reach it."""
    epsg = event.tiles[0].epsg
    near = [tile for tile in scene.now if tile.epsg == epsg and _touches(tile, view)]
    if not near:
        return None
    layer = scene.layer(event.detector)
    return chips_of(
        event,
        before=list(scene.before(event, near).values()),
        after=[scene.now[tile] for tile in near],
        change={tile: layer[tile] for tile in near if tile in layer},
        geobox=view,
        mask_source=scene.mask_source,
    )


def _becomes_alert(event: Event, scene: _Scene) -> bool:
    """Whether the looks at hand are those that made the event an alert.

    Not where they came late and show what another look had opened: that one's chips are there.
    """
    first = next((step for step in event.transitions if step.state in ALERT_STATES), None)
    if first is None or all(look.acquisition_id != first.acquisition_id for look in scene.now.values()):
        return False
    opened = {piece.acquisition_id for piece in event.evidence if piece.verdict is Verdict.OPENS}
    return first.previous is not None or first.acquisition_id in opened


def _widening_passes(event: Event) -> list[str]:
    """Passes that may have enlarged the event, newest first: one enlarges only what it supports.

    What a pass without such evidence wrote was never committed.
    """
    spoken = [piece for piece in event.evidence if piece.verdict in (Verdict.SUPPORTS, Verdict.OPENS)]
    newest = sorted(spoken, key=lambda piece: (piece.sensing_time, piece.acquisition_id), reverse=True)
    return list(dict.fromkeys(_pass(piece.acquisition_id) for piece in newest))


def _pass(acquisition_id: str) -> str:
    """The natural key, which every version of an acquisition shares (`monitor.records.Acquisition.id`)."""
    return acquisition_id.rpartition("_")[0] or acquisition_id


def _touches(tile: Tile, geobox: GeoBox) -> bool:
    box = geobox.boundingbox
    west, south = tile.column * TILE_M, tile.row * TILE_M
    return bool(west < box.right and west + TILE_M > box.left and south < box.top and south + TILE_M > box.bottom)
