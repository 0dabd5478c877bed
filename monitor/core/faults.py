"""What the ground cannot do: how a look contradicts its earlier looks, its metadata or physics as a whole.

Every rule asks for one signature that ground, weather and season do not have, on most of the scene: a landslide, even
half a valley of them, brightens, darkens and roughens, but it does not move the hedges between the scars, does not add
the same number to three bands, and does not cut upright rectangles. What fits no signature is processed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from monitor.core.gaps import Gap
from monitor.core.grid import RESOLUTION_M
from monitor.core.registration import Matching, SceneShift

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

SHIFT_PX = 1.8
"""Optics: Sentinel-2 passes lie within 12 m of the ground, and within 5 m of each other since 2021 (a refined
geolocation); the worst real pair at hand lies 9 m apart. 30 m must be found, also against such a pair."""
RADAR_SHIFT_PX = 2.0
RADAR_SHIFT_NATIVE = 0.75
"""Radar: two pixels of 10 m, or three quarters of a coarser one (30 m pixels: 22.5 m; real passes stay below 11 m)."""
_LEAST_PATCHES = 6
_AGREEMENT = 0.6

OFFSET = 0.1
"""BOA_ADD_OFFSET of Sentinel-2, as reflectance: what is missing or doubled when it goes wrong."""
_OFFSET_TOLERANCE = 0.03
"""Around OFFSET at every dark quantile and between bands: a sun that scales dark ground by 1.3 moves it by 0.02."""
_QUANTILES = (0.02, 0.10, 0.25)
_LIKELY_DARK = 0.08
"""Earlier looks whose darkest 2 % lie above this in any band may lack their offset themselves."""
_BELOW_NOTHING = -0.02
"""A quarter of clear ground this dark in every band: atmospheric correction goes below 0 in deep shade only."""
_ABOVE_EVERYTHING = 1.2
_THIN = 4
_PART_PX = 128
_LEAST_SAMPLES = 150
_LEAST_PARTS = 2
_MOST_PARTS = 0.6

_POWER_FLOOR, _POWER_CEILING = -1.0, 5.0
"""Between these lies the median of every land and sea in linear gamma0; noise removal goes a little below 0."""


class Fault(StrEnum):
    """Why an acquisition is parked, as counted and shown."""

    MISREGISTERED = "misregistered"
    ZERO_FILLED = "zero-filled"
    OFFSET_MISSING = "offset-missing"
    OFFSET_DOUBLED = "offset-doubled"
    IMPOSSIBLE_REFLECTANCE = "impossible-reflectance"
    NOT_LINEAR_POWER = "not-linear-power"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault and what shows it, as a clause."""

    fault: Fault
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DarkLevels:
    """The dark end of one part of a scene (128 x 128 px). Arrays are (3, 3): band by quantile 2, 10 and 25 %."""

    now: Array
    before: Array | None
    """None without earlier looks there."""


def optical_matching(tiles: int) -> Matching:
    """How optical looks of so many tiles are matched; patches of small scenes overlap, so that there are enough."""
    return Matching(stride_px=32 if tiles < 8 else 64)


def radar_matching(native_m: float) -> Matching:
    """Radar patches are larger and smoothed as wide as a native pixel, 15 m at least, against speckle."""
    native_px = max(native_m / RESOLUTION_M, 1.0)
    return Matching(
        patch_px=64 if native_px < 2 else 128,
        stride_px=32 if native_px < 2 else 64,
        smooth_px=max(native_px, 1.5),
        reach_px=round(8 + 2 * native_px),
        scale_px=native_px,
    )


def misregistered(shift: SceneShift | None, limit_px: float) -> Finding | None:
    """The scene as a whole lies `limit_px` or more beside earlier looks, and its patches agree on where."""
    if shift is None or shift.patches < _LEAST_PATCHES or shift.agreement < _AGREEMENT:
        return None
    if shift.length_px < limit_px:
        return None
    where = f"{round(shift.length_px * RESOLUTION_M)} m {_compass(shift)}"
    agree = f"{shift.agreement:.0%} of {shift.patches} patches on {shift.tiles} tile{'s' if shift.tiles > 1 else ''}"
    return Finding(fault=Fault.MISREGISTERED, detail=f"the scene lies {where} of earlier looks ({agree} agree)")


def radar_limit_px(native_m: float) -> float:
    """From which shift a radar pass is misregistered."""
    return max(RADAR_SHIFT_PX, RADAR_SHIFT_NATIVE * native_m / RESOLUTION_M)


def zero_filled(gap: Gap | None) -> Finding | None:
    """Blocks without pixels inside the declared footprint."""
    if gap is None:
        return None
    blocks = "an upright block" if gap.blocks == 1 else f"{gap.blocks} upright blocks"
    detail = f"{blocks} inside the declared footprint, {gap.share:.0%} of it over the region, holds no data"
    return Finding(fault=Fault.ZERO_FILLED, detail=detail)


