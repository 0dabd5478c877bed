"""Change between a look and its reference."""

import numpy as np
import pytest

from monitor.core.change import (
    DARK,
    Colours,
    bare_ground_change,
    log_ratio,
    network_change,
    same_dates,
    surface_normal,
    unchanged,
)

RNG = np.random.default_rng(7)


def _hills(size: int = 160) -> np.ndarray:
    y, x = np.mgrid[:size, :size] * 10.0
    hills: np.ndarray = 60 * np.sin(x / 170.0) + 50 * np.cos(y / 210.0) + 25 * np.sin((x + y) / 95.0)
    return hills.astype(np.float32)


def _lit(elevation: np.ndarray, azimuth_deg: float, height_deg: float, albedo: float) -> np.ndarray:
    normal = surface_normal(elevation, 10.0)
    azimuth, height = np.radians([azimuth_deg, height_deg])
    sun = np.array([np.sin(azimuth) * np.cos(height), np.cos(azimuth) * np.cos(height), np.sin(height)])
    return (albedo * np.clip(np.tensordot(sun, normal, 1), 0.2, None)).astype(np.float32)


def test_a_shift_of_the_whole_scene_is_no_change() -> None:
    """A constant rise of probability everywhere is removed and reported."""
    before = RNG.uniform(0, 0.2, (64, 64)).astype(np.float32)
    layer = network_change(before + np.float32(0.1), before, np.ones((64, 64), bool))
    assert layer.shift == pytest.approx(0.1, abs=1e-6)
    assert np.abs(layer.change).max() < 1e-6


def test_what_is_not_jointly_valid_is_no_observation() -> None:
    """NaN in the look or in the reference stays NaN in the change."""
    now, before = np.zeros((2, 8, 8), np.float32)
    now[0, 0] = np.nan
    before[1, 1] = np.nan
    change = network_change(now, before, np.ones((8, 8), bool)).change
    assert np.isnan(change[[0, 1], [0, 1]]).all()
    assert np.isfinite(change).sum() == 62


def test_another_sun_is_no_change_but_a_scar_is() -> None:
    """The robust fit on the surface normal takes the moved sun away and leaves the scar."""
    hills = _hills()
    before = _lit(hills, 150, 60, 0.06) * RNG.normal(1, 0.03, hills.shape).astype(np.float32)
    now = _lit(hills, 165, 35, 0.05) * RNG.normal(1, 0.03, hills.shape).astype(np.float32)
    scar = (slice(70, 80), slice(70, 80))
    intact = now[scar].mean()
    now[scar] *= 3.0
    slopes = np.ones(hills.shape, bool)
    plain = np.log((now + DARK) / (before + DARK))
    layer = log_ratio(now, before, surface_normal(hills, 10.0), slopes)
    quiet = np.ones(hills.shape, bool)
    quiet[65:85, 65:85] = False
    assert layer.change[scar].mean() == pytest.approx(np.log((3.0 * intact + DARK) / (intact + DARK)), abs=0.12)
    assert layer.change[quiet].std() < 0.5 * plain[quiet].std()
    assert abs(np.median(layer.change[quiet])) < 0.02


def test_scar_covering_a_third_of_the_valley_is_not_muted() -> None:
    """A disaster that changes much of a valley stays visible: the fit is robust, not a mean."""
    hills = _hills()
    before = _lit(hills, 150, 50, 0.06) * RNG.normal(1, 0.03, hills.shape).astype(np.float32)
    now = before * RNG.normal(1, 0.03, hills.shape).astype(np.float32)
    now[:, :53] *= 2.5
    layer = log_ratio(now, before, surface_normal(hills, 10.0), np.ones(hills.shape, bool))
    bare = np.log((now[:, :53] + DARK) / (before[:, :53] + DARK))
    assert np.median(layer.change[:, :53]) > 0.7 * np.median(bare)
    assert abs(np.median(layer.change[:, 60:])) < 0.15


