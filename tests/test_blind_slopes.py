"""Which answer of a pass about slopes that its track never sees is kept."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely import box
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from monitor.adapters.slope_sights import SlopeSightFiles
from monitor.blind_slopes import note_blind_slopes
from monitor.core.grid import neighbour, project, tile_polygon
from monitor.core.slope_sight import Sight
from monitor.looking import Looker
from monitor.ports import LookArchive
from monitor.records import Sensor, Terrain, Tile
from monitor.survey import Way
from tests.adapters.store.factories import acquisition as an_acquisition

TILE = Tile(epsg=32633, column=200, row=2000)
PLACE = project(tile_polygon(TILE), TILE.epsg, 4326).centroid
NEAR = box(PLACE.x - 0.2, PLACE.y - 0.5, PLACE.x + 2.6, PLACE.y + 0.5)
"""A whole swath of an ascending pass; the tile lies near its near edge."""
FAR = translate(NEAR, xoff=-2.4)
BURST = box(PLACE.x - 0.2, PLACE.y - 0.1, PLACE.x + 0.6, PLACE.y + 0.1)
WAY = Way(
    archive=cast(LookArchive, None), block_tiles=4, flat_limit_deg=1.0, hold=lambda: None, progress=lambda *_: None
)


class Kept(SlopeSightFiles):
    """Counts what is written."""

    writes = 0

    def write(self, tile: Tile, track: str, key: str, sights: NDArray[np.uint8]) -> None:
        """Keep and count."""
        self.writes += 1
        super().write(tile, track, key, sights)


@pytest.fixture(name="kept")
def _kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def walls(height_m: float = 120.0) -> Terrain:
    """Steep and gentle teeth from north to south, which other incidences see otherwise."""
    along = np.arange(256) % 32 / 32.0
    profile = height_m * np.abs(along - 0.5) * (1.0 + np.arange(256) / 128.0)
    elevation = np.broadcast_to(profile, (256, 256)).astype(np.float32)
    slope = np.full((256, 256), 30.0, np.float32)
    return Terrain(elevation_m=elevation, slope_deg=slope, tri_m=slope)


def see(kept: Kept, footprint: BaseGeometry, ground: Mapping[Tile, Terrain]) -> int:
    """Blind pixels that are kept of the tile after an ascending pass of this footprint."""
    made = an_acquisition(1, sensor=Sensor.SAR)
    items = [replace(made.items[0], geometry=footprint, pass_direction="ascending")]
    looker = SimpleNamespace(
        acquisition=replace(made, items=tuple(items)),
        instruments=SimpleNamespace(terrain=SimpleNamespace(known=ground.get)),
        items=lambda _tile: items,
    )
    note_blind_slopes(cast(Looker, looker), [TILE], kept, 15.0, WAY)
    (sights,) = kept.read(TILE).values()
    return int((sights == Sight.BLIND).sum())


def test_another_incidence_is_another_answer(kept: Kept) -> None:
    """The near edge of the swath loses more to layover than the far edge; slices a little apart say the same."""
    ground = {TILE: walls()}
    near = see(kept, NEAR, ground)
    for shift in np.linspace(-0.05, 0.05, 7):
        assert see(kept, translate(NEAR, xoff=float(shift)), ground) == near
    assert kept.writes == 1
    assert see(kept, FAR, ground) < near
    assert kept.writes == 2


def test_a_burst_replaces_no_whole_swath(kept: Kept) -> None:
    """It does not tell the incidence: what it says stands until a whole swath is there, and never again."""
    ground = {TILE: walls()}
    middle = see(kept, BURST, ground)
    assert see(kept, BURST, ground) == middle
    assert kept.writes == 1
    near = see(kept, NEAR, ground)
    assert near > middle
    assert see(kept, BURST, ground) == near
    assert see(kept, NEAR, ground) == near
    assert kept.writes == 2


def test_other_ground_around_is_another_answer(kept: Kept) -> None:
    """A wall in the tile beside may shade this one; so it is worked out anew when that is another one."""
    west = neighbour(TILE, -1, 0)
    wall = walls()
    high = replace(wall, elevation_m=np.full((256, 256), 900.0, np.float32))
    alone = see(kept, FAR, {TILE: wall})
    assert see(kept, FAR, {TILE: wall, west: high}) > alone
    assert kept.writes == 2
