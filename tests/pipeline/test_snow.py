"""Snow that optics saw, or that melts above a line, hides ground from radar: it is neither looked at nor remembered."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.features import geometry_mask
from rasterio.warp import reproject

from monitor.core.grid import region_tiles, tile_polygon
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.masks import SceneClass
from monitor.records import Detector, Event, PixelState, Sensor, SensorPolicy, Tile, Verdict
from monitor.sandbox.catalog_writer import TERRAIN
from tests.pipeline.radar_world import make_radar_world, rasters_of
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


ALIKE = r"slopes from (\d+) m up changed alike: melting snow, or slopes that failed"


@pytest.mark.parametrize("decibels", [-4.0, 4.0], ids=["snow melts", "snow is gone"])
def test_ground_above_one_height_changed_with_snow_about(decibels: float, tmp_path: Path, radar_source: Source) -> None:
    """It is told and no change: not observed where snow lies, and not compared where it lay."""
    world, time = _before_the_storm(tmp_path, radar_source)
    line_m = _change_above(world, time, decibels)
    _show_to_optics(world, {0: SceneClass.SNOW})
    world.once(time + timedelta(minutes=1))
    detail = _detail(world, time)
    said = re.search(
        r"melting snow from (\d+) m up on \d tile" if decibels < 0 else r"not compared from (\d+) m up on \d tile",
        detail,
    )
    assert said, detail
    assert float(said[1]) == pytest.approx(line_m, abs=60)
    rows = [row for row in world.dump()["observation"] if datetime.fromisoformat(str(row["sensing_time"])) == time]
    seen = sum(cast(float, row["valid_fraction"]) for row in rows) / _valid_before(world, time)
    assert 0.3 < seen < 0.7 if decibels < 0 else 0.9 < seen < 1.1
    assert not _by_radar(world)
    assert not re.search(ALIKE, detail)


@pytest.mark.parametrize(
    ("sky", "decibels"),
    [(SceneClass.VEGETATION, -4.0), (SceneClass.CLOUD_HIGH, -4.0), (SceneClass.CLOUD_HIGH, 4.0)],
    ids=["free", "overcast", "overcast, more"],
)
def test_half_a_valley_changed_and_no_snow_is_known(
    sky: SceneClass, decibels: float, tmp_path: Path, radar_source: Source
) -> None:
    """One alert for all of it, which names both that it may be; also where optics cannot tell."""
    world, time = _before_the_storm(tmp_path, radar_source)
    line_m = _change_above(world, time, decibels)
    _show_to_optics(world, dict.fromkeys(range(3), sky))
    world.once(time + timedelta(minutes=1))
    said = re.search(ALIKE, _detail(world, time))
    assert said, _detail(world, time)
    assert float(said[1]) == pytest.approx(line_m, abs=60)
    (event,) = _by_radar(world)
    assert event.state in ALERT_STATES
    assert event.area_ha > 50
    assert event.alike_from_m == pytest.approx(line_m, abs=60)
    assert re.search(ALIKE, event.confidence_reason)


def test_what_slid_above_one_height_and_stays_so_stands(tmp_path: Path, radar_source: Source) -> None:
    """The next pass of the track supports it, though seven tenths of the scene are then what slid."""
    world, time = _before_the_storm(tmp_path, radar_source)
    passes = [one for one in world.valley.passes if one <= time]
    former = passes[-3]  # two tracks in turn
    for one in (former, time):
        _change_above(world, one, -4.0, share=0.7)
    _show_to_optics(world, dict.fromkeys(range(3), SceneClass.CLOUD_HIGH))
    world.once(time + timedelta(minutes=1))
    largest = max(_by_radar(world), key=lambda event: event.area_ha)
    assert [piece.verdict for piece in largest.evidence if piece.sensing_time in (former, time)] == [
        Verdict.OPENS,
        Verdict.SUPPORTS,
    ]
    assert largest.state in ALERT_STATES


def _before_the_storm(folder: Path, source: Source) -> tuple[World, datetime]:
    """A world in which both sensors count, and its last pass before the storm."""
    world = make_radar_world(folder / "world", source, SensorPolicy.BOTH)
    return world, max(one for one in world.valley.passes if one < world.valley.storm)


def _show_to_optics(world: World, dates: Mapping[int, SceneClass]) -> None:
    """Let looks see one class all over; of snow a strip in the north, and no more."""
    for date, what in dates.items():
        with rasterio.open(world.asset(date, "SCL"), "r+") as classes:
            pixels = classes.read(1)
            pixels[pixels > 0] = SceneClass.VEGETATION
            part = slice(12) if what is SceneClass.SNOW else slice(None)
            pixels[part][pixels[part] > 0] = what
            classes.write(pixels, 1)


def _detail(world: World, time: datetime) -> str:
    """What the ledger tells of a pass."""
    (entry,) = [one for one in world.ledger() if one.acquisition.sensing_time == time]
    return str(entry.detail)


def _by_radar(world: World) -> list[Event]:
    return [event for event in world.events() if event.detector is Detector.RADAR]


def _change_above(world: World, time: datetime, decibels: float, share: float = 0.5) -> float:
    """Change the echo of a share of the ground, all above one height, in one pass; gives the height."""
    folder = world.catalog.parent
    (elevation,) = [path for path in (folder / TERRAIN).rglob("*.tif*") if path.suffix.startswith(".tif")]
    for path in rasters_of(folder, time):
        with rasterio.open(path, "r+") as file, rasterio.open(elevation) as heights:
            power = file.read(1)
            height = np.zeros(power.shape, np.float32)
            reproject(
                rasterio.band(heights, 1),
                height,
                dst_transform=file.transform,
                dst_crs=file.crs,
                resampling=Resampling.bilinear,
            )
            line_m = float(np.quantile(height[power > 0], 1.0 - share))
            power[(height >= line_m) & (power > 0)] *= np.float32(10.0 ** (decibels / 10.0))
            file.write(power, 1)
    return line_m


def _valid_before(world: World, time: datetime) -> float:
    """What the pass before on the same track saw, in tiles."""
    passes = [row for row in world.dump()["observation"] if row["sensor"] == Sensor.SAR]
    (track,) = {row["comparable"] for row in passes if datetime.fromisoformat(str(row["sensing_time"])) == time}
    earlier = [
        row for row in passes if row["comparable"] == track and datetime.fromisoformat(str(row["sensing_time"])) < time
    ]
    last = max(str(row["sensing_time"]) for row in earlier)
    return sum(cast(float, row["valid_fraction"]) for row in earlier if row["sensing_time"] == last)
