"""Inputs that folders of events can carry, and what takes each of them to 0–1.

Those of radar geometry and polarimetry are in no catalog of terrain-corrected scenes: whoever has them supplies them,
and a network that wants them can be trained and scored here, but the service cannot feed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from monitor.core.features import INDICES, split_date
from monitor.inputs import Input, Method

SUPPLIED: Final = ("coherence", "entropy", "anisotropy", "alpha")
"""Coherence with the scene before it (VV); H, A and α of the dual-polarised decomposition (α in degrees)."""
BACKSCATTER: Final = ("vv", "vh")
"""Linear power."""
RADAR: Final = (*BACKSCATTER, *SUPPLIED)
OPTICAL: Final = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
GROUND: Final = ("elevation", "slope")
"""Metres and degrees; the same before and after."""
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "vv": (-25.0, 5.0),
    "vh": (-32.0, -2.0),
    "coherence": (0.0, 1.0),
    "entropy": (0.0, 1.0),
    "anisotropy": (0.0, 1.0),
    "alpha": (0.0, 90.0),
    **dict.fromkeys(OPTICAL, (0.0, 0.5)),
    **dict.fromkeys(INDICES, (-1.0, 1.0)),
    "elevation": (0.0, 5000.0),
    "slope": (0.0, 90.0),
}
"""What becomes 0 and what becomes 1: decibel of gamma nought, reflectance, metres, degrees. Nothing is cut off."""


def event_input(name: str) -> Input:
    """What is done with an input that an experiment says no more of.

    Raises:
        ValueError: folders of events carry no such input.
    """
    plain, date = split_date(name)
    if plain not in RANGES or (plain in GROUND and date):
        raise ValueError(f"there is no input {name} of events; there are {', '.join(RANGES)}")
    low, high = RANGES[plain]
    method = Method.DECIBEL if plain in BACKSCATTER else Method.FIXED
    return Input(name=name, method=method, center=low, scale=high - low)
