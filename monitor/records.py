"""The nouns of Scarpwatch: frozen records and the enums of every closed set.

Times are aware UTC, areas hectares, distances metres, geometries shapely objects whose CRS the field's docstring names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from monitor.inputs import Input

if TYPE_CHECKING:
    import xarray as xr


POLARISATIONS = ("vv", "vh", "hh", "hv")
"""Radar: transmit and receive polarisation, in the order in which bands are kept."""


class Sensor(StrEnum):
    """What kind of instrument made an acquisition."""

    OPTICAL = "optical"
    SAR = "sar"


class SensorPolicy(StrEnum):
    """Which sensors may give the evidence of record in a region."""

    OPTICAL_WHEN_CLEAR = "optical_when_clear"
    BOTH = "both"
    OPTICAL_ONLY = "optical_only"
    RADAR_ONLY = "radar_only"


class PixelState(IntEnum):
    """Why a pixel is or is not an observation."""

    VALID = 0
    """Clear ground, observed."""
    NODATA = 1
    """Outside the swath, or a source nodata value, or missing in one band."""
    CLOUD = 2
    """Cloud, thin cirrus or their dilated rim."""
    SHADOW = 3
    """Cloud shadow or its dilated rim."""
    SNOW = 4
    """Snow or ice."""
    WATER = 5
    """Open water: observed, but not ground that can fail."""
    SATURATED = 6
    """Saturated or defective detector."""
    LAYOVER = 7
    """Radar: the slope faces the sensor so steeply that its echoes fall on other ground."""
    RADAR_SHADOW = 8
    """Radar: the slope turns away, and no pulse reaches it."""


class AcquisitionState(StrEnum):
    """Where an acquisition stands in the ledger."""

    DISCOVERED = "discovered"
    """Seen in a catalog, waiting (also: waiting for its next try)."""
    CLAIMED = "claimed"
    """Being processed under a lease."""
    DONE = "done"
    """Processed; `reason` says whether anything in it was usable."""
    PARKED = "parked"
    """Set aside until a person acts; `reason` and `detail` say why."""
    SUPERSEDED = "superseded"
    """A newer version of the same acquisition took its place."""


class Detector(StrEnum):
    """What found a cluster of changed pixels."""

    NETWORK = "network"
    """A segmentation network: rise of its answer."""
    BASELINE = "baseline"
    """Optics without a network: brightening in red."""
    RADAR = "radar"
    """Radar without a network: backscatter against the mean of earlier passes."""


class EventState(StrEnum):
    """Life of an event and its alert."""

    CANDIDATE = "candidate"
    """Change below the alerting strength, kept to be confirmed by later looks; not shown as an alert."""
    PROVISIONAL = "provisional"
    """Alert open on the evidence of one look."""
    CONFIRMED = "confirmed"
    """A later look still sees the change against the frozen reference."""
    REFUTED = "refuted"
    """A later look sees the ground as it was before."""
    CLOSED = "closed"
    """Ended after enough confirming looks."""
    EXPIRED = "expired"
    """Ended without a further look within the configured time."""


class Verdict(StrEnum):
    """What one later look says about an event."""

    OPENS = "opens"
    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"
    INCONCLUSIVE = "inconclusive"
    """Observed, but between "still changed" and "back as it was"."""
    NOT_OBSERVED = "not-observed"


class AlertStatus(StrEnum):
    """CAP status an alert of this event may carry."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"
    """Opened by a model trained on simulated data alone, or on simulated pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A watched polygon."""

    id: str
    geometry: BaseGeometry
    """Polygon or MultiPolygon, EPSG:4326 (longitude, latitude)."""
    catalogs: tuple[str, ...]
    lookback_days: int = 45
    sensor_policy: SensorPolicy = SensorPolicy.OPTICAL_WHEN_CLEAR


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

        Optical looks are one class. A radar look is compared within its relative orbit, pass direction,
        polarisations and product only.
        """
        if self.sensor is Sensor.OPTICAL:
            return self.sensor.value
        first = self.items[0]
        orbit = "R---" if self.relative_orbit is None else f"R{self.relative_orbit:03d}"
        return f"sar:{orbit}:{first.pass_direction}:{'+'.join(self.polarisations)}:{first.collection}"

    @property
    def polarisations(self) -> tuple[str, ...]:
        """Radar: asset names of the polarisations that every item has, co-polarised first; empty for optics."""
        return tuple(name for name in POLARISATIONS if all(name in item.assets for item in self.items))

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
    """"scl" (classified by the producer), "bright-white" (conservative test, lower confidence) or "radar"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terrain:
    """The shape of the ground on one geobox."""

    elevation_m: NDArray[np.float32]
    """(H, W); NaN where the model has a void."""
    slope_deg: NDArray[np.float32]
    """(H, W) 0-90."""
    tri_m: NDArray[np.float32]
    """(H, W) Terrain Ruggedness Index (Riley et al. 1999), metres, on the geobox's own cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a model folder says about itself (see docs/models.md)."""

    name: str
    version: str
    task: str  # susceptibility, scar or change
    sensor: Sensor
    bands: tuple[str, ...]
    channels: int
    normalisation: str
    window_px: int
    """Side of the square window the engine is fed."""
    crop_px: int
    """Rim of each window that is thrown away."""
    resolution_m: float
    flips: tuple[str, ...]
    threshold: float
    simulated: bool
    sha256: str
    weights: str  # absolute path
    inputs: tuple[Input, ...] = ()
    """What is done with each of `bands`; empty: all of them by `normalisation`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A network's answer on one tile."""

    probability: NDArray[np.float32]
    """(H, W) mean over flips; NaN = no observation."""
    spread: NDArray[np.float32]
    """(H, W) standard deviation over flips; NaN = no observation. Sensitivity to augmentation, not an uncertainty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One acquisition's pixels on one tile through one model, as kept for comparison. Arrays are (256, 256)."""

    tile: Tile
    acquisition_id: str
    sensing_time: datetime
    sensor: Sensor = Sensor.OPTICAL
    probability: NDArray[np.float32]
    """NaN = no observation, or looked at without a network."""
    spread: NDArray[np.float32]
    pixels: NDArray[np.float32]
    """Optics: (3, 256, 256) reflectance, red, green, blue; cloudy pixels keep their value: people look at them.
    Radar: (P, 256, 256) gamma0 in linear power by polarisation. NaN = nodata."""
    state: NDArray[np.uint8]
    """PixelState."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileStats:
    """Statistics of one look on one tile. Shares are of all pixels of the tile; None where nothing was observed."""

    valid_fraction: float
    cloud_fraction: float
    mean: float | None
    p95: float | None
    spread: float | None
    """Mean flip spread over valid pixels."""
    hazard_area_ha: float
    """Area of valid pixels at or above the card's threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One row of the tile history. Unique: tile, acquisition, model version, input version."""

    tile: Tile
    acquisition_key: str
    acquisition_version: str
    sensing_time: datetime
    sensor: Sensor
    relative_orbit: int | None
    model_version: str
    stats: TileStats
    look_href: str | None
    """Relative path of the look in the product folder; None when nothing was observed."""
    comparable: str = Sensor.OPTICAL.value
    """`Acquisition.comparable`."""
    decision: str
    """Why the tile was looked at or skipped: looked, flat, no-elevation, clouded, snow, water, outside."""
    mean_change: float | None = None
    """mean now minus mean of the previous comparable look, over jointly valid pixels."""
    p95_change: float | None = None
    hazard_change_ha: float | None = None
    previous_acquisition: str | None = None
    """acquisition id of that previous look."""
    reference_count: int = 0
    """Earlier looks that the reference was made of, K for every pixel (0 = no earlier look: learning)."""
    jointly_valid_fraction: float = 0.0
    """Share of the tile's pixels valid in the look and in the reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Coherent changed ground found in one acquisition."""

    detector: Detector
    geometry: BaseGeometry
    """Polygon or MultiPolygon that outlines the changed pixels, in `epsg`."""
    epsg: int
    area_ha: float
    mean_change: float
    """Mean of p_now - p_ref (network) or of the log-ratio of red (baseline) over changed pixels."""
    strength: float
    """area_ha * mean_change."""
    spread: float
    """Mean flip spread; quality, not noise."""
    slope_deg: float
    """90th percentile of slope under the cluster."""
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one look says about one event."""

    acquisition_id: str
    sensing_time: datetime
    detector: Detector
    """What measured `level`: of the look's own sensor, which need not be the one that opened the event."""
    verdict: Verdict
    observed_fraction: float
    """Share of the event's pixels observed by the look."""
    level: float
    """Mean change of the observed pixels against the frozen reference."""
    strength: float
    detail: str
    of_record: bool = True
    """False: the look's sensor was not the evidence of record on this ground (`core.sensors`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step in an event's life, with its reason."""

    at: datetime
    """Sensing time of the look that caused it."""
    previous: EventState | None
    state: EventState
    reason: str  # kebab-case word
    detail: str
    acquisition_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Changed ground and everything said about it."""

    id: str
    """Stable: derived from region, acquisition and place."""
    region: str
    state: EventState
    status: AlertStatus
    detector: Detector
    geometry: BaseGeometry
    """Outline of the changed ground, EPSG:4326."""
    area_ha: float
    mean_change: float
    strength: float
    spread: float
    slope_deg: float
    confidence: str
    """low, medium or high; `confidence_reason` says why. Not a probability."""
    confidence_reason: str
    window_start: datetime
    """Last look without the failure."""
    window_end: datetime
    """First look with it."""
    model_version: str
    comparable: str = Sensor.OPTICAL.value
    """`Acquisition.comparable` of the look that opened it."""
    tiles: tuple[Tile, ...]
    picture: str | None = None
    """Relative path of the picture in the product folder."""
    evidence: tuple[Evidence, ...] = ()
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenReference:
    """One look that belongs to the frozen reference of an event on one tile."""

    event_id: str
    tile: Tile
    acquisition_id: str
    look_href: str
    comparable: str = Sensor.OPTICAL.value
    """`Acquisition.comparable` of the look: a later look is judged against those of its own class."""


class ChoiceReason(StrEnum):
    """Why a sensor is, or is not, the evidence of record on a tile and date."""

    OPTICAL_CLEAR = "optical-clear"
    """Optics see enough of the tile."""
    OPTICAL_KEPT = "optical-kept"
    """Optics see less than they need to become the evidence of record, and enough to remain it (hysteresis)."""
    CLOUDED_RADAR = "clouded-radar-fresh"
    """Optics see too little: the newest radar pass counts."""
    CLOUDED = "clouded-no-fresh-radar"
    """Optics see too little, and no radar pass is recent enough: nothing counts."""
    RADAR_ALONE = "no-fresh-optics"
    """A radar pass, and no optical look recent enough to count instead."""
    RADAR_CLOUDED = "optics-clouded"
    """A radar pass, and the newest optical look sees too little."""
    OPTICS_FRESH = "optics-fresh"
    """A radar pass shortly after a clear optical look, which counts."""
    POLICY = "policy"
    """The region's policy lets this sensor count whatever the sky."""
    UNSEEN = "unseen"
    """The acquisition shows nothing of the tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which sensor is the evidence of record on a tile at the time of an acquisition."""

    tile: Tile
    acquisition_key: str
    acquisition_version: str
    sensing_time: datetime
    sensor: Sensor
    """Of the acquisition."""
    clear_fraction: float
    """Share of the tile's watched ground that it shows: in the swath, not hidden by cloud, shadow, snow, layover."""
    record: Sensor | None
    """The evidence of record; None: nothing counts."""
    reason: ChoiceReason


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquisitionResult:
    """Everything one processed acquisition changes in the database: written in one transaction."""

    reason: str
    """compared, learning (no earlier look anywhere), nothing-usable, outside: why it is done."""
    detail: str
    observations: tuple[Observation, ...] = ()
    events: tuple[Event, ...] = ()
    """New events, and old ones with new evidence and transitions (whole records; the store adds what is new)."""
    references: tuple[FrozenReference, ...] = ()
    choices: tuple[Choice, ...] = ()


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
