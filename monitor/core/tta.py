"""Test-time augmentation: the network's answer averaged over flips of its input.

The standard deviation over flips is the network's sensitivity to augmentation, not a calibrated
uncertainty. Which flips are plausible is the model card's business (radar looks from one side).
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.grid import TILE_PX
from monitor.core.windows import Window, cut, merge, plan_windows
from monitor.records import Prediction


class Network(Protocol):
    """What answers (every `monitor.ports.Engine` is one)."""

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C, H, W) normalised input to (N, H, W) probability."""


Flip = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def _identity(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return array


def _horizontal(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return array[..., ::-1]


def _vertical(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return array[..., ::-1, :]


def _both(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return array[..., ::-1, ::-1]


FLIPS: Mapping[str, Flip] = MappingProxyType(
    {"identity": _identity, "horizontal": _horizontal, "vertical": _vertical, "both": _both}
)
"""Each acts on the last two axes (rows, columns) and is its own inverse."""


def predict_tile(
    engine: Network,
    features: NDArray[np.float32],
    flips: Sequence[str],
    crop_px: int,
    window_px: int | None = None,
) -> Prediction:
    """The network on one tile: mean (probability) and spread over flips, rim cropped.

    Args:
        features: (C, 256 + 2 crop, 256 + 2 crop) float32, normalised, finite everywhere (a network
            has no word for NaN; hidden pixels are filled before and masked after).
        flips: names in FLIPS; at least one.
        window_px: side of the engine's window; None means the enlarged tile is one window.

    Returns:
        (256, 256) mean and population standard deviation. Masking to NaN is the caller's.

    Raises:
        ValueError: shape, flip names or finiteness are wrong (a mistake in the calling code).
    """
    side = TILE_PX + 2 * crop_px
    if features.ndim != 3 or features.shape[1:] != (side, side):
        raise ValueError(
            f"features are {features.shape}, expected (C, {side}, {side}): a tile with a halo of {crop_px} px"
        )
    if not np.isfinite(features).all():
        raise ValueError("features hold NaN or infinity: fill what was not observed before asking the network")
    if not flips:
        raise ValueError("no flips: name at least 'identity'")
    windows = plan_windows(window_px or side, crop_px)
    # Doubles: the mean of equal float32 answers is then exact, and an equivariant network has spread 0.
    answers = np.stack([_predict_flipped(engine, features, windows, FLIPS[name]) for name in flips]).astype(np.float64)
    return Prediction(
        probability=answers.mean(axis=0).astype(np.float32), spread=answers.std(axis=0).astype(np.float32)
    )


def _predict_flipped(
    engine: Network, features: NDArray[np.float32], windows: Sequence[Window], flip: Flip
) -> NDArray[np.float32]:
    """One flip of every window, undone on the answer, merged to (256, 256)."""
    outputs = [flip(engine.predict(np.ascontiguousarray(flip(window))[None])[0]) for window in cut(features, windows)]
    return merge(outputs, windows)
