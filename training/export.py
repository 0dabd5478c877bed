"""From a checkpoint to ONNX: sigmoid probability, free batch, height and width."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from training.loop import read_checkpoint
from training.networks.resunetpp import ResUNetPlusPlus
from training.scoring import open_session

INPUT_NAME: Final = "input"
OUTPUT_NAME: Final = "probability"
OPSET: Final = 17
PARITY_LIMIT: Final = 1e-3
"""Largest difference of probability between torch and ONNX Runtime that is accepted."""
PARITY_SHAPES: Final = ((1, 320, 320), (2, 128, 128), (1, 64, 96))
"""Batch, height and width of the windows compared."""


class Probability(nn.Module):
    """A network with the sigmoid: (N, C, H, W) -> (N, H, W) probability."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.network(x)).squeeze(1)


def averaged_network(run: Path) -> ResUNetPlusPlus:
    """The running average of a run's weights, ready to infer."""
    network = ResUNetPlusPlus()
    network.load_state_dict(read_checkpoint(run)["average"])
    network.eval()
    return network


def export_onnx(network: nn.Module, weights: Path, channels: int = 3) -> float:
    """Write the network and compare both runtimes.

    Returns the largest absolute difference of probability on noise of several sizes.
    Raises ValueError when it exceeds PARITY_LIMIT.
    """
    model = Probability(network).eval()
    axes = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        # The tracing exporter is deprecated in torch but needs no further package and folds the
        # batch normalisations; the parity check below is what its result is trusted for.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.zeros(1, channels, 64, 64),),
            str(weights),
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_axes={INPUT_NAME: axes, OUTPUT_NAME: {0: "batch", 1: "height", 2: "width"}},
            opset_version=OPSET,
            dynamo=False,
        )
    error = parity(model, weights, channels)
    if error > PARITY_LIMIT:
        raise ValueError(f"{weights}: torch and ONNX Runtime differ by {error:.2e}")
    return error


def parity(
    model: nn.Module, weights: Path, channels: int = 3, shapes: Sequence[tuple[int, int, int]] = PARITY_SHAPES
) -> float:
    """Largest absolute difference between torch and ONNX Runtime, over several window sizes."""
    session = open_session(weights, torch.get_num_threads())
    rng = np.random.default_rng(0)
    worst = 0.0
    for shape in shapes:
        inputs = rng.standard_normal((shape[0], channels, *shape[1:])).astype(np.float32)
        with torch.no_grad():
            expected = model(torch.from_numpy(inputs)).numpy()
        answer = session.run([OUTPUT_NAME], {INPUT_NAME: inputs})[0]
        if answer.shape != shape:
            raise ValueError(f"{weights}: answers {answer.shape} to a window of {shape}")
        worst = max(worst, float(np.abs(answer - expected).max()))
    return worst
