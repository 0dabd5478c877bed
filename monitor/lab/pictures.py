"""The pictures of the lab: what was looked at, and what each network says of it, all of one size.

Colours are those of the alert pictures and products: magma for probability, viridis for spread, stripes where nothing
was observed. They are (H, W, 3) uint8 sRGB.
"""

from datetime import UTC, datetime

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image as Raster
from scipy import ndimage

from monitor.adapters.chips import RgbPatch, false_colour
from monitor.adapters.mosaic import LAYERS
from monitor.adapters.panels import AS_IT_IS, HIDDEN, UNKNOWN, Rgb, composite, field
from monitor.core.features import RADAR, VISIBLE
from monitor.lab.image import Image

LONGEST_PX = 768
"""Side of a picture; what is larger is thinned, what is smaller is enlarged by a whole number."""

_LAID = np.array([0.0, 0.45, 0.70])
"""Blue, as no soil, forest or cloud is (Okabe and Ito's palette, which the colour-blind can tell apart)."""
_OUTLINE, _CASING = (77, 243, 255), (16, 20, 24)
_QUIET, _LOUD = (38, 43, 50), (240, 228, 66)
"""Of the mask: dark grey and yellow, far apart in lightness."""
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Of an upload: a picture of it states none."""


def size_of(image: Image) -> tuple[int, int]:
    """Height and width of its pictures."""
    height, width = image.shape
    longest = max(height, width)
    factor = LONGEST_PX // longest if longest <= LONGEST_PX else LONGEST_PX / longest
    return max(1, round(height * factor)), max(1, round(width * factor))


def seen_as(image: Image) -> str:
    """What `colours` shows."""
    if set(VISIBLE) <= set(image.bands):
        return "Red, green, blue"
    if _polarisations(image):
        return "Radar, false colours"
    return f"{image.bands[0]}, grey" if image.bands else "Pixels are not kept"


def colours(image: Image) -> Rgb:
    """The image as an eye would have seen it, haze off and stretched; grey where no band is kept."""
    size = size_of(image)
    if not image.bands:
        return np.full((*size, 3), UNKNOWN.ground, dtype=np.uint8)
    radar = _polarisations(image)
    shown = false_colour(image.of(radar)) if radar else image.colours()
    patch = RgbPatch(reflectance=shown, state=image.state, sensing_time=_NO_TIME)
    return composite(patch, size, AS_IT_IS if radar else None)


def layer(values: NDArray[np.float32], image: Image, kind: str) -> Rgb:
    """A map of "probability" or "spread"."""
    described = LAYERS[kind]
    return field(values, image.state, size_of(image), described.colormap, described.shown)


def mask_picture(mask: NDArray[np.uint8], probability: NDArray[np.float32], image: Image) -> Rgb:
    """Yellow where the mask is, dark where it is not, stripes where nothing was observed."""
    size = size_of(image)
    picture = field(np.where(np.isnan(probability), np.nan, 0.0).astype(np.float32), image.state, size, "gray", (0, 1))
    seen, inside = _enlarged(np.isfinite(probability), size), _enlarged(mask > 0, size)
    picture[seen] = _QUIET
    picture[inside] = _LOUD
    return picture


def overlay(picture: Rgb, mask: NDArray[np.uint8]) -> Rgb:
    """The image with the outline of the mask, blue inside; `picture` is what `colours` gives."""
    inside = _enlarged(mask > 0, (picture.shape[0], picture.shape[1]))
    laid = picture.copy()
    laid[inside] = np.round(0.72 * laid[inside] + 0.28 * 255 * _LAID).astype(np.uint8)
    line = inside & ~ndimage.binary_erosion(inside, iterations=2, border_value=1)
    laid[ndimage.binary_dilation(inside, iterations=1) & ~inside] = _CASING
    laid[line] = _OUTLINE
    return laid


def hidden_reasons(image: Image) -> str:
    """Why ground was not observed, in words; nothing where all of it was."""
    titles = [one.title.lower() for one in HIDDEN if np.isin(image.state, one.states).any()]
    return ", ".join(titles)


def gradient(kind: str, steps: int = 9) -> list[str]:
    """Colours of a map from its lowest to its highest value, as #rrggbb."""
    shades = colormaps[LAYERS[kind].colormap](np.linspace(0.0, 1.0, steps))[:, :3]
    return ["#" + "".join(f"{round(255 * float(part)):02x}" for part in shade) for shade in shades]


def _polarisations(image: Image) -> tuple[str, ...]:
    return tuple(name for name in RADAR["ratio"] if name in image.bands)


def _enlarged(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    flat = Raster.fromarray(mask.astype(np.uint8)).resize((size[1], size[0]), Raster.Resampling.NEAREST)
    return np.asarray(flat, dtype=np.uint8) > 0
