"""Networks: shapes, sizes, and what a pretrained encoder begins with."""

from pathlib import Path

import pytest
import torch
from torch import nn

from monitor.errors import ConfigError
from training.experiment import NetworkSettings
from training.export import PARITY_LIMIT, export_onnx
from training.networks.build import build_network, encoder_parameters
from training.networks.pretrained import imagenet_weights
from training.networks.resunetpp import ResUNetPlusPlus, require_size


@pytest.mark.parametrize("channels", [1, 3, 14])
def test_the_output_has_the_size_of_the_input(channels: int) -> None:
    """For any number of bands, also where height and width differ."""
    network = ResUNetPlusPlus(channels).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, channels, 32, 48)).shape == (2, 1, 32, 48)


def test_the_network_is_the_published_size() -> None:
    """About 4.06 million parameters with filters of 16 to 256."""
    assert sum(p.numel() for p in ResUNetPlusPlus().parameters()) == 4_057_617


def test_a_size_that_does_not_halve_three_times_names_the_padded_one() -> None:
    """The message says what to pad to."""
    require_size(320, 128)
    with pytest.raises(ValueError, match=r"\(104, 128\)"):
        require_size(100, 128)


@pytest.mark.parametrize("upsampling", [1, 2])
@pytest.mark.parametrize("encoder", ["efficientnet_lite0", "resnet18"])
def test_a_unet_answers_every_pixel(encoder: str, upsampling: int) -> None:
    """With timm's encoders and smp's own, enlarged or not, for any number of bands."""
    settings = NetworkSettings(encoder=encoder, pretrained=False, upsampling=upsampling)
    network = build_network(settings, channels=5).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 5, 64, 32)).shape == (1, 1, 64, 32)


@pytest.mark.parametrize(
    "settings",
    [
        NetworkSettings(architecture="attention-unet", pretrained=False),
        NetworkSettings(architecture="deeplabv3+", encoder="mobilenet_v2", pretrained=False),
        NetworkSettings(architecture="pyramid-pooling", encoder="resnet18", pretrained=False),
        NetworkSettings(encoder="mit_b0", pretrained=False),
    ],
    ids=lambda settings: f"{settings.architecture} {settings.encoder}",
)
def test_further_networks_answer_every_pixel_and_export(settings: NetworkSettings, tmp_path: Path) -> None:
    """For six bands, of which MiT is shown mixtures of three; exported, they answer as in torch at several sizes."""
    network = build_network(settings, channels=6).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 6, 64, 32)).shape == (1, 1, 64, 32)
    assert export_onnx(network, tmp_path / "model.onnx", channels=6) < PARITY_LIMIT


def test_pyramid_pooling_answers_alike_in_windows_of_any_size() -> None:
    """Its means are over squares of ground, not over shares of the window: far from the rim nothing changes."""
    torch.manual_seed(0)
    network = build_network(NetworkSettings(architecture="pyramid-pooling", encoder="resnet18", pretrained=False), 3)
    network.eval()
    ground = torch.randn(1, 3, 512, 512)
    with torch.no_grad():
        whole, part = network(ground), network(ground[..., 64:448, 64:448])
    torch.testing.assert_close(part[..., 176:208, 176:208], whole[..., 240:272, 240:272], atol=1e-4, rtol=1e-4)


def test_a_pretrained_encoder_begins_with_the_published_weights() -> None:
    """All of them for three bands; for other bands the first layer is the mean colour with the same sum."""
    published = imagenet_weights("efficientnet_lite0")
    first = published["_conv_stem.weight"]
    three = build_network(NetworkSettings(), 3).get_submodule("encoder").state_dict()
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(three.values(), published.values(), strict=False))
    five = build_network(NetworkSettings(), 5).get_submodule("encoder").state_dict()["model.conv_stem.weight"]
    torch.testing.assert_close(five.sum(1), first.sum(1))
    assert (five == five[:, :1]).all()


def test_only_the_encoder_learns_slowly() -> None:
    """Its parameters are told from the decoder's by name, also inside an enlarged network."""
    network = build_network(NetworkSettings(pretrained=False, upsampling=2), 3)
    names = encoder_parameters(network)
    assert names
    assert all("encoder" in name for name in names)
    assert any("decoder" in name for name, _ in network.named_parameters())


def test_an_encoder_without_packaged_weights_is_named() -> None:
    """With those that have them."""
    with pytest.raises(ConfigError, match=r"resnet18.*efficientnet_lite0"):
        build_network(NetworkSettings(encoder="resnet18"), 3)


def test_a_plain_unet_is_five_blocks_of_two_convolutions() -> None:
    """Down by pooling, up by 2×2 transpose convolutions, ReLU before the normalisation; logits come out."""
    settings = NetworkSettings(architecture="unet-plain", pretrained=False, decoder_channels=(32, 16, 8, 8, 4))
    network = build_network(settings, channels=6).eval()
    kinds = [type(one) for one in network.modules() if not list(one.children())]
    assert kinds.count(nn.MaxPool2d) == 1
    assert kinds.count(nn.ConvTranspose2d) == 4
    blocks = [list(one) for one in network.modules() if isinstance(one, nn.Sequential)]
    assert [type(one) for one in blocks[0]] == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d] * 2
    widths = [block[0].out_channels for block in blocks if isinstance(block[0], nn.Conv2d)]
    assert widths == [4, 8, 8, 16, 32, 16, 8, 8, 4]
    assert all(block[0].kernel_size == (3, 3) for block in blocks if isinstance(block[0], nn.Conv2d))
    with torch.no_grad():
        network.get_parameter("head.bias").fill_(-9)
        answer = network(torch.zeros(2, 6, 32, 48))
    assert answer.shape == (2, 1, 32, 48)
    assert answer.max() < 0, "a probability would not be"
