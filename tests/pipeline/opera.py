"""Real Sentinel-1 passes over one OPERA burst, for the whole chain, with a plane of 20 degrees for the ground.

There is no elevation model of that ground here: on the plane every pixel may start a cluster, which gives more room for
false alerts than in service.
"""

import json
from pathlib import Path

import numpy as np
import pystac
import rasterio
import yaml
from rasterio.transform import from_origin
from shapely.geometry import box, mapping

from monitor.config import Settings, load
from monitor.core.grid import project
from tests.pipeline.world import START, Source

EPSG = 32611
BURST = "T137-292321-IW2"
SLOPE = float(np.tan(np.radians(20.0)))

Bounds = tuple[float, float, float, float]


def watch_of(folder: Path, catalog: Path, source: Source) -> Settings:
    """Settings of a watch over the burst, by radar alone; `folder` gets its files."""
    ground = footprint(catalog.parent)
    document = {
        "database": "sqlite:///watch.db",
        "models": str(source.model.parent),
        "model": source.model.name,
        "threads": 1,
        "catalogs": {
            "opera": {"type": "static", "href": str(catalog)},
            "plane": {
                "type": "static",
                "href": str(_plane(folder / "plane", ground)),
                "asset_folders": [str(folder / "plane")],
            },
        },
        "regions": {
            "burst": {
                "geometry": {"bbox": list(ground)},
                "catalogs": ["opera", "plane"],
                "lookback_days": 20000,
                "sensor_policy": "radar_only",
            }
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return load(folder / "config.yaml")


def footprint(catalog: Path) -> Bounds:
    """West, south, east, north of the burst's crop."""
    west, south, east, north = json.loads(items_of(catalog)[0].read_text(encoding="utf-8"))["bbox"]
    return west, south, east, north


def items_of(catalog: Path) -> list[Path]:
    """The items of the burst, oldest first."""
    return sorted((path for path in catalog.rglob("*.json") if BURST in path.name), key=lambda path: path.stem[20:35])


def _plane(folder: Path, ground: Bounds) -> Path:
    """A static catalog of an inclined plane that covers the ground with room to spare."""
    folder.mkdir()
    west, south, east, north = project(box(*ground), 4326, EPSG).buffer(12_000).bounds
    columns, rows = int((east - west) / 30), int((north - south) / 30)
    height = np.tile((np.arange(columns) * 30.0 * SLOPE).astype(np.float32), (rows, 1))
    with rasterio.open(
        folder / "plane.tif", "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float32",
        crs=f"EPSG:{EPSG}", transform=from_origin(west, north, 30, 30),
    ) as file:  # fmt: skip
        file.write(height, 1)
    outline = project(box(west, south, east, north), EPSG, 4326)
    item = pystac.Item(id="plane", geometry=mapping(outline), bbox=list(outline.bounds), datetime=START, properties={})
    item.add_asset("data", pystac.Asset(href=str(folder / "plane.tif")))
    extent = pystac.Extent.from_items([item])
    collection = pystac.Collection(id="cop-dem-glo-30", description="A plane", extent=extent)
    collection.add_item(item)
    catalog = pystac.Catalog(id="plane", description="A plane")
    catalog.add_child(collection)
    catalog.normalize_and_save(str(folder / "catalog"), pystac.CatalogType.SELF_CONTAINED)
    return folder / "catalog" / "catalog.json"
