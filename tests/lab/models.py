"""Cards and networks for the lab, small and exact."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.features import VISIBLE
from monitor.inputs import Input, Method
from monitor.records import CHANGE, ModelCard, Sensor

RGB = ModelCard(
    name="tiny-rgb",
    version="tiny-rgb-1",
    task="scar",
    sensor=Sensor.OPTICAL,
    bands=VISIBLE,
    channels=3,
    normalisation="median-lower-spread",
    window_px=320,
    crop_px=32,
    resolution_m=10.0,
    flips=("identity", "horizontal", "vertical", "both"),
    threshold=0.6,
    simulated=False,
    sha256="0" * 64,
    weights="/nowhere/model.onnx",
)
PAIRS = replace(RGB, name="tiny-pairs", task=CHANGE, bands=(*VISIBLE, *(f"{name}:before" for name in VISIBLE)))
FUSED = replace(
    RGB,
    name="tiny-fused",
    simulated=True,
    bands=(*VISIBLE, "NDVI", "tri", "land_cover:esa-worldcover"),
    channels=16,
    inputs=(
        *(Input(name=name, method=Method.CONTEXT) for name in VISIBLE),
        Input(name="NDVI", method=Method.FIXED, center=0.5, scale=0.2),
        Input(name="tri", method=Method.FIXED, center=8.0, scale=6.0),
        Input(name="land_cover:esa-worldcover", method=Method.ONE_HOT),
    ),
)


class Redness:
    """Answers with what it is fed: the first channel, squeezed to 0-1. Remembers how often it was asked, and what."""

    def __init__(self) -> None:
        self.fed: list[NDArray[np.float32]] = []

    @property
    def name(self) -> str:
        """As engines have one."""
        return "redness"

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C, H, W) to (N, H, W)."""
        self.fed.append(windows[0])
        return (1.0 / (1.0 + np.exp(-windows[:, 0]))).astype(np.float32)
