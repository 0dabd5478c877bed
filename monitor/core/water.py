"""Open water and its banks, where change is a flood's and no slope's that failed.

Optics tell water in every look. Radar cannot by itself: a river of a few pixels is as dark as gravel, and wind makes a
lake as bright as a meadow. So radar takes the water that optics saw on the same tile, and both sensors the same bank.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.grid import RESOLUTION_M
from monitor.core.masks import grow
from monitor.records import Look, PixelState

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

BANK_M = 40.0
"""Ground so near to open water is its bank: floods move gravel there, and it is no slope that slides."""


def sees_ground_or_water(look: Look) -> Mask:
    """(H, W) where an optical look knows whether there is water."""
    return np.isin(look.state, (PixelState.VALID, PixelState.WATER))


def open_water(looks: Sequence[Look], depth: int) -> Mask:
    """(H, W) what most of the last `depth` optical looks at each pixel took for open water, in any order.

    Most: a single look takes a mountain's shadow for water (SCL), or a field under a flood.
    """
    newest = sorted(looks, key=lambda look: look.sensing_time, reverse=True)
    seen = np.stack([sees_ground_or_water(look) for look in newest])
    seen &= np.cumsum(seen, axis=0) <= depth
    wet = np.stack([look.state == PixelState.WATER for look in newest]) & seen
    return np.asarray(2 * wet.sum(axis=0) > seen.sum(axis=0), dtype=np.bool_)


def under_water(look: Look, water: Mask) -> Look:
    """The look with open water told from ground; what it did not see stays unseen."""
    state = np.where(water & (look.state == PixelState.VALID), np.uint8(PixelState.WATER), look.state)
    return replace(look, state=state)


def off_the_banks(slope_deg: Array, state: NDArray[np.uint8]) -> Array:
    """(H, W) slope, 0 within `BANK_M` of open water."""
    return np.where(grow(state == PixelState.WATER, BANK_M, RESOLUTION_M), np.float32(0.0), slope_deg)
