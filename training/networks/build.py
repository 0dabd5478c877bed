"""A network from its settings."""

from __future__ import annotations

from typing import Final

import segmentation_models_pytorch as smp
from torch import Tensor, nn
from torch.nn import functional

from training.experiment import NetworkSettings
from training.networks.attention_unet import AttentionUNet
from training.networks.plain_unet import PlainUNet
from training.networks.pretrained import load_imagenet
from training.networks.pyramid_pooling import PyramidPooling
from training.networks.resunetpp import ResUNetPlusPlus

_COLOURS: Final = 3
_THREE_BANDS: Final = "mit_"
"""Encoders that take three bands and no other number, by how their names begin."""


class Enlarged(nn.Module):
    """A network that sees its window enlarged: (N, C, H, W) -> (N, 1, H, W) logits.

    Scars are often 2 or 3 pixels wide, and the encoders halve the resolution in their first layer.
    """

    def __init__(self, network: nn.Module, factor: int) -> None:
        super().__init__()
        self.network = network
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        large = functional.interpolate(x, scale_factor=float(self.factor), mode="bilinear", align_corners=False)
        return functional.avg_pool2d(self.network(large), self.factor)


class Coloured(nn.Module):
    """A network of three bands that is shown others as mixtures of three: (N, C, H, W) -> (N, 1, H, W) logits."""

    def __init__(self, network: nn.Module, channels: int) -> None:
        super().__init__()
        self.mixture = nn.Conv2d(channels, _COLOURS, 1)
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.network(self.mixture(x))
        return logits


def build_network(settings: NetworkSettings, channels: int, *, initial: bool = True) -> nn.Module:
    """A network with one output, (N, channels, H, W) float32 normalised -> (N, 1, H, W) logits.

    H and W are multiples of 32 (U-Net, divided by the upsampling), of 16 (plain U-Net, DeepLabV3+) or of 8 (others).
    `initial` loads the pretrained weights; without it the network waits for a checkpoint.
    """
    match settings.architecture:
        case "resunet++":
            return ResUNetPlusPlus(channels)
        case "unet-plain":
            return PlainUNet(channels, settings.decoder_channels[::-1])
        case "attention-unet":
            return AttentionUNet(channels)
        case "pyramid-pooling":
            return PyramidPooling(settings.encoder, channels)
    mixed = settings.encoder.startswith(_THREE_BANDS) and channels != _COLOURS
    network = _over_an_encoder(settings, _COLOURS if mixed else channels)
    if settings.pretrained and initial:
        load_imagenet(network.get_submodule("encoder"), settings.encoder)
    if mixed:
        network = Coloured(network, channels)
    return network if settings.upsampling == 1 else Enlarged(network, settings.upsampling)


def _over_an_encoder(settings: NetworkSettings, channels: int) -> nn.Module:
    own = settings.encoder in smp.encoders.get_encoder_names()
    encoder = settings.encoder if own else f"tu-{settings.encoder}"
    if settings.architecture == "deeplabv3+":
        deeplab: nn.Module = smp.DeepLabV3Plus(encoder, encoder_weights=None, in_channels=channels, classes=1)
        return deeplab
    decoder = settings.decoder_channels
    unet: nn.Module = smp.Unet(encoder, encoder_weights=None, in_channels=channels, classes=1, decoder_channels=decoder)
    return unet


def encoder_parameters(network: nn.Module) -> set[str]:
    """Names of the parameters that may come pretrained."""
    return {name for name, _ in network.named_parameters() if ".encoder." in f".{name}"}
