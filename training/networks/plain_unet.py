"""A plain U-Net: every block two 3×3 convolutions, each with ReLU and then batch normalisation.

After Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
https://arxiv.org/abs/1505.04597, with padded convolutions, so that the answer has the size of the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def _block(channels_in: int, channels_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for first in (channels_in, channels_out):
        # ReLU before the normalisation, as the study of 28 events has it; most others have it after.
        layers += [nn.Conv2d(first, channels_out, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(channels_out)]
    return nn.Sequential(*layers)


class PlainUNet(nn.Module):
    """Blocks joined by max-pooling on the way down and by 2×2 transpose convolutions on the way up.

    Input  (N, in_channels, H, W) float32, H and W multiples of 16 where there are five blocks.
    Output (N, 1, H, W) float32 logits; the sigmoid belongs to loss and export.
    """

    def __init__(self, in_channels: int, widths: Sequence[int]) -> None:
        """`widths`: channels of every block, that of full resolution first."""
        super().__init__()
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList([_block(in_channels, widths[0]), *(_block(fine, coarse) for fine, coarse in pairs)])
        self.rise = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in reversed(pairs))
        self.up = nn.ModuleList(_block(2 * fine, fine) for fine, _ in reversed(pairs))
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        passed: list[Tensor] = []
        for place, block in enumerate(self.down):
            x = block(self.pool(x) if place else x)
            passed.append(x)
        for rise, block, skip in zip(self.rise, self.up, reversed(passed[:-1]), strict=True):
            x = block(torch.cat([rise(x), skip], dim=1))
        logits: Tensor = self.head(x)
        return logits
