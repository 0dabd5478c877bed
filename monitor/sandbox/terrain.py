"""Relief: hills cut by rivers until every slope drains to the valley floor.

Detachment-limited river incision dz/dt = U - K A^m S (Howard 1994) in the implicit form of Braun & Willett (2013,
doi:10.1016/j.geomorph.2012.10.008), run from coarse to fine, gives the branching ridges and hollows that noise lacks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from monitor.core.grid import RESOLUTION_M
from monitor.sandbox.floor import ValleyFloor, make_floor
from monitor.sandbox.frame import PAD_PX, Frame, fractal, stream

_CELL_M = 30.0
_MARGIN_M = 600.0
"""Ground outside the padded scene: its closed outer border makes a false ridge, which is cut off."""
_EXPONENT = 0.42
"""m in A^m: concavity of the rivers."""
_HEAD_AREA_M2 = 1800.0
"""Upslope area at which a slope has its full steepness."""
_HEAD_SLOPE = 0.78
"""Tangent of that slope before the local variation."""
_CREEP_M = 36.0
"""Blur (standard deviation) by soil creep while the ground rises 25 m: rounds ridges, sets the spacing of hollows."""
_LEVELS = ((4, 45, 25.0), (2, 16, 12.0), (1, 9, 6.0))
"""Cells of 30 m, steps and uplift (m) per step, from coarse to fine."""
_BROOK_M2 = 6e5
"""Upslope area at which a side valley has a brook with open ground beside it."""
_RELIEF_M = (340.0, 640.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """The ground, with its rim. Arrays are (padded, padded) float32, 10 m pixels, north up."""

    elevation_m: NDArray[np.float32]
    slope_deg: NDArray[np.float32]
    east: NDArray[np.float32]
    """dz/dx towards the east, m/m."""
    north: NDArray[np.float32]
    """dz/dy towards the north, m/m."""
    outside_m: NDArray[np.float32]
    """Distance to the valley floor, negative on it."""
    brook_m: NDArray[np.float32]
    """Distance to the nearest brook of a side valley."""
    floor: ValleyFloor


def build_relief(frame: Frame, seed: int) -> Relief:
    """Relief of a frame: the floor, the hills eroded towards it, and detail below 30 m."""
    side_m = frame.padded_px * RESOLUTION_M + 2 * _MARGIN_M
    floor = make_floor(seed, frame.size_px * RESOLUTION_M)
    eroded, brooks = _erode(floor, side_m, seed)
    coarse = _scale_relief(eroded, floor, side_m)
    x, y = pixel_centres(frame.padded_px, RESOLUTION_M)
    outside = floor.outside_m(x, y).astype(np.float32)
    warp = _warp(outside, seed)
    fine = _refine(coarse, warp)
    brook = _refine(ndimage.distance_transform_edt(~brooks) * _CELL_M, warp)
    fine += _detail(frame.padded_px, seed) * np.clip(outside / 120.0, 0.0, 1.0)
    fine += np.float32(stream(seed, "base level").uniform(220.0, 480.0))
    south, east = np.gradient(ndimage.gaussian_filter(fine, 1.0), RESOLUTION_M)
    slope = np.degrees(np.arctan(np.hypot(south, east))).astype(np.float32)
    return Relief(
        elevation_m=fine, slope_deg=slope, east=east, north=-south, outside_m=outside, brook_m=brook, floor=floor
    )


def elevation_model(
    frame: Frame, relief: Relief, canopy_m: NDArray[np.float32], seed: int
) -> tuple[NDArray[np.float32], float]:
    """A 30 m surface model like the Copernicus DEM: part of the canopy stays in it, and radar noise.

    Returns:
        (h, w) float32 elevation, and its margin (m) around the scene on every side.
    """
    margin_px = 27
    cells = -(-(frame.size_px + 2 * margin_px) // 3)
    start, stop = PAD_PX - margin_px, PAD_PX - margin_px + 3 * cells
    surface = (relief.elevation_m + 0.6 * canopy_m)[start:stop, start:stop]
    mean = surface.reshape(cells, 3, cells, 3).mean(axis=(1, 3))
    noise = fractal(cells, stream(seed, "dem noise"), beta=1.0)
    return (mean + 0.5 * noise).astype(np.float32), margin_px * RESOLUTION_M


def pixel_centres(side: int, cell_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x east and y south of the pixel centres of a square about the origin, each (side, side)."""
    at = (np.arange(side) + 0.5 - side / 2.0) * cell_m
    return np.broadcast_to(at[None, :], (side, side)), np.broadcast_to(at[:, None], (side, side))


