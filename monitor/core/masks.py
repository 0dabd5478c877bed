"""What is an observation: from scene classes where a producer gives them, from brightness and whiteness where not.

Level-1C has no scene classes, and the bands for the cloud detector s2cloudless, which then stands between the two.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum, StrEnum

import numpy as np
import scipy
from numpy.typing import NDArray

from monitor.records import PixelState

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
States = NDArray[np.uint8]


class MaskSource(StrEnum):
    """What told the clouds of optical pixels, the most trusted first."""

    SCL = "scl"
    """The producer's scene classification: cloud, cloud shadow, snow and water."""
    S2CLOUDLESS = "s2cloudless"
    """The cloud detector of that name on Level-1C; snow by its index; no cloud shadow, no water."""
    BRIGHT_WHITE = "bright-white"
    """Bright and white ground, whatever it is; neither thin cloud nor shadow."""


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


LOOKED = "looked"
"""`Observation.decision` of a tile of which some ground was observed."""
UNDER_SNOW = "snow"
"""... of one of which nothing is to be seen but snow."""
WHITE_SHARE = 0.9
"""Snow on so much of a tile is nothing but snow."""
NO_ELEVATION = "no-elevation"
"""... of one without slopes: no alert could open there, so it is not looked at."""

CLOUD_RIM_M = 60.0
"""Sen2Cor misses the soft rim of clouds; three 20 m cells of it are treated as cloud."""
SHADOW_RIM_M = 40.0
SNOW_RIM_M = 60.0
"""Snow thins out over tens of metres of height, and only where it covers most of a cell is it classed as snow."""

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

CLOUDLESS_BANDS = ("B01", "B02", "B04", "B05", "B08", "B8A", "B09", "B10", "B11", "B12")
"""Top-of-atmosphere reflectance that s2cloudless wants, in its order. Level-2A has no B10."""
CLOUD_PROBABILITY = 0.4
CLOUD_MEAN_M = 40.0
"""Threshold, and disk of the mean, as in the authors' own masks of 10 m (threshold 0.4, `average_over` 4 pixels).

https://github.com/sentinel-hub/sentinel2-cloud-detector; their growth of 20 m is less than that of other masks here.
"""
SNOW_INDEX = 0.4
SNOW_GREEN = 0.10
SNOW_INFRARED = 0.11
"""Snow: (green - short-wave infrared) / (green + short-wave infrared), and the least of green and near infrared.

Hall, Riggs and Salomonson (1995), doi:10.1016/0034-4257(95)00137-P; the last keeps water out.
"""


def from_scene_classes(classes: NDArray[np.uint8], resolution_m: float) -> States:
    """PixelState from SCL classes (H, W), cloud, shadow and snow grown by their rims."""
    table = np.full(256, PixelState.VALID, dtype=np.uint8)
    for scene_class, state in _STATE_OF_CLASS.items():
        table[scene_class] = state
    states = table[classes]
    cloud = grow(states == PixelState.CLOUD, CLOUD_RIM_M, resolution_m)
    shadow = grow(states == PixelState.SHADOW, SHADOW_RIM_M, resolution_m)
    snow = grow(states == PixelState.SNOW, SNOW_RIM_M, resolution_m)
    observed = states != PixelState.NODATA
    states[snow & (states == PixelState.VALID)] = PixelState.SNOW
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


def cloudy(probability: Array, resolution_m: float) -> Mask:
    """Where s2cloudless sees cloud: its probability (H, W), NaN = unknown, averaged over a disk, cut, grown by its rim.

    Unknown pixels neither count in the mean nor stop the growth.
    """
    known = np.isfinite(probability)
    radius = int(CLOUD_MEAN_M / resolution_m)
    down, across = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disk = (down**2 + across**2 <= radius**2).astype(np.float32)
    total = scipy.ndimage.convolve(np.where(known, probability, np.float32(0.0)), disk, mode="constant")
    weight = scipy.ndimage.convolve(known.astype(np.float32), disk, mode="constant")
    return grow(total > CLOUD_PROBABILITY * weight, CLOUD_RIM_M, resolution_m)


def snowy(green: Array, near_infrared: Array, short_wave: Array, resolution_m: float) -> Mask:
    """Snow by its index, grown by its rim.

    Args:
        green, near_infrared, short_wave: B03, B08, B11, (H, W) reflectance, surface or top of atmosphere. NaN: none.
    """
    total = green + short_wave
    with np.errstate(invalid="ignore"):
        # Not divided: the sum may be zero where offsets made dark ground negative.
        index = (total > 0) & (green - short_wave >= SNOW_INDEX * total)
        snow = np.asarray(index & (green >= SNOW_GREEN) & (near_infrared > SNOW_INFRARED))
    return grow(snow, SNOW_RIM_M, resolution_m)


def from_clouds_and_snow(cloud: Mask, snow: Mask, known: Mask) -> States:
    """PixelState (H, W); what the detector does not know is no observation, since it may be cloud."""
    states = np.where(snow, PixelState.SNOW, PixelState.VALID).astype(np.uint8)
    states[cloud] = PixelState.CLOUD
    states[~known] = PixelState.NODATA
    return states


def least_trusted(sources: Iterable[str]) -> str:
    """Of several mask sources the one that tells least; one that is not in `MaskSource` is trusted least of all."""
    order = {source.value: place for place, source in enumerate(MaskSource)}
    return str(max(sources, key=lambda source: (order.get(source, len(order)), source)))


def dark_ground(band: Array) -> float | None:
    """Darkest 0.5 % of a band: the haze of the scene. None with fewer than 500 pixels."""
    known = band[np.isfinite(band)]
    return float(np.percentile(known, 0.5)) if known.size >= 500 else None


def grow(mask: Mask, distance_m: float, resolution_m: float) -> Mask:
    """The mask and everything within `distance_m` of it, a few pixels: its copies, shifted over a disk, laid together.

    The rows of the disk are laid from its rim, where they are narrow, to its middle, each wider than the last.
    """
    if not mask.any():
        return mask
    reach_px, height = distance_m / resolution_m, len(mask)
    near, row, wide = mask.copy(), mask.copy(), 0
    for down in range(int(reach_px), -1, -1):
        while np.hypot(down, wide + 1) <= reach_px:
            wide += 1
            row[:, wide:] |= mask[:, :-wide]
            row[:, :-wide] |= mask[:, wide:]
        near[down:] |= row[: max(height - down, 0)]
        near[: max(height - down, 0)] |= row[down:]
    return near


def _without_specks(mask: Mask, least_px: int) -> Mask:
    """Drop groups of fewer pixels: a white roof is no cloud."""
    labels, count = scipy.ndimage.label(mask, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= least_px
    keep[0] = False
    return np.asarray(keep[labels])
