"""What is sent to whom, when a failed message is tried again, and what a silence covers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shapely.geometry.base import BaseGeometry

from monitor.records import (
    AlertStatus,
    Channel,
    Escalation,
    EventState,
    Message,
    MessageKind,
    RateLimit,
    Silence,
    Tier,
    Unanswered,
)

_LONGEST_EXPONENT = 20
"""Enough for every longest wait; a larger one would overflow a timedelta."""
NO_CHANNEL = "no-such-channel"
"""Reason: the channel is no longer in the configuration."""
RATE_LIMITED = "rate-limited"
"""Reason: the channel takes no more messages for now."""
GAVE_UP = "gave-up"
"""Reason: every try failed, for longer than the channel is patient."""
SILENCED = "silenced"
"""Reason, followed by `:` and the number of the silence."""
SUPERSEDED = "superseded"
"""Reason: a later revision of the event has arrived. Who asks for it by its key gets it all the same."""
END_PASSES = "end-passes-silence"
"""Reason, followed by `:` and the number of the silence: an alert that the channel was told of has ended."""
ANSWERED = "answered"
"""Reason: it was to be told because nobody had answered, and somebody has."""
INHIBITED = "inhibited"
"""Reason, followed by `:` and the acquisition: it waits because the evidence it rests on alone is in doubt."""
_TRIAL = "channel-test"
"""Reason: a person tries a channel."""
_ENDED = frozenset({EventState.REFUTED, EventState.CLOSED, EventState.EXPIRED})
WARNING = Tier.WARNING.value
"""The tier that goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """How patient delivery is."""

    first_wait: timedelta = timedelta(seconds=30)
    """Upper end of the wait after the first failure; doubles with each further one."""
    longest_wait: timedelta = timedelta(hours=1)
    longest_asked: timedelta = timedelta(hours=6)
    """Also of a receiver that asks for more (Retry-After)."""
    shortest_wait: timedelta = timedelta(seconds=1)


def wants(channel: Channel, kind: MessageKind, payload: Mapping[str, object]) -> bool:
    """Whether a channel is to hear of a message by itself.

    Signs of life are for those that are told of what really happens. A channel for what nobody answers wants no alert.
    """
    if kind is MessageKind.ALIVE:
        return channel.alive and AlertStatus.ACTUAL in channel.statuses and _is_here(channel, payload)
    return not channel.escalation and concerns(channel, payload) and not is_end(payload)


def concerns(channel: Channel, payload: Mapping[str, object]) -> bool:
    """Whether a revision is of the region, tier and status that a channel is for."""
    status = payload.get("status", AlertStatus.ACTUAL)
    return _is_here(channel, payload) and tier_of(payload) in channel.tiers and status in channel.statuses


def _is_here(channel: Channel, payload: Mapping[str, object]) -> bool:
    return not channel.regions or payload.get("region") in channel.regions


def unanswered(delivered: datetime | None, due_since: datetime, after: timedelta, now: datetime) -> Escalation | None:
    """Why an alert that nobody has answered is to be told to further people now; None: there is time.

    Args:
        delivered: when the first channel took it; None: none has. A receiver that is dead must not keep it from people.
        due_since: since when it is to be told.
        after: so long people have to answer.
        now: aware UTC.
    """
    why = Unanswered.UNTOLD if delivered is None else Unanswered.UNACKNOWLEDGED
    since = due_since if delivered is None else delivered
    return Escalation(why=why, since=since) if now - since >= after else None


def is_end(payload: Mapping[str, object]) -> bool:
    """Whether a revision says that an alert ended."""
    return payload.get("state") in _ENDED


def tier_of(payload: Mapping[str, object]) -> str:
    """The tier a revision has; messages from before there were tiers are warnings."""
    return str(payload.get("tier") or WARNING)


def wait_after(attempts: int, draw: float, settings: RetrySettings, retry_after_s: float | None = None) -> timedelta:
    """Until the next try.

    Exponential backoff with full jitter, so that messages which failed together do not come back together
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), and at least what the receiver asks.

    Args:
        attempts: tries so far, at least 1.
        draw: a random number, 0 to 1.
        settings: limits.
        retry_after_s: the receiver's own wish, seconds.
    """
    doubled: timedelta = min(settings.first_wait * 2 ** min(attempts - 1, _LONGEST_EXPONENT), settings.longest_wait)
    asked = min(timedelta(seconds=min(retry_after_s or 0.0, 1e9)), settings.longest_asked)
    return max(doubled * draw, asked, settings.shortest_wait)


def gives_up(failing_since: datetime | None, now: datetime, channel: Channel) -> bool:
    """Whether a message that has just failed has failed for too long."""
    return failing_since is not None and now - failing_since >= channel.give_up_after


def room_at(sent: Sequence[datetime], limit: RateLimit | None, now: datetime) -> datetime:
    """When the next message may go: `now`, or when the oldest of the last `count` messages is `per` ago.

    Args:
        sent: when messages were delivered, in any order. Those from the future (a clock set back) do not count.
        limit: of the channel.
        now: aware UTC.
    """
    if limit is None:
        return now
    recent = sorted((time for time in sent if now - limit.per < time <= now), reverse=True)
    return now if len(recent) < limit.count else recent[limit.count - 1] + limit.per


def holding(silences: Iterable[Silence], now: datetime) -> list[Silence]:
    """The silences in force."""
    return [one for one in silences if one.start <= now < one.until and one.ended is None]


def silenced_by(silences: Iterable[Silence], region: str, ground: BaseGeometry | None) -> Silence | None:
    """The first of the silences in force that covers an alert.

    Args:
        silences: in force.
        region: of the alert.
        ground: its outline, EPSG:4326; None where it cannot be read: then only silences of whole regions cover it.
    """
    for one in silences:
        if one.region not in (None, region):
            continue
        if one.geometry is None or (ground is not None and one.geometry.intersects(ground)):
            return one
    return None


def is_trial(message: Message) -> bool:
    """Whether it only tries a channel: there is no such alert."""
    return message.payload.get("reason") == _TRIAL


def trial_message(channel: str, now: datetime) -> Message:
    """A message of status Test, for a person who wants to see whether a channel works."""
    moment = now.astimezone(UTC)
    event_id = f"test-{moment:%Y%m%dT%H%M%SZ}"
    payload: dict[str, object] = {
        "event_id": event_id,
        "region": "test",
        "status": AlertStatus.TEST.value,
        "tier": "watch",
        "storm": "",
        "state": "provisional",
        "reason": _TRIAL,
        "detail": "This is a test of the channel; nothing happened.",
        "area_ha": 0.0,
        "confidence": "none",
        "confidence_reason": "nothing was looked at",
        "at": moment.isoformat(),
        "window_start": moment.isoformat(),
        "window_end": moment.isoformat(),
        "geometry": None,
        "picture": None,
    }
    return Message(
        idempotency_key=f"{event_id}:0",
        channel=channel,
        event_id=event_id,
        sequence=0,
        payload=payload,
        created=moment,
        attempts=1,
    )
