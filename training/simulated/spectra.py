"""Twelve bands of Sentinel-2 for the simulated ground: spectra, light and air, top of atmosphere as in Landslide4Sense.

Levels are those of the sandbox's valleys (`monitor/sandbox/spectra.py`), with three more bands that only patches have.
Bands are in the order of the files, B01 to B12 without B8A.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from monitor.adapters.landslide4sense import BANDS
from monitor.core.sun import Sun
from monitor.sandbox import spectra
from monitor.sandbox.cover import Cover
from monitor.sandbox.fields import Crop
from monitor.sandbox.frame import fractal
from monitor.sandbox.optics import direct_light
from monitor.sandbox.terrain import Relief

Array = NDArray[np.float32]

PUBLISHED_UNIT: Final = (
    *(1111.81236406, 824.63171476, 663.41636217, 445.17289745, 645.8582926, 1547.73508126),
    *(1960.44401001, 1941.32229668, 674.07572865, 9.04787384, 1113.98338755, 519.90397929),
    *(20.29228266, 772.83144788),
)
"""What 1.0 is in a published file, per channel: digital numbers (1/10000 of the reflectance), degrees, metres.

The published values are whole numbers divided by these: in all eight real patches at hand they come back whole to
12 digits. So reflectance, degrees of slope and metres of height can be had from a file.
"""
_BANDS: Final = 12
"""Slope and elevation follow them in a file."""

_BESIDE: Final[Mapping[Cover, tuple[float, float, float]]] = {
    Cover.BROADLEAF: (0.020, 0.325, 0.32),
    Cover.CONIFER: (0.014, 0.190, 0.19),
    Cover.MEADOW: (0.030, 0.350, 0.35),
    Cover.FIELD: (0.030, 0.390, 0.39),
    Cover.WATER: (0.045, 0.015, 0.01),
    Cover.GRAVEL: (0.135, 0.240, 0.25),
    Cover.ROAD: (0.085, 0.160, 0.17),
    Cover.ROOF: (0.120, 0.200, 0.21),
    Cover.ROCK: (0.110, 0.210, 0.22),
    Cover.SCRUB: (0.025, 0.320, 0.31),
}
"""B01, B09 and B10: bands that the sandbox's table does not have."""
_BESIDE_CROPS: Final[Mapping[Crop, tuple[float, float, float]]] = {
    Crop.YOUNG: (0.040, 0.240, 0.24),
    Crop.DENSE: (0.022, 0.460, 0.45),
    Crop.RIPE: (0.050, 0.250, 0.25),
    Crop.STUBBLE: (0.070, 0.240, 0.25),
    Crop.TILLED: (0.062, 0.200, 0.21),
    Crop.GRASS: (0.030, 0.390, 0.39),
    Crop.MOWN: (0.044, 0.310, 0.31),
}
_SHARED: Final = [spectra.BANDS.index(band) for band in BANDS[:_BANDS] if band in spectra.BANDS]


def _twelve(shared: Array, beside: ArrayLike) -> Array:
    """(..., 12) by band of Landslide4Sense out of the sandbox's ten and B01, B09, B10."""
    beside = np.asarray(beside, dtype=np.float32)
    return np.insert(shared[..., _SHARED], [0, 7, 7], beside, axis=-1)


COVER: Final = _twelve(spectra.COVER, [_BESIDE[kind] for kind in Cover])
"""(covers, 12) surface reflectance by Cover."""
CROP: Final = _twelve(spectra.CROP, [_BESIDE_CROPS[crop] for crop in Crop])
"""(crops, 12) by Crop."""
EARTH: Final = _twelve(spectra.EARTH, (0.105, 0.290, 0.30))
"""(12,) subsoil and weathered rock of a fresh scar."""

