"""Snow that optics saw hides the ground from radar: what lies under it is neither looked at nor remembered."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast

import pytest
import rasterio
from rasterio.features import geometry_mask

from monitor.core.grid import region_tiles, tile_polygon
from monitor.core.masks import SceneClass
from monitor.records import PixelState, Sensor, SensorPolicy, Tile
from tests.pipeline.radar_world import make_radar_world
from tests.pipeline.world import Source, World

Row = Mapping[str, object]


@pytest.fixture(scope="module")
def snowed(tmp_path_factory: pytest.TempPathFactory, radar_source: Source) -> World:
    """On the last look before the storm's clouds snow lies on the whole of one tile and the west of another."""
    world = make_radar_world(tmp_path_factory.mktemp("snow") / "world", radar_source, SensorPolicy.OPTICAL_WHEN_CLEAR)
    white, half, _ = _tiles(world)
    with rasterio.open(world.asset(2, "SCL"), "r+") as classes:
        pixels = classes.read(1)
        ground = [
            geometry_mask([tile_polygon(tile)], pixels.shape, classes.transform, invert=True) & (pixels > 0)
            for tile in (white, half)
        ]
        columns = ground[1].any(axis=0).nonzero()[0]
        ground[1][:, columns[len(columns) // 2] :] = False
        pixels[ground[0] | ground[1]] = SceneClass.SNOW
        classes.write(pixels, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.observing.WHITE_SHARE", 0.1)  # the valley fills no tile
        world.once()
    return world


def _tiles(world: World) -> tuple[Tile, Tile, Tile]:
    """One that will be white, its southern neighbour, half of which will be, and one in the east of that."""
    tiles = region_tiles(world.settings().region_records()[0].geometry)
    half = min(tiles)
    return replace(half, row=half.row + 1), half, replace(half, column=half.column + 1)


def _rows(world: World, tile: Tile) -> dict[datetime, Row]:
    """The radar rows of a tile by time."""
    rows = [row for row in world.dump()["observation"] if row["sensor"] == Sensor.SAR and row["tile"] == tile.id]
    return {datetime.fromisoformat(str(row["sensing_time"])): row for row in rows}


def _while_it_lies(world: World) -> list[datetime]:
    """Passes until optics see the ground free."""
    return [time for time in world.valley.passes if world.valley.times[2] < time < world.valley.times[4]]


def test_a_tile_all_white_was_not_looked_at(snowed: World) -> None:
    """The passes in between say so in the row, in the detail and in the choice; those before and after looked."""
    white, _, _ = _tiles(snowed)
    lies = _while_it_lies(snowed)
    assert len(lies) == 3
    for time, row in _rows(snowed, white).items():
        expected = ("snow", None) if time in lies else ("looked", row["look_href"])
        assert (row["decision"], row["look_href"]) == expected
    told = [str(entry.detail) for entry in snowed.ledger() if entry.acquisition.sensing_time in lies]
    assert all("; under snow: " in one and "snow hides ground: " in one for one in told)
    chosen = [row for row in snowed.dump()["choice"] if row["tile"] == white.id and row["sensor"] == Sensor.SAR]
    reasons = {str(row["reason"]) for row in chosen if datetime.fromisoformat(str(row["sensing_time"])) in lies}
    assert reasons == {"unseen"}


def test_ground_under_snow_is_kept_as_such_and_no_reference(snowed: World) -> None:
    """A look of half a tile: valid where the ground was free; later passes do not count it among theirs elsewhere."""
    white, half, free = _tiles(snowed)
    lies = _while_it_lies(snowed)
    rows = _rows(snowed, half)
    for time in lies:
        with rasterio.open(snowed.products / str(rows[time]["look_href"])) as look:
            state = look.read(look.count)
        snow, ground = (state[30:] == one for one in (PixelState.SNOW, PixelState.VALID))  # south of the other's rim
        assert min(snow.sum(), ground.sum()) > 5_000
        assert snow.any(axis=0).nonzero()[0].max() < ground.any(axis=0).nonzero()[0].min() + 10  # a rim is round
        assert rows[time]["valid_fraction"] == pytest.approx((state == PixelState.VALID).mean())
    after = [time for time in snowed.valley.passes if time > snowed.valley.times[4]]
    assert after
    for time in after:
        counted = {tile: _rows(snowed, tile)[time]["reference_count"] for tile in (white, free)}
        assert counted[white] == cast(int, counted[free]) - 1, "one pass of this track fell into the snow"
