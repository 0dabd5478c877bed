"""Which slopes radar tracks never see, kept beside the other static layers (`monitor.ports.SlopeSights`)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.static_files import StaticFiles
from monitor.core.grid import TILE_PX
from monitor.records import Tile

_LAYER = "radar_slopes-"


class SlopeSightFiles:
    """`root`/static/<tile id>/radar_slopes-<track>.tif, 1 to 10 kB each."""

    def __init__(self, root: Path) -> None:
        """`root` is the product folder; nothing is touched until the first write."""
        self._files = StaticFiles(root)
        self._known: set[tuple[Tile, str, str]] = set()

    def known(self, tile: Tile, track: str, key: str) -> bool:
        """Whether it is kept, made of exactly what `key` stands for."""
        one, layer = (tile, track, key), f"{_LAYER}{track}"
        if one in self._known and not self._files.has(layer, tile):
            self._known.remove(one)
        if one not in self._known and self._files.read(layer, tile, key) is not None:
            self._known.add(one)
        return one in self._known

    def write(self, tile: Tile, track: str, key: str, sights: NDArray[np.uint8]) -> None:
        """Keep `core.slope_sight.Sight` (256, 256) of a track; what cannot be kept is made again at the next pass."""
        self._files.write(f"{_LAYER}{track}", tile, key, sights)

    def read(self, tile: Tile) -> dict[str, NDArray[np.uint8]]:
        """(256, 256) Sight by track, as far as it is kept."""
        layers = {name.removeprefix(_LAYER): name for name in self._files.layers(tile) if name.startswith(_LAYER)}
        found = {track: self._files.read(name, tile) for track, name in layers.items()}
        return {
            track: one.astype(np.uint8)
            for track, one in sorted(found.items())
            if one is not None and one.shape == (TILE_PX, TILE_PX)
        }
