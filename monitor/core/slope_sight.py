"""Which slopes a radar track never sees: those that lie in layover or shadow whenever it passes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from monitor.core.grid import RESOLUTION_M

Sights = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_PIXEL_KM2 = (RESOLUTION_M / 1000.0) ** 2


class Sight(IntEnum):
    """What a track sees of a pixel."""

    NO_SLOPE = 0
    """Too flat to slide, or of unknown elevation."""
    SEEN = 1
    BLIND = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSight:
    """What one track sees of the slopes of the tiles that it reaches."""

    slopes_km2: float
    blind_km2: float

    @property
    def blind_share(self) -> float:
        """0 to 1; 0 where there are no slopes."""
        return self.blind_km2 / self.slopes_km2 if self.slopes_km2 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindSlopes:
    """What radar sees of the slopes of a region."""

    tracks: Mapping[str, TrackSight] = field(default_factory=dict)
    """By relative orbit and direction, such as R046-ascending."""
    together: TrackSight = field(default_factory=lambda: TrackSight(slopes_km2=0.0, blind_km2=0.0))
    """Of the tiles that any track reaches; blind is what none of them sees."""
    not_seen_km2: float = 0.0
    """Of what no track sees, the part that optics have not seen lately either: nobody watches it."""
    unknown_tiles: int = 0
    """Tiles that a track looked at for which this has not been worked out."""


def track_of(comparable: str) -> str:
    """Relative orbit and direction of a radar comparability class (`Acquisition.comparable`)."""
    return "-".join(comparable.split(":")[1:3])


def slope_sight(blind: Mask, slope_deg: NDArray[np.float32], least_slope_deg: float) -> Sights:
    """(H, W) Sight of a track.

    Args:
        blind: (H, W) layover or shadow (`RadarGeometry.blind`).
        slope_deg: (H, W); NaN = unknown.
        least_slope_deg: what counts as a slope (`AlertSettings.seed_slope_deg`).
    """
    sights = np.where(blind, np.uint8(Sight.BLIND), np.uint8(Sight.SEEN))
    return np.where(slope_deg >= least_slope_deg, sights, np.uint8(Sight.NO_SLOPE))


def unseen(sights: Iterable[Sights]) -> Mask:
    """(H, W) slopes that none of the tracks sees, of at least one."""
    return np.asarray(np.logical_and.reduce([one == Sight.BLIND for one in sights]), dtype=np.bool_)


class SightTally:
    """Adds up tiles."""

    def __init__(self) -> None:
        self._slopes: dict[str, int] = {}
        self._blind: dict[str, int] = {}
        self._all = [0, 0]
        self._by_nobody = 0
        self._unknown = 0

    def add(self, inside: Mask, sights: Mapping[str, Sights], tracks: Iterable[str], clear: Mask) -> None:
        """Count one tile.

        Args:
            inside: (256, 256) pixels of the region.
            sights: what is known, by track.
            tracks: those that looked at the tile.
            clear: (256, 256) pixels that optics saw lately.
        """
        known = {track: sights[track] for track in sorted(set(tracks)) if track in sights}
        self._unknown += len(known) < len(set(tracks))
        for track, one in known.items():
            self._slopes[track] = self._slopes.get(track, 0) + int((inside & (one != Sight.NO_SLOPE)).sum())
            self._blind[track] = self._blind.get(track, 0) + int((inside & (one == Sight.BLIND)).sum())
        if known:
            self._all[0] += int((inside & (next(iter(known.values())) != Sight.NO_SLOPE)).sum())
            blind = inside & unseen(known.values())
            self._all[1] += int(blind.sum())
            self._by_nobody += int((blind & ~clear).sum())

    def total(self) -> BlindSlopes:
        """What was counted."""
        return BlindSlopes(
            tracks={track: _sight(slopes, self._blind[track]) for track, slopes in sorted(self._slopes.items())},
            together=_sight(*self._all),
            not_seen_km2=self._by_nobody * _PIXEL_KM2,
            unknown_tiles=self._unknown,
        )


def _sight(slopes: int, blind: int) -> TrackSight:
    return TrackSight(slopes_km2=slopes * _PIXEL_KM2, blind_km2=blind * _PIXEL_KM2)
