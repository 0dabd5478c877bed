"""Slopes that radar never sees: worked out once per tile and track, told by `status`."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from monitor.adapters.slope_sights import SlopeSightFiles
from monitor.adapters.store import SqlStore
from monitor.core.grid import pixels_within, region_tiles
from monitor.core.slope_sight import Sight, track_of
from monitor.radar_view import geometry_of
from monitor.records import PixelState, SceneItem, SensorPolicy, Terrain, Tile
from tests.pipeline.processes import Running
from tests.pipeline.radar_world import make_radar_world
from tests.pipeline.world import Source, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, radar_source: Source) -> World:
    """A valley between walls that no radar can see, with two passes of each track looked at."""
    world = make_radar_world(tmp_path_factory.mktemp("blind") / "world", radar_source, SensorPolicy.RADAR_ONLY)
    for path in (world.folder / "catalog" / "cop-dem-glo-30").rglob("*.tif"):
        with rasterio.open(path, "r+") as elevation:
            ground = elevation.read(1)
            # Teeth of 60 m and 30 degrees and more, running north to south: radar looks east or west.
            teeth = 250.0 * np.abs((np.arange(ground.shape[1]) / 12.0) % 1.0 - 0.5).astype(np.float32)
            elevation.write(ground + teeth, 1)
    world.once(world.valley.passes[3] + timedelta(minutes=5))
    assert len(world.ledger()) == 4
    return world


def status(world: World, *options: str) -> dict[str, Any]:
    """What `status --json` tells of them."""
    ended = Running(world, "status", "--json", *options).end()
    assert ended.code == 0, ended.err
    told: dict[str, Any] = json.loads(ended.out)["regions"]["valley"]["radar_blind_slopes"]
    return told


def test_status_lists_what_no_track_sees(world: World, tmp_path: Path) -> None:
    """Each track with its share, all of them together, and the ground itself as GeoJSON."""
    told = status(world, "--blind-slopes", str(tmp_path / "blind.geojson"))
    assert len(told["tracks"]) == 2
    assert {track.split("-")[1] for track in told["tracks"]} == {"ascending", "descending"}
    region = world.settings().region_records()[0]
    kept = SlopeSightFiles(world.products)
    tiles = {tile: kept.read(tile) for tile in region_tiles(region.geometry)}
    for track, one in told["tracks"].items():
        inside = [sights[track][pixels_within(region.geometry, tile)] for tile, sights in tiles.items()]
        pixels = np.concatenate(inside)
        assert one["slopes_km2"] == pytest.approx((pixels != Sight.NO_SLOPE).sum() * 1e-4, abs=1e-4)
        assert one["blind_km2"] == pytest.approx((pixels == Sight.BLIND).sum() * 1e-4, abs=1e-4)
        assert 0.05 < one["blind_share"] < 1
    least = min(one["blind_km2"] for one in told["tracks"].values())
    assert 0 < told["seen_by_no_track"]["blind_km2"] <= least
    assert told["tiles_unknown"] == 0
    features = json.loads((tmp_path / "blind.geojson").read_text())["features"]
    hectares = sum(feature["properties"]["area_ha"] for feature in features)
    assert hectares / 100 == pytest.approx(told["seen_by_no_track"]["blind_km2"], abs=0.001)
    text = Running(world, "status").end().out
    assert "by no track" in text
    assert "of its slopes no radar track ever sees" in text


def test_what_is_listed_is_what_passes_do_not_show(world: World) -> None:
    """The looks of a track mark the same pixels as layover or shadow, pass for pass."""
    kept = SlopeSightFiles(world.products)
    tiles = {tile.id: tile for tile in region_tiles(world.settings().region_records()[0].geometry)}
    looked = [row for row in world.dump()["observation"] if row["look_href"]]
    assert looked
    for row in looked:
        with rasterio.open(world.products / str(row["look_href"])) as look:
            state = look.read(look.count)
        sights = kept.read(tiles[str(row["tile"])])[track_of(str(row["comparable"]))]
        blind = np.isin(state, (PixelState.LAYOVER, PixelState.RADAR_SHADOW))
        slopes = (sights != Sight.NO_SLOPE) & (state != PixelState.NODATA)
        np.testing.assert_array_equal(blind[slopes], (sights == Sight.BLIND)[slopes])


def test_it_is_worked_out_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third pass of a track finds what the first one kept; one whose file is gone works it out again."""
    asked: list[Tile] = []

    def counted(items: Sequence[SceneItem], tile: Tile, terrain: Callable[[Tile], Terrain | None]) -> object:
        asked.append(tile)
        return geometry_of(items, tile, terrain)

    monkeypatch.setattr("monitor.blind_slopes.geometry_of", counted)
    world.once(world.valley.passes[4] + timedelta(minutes=5))
    assert asked == []
    removed = sorted((world.products / "static").rglob("radar_slopes-*.tif"))
    for path in removed:
        path.unlink()
    tiles = region_tiles(world.settings().region_records()[0].geometry)
    assert (status(world)["tiles_unknown"], len(removed)) == (len(tiles), 2 * len(tiles))
    held: list[int] = []
    extend = SqlStore.extend

    def extending(store: SqlStore, *arguments: object) -> bool:
        held.append(len(asked))
        return extend(store, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(SqlStore, "extend", extending)
    world.once(world.valley.passes[5] + timedelta(minutes=5))
    assert sorted(asked) == sorted(tiles)
    # Held after each block: of looking, of working it out; then after taking snow out, comparing and judging.
    assert held == [0, len(tiles), len(tiles), len(tiles), len(tiles)]
    assert len(sorted((world.products / "static").rglob("radar_slopes-*.tif"))) == len(tiles)
