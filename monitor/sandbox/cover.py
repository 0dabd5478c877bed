"""Land cover: what grows, flows and stands where. It does not change between acquisitions; fields do (`fields.py`)."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.sandbox.fields import Parcels, lay_parcels
from monitor.sandbox.frame import Frame, fractal, stream
from monitor.sandbox.terrain import Relief, pixel_centres


class Cover(IntEnum):
    """Kinds of ground; the value is the row in the table of spectra."""

    BROADLEAF = 0
    CONIFER = 1
    MEADOW = 2
    FIELD = 3
    WATER = 4
    GRAVEL = 5
    ROAD = 6
    ROOF = 7
    ROCK = 8
    SCRUB = 9
    """Young trees and bushes: riverside, clearings, overgrown cuts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LandCover:
    """Cover of the padded frame, 10 m pixels."""

    kind: NDArray[np.uint8]
    """(padded, padded) Cover."""
    parcels: Parcels
    flood: NDArray[np.bool_]
    """Ground the storm's flood turns to fresh gravel."""
    stands: NDArray[np.float32]
    """(padded, padded) tone of the stand of trees, standard deviation 1."""

    @property
    def canopy_m(self) -> NDArray[np.float32]:
        """Height of what stands on the ground, (padded, padded)."""
        height = np.zeros(len(Cover), dtype=np.float32)
        height[[Cover.BROADLEAF, Cover.CONIFER, Cover.SCRUB, Cover.ROOF]] = [18.0, 24.0, 4.0, 6.0]
        return np.asarray(height[self.kind], dtype=np.float32)


def grow_cover(frame: Frame, relief: Relief, seed: int) -> LandCover:
    """Cover that follows the relief: forest on slopes, meadows on gentle ground, fields and a river on the floor."""
    side = frame.padded_px
    rng = stream(seed, "cover")
    edge = fractal(side, rng, beta=2.6, longest_px=60)
    stands = _stands(side, rng)
    kind = _hills(relief, stands, edge, fractal(side, rng, beta=3.0, longest_px=140))
    kind = _outcrops(kind, relief, rng)
    parcels = lay_parcels(frame, relief, seed)
    # Fields reach a little up the foot slopes, never further than machines can work.
    gentle = ndimage.uniform_filter(relief.slope_deg, 5) < 6.0
    tilled = (relief.outside_m < 25.0 + 25.0 * edge) & gentle
    kind[tilled] = Cover.FIELD
    kind[tilled & (parcels.lane > 0)] = Cover.ROAD
    _settle(kind, parcels, rng)
    flood = _river(kind, relief, edge)
    return LandCover(kind=kind, parcels=parcels, flood=flood, stands=stands)


