"""What people were told of an event, step by step."""

from dataclasses import dataclass
from datetime import datetime

from monitor.records.events import Event, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A revision that was told before."""

    sequence: int
    sent: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One step of an alert that people hear, with the event as it was then: it never changes again."""

    event: Event
    """With the evidence, the actions and the transitions up to this step."""
    step: Transition
    sequence: int
    """Number of the step among the event's transitions: people hear not of all, so that numbers are left out."""
    sent: datetime
    """When it was written."""
    earlier: tuple[Earlier, ...] = ()
    """All revisions of the event before this one, oldest first."""
