"""What every labelled set must have, whatever its format."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.errors import InputFault
from training.samples import LANDSLIDE

_ROWS: Final = 64


def require_landslides(labels: NDArray[np.int8], item: str) -> None:
    """Raise InputFault when no pixel of a set (N, H, W) is a landslide: there would be nothing to learn."""
    if not any((labels[start : start + _ROWS] == LANDSLIDE).any() for start in range(0, len(labels), _ROWS)):
        raise InputFault(
            f"none of its {len(labels)} chips has a landslide pixel, so there is nothing to learn",
            item=item,
            remedy="Check that the masks belong to these images and mark landslides as the format says.",
            reason="nothing-to-learn",
        )
