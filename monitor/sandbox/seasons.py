"""A whole year in the valley: calendar, leaves, fields by the farmer's year, winter's snow, a sky as it mostly is.

Only stories that last a year (`Story.year`) ask for it. The simpler rules of the other modules hold for the weeks
around a storm in summer: there fields move on by chance, the sky is mostly clear, and trees keep their leaves.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.core.sun import Sun
from monitor.sandbox.clouds import Sky, make_sky
from monitor.sandbox.fields import Crop, Parcels, till
from monitor.sandbox.frame import fractal, stream
from monitor.sandbox.terrain import Relief
from monitor.sandbox.traps import Snow

_STORM_DAYS = (105, 315)
"""Days of the year between which a storm may come: mid-April to mid-November, the season of heavy rain."""

_OVERCAST, _BROKEN = 0.37, 0.23
"""Chances that a look sees nothing but cloud, or gaps between clouds. Of 68 looks at a square kilometre of Slovenia
25 were hidden and many others partly so (benchmarks/README.md, "Sensors under real skies")."""
_OVERCAST_AFTER_STORM = 0.6
_WHOLLY = 0.99

_LEAF_FALL, _LEAF_OUT = (283.0, 322.0), (98.0, 132.0)
"""Days of the year over which broadleaved forest loses its leaves and gets them back."""
_LEAFLESS = np.array([1.35, 0.98, 1.75, 1.05, 0.50, 0.48, 0.48, 0.48, 1.05, 1.45])
"""Bare crowns over litter against the leaves of summer, by band of `spectra.BANDS`."""
_AUTUMN_COLOUR = np.array([1.0, 1.12, 1.30, 1.20, 0.86, 0.82, 0.82, 0.82, 1.05, 1.15])
_AGED = np.array([1.0, 1.0, 1.0, 0.86, 0.83, 0.83, 0.83, 0.83, 0.84, 0.84])
"""Leaves of September against those of July."""
_WINTER_MEADOW = np.array([1.10, 0.98, 1.30, 1.02, 0.62, 0.57, 0.56, 0.56, 1.05, 1.30])
_DRY_MEADOW = np.array([1.0, 1.0, 1.20, 1.08, 0.95, 0.93, 0.93, 0.93, 1.10, 1.20])
_SPRING = np.array([1.0, 1.20, 1.08, 1.10, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
"""Young leaves and grass in May."""

_FARMING: dict[str, tuple[tuple[int, Crop], ...]] = {
    "cereal": (
        (105, Crop.DENSE),
        (178, Crop.RIPE),
        (205, Crop.STUBBLE),
        (255, Crop.TILLED),
        (300, Crop.YOUNG),
    ),
    "maize": ((140, Crop.YOUNG), (175, Crop.DENSE), (250, Crop.RIPE), (278, Crop.STUBBLE), (310, Crop.TILLED)),
    "grass": (
        (145, Crop.MOWN),
        (157, Crop.GRASS),
        (190, Crop.MOWN),
        (202, Crop.GRASS),
        (240, Crop.MOWN),
        (252, Crop.GRASS),
    ),
}
"""Day of the year from which a field is in a state, until the next one; the last lasts over New Year."""
_SHARES = (0.42, 0.30, 0.28)
"""Of the fields, in the order of `_FARMING`."""
_FARMERS_DAYS, _STAGE_DAYS = 7.0, 3.0
"""Standard deviations: of a field's whole calendar, and of each of its dates."""
_STORM_WORK_LOOKS = 6
"""Fields that are tilled in the days of the storm stay bare for so many looks."""

_WINTER = (335, 85)
"""Days of the year of the first and the last possible snowfall."""
_SPELLS, _SPELL_DAYS, _SNOW_SHARE = 4.0, (5.0, 26.0), (0.05, 1.0)
"""Spells of snow in a winter (mean), how long each lies, and what share of the ground, the highest, it covers first."""
_SNOW_EDGE_M = 24.0
"""Height over which closed snow thins out to none."""
_MELTING = 0.5
"""Chance that snow is wet when a radar passes."""


def calendar(seed: int, quiet: int, count: int, revisit: timedelta) -> tuple[datetime, ...]:
    """Passes at ten in the morning UTC, 5 days apart, so that the storm falls into the season of heavy rain.

    Args:
        quiet: looks before the storm.
        count: all looks.
    """
    day = int(stream(seed, "day of the storm").integers(*_STORM_DAYS))
    last_quiet = datetime(2025, 1, 1, 10, 0, 31, tzinfo=UTC) + timedelta(days=day - 3)
    return tuple(last_quiet + (index + 1 - quiet) * revisit for index in range(count))


def leafless(day_of_year: float) -> float:
    """Share of the leaves of broadleaved trees that are down, 0 in summer to 1 in winter."""
    fallen = _smooth(day_of_year, *_LEAF_FALL)
    return float(fallen + 1.0 - _smooth(day_of_year, *_LEAF_OUT)) if day_of_year < _LEAF_FALL[0] else float(fallen)


def tree_tone(day_of_year: float) -> NDArray[np.float32]:
    """(10,) reflectance of broadleaved trees and bushes against that of summer, by band of `spectra.BANDS`."""
    colour = np.exp(-(((day_of_year - 290.0) / 12.0) ** 2))
    bare = leafless(day_of_year)
    age = _smooth(day_of_year, 195.0, 255.0) * (1.0 - bare)
    tone = (1.0 + bare * (_LEAFLESS - 1.0)) * (1.0 + colour * (_AUTUMN_COLOUR - 1.0))
    tone = tone * (1.0 + _spring(day_of_year) * (_SPRING - 1.0)) * (1.0 + age * (_AGED - 1.0))
    return np.asarray(tone, dtype=np.float32)


