"""Deliveries and silences behind the port `Deliveries`, and what people read and change of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.adapters.store import channels as registry
from monitor.adapters.store import deliveries, escalating, inhibiting, planning, releasing, silences
from monitor.adapters.store.database import Database
from monitor.adapters.store.schema import DeliveryRow
from monitor.records import Channel, ChannelCount, Delivery, DeliveryState, HeldBack, Message, Retried, Silence


class SqlDeliveries:
    """The part of `SqlStore` that delivery uses. Every method is one transaction and may raise StoreBusy."""

    database: Database

    # The couriers' side.

    def begin_channels(self, channels: Sequence[Channel], now: datetime) -> None:
        """Enter the channels of a process before it makes messages: new ones hear what happens from now on.

        What it then finds is theirs, also when it ends before it delivers.
        """
        with self.database.read() as session:
            if not registry.are_new(session, registry.names(session, channels, now)):
                return
        with self.database.write() as session:
            registry.begin(session, registry.names(session, channels, now), now)

    def plan_deliveries(self, channels: Sequence[Channel], now: datetime) -> int:
        """Write what every channel is to hear of new messages, and set aside what is silenced; how many were new."""
        with self.database.read() as session:
            if not _is_anything_to_do(session, channels, now):
                return 0
        planned = 0
        while True:
            with self.database.write() as session:
                some = planning.plan(session, channels, now)
                planned += some
                if not some:
                    releasing.apply(session, channels, now)
                    escalating.escalate(session, channels, now)
                    escalating.stop(session, now)
                    inhibiting.apply(session, now)
                    planning.set_aside(session, channels, now)
                    return planned

    def unplanned(self) -> int:
        """Messages of which nobody has said yet who is to hear them."""
        with self.database.read() as session:
            return registry.unplanned(session)

    def claim_deliveries(self, channel: Channel, owner: str, lease: timedelta, now: datetime) -> list[Message]:
        """Claim the next message of a channel, or the revisions that make up one; empty: nothing is due."""
        with self.database.write() as session:
            return deliveries.claim(session, channel, owner, lease, now)

    def delivered(self, messages: Sequence[Message], owner: str, detail: str, now: datetime) -> int:
        """Note that the receiver acknowledged them, as one message; how many were still held by `owner`."""
        values = deliveries.ending(DeliveryState.DELIVERED, None, detail)
        values |= {"delivered": now, "message_id": messages[0].id, "failing_since": None}
        with self.database.write() as session:
            return deliveries.finish(session, messages, owner, values)

    def put_off(self, messages: Sequence[Message], owner: str, reason: str, detail: str, until: datetime) -> int:
        """A try failed: they are due again at `until`; how many were still held by `owner`."""
        ending = deliveries.ending(DeliveryState.DUE, reason, detail) | {"not_before": until}
        with self.database.write() as session:
            return sum(
                deliveries.finish(session, [one], owner, ending | {"failing_since": one.failing_since})
                for one in messages
            )

    def park_deliveries(self, messages: Sequence[Message], owner: str, reason: str, detail: str) -> int:
        """Set them aside until a person acts; how many were still held by `owner`."""
        ending = deliveries.ending(DeliveryState.PARKED, reason, detail)
        with self.database.write() as session:
            return deliveries.finish(session, messages, owner, ending)

    def pause_channel(self, channel: str, until: datetime, now: datetime) -> None:
        """Put off everything that is due on a channel."""
        with self.database.write() as session:
            deliveries.pause(session, channel, until, now)

    # People's side.

    def deliveries(
        self,
        channel: str | None = None,
        state: DeliveryState | None = None,
        event_id: str | None = None,
        limit: int = 1000,
    ) -> list[Delivery]:
        """Deliveries, newest first."""
        with self.database.read() as session:
            return deliveries.read(session, channel, state, limit, event_id)

    def channel_counts(self, channel: str | None = None) -> list[ChannelCount]:
        """How every channel stands that ever had a message; of one channel only what is due, parked or held."""
        with self.database.read() as session:
            return deliveries.counts(session, channel)

    def last_delivered(self, channel: str) -> datetime | None:
        """When a channel took a message last; None: never."""
        with self.database.read() as session:
            return deliveries.last_delivered(session, channel)

    def retry_deliveries(self, name: str, now: datetime) -> Retried:
        """Make due again what is parked of a channel and not superseded, or one message by its key."""
        with self.database.write() as session:
            return deliveries.retry(session, name, now)

    def replay_deliveries(self, channel: str, since: datetime | None, now: datetime) -> int:
        """Send again what was delivered to a channel at or after a time; how many."""
        with self.database.write() as session:
            return deliveries.replay(session, channel, since, now)

    def add_silence(self, silence: Silence) -> int:
        """Write a silence; returns its number."""
        with self.database.write() as session:
            return silences.add(session, silence)

    def end_silence(self, number: int, now: datetime) -> bool:
        """End a silence early; False when none of this number is in force or to come."""
        with self.database.write() as session:
            return silences.end(session, number, now)

    def silences(self, since: datetime | None = None) -> list[Silence]:
        """Silences not over at `since` (None: all there ever were)."""
        with self.database.read() as session:
            return silences.read(session, since)

    def held_back(self, now: datetime, region: str | None = None) -> list[HeldBack]:
        """The silences in force over a region, and how many messages of it each keeps back that would be told."""
        with self.database.read() as session:
            return releasing.held_back(session, now, region)


def _is_anything_to_do(session: Session, channels: Sequence[Channel], now: datetime) -> bool:
    if planning.is_needed(session, channels, now) or inhibiting.is_needed(session, now):
        return True
    if releasing.is_needed(session, channels, now):
        return True
    over = session.scalar(select(DeliveryRow.id).where(escalating.answered(now)).limit(1))
    return over is not None or bool(escalating.due(session, channels, now))
