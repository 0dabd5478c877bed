"""Items of the simulated Sentinel-1 passes and of the land cover map, shaped like Planetary Computer's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pystac
from numpy.typing import NDArray
from pystac.utils import datetime_to_str

from monitor.sandbox.catalog_files import MARKS, Raster, asset, bare_item, bounds, footprint, write_raster
from monitor.sandbox.passes import Pass

RADAR = "sentinel-1-rtc"
LAND_COVER = "esa-worldcover"
NODATA = -32768.0
_SLICE = timedelta(seconds=24.998)
_ORBITS_PER_DAY = 175.0 / 12.0
_KEPT_BITS = 8
"""Of the 23 of the mantissa: steps of 0.4 %, 0.02 dB, far below speckle; the rest would only fill disks with noise."""
_EXTENSIONS = [
    "https://stac-extensions.github.io/sar/v1.0.0/schema.json",
    "https://stac-extensions.github.io/sat/v1.0.0/schema.json",
    "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
]
_MAP_EXTENSIONS = [
    "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/classification/v1.0.0/schema.json",
]
_POLARISATIONS = {"vv": "vertical transmit, vertical receive", "vh": "vertical transmit, horizontal receive"}
_CLASSES = {
    10: ("006400", "Tree cover"),
    20: ("FFBB22", "Shrubland"),
    30: ("FFFF4C", "Grassland"),
    40: ("F096FF", "Cropland"),
    50: ("FA0000", "Built-up"),
    60: ("B4B4B4", "Bare / sparse vegetation"),
    70: ("F0F0F0", "Snow and ice"),
    80: ("0064C8", "Permanent water bodies"),
    90: ("0096A0", "Herbaceous wetland"),
    95: ("00CF75", "Mangroves"),
    100: ("FAE6A0", "Moss and lichen"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Satellite:
    designator: str
    """As Planetary Computer lists it; of Sentinel-1C it had none yet."""
    epoch: datetime
    orbit: int
    """Absolute orbit at the epoch."""
    first: int
    """Absolute orbit less this, modulo 175, is the relative orbit less one."""


_SATELLITES = {
    "a": _Satellite(designator="2014-016A", epoch=datetime(2024, 4, 19, 4, 59, tzinfo=UTC), orbit=53498, first=73),
    "c": _Satellite(designator="0000-000A", epoch=datetime(2024, 12, 5, 21, 20, tzinfo=UTC), orbit=0, first=172),
}


def absolute_orbit(one: Pass) -> int:
    """The orbit nearest in time that runs over the track; simulated calendars are not in step with the real one."""
    satellite = _SATELLITES[one.platform]
    about = satellite.orbit + (one.time - satellite.epoch) / timedelta(days=1) * _ORBITS_PER_DAY
    behind = (one.track.relative_orbit - 1 + satellite.first - round(about)) % 175
    return round(about) + (behind if behind < 88 else behind - 175)


def pass_name(one: Pass) -> str:
    """Identifier of the item, as of the GRD it would be made from."""
    start, end = one.time - _SLICE / 2, one.time + _SLICE / 2
    orbit = absolute_orbit(one)
    # The data-take number grows with the orbits by about eight to one.
    take = f"{orbit * 8 - 1810:06X}"
    return f"S1{one.platform.upper()}_IW_GRDH_1SDV_{start:%Y%m%dT%H%M%S}_{end:%Y%m%dT%H%M%S}_{orbit:06d}_{take}_rtc"


def write_pass(folder: Path, one: Pass, rasters: Mapping[str, Raster]) -> pystac.Item:
    """Write VV and VH of a pass below `folder`; the item that describes them.

    Args:
        rasters: by asset key, vv and vh.
    """
    name = pass_name(one)
    item = bare_item(name, one.time, rasters["vv"], _pass_properties(one, rasters["vv"]))
    item.stac_extensions = list(_EXTENSIONS)
    for key, raster in rasters.items():
        path = write_raster(folder / RADAR / name / f"iw-{key}.rtc.tiff", raster)
        entry = asset(path, f"{key.upper()}: {_POLARISATIONS[key]}", ["data"])
        entry.extra_fields = {
            "raster:bands": [{"nodata": int(NODATA), "data_type": "float32", "spatial_resolution": 10.0}]
        }
        item.add_asset(key, entry)
    return item


def write_land_cover(folder: Path, raster: Raster) -> pystac.Item:
    """Write the land cover map; the item that describes it."""
    west, south, *_ = footprint(raster).bounds
    tile = f"N{int(south // 3 * 3):02d}E{int(west // 3 * 3):03d}"
    name = f"ESA_WorldCover_10m_2021_v200_{tile}"
    properties: dict[str, object] = {
        "esa_worldcover:product_version": "2.0.0",
        "esa_worldcover:product_tile": tile,
        "start_datetime": "2021-01-01T00:00:00Z",
        "end_datetime": "2021-12-31T23:59:59Z",
        "description": "Simulated map in the layout of ESA WorldCover",
        "mission": "sentinel-1, sentinel-2",
        "proj:epsg": raster.epsg,
        **MARKS,
    }
    item = bare_item(name, None, raster, properties)
    item.stac_extensions = list(_MAP_EXTENSIONS)
    entry = asset(write_raster(folder / LAND_COVER / name / f"{name}_Map.tif", raster), "Land Cover Classes", ["data"])
    classes = [{"value": value, "color-hint": hint, "description": text} for value, (hint, text) in _CLASSES.items()]
    entry.extra_fields = {
        "raster:bands": [{"nodata": 0, "sampling": "area", "data_type": "uint8", "spatial_resolution": 10}],
        "classification:classes": classes,
        "proj:transform": list(raster.transform)[:6],
        "proj:shape": list(raster.pixels.shape),
    }
    item.add_asset("map", entry)
    return item


def quantised(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounded to eight bits of mantissa, so that it compresses; exact zeros stay."""
    drop = 23 - _KEPT_BITS
    bits = np.ascontiguousarray(power, dtype=np.float32).view(np.uint32)
    rounded = (bits + np.uint32(1 << (drop - 1))) & np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)
    return rounded.view(np.float32)


