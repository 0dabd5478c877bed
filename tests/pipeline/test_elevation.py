"""Ground without elevation has no slopes: it is not watched, and nobody may think it is."""

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from monitor.adapters.catalog import StaticCatalog
from monitor.adapters.looks import LookFiles
from monitor.core.grid import region_tiles
from monitor.errors import BadItem, CatalogUnavailable
from monitor.overview import coverage
from monitor.records import AcquisitionState, Region, SceneItem, Terrain, Tile
from monitor.wiring import Elevation
from tests.pipeline.world import REGION, START, World, later, region

TERRAIN = "cop-dem-glo-30"


def model(world: World) -> Path:
    """The elevation model of a world."""
    (path,) = (world.folder / "catalog" / TERRAIN).rglob("data.tif")
    return path


def cut_to(world: World, tile: Tile) -> None:
    """Leave of the elevation model what lies on one tile."""
    path = model(world)
    with rasterio.open(path) as source:
        west, east = tile.column * 2560.0, (tile.column + 1) * 2560.0
        south, north = tile.row * 2560.0, (tile.row + 1) * 2560.0
        columns, rows = zip(*((~source.transform) @ corner for corner in ((west, north), (east, south))), strict=True)
        left, right = (min(max(round(one), 0), source.width) for one in columns)
        # The rim of a tile is read too: nothing of the neighbour may reach into it, and nothing of it the neighbour.
        top, bottom = (min(max(round(one), 0), source.height) for one in rows)
        window = Window(left + 8, top + 8, right - left - 16, bottom - top - 16)
        part, transform = source.read(1, window=window), source.window_transform(window)
        profile = dict(source.profile) | {"height": part.shape[0], "width": part.shape[1], "transform": transform}
    path.unlink()
    with rasterio.open(path, "w", **profile) as sink:
        sink.write(part, 1)


def hide_model(world: World) -> Path:
    """Take the elevation off the catalog; where its collection went."""
    collection = world.folder / "catalog" / TERRAIN / "collection.json"
    hidden = collection.with_suffix(".hidden")
    collection.rename(hidden)
    return hidden


def test_a_tile_without_elevation_is_not_observed(small_world: World) -> None:
    """It is a row with its reason and without a look, counts as never observed, and its pixels are not read."""
    region = small_world.settings().region_records()[0]
    here, *others = region_tiles(region.geometry)
    assert others
    cut_to(small_world, here)
    small_world.once(now=small_world.valley.storm)
    rows = {str(row["tile"]): row for row in small_world.dump()["observation"]}
    assert rows[here.id]["decision"] == "looked"
    for tile in others:
        row = rows[tile.id]
        assert (row["decision"], row["look_href"], row["valid_fraction"]) == ("no-elevation", None, 0.0)
    ledger = small_world.ledger()
    assert [entry.reason for entry in ledger] == ["learning", "compared"]
    assert all(f"lack of elevation: {len(others)} tile" in str(entry.detail) for entry in ledger)
    with closing(small_world.store()) as store:
        seen = coverage(region, store, LookFiles(small_world.products), START)
    assert seen.never_observed == tuple(others)


def test_no_elevation_at_all(small_world: World) -> None:
    """Every acquisition is parked with the remedy, and nothing is stored."""
    hide_model(small_world)
    assert small_world.once().parked == 4
    for entry in small_world.ledger():
        assert (entry.state, entry.reason) == (AcquisitionState.PARKED, "no-elevation")
        assert "Add a catalog" in str(entry.detail)
    assert small_world.dump()["observation"] == []


def test_elevation_that_comes_later(small_world: World) -> None:
    """The same process finds elevation that its catalog did not list before."""
    hidden = hide_model(small_world)
    with closing(small_world.service()) as service:
        assert service.once(lambda: small_world.valley.storm).parked == 2
        hidden.rename(hidden.with_suffix(".json"))
        assert service.once(lambda: START).processed == 2
        with closing(small_world.store()) as store:
            for entry in small_world.ledger()[:2]:
                assert store.release(REGION, entry.acquisition.id, later(1))
        assert service.once(lambda: later(2)).processed == 2


class Counted:
    """A real catalog that counts how often it is asked, and can be down."""

    def __init__(self, world: World) -> None:
        self.name = "local"
        self.asked = 0
        self.down = False
        self.refused = False
        self.listed: list[SceneItem] | None = None
        self._catalog = StaticCatalog(name="local", href=str(world.catalog))
        self.search = self._catalog.search

    def terrain(self, geometry: BaseGeometry) -> list[SceneItem]:
        """Elevation items, or nothing for now."""
        self.asked += 1
        if self.down:
            raise CatalogUnavailable("answers 503", item="local", remedy="It is asked again.")
        if self.refused:
            raise BadItem("leads elsewhere", item="local", remedy="Say where.", reason="address-refused")
        return self._catalog.terrain(geometry) if self.listed is None else self.listed

    def land_cover(self, geometry: BaseGeometry) -> list[SceneItem]:
        """No maps."""
        return []


