"""An event on both sides of a border of UTM zones: one look says one thing of it, and opens it once."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.core.change import DARK, AlertSettings
from monitor.core.events import Level, LookContext, together
from monitor.core.grid import project, region_tiles, tile_polygon, zone_strip
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.surroundings import Seen
from monitor.evidence import Frozen, absorb, judge_events
from monitor.records import AlertStatus, Cluster, Detector, Event, Look, Terrain, Tile, Verdict
from monitor.scene import references, scenes
from tests.adapters.test_picture import AFTER, BEFORE, make_look

BORDER = box(17.98, 46.0, 18.02, 46.02)
"""Zones 33 and 34 meet at 18 degrees."""
WEST, EAST = 32633, 32634
FLAT = np.zeros((256, 256), dtype=np.float32)
GROUND = Terrain(elevation_m=FLAT, slope_deg=FLAT, tri_m=FLAT)
LIFE, ALERTS = LifecycleSettings(), AlertSettings()
CONTEXT = LookContext(
    region="border",
    acquisition_key="opening",
    acquisition_id="opening_v1",
    sensing_time=BEFORE + timedelta(days=1),
    previous_time=BEFORE,
    model_version="m",
    status=AlertStatus.ACTUAL,
    mask_source="scl",
    shift=0.0,
)
LATER = replace(CONTEXT, acquisition_key="later", acquisition_id="later_v1", sensing_time=AFTER)


def tiles_of(zone: int) -> list[Tile]:
    """Tiles of a zone around the border."""
    return [tile for tile in region_tiles(BORDER) if tile.epsg == zone]


def look(tile: Tile, when: datetime, red: float) -> Look:
    """A uniform look that differs from others in red alone: what brightens in blue as well is cloud."""
    one = make_look(tile, when, 0.1)
    one.pixels[0] = red
    return one


def cluster(place: BaseGeometry, zone: int) -> Cluster:
    """Changed ground of a place (EPSG:4326), found in the tiles of a zone."""
    geometry = project(place, 4326, zone)
    return Cluster(
        detector=Detector.BASELINE,
        geometry=geometry,
        epsg=zone,
        area_ha=geometry.area / 1e4,
        mean_change=0.7,
        strength=0.7 * geometry.area / 1e4,
        spread=0.0,
        slope_deg=30.0,
        tiles=tuple(tile for tile in tiles_of(zone) if tile_polygon(tile).intersects(geometry)),
    )


def opened(*places: tuple[BaseGeometry, int]) -> list[Event]:
    """What one look opens of clusters that are found zone after zone."""
    seen = Seen(before=BEFORE, around=1.0, beside_hidden=False)
    events: list[Event] = []
    for place, zone in places:
        events = absorb([(cluster(place, zone), seen)], events, CONTEXT, ALERTS, LIFE)
    return events


def test_ground_that_goes_on_in_the_next_zone_is_one_event() -> None:
    """Two clusters of one look that touch at the border are one event of tiles in both zones."""
    (event,) = opened((box(17.995, 46.01, 18.0, 46.012), WEST), (box(18.0, 46.01, 18.003, 46.012), EAST))
    assert {tile.epsg for tile in event.tiles} == {WEST, EAST}
    assert event.area_ha == pytest.approx(project(box(17.995, 46.01, 18.003, 46.012), 4326, WEST).area / 1e4, rel=0.01)
    assert len(opened((box(17.985, 46.01, 17.99, 46.012), WEST), (box(18.01, 46.01, 18.013, 46.012), EAST))) == 2


@pytest.mark.parametrize(
    ("west", "east", "verdict", "observed"),
    [
        (0.22, 0.22, Verdict.SUPPORTS, 1.0),
        # Three quarters of the ground lie in the west.
        (0.22, 0.1, Verdict.SUPPORTS, 1.0),
        (0.1, 0.22, Verdict.INCONCLUSIVE, 1.0),
        (0.1, 0.1, Verdict.CONTRADICTS, 1.0),
        (0.22, None, Verdict.SUPPORTS, 0.75),
        (None, 0.1, Verdict.NOT_OBSERVED, 0.25),
    ],
)
def test_one_look_is_one_piece_of_evidence(
    west: float | None, east: float | None, verdict: Verdict, observed: float
) -> None:
    """What both zones show counts by its ground, also where the look shows one of them alone."""
    (event,) = opened((box(17.9955, 46.01, 18.0, 46.012), WEST), (box(18.0, 46.01, 18.0015, 46.012), EAST))
    values = {WEST: west, EAST: east}
    now = {tile: look(tile, AFTER, value) for tile in region_tiles(BORDER) if (value := values[tile.epsg]) is not None}
    past = references({tile: [look(tile, BEFORE, 0.1)] for tile in event.tiles}, ALERTS)
    shown = scenes(now, dict.fromkeys(now, GROUND), ALERTS)
    (judged,) = judge_events(shown, [Frozen(events=(event,), past=past)], LATER, ALERTS, LIFE)
    (piece,) = judged.evidence[1:]
    assert piece.verdict is verdict
    assert piece.observed_fraction == pytest.approx(observed, abs=0.01)
    if west is not None and east is not None:
        assert piece.level == pytest.approx(
            0.75 * np.log((west + DARK) / (0.1 + DARK)) + 0.25 * np.log((east + DARK) / (0.1 + DARK)), abs=0.02
        )


def test_levels_of_parts() -> None:
    """Weighted by what was seen of each; of nothing seen there is no level."""
    whole = together(
        [
            Level(observed_fraction=0.5, mean_change=1.0, area_ha=4.0, strong_ha=0.5),
            Level(observed_fraction=1.0, mean_change=0.0, area_ha=1.0, strong_ha=0.1),
            Level(observed_fraction=0.0, mean_change=None, area_ha=5.0),
        ]
    )
    assert (whole.observed_fraction, whole.area_ha, whole.strong_ha) == (0.3, 10.0, 0.6)
    assert whole.mean_change == pytest.approx(2 / 3)
    hidden = Level(observed_fraction=0.0, mean_change=None, area_ha=5.0)
    assert together([hidden, hidden]) == replace(hidden, area_ha=10.0)


def test_strips_of_zones() -> None:
    """Every place lies in one strip, on either side of the equator and of the antimeridian."""
    assert zone_strip(32633).bounds == (12, 0, 18, 90)
    assert zone_strip(32701).bounds == (-180, -90, -174, 0)
    assert zone_strip(32760).bounds == (174, -90, 180, 0)


def test_tiles_that_reach_over_the_border() -> None:
    """An event whose eastern tile shows ground of the western zone alone is judged there, once."""
    (event,) = opened((box(17.998, 46.01, 17.9995, 46.012), WEST))
    event = replace(event, tiles=(*event.tiles, tiles_of(EAST)[0]))
    now = {tile: look(tile, AFTER, 0.2) for tile in region_tiles(BORDER)}
    past = references({tile: [look(tile, BEFORE, 0.1)] for tile in event.tiles}, ALERTS)
    shown = scenes(now, dict.fromkeys(now, GROUND), ALERTS)
    (judged,) = judge_events(shown, [Frozen(events=(event,), past=past)], LATER, ALERTS, LIFE)
    assert [piece.verdict for piece in judged.evidence] == [Verdict.OPENS, Verdict.SUPPORTS]
    assert judged.evidence[1].observed_fraction == 1.0


def test_nothing_else_changed_by_it() -> None:
    """An event of one zone is judged on all of its ground, also where its tiles reach over the border."""
    place = box(17.999, 46.01, 18.001, 46.012)
    (event,) = opened((place, WEST))
    now = {tile: look(tile, AFTER, 0.2) for tile in region_tiles(BORDER)}
    past = references({tile: [look(tile, BEFORE, 0.1)] for tile in event.tiles}, ALERTS)
    shown = scenes(now, dict.fromkeys(now, GROUND), ALERTS)
    (judged,) = judge_events(shown, [Frozen(events=(event,), past=past)], LATER, ALERTS, LIFE)
    assert judged.evidence[-1].observed_fraction == 1.0


@pytest.mark.parametrize(
    ("width", "intact", "events"),
    [
        (0.01, AFTER - timedelta(days=1), 2),  # larger, on ground seen intact since the event opened
        (0.01, BEFORE, 1),  # larger, but hidden when it opened: the rest of it
        (0.002, AFTER - timedelta(days=1), 1),  # smaller: the event grows
    ],
)
def test_a_later_and_larger_change_beside_an_event_is_news(width: float, intact: datetime, events: int) -> None:
    """A speck that was taken for a change before the storm does not swallow the landslide beside it."""
    (speck,) = opened((box(17.990, 46.010, 17.993, 46.011), WEST))
    values = {tile: look(tile, AFTER, 0.3) for tile in region_tiles(BORDER)}
    past = references({tile: [look(tile, BEFORE, 0.1)] for tile in speck.tiles}, ALERTS)
    shown = scenes(values, dict.fromkeys(values, GROUND), ALERTS)
    known = judge_events(shown, [Frozen(events=(speck,), past=past)], LATER, ALERTS, LIFE)
    beside = cluster(box(17.993 - width, 46.0115, 17.993, 46.0125), WEST)
    seen = Seen(before=intact, around=1.0, beside_hidden=False)
    found = absorb([(beside, seen)], known, LATER, ALERTS, LIFE)
    assert len(found) == events
    assert found[0].id == speck.id
    assert (found[0].area_ha > speck.area_ha) == (events == 1)
