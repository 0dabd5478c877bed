"""Attention U-Net.

Source: Oktay, Schlemper, Le Folgoc, Lee, Heinrich, Misawa, Mori, McDonagh, Hammerla, Kainz, Glocker, Rueckert,
"Attention U-Net: Learning Where to Look for the Pancreas", MIDL 2018, https://arxiv.org/abs/1804.03999; in two
dimensions, with batch normalisation, and half of the usual filters so that its size is that of ResUNet++.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

FILTERS: Final = (32, 64, 128, 256)
"""Channels from full resolution down to the bridge."""


def _two_convolutions(channels_in: int, channels_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (channels_in, channels_out):
        layers += [nn.Conv2d(channels, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()]
    return nn.Sequential(*layers)


class Gate(nn.Module):
    """Weighs the encoder's map, pixel by pixel, by what the deeper map says: both (N, ., H, W) -> skip weighed."""

    def __init__(self, channels_skip: int, channels_deep: int) -> None:
        super().__init__()
        inner = channels_skip // 2
        self.skip = nn.Conv2d(channels_skip, inner, 1, bias=False)
        self.deep = nn.Conv2d(channels_deep, inner, 1)
        self.weight = nn.Conv2d(inner, 1, 1)

    def forward(self, skip: Tensor, deep: Tensor) -> Tensor:
        weights = torch.sigmoid(self.weight(functional.relu(self.skip(skip) + self.deep(deep))))
        weighed: Tensor = skip * weights
        return weighed


class _Up(nn.Module):
    def __init__(self, channels_skip: int, channels_deep: int) -> None:
        super().__init__()
        self.gate = Gate(channels_skip, channels_deep)
        self.body = _two_convolutions(channels_skip + channels_deep, channels_skip)

    def forward(self, skip: Tensor, deep: Tensor) -> Tensor:
        raised = functional.interpolate(deep, scale_factor=2.0, mode="bilinear", align_corners=False)
        joined: Tensor = self.body(torch.cat([self.gate(skip, raised), raised], dim=1))
        return joined


class AttentionUNet(nn.Module):
    """(N, in_channels, H, W) float32, H and W multiples of 8 -> (N, 1, H, W) logits."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        widths = zip((in_channels, *FILTERS[:-1]), FILTERS, strict=True)
        self.down = nn.ModuleList(_two_convolutions(before, after) for before, after in widths)
        self.up = nn.ModuleList(_Up(skip, deep) for skip, deep in pairwise(FILTERS))
        self.head = nn.Conv2d(FILTERS[0], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for stage, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if stage else x)
            skips.append(x)
        for block, skip in zip(reversed(self.up), reversed(skips[:-1]), strict=True):
            x = block(skip, x)
        logits: Tensor = self.head(x)
        return logits
