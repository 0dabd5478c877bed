"""Real Sentinel-1 passes through the whole chain: a quiet series of one OPERA burst gives no alert.

There is no elevation model of that ground here, so a plane of 20 degrees stands in for it: every pixel may start a
cluster, which gives more room for false alerts than in service.
"""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
import yaml
from rasterio.transform import from_origin
from shapely.geometry import box, mapping

from monitor.adapters.store import SqlStore
from monitor.config import load
from monitor.core.grid import project, region_tiles
from monitor.records import AcquisitionState, Sensor
from monitor.wiring import build
from tests.pipeline.world import START, Source

EPSG = 32611
BURST = "T137-292321-IW2"
SLOPE = float(np.tan(np.radians(20.0)))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, data_folder: Path, source: Source) -> SqlStore:
    """The database after all passes over the burst."""
    folder = tmp_path_factory.mktemp("california")
    catalog = data_folder / "california_s1_rtc" / "catalog" / "catalog.json"
    ground = _footprint(catalog.parent)
    document = {
        "database": "sqlite:///watch.db",
        "models": str(source.model.parent),
        "model": source.model.name,
        "threads": 1,
        "catalogs": {
            "opera": {"type": "static", "href": str(catalog)},
            "plane": {"type": "static", "href": str(_plane(folder / "plane", ground))},
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
    settings = load(folder / "config.yaml")
    store = SqlStore(settings.database)
    store.upgrade()
    with closing(build(settings)) as service:
        service.once(lambda: START)
    return store


def test_all_passes_are_processed(watched: SqlStore) -> None:
    """21 passes of two satellites on one track, oldest first; three teach, the others are compared."""
    ledger = sorted(watched.ledger(), key=lambda entry: entry.acquisition.sensing_time)
    assert len(ledger) == 21
    assert {entry.state for entry in ledger} == {AcquisitionState.DONE}, [entry.detail for entry in ledger]
    assert [entry.reason for entry in ledger] == ["learning"] * 3 + ["compared"] * 18
    assert {entry.acquisition.platform for entry in ledger} == {"sentinel-1a", "sentinel-1b"}
    assert {entry.acquisition.comparable for entry in ledger} == {"sar:R137:ascending:vv+vh:sentinel-1-rtc"}
    assert {entry.acquisition.resolution_m for entry in ledger} == {30.0}


def test_quiet_land_gives_no_alert(watched: SqlStore) -> None:
    """Also not when rain lifts the whole crop by several dB, as on 1 January 2023."""
    assert watched.events() == []


def test_rows_say_what_was_compared(watched: SqlStore) -> None:
    """Radar without a network has no probability; what was seen and compared is told all the same."""
    ground = watched.ledger()[0].acquisition.items[0].geometry
    rows = [row for tile in region_tiles(ground) for row in watched.history(tile) if row.look_href]
    assert rows
    assert {(row.sensor, row.model_version, row.stats.mean) for row in rows} == {(Sensor.SAR, "no-network", None)}
    newest = max(rows, key=lambda row: (row.sensing_time, row.stats.valid_fraction))
    assert newest.stats.valid_fraction > 0.1
    assert newest.jointly_valid_fraction == pytest.approx(newest.stats.valid_fraction, abs=0.05)
    assert newest.reference_count == 12


def _footprint(catalog: Path) -> tuple[float, float, float, float]:
    """West, south, east, north of the burst's crop."""
    item = next(path for path in sorted(catalog.rglob("*.json")) if BURST in path.name)
    west, south, east, north = json.loads(item.read_text(encoding="utf-8"))["bbox"]
    return west, south, east, north


def _plane(folder: Path, ground: tuple[float, float, float, float]) -> Path:
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
