"""Layers that lie side by side under their names, as in a file: what inputs are made of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.features import Sources, scheme_of
from monitor.core.land_cover import land_cover, one_hot


def named_sources(names: Sequence[str], pixels: NDArray[Any]) -> Sources:
    """Layers by name; the first of land cover as 0 and 1 for each class of its legend.

    Args:
        names: of the layers, as in model cards.
        pixels: (C, H, W) in their own units, land cover as classes of its legend.
    """
    layers = {name: layer for name, layer in zip(names, pixels, strict=True) if scheme_of(name) is None}
    for name, layer in zip(names, pixels, strict=True):
        scheme = scheme_of(name)
        if scheme is not None:
            classes = land_cover(np.nan_to_num(layer).astype(np.uint8), scheme)
            return Sources(bands=layers, land_cover=one_hot(classes, scheme))
    return Sources(bands=layers)
