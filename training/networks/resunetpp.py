"""ResUNet++ as published.

Source: Jha, Smedsrud, Riegler, Johansen, de Lange, Halvorsen, Johansen, "ResUNet++: An Advanced
Architecture for Medical Image Segmentation", IEEE ISM 2019, https://arxiv.org/abs/1911.07067.
Layer order follows the authors' reference implementation
(https://github.com/DebeshJha/ResUNetPlusPlus).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

FILTERS: tuple[int, int, int, int, int] = (16, 32, 64, 128, 256)
"""Channels of the stem, the three encoder stages and the bridge."""

DILATIONS: tuple[int, int, int, int] = (6, 12, 18, 1)
"""Dilations of the parallel branches of the atrous pyramid; the last is a plain 3x3."""

STRIDE = 8
"""Height and width of the input must be multiples of this: three halvings."""

_SQUEEZE = 8


class SqueezeExcitation(nn.Module):
    """Channel gates from the mean over the whole window, (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int, squeeze: int = _SQUEEZE) -> None:
        super().__init__()
        hidden = max(1, channels // squeeze)
        self.down = nn.Conv2d(channels, hidden, 1, bias=False)
        self.up = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        # Written as a mean, not as AdaptiveAvgPool2d, so that ONNX keeps height and width free.
        pooled = x.mean(dim=(2, 3), keepdim=True)
        gates = torch.sigmoid(self.up(functional.relu(self.down(pooled))))
        return x * gates


def _pre_activated(channels_in: int, channels_out: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.BatchNorm2d(channels_in),
        nn.ReLU(),
        nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1),
    ]


def _shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride=stride), nn.BatchNorm2d(channels_out))


class Stem(nn.Module):
    """First residual unit at full resolution, (N, C, H, W) -> (N, F, H, W)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            *_pre_activated(channels_out, channels_out),
        )
        self.shortcut = _shortcut(channels_in, channels_out, 1)
        self.gate = SqueezeExcitation(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.gate(self.body(x) + self.shortcut(x))
        return out


class Residual(nn.Module):
    """Pre-activated residual unit, (N, C, H, W) -> (N, F, H/stride, W/stride)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, *, gated: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_pre_activated(channels_in, channels_out, stride),
            *_pre_activated(channels_out, channels_out),
        )
        self.shortcut = _shortcut(channels_in, channels_out, stride)
        self.gate = SqueezeExcitation(channels_out) if gated else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.gate(self.body(x) + self.shortcut(x))
        return out


class AtrousPyramid(nn.Module):
    """Atrous spatial pyramid pooling: summed dilated branches, then 1x1."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 3, padding=d, dilation=d),
                nn.BatchNorm2d(channels_out),
            )
            for d in DILATIONS
        )
        self.merge = nn.Conv2d(channels_out, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.branches[0](x)
        for branch in list(self.branches)[1:]:
            total = total + branch(x)
        out: Tensor = self.merge(total)
        return out


class Attention(nn.Module):
    """Gate of the deeper map by the encoder's map of twice its size."""

    def __init__(self, channels_skip: int, channels_deep: int) -> None:
        super().__init__()
        self.skip = nn.Sequential(*_pre_activated(channels_skip, channels_deep), nn.MaxPool2d(2))
        self.deep = nn.Sequential(*_pre_activated(channels_deep, channels_deep))
        self.gate = nn.Sequential(*_pre_activated(channels_deep, channels_deep))

    def forward(self, skip: Tensor, deep: Tensor) -> Tensor:
        weights: Tensor = self.gate(self.skip(skip) + self.deep(deep))
        return weights * deep


class Decoder(nn.Module):
    """Attention, nearest-neighbour doubling, concatenation with the skip, residual unit."""

    def __init__(self, channels_skip: int, channels_deep: int, channels_out: int) -> None:
        super().__init__()
        self.attention = Attention(channels_skip, channels_deep)
        self.unit = Residual(channels_skip + channels_deep, channels_out, 1, gated=False)

    def forward(self, skip: Tensor, deep: Tensor) -> Tensor:
        attended = self.attention(skip, deep)
        doubled = functional.interpolate(attended, scale_factor=2.0, mode="nearest")
        out: Tensor = self.unit(torch.cat([doubled, skip], dim=1))
        return out


class ResUNetPlusPlus(nn.Module):
    """ResUNet++ (Jha et al. 2019) with one output channel.

    Input  (N, in_channels, H, W) float32, H and W multiples of 8.
    Output (N, 1, H, W) float32 logits; the sigmoid belongs to loss and export.
    """

    def __init__(self, in_channels: int = 3) -> None:
        super().__init__()
        f1, f2, f3, f4, f5 = FILTERS
        self.stem = Stem(in_channels, f1)
        self.stage2 = Residual(f1, f2, 2, gated=True)
        self.stage3 = Residual(f2, f3, 2, gated=True)
        self.stage4 = Residual(f3, f4, 2, gated=True)
        self.bridge = AtrousPyramid(f4, f5)
        self.up3 = Decoder(f3, f5, f4)
        self.up2 = Decoder(f2, f4, f3)
        self.up1 = Decoder(f1, f3, f2)
        self.pyramid = AtrousPyramid(f2, f1)
        self.head = nn.Conv2d(f1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        full = self.stem(x)
        half = self.stage2(full)
        quarter = self.stage3(half)
        deep = self.bridge(self.stage4(quarter))
        deep = self.up3(quarter, deep)
        deep = self.up2(half, deep)
        deep = self.up1(full, deep)
        logits: Tensor = self.head(self.pyramid(deep))
        return logits


def require_size(height: int, width: int) -> None:
    """Raise ValueError, naming the size to pad to, unless both are multiples of 8."""
    if height % STRIDE or width % STRIDE:
        padded = (-(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE)
        raise ValueError(f"window {height}x{width} is no multiple of {STRIDE}: pad to {padded}")
