"""What is known of a tile depends on the tile alone: not on blocks, regions, or the order of either."""

import json
from pathlib import Path

import pytest
import rasterio
from rasterio.warp import transform_bounds
from rasterio.windows import Window
from shapely import box
from shapely.geometry import mapping

from tests.pipeline.conftest import Undisturbed
from tests.pipeline.world import REGION, SCENES, Source, World, edit_json, make_world, region

Row = dict[str, object]


def observed(world: World) -> dict[tuple[object, object], Row]:
    """Everything stored of the two quiet looks, by tile and acquisition."""
    summary = world.once(now=world.valley.storm)
    assert (summary.processed, summary.errors) == (2 * len(world.settings().regions), ())
    return {(row["tile"], row["acquisition_key"]): row for row in world.dump()["observation"]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, wide_source: Source) -> dict[tuple[object, object], Row]:
    """The observations of one region over the whole valley."""
    rows = observed(make_world(tmp_path_factory.mktemp("whole") / "world", wide_source))
    assert len(rows) == 8
    assert any(row["mean_change"] for row in rows.values())
    return rows


@pytest.mark.parametrize("side", [1, 2, 8])
def test_block_size(side: int, tmp_path: Path, wide_source: Source, whole: dict[tuple[object, object], Row]) -> None:
    """Every stored statistic is the same to the last bit for blocks of 1, 2 and 8 tiles."""
    world = make_world(tmp_path / "world", wide_source)
    world.configure(block_tiles=side)
    assert observed(world) == whole


def test_block_size_to_the_end(small_world: World, clean: Undisturbed) -> None:
    """Blocks of one tile give the same events, evidence and messages too."""
    small_world.configure(block_tiles=1)
    small_world.once()
    assert small_world.dump() == clean.content


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_overlapping_regions(
    names: tuple[str, str], tmp_path: Path, wide_source: Source, whole: dict[tuple[object, object], Row]
) -> None:
    """Two overlapping regions, in either order, store of every tile what one large region stores."""
    world = make_world(tmp_path / "world", wide_source)
    west, south, east, north = wide_source.valley.bbox
    middle, rim = (west + east) / 2, (east - west) / 10
    parts = [region(west, south, middle + rim, north), region(middle - rim, south, east, north)]
    world.configure(regions=dict(zip(names, parts, strict=True)))
    assert observed(world) == whole


def test_a_part_of_a_region(tmp_path: Path, wide_source: Source, whole: dict[tuple[object, object], Row]) -> None:
    """A region that covers a corner stores of its tiles what the large region stores of them."""
    world = make_world(tmp_path / "world", wide_source)
    west, south, east, north = wide_source.valley.bbox
    corner = region(west, south, west + (east - west) / 20, south + (north - south) / 20)
    world.configure(regions={REGION: corner})
    rows = observed(world)
    assert 0 < len(rows) < len(whole)
    assert rows == {place: whole[place] for place in rows}


GRANULES = (("33TVM", 0.0, 0.55), ("33TWM", 0.45, 1.0))
"""MGRS tile, and the part of the valley it shows, from west to east."""


def cut_into_granules(world: World) -> None:
    """Every scene becomes two items that overlap, as real passes are delivered."""
    folder = world.folder / "catalog" / SCENES
    links = []
    for index in range(len(world.valley.times)):
        scene = world.item(index)
        for code, west, east in GRANULES:
            document = json.loads(scene.read_text(encoding="utf-8"))
            document["id"] = f"{scene.stem[:-5]}{code}"
            part = folder / "granules" / document["id"]
            part.mkdir(parents=True)
            for band in document["assets"]:
                outline = cut(scene.parent / f"{band}.tif", part / f"{band}.tif", west, east)
            document |= {"geometry": mapping(box(*outline)), "bbox": list(outline)}
            document["properties"]["s2:mgrs_tile"] = code
            (part / "item.json").write_text(json.dumps(document), encoding="utf-8")
            links.append({"rel": "item", "href": f"./granules/{part.name}/item.json"})
    edit_json(folder / "collection.json", lambda document: document.update(links=links))


def cut(whole: Path, part: Path, west: float, east: float) -> tuple[float, float, float, float]:
    """Copy the columns from `west` to `east` (shares of the width) of a raster; its bounds in EPSG:4326."""
    with rasterio.open(whole) as source:
        left, right = (int(source.width * share) // 2 * 2 for share in (west, east))
        window = Window(left, 0, right - left, source.height)
        changes = {"width": right - left, "transform": source.window_transform(window)}
        with rasterio.open(part, "w", **(dict(source.profile) | changes)) as target:
            target.write(source.read(window=window))
            bounds: tuple[float, float, float, float] = transform_bounds(target.crs, 4326, *target.bounds)
    return bounds


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_regions_that_do_not_reach_every_granule(names: tuple[str, str], tmp_path: Path, wide_source: Source) -> None:
    """A region that lies in one granule of a pass knows of its tiles what a region over all granules knows."""
    west, south, east, north = wide_source.valley.bbox
    width = east - west
    whole, parts = make_world(tmp_path / "whole", wide_source), make_world(tmp_path / "parts", wide_source)
    halves = [region(west, south, west + 0.4 * width, north), region(west + 0.3 * width, south, east, north)]
    parts.configure(regions=dict(zip(names, halves, strict=True)))
    cut_into_granules(whole)
    cut_into_granules(parts)
    assert observed(parts) == observed(whole)
