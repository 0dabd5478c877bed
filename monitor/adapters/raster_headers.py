"""What the header of a raster may claim: of what it claims nothing is allocated before it was looked at."""

import numpy as np
from rasterio.io import DatasetReader

_TYPES = frozenset({"int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"})
_MOST_BANDS = 100
_LONGEST_PX = 2_000_000
"""Per side: the land of the world at 20 m."""
_MOST_BLOCK_BYTES = 128 << 20
"""Of a tile or strip, unpacked: a tile of 4,096 px in float64 is as large."""


def on_ground(source: DatasetReader) -> bool:
    """Whether its CRS leads to the ground: an engineering one (LOCAL_CS) is a CRS by name only."""
    return source.crs is not None and bool(source.crs.is_geographic or source.crs.is_projected)


def header_problem(source: DatasetReader) -> tuple[str, str] | None:
    """Reason and words of what a header claims that none should; None when nothing is wrong with it."""
    if source.tags(ns="OVERVIEWS"):
        return "raster-refers", "names another file for its overviews"
    strange = sorted(set(source.dtypes) - _TYPES)
    if strange:
        return "raster-type", f"has pixels of type {strange[0]}"
    if source.count > _MOST_BANDS:
        return "raster-too-large", f"has {source.count} bands"
    if max(source.width, source.height) > _LONGEST_PX:
        return "raster-too-large", f"is {source.width} x {source.height} pixels large"
    rows, columns = source.block_shapes[0]
    interleaved = source.count if source.interleaving is not None and source.interleaving.value == "PIXEL" else 1
    block = rows * columns * interleaved * np.dtype(source.dtypes[0]).itemsize
    if block > _MOST_BLOCK_BYTES:
        return "raster-too-large", f"has blocks of {columns} x {rows} pixels, {block >> 20} MiB each"
    return None
