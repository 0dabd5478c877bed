"""Elevation at hand."""

from monitor.errors import BadAsset
from monitor.ports import TerrainSource
from monitor.records import Terrain, Tile
from monitor.view import Recent


class KeptTerrain:
    """A terrain source that remembers its last tiles (0.8 MB each)."""

    def __init__(self, source: TerrainSource, size: int = 256) -> None:
        """Keep `size` tiles of `source`."""
        self._tiles: Recent[Terrain | None] = Recent(size, source.read)
        self.complete = True
        """No tile was asked for that no elevation model covers."""

    def read(self, tile: Tile) -> Terrain | None:
        """Terrain of one tile, or None where no elevation model covers it."""
        found = self._tiles(tile)
        self.complete = self.complete and found is not None
        return found

    def known(self, tile: Tile) -> Terrain | None:
        """Terrain of one tile as far as it can be read; None asks nobody to look for more: the sea has none."""
        try:
            return self._tiles(tile)
        except BadAsset:
            return None  # told when slopes are needed
