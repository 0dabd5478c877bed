"""What was watched, and for how long: the exposure that rates of false events are counted on.

A deployment's own history and the simulated years of the benchmarks are counted by this one piece of code. A pixel
that is compared adds the time since the same sensor saw it last: a clouded look adds nothing, and the next clear one
makes up for it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from monitor.core.canvas import Canvas
from monitor.core.grid import PIXEL_HA
from monitor.core.null_rate import Strata
from monitor.core.radar import LEAST_PASSES
from monitor.core.strata import LIGHTS, SLOPES, light_classes, lights, season, slope_classes
from monitor.errors import BadAsset
from monitor.ports import LookArchive
from monitor.records import Observation, PixelState, Sensor, Terrain, Tile

Mask = NDArray[np.bool_]

LEAST_LOOKS = {Sensor.OPTICAL: 1, Sensor.SAR: LEAST_PASSES}
"""Earlier comparable looks at a pixel without which it is not compared."""
_ALL = 1_000_000
"""More observations than a tile ever has."""
_CLUSTER_PX = 9
"""Side of the ground whose 90th percentile of slope a pixel stands for: 0.8 ha."""
_UNLIT = len(LIGHTS)
"""Place of ground whose light is not known or does not matter."""
_DAY_S = 86_400.0
_YEAR_DAYS = 365.25


class TileHistory(Protocol):
    """Where the observations of a tile are kept."""

    def history(self, tile: Tile, limit: int = 100) -> list[Observation]:
        """The newest current observations of a tile, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One acquisition's view of a canvas."""

    key: str
    """Of the acquisition."""
    time: datetime
    sensor: Sensor
    comparable: str
    valid: Mask
    """(H, W) observed ground."""
    compared: Mask
    """(H, W) of it, what had been seen often enough before."""


def looks(history: TileHistory, archive: LookArchive, canvas: Canvas) -> Iterator[Seen]:
    """All acquisitions that showed any ground of a canvas, oldest first; looks that are lost showed none."""
    rows: dict[str, dict[Tile, Observation]] = {}
    for tile in canvas.tiles:
        for row in history.history(tile, limit=_ALL):
            if row.look_href:
                rows.setdefault(row.acquisition_key, {})[tile] = row
    counts: dict[str, NDArray[np.uint8]] = {}
    for key, found in sorted(rows.items(), key=lambda one: next(iter(one[1].values())).sensing_time):
        first = next(iter(found.values()))
        states = {tile: state for tile, row in found.items() if (state := _state(archive, row)) is not None}
        valid = canvas.lay(states, np.uint8(PixelState.NODATA)) == PixelState.VALID
        before = counts.setdefault(first.comparable, np.zeros(canvas.shape, np.uint8))
        yield Seen(
            key=key,
            time=first.sensing_time,
            sensor=first.sensor,
            comparable=first.comparable,
            valid=valid,
            compared=valid & (before >= LEAST_LOOKS[first.sensor]),
        )
        before += valid & (before < 255)


def _state(archive: LookArchive, row: Observation) -> NDArray[np.uint8] | None:
    try:
        return archive.read(row.look_href or "").state
    except BadAsset:
        return None


class Waiting:
    """For how long ground had not been seen, by whatever name looks are told apart."""

    def __init__(self, shape: tuple[int, int]) -> None:
        """Nothing was ever seen."""
        self._shape = shape
        self._last: dict[str, NDArray[np.float64]] = {}

    def days(self, name: str, look: Seen) -> NDArray[np.float64]:
        """(compared,) days since each pixel that a look compares was seen, NaN = never; what it shows is seen now."""
        now = look.time.timestamp() / _DAY_S
        last = self._last.setdefault(name, np.full(self._shape, np.nan))
        waited = now - last[look.compared]
        last[look.valid] = now
        return waited


