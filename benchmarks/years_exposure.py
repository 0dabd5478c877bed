"""What kind of ground a year of the watch compared, and when: the exposure of every stratum."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.years_records import OPTICS, RADAR, Cell
from monitor.core.canvas import Canvas
from monitor.core.grid import PIXEL_HA, project
from monitor.core.strata import LIGHTS, SLOPES, light_classes, lights, season, slope_classes
from monitor.rarity import strata_of
from monitor.records import Detector, Event, Sensor, Terrain, Tile

_CLUSTER_PX = 9
"""Side of the ground whose 90th percentile of slope a pixel stands for: 0.8 ha."""
_DETECTORS = {OPTICS: Detector.BASELINE, RADAR: Detector.RADAR}
_UNLIT = len(LIGHTS)
"""Place of ground whose light is not known or does not matter."""


class StrataExposure:
    """Adds up km² × years by detector and strata."""

    def __init__(self, canvas: Canvas, terrain: Mapping[Tile, Terrain], centre: tuple[float, float]) -> None:
        """
        Args:
            terrain: of the canvas's tiles.
            centre: longitude and latitude.
        """
        nowhere = np.float32(np.nan)
        slope_deg = canvas.lay({tile: one.slope_deg for tile, one in terrain.items()}, nowhere)
        steepest = ndimage.percentile_filter(np.nan_to_num(slope_deg), 90, size=_CLUSTER_PX)
        self._slope = slope_classes(steepest)
        self._elevation_m = canvas.lay({tile: one.elevation_m for tile, one in terrain.items()}, nowhere)
        self._canvas, self._centre = canvas, centre
        self._days: defaultdict[tuple[str, tuple[str, ...]], float] = defaultdict(float)
        self._before: dict[str, datetime] = {}
        self._lit: NDArray[np.float32] | None = None

    def add(self, sensor: str, time: datetime, compared: NDArray[np.bool_], waited: NDArray[np.float64]) -> None:
        """Count a look.

        Args:
            compared: (H, W).
            waited: (compared,) days since each of these pixels had been seen; NaN = never.
        """
        light = self._light(sensor, time)
        index = (self._slope * (_UNLIT + 1) + light)[compared]
        days = np.bincount(index, weights=np.nan_to_num(waited), minlength=len(SLOPES) * (_UNLIT + 1))
        when = season(time, self._centre[1])
        for place in np.flatnonzero(days):
            slope, lit = divmod(int(place), _UNLIT + 1)
            words = (SLOPES[slope], when, *LIGHTS[lit : lit + 1])
            self._days[_DETECTORS[sensor].value, words] += float(days[place])

    def strata(self, event: Event, opened: datetime, sensor: str) -> tuple[str, ...]:
        """The words of an event that a look of `opened` found."""
        return strata_of(
            project(event.geometry, 4326, self._canvas.epsg),
            self._canvas,
            self._elevation_m,
            event.slope_deg,
            Sensor.OPTICAL if sensor == OPTICS else Sensor.SAR,
            (event.window_start, opened),
        )

    def _light(self, sensor: str, time: datetime) -> NDArray[np.intp]:
        """(H, W) places in `LIGHTS`, of this look and the one before."""
        before = self._before.get(sensor, time)
        self._before[sensor] = time
        unlit = np.full(self._slope.shape, _UNLIT)
        self._lit = None if sensor != OPTICS else lights(self._elevation_m, (before, time), *self._centre)
        return unlit if self._lit is None else light_classes(self._lit)

    def light_on(self, ground: NDArray[np.bool_]) -> float:
        """Mean light on some ground (H, W) at the look that was counted last; -1 where it is not known."""
        return -1.0 if self._lit is None else round(float(self._lit[ground].mean()), 3)

    def cells(self) -> tuple[Cell, ...]:
        """What was added up."""
        return tuple(
            Cell(detector=detector, strata=words, km2_years=days * PIXEL_HA / 100.0 / 365.25)
            for (detector, words), days in sorted(self._days.items())
        )
