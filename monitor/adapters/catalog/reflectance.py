"""From the numbers in a file to reflectance, as each catalog says it, or as Sentinel-2 products need it."""

import re

from monitor.adapters.catalog.fields import Document, number, rows

QUANTIFICATION = 1e-4
"""Sentinel-2 DN per unit of reflectance is 10000."""
OFFSET = -0.1
"""BOA_ADD_OFFSET (L2A) and RADIO_ADD_OFFSET (L1C) of -1000 DN, as reflectance."""
OFFSET_SINCE = (4, 0)
"""Processing baseline that introduced the offset, so that dark pixels do not clip at 0 (25 January 2022).

https://sentiwiki.copernicus.eu/web/s2-processing: decide by baseline, never by sensing date: Collection 1 reprocessed
the archive since 2015 with baseline 05.xx, hence with offset.
"""


def scale_and_offset(asset: Document, properties: Document, baseline: str | None) -> tuple[float, float]:
    """reflectance = DN * scale + offset, by the asset's own metadata, else by the processing baseline."""
    scale = _band_number(asset, "scale")
    offset = _band_number(asset, "offset")
    if offset is None:
        offset = OFFSET if _version(baseline) >= OFFSET_SINCE else 0.0
    if properties.get("earthsearch:boa_offset_applied") is True:
        # Earth Search subtracted the 1000 DN when it wrote its files, yet its raster:bands still announce -0.1.
        # https://github.com/Element84/earth-search/issues/9
        offset = 0.0
    return (QUANTIFICATION if scale is None or scale <= 0 else scale), offset


def nodata(asset: Document, baseline: str | None) -> float | None:
    """Nodata by metadata; 0 in every product of ESA (known by its baseline); None leaves it to the file."""
    said = _band_number(asset, "nodata")
    return 0.0 if said is None and baseline is not None else said


def _band_number(asset: Document, name: str) -> float | None:
    """One value from raster:bands (STAC 1.0), from bands, or from the asset itself (STAC 1.1, raster 2.0)."""
    bands = (*rows(asset.get("raster:bands"))[:1], *rows(asset.get("bands"))[:1])
    found = (number(place, f"raster:{name}", name) for place in (*bands, asset))
    return next((value for value in found if value is not None), None)


def _version(baseline: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", baseline or ""))
