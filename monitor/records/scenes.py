"""Scenes as catalogs list them, and the acquisitions they make up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from monitor.records.kinds import LEVEL_1C, POLARISATIONS, AcquisitionState, Sensor

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One raster of an item."""

    href: str
    """Absolute path or URL, unsigned."""
    scale: float = 1.0
    """reflectance = DN * scale + offset (already includes the 1/10000 of Sentinel-2)."""
    offset: float = 0.0
    nodata: float | None = None
    """Nodata value by metadata; None means the file's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneItem:
    """One STAC item reduced to what the service needs."""

    catalog: str
    """Name of the catalog in the configuration."""
    collection: str
    id: str
    sensing_time: datetime
    geometry: BaseGeometry
    """Footprint, EPSG:4326."""
    sensor: Sensor
    platform: str
    relative_orbit: int | None = None
    pass_direction: str | None = None
    grid_code: str | None = None
    """MGRS tile such as 54TXN, or None."""
    datastrip: str | None = None
    processing_baseline: str | None = None
    processing_time: datetime | None = None
    published: datetime | None = None
    """When its catalog says that it could first be had; None: it does not say."""
    cloud_percent: float | None = None
    """0 to 100; None is unknown, not clear."""
    absolute_orbit: int | None = None
    """Radar: counts the satellite's orbits since launch, so it names the pass whatever slices of it are listed."""
    resolution_m: float | None = None
    """Radar: what the product resolves; its pixels may be finer."""
    assets: Mapping[str, Asset] = field(default_factory=dict)
    """By canonical name: B02, B03, B04, B08, ..., SCL, vv, vh, mask (radar geometry), data (DEM)."""
    simulated: bool = False
    """The item declares that its pixels are simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """All items of one pass over one region: the unit of the ledger."""

    region: str
    key: str
    """Natural key: platform, datatake time and relative orbit; the same from every catalog and every poll."""
    version: str
    """Hash over items, baselines and processing times: changes when the acquisition was reprocessed or completed."""
    sensing_time: datetime
    sensor: Sensor
    platform: str
    relative_orbit: int | None
    items: tuple[SceneItem, ...]

    @property
    def id(self) -> str:
        """Stable and safe in file names."""
        return f"{self.key}_{self.version}"

    @property
    def comparable(self) -> str:
        """The comparability class: only looks of one class may be subtracted from each other (evidence contract).

        Optical looks at surface reflectance are one class, those at the top of the atmosphere (Level-1C) another. A
        radar look is compared within its relative orbit, pass direction, polarisations and product only.
        """
        if self.sensor is Sensor.OPTICAL:
            above_air = any(LEVEL_1C in item.collection.lower() for item in self.items)
            return f"{self.sensor.value}:l1c" if above_air else self.sensor.value
        first = self.items[0]
        orbit = "R---" if self.relative_orbit is None else f"R{self.relative_orbit:03d}"
        return f"sar:{orbit}:{first.pass_direction}:{'+'.join(self.polarisations)}:{first.collection}"

    @property
    def polarisations(self) -> tuple[str, ...]:
        """Radar: asset names of the polarisations that every item has, co-polarised first; empty for optics."""
        return tuple(name for name in POLARISATIONS if all(name in item.assets for item in self.items))

    @property
    def published(self) -> datetime | None:
        """When the last of its items could be had; None: not all of them say."""
        times = [item.published for item in self.items if item.published is not None]
        return max(times) if times and len(times) == len(self.items) else None

    @property
    def resolution_m(self) -> float | None:
        """Radar: what the coarsest item resolves."""
        return max((item.resolution_m for item in self.items if item.resolution_m is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A decision not to use something, with its reason (kebab-case word) and a sentence."""

    item: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Pixels of one acquisition on one geobox."""

    pixels: "xr.DataArray"
    """(band, y, x) float32: reflectance 0-1 (surface or top of atmosphere), or gamma0 in linear power.

    NaN = no data. Carries `.odc.geobox`."""
    state: NDArray[np.uint8]
    """(H, W) PixelState of every pixel."""
    mask_source: str
    """One of `core.masks.MaskSource`, or "radar"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One row of the ledger as people see it."""

    acquisition: Acquisition
    state: AcquisitionState
    reason: str | None
    detail: str | None
    attempts: int
    not_before: datetime | None
    updated: datetime
    owner: str | None = None  # who holds the lease, while claimed
    lease_until: datetime | None = None
    history: bool = False
    """It was too old for alerts when it arrived."""
    discovered: datetime | None = None
    """When a poll put it into the ledger, or a person had it done again; None: before that was kept."""
