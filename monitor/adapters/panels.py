"""Pixels as people see them: colour composites, colour maps, and what was not observed.

Every function gives (H, W, 3) uint8 sRGB. What was not observed is never a colour of the map: it is
grey with stripes, and the stripes say why.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from monitor.adapters.chips import RgbPatch
from monitor.adapters.drawing import draw_rings
from monitor.core.masks import MaskSource
from monitor.records import PixelState

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float32]
_Pixel = TypeVar("_Pixel", bound=np.generic)

_STRIPE_PX = 9
_SWATCH = (16, 40)
_MIDDLE = 0.42
_DIM_REFLECTANCE = 0.02
"""A scene darker than this over its whole range is shown dark, not stretched to noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """How one reason for not observing is drawn."""

    title: str
    states: tuple[PixelState, ...]
    ground: tuple[int, int, int]
    """Fill in maps."""
    stripe: tuple[int, int, int]
    over: tuple[int, int, int]
    """Stripes over a colour composite, where the ground under them still shows."""
    slope: int
    """Direction of the stripes: 1 rising, -1 falling, 0 dotted."""


HIDDEN = (
    Hidden(
        title="Cloud",
        states=(PixelState.CLOUD,),
        ground=(226, 228, 231),
        stripe=(150, 156, 164),
        over=(120, 126, 134),
        slope=1,
    ),
    Hidden(
        title="Cloud shadow",
        states=(PixelState.SHADOW,),
        ground=(176, 181, 188),
        stripe=(112, 118, 128),
        over=(176, 181, 188),
        slope=1,
    ),
    Hidden(
        title="Snow or ice",
        states=(PixelState.SNOW,),
        ground=(214, 230, 240),
        stripe=(120, 165, 192),
        over=(80, 140, 180),
        slope=-1,
    ),
    Hidden(
        title="No data",
        states=(PixelState.NODATA, PixelState.SATURATED),
        ground=(92, 96, 102),
        stripe=(122, 127, 134),
        over=(122, 127, 134),
        slope=-1,
    ),
    Hidden(
        title="Layover or radar shadow",
        states=(PixelState.LAYOVER, PixelState.RADAR_SHADOW),
        ground=(70, 64, 84),
        stripe=(112, 102, 132),
        over=(112, 102, 132),
        slope=1,
    ),
    Hidden(
        title="Water",
        states=(PixelState.WATER,),
        ground=(190, 208, 222),
        stripe=(150, 178, 200),
        over=(150, 178, 200),
        slope=0,
    ),
)
_NODATA = 3
UNKNOWN = Hidden(
    title="Not compared", states=(), ground=(205, 205, 203), stripe=(170, 170, 167), over=(170, 170, 167), slope=0
)
"""Seen, yet without a value: for example no earlier look here."""
_REASON = np.array(
    [next((number for number, one in enumerate(HIDDEN, start=1) if state in one.states), 0) for state in range(256)],
    dtype=np.uint8,
)
"""By PixelState: the place in HIDDEN, from 1, of what hides the ground; 0 = nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From reflectance to the screen: ((r - black) / span) ** gamma."""

    black: Floats
    """(3,) per band: takes the blue haze away."""
    span: float
    """The same for all bands: keeps the colours true."""
    gamma: float
    """Puts ground of middling brightness in the middle of the screen's range."""


def hidden_title(hidden: Hidden, mask_source: str) -> str:
    """Without a mask that knows clouds nothing tells cloud from snow."""
    if PixelState.CLOUD in hidden.states and mask_source not in (MaskSource.SCL, MaskSource.S2CLOUDLESS):
        return "Cloud or snow (bright and white)"
    return hidden.title


