"""Melting snow as radar itself shows it: ground above one height that sends back less in every polarisation.

Wet snow swallows what the ground below it would send back (Nagler and Rott 2000, doi:10.1109/36.842004), so what lies
under it is not observed. Passes under snow that nobody knew of become reference, and then the thaw is a change. Seen
by radar alone, slopes that all failed above one height look the same: ask only where snow may lie, which optics rule
out or not (`monitor.melting`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.grid import PIXEL_HA
from monitor.core.radar import BackscatterReference, PassGround
from monitor.core.radar_fit import SceneFit, median
from monitor.core.statistics import number_groups

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

_BELT_M = 50.0
"""Height of a belt of ground that snow treats alike."""
_BELT_HA = 100.0
"""Slopes in a belt, at least."""
_BELOW_SCENE_DB = -1.0
"""Ground that lies so far below what the scene did has something on it, ..."""
_LOWERED_DB = -0.5
"""... if it lies below what it was as well: where rain lifted the scene, dry ground above it is no snow."""
_WET_SNOW_DB = -1.5
"""A scene that was lowered so far lies under melting snow: half of what it takes from open ground (3 dB, Nagler and
Rott 2000), since trees stand in it and look out of it."""
_AS_BEFORE_DB = 1.0
"""Ground within so much of what it was has no snow on it."""
_QUARTILES = (0.25, 0.75)
"""Between which half of a belt lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnowLine:
    """Ground above one height on which snow lay or lies."""

    above: Mask
    """(H, W)."""
    melts: bool
    """Snow hides the ground from the pass. Otherwise it lay there in the reference, and is gone."""


def find_snow_line(
    now: Array, before: BackscatterReference, slopes: Mask, native_m: float, elevation_m: Array
) -> SnowLine | None:
    """Where melting snow hides the ground from a pass, or hid it from the passes before; None where nothing looks so.

    From the highest belt down, as long as three quarters of one lie below what it was and what the scene did, and the
    next one where a quarter does. Where no belt is found so, snow may lie on most of what is seen and be the scene:
    then above the lowest belts of which half, between the quartiles, is as it was. One flank of a valley is no belt.
    Snow that is gone is found in the same way, by what lies above instead of below.

    Args:
        now: (P, H, W) linear gamma0; NaN or not above 0 = no observation.
        slopes: (H, W) where the scene's part is fitted.
        native_m: size of the pixels that were measured.
        elevation_m: (H, W); where it is void (NaN) nobody can tell, and nothing is hidden.
    """
    ground = PassGround.gather(now, before, native_m)
    grid = ground.grid
    heights = np.floor(grid.gather(np.nan_to_num(elevation_m), np.isfinite(elevation_m)) / _BELT_M)
    usable = ground.seen & grid.observed(slopes & np.isfinite(elevation_m))
    numbers = number_groups(heights, usable, _BELT_HA / (PIXEL_HA * grid.step**2))
    belts = _Belts.measure(ground, ground.fit(slopes), numbers, usable)
    for melts, change in ((True, belts), (False, belts.mirrored())):
        above = grid.lay(numbers >= change.snow_line()) & np.isfinite(elevation_m)
        if above.any():
            return SnowLine(above=above, melts=melts)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Belts:
    """How belts of height changed, (P, B) dB, lowest belt first."""

    lower: Array
    """The quarter of a belt that changed most downwards lies below."""
    upper: Array
    scene: Array
    """What the scene did there."""

    @classmethod
    def measure(cls, ground: PassGround, fit: SceneFit, numbers: NDArray[np.int16], usable: Mask) -> "_Belts":
        """Of ground numbered by belts, (h, w), on usable slopes."""
        places = [usable & (numbers == belt) for belt in range(int(numbers.max()) + 1)]
        changes = [ground.smoothed(band, fit) for band in range(len(ground.ratio))]
        scenes = [fit.scene(change) for change in changes]
        quartiles = np.array([[_quartiles(change[place]) for place in places] for change in changes], np.float32)
        scene = np.array([[median(one[place]) for place in places] for one in scenes], np.float32)
        return cls(lower=quartiles[..., 0], upper=quartiles[..., 1], scene=scene)

    def mirrored(self) -> "_Belts":
        """The same change backwards."""
        return _Belts(lower=-self.upper, upper=-self.lower, scene=-self.scene)

    def snow_line(self) -> int:
        """The lowest belt that lies under snow; one beyond the last where none does. The lowest of all is never."""
        covered, in_part = (
            np.all((one <= _LOWERED_DB) & (one - self.scene <= _BELOW_SCENE_DB), axis=0).tolist()
            for one in (self.upper, self.lower)
        )
        near = (self.lower >= -_AS_BEFORE_DB) & (self.upper <= _AS_BEFORE_DB)
        apart = (self.scene <= _WET_SNOW_DB) & (self.scene - self.lower <= _WET_SNOW_DB)
        free = np.all(near & apart, axis=0).tolist()
        beyond = len(covered)
        above = next((belt + 1 for belt in range(beyond - 1, 0, -1) if not covered[belt]), 1)
        if above < beyond:
            return above - 1 if above > 1 and in_part[above - 1] else above
        return next((belt for belt in range(beyond) if not free[belt]), beyond) or beyond


def _quartiles(values: Array) -> tuple[float, float]:
    """0 of nothing."""
    if not values.size:
        return 0.0, 0.0
    lower, upper = np.quantile(values, _QUARTILES)
    return float(lower), float(upper)
