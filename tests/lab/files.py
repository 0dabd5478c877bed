"""Files as people upload them, good and bad."""

import io
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

SIDE = 64


def patch(image: NDArray[np.generic], **how: object) -> bytes:
    """A patch of Landslide4Sense; `how` it is stored."""
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        made.create_dataset("img", data=image, **how)
    return file.getvalue()


def ground(bands: int = 3, side: int = SIDE, seed: int = 5) -> NDArray[np.float32]:
    """(bands, side, side) of forest with a bright scar in the middle."""
    pixels = np.random.default_rng(seed).normal(0.05, 0.01, (bands, side, side)).astype(np.float32)
    middle = slice(side // 2 - side // 8, side // 2 + side // 8)
    pixels[:, middle, middle] += 0.12
    return pixels


def geotiff(
    pixels: NDArray[np.generic],
    names: Sequence[str] = (),
    crs: str | None = "EPSG:32654",
    scale: tuple[float, float] | None = None,
    **how: object,
) -> bytes:
    """A GeoTIFF of 10 m pixels; `scale` and offset are stated in it, `how` it is stored. Four bytes are a photo."""
    count, height, width = pixels.shape
    place = {"crs": crs, "transform": from_origin(500_000, 4_700_000, 10, 10)} if crs else {}
    profile = {"count": count, "height": height, "width": width, "dtype": pixels.dtype, **place, **how}
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(driver="GTiff", **profile) as file:
            file.write(pixels)
            if scale:
                file.scales, file.offsets = (scale[0],) * count, (scale[1],) * count
            if names:
                file.descriptions = tuple(names)
            if pixels.dtype == np.uint8 and count == 4 and not names:
                file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
        return bytes(memory.read())


def claims_much(path: Path) -> bytes:
    """Patch of 30 GB, of which nothing is stored."""
    with h5py.File(path, "w") as made:
        made.create_dataset("img", shape=(16_384, 16_384, 14), dtype="f8", chunks=(64, 64, 14), compression="gzip")
    return path.read_bytes()


def grows(path: Path, unpacked_mb: int) -> bytes:
    """Patch as large as any, one chunk of which holds far more than it claims."""
    with h5py.File(path, "w") as made:
        image = made.create_dataset("img", data=np.ones((SIDE, SIDE, 14)), chunks=(16, 16, 14), compression="gzip")
        packer = zlib.compressobj(1)
        zeros = bytes(1 << 20)
        image.id.write_direct_chunk(
            (0, 0, 0), b"".join(packer.compress(zeros) for _ in range(unpacked_mb)) + packer.flush()
        )
    return path.read_bytes()


def wide(path: Path, side: int) -> bytes:
    """GeoTIFF that claims `side` x `side` pixels, of which nothing is stored."""
    profile = {"count": 3, "height": side, "width": side, "dtype": "uint8", "crs": "EPSG:32654"}
    how = {"tiled": True, "blockxsize": 4096, "blockysize": 4096, "compress": "deflate", "sparse_ok": True}
    with rasterio.open(path, "w", driver="GTiff", transform=from_origin(0, 0, 10, 10), **profile, **how):
        pass
    return path.read_bytes()