class Half:
    """Terrain of no tile that is asked for, from items that are counted."""

    made = 0

    def __init__(self, items: Sequence[SceneItem]) -> None:
        type(self).made += 1
        self.items = items

    def read(self, tile: Tile) -> Terrain | None:
        """Nothing is covered."""
        return None

    known = read


def region_of(world: World) -> Region:
    """The region of a world."""
    return world.settings().region_records()[0]


def test_looked_up_once_per_acquisition(small_world: World) -> None:
    """Missing ground is looked for once per acquisition, not once per tile; the same answer keeps what was read."""
    catalog, region = Counted(small_world), region_of(small_world)
    Half.made = 0
    elevation = Elevation({"local": catalog}, Half)
    for turn in range(1, 4):
        source = elevation.of(region)
        assert [source.read(tile) for tile in region_tiles(region.geometry)] == [None, None]
        assert (catalog.asked, Half.made) == (turn, 1)


def test_a_catalog_that_is_down(small_world: World) -> None:
    """It is an error that passes while nothing is known; what is known is used meanwhile, and never given up."""
    catalog, region = Counted(small_world), region_of(small_world)
    elevation = Elevation({"local": catalog}, Half)
    catalog.down = True
    with pytest.raises(CatalogUnavailable):
        elevation.of(region)
    catalog.down = False
    source = elevation.of(region)
    source.read(region_tiles(region.geometry)[0])
    catalog.down = True
    assert elevation.of(region) is source
    catalog.down = False
    hide_model(small_world)
    assert elevation.of(region) is source


def test_a_catalog_that_leads_astray(small_world: World) -> None:
    """Another stands in for it, as for one that is down; it is named where nothing else is known."""
    astray, good, region = Counted(small_world), Counted(small_world), region_of(small_world)
    astray.refused = True
    with pytest.raises(BadItem, match="leads elsewhere"):
        Elevation({"local": astray}, Half).of(region)
    both = replace(region, fallback_catalogs=("other",))
    elevation = Elevation({"local": astray, "other": good}, Half)
    source = elevation.of(both)
    assert elevation.items(both) != ()
    good.down = True
    assert elevation.of(both) is source


@pytest.mark.parametrize("poor", ["a-poor", "z-poor"], ids=["poor region first", "poor region last"])
def test_a_region_without_elevation_takes_nothing_from_another(poor: str, small_world: World) -> None:
    """Two regions on the same ground, one with elevation: in both orders that one has all its alerts."""
    world, bare = small_world, small_world.folder / "bare"
    small_world.once()
    alone = {(event.area_ha, event.window_end) for event in world.events()}
    assert len(alone) >= 3
    shutil.copytree(world.folder / "catalog", bare)
    (bare / TERRAIN / "collection.json").unlink()
    for path in world.folder.glob("watch.db*"):
        path.unlink()
    shutil.rmtree(world.products)
    shape = world.settings().region_records()[0].geometry.bounds
    world.configure(
        catalogs={name: {"type": "static", "href": f"{name}/catalog.json"} for name in ("catalog", "bare")},
        regions={poor: region(*shape, catalog="bare"), REGION: region(*shape, catalog="catalog")},
    )
    with closing(world.store()) as store:
        store.upgrade()
    world.once()
    assert {(event.area_ha, event.window_end) for event in world.events() if event.region == REGION} == alone


def test_hidden_ground_asks_for_no_elevation(small_world: World) -> None:
    """Passes that are wholly clouded end as such, also where the elevation model cannot be read."""
    for index in range(4):
        with rasterio.open(small_world.asset(index, "SCL"), "r+") as classes:
            classes.write(np.full(classes.shape, 9, np.uint8), 1)
    model(small_world).write_bytes(b"broken")
    assert small_world.once().processed == 4
    assert {reason for _, reason in small_world.states()} == {"nothing-usable"}


def test_an_answer_that_lacks_an_item_takes_nothing_away(small_world: World) -> None:
    """A second catalog that answers with nothing for once leaves what it had given; new items are added."""
    one, other = Counted(small_world), Counted(small_world)
    (item,) = one.terrain(region_of(small_world).geometry)
    other.listed = [replace(item, id="other")]
    region = replace(region_of(small_world), catalogs=("one", "other"))
    elevation = Elevation({"one": one, "other": other}, Half)
    for listed, expected in (([], 2), ([replace(item, id="third")], 3)):
        source = elevation.of(region)
        assert [source.read(tile) for tile in region_tiles(region.geometry)] == [None, None]
        other.listed = listed
        elevation.of(region)
        assert len(elevation._kept[region.id][0]) == expected


def test_elevation_is_read_once(small_world: World) -> None:
    """Four acquisitions and two restarts read every tile once; a spoilt file costs that tile's reading and no more."""
    reads = []
    for passes in range(3):
        if passes == 2:
            small_world.reprocess(3)
            next((small_world.products / "static").glob("*/terrain.tif")).write_bytes(b"broken")
        with closing(small_world.service()) as service:
            if passes == 1:
                small_world.reprocess(2)
            service.once(lambda: START)
            reads.append(service.static_reads()["terrain"])
    kept = list((small_world.products / "static").glob("*/terrain.tif"))
    assert reads == [len(kept), 0, 1]
    assert len(kept) >= len(region_tiles(region_of(small_world).geometry))
