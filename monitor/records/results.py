"""What a processed acquisition changes."""

from dataclasses import dataclass

from monitor.records.events import Event, FrozenReference
from monitor.records.looks import Choice, Observation


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
