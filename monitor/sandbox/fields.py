"""Fields on the valley floor, and what is done to them from date to date: sudden bright ground that is no landslide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from monitor.sandbox.frame import Frame, fractal, stream
from monitor.sandbox.terrain import Relief, pixel_centres


class Crop(IntEnum):
    """State of a field; the value is the row in the table of spectra. It moves on in this order and starts over."""

    YOUNG = 0
    DENSE = 1
    RIPE = 2
    STUBBLE = 3
    TILLED = 4
    GRASS = 5
    """Permanent grassland; mown now and then, never tilled."""
    MOWN = 6


_NEXT = np.array([Crop.DENSE, Crop.RIPE, Crop.STUBBLE, Crop.TILLED, Crop.YOUNG, Crop.MOWN, Crop.GRASS])
_BEFORE = np.argsort(_NEXT)
"""State before each state: `_NEXT` read backwards."""
_CHANGE_PER_REVISIT = np.array([0.10, 0.06, 0.12, 0.10, 0.10, 0.06, 0.35])
"""Chance that a field in each state moves on within five days."""
_START = np.array([0.12, 0.30, 0.13, 0.10, 0.10, 0.22, 0.03])
_TRAPS = 3
"""Fields harvested and tilled in the days of the storm, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcels:
    """The pattern of fields over the whole padded frame, drawn where the cover says field."""

    field: NDArray[np.int32]
    """(padded, padded) number of the field, 0 to count - 1."""
    lane: NDArray[np.int8]
    """1 on lanes between the fields."""
    count: int
    tone: NDArray[np.float32]
    """(count,) tone of the field's soil and crop, standard deviation 1."""
    rows: NDArray[np.float32]
    """(padded, padded) streaks along the direction of work, standard deviation 1."""


def lay_parcels(frame: Frame, relief: Relief, seed: int) -> Parcels:
    """Strips across the valley, cut into fields of 0.3 to 4 ha, with lanes every few strips."""
    rng = stream(seed, "parcels")
    side = frame.padded_px
    x, y = pixel_centres(side, 10.0)
    u, v = relief.floor.along_across(x, y)
    bend = fractal(side, rng, beta=4.0, longest_px=80)
    u, v = u + 12.0 * bend, v + 10.0 * bend
    reach = 16.0 * side
    rows = np.cumsum(rng.uniform(90.0, 260.0, int(reach / 90.0))) - reach / 2
    row = np.searchsorted(rows, v)
    # Each row has its own cuts: wide blocks here, narrow strips there.
    widths = rng.choice([45.0, 90.0, 170.0], size=rows.size + 1, p=[0.35, 0.4, 0.25])
    jitter = rng.uniform(0.0, 1.0, rows.size + 1)
    place = u / widths[row] + jitter[row]
    place = place + 0.28 * np.sin(2.1 * place + 9.0 * jitter[row])
    label = row * 100_003 + np.floor(place).astype(np.int64)
    _, numbered = np.unique(label, return_inverse=True)
    field = numbered.reshape(side, side).astype(np.int32)
    count = int(field.max()) + 1
    lane = _lanes(u, v, rows, row, rng)
    streaks = np.sin(v / rng.uniform(5.0, 8.0) + 3.0 * bend).astype(np.float32)
    grain = fractal(side, rng, beta=2.0, longest_px=10)
    tone = rng.standard_normal(count).astype(np.float32)
    worked = (0.4 * streaks + 0.9 * grain).astype(np.float32)
    return Parcels(field=field, lane=lane, count=count, tone=tone, rows=worked)


def farm(parcels: Parcels, on_floor: NDArray[np.bool_], seed: int, quiet: int, after: int) -> list[NDArray[np.int8]]:
    """State of every field at every acquisition.

    Args:
        parcels: the pattern.
        on_floor: (padded, padded) where fields are really drawn.
        seed, quiet, after: as in `build_valley`.

    Returns:
        Per acquisition (count,) Crop. In the days of the storm at least three fields of more than a hectare turn from
        green to bare.
    """
    rng = stream(seed, "farming")
    state = rng.choice(len(Crop), size=parcels.count, p=_START).astype(np.int8)
    area_px = np.bincount(parcels.field[on_floor], minlength=parcels.count)
    states: list[NDArray[np.int8]] = []
    for acquisition in range(quiet + after):
        if acquisition:
            moves = rng.uniform(size=parcels.count) < _CHANGE_PER_REVISIT[state]
            state = np.where(moves, _NEXT[state], state).astype(np.int8)
        if acquisition == quiet:
            state = till(state, states[-1], area_px, rng)
        states.append(state)
    return states


def till(
    state: NDArray[np.int8], before: NDArray[np.int8], area_px: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.int8]:
    """Turn a few large green fields bare at once."""
    green = np.flatnonzero(np.isin(before, (Crop.DENSE, Crop.YOUNG, Crop.GRASS)) & (area_px > 100))
    tilled = state.copy()
    tilled[rng.permutation(green)[:_TRAPS]] = Crop.TILLED
    return tilled


def _lanes(
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    rows: NDArray[np.float64],
    row: NDArray[np.intp],
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """A road along some borders of rows, and lanes across the valley."""
    picked: Sequence[int] = rng.permutation(rows.size)[: max(rows.size // 4, 1)].tolist()
    border = np.zeros(rows.size + 1, dtype=bool)
    border[list(picked)] = True
    along = border[row] & (np.abs(v - rows[np.minimum(row, rows.size - 1)]) < 5.5)
    spacing = rng.uniform(700.0, 1100.0)
    across = np.abs((u + 30.0 * np.sin(v / 160.0)) % spacing - spacing / 2) < 4.5
    return np.asarray(along | across, dtype=np.int8)


def farm_at(
    crops: Sequence[NDArray[np.int8]], looks: Sequence[datetime], when: datetime, seed: int
) -> NDArray[np.int8]:
    """State of every field at any time: each change between two looks falls on a day of its own.

    Args:
        crops: per look (count,) Crop, as `farm` returns.
        looks: times of the looks, ascending.
        when: may lie before the first look, where fields are followed backwards, and after the last one.
    """
    later = next((index for index, look in enumerate(looks) if look >= when), len(looks))
    if later == len(looks):
        return crops[-1]
    if later == 0:
        return _before(crops[0], (looks[0] - when) / timedelta(days=5), seed)
    day = stream(seed, f"farming days {later}").uniform(size=crops[later].size)
    passed = (when - looks[later - 1]) / (looks[later] - looks[later - 1])
    return np.where(day <= passed, crops[later], crops[later - 1]).astype(np.int8)


def _before(state: NDArray[np.int8], revisits: float, seed: int) -> NDArray[np.int8]:
    """Fields some revisits of five days ago, by the same chances of change."""
    rng = stream(seed, "farming before")
    for step in range(int(np.ceil(revisits))):
        day = rng.uniform(size=state.size)
        earlier = _BEFORE[state]
        moved = rng.uniform(size=state.size) < _CHANGE_PER_REVISIT[earlier]
        state = np.where(moved & (day < revisits - step), earlier, state).astype(np.int8)
    return state
