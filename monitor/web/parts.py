"""What the web is given by the composition root. It reads the store only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from monitor.adapters.store.listing import AlertLists
from monitor.config import Settings
from monitor.core.geojson import Json
from monitor.core.next_pass import Passed
from monitor.core.precision import Judged
from monitor.records import Action, Declaration, Event, HeldBack, Region
from monitor.web.auth import Tokens
from monitor.web.refusals import Refusals
from monitor.web.unwell import Unwell

Clock = Callable[[], datetime]


class People(Protocol):
    """Where people look at an event and act on it (`monitor.adapters.store.SqlStore`)."""

    def event(self, event_id: str) -> Event | None:
        """One event with its evidence and transitions, or None."""

    def act(self, event_id: str, action: Action, now: datetime, seen: int | None = None) -> Event:
        """Note what a person did; Refused when that cannot be done, or it has changed since `seen`."""

    def judged(self, since: datetime) -> list[Judged]:
        """Every real alert that a look showed first at or after a time, with the last word of people on it."""

    def held_back(self, now: datetime, region: str | None = None) -> list[HeldBack]:
        """The silences in force over a region, and how many messages of it each keeps back."""


class Declarations(Protocol):
    """Where events that people declare are kept (`monitor.adapters.store.SqlStore`)."""

    def declare(self, wanted: Declaration, region: Region, now: datetime) -> Declaration:
        """Enter one; Refused when it cannot be so, or somebody was faster."""

    def weighed_anew(self, declaration: Declaration) -> tuple[str, ...]:
        """Ids of the alerts that were candidates until it was declared."""

    def end_declaration(self, number: int, by: str, now: datetime) -> bool:
        """End one early; False when none of this number holds."""

    def declarations(self, region: str | None = None) -> list[Declaration]:
        """All there ever were, in the order in which they were entered."""

    def passes(self, region: str, since: datetime, until: datetime) -> list[Passed]:
        """Every pass over a region that a catalog listed, in order of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """Everything the web needs from outside."""

    lists: AlertLists
    people: People
    tokens: Tokens
    declarations: Declarations
    settings: Settings
    regions: Json
    """The watched regions, GeoJSON."""
    coverage: Callable[[], Mapping[str, Json]]
    """Of every region, and of the ground of every declared event by its storm, what was not observed; slow, so asked
    for seldom."""
    clock: Clock
    troubled: Callable[[], Mapping[str, Json]] = dict
    """Of the same why the watch is not well, as far as that needs no count; fast."""
    refusals: Refusals = field(default_factory=Refusals)
    """Counts who was turned away."""
    unwell: Unwell = field(default_factory=Unwell)
    """Knows what callers may hear of trouble, and tells the log the rest."""

    @property
    def products(self) -> Path:
        """Where pictures lie."""
        return self.settings.products