def dark_levels(now: Array, before: Array | None, seen: Mask) -> list[DarkLevels]:
    """The dark end of every part of a tile that shows enough ground.

    Args:
        now, before: (3, H, W) reflectance; before is NaN where there was no look, None without any.
        seen: (H, W) clear ground of the look.
    """
    thin = (slice(None, None, _THIN), slice(None, None, _THIN))
    side = _PART_PX // _THIN
    now, seen = now[:, *thin], seen[thin] & np.isfinite(now[:, *thin]).all(axis=0)
    if before is not None:
        before = before[:, *thin]
        known = seen & np.isfinite(before).all(axis=0)
        # Both over the same ground, or now alone.
        before, seen = (before, known) if known.sum() >= _LEAST_SAMPLES else (None, seen)
    parts = []
    for top in range(0, seen.shape[0], side):
        for left in range(0, seen.shape[1], side):
            window = (slice(top, top + side), slice(left, left + side))
            inside = seen[window]
            if inside.sum() >= _LEAST_SAMPLES:
                earlier = None if before is None else _dark(before[:, *window][:, inside])
                parts.append(DarkLevels(now=_dark(now[:, *window][:, inside]), before=earlier))
    return parts


def offset_fault(parts: Sequence[DarkLevels]) -> Finding | None:
    """The same 0.1 above or below earlier looks in every band and at every dark level; or what no ground reflects.

    Sun, haze and season scale a scene, or lift blue above red. An offset that was dropped or applied twice adds the
    same number to all bands and to dark and bright alike. It may have happened to the earlier looks: a look is at
    fault only if they are as dark as ground is (missing), or if its own darkest ground is darker than nothing
    (doubled). So a wrong first look never parks the right ones after it.
    """
    missing = [one.before is not None and _is_offset(one, one.before, 1.0) for one in parts]
    if _most(missing):
        detail = f"red, green and blue all lie {OFFSET} above earlier looks (darkest ground {_darkest(parts)})"
        return Finding(fault=Fault.OFFSET_MISSING, detail=detail)
    doubled = [one.before is not None and _is_offset(one, one.before, -1.0) for one in parts]
    if _most(doubled):
        detail = f"red, green and blue all lie {OFFSET} below earlier looks (darkest ground {_darkest(parts)})"
        return Finding(fault=Fault.OFFSET_DOUBLED, detail=detail)
    if _most([bool((one.now[:, -1] < _BELOW_NOTHING).all()) for one in parts]):
        detail = "a quarter of the clear ground reflects less than nothing in red, green and blue"
        return Finding(fault=Fault.OFFSET_DOUBLED, detail=detail)
    if _most([bool((one.now[:, -1] > _ABOVE_EVERYTHING).all()) for one in parts]):
        detail = "three quarters of the clear ground reflect more light than falls on it"
        return Finding(fault=Fault.IMPOSSIBLE_REFLECTANCE, detail=detail)
    return None


def not_linear_power(power: Array) -> Finding | None:
    """Numbers that are no linear power: decibels, amplitudes or digital numbers.

    Args:
        power: what a radar file holds, any shape; NaN and 0 = no data.
    """
    values = power[np.isfinite(power) & (power != 0)]
    if values.size < _LEAST_SAMPLES:
        return None
    middle = float(np.median(values))
    if _POWER_FLOOR < middle < _POWER_CEILING:
        return None
    what = "decibels" if middle < 0 else "amplitudes or digital numbers"
    detail = f"half of its pixels lie below {middle:.1f}, as {what} do and linear backscatter (0 to 1) does not"
    return Finding(fault=Fault.NOT_LINEAR_POWER, detail=detail)


def _dark(values: Array) -> Array:
    """(3, 3) quantiles of (3, N) reflectances."""
    return np.quantile(values, _QUANTILES, axis=1).T.astype(np.float32)


def _is_offset(part: DarkLevels, before: Array, sign: float) -> bool:
    added = part.now - before
    near = np.abs(added - sign * OFFSET) <= _OFFSET_TOLERANCE
    alike = np.ptp(added, axis=0) <= _OFFSET_TOLERANCE
    at_fault = (before[:, 0] < _LIKELY_DARK) if sign > 0 else (part.now[:, 0] < _BELOW_NOTHING)
    return bool(near.all() and alike.all() and at_fault.all())


def _darkest(parts: Sequence[DarkLevels]) -> str:
    return ", ".join(f"{value:.2f}" for value in np.median([one.now[:, 0] for one in parts], axis=0))


def _most(parts: Sequence[bool]) -> bool:
    return len(parts) >= _LEAST_PARTS and sum(parts) >= _MOST_PARTS * len(parts)


def _compass(shift: SceneShift) -> str:
    names = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
    bearing = np.degrees(np.arctan2(shift.right_px, -shift.down_px))
    return names[round(float(bearing) / 45.0) % 8]
