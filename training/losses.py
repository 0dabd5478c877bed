"""Losses on logits. Pixels without a label count for nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from training.experiment import LossSettings

_FOCUS: Final = 2.0
_MISSED: Final = 0.7
"""Weight of missed against false pixels in the Tversky loss."""


def segmentation_loss(logits: Tensor, labels: Tensor, settings: LossSettings) -> Tensor:
    """The loss an experiment names, a scalar.

    logits: (N, 1, H, W) float32. labels: (N, 1, H, W), -1 unlabelled, 0 stable, 1 landslide.
    Over the whole batch, not per chip: a chip without landslide has no overlap of its own.
    """
    known = labels >= 0
    if not bool(known.any()):
        return logits.sum() * 0.0
    values, target = logits[known], labels[known].float()
    return _LOSSES[settings.name](values, target, settings.positive_weight)


def distillation_loss(logits: Tensor, answers: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy and Dice against probabilities instead of labels, where ground is labelled; a scalar.

    answers: (N, 1, H, W) 0-1. Squared sums keep the Dice lowest where both agree, whatever the probability.
    """
    known = labels >= 0
    if not bool(known.any()):
        return logits.sum() * 0.0
    values, target = logits[known], answers[known]
    probability = torch.sigmoid(values)
    overlap = 2 * (probability * target).sum() + 1
    dice_left = 1 - overlap / ((probability**2).sum() + (target**2).sum() + 1)
    return 0.5 * functional.binary_cross_entropy_with_logits(values, target) + 0.5 * dice_left


def cross_entropy(logits: Tensor, target: Tensor, positive_weight: float = 1.0) -> Tensor:
    """Binary cross-entropy, landslide pixels weighted; flat tensors."""
    weight = torch.tensor(positive_weight, device=logits.device)
    return functional.binary_cross_entropy_with_logits(logits, target, pos_weight=weight)


def dice(logits: Tensor, target: Tensor) -> Tensor:
    """Soft Dice loss, 0 at best (Milletari et al. 2016, V-Net); flat tensors."""
    probability = torch.sigmoid(logits)
    overlap = (probability * target).sum()
    return 1 - (2 * overlap + 1) / (probability.sum() + target.sum() + 1)


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Focal loss with focus 2 (Lin et al. 2017, doi 10.1109/ICCV.2017.324); flat tensors."""
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    missed = 1 - torch.exp(-entropy)
    return (missed**_FOCUS * entropy).mean()


def tversky(logits: Tensor, target: Tensor) -> Tensor:
    """Tversky loss, missed pixels weighing 0.7 (Salehi et al. 2017, arXiv 1706.05721); flat tensors."""
    probability = torch.sigmoid(logits)
    hit = (probability * target).sum()
    missed = ((1 - probability) * target).sum()
    false = (probability * (1 - target)).sum()
    return 1 - (hit + 1) / (hit + _MISSED * missed + (1 - _MISSED) * false + 1)


def lovasz_hinge(logits: Tensor, target: Tensor) -> Tensor:
    """Lovász extension of the Jaccard loss (Berman et al. 2018, doi 10.1109/CVPR.2018.00464); flat tensors."""
    errors, order = torch.sort(1 - logits * (2 * target - 1), descending=True)
    truth = target[order]
    union = truth.sum() + (1 - truth).cumsum(0)
    jaccard = 1 - (truth.sum() - truth.cumsum(0)) / union
    gradient = torch.diff(jaccard, prepend=jaccard.new_zeros(1))
    return torch.dot(functional.relu(errors), gradient)


_LOSSES: Final[dict[str, Callable[[Tensor, Tensor, float], Tensor]]] = {
    "bce": cross_entropy,
    "bce-dice": lambda logits, target, weight: 0.5 * cross_entropy(logits, target, weight) + 0.5 * dice(logits, target),
    "dice": lambda logits, target, _: dice(logits, target),
    "focal": lambda logits, target, _: focal(logits, target),
    "tversky": lambda logits, target, _: tversky(logits, target),
    "bce-lovasz": lambda logits, target, weight: (
        0.5 * cross_entropy(logits, target, weight) + 0.5 * lovasz_hinge(logits, target)
    ),
}
