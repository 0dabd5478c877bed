"""Laying simulated reflectance beside real."""

import numpy as np
import pytest

from benchmarks.real_optics import Scene, ndvi, pooled, surface_of
from benchmarks.simulated_optical import panels, pooled_statistics
from monitor.adapters.landslide4sense import BANDS as PUBLISHED
from monitor.sandbox.spectra import BANDS
from training.simulated.spectra import CLEAR, PATH

RNG = np.random.default_rng(1)


@pytest.mark.parametrize("haze", [0.8, 1.3])
def test_a_scene_is_freed_of_its_air(haze: float) -> None:
    """Whatever the haze, the ground comes back where the darkest of it is as dark as shaded conifers."""
    ground = RNG.uniform(0.01, 0.4, (64, 64))
    ground[:8] = 0.01
    seen = {band: haze * PATH[place] + CLEAR[place] * ground for place, band in enumerate(PUBLISHED[:12])}
    found = surface_of(seen)
    assert set(found) == set(BANDS) - {"B8A"}
    for pixels in found.values():
        np.testing.assert_allclose(pixels, ground, atol=1e-6)


def test_classes_of_several_scenes_are_put_together() -> None:
    """Pixels of one class by band; NDVI by its formula."""
    masks = ({"slid": np.array([True, False, True])}, {"slid": np.array([False, True, True])})
    scenes = [Scene(reflectance={"B04": np.arange(3.0), "B08": np.arange(3.0) + 1}, classes=mask) for mask in masks]
    both = pooled(scenes, "slid")
    assert both["B04"].tolist() == [0.0, 2.0, 1.0, 2.0]
    assert ndvi(both).tolist() == pytest.approx([1.0, 0.2, 1 / 3, 0.2])


def test_statistics_are_those_of_patches() -> None:
    """Four patches of two brightnesses: the mean of all, the spread of each alone."""
    bright = RNG.normal(0.3, 0.02, (128, 128))
    scene = {"B04": np.block([[bright, bright + 0.4], [bright + 0.4, bright]])}
    found = pooled_statistics([scene, scene])
    assert found.mean == pytest.approx(0.5, abs=0.001)
    assert found.spread == pytest.approx(0.02, abs=0.001)
    assert found.low == pytest.approx(0.5 - 2.33 * 0.02, abs=0.003)


def test_pictures_are_stretched_alike() -> None:
    """Forest is red in near infrared and green in shortwave infrared, whatever the scene; B08 stands in for B8A."""
    forest = {"B02": 0.02, "B03": 0.04, "B04": 0.02, "B08": 0.3, "B12": 0.06}
    titles = []
    for one in panels("Here", {band: np.full((2, 2), value) for band, value in forest.items()})[1:]:
        titles.append(one.title)
        assert int(one.picture[0, 0].argmax()) == len(titles) - 1
    assert titles == ["Here: B08 B04 B03", "Here: B12 B08 B04"]