def _pass_properties(one: Pass, raster: Raster) -> dict[str, object]:
    satellite = _SATELLITES[one.platform]
    return {
        "platform": f"SENTINEL-1{one.platform.upper()}",
        "constellation": "Sentinel-1",
        "gsd": 10,
        "start_datetime": datetime_to_str(one.time - _SLICE / 2),
        "end_datetime": datetime_to_str(one.time + _SLICE / 2),
        "proj:epsg": raster.epsg,
        "proj:bbox": list(bounds(raster)),
        "proj:shape": list(raster.pixels.shape),
        "proj:transform": list(raster.transform),
        "s1:resolution": "high",
        "s1:orbit_source": "RESORB",
        "s1:processing_level": "1",
        "s1:product_timeliness": "Fast-24h",
        "sar:looks_range": 5,
        "sar:looks_azimuth": 1,
        "sar:looks_equivalent_number": 4.4,
        "sar:product_type": "GRD",
        "sar:instrument_mode": "IW",
        "sar:frequency_band": "C",
        "sar:center_frequency": 5.405,
        "sar:polarizations": ["VV", "VH"],
        "sar:resolution_range": 20,
        "sar:resolution_azimuth": 22,
        "sar:pixel_spacing_range": 10,
        "sar:pixel_spacing_azimuth": 10,
        "sar:observation_direction": "right",
        "sat:orbit_state": one.track.state.value,
        "sat:relative_orbit": one.track.relative_orbit,
        "sat:absolute_orbit": absolute_orbit(one),
        "sat:platform_international_designator": satellite.designator,
        **MARKS,
    }
