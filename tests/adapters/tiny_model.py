"""A model folder small enough to be made in a test: one 3x3 convolution and a sigmoid."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

WINDOW_PX = 320
CROP_PX = 32


def write_weights(path: Path, *, channels: int = 3, window: int | str = WINDOW_PX, squeeze: bool = True) -> None:
    """A convolution with fixed random weights; `window` may be a symbol; unsqueezed, the output is (1, 1, H, W)."""
    kernel = np.random.default_rng(7).normal(0, 0.3, (1, channels, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["raw"], pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["raw"], ["wide" if squeeze else "probability"]),
    ]
    shape: list[int | str] = [1, 1, window, window]
    initial = [numpy_helper.from_array(kernel, "kernel")]
    if squeeze:
        initial.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "axes"))
        nodes.append(helper.make_node("Squeeze", ["wide", "axes"], ["probability"]))
        shape = [1, window, window]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, channels, window, window])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, shape)],
        initial,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, str(path))


def write_filter(path: Path, kernel: NDArray[np.float32], bias: float) -> None:
    """sigmoid of one convolution of (C, k, k) weights, k odd, and a constant."""
    channels, side, _ = kernel.shape
    initial = [
        numpy_helper.from_array(kernel[None].astype(np.float32), "kernel"),
        numpy_helper.from_array(np.array([bias], dtype=np.float32), "bias"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "axes"),
    ]
    nodes = [
        helper.make_node("Conv", ["image", "kernel", "bias"], ["raw"], pads=[side // 2] * 4),
        helper.make_node("Sigmoid", ["raw"], ["wide"]),
        helper.make_node("Squeeze", ["wide", "axes"], ["probability"]),
    ]
    window = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, channels, WINDOW_PX, WINDOW_PX])
    answer = helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1, WINDOW_PX, WINDOW_PX])
    graph = helper.make_graph(nodes, "filter", [window], [answer], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, str(path))


def write_card(folder: Path, changes: Mapping[str, object] | None = None) -> None:
    """`model.json` that fits the weights in `folder`; `changes` replaces properties (None removes one)."""
    properties: dict[str, object] = {
        "datetime": "2026-01-01T00:00:00Z",
        "mlm:name": folder.name,
        "mlm:input": [{"name": "image", "bands": ["B04", "B03", "B02"], "input": {"shape": [1, 3, 320, 320]}}],
        "scarpwatch:task": "scar",
        "scarpwatch:version": "1.0.0",
        "scarpwatch:sensor": "optical",
        "scarpwatch:normalisation": "robust-percentile",
        "scarpwatch:window_px": WINDOW_PX,
        "scarpwatch:crop_px": CROP_PX,
        "scarpwatch:resolution_m": 10,
        "scarpwatch:flips": ["identity", "horizontal", "vertical", "both"],
        "scarpwatch:threshold": 0.5,
        "scarpwatch:simulated": False,
        "scarpwatch:channels": 3,
    }
    properties.update(changes or {})
    sha256 = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    document = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": folder.name,
        "properties": {key: value for key, value in properties.items() if value is not None},
        "assets": {"model": {"href": "./model.onnx", "scarpwatch:sha256": sha256}},
    }
    (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")


def make_model(
    folder: Path,
    changes: Mapping[str, object] | None = None,
    *,
    channels: int = 3,
    window: int | str = WINDOW_PX,
    squeeze: bool = True,
) -> Path:
    """A whole model folder; the keyword arguments are those of `write_weights`."""
    folder.mkdir(parents=True)
    write_weights(folder / "model.onnx", channels=channels, window=window, squeeze=squeeze)
    write_card(folder, changes)
    return folder
