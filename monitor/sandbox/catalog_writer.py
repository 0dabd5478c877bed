"""Write the simulated scenes as a static STAC catalog of GeoTIFFs, shaped like Planetary Computer's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pystac
from pystac.utils import datetime_to_str

from monitor.core.sun import Sun
from monitor.sandbox.catalog_files import MARKS, Raster, asset, bare_item, write_raster
from monitor.sandbox.frame import EPSG, MGRS_TILE
from monitor.sandbox.optics import OFFSET, SCALE
from monitor.sandbox.passes import Pass
from monitor.sandbox.radar_items import LAND_COVER, RADAR, write_land_cover, write_pass

SCENES = "sentinel-2-l2a"
TERRAIN = "cop-dem-glo-30"
RELATIVE_ORBIT = 122
"""The orbit that sees 33TVM in mid-swath; Sentinel-2A and 2B pass on it 5 days apart."""
PROCESSING_BASELINE = "05.11"
_NAMES = {
    "B02": ("blue", 0.490),
    "B03": ("green", 0.560),
    "B04": ("red", 0.665),
    "B05": ("rededge", 0.704),
    "B06": ("rededge", 0.740),
    "B07": ("rededge", 0.783),
    "B08": ("nir", 0.842),
    "B8A": ("nir08", 0.865),
    "B11": ("swir16", 1.610),
    "B12": ("swir22", 2.190),
}
"""Common name (extension eo) and centre in micrometres."""
_TITLES = {
    SCENES: "Simulated Sentinel-2 L2A",
    TERRAIN: "Simulated Copernicus DEM GLO-30",
    RADAR: "Simulated Sentinel-1 RTC",
    LAND_COVER: "Simulated ESA WorldCover",
}
_EXTENSIONS = [
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/sat/v1.0.0/schema.json",
    "https://stac-extensions.github.io/view/v1.0.0/schema.json",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One simulated acquisition."""

    time: datetime
    platform: str
    cloud_percent: float
    sun: Sun
    rasters: Mapping[str, Raster]
    """By asset key: B02, B03, B04, SCL, and the further bands where there are ten."""


class CatalogWriter:
    """Adds scenes one by one, so that only one is in memory; saved last, the catalog never lists a missing file."""

    def __init__(self, folder: Path) -> None:
        # A relative folder would be counted twice in the links of assets, which are relative to their documents.
        self._folder = folder.absolute()
        self._items: dict[str, list[pystac.Item]] = {name: [] for name in _TITLES}

    def add_scene(self, scene: Scene) -> None:
        """Write the rasters of an acquisition and remember its item."""
        name = f"S2{scene.platform[-1].upper()}_MSIL2A_{scene.time:%Y%m%dT%H%M%S}_R{RELATIVE_ORBIT:03d}_T{MGRS_TILE}"
        item = _item(name, scene.time, scene.rasters["B02"], _scene_properties(scene, name))
        item.stac_extensions = list(_EXTENSIONS)
        for key, raster in scene.rasters.items():
            path = self._write(SCENES, name, key, raster)
            item.add_asset(key, _class_asset(path) if key == "SCL" else _band_asset(path, key, raster))
        self._items[SCENES].append(item)

    def add_terrain(self, raster: Raster) -> None:
        """Write the elevation model."""
        name = "Copernicus_DSM_COG_10_simulated_DEM"
        properties: dict[str, object] = {"gsd": 30, "platform": "TanDEM-X", **MARKS}
        item = _item(name, datetime(2021, 4, 22, tzinfo=UTC), raster, properties)
        item.stac_extensions = ["https://stac-extensions.github.io/projection/v2.0.0/schema.json"]
        path = self._write(TERRAIN, name, "data", raster)
        item.add_asset("data", asset(path, "Surface elevation, metres", ["data"]))
        self._items[TERRAIN].append(item)

    def add_pass(self, one: Pass, rasters: Mapping[str, Raster]) -> None:
        """Write VV and VH of a radar pass, by asset key, and remember its item."""
        self._items[RADAR].append(write_pass(self._folder, one, rasters))

    def add_land_cover(self, raster: Raster) -> None:
        """Write the land cover map."""
        self._items[LAND_COVER].append(write_land_cover(self._folder, raster))

    def save(self) -> Path:
        """Write the catalog with relative links throughout; returns the path of catalog.json."""
        catalog = pystac.Catalog(id="simulated-valley", description="A simulated valley; no pixel of it was sensed.")
        for name, items in self._items.items():
            if not items:
                continue
            title = _TITLES[name]
            collection = pystac.Collection(
                id=name,
                title=title,
                description=f"{title}; the pixels are computed, not sensed.",
                extent=pystac.Extent.from_items(items),
                license="Apache-2.0",
            )
            collection.add_items(items)
            catalog.add_child(collection)
        catalog.normalize_hrefs(str(self._folder))
        catalog.make_all_asset_hrefs_relative()
        catalog.save(catalog_type=pystac.CatalogType.SELF_CONTAINED)
        return self._folder / "catalog.json"

    def _write(self, collection: str, item: str, key: str, raster: Raster) -> Path:
        return write_raster(self._folder / collection / item / f"{key}.tif", raster)


def _item(name: str, time: datetime, raster: Raster, properties: Mapping[str, object]) -> pystac.Item:
    projection = {
        "proj:code": f"EPSG:{EPSG}",
        "proj:shape": list(raster.pixels.shape),
        "proj:transform": list(raster.transform)[:6],
    }
    return bare_item(name, time, raster, {**projection, **properties})


def _scene_properties(scene: Scene, name: str) -> dict[str, object]:
    stamp = f"{scene.time:%Y%m%dT%H%M%S}"
    platform = f"S2{scene.platform[-1].upper()}"
    return {
        "platform": scene.platform,
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "gsd": 10,
        "eo:cloud_cover": round(scene.cloud_percent, 3),
        "sat:orbit_state": "descending",
        "sat:relative_orbit": RELATIVE_ORBIT,
        "view:sun_elevation": round(scene.sun.elevation_deg, 3),
        "view:sun_azimuth": round(scene.sun.azimuth_deg, 3),
        "s2:mgrs_tile": MGRS_TILE,
        "s2:product_type": "S2MSI2A",
        "s2:processing_baseline": PROCESSING_BASELINE,
        "s2:datatake_id": f"G{platform}_{stamp}_N{PROCESSING_BASELINE}",
        "s2:datastrip_id": f"{platform}_OPER_MSI_L2A_DS_SIMU_{stamp}_S{stamp}_N{PROCESSING_BASELINE}",
        "s2:product_uri": f"{name}.SAFE",
        "s2:generation_time": datetime_to_str(scene.time.replace(hour=16, minute=0, second=0)),
        **MARKS,
    }


def _band_asset(path: Path, key: str, written: Raster) -> pystac.Asset:
    common_name, centre_um = _NAMES[key]
    pixel_m = round(written.transform.a)
    entry = asset(path, f"{key}, {common_name}, surface reflectance", ["data", "reflectance"])
    raster = {"data_type": "uint16", "nodata": 0, "scale": SCALE, "offset": OFFSET, "spatial_resolution": pixel_m}
    entry.extra_fields = {
        "gsd": pixel_m,
        "raster:bands": [raster],
        "eo:bands": [{"name": key, "common_name": common_name, "center_wavelength": centre_um}],
    }
    return entry


def _class_asset(path: Path) -> pystac.Asset:
    entry = asset(path, "Scene classification (SCL)", ["data"])
    entry.extra_fields = {"gsd": 20, "raster:bands": [{"data_type": "uint8", "nodata": 0, "spatial_resolution": 20}]}
    return entry
