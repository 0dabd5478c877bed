"""What an acquisition shows of a tile, through which model, and which sensor counts there."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.inputs import Input
from monitor.records.ground import Tile
from monitor.records.kinds import ChoiceReason, NetworkAnswer, Sensor

CHANGE = "change"
"""Task of a model whose answer is about two sets of dates: what failed between them."""


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
    """Side of the pixels it is fed."""
    flips: tuple[str, ...]
    threshold: float
    simulated: bool
    sha256: str
    weights: str  # absolute path
    inputs: tuple[Input, ...] = ()
    """What is done with each of `bands`; empty: all of them by `normalisation`."""
    native_resolution_m: float | None = None
    """Radar: what the passes it was trained on resolve, whatever their pixels; None: the card does not say."""

    @property
    def of_pairs(self) -> bool:
        """Whether its answer is of earlier dates as well, and a change itself: it is never differenced again."""
        return self.task == CHANGE


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
    """NaN = no observation, or looked at without a network. A network of pairs answers after the earlier looks are
    known (`monitor.pairing`): its answer is never kept with a look."""
    spread: NDArray[np.float32]
    pixels: NDArray[np.float32]
    """Optics: (3, 256, 256) reflectance, red, green, blue; cloudy pixels keep their value: people look at them.
    Radar: (P, 256, 256) gamma0 in linear power by polarisation. NaN = nodata."""
    state: NDArray[np.uint8]
    """PixelState."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileStats:
    """Statistics of one look on one tile. Shares are of all pixels of the tile; None where nothing was observed.

    Through a network of pairs they are of the probability of change since the earlier looks.
    """

    valid_fraction: float
    cloud_fraction: float
    mean: float | None
    p95: float | None
    spread: float | None
    """Mean flip spread over valid pixels."""
    hazard_area_ha: float
    """Area of valid pixels at or above the card's threshold."""
    snow_fraction: float | None = None
    """Under snow and its rim; of radar what snow hid of what it saw. None in a row from before this was kept."""


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
    """Why the tile was looked at or skipped: looked, flat, no-elevation, clouded, snow,
    snow-in-part, water, radar-blind, unclassified, outside."""
    network: NetworkAnswer | None = None
    """Whether a network spoke of a tile that was looked at, or why not."""
    mean_change: float | None = None
    """mean now minus mean of the previous comparable look, over jointly valid pixels. None, like the two below, of a
    network of pairs: its answer is a change, and changes are not differenced."""
    p95_change: float | None = None
    hazard_change_ha: float | None = None
    previous_acquisition: str | None = None
    """acquisition id of that previous look."""
    reference_count: int = 0
    """Earlier looks that the reference was made of, K for every pixel (0 = no earlier look: learning)."""
    jointly_valid_fraction: float = 0.0
    """Share of the tile's pixels valid in the look and in the reference."""
    shared_fraction: float = 0.0
    """Share of the tile's pixels on which `mean_change` was taken: valid in the look and in the one before."""


class KeptLook(NamedTuple):
    """What an observation says of the look that it left, and no more: a scene asks for those of all its tiles."""

    acquisition_key: str
    acquisition_version: str
    sensing_time: datetime
    relative_orbit: int | None
    model_version: str
    look_href: str
    """Relative path in the product folder."""

    @property
    def acquisition_id(self) -> str:
        """`Acquisition.id` of the one that the look is of."""
        return f"{self.acquisition_key}_{self.acquisition_version}"


class Sighting(NamedTuple):
    """What an observation says of what was seen and compared, and no more: a watch counts a hundred of every tile."""

    sensing_time: datetime
    sensor: Sensor
    decision: str
    comparable: str
    model_version: str
    look_href: str | None
    network: NetworkAnswer | None
    jointly_valid_fraction: float


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
