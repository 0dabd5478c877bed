"""Melting snow as radar itself shows it: ground above one height that sends back less in every polarisation.

Wet snow swallows what the ground below it would send back (Nagler and Rott 2000, doi:10.1109/36.842004), so what lies
under it is not observed. Passes under snow that nobody knew of become reference, and then the thaw is a change. Seen
by radar alone, slopes that all failed above one height look the same: whoever asks must know whether snow is about
(`monitor.melting`), or say both.
"""

from collections.abc import Mapping, Sequence
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
_IN_PART, _HALF, _COVERED = 0.25, 0.5, 0.75
"""Shares of a belt under snow that are asked for."""
RIM_JOINED, RIM_HIDDEN = _IN_PART, _HALF
"""Of the highest belt below snow that is known: its pieces may be one alert sooner than it is taken for hidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnowLine:
    """Ground above one height on which snow lay or lies."""

    above: Mask
    """(H, W)."""
    from_m: float
    """The lowest of it that the pass sees."""
    decibels: float
    """How far the ground above lies off the rest, without sign, in the polarisation that shows it least."""
    melts: bool
    """Snow hides the ground from the pass. Otherwise it lay there in the reference, and is gone."""


def find_snow_line(
    now: Array,
    before: BackscatterReference,
    slopes: Mask,
    native_m: float,
    elevation_m: Array,
    snow: Mask | None = None,
    rim_share: float = RIM_HIDDEN,
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
        snow: (H, W) where some is known to lie. Above all that the pass sees, it makes the highest belt its rim, ...
        rim_share: ... of which so much is enough: `RIM_HIDDEN` or `RIM_JOINED`.
    """
    ground = PassGround.gather(now, before, native_m)
    grid = ground.grid
    heights = np.floor(grid.gather(np.nan_to_num(elevation_m), np.isfinite(elevation_m)) / _BELT_M)
    usable = ground.seen & grid.observed(slopes & np.isfinite(elevation_m))
    numbers = number_groups(heights, usable, _BELT_HA / (PIXEL_HA * grid.step**2))
    belts = _Belts.measure(ground, ground.fit(slopes), numbers, usable)
    rim = rim_share if _lies_above(snow, elevation_m, heights[usable & (numbers == numbers.max())]) else _COVERED
    for melts, change, share in ((True, belts, rim), (False, belts.mirrored(), _COVERED)):
        line = change.snow_line(share)
        above = grid.lay(numbers >= line) & np.isfinite(elevation_m)
        if (seen := above & ground.valid).any():
            from_m = float(elevation_m[seen].min())
            return SnowLine(above=above, from_m=from_m, decibels=change.depth(line, share), melts=melts)
    return None


def _lies_above(snow: Mask | None, elevation_m: Array, belts: Array) -> bool:
    """Whether most of (H, W) snow lies no lower than the (N,) highest belts that are seen, counted from sea level."""
    lying = elevation_m[snow & np.isfinite(elevation_m)] if snow is not None else elevation_m[:0]
    return bool(lying.size and belts.size) and bool(np.median(lying) >= belts.min() * _BELT_M)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Belts:
    """How belts of height changed, (P, B) dB, lowest belt first."""

    below: Mapping[float, Array]
    """By share: what so much of a belt, that which changed most downwards, lies below."""
    scene: Array
    """What the scene did there."""

    @classmethod
    def measure(cls, ground: PassGround, fit: SceneFit, numbers: NDArray[np.int16], usable: Mask) -> "_Belts":
        """Of ground numbered by belts, (h, w), on usable slopes."""
        places = [usable & (numbers == belt) for belt in range(int(numbers.max()) + 1)]
        changes = [ground.smoothed(band, fit) for band in range(len(ground.ratio))]
        scenes = [fit.scene(change) for change in changes]
        shares = (_IN_PART, _HALF, _COVERED)
        quartiles = [[_quantiles(change[place], shares) for place in places] for change in changes]
        scene = np.array([[median(one[place]) for place in places] for one in scenes], np.float32)
        return cls(
            below=dict(zip(shares, np.moveaxis(np.array(quartiles, np.float32), -1, 0), strict=True)), scene=scene
        )

    def mirrored(self) -> "_Belts":
        """The same change backwards."""
        return _Belts(below={1.0 - share: -one for share, one in self.below.items()}, scene=-self.scene)

    def snow_line(self, rim_share: float) -> int:
        """The lowest belt that lies under snow; one beyond the last where none does. The lowest of all is never.

        Args:
            rim_share: of the highest belt.
        """
        covered, in_part, rim = (self._covered(share) for share in (_COVERED, _IN_PART, rim_share))
        beyond = len(covered)
        above = next((belt + 1 for belt in range(beyond - 1, 0, -1) if not covered[belt]), 1)
        joins = above > 1 and (in_part if above < beyond else rim)[above - 1]
        return above - 1 if joins else above

    def depth(self, line: int, rim_share: float) -> float:
        """How far the belts from a line up lie below the rest, dB, in the polarisation that shows it least."""
        rim_alone = not self._covered(_COVERED)[-1]
        off = self._level() - self.below[rim_share if rim_alone else _HALF]
        return float(np.median(off[:, line:], axis=1).min())

    def _covered(self, share: float) -> list[bool]:
        """Whether so much of a belt lies below what it was and below the rest, in every polarisation."""
        one = self.below[share]
        lies: list[bool] = np.all((one <= _LOWERED_DB) & (one - self._level() <= _BELOW_DB), axis=0).tolist()
        return lies

    def _level(self) -> Array:
        """(P, B) dB that the rest did: the scene there, or the foot of its slopes."""
        return np.maximum(self.scene, self._foot())

    def _foot(self) -> Array:
        """(P, 1) dB that the lowest belts did, as far up as they are as they were in every polarisation."""
        lower, middle, upper = (self.below[share] for share in (_IN_PART, _HALF, _COVERED))
        near = np.all((lower >= -_AS_BEFORE_DB) & (upper <= _AS_BEFORE_DB), axis=0)
        belts = int(np.logical_and.accumulate(near).sum())
        if belts == 0:
            return np.full((len(middle), 1), -np.inf, np.float32)
        return np.asarray(np.median(middle[:, :belts], axis=1, keepdims=True), np.float32)


def _quantiles(values: Array, shares: Sequence[float]) -> list[float]:
    """0 of nothing."""
    return np.quantile(values, shares).tolist() if values.size else [0.0] * len(shares)
