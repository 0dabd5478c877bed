"""What is said of a cluster's ground and its surroundings."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from shapely import box

from monitor.core.change import AlertSettings
from monitor.core.grid import neighbour, tile_polygon
from monitor.core.surroundings import Seen
from monitor.evidence import seen_before
from monitor.records import Cluster, Detector, Look, PixelState, Terrain, Tile
from monitor.scene import Scene, references, scenes
from tests.adapters.test_picture import AFTER, BEFORE, TILE, make_look

EAST_OF = neighbour(TILE, 1, 0)
FLAT = np.zeros((256, 256), dtype=np.float32)
GROUND = Terrain(elevation_m=FLAT, slope_deg=FLAT, tri_m=FLAT)


def cluster(centre_px: int) -> Cluster:
    """100 x 100 m in the middle of TILE's height, its centre so many pixels from the western edge."""
    west, south, _, _ = tile_polygon(TILE).bounds
    x, y = west + 10 * centre_px, south + 1280
    return Cluster(
        detector=Detector.BASELINE,
        geometry=box(x - 50, y - 50, x + 50, y + 50),
        epsg=TILE.epsg,
        area_ha=1.0,
        mean_change=1.0,
        strength=1.0,
        spread=0.0,
        slope_deg=30.0,
        tiles=(TILE,),
    )


def seen(found: Cluster, now: dict[Tile, Look], *before: Look) -> Seen:
    """How a cluster was seen in a scene, against earlier looks."""
    scene: Scene
    (scene,) = scenes(now, dict.fromkeys(now, GROUND), AlertSettings())
    past = references({tile: [one for one in before if one.tile == tile] for tile in now}, AlertSettings())
    return seen_before(found, scene, past)


def both(hidden: slice | None = None) -> dict[Tile, Look]:
    """A look at both tiles, with these columns of the eastern one under cloud."""
    looks = {tile: make_look(tile, AFTER, 0.2) for tile in (TILE, EAST_OF)}
    if hidden is not None:
        looks[EAST_OF].state[:, hidden] = PixelState.CLOUD
    return looks


def test_surroundings_cross_tiles() -> None:
    """At the border of two tiles the eastern half lies in the other one: half of it hidden, or not."""
    found, before = cluster(256), [make_look(tile, BEFORE, 0.1) for tile in (TILE, EAST_OF)]
    assert seen(found, both(), *before) == Seen(before=BEFORE, around=1.0, beside_hidden=False)
    clouded = seen(found, both(slice(8, 256)), *before)
    assert clouded.around == pytest.approx((2014 + 8 * 70 - 50) / 4027, abs=0.01)
    assert clouded.beside_hidden
    assert seen(found, {TILE: both()[TILE]}, *before).around == pytest.approx(0.5, abs=0.03)


def test_ground_without_an_earlier_look_was_not_seen() -> None:
    """Joint observation counts: where the past is unknown nothing is compared."""
    partly = make_look(TILE, BEFORE, 0.1)
    partly.state[:, :124] = PixelState.CLOUD
    judged = seen(cluster(128), both(), partly)
    assert judged.around == pytest.approx(0.5, abs=0.1)
    assert not judged.beside_hidden


def test_most_of_the_ground_dates_the_window() -> None:
    """Of ground last seen on two days the later half decides."""
    older, newer = make_look(TILE, BEFORE, 0.1), make_look(TILE, BEFORE + timedelta(days=5), 0.1)
    newer = replace(newer, state=newer.state.copy())
    newer.state[:, :126] = PixelState.CLOUD
    assert seen(cluster(128), both(), newer, older).before == BEFORE + timedelta(days=5)
    newer.state[:, :131] = PixelState.CLOUD
    assert seen(cluster(128), both(), newer, older).before == BEFORE
