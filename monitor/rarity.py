"""How rare a change would be on quiet ground: what kind of ground it lies on, and when."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from monitor.core.canvas import Canvas
from monitor.core.clusters import burn
from monitor.core.grid import project
from monitor.core.strata import lights, strata
from monitor.records import Sensor

_MARGIN_PX = 4
"""Around a cluster, for its slopes' aspect."""
Array = NDArray[np.float32]


def strata_of(
    geometry: BaseGeometry,
    canvas: Canvas,
    elevation_m: Array,
    slope_deg: float,
    sensor: Sensor,
    times: tuple[datetime, datetime],
) -> tuple[str, ...]:
    """The words of changed ground (`core.strata`).

    Args:
        geometry: in the CRS of the canvas.
        elevation_m: (H, W) of the canvas.
        slope_deg: 90th percentile under it.
        times: when it was last seen as it was, and when it had changed.
    """
    longitude_deg, latitude_deg, *_ = project(geometry.representative_point(), canvas.epsg, 4326).bounds
    light = None
    if sensor is Sensor.OPTICAL:
        light = _light(burn(geometry, canvas), elevation_m, times, longitude_deg, latitude_deg)
    return strata(sensor, slope_deg, times[1], latitude_deg, light)


def _light(
    ground: NDArray[np.bool_],
    elevation_m: Array,
    times: tuple[datetime, datetime],
    longitude_deg: float,
    latitude_deg: float,
) -> float | None:
    """Mean on some ground of the least light of two dates; None where it cannot be known."""
    rows, columns = np.flatnonzero(ground.any(axis=1)), np.flatnonzero(ground.any(axis=0))
    if not rows.size:
        return None
    window = _around(rows), _around(columns)
    lit = lights(elevation_m[window], times, longitude_deg, latitude_deg)
    return None if lit is None else float(lit[ground[window]].mean())


def _around(places: NDArray[np.intp]) -> slice:
    return slice(max(int(places[0]) - _MARGIN_PX, 0), int(places[-1]) + _MARGIN_PX + 1)
