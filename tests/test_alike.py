"""Slopes above one height that changed alike in a pass of radar: one event, which is nobody else's."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely import box

from monitor.core.change import AlertSettings
from monitor.core.events import LookContext, open_event
from monitor.core.grid import neighbour
from monitor.core.lifecycle import SETTLED, LifecycleSettings
from monitor.core.resting import rests
from monitor.core.surroundings import Seen
from monitor.evidence import Frozen, absorb, apart, find, judge_events
from monitor.records import (
    AlertStatus,
    Cluster,
    Detector,
    Event,
    EventState,
    Evidence,
    Look,
    PixelState,
    Sensor,
    Terrain,
    Tile,
    Verdict,
)
from monitor.scene import Before, Changes, Measuring, Scene, below, compare, references, scenes

Array = NDArray[np.float32]
Decibels = Callable[[Array], Array]
"""Of (256, 256) elevations."""

FIRST = Tile(epsg=32633, column=200, row=2000)
TILES = tuple(neighbour(FIRST, columns, down) for columns in range(2) for down in range(2))
LINE_M = 700.0
SETTINGS, LIFE = AlertSettings(), LifecycleSettings()
NOW = datetime(2025, 6, 1, tzinfo=UTC)
TRACK = "sar:146:ascending"
CONTEXT = LookContext(
    region="valley",
    acquisition_key="pass",
    acquisition_id="pass_v1",
    sensing_time=NOW,
    previous_time=NOW - timedelta(days=12),
    model_version="m",
    status=AlertStatus.ACTUAL,
    mask_source="scl",
    shift=0.0,
    sensor=Sensor.SAR,
    comparable=TRACK,
)
SEEN = Seen(before=NOW - timedelta(days=12), around=1.0, beside_hidden=False)


def _ground(tile: Tile) -> Terrain:
    """An even slope that falls to the south, from 1,000 to 400 m over all tiles."""
    row = np.arange(256)[:, None] + (FIRST.row - tile.row) * 256
    height = np.repeat(1000.0 - 600.0 * row / 511, 256, axis=1).astype(np.float32)
    slope = np.full((256, 256), 25.0, np.float32)
    return Terrain(elevation_m=height, slope_deg=slope, tri_m=slope)


def _looks(number: int, decibels: Decibels) -> dict[Tile, Look]:
    """A pass of all tiles, of 13 looks, that many times twelve days after the first."""
    return {tile: _look(tile, number, decibels(_ground(tile).elevation_m)) for tile in TILES}


def _look(tile: Tile, number: int, decibels: Array) -> Look:
    rng = np.random.default_rng([tile.column, tile.row, 99 + number])
    power = 0.1 * rng.gamma(13.0, 1 / 13.0, (2, 256, 256)) * 10 ** (decibels / 10.0)
    return Look(
        tile=tile,
        acquisition_id=f"pass-{number}_v1",
        sensing_time=NOW + timedelta(days=12 * number),
        sensor=Sensor.SAR,
        probability=np.full((256, 256), np.nan, np.float32),
        spread=np.full((256, 256), np.nan, np.float32),
        pixels=power.astype(np.float32),
        state=np.full((256, 256), PixelState.VALID, np.uint8),
    )


def _quiet(height: Array) -> Array:
    return np.zeros_like(height)


def _above(decibels: float, line_m: float = LINE_M) -> Decibels:
    return lambda height: np.where(height >= line_m, np.float32(decibels), np.float32(0.0))


def _past(decibels: Decibels = _quiet, of: range = range(-8, 0)) -> dict[Tile, Before]:
    """What passes before say together."""
    passes = [_looks(number, decibels) for number in of]
    return references({tile: [one[tile] for one in passes] for tile in TILES}, SETTINGS)


def _scene(decibels: Decibels, number: int = 0, scars: tuple[tuple[slice, slice], ...] = ()) -> Scene:
    """A pass on one canvas, with scars of -7 dB at some places of it."""
    measuring = Measuring(sensor=Sensor.SAR, polarisations=("vv", "vh"), native_m=10.0)
    terrain = {tile: _ground(tile) for tile in TILES}
    (scene,) = scenes(_looks(number, decibels), terrain, SETTINGS, measuring)
    for place in scars:
        scene.measured[:, *place] *= 10**-0.7
    return scene


@pytest.fixture(scope="module")
def past() -> dict[Tile, Before]:
    """Eight quiet passes."""
    return _past()


def _find(scene: Scene, past: dict[Tile, Before]) -> tuple[Changes, list[Cluster]]:
    changes = compare(scene, past, SETTINGS)
    return changes, find(scene, changes, [], SETTINGS)


def _small(scene: Scene) -> Event:
    """An older event of 4 ha on the upper slopes."""
    x, y = scene.canvas.transform @ (100, 60)
    cluster = Cluster(
        detector=Detector.RADAR,
        geometry=box(x, y - 200, x + 200, y),
        epsg=scene.canvas.epsg,
        area_ha=4.0,
        mean_change=8.0,
        strength=32.0,
        spread=0.0,
        slope_deg=25.0,
        tiles=(FIRST,),
    )
    return open_event(cluster, replace(CONTEXT, acquisition_id="before_v1", acquisition_key="before"), LIFE)


@pytest.mark.parametrize("decibels", [-4.0, 4.0])
def test_what_changed_above_one_height_is_one_cluster(decibels: float, past: dict[Tile, Before]) -> None:
    """Told with its height, and judged on the ground around as well, which tells what the scene did."""
    changes, found = _find(_scene(_above(decibels)), past)
    assert changes.alike is not None
    assert changes.alike.melts is (decibels < 0)
    (cluster,) = found
    assert cluster.alike_from_m == pytest.approx(LINE_M, abs=55)
    assert cluster.area_ha == pytest.approx(np.mean(_scene(_quiet).elevation_m >= LINE_M) * 4 * 655.36, rel=0.1)
    assert set(cluster.tiles) == set(TILES)


def test_weather_that_changes_with_height_joins_no_scars(past: dict[Tile, Before]) -> None:
    """A step of a decibel is no landslide and no snow: three scars above it stay three."""
    scars = tuple(
        (slice(row, row + 40), slice(column, column + 16)) for row, column in ((40, 60), (120, 300), (60, 440))
    )
    changes, found = _find(_scene(lambda height: _above(-1.2)(height) - 0.1, scars=scars), past)
    assert changes.alike is None
    assert len(found) == 3
    assert all(cluster.alike_from_m is None and cluster.area_ha < 12 for cluster in found)


@pytest.mark.parametrize("own_db", [0.0, 4.0], ids=["quiet", "a scar of rubble"])
def test_it_says_nothing_of_other_events_in_pass_after_pass(own_db: float, past: dict[Tile, Before]) -> None:
    """Snow on what was no landslide confirms none, and snow on one refutes none; it opens an event of its own."""
    first, second = (_scene(_above(-4.0), number) for number in (0, 1))
    for scene in (first, second):
        scene.measured[:, 58:82, 98:122] *= 10 ** (own_db / 10.0)
    changes, found = _find(first, past)
    assert changes.alike is not None
    before = _small(first)
    kept, opened = absorb([(one, SEEN) for one in found], [before], CONTEXT, SETTINGS, LIFE)
    assert kept == before
    assert opened.alike_from_m is not None
    assert opened.confidence_reason.startswith("slopes from ")
    alone = _judged(before, first, past)
    assert alone.verdict is (Verdict.CONTRADICTS if own_db else Verdict.SUPPORTS), "by its ground alone"
    for scene in (first, apart(second, [opened])):
        line = compare(scene, past, SETTINGS).alike
        assert line is not None
        said = _judged(before, below(scene, line), past)
        assert said.verdict is Verdict.INCONCLUSIVE
        assert said.detail.endswith("but the slopes around it changed alike")
    kept, _ = absorb([(one, SEEN) for one in found], [_heard(before, first, past)], CONTEXT, SETTINGS, LIFE)
    assert kept.alike_from_m is None
    assert kept.area_ha == before.area_ha


@pytest.mark.parametrize("rain_db", [0.0, 3.0, 6.0])
def test_rain_is_rain_where_no_slope_is_left_beside_it(rain_db: float, past: dict[Tile, Before]) -> None:
    """An older event whose own tile lies within ground that changed alike is judged with the rain taken off."""
    _, (cluster,) = _find(_scene(_above(-4.0)), past)
    wide = open_event(cluster, CONTEXT, LIFE)
    later = apart(_scene(lambda height: _quiet(height) + np.float32(rain_db), number=2), [wide])
    own = {FIRST: past[FIRST]}
    assert _judged(_small(later), later, own).verdict is Verdict.CONTRADICTS
    later.measured[:, 58:82, 98:122] *= 10**-0.7
    assert _judged(_small(later), later, own).verdict is Verdict.SUPPORTS


def test_after_snow_a_landslide_is_news(past: dict[Tile, Before]) -> None:
    """Ground that was refuted does not rest at all; settled, it rests for radar, and only as a whole."""
    scene = _scene(_above(-6.0))
    changes, (cluster,) = _find(scene, past)
    event = open_event(cluster, CONTEXT, LIFE)
    refuted = _ended(event, EventState.REFUTED, "ground-unchanged")
    settled = _ended(event, EventState.CLOSED, SETTLED)
    later = NOW + timedelta(days=30)
    assert not any(rests(refuted, later, kind, LIFE) for kind in (TRACK, "sar:22:descending", "optical"))
    assert [rests(settled, later, kind, LIFE) for kind in (TRACK, "sar:22:descending", "optical")] == [
        True,
        True,
        False,
    ]
    assert find(scene, changes, [settled], SETTINGS) == []
    alone = _scene(_quiet, scars=((slice(58, 98), slice(98, 114)),))
    assert len(find(alone, compare(alone, past, SETTINGS), [settled], SETTINGS)) == 1


def _judged(event: Event, scene: Scene, past: Mapping[Tile, Before]) -> Evidence:
    """What a look says of an event against the ground before it."""
    return _heard(event, scene, past).evidence[-1]


def _heard(event: Event, scene: Scene, past: Mapping[Tile, Before]) -> Event:
    (judged,) = judge_events([scene], [Frozen(events=(event,), past=past)], CONTEXT, SETTINGS, LIFE)
    return judged


def _ended(event: Event, state: EventState, reason: str) -> Event:
    """The event, ended by another sensor's look."""
    last = replace(event.transitions[-1], state=state, reason=reason, acquisition_id="another_v1")
    return replace(event, state=state, transitions=(*event.transitions, last))


