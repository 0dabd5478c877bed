"""Spectra of the simulated valley in the ten bands of Sentinel-2 at 10 and 20 m, and what light and air do to each.

The one table that valleys and training's patches share. Levels are surface reflectance of temperate hills in the
growing season; `python -m benchmarks simulated` lays them beside real scenes. Bands count along the last axis.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.sandbox.cover import Cover
from monitor.sandbox.fields import Crop

Levels = NDArray[np.float32]

BANDS: Final[tuple[str, ...]] = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
VISIBLE: Final = slice(0, 3)
"""What every valley has."""
INFRARED: Final = slice(3, 10)
"""Red edge, near and shortwave infrared: what a story of ten bands adds."""
PIXEL_M: Final[tuple[int, ...]] = (10, 10, 10, 20, 20, 20, 10, 20, 20, 20)
"""Side of a band's own pixels."""


def _levels(*values: float) -> Levels:
    """(10,)."""
    return np.array(values, dtype=np.float32)


def _table(rows: Mapping[Cover, Levels] | Mapping[Crop, Levels]) -> Levels:
    """(kinds, 10), a row for each value of the enumeration."""
    return np.stack([level for _, level in sorted(rows.items())])


COVER: Final = _table(
    {
        Cover.BROADLEAF: _levels(0.023, 0.049, 0.028, 0.080, 0.240, 0.300, 0.315, 0.324, 0.165, 0.070),
        Cover.CONIFER: _levels(0.016, 0.028, 0.018, 0.045, 0.140, 0.170, 0.185, 0.190, 0.090, 0.035),
        Cover.MEADOW: _levels(0.036, 0.076, 0.056, 0.125, 0.270, 0.325, 0.345, 0.355, 0.220, 0.120),
        # A field shows its crop instead.
        Cover.FIELD: _levels(0.034, 0.078, 0.050, 0.115, 0.290, 0.360, 0.380, 0.390, 0.210, 0.110),
        Cover.WATER: _levels(0.046, 0.056, 0.042, 0.035, 0.022, 0.020, 0.018, 0.016, 0.010, 0.008),
        Cover.GRAVEL: _levels(0.150, 0.175, 0.190, 0.205, 0.215, 0.225, 0.235, 0.240, 0.270, 0.240),
        Cover.ROAD: _levels(0.092, 0.108, 0.118, 0.130, 0.145, 0.150, 0.155, 0.160, 0.180, 0.160),
        Cover.ROOF: _levels(0.135, 0.140, 0.158, 0.170, 0.185, 0.195, 0.200, 0.205, 0.230, 0.210),
        Cover.ROCK: _levels(0.125, 0.148, 0.172, 0.185, 0.195, 0.200, 0.210, 0.213, 0.250, 0.220),
        Cover.SCRUB: _levels(0.029, 0.058, 0.043, 0.100, 0.240, 0.290, 0.310, 0.318, 0.200, 0.100),
    }
)
"""(covers, 10) by Cover."""
CROP: Final = _table(
    {
        Crop.YOUNG: _levels(0.048, 0.085, 0.082, 0.130, 0.190, 0.210, 0.230, 0.238, 0.260, 0.200),
        Crop.DENSE: _levels(0.026, 0.062, 0.033, 0.090, 0.330, 0.420, 0.450, 0.462, 0.180, 0.080),
        Crop.RIPE: _levels(0.058, 0.098, 0.112, 0.150, 0.200, 0.220, 0.240, 0.250, 0.280, 0.200),
        Crop.STUBBLE: _levels(0.082, 0.122, 0.152, 0.175, 0.200, 0.215, 0.235, 0.244, 0.330, 0.260),
        Crop.TILLED: _levels(0.072, 0.102, 0.138, 0.155, 0.170, 0.180, 0.195, 0.204, 0.270, 0.230),
        Crop.GRASS: _levels(0.034, 0.078, 0.050, 0.115, 0.290, 0.360, 0.380, 0.390, 0.210, 0.110),
        Crop.MOWN: _levels(0.050, 0.098, 0.086, 0.140, 0.240, 0.280, 0.300, 0.309, 0.260, 0.160),
    }
)
"""(crops, 10) by Crop."""
EARTH: Final = _levels(0.120, 0.164, 0.216, 0.240, 0.270, 0.292, 0.306, 0.318, 0.370, 0.300)
"""Brownish-cream subsoil and weathered rock of a fresh scar."""
FRESH_GRAVEL: Final = _levels(0.145, 0.180, 0.205, 0.220, 0.230, 0.240, 0.250, 0.256, 0.285, 0.250)
MUDDY_WATER: Final = _levels(0.068, 0.092, 0.098, 0.102, 0.075, 0.077, 0.063, 0.058, 0.022, 0.015)
SLASH: Final = _levels(0.050, 0.072, 0.088, 0.115, 0.165, 0.185, 0.200, 0.208, 0.240, 0.165)
"""Stumps, branches and torn litter of felled forest."""
SNOW: Final = _levels(0.76, 0.77, 0.77, 0.77, 0.75, 0.73, 0.70, 0.68, 0.09, 0.07)
"""Coarse old grains, as in late spring: ice absorbs in the shortwave (Warren 1982, doi:10.1029/RG020i001p00067)."""

CLOUD: Final = _levels(1.0, 0.98, 0.97, 0.97, 0.97, 0.96, 0.95, 0.95, 0.82, 0.70)
"""Of a cloud's brightness in blue: droplets and ice absorb in the shortwave."""
DIFFUSE: Final = _levels(0.24, 0.17, 0.12, 0.10, 0.08, 0.07, 0.06, 0.055, 0.03, 0.02)
"""Skylight's share of the light on flat ground under a high sun."""
HAZE: Final = _levels(1.0, 0.62, 0.42, 0.36, 0.31, 0.27, 0.22, 0.20, 0.035, 0.015)
"""Path radiance left by an imperfect atmospheric correction, relative to blue."""
