"""Directions as degrees clockwise from north, and as words."""

import math

COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def bearing_deg(east: float, north: float) -> float:
    """Direction of a vector, 0 up to 360."""
    return math.degrees(math.atan2(east, north)) % 360.0


def compass(degrees: float) -> str:
    """One of eight winds."""
    return COMPASS[round(degrees / 45.0) % 8]
