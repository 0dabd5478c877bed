"""What a network is fed, input by input, as its card says it."""

from dataclasses import dataclass
from enum import StrEnum


class Method(StrEnum):
    """How an input becomes numbers for a network."""

    CONTEXT = "median-lower-spread"
    """Against the ground around it (`monitor.core.features`): absolute size is lost, so are haze and gain."""
    FIXED = "fixed"
    """(value - center) / scale with constants of the card: absolute size is kept."""
    DECIBEL = "decibel"
    """(10 log10(value) - center) / scale; power, or a ratio of powers."""
    ONE_HOT = "one-hot"
    """One channel of 0 and 1 for each class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One name of a card's list of inputs."""

    name: str
    """B02 ... B12, NDVI, vv, ratio, tri, slope, elevation, land_cover:<scheme> ... (docs/models.md)."""
    method: Method
    center: float = 0.0
    """In the input's own unit: reflectance, index, dB, metres or degrees."""
    scale: float = 1.0
