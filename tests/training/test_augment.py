"""Variations keep the shape, the labels' place and the meaning."""

from pathlib import Path

import numpy as np
import pytest

from monitor.core.features import ContextStatistics
from tests.training.conftest import draw_patches
from training.augment import (
    Variation,
    dithered,
    plain,
    quiet_quarter,
    turned,
    varied,
    with_blobs,
    with_gamma,
    with_haze,
    zoomed,
)
from training.batches import Sources, draws_per_epoch, epoch_batches, mosaics
from training.data import Patches
from training.negatives import load_negatives, no_negatives


@pytest.mark.parametrize("seed", range(12))
def test_every_variation_is_finite_and_of_the_same_shape(seed: int) -> None:
    """With all variations switched on at once."""
    always = Variation(scale_share=1, gamma_share=1, haze_share=1, blob_share=1, quiet_share=0.5)
    rgb, mask = draw_patches(1, seed)
    rng = np.random.default_rng(seed)
    pixels, labels = varied(dithered(rgb[0], rng), mask[0], rng, always)
    assert pixels.shape == (3, 32, 32)
    assert labels.shape == (32, 32)
    assert pixels.dtype == np.float32
    assert labels.dtype == np.bool_
    assert np.isfinite(pixels).all()


@pytest.mark.parametrize("seed", range(8))
def test_labels_turn_and_zoom_with_their_pixels(seed: int) -> None:
    """The bright square stays under its mask."""
    rgb, mask = draw_patches(1, seed)
    rng = np.random.default_rng(seed)
    pixels, labels = turned(np.moveaxis(rgb[0], -1, 0).astype(np.float32), mask[0], rng)
    np.testing.assert_array_equal(pixels[0] == 250, labels)
    pixels, labels = zoomed(pixels, labels, 1.3, rng)
    if labels.any():
        assert pixels[0][labels].min() > pixels[0][~labels].mean()


def test_a_white_intruder_is_no_landslide() -> None:
    """Where it covers a scar, the label goes."""
    rng = np.random.default_rng(3)
    ground = ContextStatistics(center=np.full(3, 50, np.float32), scale=np.full(3, 10, np.float32))
    pixels, everywhere = np.full((3, 64, 64), 50, np.float32), np.ones((64, 64), bool)
    pasted, mask = with_blobs(pixels, everywhere, ground, rng)
    covered = pasted.mean(axis=0) > 90
    assert covered.any()
    assert not mask[pasted.mean(axis=0) > pasted.mean(axis=0).max() * 0.8].any()


def test_a_quiet_quarter_has_no_landslide() -> None:
    """Unless every quarter has one: then the patch stays as it is."""
    rgb, mask = draw_patches(1)
    pixels = np.moveaxis(rgb[0], -1, 0).astype(np.float32)
    quiet, empty = quiet_quarter(pixels, mask[0], np.random.default_rng(0))
    assert not empty.any()
    assert quiet.max() < 250
    same, full = quiet_quarter(pixels, np.ones_like(mask[0]), np.random.default_rng(0))
    assert same is pixels
    assert full.all()


def test_light_keeps_order_and_haze_takes_contrast() -> None:
    """Gamma is monotone; a veil brings pixels together."""
    rgb, _ = draw_patches(1)
    pixels = np.moveaxis(rgb[0], -1, 0).astype(np.float32)
    order = pixels.ravel().argsort(kind="stable")
    assert (np.diff(with_gamma(pixels, 1.2).ravel()[order]) >= -1e-3).all()
    assert with_haze(pixels, np.random.default_rng(0), 0.9).std() < pixels.std()


def test_a_plain_patch_without_observations_is_zero() -> None:
    """Too little to describe the ground is no reason to fail."""
    assert (plain(np.full((3, 32, 32), np.nan, np.float32)) == 0).all()


def test_an_epoch_shows_every_patch_and_alternates_with_mosaics() -> None:
    """Sixteen patches at batch 4: four single, one mosaic of four, and so on."""
    rgb, mask = draw_patches(16)
    patches = Patches(ids=np.arange(16), rgb=rgb, mask=mask, touching=np.zeros((0, 2), np.int64))
    sources = Sources(patches=patches, negatives=no_negatives())
    batches = list(epoch_batches(sources, 4, np.random.default_rng(0)))
    assert [inputs.shape for inputs, _ in batches] == [(4, 3, 32, 32), (1, 3, 64, 64)] * 2
    assert all(targets.shape == (len(inputs), 1, *inputs.shape[2:]) for inputs, targets in batches)


def test_a_mosaic_lays_patches_in_reading_order() -> None:
    """Top left, top right, bottom left, bottom right."""
    made = [(np.full((3, 2, 2), i, np.float32), np.full((2, 2), i == 3)) for i in range(4)]
    inputs, targets = mosaics(made)
    np.testing.assert_array_equal(inputs[0, 0, ::2, ::2], [[0, 1], [2, 3]])
    assert targets[0, 0, 2:, 2:].all()
    assert targets.sum() == 4


def test_negatives_add_to_an_epoch() -> None:
    """A share of the patches, none when there are no chips."""
    rgb, mask = draw_patches(4)
    patches = Patches(ids=np.arange(4), rgb=rgb, mask=mask, touching=np.zeros((0, 2), np.int64))
    chips = np.ones((2, 3, 32, 32), np.float32)
    assert draws_per_epoch(Sources(patches=patches, negatives=chips, negatives_share=0.5)) == 6
    assert draws_per_epoch(Sources(patches=patches, negatives=no_negatives())) == 4


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_real_negatives_are_patches(data_folder: Path) -> None:
    """5 scenes of Slovenia, 16 cuts of Spain, 12 months of Belgium."""
    chips = load_negatives(data_folder)
    assert chips.shape == (33, 3, 128, 128)
    assert np.isfinite(chips).all()
