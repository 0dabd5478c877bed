"""Pyramid pooling over an encoder.

Source: Zhao, Shi, Qi, Wang, Jia, "Pyramid Scene Parsing Network", CVPR 2017, https://arxiv.org/abs/1612.01105. There
the means are over shares of the window, here over squares of fixed size on the ground: windows of any size, and tiles
beside each other, then answer alike.
"""

from __future__ import annotations

from typing import Final

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.nn import functional

_DEPTH: Final = 3
"""Halvings of the encoder: its last map has cells of 8 pixels."""
SIDES: Final = (3, 5, 9, 17)
"""Of the squares, in cells of the last map: 24 to 136 pixels."""


class PyramidPooling(nn.Module):
    """(N, channels, H, W) float32, H and W multiples of 8 -> (N, 1, H, W) logits."""

    def __init__(self, encoder: str, channels: int) -> None:
        """`encoder` by its name in segmentation-models-pytorch, with random weights."""
        super().__init__()
        self.encoder = smp.encoders.get_encoder(encoder, in_channels=channels, depth=_DEPTH, weights=None)
        deep = int(self.encoder.out_channels[-1])
        part = deep // len(SIDES)
        self.parts = nn.ModuleList(
            nn.Sequential(nn.Conv2d(deep, part, 1, bias=False), nn.BatchNorm2d(part), nn.ReLU()) for _ in SIDES
        )
        self.head = nn.Sequential(
            nn.Conv2d(deep + part * len(SIDES), deep, 3, padding=1, bias=False),
            nn.BatchNorm2d(deep),
            nn.ReLU(),
            nn.Conv2d(deep, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        deep = self.encoder(x)[-1]
        seen = [deep]
        for side, part in zip(SIDES, self.parts, strict=True):
            mean = functional.avg_pool2d(deep, side, stride=1, padding=side // 2, count_include_pad=False)
            seen.append(part(mean))
        small = self.head(torch.cat(seen, dim=1))
        logits: Tensor = functional.interpolate(small, scale_factor=2.0**_DEPTH, mode="bilinear", align_corners=False)
        return logits
