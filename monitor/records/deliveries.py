"""Who hears of alerts, what is told to whom, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shapely.geometry.base import BaseGeometry

from monitor.records.kinds import AlertStatus, Tier


class DeliveryState(StrEnum):
    """What became of one message on one channel."""

    DUE = "due"
    """To be sent, perhaps not yet: a try failed, a limit is reached, or others of its storm are waited for."""
    DELIVERED = "delivered"
    """The receiver acknowledged it; it does not come again unless a person asks for a replay."""
    PARKED = "parked"
    """Set aside until a person acts; `reason` and `detail` say why."""
    SUPPRESSED = "suppressed"
    """It is not sent: a silence held when it was due, or a later revision arrived before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How much a channel takes."""

    count: int
    """Messages; several revisions gathered into one message count once."""
    per: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One receiver, and what it wants to hear."""

    name: str
    regions: frozenset[str] = frozenset()
    """Empty: all."""
    tiers: frozenset[Tier] = frozenset(Tier)
    statuses: frozenset[AlertStatus] = frozenset({AlertStatus.ACTUAL})
    gather: timedelta = timedelta(0)
    """So long the first revision of a storm waits for others, to be told in one message; zero: each goes alone."""
    at_most: RateLimit | None = None
    give_up_after: timedelta = timedelta(days=3)
    """A message that fails so long is parked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One revision of an alert, claimed to be sent to one channel."""

    idempotency_key: str
    """`event_id:sequence`."""
    channel: str
    event_id: str
    sequence: int
    payload: Mapping[str, object]
    """The event as it was after the transition, JSON types only."""
    created: datetime
    attempts: int
    """This try included."""
    failing_since: datetime | None = None
    """When the first of the tries that failed in a row did."""
    waited_for_limit: bool = False
    replays: int = 0
    """How often a person asked for it again."""

    @property
    def id(self) -> str:
        """What tells the receiver that it is the same message: the same at every try, another on every channel."""
        return f"{self.idempotency_key}:{self.channel}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one message on one channel, for people to read."""

    idempotency_key: str
    channel: str
    event_id: str
    sequence: int
    region: str
    tier: str
    state: DeliveryState
    due_since: datetime
    not_before: datetime | None
    attempts: int
    last_try: datetime | None
    reason: str | None
    detail: str | None
    delivered: datetime | None
    replays: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What became of messages that were set aside."""

    due: int
    superseded: int
    """Left out for good: a later revision of the same event has arrived, and an older one would contradict it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCount:
    """How a channel stands."""

    channel: str
    counts: Mapping[DeliveryState, int]
    oldest_due: datetime | None
    """Since when the oldest message waits; None: none does."""
    failing: int = 0
    """Messages that are due and whose last try failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A time in which nothing of a region, or of a part of it, reaches the channels. Feeds and lists show it all."""

    id: int
    region: str | None
    """None: every region."""
    start: datetime
    until: datetime
    geometry: BaseGeometry | None
    """EPSG:4326; None: all of the region. What touches it is silenced."""
    why: str
    by: str
    at: datetime
    """When it was entered."""
    ended: datetime | None = None
    """When a person ended it early."""
