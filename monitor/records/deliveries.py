"""Who hears of alerts, what is told to whom, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shapely.geometry.base import BaseGeometry

from monitor.records.events import Event
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
    """It is not sent: a later revision arrived before it, or nobody needs it any more; `reason` says which."""
    HELD = "held"
    """A silence keeps it back: when that is over the newest revision of what is still an alert is told."""


class MessageKind(StrEnum):
    """What a message is about."""

    ALERT = "alert"
    """A revision of an alert."""
    ALIVE = "alive"
    """The weekly sign of life of the watch over one region."""


class Unanswered(StrEnum):
    """Why an alert is told to a channel that hears only of what nobody answers."""

    UNACKNOWLEDGED = "unacknowledged"
    """A channel was told of it, and nobody has acknowledged it since."""
    UNTOLD = "untold"
    """No channel has taken it since it was to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """That nobody has answered an alert."""

    why: Unanswered
    since: datetime
    """When the first channel took it or, where none did, when it was to be told."""


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
    alive: bool = True
    """Whether it hears once a week that the watch is alive."""
    escalation: Mapping[Tier, timedelta] = field(default_factory=dict)
    """Where there is any, it hears of an alert only once nobody has answered it for so long, by tier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One revision of an alert, or a sign of life, claimed to be sent to one channel."""

    idempotency_key: str
    """`event_id:sequence`, or `alive:region:week`."""
    channel: str
    event_id: str | None
    """None: it is about no alert."""
    sequence: int
    payload: Mapping[str, object]
    """The event as it was after the transition, or how the watch stood; JSON types only."""
    created: datetime
    attempts: int
    """This try included."""
    failing_since: datetime | None = None
    """When the first of the tries that failed in a row did."""
    waited_for_limit: bool = False
    replays: int = 0
    """How often a person asked for it again."""
    kind: MessageKind = MessageKind.ALERT
    escalation: Escalation | None = None
    """Why the channel hears of it, where that is because nobody has answered."""
    taken: frozenset[str] = frozenset()
    """Those recipients of the channel, as it names them, that have taken it already: they are not told again."""
    held_back: bool = False
    """Whether a silence kept it back until now."""
    event: Event | None = None
    """As it was at this revision, with evidence, actions and steps; None: it is about none, or another version's."""

    @property
    def id(self) -> str:
        """What tells the receiver that it is the same message: the same at every try, another on every channel."""
        return f"{self.idempotency_key}:{self.channel}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one message on one channel, for people to read."""

    idempotency_key: str
    channel: str
    event_id: str | None
    sequence: int
    region: str
    tier: str
    """Empty of what is about no alert."""
    state: DeliveryState
    due_since: datetime
    not_before: datetime | None
    attempts: int
    last_try: datetime | None
    reason: str | None
    detail: str | None
    delivered: datetime | None
    replays: int
    kind: MessageKind = MessageKind.ALERT
    escalation: Escalation | None = None


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
    """A time in which nothing of a region, or of a part of it, reaches the channels. Feeds and lists show it all.

    What it held back and still stands is told when it is over.
    """

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


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """What one silence in force keeps from the channels."""

    silence: Silence
    messages: int
    """How many would be told if it ended now: each alert that still stands once for each channel."""