def _stands(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A tone per stand of trees: cells about random points with wavy borders, standard deviation about 1."""
    count = max(side * side // 350, 8)
    points = rng.uniform(0, side, (count, 2)).astype(int)
    seeds = np.ones((side, side), dtype=bool)
    seeds[points[:, 0], points[:, 1]] = False
    tone = np.zeros((side, side), dtype=np.float32)
    tone[points[:, 0], points[:, 1]] = rng.standard_normal(count)
    nearest = ndimage.distance_transform_edt(seeds, return_distances=False, return_indices=True)
    cells = tone[nearest[0], nearest[1]]
    shift = [4.0 * fractal(side, rng, beta=2.6, longest_px=16) for _ in range(2)]
    rows, columns = np.indices((side, side))
    wavy = cells[
        np.clip(rows + shift[0], 0, side - 1).astype(int), np.clip(columns + shift[1], 0, side - 1).astype(int)
    ]
    regional = fractal(side, rng, beta=3.5, longest_px=200)
    return np.asarray(0.75 * wavy + 0.65 * regional, dtype=np.float32)


def _hills(
    relief: Relief, stands: NDArray[np.float32], edge: NDArray[np.float32], openness: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Forest of two kinds, meadows where it is gentle and somebody cleared it, clearings with young growth."""
    kind = np.full(stands.shape, Cover.BROADLEAF, dtype=np.uint8)
    height = relief.elevation_m - np.float32(relief.elevation_m.min())
    # Conifers high up, on shaded slopes and where they were planted.
    shade = -1.6 * ndimage.gaussian_filter(relief.north, 6.0)
    kind[stands + shade + (height - 260.0) / 220.0 > 0.45] = Cover.CONIFER
    slope = ndimage.gaussian_filter(relief.slope_deg, 6.0)
    foot = np.clip(1.0 - relief.outside_m / 500.0, 0.0, 1.0)
    meadow = openness + 0.16 * edge + 0.9 * foot - (slope - 15.0) / 6.0 > 0.85
    kind[meadow] = Cover.MEADOW
    kind[~meadow & (stands > 2.1)] = Cover.SCRUB
    # Side valleys are mown along the brook, the brook itself is overgrown.
    kind[(relief.brook_m < 42.0 + 18.0 * edge) & (slope < 17.0) & (openness > -0.9)] = Cover.MEADOW
    kind[(relief.brook_m < 14.0 + 3.0 * edge) & (kind == Cover.MEADOW)] = Cover.SCRUB
    return kind


def _outcrops(kind: NDArray[np.uint8], relief: Relief, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A quarry and a few bare rocks on steep ground: bright on slopes on every date, and no landslides."""
    steep = np.argwhere((relief.slope_deg > 27.0) & (relief.outside_m > 60.0))
    near = np.argwhere((relief.slope_deg > 18.0) & (relief.outside_m > 20.0) & (relief.outside_m < 200.0))
    rough = fractal(kind.shape[0], rng, beta=2.4, longest_px=14)
    rows, columns = np.indices(kind.shape)
    for spots, count, radius in ((steep, 6, 2.4), (near, 1, 8.0)):
        for row, column in spots[rng.integers(0, max(len(spots), 1), count if len(spots) else 0)]:
            reach = np.hypot(rows - row, columns - column) + 1.6 * rough
            kind[reach < radius * rng.uniform(0.7, 1.2)] = Cover.ROCK
    return kind


def _settle(kind: NDArray[np.uint8], parcels: Parcels, rng: np.random.Generator) -> None:
    """Villages along the lanes and lone farms: roofs and yards of one to three pixels."""
    side = kind.shape[0]
    lanes = np.argwhere((kind == Cover.ROAD) & (parcels.lane > 0))
    if not len(lanes):
        return
    centres = lanes[rng.integers(0, len(lanes), 3 + side // 130)]
    for centre in centres:
        houses = int(rng.choice([4, 9, 60], p=[0.45, 0.3, 0.25]))
        spread = 2.0 + 1.2 * np.sqrt(houses)
        for row, column in np.round(centre + rng.normal(0.0, spread, (houses, 2))).astype(int):
            height, width = rng.integers(1, 3, 2)
            if 0 <= row < side - 3 and 0 <= column < side - 3 and kind[row, column] in (Cover.FIELD, Cover.MEADOW):
                kind[row : row + height, column : column + width] = Cover.ROOF


def _river(kind: NDArray[np.uint8], relief: Relief, edge: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Draw water, bars on inner bends and riverside bushes; returns what a flood will cover with fresh gravel."""
    x, y = pixel_centres(kind.shape[0], 10.0)
    near = relief.outside_m < 60.0
    distance = np.full(kind.shape, np.inf)
    inner = np.zeros(kind.shape)
    distance[near], inner[near] = relief.floor.river_distance(x[near], y[near])
    wander = 5.0 * edge
    water = 17.0 + 0.5 * wander
    bar = water + 8.0 + 38.0 * np.clip(inner, 0.0, 1.0) ** 1.5 + wander
    kind[distance < bar + 34.0 + 3.0 * wander] = Cover.SCRUB
    kind[distance < bar] = Cover.GRAVEL
    kind[distance < water] = Cover.WATER
    flooded = water + 14.0 + 65.0 * np.clip(inner + 0.1, 0.0, 1.0) + 3.0 * wander
    return np.asarray((distance < flooded) & (distance >= water), dtype=np.bool_)
