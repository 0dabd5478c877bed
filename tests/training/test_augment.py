"""Variations keep the shape, the labels' place and the meaning."""

import numpy as np
import pytest

from monitor.core.features import ContextStatistics
from tests.training.conftest import draw_patches
from training.augment import around_a_scar, dithered, turned, varied, warped, with_blobs, with_gamma, with_haze
from training.experiment import VariationSettings
from training.samples import LANDSLIDE, STABLE, UNLABELLED

ALWAYS = VariationSettings(warp_share=1, gamma_share=1, haze_share=1, blob_share=1, gain_spread=0.3, offset_spread=0.2)


def chip(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One drawn patch as (3, 32, 32) float32 and (32, 32) int8."""
    rgb, mask = draw_patches(1, seed)
    return np.moveaxis(rgb[0], -1, 0).astype(np.float32), mask[0].astype(np.int8)


@pytest.mark.parametrize("seed", range(12))
def test_every_variation_is_finite_and_of_the_same_shape(seed: int) -> None:
    """With all variations switched on at once."""
    pixels, labels = varied(*chip(seed), np.random.default_rng(seed), ALWAYS)
    assert pixels.shape == (3, 32, 32)
    assert labels.shape == (32, 32)
    assert pixels.dtype == np.float32
    assert labels.dtype == np.int8
    assert np.isfinite(pixels).all()


def test_the_same_generator_gives_the_same_variation() -> None:
    """A run can be repeated."""
    first, second = (varied(*chip(), np.random.default_rng(7), ALWAYS)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, varied(*chip(), np.random.default_rng(8), ALWAYS)[0])


@pytest.mark.parametrize("seed", range(8))
def test_labels_turn_and_warp_with_their_pixels(seed: int) -> None:
    """The bright square stays under its mask."""
    rng = np.random.default_rng(seed)
    pixels, labels = turned(*chip(seed), rng)
    np.testing.assert_array_equal(pixels[0] == 250, labels == LANDSLIDE)
    pixels, labels = warped(pixels, labels, rng.uniform(0.75, 1.35), rng.uniform(-45, 45), rng)
    bright = pixels[0] > 165
    assert (bright == (labels == LANDSLIDE)).mean() > 0.97


def test_windows_lie_mostly_around_a_scar_and_keep_their_labels() -> None:
    """Of a chip of 64 pixels with one scar of 4: three of four windows of 16 show it, by chance one in eleven would."""
    labels = np.zeros((64, 64), np.int8)
    labels[10:14, 40:44] = LANDSLIDE
    pixels = np.repeat(labels[None].astype(np.float32), 3, axis=0)
    rng = np.random.default_rng(0)
    shown = 0
    for _ in range(200):
        window, marks = around_a_scar(pixels, labels, 16, rng)
        assert window.shape == (3, 16, 16)
        np.testing.assert_array_equal(window[2] == 1, marks == LANDSLIDE)
        shown += bool((marks == LANDSLIDE).any())
    assert 140 < shown < 190


def test_a_chip_without_scars_or_smaller_than_the_window_is_shown_too() -> None:
    """Anywhere of it, or all of it."""
    pixels, labels = chip()
    rng = np.random.default_rng(0)
    windows = {around_a_scar(pixels, np.zeros_like(labels), 16, rng)[0].tobytes() for _ in range(9)}
    assert len(windows) > 5
    np.testing.assert_array_equal(around_a_scar(pixels, labels, 64, rng)[0], pixels)


def test_unlabelled_pixels_stay_unlabelled_in_a_warp() -> None:
    """Labels are taken from the nearest pixel: -1 and 1 never make a 0."""
    pixels, labels = chip()
    labels = np.where(labels == STABLE, np.int8(UNLABELLED), labels)
    _, moved = warped(pixels, labels, 1.2, 30.0, np.random.default_rng(0))
    assert set(np.unique(moved)) <= {UNLABELLED, LANDSLIDE}


def test_a_white_intruder_is_no_landslide() -> None:
    """Where it covers a scar, the label goes."""
    rng = np.random.default_rng(3)
    ground = ContextStatistics(center=np.full(3, 50, np.float32), scale=np.full(3, 10, np.float32))
    pixels, everywhere = np.full((3, 64, 64), 50, np.float32), np.ones((64, 64), np.int8)
    pasted, labels = with_blobs(pixels, everywhere, ground, rng)
    covered = pasted.mean(axis=0) > 90
    assert covered.any()
    assert not labels[pasted.mean(axis=0) > pasted.mean(axis=0).max() * 0.8].any()


def test_light_keeps_order_and_haze_takes_contrast() -> None:
    """Gamma is monotone; a veil brings pixels together."""
    pixels, _ = chip()
    order = pixels.ravel().argsort(kind="stable")
    assert (np.diff(with_gamma(pixels, 1.2).ravel()[order]) >= -1e-3).all()
    assert with_haze(pixels, np.random.default_rng(0), 0.9).std() < pixels.std()


def test_a_chip_without_observations_is_zero() -> None:
    """Too little to describe the ground is no reason to fail."""
    nothing, labels = np.full((3, 32, 32), np.nan, np.float32), np.zeros((32, 32), np.int8)
    assert (varied(nothing, labels, np.random.default_rng(0), ALWAYS)[0] == 0).all()


def test_only_eight_bits_are_dithered() -> None:
    """By less than one step, so that rounding gives them back."""
    eight = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    noisy = dithered(eight, np.random.default_rng(0))
    assert not np.array_equal(noisy, eight)
    np.testing.assert_allclose(noisy, eight, atol=0.5)
    np.testing.assert_array_equal(dithered(eight.astype(np.float32), np.random.default_rng(0)), eight)
