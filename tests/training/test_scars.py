"""Scars as things, drawn by hand: 10 m pixels of 0.01 ha."""

import math

import numpy as np
import pytest

from tests.training.tiny import samples
from training.samples import Samples
from training.scars import Detection, detection


def chips(labels: np.ndarray) -> Samples:
    count, height, width = labels.shape
    pixels = np.zeros((count, 3, height, width), np.float32)
    return samples(np.arange(count), pixels, labels.astype(np.int8), "here")


def counted(labels: np.ndarray, probability: np.ndarray) -> Detection:
    return detection(chips(labels), probability.astype(np.float32), 0.5, np.arange(len(labels)))


def test_scars_are_sorted_by_size_and_found_by_their_share() -> None:
    """9 px found, 10 px missed by one pixel too few, 200 px found: one class each."""
    labels = np.zeros((1, 40, 40))
    labels[0, :3, :3], labels[0, 10:12, :5], labels[0, 20:30, :20] = 1, 1, 1
    said = np.zeros((1, 40, 40))
    said[0, :3, :3], said[0, 10, :4], said[0, 20:25, :20] = 0.9, 0.9, 0.9
    found = counted(labels, said)
    assert [(size.scars, size.found) for size in found.classes] == [(1, 1), (1, 0), (0, 0), (0, 0), (0, 0), (1, 1)]
    assert math.isnan(found.classes[2].share)
    assert found.false_components == 0


def test_ten_pixels_are_a_tenth_of_a_hectare() -> None:
    """Limits belong to the class above, whatever binary fractions say."""
    labels = np.zeros((4, 20, 20))
    for index, length in enumerate((10, 20, 50, 100)):
        labels[index].flat[:length] = 1
    assert [size.scars for size in counted(labels, labels).classes] == [0, 1, 1, 1, 1, 0]


def test_pixels_that_meet_at_corners_are_one_scar() -> None:
    """Eight neighbours."""
    labels = np.eye(12)[None]
    assert sum(size.scars for size in counted(labels, labels).classes) == 1


def test_false_pieces_touch_no_scar_and_lie_on_known_ground() -> None:
    """Of four bright pieces one overlaps the scar, one is unlabelled, one unobserved: one is false."""
    labels = np.zeros((1, 100, 100))
    said = np.zeros((1, 100, 100))
    labels[0, :5, :5], said[0, :5, 3:9] = 1, 0.9
    labels[0, 20:30, :10], said[0, 22:25, 2:6] = -1, 0.9
    said[0, 40:42, 40:42] = np.nan
    said[0, 60:62, 60:62] = 0.9
    found = counted(labels, said)
    assert found.false_components == 1
    assert found.seen_km2 == pytest.approx((10_000 - 100 - 4) * 1e-4)
    assert found.false_per_km2 == pytest.approx(1 / found.seen_km2)


def test_intervals_come_from_blocks() -> None:
    """Half of the blocks found: the interval spans the share; resampling one block alone says nothing."""
    labels = np.zeros((10, 20, 20))
    labels[:, 2:6, 2:6] = 1
    said = labels * (np.arange(10) % 2)[:, None, None]
    low, high = counted(labels, said).classes[1].interval
    assert low < 0.5 < high
    one_block = detection(chips(labels), said.astype(np.float32), 0.5, np.zeros(10, np.int64))
    assert one_block.classes[1].interval == (0.5, 0.5)
