"""Flat ground is left out, and nobody else's result changes."""

import hashlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from shapely.geometry import box, mapping

from monitor import leaving_out
from monitor.adapters.looks import LookFiles
from monitor.core.grid import region_tiles
from monitor.overview import coverage
from monitor.records import Tile
from tests.pipeline.test_elevation import model
from tests.pipeline.world import START, Source, World, edit_json, make_world


def flatten(world: World, *tiles: Tile) -> None:
    """Level the ground of these tiles and 600 m around them; the rim of the valley goes on outside of it."""
    path = model(world)
    with rasterio.open(path) as source:
        rim = round(5000 / source.res[0])
        transform = source.transform @ Affine.translation(-rim, -rim)
        height = np.pad(source.read(1), rim, mode="edge")
        profile = dict(source.profile) | {"height": height.shape[0], "width": height.shape[1], "transform": transform}
    for tile in tiles:
        west, south = tile.column * 2560.0 - 600, tile.row * 2560.0 - 600
        (left, top), (right, bottom) = (~transform) @ (west, south + 3760), (~transform) @ (west + 3760, south)
        height[round(top) : round(bottom), round(left) : round(right)] = 100.0
    with rasterio.open(path, "w", **profile) as sink:
        sink.write(height, 1)
    edit_json(next(path.parent.glob("*.json")), lambda item: item.update(geometry=mapping(box(10, 40, 20, 50))))


def looks(world: World, tile: Tile) -> dict[str, str]:
    """SHA-256 of the looks of a tile."""
    folder = world.products / "looks" / tile.id
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.tif"))}


def told(world: World) -> list[tuple[object, ...]]:
    """What is said of events."""
    return [(event.id, event.state, event.area_ha, event.confidence, event.geometry.wkb) for event in world.events()]


def test_neighbours_do_not_change(tmp_path: Path, wide_source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without leaving it out, all other tiles have the same looks, rows and events, bit by bit."""
    worlds = {name: make_world(tmp_path / name, wide_source) for name in ("with", "without")}
    region = worlds["with"].settings().region_records()[0]
    *others, level = region_tiles(region.geometry)
    for name, world in worlds.items():
        flatten(world, level)
        if name == "without":
            monkeypatch.setattr(leaving_out, "is_flat", lambda *_: False)
        world.once()
    left, whole = worlds["with"], worlds["without"]
    rows = {name: one.dump()["observation"] for name, one in worlds.items()}
    of_level = [row for row in rows["with"] if row["tile"] == level.id]
    assert {(row["decision"], row["look_href"]) for row in of_level} == {("flat", None)}
    assert looks(left, level) == {}
    assert looks(whole, level)
    assert [row for row in rows["with"] if row["tile"] != level.id] == [
        row for row in rows["without"] if row["tile"] != level.id
    ]
    assert all(looks(left, tile) == looks(whole, tile) != {} for tile in others)
    assert told(left) == told(whole) != []
    assert all("flat and left out: 1 tile" in str(entry.detail) for entry in left.ledger())
    with closing(left.store()) as store:
        seen = coverage(region, store, LookFiles(left.products), START)
    assert (seen.flat, seen.never_observed, seen.compared > 0.9) == ((level,), (), True)


def test_known_flat_ground_is_not_read(small_world: World) -> None:
    """From the second pass on a flat region is left out without opening a scene."""
    flatten(small_world, *region_tiles(small_world.settings().region_records()[0].geometry))
    small_world.once(now=small_world.valley.storm)
    for path in (small_world.folder / "catalog").rglob("B0*.tif"):
        path.write_bytes(b"broken")
    small_world.once()
    assert {reason for _, reason in small_world.states()} == {"nothing-usable"}
    assert all("flat and left out: 2 tiles" in str(entry.detail) for entry in small_world.ledger())
    assert {row["decision"] for row in small_world.dump()["observation"]} == {"flat"}


def test_flat_ground_is_flat_under_clouds(small_world: World) -> None:
    """What is said of a tile does not depend on what was read before: a killed pass says the same again."""
    flatten(small_world, *region_tiles(small_world.settings().region_records()[0].geometry))
    with rasterio.open(small_world.asset(0, "SCL"), "r+") as classes:
        classes.write(np.full(classes.shape, 9, np.uint8), 1)
    small_world.once()
    assert {str(row["decision"]) for row in small_world.dump()["observation"]} == {"flat"}