def meadow_tone(day_of_year: float) -> NDArray[np.float32]:
    """(10,) reflectance of meadows against that of early summer: dry in August, yellowed in winter."""
    dry = np.exp(-(((day_of_year - 222.0) / 30.0) ** 2))
    winter = 1.0 - _smooth(day_of_year, 85.0, 120.0) + _smooth(day_of_year, 290.0, 340.0)
    tone = (1.0 + winter * (_WINTER_MEADOW - 1.0)) * (1.0 + dry * (_DRY_MEADOW - 1.0))
    return np.asarray(tone * (1.0 + _spring(day_of_year) * (_SPRING - 1.0)), dtype=np.float32)


def farm_year(
    parcels: Parcels, on_floor: NDArray[np.bool_], seed: int, times: Sequence[datetime], quiet: int
) -> list[NDArray[np.int8]]:
    """State of every field at every look, (count,) Crop each: sown, ripe and harvested when farmers do it.

    As in `fields.farm`, three large fields and more turn from green to bare in the days of the storm.
    """
    rng = stream(seed, "farming year")
    kinds = rng.choice(len(_FARMING), size=parcels.count, p=_SHARES)
    early = rng.normal(0.0, _FARMERS_DAYS, parcels.count)
    jitter = {name: rng.normal(0.0, _STAGE_DAYS, (parcels.count, len(steps))) for name, steps in _FARMING.items()}
    area_px = np.bincount(parcels.field[on_floor], minlength=parcels.count)
    states: list[NDArray[np.int8]] = []
    worked = np.zeros(parcels.count, dtype=np.bool_)
    for index, time in enumerate(times):
        state = np.zeros(parcels.count, dtype=np.int8)
        for number, (name, steps) in enumerate(_FARMING.items()):
            own = kinds == number
            state[own] = _stage(time.timetuple().tm_yday, steps, (early[:, None] + jitter[name])[own])
        if index == quiet:
            tilled = till(state, states[-1], area_px, rng)
            worked = tilled != state
        if quiet <= index < quiet + _STORM_WORK_LOOKS:
            state[worked] = Crop.TILLED
        states.append(state)
    return states


def _stage(day: int, steps: Sequence[tuple[int, Crop]], late: NDArray[np.float64]) -> NDArray[np.int8]:
    """(fields,) the state that began last, on dates that are `late` (fields, steps) days late."""
    starts = np.sort(np.array([start for start, _ in steps]) + late, axis=1)
    begun = (starts <= day).sum(axis=1)
    crops: NDArray[np.int8] = np.array([crop for _, crop in steps], dtype=np.int8)
    return np.asarray(crops[begun - 1], dtype=np.int8)


def winter(relief: Relief, seed: int, times: Sequence[datetime]) -> tuple[Snow, ...]:
    """Snow at the looks that see any: it falls on the highest ground, or on all, and melts upwards."""
    rng = stream(seed, "winter")
    height = relief.elevation_m + 12.0 * fractal(relief.elevation_m.shape[0], rng, beta=2.4, longest_px=20)
    share = np.zeros(len(times))
    for year in range(times[0].year - 1, times[-1].year + 1):
        first = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=_WINTER[0] - 1)
        season = timedelta(days=365 - _WINTER[0] + _WINTER[1])
        for _ in range(int(rng.poisson(_SPELLS))):
            start, lasts = first + season * rng.uniform(), timedelta(days=rng.uniform(*_SPELL_DAYS))
            covered = rng.uniform(*_SNOW_SHARE)
            left = np.array([1.0 - (time - start) / lasts for time in times])
            share = np.maximum(share, np.where((left > 0.0) & (left <= 1.0), covered * left, 0.0))
    wet = rng.uniform(size=len(times)) < _MELTING
    return tuple(_snow(height, share[look], int(look), bool(wet[look])) for look in np.flatnonzero(share > 0.0))


def _snow(height: NDArray[np.float32], covered: float, look: int, melting: bool) -> Snow:
    """Snow on the highest part of the ground, patchy where it ends."""
    white = np.clip((height - np.quantile(height, 1.0 - covered)) / _SNOW_EDGE_M + 0.5, 0.0, 1.0).astype(np.float32)
    return Snow(mask=white > 0.5, look=look, melting=melting, share=white)


def draw_sky(side: int, first_after_storm: bool, sun: Sun, rng: np.random.Generator) -> Sky:
    """The sky of any day of the year: hidden, broken or fair; after a storm more often hidden."""
    overcast = _OVERCAST_AFTER_STORM if first_after_storm else _OVERCAST
    kind = rng.uniform()
    if kind < overcast:
        return make_sky(side, _WHOLLY, sun, rng)
    if kind < overcast + _BROKEN:
        return make_sky(side, rng.uniform(0.3, 0.9), sun, rng)
    return make_sky(side, rng.uniform(0.0, 0.25), sun, rng, veiled=rng.uniform() < 0.3)


def _spring(day_of_year: float) -> float:
    return float(np.exp(-(((day_of_year - 130.0) / 25.0) ** 2)))


def _smooth(day: float, start: float, end: float) -> float:
    """0 before `start`, 1 after `end`, without a kink between them."""
    way = float(np.clip((day - start) / (end - start), 0.0, 1.0))
    return way * way * (3.0 - 2.0 * way)