@pytest.mark.parametrize("share", [0.4, 0.5, 0.6])
def test_half_a_valley_that_slid_is_neither_season_nor_noise(share: float) -> None:
    """Bare soil on half of the slopes stays change, and the other half none, under a sun that has moved."""
    elevation = _hills()
    rng = np.random.default_rng(1)
    before = _lit(elevation, 150, 45, 0.05) * rng.normal(1.0, 0.08, elevation.shape).astype(np.float32)
    now = _lit(elevation, 165, 50, 0.05) * rng.normal(1.2, 0.08, elevation.shape).astype(np.float32)
    slid = np.zeros(elevation.shape, bool)
    slid[:, : round(share * elevation.shape[1])] = True
    now = np.where(slid, now * 3.2, now).astype(np.float32)
    normal = surface_normal(elevation, 10.0)
    layer = log_ratio(now, before, normal, np.ones(elevation.shape, bool))
    assert np.median(layer.change[slid]) > 0.7
    assert abs(np.median(layer.change[~slid])) < 0.1
    assert layer.noise < 0.25
    assert layer.shift > 0.25, "it is reported, and lowers the confidence"


def test_leaves_and_sun_alone_are_described_by_all_slopes() -> None:
    """One broad peak, or two that lie near each other, leave the fit to every pixel."""
    rng = np.random.default_rng(2)
    everywhere = np.ones((200, 200), bool)
    broad = rng.normal(0.3, 0.5, (200, 200)).astype(np.float32)
    near = (np.where(rng.random((200, 200)) < 0.5, 0.0, 0.4) + rng.normal(0, 0.1, (200, 200))).astype(np.float32)
    assert (unchanged(broad, everywhere) == everywhere).all()
    assert (unchanged(near, everywhere) == everywhere).all()


def test_too_few_pixels_fall_back_to_the_median() -> None:
    """A sliver of ground cannot carry a fit; its median is removed instead."""
    now = np.full((20, 20), 0.12, np.float32)
    before = np.full((20, 20), 0.06, np.float32)
    layer = log_ratio(now, before, surface_normal(np.zeros((20, 20), np.float32), 10.0), np.ones((20, 20), bool))
    assert layer.shift == pytest.approx(np.log(2.0), abs=1e-5)
    assert np.abs(layer.change).max() < 1e-5


def test_what_haze_does_to_dark_ground_is_no_change() -> None:
    """Conifers in low sun reflect 0.015: a veil that adds as much again doubles them, and soil does far more."""
    rng = np.random.default_rng(3)
    before = rng.normal(0.015, 0.002, (200, 200)).astype(np.float32)
    now = before.copy()
    veil, soil = (slice(20, 40), slice(20, 40)), (slice(100, 120), slice(100, 120))
    now[veil] += 0.012
    now[soil] += 0.08
    normal = surface_normal(np.zeros(before.shape, np.float32), 10.0)
    layer = log_ratio(now, before, normal, np.ones(before.shape, bool))
    assert layer.change[veil].mean() < 0.35
    assert layer.change[soil].min() > 0.9


def test_what_the_season_did_since_is_told_for_each_date_of_the_reference() -> None:
    """Clouds hid a patch of forest since its leaves fell: it has not changed more than the forest around it."""
    hills, rng = _hills(300), np.random.default_rng(4)
    noise = rng.normal(1, 0.03, (2, *hills.shape)).astype(np.float32)
    now = Colours(0.10 * noise[0], 0.09 * noise[0], 0.05 * noise[1])
    old = np.zeros(hills.shape, bool)
    old[100:200, 100:205] = True
    red = np.where(old, 0.05, 0.09) * noise[1]
    before = Colours(red, red, np.where(old, 0.03, 0.05) * noise[0])
    now.red[20:30, 20:30] = now.red[120:130, 120:130] = 0.25
    when = np.where(old, 1.0, 2.0)
    slopes = np.ones(hills.shape, bool)
    layer = bare_ground_change(now, before, when, hills, slopes, 10.0)
    mixed = bare_ground_change(now, before, np.zeros(hills.shape), hills, slopes, 10.0)
    assert np.median(mixed.change[old]) > 0.3, "taken together, the patch stands out"
    assert abs(np.nanmedian(layer.change[old])) < 0.02
    assert np.nanmin(layer.change[120:130, 120:130]) > 0.6, "what slid in it does not pass for the season"
    assert np.nanmin(layer.change[20:30, 20:30]) > 0.6


