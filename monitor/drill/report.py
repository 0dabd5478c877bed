"""What a drill did and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from monitor.core.paint import FRESH
from monitor.core.radar_implants import Contrast
from monitor.records import Detector, Sensor


class Found(StrEnum):
    """What became of one painted scar."""

    SEEN = "seen"
    """It raised an alert."""
    CANDIDATE = "candidate"
    """It was found, and waits for a second look, as a real one like it would."""
    HIDDEN = "hidden"
    """Too little of it was observed and compared, which no watch can help."""
    MISSED = "missed"
    """It lay on observed ground, and nothing was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScarReport:
    """One painted scar."""

    number: int
    area_ha: float
    slope_deg: float
    """Mean under it."""
    longitude: float
    latitude: float
    observed: float
    """Share of it that was observed and compared with earlier looks, 0 to 1."""
    found: Found
    event_id: str = ""
    detector: Detector | None = None
    strength: float = 0.0
    """Hectares times mean change of what was found, in the measure of its detector; 0 where nothing was."""
    rate: float | None = None
    """How often quiet ground does the like, per 1,000 km² and year; None: not known, or nothing was found."""
    detail: str
    """How it was seen, or why it was not, with the figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReport:
    """What one channel was told."""

    channel: str
    told: int
    """Messages that it acknowledged ..."""
    meant: int
    """... of so many."""
    detail: str = ""
    """Why it was not reached."""

    @property
    def reached(self) -> bool:
        """Whether everything arrived that was meant for it."""
        return self.told == self.meant


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReport:
    """One drill."""

    region: str
    acquisition_id: str
    sensor: Sensor
    sensing_time: datetime
    asked: int
    """Scars that were to be painted; there may have been room for fewer."""
    scars: tuple[ScarReport, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    """By stage; what runs side by side counts in full."""
    elapsed_s: float = 0.0
    """From beginning to end."""
    delivering: bool = False
    """Whether channels were to be told."""
    channels: Sequence[ChannelReport] = ()
    kept: Path | None = None
    """Where the exercise's own database, products and pictures lie."""

    def count(self, found: Found) -> int:
        """Scars of which this became."""
        return sum(scar.found is found for scar in self.scars)

    @property
    def passed(self) -> bool:
        """No scar on observed ground was missed, and every channel was reached."""
        return not self.count(Found.MISSED) and all(one.reached for one in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRequest:
    """What is to be painted where."""

    region: str
    sizes_ha: tuple[float, ...]
    """One scar each."""
    sensor: Sensor | None = None
    """None: whatever made the newest acquisition."""
    seed: int = 0
    contrast: Contrast = FRESH
    """What a scar does to the echo of radar."""
