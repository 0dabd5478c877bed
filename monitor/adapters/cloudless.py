"""The cloud detector s2cloudless (Zupanc 2017, Sentinel Hub), an optional extra of the installation."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_REMEDY = (
    "a Level-1C scene has the bands for s2cloudless, which is not installed: its clouds are found by brightness and "
    "whiteness alone, which misses thin cloud and lowers the confidence of alerts. pip install 'scarpwatch[clouds]'"
)


class MissingExtraWarning(UserWarning):
    """Something optional would be of use, and is not installed."""


def _warn(text: str) -> None:
    warnings.warn(text, MissingExtraWarning, stacklevel=3)


def load_detector() -> Any:
    """The detector of the package, without its own averaging and growth; the package has no stable types.

    Raises:
        ImportError: it, or something it needs, is not installed.
        OSError: a system library that it needs is not there (libgomp for LightGBM).
    """
    # Imported on first use: it brings OpenCV and the client of Sentinel Hub, 3 s that no other scene needs.
    from s2cloudless.cloud_detector import S2PixelCloudDetector

    return S2PixelCloudDetector(average_over=None, dilation_size=None)


class Cloudless:
    """Cloud probability of Level-1C pixels, where the package is installed."""

    def __init__(self, warn: Callable[[str], None] = _warn, load: Callable[[], Any] = load_detector) -> None:
        """
        Args:
            warn: told once if the package would be needed and is not there.
            load: gives the detector.
        """
        self._warn = warn
        self._load = load
        self._detector: Any = None
        self._missing = False

    def ready(self) -> bool:
        """Whether there is a detector; it is loaded on the first question."""
        if self._detector is None and not self._missing:
            try:
                self._detector = self._load()
            except (ImportError, OSError) as err:
                self._missing = True
                self._warn(f"{_REMEDY} ({err})")
        return self._detector is not None

    def probability(self, bands: Array) -> Array:
        """Cloud probability (H, W), 0-1; NaN where any band is.

        Args:
            bands: (10, H, W) top-of-atmosphere reflectance in the order of `core.masks.CLOUDLESS_BANDS`; NaN = no data.

        Raises:
            ValueError: there is no detector; ask `ready` first.
        """
        if not self.ready():
            raise ValueError("there is no s2cloudless")
        found = np.full(bands.shape[1:], np.nan, dtype=np.float32)
        known = np.isfinite(bands).all(axis=0)
        if known.any():
            pixels = bands[:, known].T[None, :, None]
            found[known] = self._detector.get_cloud_probability_maps(pixels, num_threads=1)[0, :, 0]
        return found
