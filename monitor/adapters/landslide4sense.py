"""Patches of Landslide4Sense: HDF5 with an array `img`, (H, W, 14). Needs h5py (extra `lab` or `train`).

Band order by the organisers (https://github.com/iarai/Landslide4Sense-2022): Sentinel-2 B1 to B12 without B8A, then
slope and elevation from ALOS PALSAR, all resampled to about 10 m. The published values are scaled per band, so that a
band's mean over the training set is about 1: a linear unit, but neither reflectance nor degrees nor metres.

A file may come from anybody: what it claims is looked at before anything of it is unpacked, and it may name no other.
"""

import io
import math
import zlib
from pathlib import Path
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from monitor.errors import BadAsset, InputFault

BANDS: Final = (
    *("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10", "B11", "B12"),
    *("slope", "elevation"),
)
"""Names of the 14 channels in the order of the files."""
RESOLUTION_M: Final = 10.0

_AS_PUBLISHED: Final = "Fetch the file again, or convert it to the layout of Landslide4Sense."
_MOST_PX: Final = 1 << 20
"""Of a patch: 1,024 x 1,024; the published ones have 128 x 128."""
_MOST_CHUNK_BYTES: Final = 64 << 20
_MOST_CHUNKS: Final = 1 << 16
_DEFLATE, _SHUFFLE, _FLETCHER32 = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32
_CHECKSUM_BYTES: Final = 4
_BROKEN = (OSError, RuntimeError, LookupError, ValueError, TypeError, OverflowError, MemoryError, zlib.error)
"""What h5py and zlib make of a file with single bytes changed."""


def read_image(source: Path | bytes, item: str | None = None) -> NDArray[np.float32]:
    """One image, (14, H, W) float32, in the published unit.

    Args:
        source: the file, or what it holds.
        item: its name in errors; by default its path.

    Raises:
        BadAsset: not HDF5, no key `img`, not 14 bands, larger than a patch can be, packed so that it would grow.
        InputFault: a pixel is not finite.
    """
    name = item or (str(source) if isinstance(source, Path) else "the file")
    image = read_array(source, "img", name, last=len(BANDS))
    channels = np.ascontiguousarray(np.moveaxis(image, -1, 0), dtype=np.float32)
    broken = ~np.isfinite(channels)
    if broken.any():
        names = [band for band, one in zip(BANDS, broken, strict=True) if one.any()]
        raise InputFault(
            f"{int(broken.sum())} values are NaN or infinite (in {', '.join(names)})",
            item=name,
            remedy="The published files have none: fetch the file again or leave the patch out.",
            reason="not-finite",
        )
    return channels


def read_array(source: Path | bytes, key: str, item: str, last: int | None = None) -> NDArray[np.generic]:
    """The array of one key as it is stored: (H, W, `last`), or (H, W) without `last`.

    Raises:
        BadAsset: there is none, or it is not what a patch can hold.
    """
    try:
        with h5py.File(io.BytesIO(source) if isinstance(source, bytes) else source, "r") as file:
            size = len(source) if isinstance(source, bytes) else source.stat().st_size
            found = _own_array(file, key, item)
            _check_shape(found, key, item, last)
            _check_packing(found, item, size)
            return np.asarray(found[()])
    except _BROKEN as err:
        raise bad_patch(item, f"it is no readable HDF5 file ({err})") from err


def bad_patch(item: str, problem: str, reason: str | None = None) -> BadAsset:
    """The error of a file that is not as published."""
    return BadAsset(problem, item=item, remedy=_AS_PUBLISHED, reason=reason)


def _own_array(file: h5py.File, key: str, item: str) -> h5py.Dataset:
    """Only what lies in the file itself: links, virtual and external arrays name other files of this machine."""
    link = file.get(key, getlink=True)
    found = file[key] if isinstance(link, h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset):
        raise bad_patch(item, f"it has no array {key} (it has {', '.join(map(str, list(file)[:20])) or 'nothing'})")
    if found.is_virtual or found.external:
        raise bad_patch(item, f"its array {key} lies in other files", "patch-refers")
    return found


def _check_shape(found: h5py.Dataset, key: str, item: str, last: int | None) -> None:
    shape: tuple[int, ...] = found.shape or ()
    if len(shape) != (2 if last is None else 3) or (last is not None and shape[2] != last):
        wanted = "height x width" if last is None else f"height x width x {last} bands"
        raise bad_patch(item, f"its array {key} has the shape {shape}, not {wanted}")
    if found.dtype.kind not in "fiub" or found.dtype.itemsize > 8:
        raise bad_patch(item, f"its array {key} is of type {found.dtype}, not of numbers")
    if not 0 < shape[0] * shape[1] <= _MOST_PX:
        raise bad_patch(item, f"it claims {shape[1]} x {shape[0]} pixels, of which {_MOST_PX:,} may be", "too-large")


def _check_packing(found: h5py.Dataset, item: str, size: int) -> None:
    """HDF5 unpacks a chunk to whatever comes out, not to what it claims: each is tried, with an end, before.

    Args:
        size: of the whole file.
    """
    if found.chunks is None:
        return
    pipeline = found.id.get_create_plist()
    filters = [pipeline.get_filter(place)[0] for place in range(pipeline.get_nfilters())]
    if set(filters) - {_DEFLATE, _SHUFFLE, _FLETCHER32} or len(set(filters)) != len(filters):
        raise bad_patch(item, "it is packed in another way than gzip", "patch-packing")
    claimed = math.prod(found.chunks) * found.dtype.itemsize
    count = found.id.get_num_chunks()
    if claimed > _MOST_CHUNK_BYTES or count > _MOST_CHUNKS:
        raise bad_patch(item, f"it has {count} chunks of {claimed >> 20} MiB each", "too-large")
    for place in range(count if _DEFLATE in filters else 0):
        chunk = found.id.get_chunk_info(place)
        if chunk.filter_mask & 1 << filters.index(_DEFLATE):
            continue
        if chunk.size > size:
            raise bad_patch(item, "it is cut short")
        _, packed = found.id.read_direct_chunk(chunk.chunk_offset)
        most = claimed + _CHECKSUM_BYTES
        if len(zlib.decompressobj().decompress(packed, most + 1)) > most:
            raise bad_patch(item, "a chunk of it grows far beyond what it claims when it is unpacked", "too-large")
