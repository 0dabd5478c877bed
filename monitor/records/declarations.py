"""Events that a person has declared: what happened, where and when, and for how long more is asked of the watch."""

from dataclasses import dataclass
from datetime import datetime

from shapely.geometry.base import BaseGeometry

from monitor.records.kinds import DeclarationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """An event that may have made slopes fail. What it changes is in `core.declared`."""

    id: int
    region: str
    at: datetime
    """When it happened. References of its ground are as they were then."""
    until: datetime
    """When it ends by itself."""
    geometry: BaseGeometry | None
    """EPSG:4326, within the region; None: all of the region."""
    kind: DeclarationKind
    name: str
    """What people call it; may be empty."""
    rate_factor: float
    """So many times more often than elsewhere quiet ground may look like what is an alert there."""
    size_factor: float
    """So many times smaller than elsewhere is the least area there, and the strength where no rate is known."""
    by: str
    declared: datetime
    """When it was entered."""
    storm: str = ""
    """What events are grouped under in whose failure window it lies; given when it is entered."""
    ended: datetime | None = None
    """When a person ended it early ..."""
    ended_by: str | None = None
    """... and who."""

    @property
    def end(self) -> datetime:
        """When it holds no more."""
        return self.until if self.ended is None else min(self.ended, self.until)
