"""When Sentinel-1 passes over the valley, and what it delivers each time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.sandbox.backscatter import Conditions, RadarGround, gamma_naught, make_radar_ground
from monitor.sandbox.fields import farm_at
from monitor.sandbox.frame import stream
from monitor.sandbox.radar import ASCENDING, DESCENDING, OrbitState, Track, View, make_view, sense
from monitor.sandbox.seasons import leafless
from monitor.sandbox.traps import Snow
from monitor.sandbox.world import World

TRACKS = (DESCENDING, ASCENDING)
_REPEAT = timedelta(days=6)
"""Two satellites, each back over its track after 12 days."""
_AFTER_STORM = {OrbitState.DESCENDING: timedelta(days=1), OrbitState.ASCENDING: timedelta(days=2)}
"""From the day of the storm to the first pass after it."""
_TIME_OF_DAY = {
    OrbitState.DESCENDING: timedelta(hours=5, minutes=5, seconds=24, milliseconds=310),
    OrbitState.ASCENDING: timedelta(hours=16, minutes=50, seconds=8, milliseconds=740),
}
"""UTC at 15 degrees east. Track 146 follows track 124 after 22 orbits: a day and a half."""
_FEWEST_QUIET = 5
_ONE_OFF_DB = {"a": 0.0, "c": -0.15}
"""Sentinel-1C against 1A, as far as calibration leaves it."""
_OFFSET_DB = 0.12
_DRYING_DAYS = 2.5
_RAIN_CHANCE, _RAIN, _STORM_RAIN = 0.22, 0.22, 1.1
"""A day's chance of rain, its mean effect on the soil, and the storm's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One crossing of one track."""

    track: Track
    time: datetime
    platform: str
    """a or c."""
    number: int
    """Counted along the track, 0 for the first pass after the storm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Radar:
    """All that the passes over a valley share."""

    ground: RadarGround
    views: Mapping[int, View]
    """By relative orbit."""
    rain: Mapping[int, float]
    """By ordinal of the day."""


def plan_passes(times: Sequence[datetime], storm: datetime, seed: int, *, year: bool = False) -> tuple[Pass, ...]:
    """All passes from at least five before the storm (on each track) to the last optical look, in order of time.

    Args:
        times: the optical looks.
        storm: the first pass of each track after it comes a day or two later.
        year: one satellite alone, every 12 days, and the storm on any day between two passes.
    """
    passes = []
    midnight = datetime(storm.year, storm.month, storm.day, tzinfo=UTC)
    repeat = 2 * _REPEAT if year else _REPEAT
    lag = timedelta(days=int(stream(seed, "radar calendar").integers(0, 12))) if year else timedelta(0)
    for track in TRACKS:
        first = midnight + _AFTER_STORM[track.state] + _TIME_OF_DAY[track.state] + lag
        first -= max((first - storm) // repeat, 0) * repeat
        before = max(_FEWEST_QUIET, -(-(first - times[0]) // repeat))
        last = (max(times[-1], storm) - first) // repeat
        for number in range(-before, last + 1):
            platform = "ac"[(seed if year else number + seed + (track is ASCENDING)) % 2]
            passes.append(Pass(track=track, time=first + number * repeat, platform=platform, number=number))
    return tuple(sorted(passes, key=lambda one: one.time))


def make_radar(world: World, passes: Sequence[Pass]) -> Radar:
    """Geometry of both tracks, the ground as radar sees it, and the rain of the season."""
    cover = world.ground.cover
    first, last = passes[0].time.toordinal() - 10, passes[-1].time.toordinal() + 1
    rng = stream(world.seed, "rain")
    falls = rng.uniform(size=last - first) < _RAIN_CHANCE
    amounts = np.where(falls, rng.exponential(_RAIN, last - first), 0.0)
    return Radar(
        ground=make_radar_ground(cover, world.ground.scars, world.relief, world.seed),
        views={track.relative_orbit: make_view(track, world.relief, cover.canopy_m, world.seed) for track in TRACKS},
        rain={first + day: float(amount) for day, amount in enumerate(amounts)},
    )


def observe_pass(world: World, radar: Radar, one: Pass) -> NDArray[np.float32]:
    """What a pass delivers: (2, size, size) gamma naught of VV and VH, linear power."""
    rng = stream(world.seed, f"pass {one.track.relative_orbit} {one.number}")
    now = conditions(world, radar, one, rng)
    view = radar.views[one.track.relative_orbit]
    return world.frame.crop(sense(view, gamma_naught(radar.ground, now, view.tilt_deg), rng))


def conditions(world: World, radar: Radar, one: Pass, rng: np.random.Generator) -> Conditions:
    """Fields, soil, wind and calibration at a pass."""
    stormy = world.after > 0 and one.time > world.storm
    felled = world.clearcut is not None and one.time > world.times[world.clearcut.since] - timedelta(days=2)
    snow = _snow(world, one.time)
    return Conditions(
        crops=farm_at(world.crops, world.times, one.time, world.seed),
        wetness=_wetness(radar.rain, one.time, world.storm if stormy else None),
        wind_m_s=float(rng.lognormal(np.log(2.2), 0.5)),
        offset_db=float(_ONE_OFF_DB[one.platform] + rng.normal(0.0, _OFFSET_DB)),
        storm_days=(one.time - world.storm) / timedelta(days=1) if stormy else None,
        felled=world.clearcut.mask if felled and world.clearcut is not None else None,
        snow=snow.mask if snow is not None else None,
        leafless=leafless(one.time.timetuple().tm_yday) if world.story.year else 0.0,
    )


def _snow(world: World, time: datetime) -> Snow | None:
    """Melting snow at the optical look nearest in time."""
    if world.story.year:
        nearest = min(range(len(world.times)), key=lambda look: abs(world.times[look] - time))
        snow = world.snow_at(nearest)
    else:
        snow = next((one for one in world.snow if abs(time - world.times[one.look]) < timedelta(days=1.5)), None)
    return snow if snow is not None and snow.melting else None


def _wetness(rain: Mapping[int, float], time: datetime, storm: datetime | None) -> float:
    """Soil that every rain wets and every day dries, 0 to 1.2."""
    today = time.toordinal() + time.hour / 24.0
    left = sum(amount * np.exp(-(today - day) / _DRYING_DAYS) for day, amount in rain.items() if day < today)
    if storm is not None:
        left += _STORM_RAIN * np.exp(-((time - storm) / timedelta(days=1)) / _DRYING_DAYS)
    return float(min(left, 1.2))
