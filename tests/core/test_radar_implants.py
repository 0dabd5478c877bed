"""The radar brush."""

import numpy as np
import pytest

from monitor.core.implants import scar_at
from monitor.core.radar_implants import Contrast, equivalent_looks, native_cover, paint_backscatter

RNG = np.random.default_rng(3)


def _speckled(looks: tuple[float, float], size: int = 200) -> np.ndarray:
    return np.stack([RNG.gamma(enl, 0.05 / enl, (size, size)) for enl in looks]).astype(np.float32)


def test_the_looks_of_speckle_are_measured() -> None:
    """Two dates of pure speckle give back the looks they were made with."""
    looks = equivalent_looks(_speckled((20.0, 8.0)), _speckled((20.0, 8.0)))
    assert looks == pytest.approx((20.0, 8.0), rel=0.12)


def test_a_scar_changes_power_by_its_contrast_and_speckles_anew() -> None:
    """Inside: the stated dB in each polarisation, new speckle of the stated looks. Outside: nothing."""
    power = _speckled((20.0, 8.0))
    cover = np.zeros((200, 200), np.float32)
    cover[50:150, 50:150] = 1.0
    painted = paint_backscatter(power, [cover], Contrast(decibels=(1.0, -4.0)), (20.0, 8.0), RNG)
    inside, old = painted[:, 50:150, 50:150], power[:, 50:150, 50:150]
    assert np.array_equal(painted[:, :50], power[:, :50])
    for band, (decibels, looks) in enumerate(((1.0, 20.0), (-4.0, 8.0))):
        assert 10 * np.log10(inside[band].mean() / old[band].mean()) == pytest.approx(decibels, abs=0.1)
        # A ninth of the old speckle stays in the mean of the surroundings.
        expected = np.sqrt(1 / looks + 1 / (9 * looks))
        assert inside[band].std() / inside[band].mean() == pytest.approx(expected, rel=0.1)
        assert abs(np.corrcoef(inside[band].ravel(), old[band].ravel())[0, 1]) < 0.45


def test_the_cover_of_native_pixels_keeps_the_area() -> None:
    """A scar shaped at 10 m covers as many hectares of 30 m pixels."""
    slope = np.broadcast_to(np.arange(120, dtype=np.float32)[:, None] * -4.0, (120, 120))
    cover = native_cover(scar_at(30, 60, 2.0, slope), (120, 120), 3)
    assert cover.shape == (40, 40)
    assert float(cover.sum()) * 0.09 == pytest.approx(2.0, rel=0.02)
    assert cover.max() <= 1.0
