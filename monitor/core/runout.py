"""Where debris of an event could go further down: a rule of thumb, no forecast.

Debris flows from every pixel of the changed ground to the lower ones around it, the more the steeper (multiple flow
direction of Holmgren 1994, doi:10.1002/hyp.3360080405, exponent 4, as in Flow-R, Horton et al. 2013,
doi:10.5194/nhess-13-869-2013); what becomes less than three in a thousand of a pixel is left out. It stops where the
line from its start to it becomes less steep than the angle of reach (Fahrböschung), which is the lower the more there
is: log10(tan reach) = -0.085 log10 V - 0.047 (Corominas 1996, doi:10.1139/t96-005, all landslides), with the volume of
a landslide of that area, V = 0.074 A^1.450 (Guzzetti et al. 2009, doi:10.1016/j.epsl.2009.01.005). It never goes up,
so it also stops in a hollow of the elevation model; water in a channel may carry it much farther.
"""

import heapq
import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from monitor.core.bearing import bearing_deg, compass
from monitor.core.canvas import Canvas
from monitor.core.clusters import outline
from monitor.core.grid import RESOLUTION_M, project
from monitor.core.terrain import gradient
from monitor.records import Runout

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

MOST_HA = 300.0
"""Larger changed ground is many slopes, of which no one angle of reach is right."""
_EXPONENT = 4
_LEAST = 0.003
"""Share of a pixel's debris below which it is followed no further."""
_ONE_WAY = 0.3
"""Length of the mean downhill vector over the mean of their lengths; less, and slopes face every way."""
_RING = tuple((down, east) for down in (-1, 0, 1) for east in (-1, 0, 1) if (down, east) != (0, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What debris reaches beyond the ground it starts from."""

    reached: Mask
    """(H, W) without the source."""
    length_m: float
    """Along the way from the source to the farthest pixel."""
    drop_m: float
    complete: bool
    """False: some of it goes on where elevation is not known."""


def reach_angle_deg(area_ha: float) -> float:
    """Angle of reach of a landslide of this area, degrees; sources above."""
    volume_m3 = 0.074 * max(area_ha, 1e-4) ** 1.450 * 10_000.0**1.450
    tangent = 10.0**-0.047 * volume_m3**-0.085
    return float(math.degrees(math.atan(tangent)))


def runout(elevation_m: Array, source: Mask, canvas: Canvas, area_ha: float) -> tuple[Runout, BaseGeometry | None]:
    """Where debris could go, and its outline in the CRS of the canvas.

    Args:
        elevation_m: (H, W) of the canvas; NaN = unknown.
        source: (H, W) the event's pixels.
        area_ha: at most `MOST_HA`.
    """
    reach_deg = reach_angle_deg(area_ha)
    flow = flow_down(elevation_m, source, math.tan(math.radians(reach_deg)))
    whole = (slice(0, canvas.shape[0]), slice(0, canvas.shape[1]))
    ground = outline(flow.reached, whole, canvas) if flow.reached.any() else None
    direction = downhill_deg(elevation_m, source)
    found = Runout(
        downhill_deg=direction,
        compass=None if direction is None else compass(direction),
        reach_deg=reach_deg,
        area=None if ground is None else project(ground, canvas.epsg, 4326),
        length_m=flow.length_m,
        drop_m=flow.drop_m,
        complete=flow.complete,
    )
    return found, ground


def told(found: Runout) -> str:
    """In words: "falls to the NE; debris could go 180 m further, 60 m lower (rule of thumb)"."""
    direction = f"falls to the {found.compass}" if found.compass else "falls in several directions"
    if found.length_m > 0:
        way = f"debris could go {found.length_m:.0f} m further, {found.drop_m:.0f} m lower (rule of thumb)"
    else:
        way = "debris hardly goes further (rule of thumb)"
    beyond = "" if found.complete else ", and on where no elevation is known"
    return f"{direction}; {way}{beyond}"


def downhill_deg(elevation_m: Array, source: Mask) -> float | None:
    """Main direction downhill of the source, degrees clockwise from north; None where it has none."""
    rows, columns = _window(source, 2)
    if not source.any():
        return None
    east, south = gradient(elevation_m[rows, columns], RESOLUTION_M)
    chosen = source[rows, columns] & np.isfinite(east) & np.isfinite(south)
    if not chosen.any():
        return None
    # Downhill is against the rise: to the west of what rises eastwards, to the north of what rises southwards.
    vector = -float(east[chosen].mean()), float(south[chosen].mean())
    mean = float(np.hypot(east[chosen], south[chosen]).mean())
    if mean == 0.0 or math.hypot(*vector) < _ONE_WAY * mean:
        return None
    return bearing_deg(*vector)


def flow_down(elevation_m: Array, source: Mask, reach_tangent: float) -> Flow:
    """What debris of the source reaches, going strictly down; method above.

    Args:
        elevation_m: (H, W) on the 10 m grid; NaN = unknown.
        source: (H, W); pixels of unknown elevation start nothing.
    """
    reached = np.zeros(source.shape, dtype=np.bool_)
    begun = source & np.isfinite(elevation_m)
    if not begun.any():
        return Flow(reached=reached, length_m=0.0, drop_m=0.0, complete=not source.any())
    height_m = float(elevation_m[begun].max() - np.nanmin(elevation_m))
    margin_px = int(height_m / reach_tangent / RESOLUTION_M) + 2
    rows, columns = _window(begun, margin_px)
    # One row and column of unknown ground around: every pixel has eight neighbours, and going beyond is seen.
    ground = np.pad(elevation_m[rows, columns].astype(np.float64), 1, constant_values=np.nan)
    walk = _Walk(width=ground.shape[1], heights=ground.ravel().tolist(), reach_tangent=reach_tangent)
    walk.go(np.flatnonzero(np.pad(begun[rows, columns], 1)).tolist())
    inner = np.zeros(ground.shape, dtype=np.bool_)
    inner.ravel()[list(walk.reached)] = True
    reached[rows, columns] = inner[1:-1, 1:-1]
    length_m, drop_m = walk.farthest
    return Flow(reached=reached, length_m=length_m, drop_m=drop_m, complete=walk.complete)


def _window(mask: Mask, margin_px: int) -> tuple[slice, slice]:
    """The rectangle around what is True, and so much more on every side."""
    found = []
    for axis in (1, 0):
        places = np.flatnonzero(mask.any(axis=axis))
        first, last = (int(places[0]), int(places[-1])) if places.size else (0, -1)
        found.append(slice(max(0, first - margin_px), last + 1 + margin_px))
    return found[0], found[1]


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Pixels from the highest down: what flows into one has all come when it is its turn."""

    width: int
    heights: list[float]
    """Flattened; NaN is unknown, also all around."""
    reach_tangent: float
    share: dict[int, float] = field(default_factory=dict)
    line: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    """Height of the line of reach over a pixel, the way there from the source, and the height where it left that."""
    reached: set[int] = field(default_factory=set)
    farthest: tuple[float, float] = (0.0, 0.0)
    """Length and drop, m."""
    complete: bool = True

    def go(self, sources: list[int]) -> None:
        """Follow debris until it stops everywhere."""
        started = set(sources)
        steps = [(down * self.width + east, RESOLUTION_M * math.hypot(down, east)) for down, east in _RING]
        waiting = [(-self.heights[place], place) for place in sources]
        heapq.heapify(waiting)
        seen = set(sources)
        while waiting:
            falling, place = heapq.heappop(waiting)
            height = -falling
            if place in started:
                above = self.line.get(place, (height, 0.0, height))[0]
                part, over = 1.0, (max(above, height), 0.0, height)
            else:
                part, over = min(self.share[place], 1.0), self.line[place]
                if part < _LEAST or over[0] < height:
                    continue
                self.reached.add(place)
                self.farthest = max(self.farthest, (over[1], over[2] - height))
            for lower in self._flow(place, height, part, over, steps):
                if lower not in seen:
                    seen.add(lower)
                    heapq.heappush(waiting, (-self.heights[lower], lower))

    def _flow(
        self, place: int, height: float, part: float, over: tuple[float, float, float], steps: list[tuple[int, float]]
    ) -> list[int]:
        """Hand what is on a pixel to the lower ones around it, which are returned."""
        line, way_m, left_m = over
        below: list[tuple[int, float, float]] = []
        for step, metres in steps:
            there = self.heights[place + step]
            if there < height:
                below.append((place + step, metres, ((height - there) / metres) ** _EXPONENT))
            elif math.isnan(there):
                self.complete = False
        whole = math.fsum(weight for _, _, weight in below)
        for lower, metres, weight in below:
            self.share[lower] = self.share.get(lower, 0.0) + part * weight / whole
            passing = (line - self.reach_tangent * metres, way_m + metres, left_m)
            self.line[lower] = max(self.line.get(lower, passing), passing)
        return [lower for lower, _, _ in below]
