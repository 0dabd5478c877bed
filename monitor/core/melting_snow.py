"""Melting snow as radar itself shows it: ground above one height that sends back less in every polarisation.

Wet snow swallows what the ground below it would send back (Nagler and Rott 2000, doi:10.1109/36.842004), so what lies
under it is not observed. Passes under snow that nobody knew of become reference, and then the thaw is a change. Seen
by radar alone, slopes that all failed above one height look the same: whoever asks must know whether snow is about
(`monitor.melting`), or say both.
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
_BELOW_DB = -1.0
"""Ground that lies so far below what the scene or the foot of its slopes did has something on it, ..."""
_LOWERED_DB = -0.5
"""... if it lies below what it was as well: where rain lifted the scene, dry ground above it is no snow."""
_AS_BEFORE_DB = 1.0
"""Ground within so much of what it was has no snow on it."""
_QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnowLine:
    """Ground above one height on which snow lay or lies."""

    above: Mask
    """(H, W)."""
    from_m: float
    """The lowest of it that the pass sees."""
    melts: bool
    """Snow hides the ground from the pass. Otherwise it lay there in the reference, and is gone."""


def find_snow_line(
    now: Array,
    before: BackscatterReference,
    slopes: Mask,
    native_m: float,
    elevation_m: Array,
    snow: Mask | None = None,
) -> SnowLine | None:
    """Where melting snow hides the ground from a pass, or hid it from the passes before; None where nothing looks so.

    From the highest belt down, as long as three quarters of one lie below what it was and what the scene did, and the
    next one where a quarter does. Snow on half or more of what is seen is the scene itself, or draws it halfway: so
    what the lowest belts did counts as well, if they are as they were. One flank of a valley is no belt. Snow that is
    gone is found in the same way, by what lies above instead of below.

    Args:
        now: (P, H, W) linear gamma0; NaN or not above 0 = no observation.
        slopes: (H, W) where the scene's part is fitted.
        native_m: size of the pixels that were measured.
        elevation_m: (H, W); where it is void (NaN) nobody can tell, and nothing is hidden.
        snow: (H, W) where some is known to lie. Above all that the pass sees, it makes the highest belt its rim, of
            which half is enough.
    """
    ground = PassGround.gather(now, before, native_m)
    grid = ground.grid
    heights = np.floor(grid.gather(np.nan_to_num(elevation_m), np.isfinite(elevation_m)) / _BELT_M)
    usable = ground.seen & grid.observed(slopes & np.isfinite(elevation_m))
    numbers = number_groups(heights, usable, _BELT_HA / (PIXEL_HA * grid.step**2))
    belts = _Belts.measure(ground, ground.fit(slopes), numbers, usable)
    rim = _lies_above(snow, elevation_m, heights[usable & (numbers == numbers.max())])
    for melts, line in ((True, belts.snow_line(rim)), (False, belts.mirrored().snow_line(rim=False))):
        above = grid.lay(numbers >= line) & np.isfinite(elevation_m)
        if (seen := above & ground.valid).any():
            return SnowLine(above=above, from_m=float(elevation_m[seen].min()), melts=melts)
    return None


def _lies_above(snow: Mask | None, elevation_m: Array, belts: Array) -> bool:
    """Whether most of (H, W) snow lies no lower than the (N,) highest belts that are seen, counted from sea level."""
    lying = elevation_m[snow & np.isfinite(elevation_m)] if snow is not None else elevation_m[:0]
    return bool(lying.size and belts.size) and bool(np.median(lying) >= belts.min() * _BELT_M)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Belts:
    """How belts of height changed, (P, B) dB, lowest belt first."""

    lower: Array
    """The quarter of a belt that changed most downwards lies below."""
    middle: Array
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
        lower, middle, upper = np.moveaxis(quartiles, -1, 0)
        return cls(lower=lower, middle=middle, upper=upper, scene=scene)

    def mirrored(self) -> "_Belts":
        """The same change backwards."""
        return _Belts(lower=-self.upper, middle=-self.middle, upper=-self.lower, scene=-self.scene)

    def snow_line(self, rim: bool) -> int:
        """The lowest belt that lies under snow; one beyond the last where none does. The lowest of all is never.

        Args:
            rim: snow is known to lie above the highest belt.
        """
        level = np.maximum(self.scene, self._foot())
        covered, half, quarter = (
            np.all((one <= _LOWERED_DB) & (one - level <= _BELOW_DB), axis=0).tolist()
            for one in (self.upper, self.middle, self.lower)
        )
        beyond = len(covered)
        above = next((belt + 1 for belt in range(beyond - 1, 0, -1) if not covered[belt]), 1)
        in_part = quarter if above < beyond else half
        joins = above > 1 and in_part[above - 1] and (above < beyond or rim)
        return above - 1 if joins else above

    def _foot(self) -> Array:
        """(P, 1) dB that the lowest belts did, as far up as they are as they were in every polarisation."""
        near = np.all((self.lower >= -_AS_BEFORE_DB) & (self.upper <= _AS_BEFORE_DB), axis=0)
        belts = int(np.logical_and.accumulate(near).sum())
        if belts == 0:
            return np.full((len(self.lower), 1), -np.inf, np.float32)
        return np.asarray(np.median(self.middle[:, :belts], axis=1, keepdims=True), np.float32)


def _quartiles(values: Array) -> list[float]:
    """0 of nothing."""
    return np.quantile(values, _QUARTILES).tolist() if values.size else [0.0, 0.0, 0.0]
