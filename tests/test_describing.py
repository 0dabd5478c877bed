"""What surrounds an alert, put together from terrain, land cover, layers and the ledger."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pytest
from shapely.geometry import box

from monitor.core.context_words import told
from monitor.core.exposure import LayersAtHand, layer_of
from monitor.core.grid import TILE_M, neighbour, project, tile_polygon
from monitor.core.land_cover import LandCover, Scheme, WorldCover
from monitor.core.next_pass import Passed
from monitor.core.severity import SeverityTable
from monitor.core.terrain import terrain_of
from monitor.describing import Described, Describer, Surroundings, needs_context
from monitor.errors import AssetUnavailable
from monitor.records import Detector, Event, EventState, Exposure, LayerKind, Sensor, Severity, Terrain, Tile, Verdict
from tests.adapters.store.factories import acquisition, day, event, evidence, later, transition

TILE = Tile(epsg=32654, column=220, row=1842)
SOUTH = neighbour(TILE, 0, 1)


@dataclass
class Slope:
    """Ground that falls to the south by 30 degrees, over as many tiles as are known; remembers who was asked for."""

    tiles: frozenset[Tile] = frozenset({TILE, SOUTH})
    asked: list[Tile] = field(default_factory=list)
    down: bool = False

    def read(self, tile: Tile) -> Terrain | None:
        """Terrain of one tile."""
        self.asked.append(tile)
        if self.down:
            raise AssetUnavailable("answers 503", item="dem", remedy="It is asked again.")
        if tile not in self.tiles:
            return None
        rows = np.arange(-1, 257, dtype=np.float32)[:, None] + np.float32((TILE.row - tile.row) * 256)
        return terrain_of((3000.0 - 5.8 * rows + np.zeros((1, 258))).astype(np.float32), 1)

    known = read


class Ledger:
    """Passes every five days up to the one that is judged."""

    def passes(self, region: str, since: datetime, until: datetime) -> list[Passed]:
        """As the port says."""
        times = [day(-10), day(-5), until]
        return [Passed(sensor=Sensor.OPTICAL, relative_orbit=31, sensing_time=time) for time in times]


@dataclass
class NoLayers:
    """A region without layers, or with these."""

    at_hand: LayersAtHand | None = None

    def of(self, region: str, epsg: int) -> LayersAtHand | None:
        """As the port says."""
        return self.at_hand


def slide(north_m: float = 1500.0, side_m: float = 100.0) -> Event:
    """An alert of a square so far from the south rim of its tile."""
    west, south = TILE.column * TILE_M + 500.0, TILE.row * TILE_M + north_m
    ground = project(box(west, south, west + side_m, south + side_m), TILE.epsg, 4326)
    return replace(event(acquisition(1)), geometry=ground, area_ha=(side_m / 100) ** 2, tiles=(TILE,))


def describe(
    events: Sequence[Event],
    terrain: Slope,
    cover: Callable[[Tile], LandCover | None] = lambda _tile: None,
    layers: NoLayers | None = None,
) -> Described:
    """What an acquisition makes of them."""
    describer = Describer(passes=Ledger(), layers=layers or NoLayers(), table=SeverityTable())
    return describer.describe(events, acquisition(1), Surroundings(terrain=terrain, land_cover=cover))


def test_only_the_tiles_that_matter_are_read() -> None:
    """Debris that stays on the event's tile asks for no other; debris that leaves it does, and goes on there."""
    inside, across = Slope(), Slope()
    # Below the upper event a terrace ends the slope; the lower one runs over the rim of the tile.
    (found,) = describe([slide()], _terrace(inside)).events
    assert found.context is not None
    assert found.context.runout is not None
    assert (found.context.runout.complete, set(inside.asked)) == (True, {TILE})
    (found,) = describe([slide(north_m=60.0)], across).events
    assert found.context is not None
    assert found.context.runout is not None
    assert found.context.runout.area is not None
    assert SOUTH in across.asked
    beyond = project(found.context.runout.area, 4326, TILE.epsg).intersection(tile_polygon(SOUTH))
    assert beyond.area > 10_000
    assert found.context.runout.compass == "S"


def _terrace(slope: Slope) -> Slope:
    plain = slope.read

    def read(tile: Tile) -> Terrain | None:
        ground = plain(tile)
        if ground is None:
            return None
        level = np.maximum(ground.elevation_m, ground.elevation_m[150])
        return replace(ground, elevation_m=level)

    slope.read = read  # type: ignore[method-assign]
    return slope


