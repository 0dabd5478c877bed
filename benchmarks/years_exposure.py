"""What kind of ground a year of the watch compared, and when, in the words of the records."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from benchmarks.years_records import Cell
from monitor.core.canvas import Canvas
from monitor.core.grid import project
from monitor.quiet_ground import Seen, StrataExposure
from monitor.rarity import strata_of
from monitor.records import Detector, Event, Sensor, Terrain, Tile

_DETECTORS = {Sensor.OPTICAL: Detector.BASELINE, Sensor.SAR: Detector.RADAR}


class Kinds:
    """The exposure of every kind of ground of a valley, and the kind of ground that events lie on."""

    def __init__(self, canvas: Canvas, terrain: Mapping[Tile, Terrain], centre: tuple[float, float]) -> None:
        """As `StrataExposure`."""
        self._exposure = StrataExposure(canvas, terrain, centre)
        self._canvas = canvas

    def add(self, look: Seen, waited: NDArray[np.float64]) -> None:
        """As `StrataExposure.add`."""
        self._exposure.add(look, waited)

    def light_on(self, ground: NDArray[np.bool_]) -> float:
        """As `StrataExposure.light_on`."""
        return self._exposure.light_on(ground)

    def strata(self, event: Event, opened: datetime, sensor: Sensor) -> tuple[str, ...]:
        """The words of an event that a look of `opened` found."""
        return strata_of(
            project(event.geometry, 4326, self._canvas.epsg),
            self._canvas,
            self._exposure.elevation_m,
            event.slope_deg,
            sensor,
            (event.window_start, opened),
        )

    def cells(self) -> tuple[Cell, ...]:
        """What was added up."""
        return tuple(
            Cell(detector=_DETECTORS[sensor].value, strata=words, km2_years=km2_years)
            for sensor, cells in sorted(self._exposure.cells().items(), key=lambda one: _DETECTORS[one[0]].value)
            for words, km2_years in cells.items()
        )
