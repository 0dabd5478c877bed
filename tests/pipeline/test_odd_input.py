"""Items and ground that are odd but no fault: nothing is skipped by what a catalog says of clouds, nothing is made up
where elevation is void, and a scene under two ids counts once."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import rasterio

from monitor.core.grid import project, region_tiles, tile_polygon
from monitor.records import AcquisitionState, Event, Tile
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.test_elevation import model
from tests.pipeline.world import SCENES, Content, Json, Source, World, edit_json, files, make_world

VOID = -32767.0


def say(world: World, index: int, **properties: object) -> None:
    """Change properties of a scene."""
    world.edit_item(index, lambda item: cast(Json, item["properties"]).update(properties))


def unsay(world: World, index: int, name: str) -> None:
    """Take a property out of a scene."""
    world.edit_item(index, lambda item: cast(Json, item["properties"]).pop(name))


def without_words(content: Content) -> Content:
    """The database but for what the catalog said of clouds, which is kept with the items."""
    text = json.loads(json.dumps(content))
    for rows in text.values():
        for row in rows:
            for name, value in row.items():
                row[name] = _blank(value)
    found: Content = text
    return found


def _blank(value: object) -> object:
    if isinstance(value, str) and "cloud_percent" in value:
        value = json.loads(value)
    if isinstance(value, Mapping):
        return {name: _blank(part) for name, part in value.items() if name != "cloud_percent"}
    return [_blank(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("said", [None, -1.0, 100.0, 0.0, "NaN", "absent"])
def test_what_a_catalog_says_of_clouds_decides_nothing(said: object, small_world: World, clean: Undisturbed) -> None:
    """Null, negative, 100 or nothing: every scene is looked at, and ends as with the true number."""
    for index in range(4):
        if said == "absent":
            unsay(small_world, index, "eo:cloud_cover")
        else:
            say(small_world, index, **{"eo:cloud_cover": said})
    assert small_world.once().processed == 4
    assert without_words(small_world.dump()) == without_words(clean.content)
    assert files(small_world) == clean.files


def test_a_scene_under_two_ids_counts_once(small_world: World, clean: Undisturbed) -> None:
    """Another catalog's name for the same product: refused with its reason, and all else as if it were not there."""
    document = json.loads(small_world.item(3).read_text(encoding="utf-8"))
    name = f"A{document['id']}"  # sorts before its twin, which is the one that stays
    path = small_world.item(3).parent / f"{name}.json"
    path.write_text(json.dumps(document | {"id": name}), encoding="utf-8")
    link = {"rel": "item", "href": f"./{path.parent.name}/{path.name}"}
    collection = small_world.folder / "catalog" / SCENES / "collection.json"
    edit_json(collection, lambda whole: whole.update(links=[*cast(list[object], whole["links"]), link]))
    assert small_world.once().processed == 4
    (refused,) = small_world.dump()["rejection"]
    assert (refused["item"], refused["reason"]) == (name, "superseded-duplicate")
    assert {**small_world.dump(), "rejection": []} == {**clean.content, "rejection": []}
    assert files(small_world) == clean.files


def test_classes_that_are_wholly_nodata_open_and_refute_nothing(small_world: World) -> None:
    """A scene whose SCL is 0 everywhere has shown nothing: done as such, with why, and the alert waits for the next."""
    with rasterio.open(small_world.asset(2, "SCL"), "r+") as classes:
        classes.write(np.zeros(classes.shape, np.uint8), 1)
    small_world.once()
    assert small_world.states()[2] == (AcquisitionState.DONE, "nothing-usable")
    empty = small_world.ledger()[2].acquisition
    assert {row["decision"] for row in small_world.dump()["observation"] if row["acquisition_key"] == empty.key} == {
        "unclassified"
    }
    said = "the scene classification (SCL) is 0, no data, where there are pixels: 2 tiles"
    assert said in str(small_world.ledger()[2].detail)
    assert said not in str(small_world.ledger()[1].detail)
    assert small_world.events()
    for event in small_world.events():
        assert event.window_end == small_world.valley.times[3]
        assert event.window_start == small_world.valley.times[1]


def test_classes_that_are_missing(small_world: World) -> None:
    """An item that lists no SCL is read by whiteness, and its alerts say that there is no cloud mask."""
    for index in (2, 3):
        small_world.edit_item(index, lambda item: cast(Json, item["assets"]).pop("SCL"))
    assert small_world.once().processed == 4
    assert small_world.events()
    for event in small_world.events():
        assert "no cloud mask" in event.confidence_reason
    products = [path for path in small_world.products.rglob("*.json") if "bright-white" in path.read_text("utf-8")]
    assert len(products) == 2


def make_void(world: World, tile: Tile | None) -> None:
    """Elevation without a value on one tile, or everywhere."""
    path = model(world)
    with rasterio.open(path) as source:
        height, profile = source.read(1).astype(np.float32), dict(source.profile)
    if tile is None:
        height[:] = VOID
    else:
        # A little more than the tile: half a pixel of the model must not be left of it.
        square = tile_polygon(tile).buffer(60.0)
        west, south, east, north = project(square, tile.epsg, profile["crs"].to_epsg()).bounds
        (left, top), (right, bottom) = (~profile["transform"]) @ (west, north), (~profile["transform"]) @ (east, south)
        rows, columns = (np.clip([round(a), round(b)], 0, None) for a, b in ((top, bottom), (left, right)))
        height[slice(*rows), slice(*columns)] = VOID
    path.unlink()
    with rasterio.open(path, "w", **(profile | {"dtype": "float32", "nodata": VOID})) as sink:
        sink.write(height, 1)


def test_elevation_that_is_void_everywhere(small_world: World) -> None:
    """A model that covers the region and has no value there is as good as none: parked with the remedy."""
    make_void(small_world, None)
    assert small_world.once().parked == 4
    assert {reason for _, reason in small_world.states()} == {"no-elevation"}


def inside_of(events: Sequence[Event], tile: Tile) -> list[str]:
    """Events whose ground lies wholly on a tile."""
    square = project(tile_polygon(tile), tile.epsg, 4326)
    return [event.id for event in events if square.covers(event.geometry)]


def test_elevation_that_is_void_in_part(wide_source: Source, tmp_path: Path) -> None:
    """Nothing opens on a tile of unknown shape, nothing is lost elsewhere, and the tile is a row with its reason."""
    whole, holed = (make_world(tmp_path / name, wide_source) for name in ("whole", "holed"))
    whole.once()
    tiles = region_tiles(whole.settings().region_records()[0].geometry)
    gone = min(tiles, key=lambda tile: len(inside_of(whole.events(), tile)) or 1000)
    make_void(holed, gone)
    holed.once()
    hole = project(tile_polygon(gone), gone.epsg, 4326)
    rows = [row for row in holed.dump()["observation"] if row["tile"] == gone.id]
    assert {(row["decision"], row["look_href"]) for row in rows} == {("no-elevation", None)}
    inside = inside_of(whole.events(), gone)
    outside = [event.id for event in whole.events() if event.geometry.distance(hole) > 0.001]
    assert inside
    left = [event.id for event in holed.events()]
    assert not set(inside) & set(left)
    assert set(outside) <= set(left)
    assert not inside_of(holed.events(), gone)
