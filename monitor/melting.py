"""Melting snow that radar itself shows, where optics saw some about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.reference import valid
from monitor.core.water import Cover
from monitor.records import Look, PixelState, Tile
from monitor.scene import Before, Scene, snow_line_in

Mask = NDArray[np.bool_]

_WHITE_SHARE = 0.005
"""Snow on so much of the ground is snow, and not a bright roof or the rim of a cloud."""
_SEASON_SHARE = 0.02
"""Snow on so much of what was seen, at any one time of the season, shows that it is the season. A cloud is taken for
snow more often in many looks than in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """Ground above a height, of what a pass saw."""

    tiles: Mapping[Tile, Mask]
    """(256, 256) each; without tiles there is none."""
    line_m: float
    """The lowest of it."""

    def __str__(self) -> str:
        """As in a sentence."""
        return f"from {self.line_m:.0f} m up on {len(self.tiles)} tile{'s' if len(self.tiles) > 1 else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Melting:
    """Melting snow that a pass of radar shows, or the passes before it."""

    hidden: Above
    """Lies under snow: was not observed."""
    thawed: Above
    """Snow lay there in the reference: was observed, and cannot be compared yet."""

    def told(self) -> str:
        """For the end of a sentence."""
        said = (
            f"; radar sees what looks like melting snow {self.hidden}, and no ground there" if self.hidden.tiles else ""
        )
        if self.thawed.tiles:
            said += f"; not compared {self.thawed}, where earlier passes look like melting snow"
        return said


def snow_is_about(looks: Mapping[Tile, Look], cover: Mapping[Tile, Cover], most_snow: float) -> bool:
    """Whether optics saw snow on what a pass of radar sees, at their last look or this season.

    Otherwise nobody knows of any, and a change of all ground above one height may be slopes that failed.

    Args:
        looks: of the pass, without what optics last saw under snow.
        cover: of the tiles of the pass that optics ever saw.
        most_snow: largest share under snow of what one pass of optics saw of these tiles, this season.
    """
    white = sum(int(one.snow.sum()) for one in cover.values())
    shown = sum(int(valid(look).sum()) for look in looks.values())
    return (white > 0 and white >= _WHITE_SHARE * (white + shown)) or most_snow >= _SEASON_SHARE


def melting_snow(shown: Sequence[Scene], past: Mapping[Tile, Before]) -> Melting:
    """Where a pass or its reference shows melting snow, of every UTM zone."""
    found: dict[bool, dict[Tile, Mask]] = {True: {}, False: {}}
    lines_m: dict[bool, list[float]] = {True: [], False: []}
    for scene in shown:
        line = snow_line_in(scene, past)
        if line is None or not (snow := line.above & (scene.state == PixelState.VALID)).any():
            continue
        found[line.melts].update((tile, mask) for tile, mask in scene.canvas.cut(snow).items() if mask.any())
        lines_m[line.melts].append(line.from_m)
    hidden, thawed = (Above(tiles=found[one], line_m=min(lines_m[one], default=0.0)) for one in (True, False))
    return Melting(hidden=hidden, thawed=thawed)
