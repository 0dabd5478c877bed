"""Water, open or frozen, that lies on the ground: where change is a flood's or a thaw's and no slope's that failed.

Optics tell water and snow in every look. Radar cannot by itself: a river of a few pixels is as dark as gravel, wind
makes a lake as bright as a meadow, and wet snow swallows what the forest would send back. So radar takes the water and
the snow that optics saw on the same tile, and both sensors the same bank. Snow that came since, and melts, is
`core.melting_snow`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.core.grid import RESOLUTION_M
from monitor.core.masks import grow
from monitor.records import Look, PixelState

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

SEASON = timedelta(days=90)
"""Where optics saw snow it may come again so soon, also on ground that they saw free a day ago."""
BANK_M = 40.0
"""Ground so near to open water is its bank: floods move gravel there, and it is no slope that slides."""


# One look-up for each pixel is ten times as fast as asking whether its state is among several.
_GROUND_OR_WATER = np.isin(np.arange(256), (PixelState.VALID, PixelState.WATER))
_GROUND_OR_SNOW = np.isin(np.arange(256), (PixelState.VALID, PixelState.WATER, PixelState.SNOW))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What optics saw lie on the ground of a tile before a pass of radar, (256, 256) each."""

    water: Mask
    """Open water; nowhere, too, where no look tells."""
    snow: Mask
    """Lay there when the ground was last seen: it hides it from radar until a look shows it free."""


def sees_ground_or_water(look: Look) -> Mask:
    """(H, W) where an optical look knows whether there is water."""
    return _GROUND_OR_WATER[look.state]


def open_water(looks: Sequence[Look], depth: int) -> Mask:
    """(H, W) what most of the last `depth` optical looks at each pixel took for open water, in any order.

    Most: a single look takes a mountain's shadow for water (SCL), or a field under a flood.
    """
    newest = sorted(looks, key=lambda look: look.sensing_time, reverse=True)
    seen = np.stack([sees_ground_or_water(look) for look in newest])
    seen &= np.cumsum(seen, axis=0, dtype=np.uint8) <= depth
    wet = np.stack([look.state == PixelState.WATER for look in newest]) & seen
    return np.asarray(2 * wet.sum(axis=0) > seen.sum(axis=0), dtype=np.bool_)


def sees_ground_or_snow(look: Look) -> Mask:
    """(H, W) where an optical look knows whether snow lies."""
    return _GROUND_OR_SNOW[look.state]


def lying_snow(looks: Sequence[Look]) -> Mask:
    """(H, W) where the newest optical look that knows shows snow; looks in any order, at least one."""
    snow = np.zeros(looks[0].state.shape, dtype=np.bool_)
    for look in sorted(looks, key=lambda one: one.sensing_time):
        np.copyto(snow, look.state == PixelState.SNOW, where=sees_ground_or_snow(look))
    return snow


def under_snow(look: Look, snow: Mask) -> Look:
    """The look with what snow hides taken for not observed; itself where none lies on what it saw."""
    hidden = (look.state == PixelState.VALID) & snow
    if not hidden.any():
        return look
    return replace(
        look,
        state=np.where(hidden, np.uint8(PixelState.SNOW), look.state),
        probability=np.where(hidden, np.float32(np.nan), look.probability),
        spread=np.where(hidden, np.float32(np.nan), look.spread),
    )


def beside_water(look: Look, water: Mask) -> Look:
    """The look with open water told from ground; what it did not see stays unseen."""
    wet = (look.state == PixelState.VALID) & water
    return replace(look, state=np.where(wet, np.uint8(PixelState.WATER), look.state))


def off_the_banks(slope_deg: Array, state: NDArray[np.uint8]) -> Array:
    """(H, W) slope, 0 within `BANK_M` of open water."""
    return np.where(grow(state == PixelState.WATER, BANK_M, RESOLUTION_M), np.float32(0.0), slope_deg)