def test_leaves_that_come_out_make_no_landslide_of_the_meadow_among_them() -> None:
    """Brown forest turns green and darkens in red; a meadow that stays as it was has not brightened."""
    elevation, rng = _hills(300), np.random.default_rng(5)
    noise = rng.normal(1, 0.04, (3, *elevation.shape)).astype(np.float32)
    meadow = np.zeros(elevation.shape, bool)
    meadow[140:170, 60:120] = meadow[20:60, 200:230] = True
    before = Colours(
        np.where(meadow, 0.060, 0.055) * noise[0], np.where(meadow, 0.080, 0.045) * noise[1], 0.03 * noise[2]
    )
    now = Colours(np.where(meadow, 0.060, 0.028) * noise[1], np.where(meadow, 0.08, 0.05) * noise[2], 0.03 * noise[0])
    slopes = np.ones(elevation.shape, bool)
    alone = log_ratio(now.red, before.red, surface_normal(elevation, 10.0), slopes).change
    seen = bare_ground_change(now, before, np.zeros(elevation.shape), elevation, slopes, 10.0).change
    assert np.median(alone[meadow]) > 0.4
    assert abs(np.nanmedian(seen[meadow])) < 0.15


def test_dates_that_few_slopes_share_go_together() -> None:
    """Every pixel is in one group, and none is smaller than a square kilometre."""
    when = np.full((200, 200), 5.0)
    when[:60] = 1.0
    when[60:70] = 2.0
    when[70] = np.nan
    when[150:] = 9.0
    groups = same_dates(when, np.isfinite(when))
    assert [int(((groups == one) & np.isfinite(when)).sum()) for one in range(3)] == [12_000, 17_800, 10_000]
    assert groups.max() == 2
    assert not same_dates(when, when == 1.0).any(), "one date alone"
    assert not same_dates(when, np.zeros(when.shape, bool)).any(), "nothing that could be fitted"


def test_a_hillside_that_slid_is_not_what_a_season_did_to_its_date() -> None:
    """Most of a patch of another date slid: what stands out from the whole scene is change there too."""
    elevation, rng = _hills(400), np.random.default_rng(6)
    noise = rng.normal(1, 0.05, (3, *elevation.shape)).astype(np.float32)
    old, slid = np.zeros(elevation.shape, bool), np.zeros(elevation.shape, bool)
    old[100:220, 100:220] = True
    slid[100:220, 100:200] = True
    before = Colours(np.where(old, 0.045, 0.05) * noise[0], 0.05 * noise[1], 0.03 * noise[2])
    now = Colours(np.where(slid, 0.18, 0.05) * noise[1], 0.05 * noise[2], np.where(slid, 0.08, 0.03) * noise[0])
    slopes = np.ones(elevation.shape, bool)
    change = bare_ground_change(now, before, np.where(old, 1.0, 2.0), elevation, slopes, 10.0).change
    assert np.nanmedian(change[slid]) > 0.8
    assert abs(np.nanmedian(change[old & ~slid])) < 0.1


def test_whitening_is_no_observation_and_reddening_is_change() -> None:
    """Thin cloud adds as much blue as red and is hidden; bare soil adds more red and stays."""
    hills = _hills()
    noise = RNG.normal(1, 0.03, (3, *hills.shape)).astype(np.float32)
    before = Colours(*(np.array([0.05, 0.05, 0.03], np.float32)[:, None, None] * noise))
    now = Colours(before.red.copy(), before.green, before.blue.copy())
    cloud, soil = (slice(20, 30), slice(20, 30)), (slice(80, 90), slice(80, 90))
    now.red[cloud] += 0.06
    now.blue[cloud] += 0.06
    now.red[soil], now.blue[soil] = 0.20, 0.11
    layer = bare_ground_change(now, before, np.zeros(hills.shape), hills, np.ones(hills.shape, bool), 10.0)
    assert np.isnan(layer.change[cloud]).all()
    assert layer.change[soil].min() > 1.0
    assert np.isfinite(layer.change).mean() > 0.98
