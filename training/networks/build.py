"""A network from its settings."""

from __future__ import annotations

import segmentation_models_pytorch as smp
from torch import Tensor, nn
from torch.nn import functional

from training.experiment import NetworkSettings
from training.networks.plain_unet import PlainUNet
from training.networks.pretrained import load_imagenet
from training.networks.resunetpp import ResUNetPlusPlus


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


def build_network(settings: NetworkSettings, channels: int, *, initial: bool = True) -> nn.Module:
    """A network with one output, (N, channels, H, W) float32 normalised -> (N, 1, H, W) logits.

    H and W are multiples of 32 (U-Net, divided by the upsampling), of 8 (ResUNet++) or of 16 (plain U-Net).
    `initial` loads the pretrained weights; without it the network waits for a checkpoint.
    """
    if settings.architecture == "resunet++":
        return ResUNetPlusPlus(channels)
    if settings.architecture == "unet-plain":
        return PlainUNet(channels, settings.decoder_channels[::-1])
    own = settings.encoder in smp.encoders.get_encoder_names()
    network: nn.Module = smp.Unet(
        settings.encoder if own else f"tu-{settings.encoder}",
        encoder_weights=None,
        in_channels=channels,
        classes=1,
        decoder_channels=settings.decoder_channels,
    )
    if settings.pretrained and initial:
        load_imagenet(network.get_submodule("encoder"), settings.encoder)
    return network if settings.upsampling == 1 else Enlarged(network, settings.upsampling)


def encoder_parameters(network: nn.Module) -> set[str]:
    """Names of the parameters that may come pretrained."""
    return {name for name, _ in network.named_parameters() if ".encoder." in f".{name}"}
