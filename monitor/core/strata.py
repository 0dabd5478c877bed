"""What kind of ground a change lies on, and when: what quiet ground does depends on it."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitor.core.change import surface_normal
from monitor.core.grid import RESOLUTION_M
from monitor.core.sun import light_on, sun_position
from monitor.records import Sensor

Array = NDArray[np.float32]

SLOPES = ("gentle", "moderate", "steep", "very steep")
_SLOPE_EDGES_DEG = np.array([20.0, 30.0, 40.0])
LIGHTS = ("grazing light", "low light", "full light")
_LIGHT_EDGES = np.array([0.35, 0.7])
"""Of the light on level ground: where the sun grazes a slope its echo is the sky's, and any haze a change."""
SEASONS = ("winter", "spring", "summer", "autumn")
_LEAST_SUN_DEG = 5.0
"""Satellites of this kind pass by day: a time at which the sun stands lower is not when the image was taken."""


def slope_class(slope_deg: float) -> str:
    """Of the 90th percentile of slope under a cluster; unknown slopes are gentle."""
    return SLOPES[int(slope_classes(np.float32(slope_deg)))]


def slope_classes(slope_deg: Array | np.float32) -> NDArray[np.intp]:
    """Places in `SLOPES`."""
    return np.digitize(np.nan_to_num(slope_deg), _SLOPE_EDGES_DEG)


def season(time: datetime, latitude_deg: float) -> str:
    """The meteorological season there."""
    quarter = time.month % 12 // 3
    return SEASONS[quarter if latitude_deg >= 0 else (quarter + 2) % 4]


def lights(elevation_m: Array, times: Sequence[datetime], longitude_deg: float, latitude_deg: float) -> Array | None:
    """(H, W) least direct light at some times, 1 as on level ground; None where one of them cannot be right.

    Args:
        elevation_m: (H, W) on the 10 m grid; voids count as level.
    """
    suns = [sun_position(time, longitude_deg, latitude_deg) for time in times]
    if any(sun.elevation_deg < _LEAST_SUN_DEG for sun in suns):
        return None
    normal = surface_normal(elevation_m, RESOLUTION_M)
    return np.asarray(np.minimum.reduce([light_on(normal, sun) for sun in suns]), dtype=np.float32)


def light_classes(light: Array | np.float32) -> NDArray[np.intp]:
    """Places in `LIGHTS`."""
    return np.digitize(light, _LIGHT_EDGES)


def strata(
    sensor: Sensor, slope_deg: float, time: datetime, latitude_deg: float, light: float | None
) -> tuple[str, ...]:
    """The words of a cluster: slope, season, and of optics the light on it where that is known.

    Args:
        slope_deg: 90th percentile under it.
        light: least of the two dates that are compared.
    """
    words = [slope_class(slope_deg), season(time, latitude_deg)]
    if sensor is Sensor.OPTICAL and light is not None:
        words.append(LIGHTS[int(light_classes(np.float32(light)))])
    return tuple(words)
