"""The archive of looks: one small GeoTIFF per tile, acquisition and model version.

Looks are the memory that change is measured against, so they are kept in the exact numbers the
statistics were computed from (`monitor.core.quantise`) and are never half-written.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from statistics import fmean
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader, MemoryFile

from monitor.adapters.files import write_atomic
from monitor.core.grid import TILE_PX, tile_from_id, tile_geobox
from monitor.core.quantise import (
    NONE_CODE,
    PROBABILITY_SCALE,
    decode_pixels,
    decode_probability,
    encode_pixels,
    encode_probability,
)
from monitor.errors import AssetUnavailable, BadAsset
from monitor.records import Look, PixelState, Sensor, Tile

FOLDER = "looks"
_COLOURS = ("red", "green", "blue")
_RADAR_BANDS = 2
"""Polarisations of a look at most."""
_UNITS = {Sensor.OPTICAL: "reflectance = (value - 1000) / 10000", Sensor.SAR: "gamma0 in dB = (value - 10000) / 100"}
# Zstandard level 1 with horizontal differencing: 2 ms to write, 2 ms to read a tile on one core of a
# small server, a third of deflate's time at the same size. The TIFF block is the tile.
_CREATION = {
    "driver": "GTiff",
    "width": TILE_PX,
    "height": TILE_PX,
    "dtype": "uint16",
    "tiled": True,
    "blockxsize": TILE_PX,
    "blockysize": TILE_PX,
    "interleave": "band",
    "compress": "zstd",
    "zstd_level": 1,
    "predictor": 2,
}


class LookFiles:
    """Looks under `root`/looks/<tile id>/<acquisition id>__<model version>.tif (`LookArchive`)."""

    def __init__(self, root: Path) -> None:
        """`root` is the product folder; nothing is touched until the first write."""
        self._root = root

    def write(self, look: Look, model_version: str) -> str:
        """Keep a look and return its href relative to the product folder.

        The same look has the same href; writing it again replaces it by the same content.

        Raises:
            DiskFull: nothing was kept, nothing half-written is left.
        """
        href = look_href(look.tile, look.acquisition_id, model_version + _snow(look))
        write_atomic(self._root / href, pack(look, model_version))
        return href

    def read(self, href: str) -> Look:
        """A kept look; everything not observed is NaN.

        Raises:
            BadAsset: the file is gone or broken.
            AssetUnavailable: it cannot be read now.
        """
        path = self._root / href
        if PurePosixPath(href).parts[:1] != (FOLDER,) or ".." in PurePosixPath(href).parts:
            raise _broken(path, "is not a look of this product folder")
        try:
            content = path.read_bytes()
        except FileNotFoundError as err:
            raise _broken(path, "is gone") from err
        except OSError as err:
            raise AssetUnavailable(
                f"the kept look cannot be read now ({err.strerror})",
                item=str(path),
                remedy="It is tried again; if it stays, see the disk, the mount and the rights of the product folder",
                reason="look-unreadable",
            ) from err
        try:
            return unpack(content)
        except (RasterioError, KeyError, ValueError, NotGeoreferencedWarning) as err:
            # A file cut short in its tags only warns; where warnings are errors that must not pass as something else.
            raise _broken(path, f"is not a complete look ({err})") from err

    def exists(self, href: str) -> bool:
        """Whether the file of a look is there; nothing is read."""
        return (self._root / href).is_file()

    def mean_mb(self, looks: Iterable[tuple[Sensor, str]]) -> dict[Sensor, float]:
        """Megabytes of a look by its sensor, of those that are there (sensor and href)."""
        sizes: dict[Sensor, list[int]] = {}
        for sensor, href in looks:
            with suppress(OSError):
                sizes.setdefault(sensor, []).append((self._root / href).stat().st_size)
        return {sensor: fmean(some) / 1e6 for sensor, some in sizes.items() if some}


def look_href(tile: Tile, acquisition_id: str, model_version: str) -> str:
    """Where a look lies, relative to the product folder, with forward slashes.

    Raises:
        ValueError: an id is not safe in a file name.
    """
    for part in (acquisition_id, model_version):
        if not part or "/" in part or "\\" in part or part.startswith("."):
            raise ValueError(f"{part!r} cannot be part of a file name")
    return f"{FOLDER}/{tile.id}/{acquisition_id}__{model_version}.tif"


def _snow(look: Look) -> str:
    """For the name of a radar look: the snow in it was found for a region, and another one's may know of none."""
    snow = look.state == PixelState.SNOW
    return f"-snow-{crc32(np.packbits(snow).tobytes()):08x}" if look.sensor is Sensor.SAR and snow.any() else ""


