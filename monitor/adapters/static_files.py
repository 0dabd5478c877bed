"""What changes only with its source, kept on disk: one small GeoTIFF per tile and layer.

A cache and nothing else: a file that is gone, broken or made of other sources is made again, and one that cannot be
written is done without. How often sources were really read is counted, so that a cache that fails shows.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

from monitor.adapters.files import write_atomic
from monitor.core.grid import project, tile_geobox, tile_polygon
from monitor.errors import DiskFull
from monitor.records import SceneItem, Tile

Pixels = NDArray[np.generic]

FOLDER = "static"
_GRACE_DEG = 0.01
"""1 km: footprints in catalogs are simplified, and a needless read costs less than lost ground."""
_PREDICTOR = {"float32": 3, "uint8": 1}


class StaticLayer(StrEnum):
    """What is read from a source, by the name of its file and its label in the metrics."""

    TERRAIN = "terrain"
    """Elevation with its halo; slope and ruggedness follow from it."""
    LAND_COVER = "land_cover"


class SourceReads:
    """How many tiles were really read from their sources in this process, by layer. Safe across threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts = Counter[str]({layer.value: 0 for layer in StaticLayer})

    def add(self, layer: StaticLayer) -> None:
        """One tile of a layer was read."""
        with self._lock:
            self._counts[layer.value] += 1

    def counts(self) -> Mapping[str, int]:
        """Tiles read by layer, zeros included."""
        with self._lock:
            return dict(self._counts)


class StaticFiles:
    """Layers under `root`/static/<tile id>/<layer>.tif."""

    def __init__(self, root: Path, read_only: bool = False) -> None:
        """`root` is the product folder; nothing is touched until the first write, and never where `read_only`."""
        self._root = root / FOLDER
        self._read_only = read_only

    def read(self, layer: str, tile: Tile, key: str | None = None) -> Pixels | None:
        """The kept pixels of a tile; None where there are none that were made of exactly the sources of `key`.

        Without a key those of whatever sources.
        """
        try:
            with MemoryFile(self._path(layer, tile).read_bytes()) as memory, memory.open() as dataset:
                tags, pixels = dataset.tags(), dataset.read(1)
        except (OSError, RasterioError, ValueError, NotGeoreferencedWarning):
            return None
        fits = key in (None, tags.get("KEY")) and tags.get("SHA256") == _digest(pixels)
        return pixels if fits else None

    def has(self, layer: str, tile: Tile) -> bool:
        """Whether there is a file of a tile, of whatever sources; it is not opened."""
        return self._path(layer, tile).is_file()

    def layers(self, tile: Tile) -> list[str]:
        """Names of what is kept of a tile, sorted."""
        return sorted(path.stem for path in self._path("*", tile).parent.glob("[!.]*.tif"))

    def write(self, layer: str, tile: Tile, key: str, pixels: Pixels) -> None:
        """Keep the pixels of a tile, (256 + 2 halo, 256 + 2 halo) float32 or uint8, made of the sources of `key`."""
        if self._read_only:
            return
        halo_px = (pixels.shape[0] - tile_geobox(tile).shape[0]) // 2
        creation = {
            "driver": "GTiff",
            "height": pixels.shape[0],
            "width": pixels.shape[1],
            "count": 1,
            "dtype": pixels.dtype.name,
            "compress": "zstd",
            "predictor": _PREDICTOR[pixels.dtype.name],
            "crs": CRS.from_epsg(tile.epsg),
            "transform": tile_geobox(tile, halo_px).transform,
        }
        with MemoryFile() as memory:
            with memory.open(**creation) as dataset:
                dataset.write(pixels, 1)
                dataset.update_tags(KEY=key, SHA256=_digest(pixels))
            content = bytes(memory.getbuffer())
        try:
            write_atomic(self._path(layer, tile), content)
        except (OSError, DiskFull):
            return  # whoever writes looks next says so; here it only costs another reading

    def _path(self, layer: str, tile: Tile) -> Path:
        return self._root / tile.id / f"{layer}.tif"


def covering(items: Sequence[SceneItem], tile: Tile) -> list[SceneItem]:
    """The items whose footprint touches a tile or 1 km around it, in their order."""
    ground = project(tile_polygon(tile), tile.epsg, 4326).buffer(_GRACE_DEG)
    return [item for item in items if item.geometry.intersects(ground)]


def source_key(items: Sequence[SceneItem], asset: str, method: str) -> str:
    """A hash that changes when a layer must be made anew: by other sources, or another method.

    Args:
        items: the sources in the order in which they are laid over each other.
        asset: the asset that is read.
        method: name and version of what is done with it.

    A file on disk counts as another source when its size or time changes; of what lies behind a URL only its item
    tells (id, version, processing time).
    """
    facts = [
        [
            item.collection,
            item.id,
            item.assets[asset].href,
            item.assets[asset].nodata,
            item.processing_baseline,
            _text(item.processing_time),
            _text(item.sensing_time),
            _state(item.assets[asset].href),
        ]
        for item in items
    ]
    return hashlib.sha256(json.dumps([method, facts]).encode()).hexdigest()[:32]


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _state(href: str) -> list[int] | None:
    """Size and time of a file on disk; None of anything else."""
    if "://" in href or href.startswith("/vsi"):
        return None
    try:
        status = os.stat(href)
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _digest(pixels: Pixels) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()
