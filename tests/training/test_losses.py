"""Losses are small for right answers, large for wrong ones, and blind to pixels without a label."""

import pytest
import torch

from training.experiment import LossSettings
from training.losses import segmentation_loss

NAMES = ("bce", "bce-dice", "dice", "focal", "bce-lovasz", "tversky")
LABELS = torch.tensor([[[[1, 1, 0, 0], [0, 0, 0, 0]]]], dtype=torch.int8)
RIGHT = torch.where(LABELS == 1, 9.0, -9.0)


@pytest.mark.parametrize("name", NAMES)
def test_right_is_better_than_half_right_and_half_than_wrong(name: str) -> None:
    """For every loss an experiment may name."""
    settings = LossSettings.model_validate({"name": name})
    half = RIGHT.clone()
    half[..., 0, 0] = -9.0
    right, middle, wrong = (float(segmentation_loss(logits, LABELS, settings)) for logits in (RIGHT, half, -RIGHT))
    assert right < middle < wrong
    assert right < 0.3


@pytest.mark.parametrize("name", NAMES)
def test_pixels_without_a_label_count_for_nothing(name: str) -> None:
    """Whatever is said about them, loss and gradient stay; with no label at all the loss is nothing."""
    settings = LossSettings.model_validate({"name": name})
    labels = LABELS.clone()
    labels[..., 1, :] = -1
    logits = RIGHT.clone().requires_grad_()
    loss = segmentation_loss(logits, labels, settings)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert (logits.grad[..., 1, :] == 0).all()
    other = RIGHT.clone()
    other[..., 1, :] *= -1
    assert float(segmentation_loss(other, labels, settings)) == pytest.approx(float(loss.detach()))
    assert float(segmentation_loss(RIGHT, torch.full_like(LABELS, -1), settings)) == 0


def test_a_missed_landslide_pixel_weighs_as_stated() -> None:
    """Three times as much as without a weight."""
    missed = torch.full_like(RIGHT, -9.0)
    once, thrice = (
        float(segmentation_loss(missed, LABELS, LossSettings(name="bce", positive_weight=weight))) for weight in (1, 3)
    )
    assert thrice == pytest.approx(3 * once, rel=1e-3)