def _erode(floor: ValleyFloor, side_m: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Erosion on 120, 60 and 30 m cells.

    Returns:
        elevation above the floor's lower end on 30 m cells, (n, n), and where brooks run outside of the floor.
    """
    height: NDArray[np.float64] | None = None
    brooks = np.zeros((1, 1), dtype=bool)
    for factor, steps, uplift in _LEVELS:
        cell = _CELL_M * factor
        side = int(np.ceil(side_m / (_CELL_M * 4))) * 4 // factor
        rng = stream(seed, f"erosion {factor}")
        x, y = pixel_centres(side, cell)
        base = floor.outside_m(x, y) <= 0.0
        level = floor.elevation_m(x, y)
        rough = fractal(side, rng, beta=2.0, longest_px=20)
        height = level + 20.0 + 8.0 * rough if height is None else ndimage.zoom(height, 2, order=1) + 1.0 * rough
        steepness = _HEAD_SLOPE * np.exp(0.28 * _regional(side, seed))
        height = np.where(base, level, np.maximum(height, level + 0.1))
        for _ in range(steps):
            # Eight directions of flow would leave straight valleys: every step routes over slightly different bumps.
            bumps = ndimage.gaussian_filter(rng.standard_normal((side, side)), 1.0) * 0.06 * cell
            routes = _routes(np.where(base, level, height + bumps), base, cell)
            height = _incise(height, base, cell, uplift, steepness, routes)
            if factor == 1:
                brooks = (_upslope_area(*routes, cell).reshape(side, side) > _BROOK_M2) & ~base
    assert height is not None
    return height, brooks


def _regional(side: int, seed: int) -> NDArray[np.float64]:
    """Harder and softer rock: the same smooth pattern at every resolution, standard deviation 1."""
    pattern = fractal(64, stream(seed, "rock"), beta=3.0, longest_px=24)
    return np.asarray(ndimage.zoom(pattern, side / 64.0, order=3)[:side, :side], dtype=np.float64)


def _incise(
    height: NDArray[np.float64],
    base: NDArray[np.bool_],
    cell_m: float,
    uplift: float,
    steepness: NDArray[np.float64],
    routes: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> NDArray[np.float64]:
    """One long implicit step: soil creep, then uplift and incision; base cells stay."""
    order, receiver = routes
    area = _upslope_area(order, receiver, cell_m)
    steps_m = _step_length(receiver, height.shape[1], cell_m)
    strength = uplift / (steepness.ravel() * _HEAD_AREA_M2**_EXPONENT) * area**_EXPONENT / steps_m
    crept = ndimage.gaussian_filter(height, _CREEP_M * np.sqrt(uplift / 25.0) / cell_m)
    heights: list[float] = np.where(base, height, crept).ravel().tolist()
    pull: list[float] = strength.tolist()
    for node, target in zip(order.tolist(), receiver[order].tolist(), strict=True):
        if target >= 0:
            heights[node] = (heights[node] + uplift + pull[node] * heights[target]) / (1.0 + pull[node])
    return np.array(heights).reshape(height.shape)


def _routes(
    height: NDArray[np.float64], base: NDArray[np.bool_], cell_m: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each cell drains: by steepest descent, and out of pits over their lowest rim.

    The minimum spanning tree over edges weighted by their higher end is the tree of a priority flood (Barnes et al.
    2014); a tiny bonus for steep edges makes it follow the steepest descent where there is one.

    Returns:
        cells from the base upwards (the root left out), and the receiver of every cell (-1 for base cells).
    """
    rows, columns = height.shape
    index = np.arange(rows * columns).reshape(rows, columns)
    pairs = [
        (index[:, :-1], index[:, 1:], 1.0),
        (index[:-1], index[1:], 1.0),
        (index[:-1, :-1], index[1:, 1:], np.sqrt(2.0)),
        (index[:-1, 1:], index[1:, :-1], np.sqrt(2.0)),
    ]
    flat = height.ravel() - height.min() + 1.0
    a = np.concatenate([p.ravel() for p, _, _ in pairs])
    b = np.concatenate([q.ravel() for _, q, _ in pairs])
    length = np.concatenate([np.full(p.size, step * cell_m) for p, _, step in pairs])
    weight = np.maximum(flat[a], flat[b]) - 1e-7 * np.abs(flat[a] - flat[b]) / length
    roots = np.flatnonzero(base.ravel())
    root = rows * columns
    weight = np.concatenate([weight, np.full(roots.size, 1e-9)])
    a, b = np.concatenate([a, np.full(roots.size, root)]), np.concatenate([b, roots])
    graph = sparse.coo_matrix((weight, (a, b)), shape=(root + 1, root + 1))
    tree = csgraph.minimum_spanning_tree(graph.tocsr())
    order, parent = csgraph.breadth_first_order(tree, root, directed=False)
    receiver = np.where(parent[:-1] == root, -1, parent[:-1]).astype(np.intp)
    return order[1:].astype(np.intp), receiver


def _upslope_area(order: NDArray[np.intp], receiver: NDArray[np.intp], cell_m: float) -> NDArray[np.float64]:
    """Drained area of every cell, m2, its own included."""
    area = [cell_m * cell_m] * receiver.size
    for node, target in zip(order[::-1].tolist(), receiver[order[::-1]].tolist(), strict=True):
        if target >= 0:
            area[target] += area[node]
    return np.array(area)


def _step_length(receiver: NDArray[np.intp], columns: int, cell_m: float) -> NDArray[np.float64]:
    """Distance from every cell to its receiver, m."""
    here = np.arange(receiver.size)
    target = np.where(receiver >= 0, receiver, here)
    diagonal = (here // columns != target // columns) & (here % columns != target % columns)
    return np.where(diagonal, np.sqrt(2.0) * cell_m, cell_m)


def _scale_relief(height: NDArray[np.float64], floor: ValleyFloor, side_m: float) -> NDArray[np.float64]:
    """Stretch the hills above the floor so that their relief is a hill country's; small frames keep theirs."""
    x, y = pixel_centres(height.shape[0], _CELL_M)
    above = height - floor.elevation_m(x, y)
    relief = float(np.quantile(above, 0.995))
    share = min(1.0, side_m / 9000.0)
    factor = float(np.clip(relief, _RELIEF_M[0] * share, _RELIEF_M[1])) / relief
    return np.asarray(floor.elevation_m(x, y) + above * np.clip(factor, 0.75, 1.3))


def _warp(outside_m: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """(2, side, side) shifts in metres, none on the floor: bends what the eight directions of flow left straight."""
    side = outside_m.shape[0]
    rng = stream(seed, "warp")
    shift = np.stack([fractal(side, rng, beta=4.0, longest_px=70, shortest_px=25) for _ in range(2)])
    return np.asarray(30.0 * shift * np.clip(outside_m / 400.0, 0.0, 1.0), dtype=np.float32)


def _refine(coarse: NDArray[np.float64], shift_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """30 m cells to the 10 m pixels of the padded frame, sampled at shifted places; both squares share their centre."""
    side = shift_m.shape[-1]
    at = (np.arange(side, dtype=np.float32) + 0.5 - side / 2.0) * RESOLUTION_M
    rows = (at[:, None] + shift_m[0]) / _CELL_M + (coarse.shape[0] / 2.0 - 0.5)
    columns = (at[None, :] + shift_m[1]) / _CELL_M + (coarse.shape[0] / 2.0 - 0.5)
    fine = ndimage.map_coordinates(coarse.astype(np.float32), np.stack([rows, columns]), order=3, mode="nearest")
    return np.asarray(fine, dtype=np.float32)


def _detail(side: int, seed: int) -> NDArray[np.float32]:
    """Bumps and rills below the 30 m cells, metres."""
    return 0.5 * fractal(side, stream(seed, "detail"), beta=2.6, longest_px=14, shortest_px=3)