@pytest.mark.parametrize("line_m", [700.0, 580.0], ids=["half", "seven tenths"])
def test_half_a_valley_that_slid_stands_when_nobody_remembers_it_otherwise(
    line_m: float, past: dict[Tile, Before]
) -> None:
    """Later passes are compared with others that show it too; the event is judged against the ground before it."""
    scene = _scene(_above(-4.0, line_m))
    _, (cluster, *_) = _find(scene, past)
    event = open_event(cluster, CONTEXT, LIFE)
    after = _past(_above(-4.0, line_m), range(0, 8))
    later = apart(_scene(lambda height: _above(-4.0, line_m)(height) + 3.0, number=8), [event])
    assert compare(later, after, SETTINGS).alike is None
    context = replace(
        CONTEXT, acquisition_key="later", acquisition_id="later_v1", sensing_time=NOW + timedelta(days=96)
    )
    (judged,) = judge_events([later], [Frozen(events=(event,), past=past)], context, SETTINGS, LIFE)
    assert judged.evidence[-1].verdict is Verdict.SUPPORTS
    gone = apart(_scene(_quiet, number=8), [event])
    (judged,) = judge_events([gone], [Frozen(events=(event,), past=past)], context, SETTINGS, LIFE)
    assert judged.evidence[-1].verdict is Verdict.CONTRADICTS
