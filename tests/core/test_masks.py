"""What counts as an observation."""

import numpy as np
import pytest
from scipy import ndimage

from monitor.core.masks import (
    SceneClass,
    bright_white,
    cloudy,
    dark_ground,
    from_clouds_and_snow,
    from_scene_classes,
    grow,
    least_trusted,
    snowy,
)
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


def test_snow_has_a_rim_and_water_keeps_its_place() -> None:
    """Snow thins out beyond what is classed as snow; cloud wins over shadow, and both over what lies beside them."""
    classes = np.full((60, 60), SceneClass.VEGETATION, np.uint8)
    classes[10:12, 10:12] = SceneClass.SNOW
    classes[10:12, 50:52] = SceneClass.WATER
    classes[40, 30], classes[40, 33], classes[40, 36] = SceneClass.CLOUD_HIGH, SceneClass.CLOUD_SHADOW, SceneClass.WATER
    state = from_scene_classes(classes, 10.0)
    assert (state == PixelState.WATER).sum() == 4
    assert (state[10, 4:18] == PixelState.SNOW).all()
    assert state[10, 3] == state[10, 18] == PixelState.VALID
    assert state[10, 10] == PixelState.SNOW
    assert state[10, 50] == PixelState.WATER
    assert [state[40, column] for column in (33, 36, 37)] == [PixelState.CLOUD, PixelState.CLOUD, PixelState.SHADOW]


def test_a_cloud_of_the_detector_grows_and_a_speck_is_none() -> None:
    """The mean over 40 m drops single pixels; the rim is 60 m; the unknown neither counts nor is cloud."""
    probability = np.zeros((100, 100), np.float32)
    probability[40:60, 40:60] = 1.0
    probability[10, 10] = 1.0
    probability[:, 70:] = np.nan
    cloud = cloudy(probability, 10.0)
    assert cloud[50, 40 - 6]
    assert not cloud[50, 40 - 12]
    assert not cloud[:25].any()
    beside = np.full((60, 60), np.nan, np.float32)
    beside[:, 30:] = 0.39
    assert not cloudy(beside, 10.0).any()
    beside[:, 30:] = 0.41
    assert cloudy(beside, 10.0)[:, 30:].all()


@pytest.mark.parametrize(
    ("green", "near_infrared", "short_wave", "snow"),
    [
        (0.60, 0.55, 0.10, True),
        (0.60, 0.55, 0.30, False),
        (0.12, 0.12, 0.03, True),
        (0.09, 0.12, 0.02, False),
        (0.12, 0.05, 0.01, False),
        (0.06, 0.30, 0.15, False),
        (-0.02, 0.12, -0.02, False),
        (np.nan, 0.55, 0.10, False),
    ],
    ids=["snow", "cloud", "dim snow", "too dark", "water", "forest", "below zero", "unknown"],
)
def test_snow_by_its_index(green: float, near_infrared: float, short_wave: float, snow: bool) -> None:
    """Bright in green, dark in short-wave infrared, and no water."""
    bands = [np.full((2, 2), value, np.float32) for value in (green, near_infrared, short_wave)]
    assert (snowy(bands[0], bands[1], bands[2], 20.0) == snow).all()


def test_snow_has_a_rim() -> None:
    """60 m, as where classes tell it."""
    green, short_wave = np.full((1, 20), 0.06, np.float32), np.full((1, 20), 0.15, np.float32)
    green[0, 9], short_wave[0, 9] = 0.6, 0.1
    assert snowy(green, np.full_like(green, 0.55), short_wave, 20.0)[0].nonzero()[0].tolist() == list(range(6, 13))


def test_what_the_detector_does_not_know_is_no_observation() -> None:
    """Cloud wins over snow, and the unknown over both."""
    cloud, snow, known = (np.array(mask, bool) for mask in ([1, 1, 0, 0, 1], [1, 0, 1, 0, 0], [1, 1, 1, 1, 0]))
    assert from_clouds_and_snow(cloud, snow, known).tolist() == [
        PixelState.CLOUD, PixelState.CLOUD, PixelState.SNOW, PixelState.VALID, PixelState.NODATA,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "least"),
    [
        (["scl"], "scl"),
        (["scl", "s2cloudless"], "s2cloudless"),
        (["s2cloudless", "bright-white", "scl"], "bright-white"),
        (["radar"], "radar"),
        (["scl", "told by an older version"], "told by an older version"),
    ],
)
def test_the_least_trusted_mask_speaks_for_all(sources: list[str], least: str) -> None:
    """A picture of two kinds of scene is as good as the worse of them, in any order."""
    assert least_trusted(sources) == least_trusted(sources[::-1]) == least


@pytest.mark.parametrize(("distance_m", "resolution_m"), [(0, 10), (9, 10), (40, 10), (100, 10), (50, 20), (60, 60)])
@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (7, 5), (60, 70)])
def test_a_grown_mask_is_all_that_is_near(distance_m: float, resolution_m: float, shape: tuple[int, int]) -> None:
    """By straight lines between the middles of pixels, on arrays smaller than the distance too; of nothing, nothing."""
    rng = np.random.default_rng(6)
    for share in (0.001, 0.01, 0.3):
        mask = rng.random(shape) < share
        near = ndimage.distance_transform_edt(~mask) * resolution_m <= distance_m if mask.any() else mask
        np.testing.assert_array_equal(grow(mask, distance_m, resolution_m), near)
