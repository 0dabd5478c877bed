"""From a checkpoint to ONNX: sigmoid probability, free batch, height and width."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import torch
from torch import Tensor, nn

from monitor.errors import BadModel
from training.scoring import open_session

INPUT_NAME: Final = "input"
OUTPUT_NAME: Final = "probability"
OPSET: Final = 17
PARITY_LIMIT: Final = 1e-3
"""Largest difference of probability between torch and ONNX Runtime that is accepted."""
PARITY_SHAPES: Final = ((1, 320, 320), (2, 128, 128), (1, 64, 96))
"""Batch, height and width of the windows compared."""

_LARGE: Final = 256
"""Values in a tensor from which halving it matters."""
_LARGEST: Final = 30_000
"""Values of the tensors that make up nine tenths of a network, and each of them little of its answer."""
_FARTHEST: Final = float(np.finfo(np.float16).max)
"""Beyond it a number becomes infinite in 16 bits: the variance of a strong channel, which noise need not show."""


class Probability(nn.Module):
    """A network with temperature and sigmoid: (N, C, H, W) -> (N, H, W) probability."""

    def __init__(self, network: nn.Module, temperature: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.network(x) / self.temperature).squeeze(1)


def export_onnx(network: nn.Module, weights: Path, channels: int = 3, temperature: float = 1.0) -> float:
    """Write the network and compare both runtimes.

    Returns the largest absolute difference of probability on noise of several sizes.

    Raises:
        BadModel: it exceeds PARITY_LIMIT, or the export answers in another shape.
    """
    model = Probability(network, temperature).eval()
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
    if error <= PARITY_LIMIT:
        error = _round(model, weights, channels, error)
    if error > PARITY_LIMIT:
        raise BadModel(
            f"torch and ONNX Runtime differ by {error:.2e} in probability, more than {PARITY_LIMIT:.0e}",
            item=str(weights),
            remedy="Do not ship it: report the network's settings.",
        )
    return error


def _round(model: nn.Module, weights: Path, channels: int, error: float) -> float:
    """Halve the file if the answers stay the same: all large weights, or the largest alone; else it is left whole.

    Returns the parity of what is kept; `error` is that of the file as it is.
    """
    for least in (_LARGE, _LARGEST):
        halved = _halved(weights, least)
        rounded = parity(model, halved, channels)
        if rounded <= PARITY_LIMIT:
            os.replace(halved, weights)
            return rounded
        halved.unlink()
    return error


def _halved(weights: Path, least: int) -> Path:
    """A file beside it with weights of `least` numbers and more in 16 bits, but for those that 16 bits cannot hold.

    Engines widen them when they load the file, and compute as before.
    """
    model = onnx.load(weights)
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        if tensor.data_type != onnx.TensorProto.FLOAT or math.prod(tensor.dims) < least:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if np.abs(values).max() > _FARTHEST:
            continue
        stored = f"{tensor.name}.half"
        graph.initializer.remove(tensor)
        graph.initializer.append(onnx.numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [tensor.name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    beside = weights.with_name(f"{weights.name}.half")
    onnx.save(model, beside)
    return beside


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
            raise BadModel(
                f"it answers {answer.shape} to a window of {shape}",
                item=str(weights),
                remedy="Windows must be multiples of what the network halves.",
            )
        worst = max(worst, float(np.abs(answer - expected).max()))
    return worst
