"""Land cover on the grid: the newest map in a model's classes, or in classes that can be said in them."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from rasterio.enums import Resampling

from monitor.adapters.rasters import RasterReader
from monitor.adapters.signing import Signers
from monitor.adapters.static_files import SourceReads, StaticFiles, StaticLayer, covering, source_key
from monitor.core.grid import tile_geobox
from monitor.core.land_cover import (
    COLLECTIONS,
    NODATA,
    Classes,
    LandCover,
    Scheme,
    land_cover,
    sources_for,
    unknown_values,
)
from monitor.records import SceneItem, Tile

_METHOD = "land cover 2, nearest"


class UnknownClassWarning(UserWarning):
    """A map has a value that its legend does not."""


def _warn(text: str) -> None:
    warnings.warn(text, UnknownClassWarning, stacklevel=3)


class RasterLandCover:
    """Reads land-cover items for a model."""

    def __init__(
        self,
        items: Iterable[SceneItem],
        target: Scheme,
        signed: Signers | None = None,
        files: StaticFiles | None = None,
        reads: SourceReads | None = None,
        warn: Callable[[str], None] = _warn,
    ) -> None:
        """
        Args:
            items: have the asset `data`: class values. Those of collections that have no way to `target` are left out.
            target: the model's classes.
            signed: gives the link to read now.
            files: where classes are kept once they were read; None keeps nothing.
            reads: counts the tiles that were really read.
            warn: told once of every item and value that its legend does not have.
        """
        self._signed = signed or Signers({})
        self._files = files
        self._reads = reads or SourceReads()
        self._warn = warn
        self._warned: set[tuple[str, int]] = set()
        self._reader = RasterReader()
        # Of several years the newest; older ones fill where it has nothing.
        newest = sorted(items, key=lambda item: (-item.sensing_time.timestamp(), item.id))
        self._maps = {
            scheme: [item for item in newest if COLLECTIONS.get(item.collection) is scheme]
            for scheme in sources_for(target)
        }

    @property
    def empty(self) -> bool:
        """There is no map at all that the model could use."""
        return not any(self._maps.values())

    def read(self, tile: Tile) -> LandCover | None:
        """The classes of one tile (256, 256), in the map's own legend; None where no map covers any of it.

        Raises:
            BadAsset, AssetUnavailable: a map cannot be read.
        """
        here = {scheme: items for scheme, every in self._maps.items() if (items := covering(every, tile))}
        if not here:
            return None
        found = self._kept(here, tile) or self._read(here, tile)
        return found if found.classes.any() else None

    def _kept(self, here: Mapping[Scheme, Sequence[SceneItem]], tile: Tile) -> LandCover | None:
        if self._files is None:
            return None
        for scheme in here:
            kept = self._files.read(StaticLayer.LAND_COVER, tile, _key(here, scheme))
            if kept is not None and kept.shape == tile_geobox(tile).shape:
                return land_cover(kept.astype(np.uint8), scheme)
        return None

    def _read(self, here: Mapping[Scheme, Sequence[SceneItem]], tile: Tile) -> LandCover:
        """The first map that has any class on the tile; without one, the first map's nothing."""
        self._reads.add(StaticLayer.LAND_COVER)
        maps = ((scheme, self._classes(items, scheme, tile)) for scheme, items in here.items())
        nothing = np.full(tile_geobox(tile).shape, NODATA, dtype=np.uint8)
        scheme, classes = next(((one, found) for one, found in maps if found.any()), (next(iter(here)), nothing))
        if self._files is not None:
            self._files.write(StaticLayer.LAND_COVER, tile, _key(here, scheme), classes)
        return land_cover(classes, scheme)

    def _classes(self, items: Sequence[SceneItem], scheme: Scheme, tile: Tile) -> Classes:
        classes = np.full(tile_geobox(tile).shape, NODATA, dtype=np.uint8)
        for item in items:
            if (classes != NODATA).all():
                break
            classes = np.where(classes == NODATA, self._read_item(item, scheme, tile), classes)
        return classes

    def _read_item(self, item: SceneItem, scheme: Scheme, tile: Tile) -> Classes:
        asset = item.assets["data"]
        href = self._signed(item, asset.href)
        values = self._reader.warp([href], item.id, tile_geobox(tile), Resampling.nearest, asset.nodata)[0]
        classes: Classes = np.nan_to_num(np.clip(values, 0, 255), nan=NODATA).astype(np.uint8)
        for value, pixels in unknown_values(classes, scheme).items():
            if (item.id, value) not in self._warned:
                self._warned.add((item.id, value))
                self._warn(
                    f"{item.id}: {pixels} pixels of tile {tile.id} have the value {value}, which the legend of "
                    f"{scheme.value} does not; they count as ground of unknown cover"
                )
        return classes


def _key(here: Mapping[Scheme, Sequence[SceneItem]], scheme: Scheme) -> str:
    """Of the classes of one scheme, chosen among all maps there are on the tile."""
    every = [item for items in here.values() for item in items]
    return source_key(every, "data", f"{_METHOD}, {scheme.value}")
