"""Regions, tiles and the shape of the ground."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from monitor.records.kinds import SensorPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A watched polygon."""

    id: str
    geometry: BaseGeometry
    """Polygon or MultiPolygon, EPSG:4326 (longitude, latitude)."""
    catalogs: tuple[str, ...]
    lookback_days: int = 45
    """How far back every poll looks."""
    history_days: int | None = None
    """What is older when it arrives is history; None: `lookback_days`."""
    backfill_days: int | None = None
    """How far back the first poll looks; None: `lookback_days`."""
    sensor_policy: SensorPolicy = SensorPolicy.OPTICAL_WHEN_CLEAR
    release_at_once: bool = False
    """Its alerts may go to the public without a person's word."""
    fallback_catalogs: tuple[str, ...] = ()
    """Asked while every one of `catalogs` fails or is stale."""
    stale_days: float = 3.0
    """So long after it was expected the next scene of a sensor may be listed, until `catalogs` are stale."""

    def history_before(self, now: datetime) -> datetime:
        """What was sensed earlier and arrives now is history: it feeds references, and nobody hears of it."""
        return now - timedelta(days=self.lookback_days if self.history_days is None else self.history_days)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Tile:
    """One 256x256 px, 2560 m cell of the planet-wide grid on WGS 84 / UTM zones."""

    epsg: int
    """326xx north, 327xx south."""
    column: int
    """floor(easting / 2560 m)."""
    row: int
    """floor(northing / 2560 m)."""

    @property
    def id(self) -> str:
        """For example UTM54N-0150-1842."""
        hemisphere = "N" if self.epsg < 32700 else "S"
        return f"UTM{self.epsg % 100:02d}{hemisphere}-{self.column:04d}-{self.row:04d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terrain:
    """The shape of the ground on one geobox."""

    elevation_m: NDArray[np.float32]
    """(H, W); NaN where the model has a void."""
    slope_deg: NDArray[np.float32]
    """(H, W) 0-90."""
    tri_m: NDArray[np.float32]
    """(H, W) Terrain Ruggedness Index (Riley et al. 1999), metres, on the geobox's own cells."""
