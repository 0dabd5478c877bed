"""What people read from the store that is not a noun of the pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.records import AcquisitionState, ChoiceReason, Sensor, Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCount:
    """How many acquisitions of a region are in a state for a reason."""

    region: str
    state: AcquisitionState
    reason: str | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceCount:
    """On how many tiles (each counted once per acquisition) a sensor was the evidence of record for a reason."""

    region: str
    sensor: Sensor
    """Of the acquisition at which it was chosen."""
    record: Sensor | None
    """None: nothing counted."""
    reason: ChoiceReason
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which acquisitions of a region are meant: those that fit all that is given."""

    region: str
    tiles: tuple[Tile, ...]
    """Of the region."""
    since: datetime | None = None
    """Sensed at or after."""
    acquisition: str | None = None
    """Id: this pass, in all its versions."""
    model: str | None = None
    """Version of the model they were looked at through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """What a roll-back took back."""

    acquisitions: tuple[str, ...]
    """Ids of those that were set aside or queued again."""
    looks: int
    """Of tiles, that feed references no more."""
    ended: tuple[str, ...]
    """Events that ended by it."""
    changed: tuple[str, ...]
    """Events that go on, without what these acquisitions said."""
    kept: tuple[str, ...]
    """Events that a person has seen from the ground or the air."""
    told: int
    """Messages for those who had heard of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Something that polls refused to use."""

    region: str
    item: str
    reason: str
    detail: str
    first_seen: datetime
    last_seen: datetime
    count: int
    """Number of polls that saw it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileCoverage:
    """What was seen of one tile since a time."""

    tile: Tile
    last_look: datetime | None
    """Sensing time of the last look with valid pixels; None when there was none: not observed."""
    valid_fraction: float
    """Share of the tile's pixels valid in that look; 0 when there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """A message that people should hear."""

    idempotency_key: str
    """`event_id:sequence`, or `alive:region:week`."""
    event_id: str | None
    sequence: int
    payload: Mapping[str, object]
    """The event as it was after the transition, JSON types only."""
    created: datetime
