"""Scars painted into pixels."""

import numpy as np
import pytest

from monitor.core.implants import DRY_SOIL, bare_soil, paint, place, relative_light, scar_at

Y, X = np.mgrid[:200, :200]
HILL = (4.0 * Y).astype(np.float32)[::-1].copy()
"""A plane that falls southward: row 0 is highest."""


@pytest.mark.parametrize("area_ha", [0.1, 0.2, 0.5, 1.0, 2.0])
def test_area_is_right_and_the_scar_runs_downhill(area_ha: float) -> None:
    """The painted share of pixels adds up to the area, and the scar's middle lies below its head."""
    scar = scar_at(100, 100, area_ha, HILL)
    assert scar.weight.sum() * 0.01 == pytest.approx(area_ha, rel=0.02)
    rows = np.arange(scar.window[0].start, scar.window[0].stop)
    assert (scar.weight.sum(1) * rows).sum() / scar.weight.sum() > 100


def test_paint_changes_only_the_scar_and_keeps_the_input() -> None:
    """Bare soil appears where the scar lies; the given array is not touched."""
    scene = np.full((3, 200, 200), 0.05, np.float32)
    scene[:, :, ::2] = 0.04
    scene[:, :5, :5] = 0.01
    before = scene.copy()
    scar = scar_at(100, 100, 1.0, HILL)
    painted = paint(scene, [scar], DRY_SOIL, np.ones((200, 200), bool))
    np.testing.assert_array_equal(scene, before)
    changed = (painted != scene).any(0)
    outside = np.ones((200, 200), bool)
    outside[scar.window] = False
    assert not changed[outside].any()
    assert painted[0, 106, 100] > 3 * scene[0, 106, 100]
    assert painted[0, 106, 100] > painted[2, 106, 100]


def test_a_scar_in_shade_is_darker() -> None:
    """The light of the place decides how bright the soil looks."""
    scene = np.full((3, 200, 200), 0.10, np.float32)
    scene[:, :, 100:] = 0.05
    scene[:, :4] = 0.01
    light = relative_light(scene, np.ones((200, 200), bool))
    assert light[100, 50] > 1.5 * light[100, 150]


def test_soil_of_the_scene_or_of_the_book() -> None:
    """The scene's own bare ground above haze is used when there is enough of it."""
    scene = np.full((3, 100, 100), 0.03, np.float32)
    scene[:, 40:60, 40:60] = np.array([0.2, 0.15, 0.1], np.float32)[:, None, None]
    bare = np.zeros((100, 100), bool)
    ground = np.ones((100, 100), bool)
    assert bare_soil(scene, bare, ground) == DRY_SOIL
    bare[40:60, 40:60] = True
    assert bare_soil(scene, bare, ground) == pytest.approx((0.17, 0.12, 0.07), abs=1e-6)


def test_places_keep_their_distance() -> None:
    """No two implants lie nearer than asked, and the same generator gives the same places."""
    candidates = np.ones((200, 200), bool)
    first = place(candidates, 20, 30, np.random.default_rng(3))
    assert first == place(candidates, 20, 30, np.random.default_rng(3))
    gaps = [max(abs(a - c), abs(b - d)) for i, (a, b) in enumerate(first) for c, d in first[:i]]
    assert min(gaps) >= 30