_LEAFY: Final = (Cover.BROADLEAF, Cover.CONIFER, Cover.MEADOW, Cover.SCRUB)
_NEAR_INFRARED: Final = slice(4, 10)
_SHORTWAVE: Final = slice(10, 12)
PATH: Final = np.array(
    [0.095, 0.068, 0.040, 0.021, 0.016, 0.012, 0.009, 0.008, 0.005, 0.0006, 0.002, 0.001], dtype=np.float32
)
"""Path radiance as reflectance, clear air at sea level."""
CLEAR: Final = np.array([0.78, 0.82, 0.87, 0.91, 0.90, 0.92, 0.93, 0.93, 1.0, 1.0, 0.95, 0.94], dtype=np.float32)
"""Transmission; water vapour takes more of B09 and nearly all of B10."""
_DIFFUSE: Final = _twelve(spectra.DIFFUSE, (0.30, 0.05, 0.05))
"""Skylight's share of the light on flat ground."""
_PIXEL_M: Final = (60, 10, 10, 10, 20, 20, 20, 10, 60, 60, 20, 20)
_BLUR_PX: Final = 0.45
"""Standard deviation of the point spread function, in pixels of the band itself."""
_B09, _B10 = 8, 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Season, ground and weather of one valley's only date, drawn by chance."""

    sun: Sun
    haze: float
    """Factor on the path radiance."""
    dryness: float
    """0 moist (water vapour hides the ground in B09 and B10) to 1 dry."""
    cover: Array
    """(covers, 12) reflectance of this valley's ground."""
    earth: Array
    """(12,) reflectance of this valley's scars: darker or brighter, redder or greyer."""


def draw_day(rng: np.random.Generator) -> Day:
    """Season, ground and weather of a valley."""
    cover = COVER.copy()
    for kind in _LEAFY:
        cover[kind, _NEAR_INFRARED] *= np.exp(rng.normal(-0.15, 0.2))
        cover[kind, _SHORTWAVE] *= np.exp(rng.normal(0.0, 0.2))
        cover[kind, :4] *= np.exp(rng.normal(0.05, 0.15))
    tilt = np.linspace(-1.0, 1.0, len(EARTH)) * rng.normal(0.0, 0.12)
    return Day(
        sun=Sun(elevation_deg=rng.uniform(38.0, 68.0), azimuth_deg=rng.uniform(105.0, 165.0)),
        haze=rng.uniform(0.8, 1.3),
        dryness=rng.uniform(0.0, 1.0),
        cover=cover,
        earth=(EARTH * np.exp(rng.normal(-0.12, 0.18) + tilt)).astype(np.float32),
    )


def observe(surface: Array, relief: Relief, day: Day, rng: np.random.Generator) -> NDArray[np.float64]:
    """What Sentinel-2 reports at the top of the atmosphere: whole digital numbers.

    Args:
        surface: (12, padded, padded) reflectance.

    Returns:
        (12, padded, padded), 1/10000 of the reflectance.
    """
    sunlight = direct_light(relief, day.sun)
    sky = np.cos(np.radians(relief.slope_deg) / 2.0) ** 2
    veil = 1.0 + 0.15 * fractal(len(sky), rng, beta=3.5)
    clear = _transmission(day.dryness)
    digital = np.empty(surface.shape)
    for band, diffuse in enumerate(_DIFFUSE):
        lit = surface[band] * ((1.0 - diffuse) * sunlight + diffuse * sky)
        seen = day.haze * PATH[band] * veil + clear[band] * lit
        # Shot noise and read-out as in the sandbox; coarse pixels average it out.
        noisy = seen + rng.standard_normal(seen.shape) * np.sqrt(2e-6 + 2e-5 * seen)
        blurred = ndimage.gaussian_filter(noisy, _BLUR_PX * _PIXEL_M[band] / 10.0)
        digital[band] = np.maximum(np.rint(blurred * 1e4), 1.0)
    return digital


def _transmission(dryness: float) -> Array:
    clear = CLEAR.copy()
    clear[_B09] = 0.12 + 0.45 * dryness
    clear[_B10] = 0.0008 + 0.05 * dryness**4
    return clear