def _broken(path: Path, what: str) -> BadAsset:
    return BadAsset(
        f"the kept look {what}",
        item=str(path),
        remedy="Restore the file from a backup of the product folder. Without one nothing is to be done: "
        "comparison goes on with the looks that remain, and coming looks take its place.",
        reason="look-lost",
    )


def pack(look: Look, model_version: str) -> bytes:
    """The file of a quantised look: a GeoTIFF of codes."""
    tags = {
        "TILE": look.tile.id,
        "ACQUISITION": look.acquisition_id,
        "SENSING_TIME": look.sensing_time.isoformat(),
        "MODEL_VERSION": model_version,
        "PROBABILITY_SCALE": f"{1 / PROBABILITY_SCALE:g}",
        "SENSOR": look.sensor.value,
        "PIXELS": _UNITS[look.sensor],
        "NONE": str(NONE_CODE),
    }
    transform = tile_geobox(look.tile).transform
    with MemoryFile() as memory:
        codes = _codes(look)
        with memory.open(crs=_crs(look.tile.epsg), transform=transform, count=len(codes), **_CREATION) as dataset:
            dataset.write(codes)
            dataset.descriptions = _descriptions(look)
            dataset.update_tags(**tags)
        return bytes(memory.getbuffer())


def unpack(content: bytes) -> Look:
    """The look of a file, equal to the one that was packed.

    Raises:
        RasterioError, KeyError, ValueError: it is none, or not whole.
    """
    with MemoryFile(content) as memory, memory.open() as dataset:
        return _look(dataset)


@lru_cache(maxsize=8)
def _crs(epsg: int) -> CRS:
    """Looking a CRS up costs more than writing a tile."""
    return CRS.from_epsg(epsg)


def _codes(look: Look) -> NDArray[np.uint16]:
    codes = np.empty((3 + len(look.pixels), TILE_PX, TILE_PX), dtype=np.uint16)
    codes[0] = encode_probability(look.probability)
    codes[1] = encode_probability(look.spread)
    codes[2:-1] = encode_pixels(look.pixels, look.sensor)
    codes[-1] = look.state
    return codes


def _descriptions(look: Look) -> tuple[str, ...]:
    kept = _COLOURS if look.sensor is Sensor.OPTICAL else ("co-polarised", "cross-polarised")[: len(look.pixels)]
    return ("probability", "spread", *kept, "state")


def _look(dataset: DatasetReader) -> Look:
    shape = (dataset.count, dataset.height, dataset.width)
    tags = dataset.tags()
    sensor = Sensor(tags.get("SENSOR", Sensor.OPTICAL.value))  # looks of the first version do not say
    kept = (len(_COLOURS),) if sensor is Sensor.OPTICAL else range(1, _RADAR_BANDS + 1)
    fits = shape in [(3 + count, TILE_PX, TILE_PX) for count in kept]
    if not fits or dataset.dtypes[0] != "uint16":
        raise ValueError(f"it holds {shape} {dataset.dtypes[0]}")
    codes = dataset.read()
    return Look(
        tile=tile_from_id(tags["TILE"]),
        acquisition_id=tags["ACQUISITION"],
        sensing_time=datetime.fromisoformat(tags["SENSING_TIME"]),
        probability=decode_probability(codes[0]),
        spread=decode_probability(codes[1]),
        sensor=sensor,
        pixels=decode_pixels(codes[2:-1], sensor),
        state=codes[-1].astype(np.uint8),
    )
