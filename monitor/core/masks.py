"""What is an observation: from scene classes where a producer gives them, from brightness and whiteness where not."""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.records import PixelState

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
States = NDArray[np.uint8]


class SceneClass(IntEnum):
    """Classes of the Sentinel-2 L2A scene classification (SCL), 20 m."""

    NODATA = 0
    SATURATED = 1
    DARK = 2
    CLOUD_SHADOW = 3
    VEGETATION = 4
    BARE = 5
    WATER = 6
    UNCLASSIFIED = 7
    CLOUD_MEDIUM = 8
    CLOUD_HIGH = 9
    CIRRUS = 10
    SNOW = 11


NO_ELEVATION = "no-elevation"
"""`Observation.decision` of a tile without slopes: no alert could open there, so it is not looked at."""

CLOUD_RIM_M = 60.0
"""Sen2Cor misses the soft rim of clouds; three 20 m cells of it are treated as cloud."""
SHADOW_RIM_M = 40.0

_STATE_OF_CLASS = {
    SceneClass.NODATA: PixelState.NODATA,
    SceneClass.SATURATED: PixelState.SATURATED,
    SceneClass.CLOUD_SHADOW: PixelState.SHADOW,
    SceneClass.WATER: PixelState.WATER,
    SceneClass.CLOUD_MEDIUM: PixelState.CLOUD,
    SceneClass.CLOUD_HIGH: PixelState.CLOUD,
    SceneClass.CIRRUS: PixelState.CLOUD,
    SceneClass.SNOW: PixelState.SNOW,
}

# The bright-white test. Fresh scars are bright but cream: their red is well above their blue. Cloud and
# snow are nearly as bright in blue as in red. All values are reflectance above the scene's dark ground,
# which takes the haze away. Set on real spring and autumn scenes.
WHITE_BLUE = 0.03
WHITE_RATIO = 0.64
"""Blue over the brighter of red and green from which a bright pixel is white rather than cream."""
WHITE_RIM_M = 20.0
CORE_BLUE = 0.10
"""Blue from which white is the core of a cloud or a snow field."""
CORE_PX = 6
CORE_RIM_M = 40.0
VEIL_BLUE = 0.02
VEIL_RATIO = 0.50
VEIL_REACH_M = 100.0
"""Whitish pixels so near to a core are its thin rim."""


def from_scene_classes(classes: NDArray[np.uint8], resolution_m: float) -> States:
    """PixelState from SCL classes (H, W), cloud and shadow grown by their rims."""
    table = np.full(256, PixelState.VALID, dtype=np.uint8)
    for scene_class, state in _STATE_OF_CLASS.items():
        table[scene_class] = state
    states = table[classes]
    cloud = grow(states == PixelState.CLOUD, CLOUD_RIM_M, resolution_m)
    shadow = grow(states == PixelState.SHADOW, SHADOW_RIM_M, resolution_m)
    observed = states != PixelState.NODATA
    states[shadow & observed] = PixelState.SHADOW
    states[cloud & observed] = PixelState.CLOUD
    return states


def bright_white(red: Array, green: Array, blue: Array, dark: Sequence[float], resolution_m: float) -> States:
    """PixelState by brightness and whiteness alone, for sources without a cloud mask.

    Args:
        red, green, blue: (H, W) reflectance 0-1; NaN = no data.
        dark: red, green, blue of the darkest ground around (`dark_ground`): haze and atmosphere.

    Conservative: white means no observation, whether cloud or snow (both are CLOUD here, since colour
    alone cannot tell them apart). Thin cloud, cloud shadow and grey haze are not found; the source's
    `mask_source` says so and lowers the confidence of alerts.
    """
    above_blue = blue - dark[2]
    brighter = np.maximum(red - dark[0], green - dark[1])
    with np.errstate(invalid="ignore"):
        white = (above_blue >= WHITE_BLUE) & (above_blue >= WHITE_RATIO * brighter)
        veil = (above_blue >= VEIL_BLUE) & (above_blue >= VEIL_RATIO * brighter)
        core = _without_specks(white & (above_blue >= CORE_BLUE), CORE_PX)
    hidden = grow(_without_specks(white, 2), WHITE_RIM_M, resolution_m)
    hidden |= grow(core, CORE_RIM_M, resolution_m) | (veil & grow(core, VEIL_REACH_M, resolution_m))
    states = np.where(hidden, PixelState.CLOUD, PixelState.VALID).astype(np.uint8)
    states[~np.isfinite(red + green + blue)] = PixelState.NODATA
    return states


def dark_ground(band: Array) -> float | None:
    """Darkest 0.5 % of a band: the haze of the scene. None with fewer than 500 pixels."""
    known = band[np.isfinite(band)]
    return float(np.percentile(known, 0.5)) if known.size >= 500 else None


def grow(mask: Mask, distance_m: float, resolution_m: float) -> Mask:
    """The mask and everything within `distance_m` of it."""
    if not mask.any():
        return mask
    near: Mask = ndimage.distance_transform_edt(~mask) * resolution_m <= distance_m
    return near


def _without_specks(mask: Mask, least_px: int) -> Mask:
    """Drop groups of fewer pixels: a white roof is no cloud."""
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= least_px
    keep[0] = False
    return np.asarray(keep[labels])