def test_where_elevation_ends_it_is_said() -> None:
    """At the rim of what is known the runout is not complete."""
    (found,) = describe([slide(north_m=60.0)], Slope(tiles=frozenset({TILE}))).events
    assert found.context is not None
    assert found.context.runout is not None
    assert not found.context.runout.complete


@pytest.mark.parametrize(
    "odd",
    [
        (slide(), Slope(down=True)),
        (slide(), Slope(tiles=frozenset())),
        (replace(slide(), area_ha=301.0), Slope()),
        (replace(slide(), alike_from_m=400.0), Slope()),
    ],
)
def test_without_a_runout_there_is_a_context(odd: tuple[Event, Slope]) -> None:
    """No elevation, none that can be read now, or too much ground: the rest is told all the same."""
    (found,) = describe([odd[0]], odd[1]).events
    assert found.context is not None
    assert found.context.runout is None
    assert found.context.next_passes[0].expected == acquisition(1).sensing_time + (day(-5) - day(-10))


def test_land_cover_is_of_the_changed_ground() -> None:
    """Shares by class of the event's own pixels, largest first; unknown ground does not count."""
    classes = np.full((256, 256), WorldCover.WATER, dtype=np.uint8)
    rows, columns = slice(96, 106), slice(50, 60)
    classes[rows, columns] = WorldCover.TREE_COVER
    classes[rows, 50:52] = WorldCover.GRASSLAND
    classes[96, columns] = 0
    cover = LandCover(scheme=Scheme.ESA_WORLDCOVER, classes=classes)
    (found,) = describe([slide()], Slope(), lambda _tile: cover).events
    assert found.context is not None
    assert found.context.land_cover == {"tree cover": pytest.approx(0.8), "grassland": pytest.approx(0.2)}
    assert list(found.context.land_cover) == ["tree cover", "grassland"]


def test_an_event_over_two_zones_is_described_where_most_of_it_lies() -> None:
    """The tiles of the other zone neither stop nor move it."""
    other = Tile(epsg=32653, column=150, row=1842)
    (found,) = describe([replace(slide(), tiles=(other, TILE))], Slope()).events
    assert found.context is not None
    assert found.context.runout is not None
    assert found.context.runout.length_m > 0


def test_a_whole_tile_has_a_place_and_nothing_else() -> None:
    """The rise is somewhere in it: no slope, cover, runout, house or road is that of changed ground."""
    ground = tile_polygon(TILE)
    house = layer_of("houses", LayerKind.BUILDINGS, np.array([ground.centroid], dtype=object), ["Mill"])
    towns = layer_of("towns", LayerKind.PLACES, np.array([ground], dtype=object), ["Atsuma-cho"])
    layers = NoLayers(LayersAtHand(layers=(house, towns), unreadable=("roads",)))
    outline = project(ground, TILE.epsg, 4326)
    opened = replace(slide(), detector=Detector.TILE, geometry=outline, area_ha=655.0, slope_deg=0.0)
    cover = LandCover(scheme=Scheme.ESA_WORLDCOVER, classes=np.full((256, 256), 10, dtype=np.uint8))
    (found,) = describe([opened], Slope(), lambda _tile: cover, layers).events
    assert found.context is not None
    assert found.context.exposure == Exposure(near_m=100.0, municipality="Atsuma-cho")
    assert (found.context.runout, found.context.land_cover) == (None, {})
    assert found.context.severity is Severity.MINOR
    assert told(found) == "in Atsuma-cho; somewhere in a whole tile"


def test_whom_an_acquisition_describes() -> None:
    """Alerts that are new, changed or judged by it; never candidates, nor those of which it saw nothing."""
    first, second = acquisition(1), acquisition(2)
    opened = slide()
    (known,) = describe([opened], Slope()).events
    assert needs_context(opened, second.id)
    assert needs_context(known, first.id)
    assert not needs_context(known, second.id)
    assert needs_context(later(known, second, EventState.CONFIRMED), second.id)
    for verdict, wanted in ((Verdict.NOT_OBSERVED, False), (Verdict.INCONCLUSIVE, True)):
        heard = replace(known, evidence=(*known.evidence, evidence(second, verdict)))
        assert needs_context(heard, second.id) is wanted
    weak = replace(opened, state=EventState.CANDIDATE, transitions=(transition(first, None, EventState.CANDIDATE),))
    assert not needs_context(weak, first.id)
    assert describe([weak], Slope()).events == (weak,)
