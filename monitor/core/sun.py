"""Where the sun stands, and how it lights a slope."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sun:
    """Where the sun stands."""

    elevation_deg: float
    azimuth_deg: float
    """Clockwise from north."""


def sun_position(time: datetime, longitude_deg: float, latitude_deg: float) -> Sun:
    """Sun by the usual approximations (declination of Cooper 1969, no equation of time): good to a degree or two.

    Args:
        time: UTC.
    """
    day = time.timetuple().tm_yday
    declination = np.radians(23.45 * np.sin(2 * np.pi * (284 + day) / 365.0))
    solar_hours = time.hour + time.minute / 60.0 + longitude_deg / 15.0
    hour_angle = np.radians(15.0 * (solar_hours - 12.0))
    latitude = np.radians(latitude_deg)
    height = np.arcsin(
        np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    )
    azimuth = np.arctan2(
        np.sin(hour_angle), np.cos(hour_angle) * np.sin(latitude) - np.tan(declination) * np.cos(latitude)
    )
    return Sun(elevation_deg=float(np.degrees(height)), azimuth_deg=float(np.degrees(azimuth) + 180.0) % 360.0)


def light_on(normal: Array, sun: Sun) -> Array:
    """(...) direct light on inclined ground: 1 as on level ground, 0 where it faces away.

    Args:
        normal: (3, ...) unit normal: east, north, up.
        sun: above the horizon.
    """
    height, azimuth = np.radians(sun.elevation_deg), np.radians(sun.azimuth_deg)
    towards = np.array(
        [np.cos(height) * np.sin(azimuth), np.cos(height) * np.cos(azimuth), np.sin(height)], dtype=np.float32
    )
    return np.asarray(np.maximum(np.tensordot(towards, normal, axes=1), 0.0) / np.sin(height), dtype=np.float32)