def stretch(patch: RgbPatch) -> Stretch:
    """What shows the clear ground of a patch well; clouds, snow and new scars outside it are clipped."""
    step = max(1, patch.state.shape[0] // 256)
    sample, state = patch.reflectance[:, ::step, ::step], patch.state[::step, ::step]
    finite = np.isfinite(sample).all(axis=0)
    clear = finite & (state == PixelState.VALID)
    values = sample[:, clear if clear.any() else finite]
    if values.size == 0:
        return Stretch(black=np.zeros(3, dtype=np.float32), span=1.0, gamma=1.0)
    black = np.percentile(values, 1.0, axis=1).astype(np.float32)
    lifted = values - black[:, None]
    span = max(float(np.percentile(lifted.max(axis=0), 98.5)), _DIM_REFLECTANCE)
    middle = float(np.clip(np.median(lifted.mean(axis=0)) / span, 0.02, 0.98))
    return Stretch(black=black, span=span, gamma=float(np.clip(np.log(_MIDDLE) / np.log(middle), 0.45, 1.0)))


AS_IT_IS = Stretch(black=np.zeros(3, dtype=np.float32), span=1.0, gamma=1.0)
"""For false colours, which are shades already."""


def composite(patch: RgbPatch, size: tuple[int, int], how: Stretch | None = None) -> Rgb:
    """True colour at `size` (height, width) screen pixels, stripes over what hides the ground.

    `how` is what shows the clear ground of the patch well, unless it is given.
    """
    how = how or stretch(patch)
    scaled = np.clip((np.nan_to_num(patch.reflectance) - how.black[:, None, None]) / how.span, 0.0, 1.0)
    # 1024 steps are enough for 256 shades, and a table is ten times faster than a power per pixel.
    shades = (255.0 * np.linspace(0.0, 1.0, 1024) ** how.gamma).astype(np.uint8)
    image = shades[(scaled * 1023.0).astype(np.uint16)]
    colour = _resize(np.ascontiguousarray(np.moveaxis(image, 0, -1)), size, smooth=True)
    missing = np.asarray(np.isnan(patch.reflectance).any(axis=0), dtype=np.bool_)
    if missing.any():
        colour[_nearest(missing, size)] = HIDDEN[_NODATA].ground
    shade_unseen(colour, patch.state)
    return colour


def shade_unseen(image: Rgb, state: NDArray[np.uint8]) -> None:
    """Stripe, in place, what a state says was hidden. `state` may have another size."""
    size = (image.shape[0], image.shape[1])
    reasons = _REASON[state]
    for number in _occurring(reasons):
        hidden = HIDDEN[number - 1]
        if number and hidden.slope:
            image[np.nonzero(_nearest(reasons == number, size) & _stripes(size, hidden.slope))] = hidden.over


def field(
    values: Floats, state: NDArray[np.uint8], size: tuple[int, int], colormap: str, limits: tuple[float, float]
) -> Rgb:
    """A map of values at `size` screen pixels; NaN is drawn by the reason in `state`."""
    low, high = limits
    shades = (colormaps[colormap](np.linspace(0.0, 1.0, 256))[:, :3] * 255).astype(np.uint8)
    codes = (np.clip((np.nan_to_num(values) - low) / (high - low), 0.0, 1.0) * 255).astype(np.uint8)
    image = _resize(shades[codes], size, smooth=values.shape[0] > size[0])
    missing = np.isnan(values)
    reasons = _REASON[state]
    for number in _occurring(reasons[missing]):
        _hatch(image, _nearest(missing & (reasons == number), size), (UNKNOWN, *HIDDEN)[number])
    return image


def worse_state(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Why a pixel could not be compared: the first look's reason, else the second's."""
    return np.where(first != PixelState.VALID, first, second).astype(np.uint8)


def swatch(hidden: Hidden) -> Rgb:
    """A piece of legend."""
    image = np.empty((*_SWATCH, 3), dtype=np.uint8)
    _hatch(image, np.ones(_SWATCH, dtype=bool), hidden)
    return image


def outline_swatch() -> Rgb:
    """The piece of legend for outlines."""
    image = np.full((*_SWATCH, 3), 125, dtype=np.uint8)
    draw_rings([image], [np.array([[0.08, 0.5], [0.92, 0.5]])], 2.0)
    return image


def _hatch(image: Rgb, where: NDArray[np.bool_], hidden: Hidden) -> None:
    image[np.nonzero(where)] = hidden.ground
    image[np.nonzero(where & _stripes(image.shape[:2], hidden.slope))] = hidden.stripe


def _occurring(reasons: NDArray[np.uint8]) -> list[int]:
    """Which there are, in order: most ground is hidden by nothing, and a whole panel need not be searched for it."""
    return np.flatnonzero(np.bincount(reasons.ravel())).tolist()


def _stripes(size: tuple[int, ...], slope: int) -> NDArray[np.bool_]:
    rows, columns = np.ogrid[:_STRIPE_PX, :_STRIPE_PX]
    cell = (rows < 2) & (columns < 2) if slope == 0 else (columns + slope * rows) % _STRIPE_PX < 2
    return np.tile(cell, (-(-size[0] // _STRIPE_PX), -(-size[1] // _STRIPE_PX)))[: size[0], : size[1]]


def _nearest(values: NDArray[_Pixel], size: tuple[int, int]) -> NDArray[_Pixel]:
    rows = ((np.arange(size[0]) + 0.5) * values.shape[0] / size[0]).astype(int)
    columns = ((np.arange(size[1]) + 0.5) * values.shape[1] / size[1]).astype(int)
    near: NDArray[_Pixel] = values.take(rows, axis=0).take(columns, axis=1)
    return near


def _resize(image: Rgb, size: tuple[int, int], *, smooth: bool) -> Rgb:
    method = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    return np.array(Image.fromarray(image).resize((size[1], size[0]), method))