class Together:
    """Adds up the ground × time that was watched by any sensor: where several watched at a time it counts once."""

    def __init__(self, shape: tuple[int, int]) -> None:
        """Nothing was ever seen."""
        self._shape = shape
        self._now = -np.inf
        self._open: dict[Sensor, NDArray[np.float64]] = {}
        """Days since a sensor saw each pixel, without those that were added up; NaN = never."""
        self._pixel_days = 0.0

    def add(self, look: Seen, where: Mask) -> None:
        """Count a look; all come in order of time.

        Args:
            where: (H, W) the ground that counts.
        """
        now = look.time.timestamp() / _DAY_S
        for days in self._open.values():
            days += now - self._now
        self._now = now
        own = self._open.setdefault(look.sensor, np.full(self._shape, np.nan))
        added = np.where(look.compared & where, np.nan_to_num(own), 0.0)
        self._pixel_days += float(added.sum())
        for days in self._open.values():
            # Who saw the ground before this sensor did has waited through all of it, others through a part.
            np.maximum(days - added, 0.0, out=days)
        own[look.valid] = 0.0

    @property
    def km2_years(self) -> float:
        """What was added up."""
        return self._pixel_days * PIXEL_HA / 100.0 / _YEAR_DAYS


class StrataExposure:
    """Adds up km² × years by sensor and strata."""

    def __init__(self, canvas: Canvas, terrain: Mapping[Tile, Terrain], centre: tuple[float, float]) -> None:
        """
        Args:
            terrain: of the canvas's tiles.
            centre: longitude and latitude.
        """
        nowhere = np.float32(np.nan)
        slope_deg = canvas.lay({tile: one.slope_deg for tile, one in terrain.items()}, nowhere)
        steepest = scipy.ndimage.percentile_filter(np.nan_to_num(slope_deg), 90, size=_CLUSTER_PX)
        self._slope = slope_classes(steepest)
        self.elevation_m = canvas.lay({tile: one.elevation_m for tile, one in terrain.items()}, nowhere)
        self._centre = centre
        self._days: defaultdict[Sensor, defaultdict[Strata, float]] = defaultdict(lambda: defaultdict(float))
        self._before: dict[Sensor, datetime] = {}
        self._lit: NDArray[np.float32] | None = None

    def add(self, look: Seen, waited: NDArray[np.float64], where: Mask | None = None) -> None:
        """Count a look.

        Args:
            waited: (compared,) days since each of its compared pixels had been seen; NaN = never.
            where: (H, W) the ground that counts; None: all of it.
        """
        light = self._light(look)
        index = (self._slope * (_UNLIT + 1) + light)[look.compared]
        counted = np.nan_to_num(waited) if where is None else np.nan_to_num(waited) * where[look.compared]
        days = np.bincount(index, weights=counted, minlength=len(SLOPES) * (_UNLIT + 1))
        when = season(look.time, self._centre[1])
        for place in np.flatnonzero(days):
            slope, lit = divmod(int(place), _UNLIT + 1)
            self._days[look.sensor][SLOPES[slope], when, *LIGHTS[lit : lit + 1]] += float(days[place])

    def _light(self, look: Seen) -> NDArray[np.intp]:
        """(H, W) places in `LIGHTS`, of this look and the one before."""
        before = self._before.get(look.sensor, look.time)
        self._before[look.sensor] = look.time
        optical = look.sensor is Sensor.OPTICAL
        self._lit = lights(self.elevation_m, (before, look.time), *self._centre) if optical else None
        return np.full(self._slope.shape, _UNLIT) if self._lit is None else light_classes(self._lit)

    def light_on(self, ground: Mask) -> float:
        """Mean light on some ground (H, W) at the look that was counted last; -1 where it is not known."""
        return -1.0 if self._lit is None else round(float(self._lit[ground].mean()), 3)

    def cells(self) -> Mapping[Sensor, Mapping[Strata, float]]:
        """km² × years that were added up."""
        return {
            sensor: {words: days * PIXEL_HA / 100.0 / _YEAR_DAYS for words, days in sorted(of.items())}
            for sensor, of in self._days.items()
        }


def add_up(parts: Sequence[Mapping[Strata, float]]) -> dict[Strata, float]:
    """Exposure of several pieces of ground together."""
    total: defaultdict[Strata, float] = defaultdict(float)
    for part in parts:
        for words, km2_years in part.items():
            total[words] += km2_years
    return dict(total)
