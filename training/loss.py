"""Losses on logits."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Soft Dice loss over the whole batch, 0 at best (Milletari et al. 2016, V-Net).

    logits, target: (N, 1, H, W) float32. Over the batch, not per patch: a patch without
    landslide has no Dice of its own.
    """
    probability = torch.sigmoid(logits)
    overlap = (probability * target).sum()
    return 1 - (2 * overlap + 1) / (probability.sum() + target.sum() + 1)


def bce_dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Half binary cross-entropy, half soft Dice; (N, 1, H, W) float32 each."""
    bce = functional.binary_cross_entropy_with_logits(logits, target)
    return 0.5 * bce + 0.5 * dice_loss(logits, target)
