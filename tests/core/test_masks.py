"""What counts as an observation."""

import numpy as np
import pytest

from monitor.core.masks import SceneClass, bright_white, dark_ground, from_scene_classes, grow
from monitor.records import PixelState

DARK = (0.03, 0.05, 0.08)
"""Haze over dark ground: red, green, blue."""
FOREST = (0.05, 0.07, 0.09)
CREAM = (0.17, 0.14, 0.13)
"""A fresh scar: bright, red well above blue."""
WHITE = (0.40, 0.40, 0.41)
THIN_RIM = (0.09, 0.11, 0.13)


def _states(scene: np.ndarray) -> np.ndarray:
    red, green, blue = scene
    return bright_white(red, green, blue, DARK, 10.0)


def _scene(*patches: tuple[tuple[slice, slice], tuple[float, float, float]]) -> np.ndarray:
    scene = np.tile(np.array(FOREST, np.float32)[:, None, None], (1, 80, 80))
    for (rows, columns), colour in patches:
        scene[:, rows, columns] = np.array(colour, np.float32)[:, None, None]
    return scene


@pytest.mark.parametrize(
    ("scene_class", "state"),
    [
        (SceneClass.NODATA, PixelState.NODATA),
        (SceneClass.SATURATED, PixelState.SATURATED),
        (SceneClass.DARK, PixelState.VALID),
        (SceneClass.CLOUD_SHADOW, PixelState.SHADOW),
        (SceneClass.VEGETATION, PixelState.VALID),
        (SceneClass.BARE, PixelState.VALID),
        (SceneClass.WATER, PixelState.WATER),
        (SceneClass.UNCLASSIFIED, PixelState.VALID),
        (SceneClass.CLOUD_MEDIUM, PixelState.CLOUD),
        (SceneClass.CLOUD_HIGH, PixelState.CLOUD),
        (SceneClass.CIRRUS, PixelState.CLOUD),
        (SceneClass.SNOW, PixelState.SNOW),
    ],
)
def test_every_scene_class_has_a_state(scene_class: SceneClass, state: PixelState) -> None:
    """The table of Sentinel-2 scene classes, one by one."""
    assert (from_scene_classes(np.full((5, 5), scene_class, np.uint8), 10.0) == state).all()


def test_clouds_and_shadows_grow_but_not_into_nodata() -> None:
    """60 m around clouds and 40 m around shadows are no observation; outside the swath stays outside."""
    classes = np.full((60, 60), SceneClass.VEGETATION, np.uint8)
    classes[10, 30] = SceneClass.CLOUD_HIGH
    classes[40, 30] = SceneClass.CLOUD_SHADOW
    classes[:, :5] = SceneClass.NODATA
    state = from_scene_classes(classes, 10.0)
    assert state[10, 36] == PixelState.CLOUD
    assert state[10, 37] == PixelState.VALID
    assert state[40, 34] == PixelState.SHADOW
    assert state[40, 35] == PixelState.VALID
    assert (state[:, :5] == PixelState.NODATA).all()


def test_white_hides_and_cream_does_not() -> None:
    """A cloud with its veil is no observation; a fresh scar as bright as that is."""
    scene = _scene(
        ((slice(10, 20), slice(10, 20)), WHITE),
        ((slice(20, 24), slice(10, 20)), THIN_RIM),
        ((slice(50, 60), slice(50, 60)), CREAM),
    )
    state = _states(scene)
    assert (state[10:24, 10:20] == PixelState.CLOUD).all()
    assert (state[50:60, 50:60] == PixelState.VALID).all()
    assert state[40, 40] == PixelState.VALID


def test_a_white_roof_is_no_cloud() -> None:
    """One single white pixel hides nothing."""
    state = _states(_scene(((slice(30, 31), slice(30, 31)), WHITE)))
    assert (state == PixelState.VALID).all()


def test_missing_bands_are_nodata() -> None:
    """NaN in any band is no data, cloud or not."""
    scene = _scene(((slice(10, 20), slice(10, 20)), WHITE))
    scene[2, 12, 12] = np.nan
    assert _states(scene)[12, 12] == PixelState.NODATA


def test_dark_ground_is_the_haze() -> None:
    """The darkest pixels of a band; too few pixels say nothing."""
    scene = _scene(((slice(0, 5), slice(0, 80)), DARK))
    assert [dark_ground(band) for band in scene] == pytest.approx(DARK, abs=1e-6)
    assert dark_ground(scene[0, :2]) is None


def test_growing_nothing_gives_nothing() -> None:
    """An empty mask has no distance to grow by."""
    assert not grow(np.zeros((5, 5), bool), 100.0, 10.0).any()
