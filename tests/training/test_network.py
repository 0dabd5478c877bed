"""ResUNet++: shapes, size, learning."""

import pytest
import torch

from training.loop import one_cycle
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


def test_the_learning_rate_rises_and_falls() -> None:
    """From 4 % of the peak up to it and down to almost nothing."""
    rates = [one_cycle(step, 100, 1.0) for step in range(101)]
    assert rates[0] == pytest.approx(0.04)
    assert max(rates) == pytest.approx(1.0)
    assert rates[100] == pytest.approx(1e-4)
    assert rates.index(max(rates)) == 15
