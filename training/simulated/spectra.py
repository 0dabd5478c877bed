"""Twelve bands of Sentinel-2 for the simulated ground: spectra, light and air, top of atmosphere as in Landslide4Sense.

Levels are typical of temperate hills in the growing season; the visible ones are those of the sandbox. Bands are in
the order of the files, B01 to B12 without B8A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.sandbox.cover import Cover
from monitor.sandbox.fields import Crop
from monitor.sandbox.frame import fractal
from monitor.sandbox.optics import Sun, direct_light
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

_LEVELS: Final = {
    Cover.BROADLEAF: (0.020, 0.023, 0.049, 0.028, 0.080, 0.240, 0.300, 0.315, 0.325, 0.32, 0.165, 0.070),
    Cover.CONIFER: (0.014, 0.016, 0.028, 0.018, 0.045, 0.140, 0.170, 0.185, 0.190, 0.19, 0.090, 0.035),
    Cover.MEADOW: (0.030, 0.036, 0.076, 0.056, 0.125, 0.270, 0.325, 0.345, 0.350, 0.35, 0.220, 0.120),
    Cover.FIELD: (0.030, 0.034, 0.078, 0.050, 0.115, 0.290, 0.360, 0.380, 0.390, 0.39, 0.210, 0.110),
    Cover.WATER: (0.045, 0.046, 0.056, 0.042, 0.035, 0.022, 0.020, 0.018, 0.015, 0.01, 0.010, 0.008),
    Cover.GRAVEL: (0.135, 0.150, 0.175, 0.190, 0.205, 0.215, 0.225, 0.235, 0.240, 0.25, 0.270, 0.240),
    Cover.ROAD: (0.085, 0.092, 0.108, 0.118, 0.130, 0.145, 0.150, 0.155, 0.160, 0.17, 0.180, 0.160),
    Cover.ROOF: (0.120, 0.135, 0.140, 0.158, 0.170, 0.185, 0.195, 0.200, 0.200, 0.21, 0.230, 0.210),
    Cover.ROCK: (0.110, 0.125, 0.148, 0.172, 0.185, 0.195, 0.200, 0.210, 0.210, 0.22, 0.250, 0.220),
    Cover.SCRUB: (0.025, 0.029, 0.058, 0.043, 0.100, 0.240, 0.290, 0.310, 0.320, 0.31, 0.200, 0.100),
}
_CROP_LEVELS: Final = {
    Crop.YOUNG: (0.040, 0.048, 0.085, 0.082, 0.130, 0.190, 0.210, 0.230, 0.240, 0.24, 0.260, 0.200),
    Crop.DENSE: (0.022, 0.026, 0.062, 0.033, 0.090, 0.330, 0.420, 0.450, 0.460, 0.45, 0.180, 0.080),
    Crop.RIPE: (0.050, 0.058, 0.098, 0.112, 0.150, 0.200, 0.220, 0.240, 0.250, 0.25, 0.280, 0.200),
    Crop.STUBBLE: (0.070, 0.082, 0.122, 0.152, 0.175, 0.200, 0.215, 0.235, 0.240, 0.25, 0.330, 0.260),
    Crop.TILLED: (0.062, 0.072, 0.102, 0.138, 0.155, 0.170, 0.180, 0.195, 0.200, 0.21, 0.270, 0.230),
    Crop.GRASS: (0.030, 0.034, 0.078, 0.050, 0.115, 0.290, 0.360, 0.380, 0.390, 0.39, 0.210, 0.110),
    Crop.MOWN: (0.044, 0.050, 0.098, 0.086, 0.140, 0.240, 0.280, 0.300, 0.310, 0.31, 0.260, 0.160),
}
COVER: Final = np.array([_LEVELS[kind] for kind in Cover], dtype=np.float32)
"""(covers, 12) surface reflectance by Cover."""
CROP: Final = np.array([_CROP_LEVELS[crop] for crop in Crop], dtype=np.float32)
"""(crops, 12) by Crop."""
EARTH: Final = np.array(
    [0.105, 0.120, 0.164, 0.216, 0.240, 0.255, 0.270, 0.285, 0.290, 0.30, 0.340, 0.290], dtype=np.float32
)
"""(12,) subsoil and weathered rock of a fresh scar."""

_LEAFY: Final = (Cover.BROADLEAF, Cover.CONIFER, Cover.MEADOW, Cover.SCRUB)
_NEAR_INFRARED: Final = slice(4, 10)
_SHORTWAVE: Final = slice(10, 12)
_PATH: Final = np.array(
    [0.095, 0.068, 0.040, 0.021, 0.016, 0.012, 0.009, 0.008, 0.005, 0.0006, 0.002, 0.001], dtype=np.float32
)
"""Path radiance as reflectance, clear air at sea level."""
_CLEAR: Final = np.array([0.78, 0.82, 0.87, 0.91, 0.90, 0.92, 0.93, 0.93, 1.0, 1.0, 0.95, 0.94], dtype=np.float32)
"""Transmission; water vapour takes more of B09 and nearly all of B10."""
_DIFFUSE: Final = np.array([0.30, 0.24, 0.17, 0.12, 0.10, 0.08, 0.07, 0.06, 0.05, 0.05, 0.03, 0.02], dtype=np.float32)
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
        seen = day.haze * _PATH[band] * veil + clear[band] * lit
        # Shot noise and read-out as in the sandbox; coarse pixels average it out.
        noisy = seen + rng.standard_normal(seen.shape) * np.sqrt(2e-6 + 2e-5 * seen)
        blurred = ndimage.gaussian_filter(noisy, _BLUR_PX * _PIXEL_M[band] / 10.0)
        digital[band] = np.maximum(np.rint(blurred * 1e4), 1.0)
    return digital


def _transmission(dryness: float) -> Array:
    clear = _CLEAR.copy()
    clear[_B09] = 0.12 + 0.45 * dryness
    clear[_B10] = 0.0008 + 0.05 * dryness**4
    return clear
