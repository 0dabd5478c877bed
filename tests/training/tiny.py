"""Small real things to judge: drawn chips, and a model folder whose network is known by heart."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from training.samples import Samples

SIDE = 32
RGB = ("B04", "B03", "B02")


def drawn_chips(ids: list[int], seed: int = 0, group: str = "here") -> Samples:
    """Dark noise with one bright 8x8 square each, which is the landslide."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(40, 80, (len(ids), 3, SIDE, SIDE)).astype(np.uint8)
    labels = np.zeros((len(ids), SIDE, SIDE), dtype=np.int8)
    for index in range(len(ids)):
        row, column = rng.integers(0, SIDE - 8, 2)
        labels[index, row : row + 8, column : column + 8] = 1
        pixels[index, :, row : row + 8, column : column + 8] = 250
    return samples(np.array(ids), pixels, labels, group)


def samples(
    ids: NDArray[np.int64], pixels: NDArray[np.uint8] | NDArray[np.float32], labels: NDArray[np.int8], group: str
) -> Samples:
    """True-colour chips of one group."""
    return Samples(
        name="drawn",
        bands=RGB,
        ids=ids,
        pixels=pixels,
        labels=labels,
        groups=np.full(len(ids), group),
        touching=np.zeros((0, 2), np.int64),
    )


def write_model(
    folder: Path, bands: tuple[str, ...] = RGB, threshold: float = 0.9, more: Mapping[str, object] | None = None
) -> Path:
    """A model folder: probability = sigmoid(mean of the normalised bands), any batch, height and width.

    `more`: properties of the card, instead of or beside the usual ones.
    """
    folder.mkdir(parents=True)
    window = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", len(bands), "height", "width"])
    answer = helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["batch", "height", "width"])
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Sigmoid", ["mean"], ["probability"]),
    ]
    graph = helper.make_graph(nodes, "brightness", [window], [answer])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    (folder / "model.json").write_text(json.dumps(_card(folder, bands, threshold, more or {})), encoding="utf-8")
    return folder


def _card(folder: Path, bands: tuple[str, ...], threshold: float, more: Mapping[str, object]) -> dict[str, object]:
    properties = {
        "title": "Bright things <b>",
        "mlm:architecture": "mean",
        "mlm:total_parameters": 7,
        "mlm:input": [{"bands": list(bands)}],
        "scarpwatch:version": "tiny-1",
        "scarpwatch:task": "scar",
        "scarpwatch:sensor": "optical",
        "scarpwatch:normalisation": "median-lower-spread",
        "scarpwatch:window_px": 320,
        "scarpwatch:crop_px": 32,
        "scarpwatch:resolution_m": 10.0,
        "scarpwatch:flips": ["identity", "horizontal"],
        "scarpwatch:threshold": threshold,
        "scarpwatch:simulated": False,
        "scarpwatch:channels": len(bands),
        "scarpwatch:training": {"data": "nothing"},
        **more,
    }
    sha256 = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    return {"properties": properties, "assets": {"model": {"href": "./model.onnx", "scarpwatch:sha256": sha256}}}
