"""Delivery: from the outbox to the receivers, at least once and, after an acknowledgement was noted, never again.

Every channel has a courier of its own, with its own time: a receiver that is dead or slow holds up no other.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

import stamina

from monitor.core.delays import Delay, of_delivery
from monitor.core.delivery import GAVE_UP, RetrySettings, gives_up, wait_after
from monitor.errors import NotDelivered, Permanent, ScarpwatchError, StoreBusy, Transient, Undeliverable
from monitor.ports import Deliveries, Outlet
from monitor.records import Channel, ChannelCount, Message

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierSettings:
    """How a courier works."""

    retry: RetrySettings = field(default_factory=RetrySettings)
    lease: timedelta = timedelta(minutes=5)
    """Longer than any try takes."""
    failures: int = 3
    """Failures in a row after which the rest waits for the next round."""
    round_s: float = 60.0
    """How long one round may go on beginning with further messages."""
    note_tries: int = 5
    """How often an acknowledgement is noted again that a busy database did not take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """Something that people following delivery want to hear."""

    action: str
    """delivered, delivery-put-off, delivery-parked, delivery-lost, delivery-failed."""
    channel: str
    item: str
    """The message."""
    detail: str
    reason: str = ""
    revisions: int = 1
    escalations: int = 0
    """How many of the revisions were told because nobody had answered."""
    delays: tuple[Delay, ...] = ()
    """How long those took that were delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round of one channel did, counted in revisions."""

    delivered: int = 0
    put_off: int = 0
    parked: int = 0
    errors: tuple[str, ...] = ()


Report = Callable[[DeliveryEvent], None]


def _silent(_event: DeliveryEvent) -> None:
    """Nobody listens."""


class Courier:
    """Delivers to one channel."""

    def __init__(
        self,
        *,
        channel: Channel,
        outlet: Outlet,
        store: Deliveries,
        owner: str,
        draw: Callable[[], float],
        settings: CourierSettings | None = None,
    ) -> None:
        """`owner` names this process in leases; `draw` gives random numbers, 0 to 1."""
        self.channel = channel
        self._outlet = outlet
        self._store = store
        self._owner = owner
        self._draw = draw
        self._settings = settings or CourierSettings()
        self._unnoted: list[tuple[Callable[[], int], Callable[[int], None]]] = []

    def deliver(self, clock: Clock, report: Report = _silent, stop: Callable[[], bool] = lambda: False) -> Round:
        """One round: send what is due, until nothing is, the time is up, the receiver fails or `stop` says so.

        What a database that was gone could not take of the last round is noted first, so that nothing is sent again.

        Raises:
            StoreBusy: the database is gone.
        """
        self._catch_up()
        end = monotonic() + self._settings.round_s
        done, failures = Round(), 0
        while not stop() and monotonic() < end and failures < self._settings.failures:
            messages = self._store.claim_deliveries(self.channel, self._owner, self._settings.lease, clock())
            if not messages:
                break
            one = self._send(messages, clock, report)
            failures = failures + 1 if one.put_off else 0
            done = Round(
                delivered=done.delivered + one.delivered,
                put_off=done.put_off + one.put_off,
                parked=done.parked + one.parked,
                errors=(*done.errors, *one.errors),
            )
        return done

    def _send(self, messages: Sequence[Message], clock: Clock, report: Report) -> Round:
        try:
            detail = self._outlet.send(messages, clock())
        except Transient as error:
            return self._failed(_noting(messages, error), error, clock(), report)
        except Permanent as error:
            return self._park(_noting(messages, error), error.reason, str(error), report)
        except Exception as error:
            # The one broad except of delivery: a defect in ours or a library must not stop the other messages.
            words = f"{type(error).__name__}: {error}. This is a defect: please report it with the log."
            return self._park(messages, "unexpected-error", words, report)
        now = clock()
        tell = partial(self._tell, "delivered", messages, detail, "", report, delays=of_delivery(messages, now))
        self._note(partial(self._store.delivered, messages, self._owner, detail, now), tell)
        return Round(delivered=len(messages))

    def _failed(self, messages: Sequence[Message], error: Transient, now: datetime, report: Report) -> Round:
        """Put them off or, after all patience, park them."""
        since = min((one.failing_since for one in messages if one.failing_since is not None), default=None)
        if gives_up(since, now, self.channel):
            days = self.channel.give_up_after.total_seconds() / 86400
            words = f"every try failed for {days:g} days; the last: {error}, then run `scarpwatch deliveries retry`"
            return self._park(messages, GAVE_UP, words, report)
        # Each has its own number of tries; together they go by the one that was tried most.
        attempts = max(one.attempts for one in messages)
        until = now + wait_after(attempts, self._draw(), self._settings.retry, error.retry_after_s)
        failing = [replace(one, failing_since=one.failing_since or now) for one in messages]
        tell = partial(self._tell, "delivery-put-off", messages, str(error), error.reason, report)
        self._note(partial(self._store.put_off, failing, self._owner, error.reason, str(error), until), tell)
        if error.retry_after_s:
            self._note(partial(self._pause, until, now), lambda _held: None)
        return Round(put_off=len(messages), errors=(str(error),))

    def _pause(self, until: datetime, now: datetime) -> int:
        self._store.pause_channel(self.channel.name, until, now)
        return 0

    def _park(self, messages: Sequence[Message], reason: str, detail: str, report: Report) -> Round:
        tell = partial(self._tell, "delivery-parked", messages, detail, reason, report)
        self._note(partial(self._store.park_deliveries, messages, self._owner, reason, detail), tell)
        return Round(parked=len(messages), errors=(detail,))

    def _note(self, write: Callable[[], int], tell: Callable[[int], None]) -> None:
        """Write how a try ended, then tell it."""
        self._unnoted.append((write, tell))
        self._catch_up()

    def _catch_up(self) -> None:
        """Write what is not written yet. A busy database is asked patiently; one that is gone, in the next round."""
        while self._unnoted:
            write, tell = self._unnoted[0]
            for attempt in stamina.retry_context(on=StoreBusy, attempts=self._settings.note_tries, timeout=None):
                with attempt:
                    held = write()
            del self._unnoted[0]
            tell(held)

    def _tell(
        self,
        action: str,
        messages: Sequence[Message],
        detail: str,
        reason: str,
        report: Report,
        held: int,
        delays: tuple[Delay, ...] = (),
    ) -> None:
        lost = held < len(messages)
        report(
            DeliveryEvent(
                action="delivery-lost" if lost else action,
                channel=self.channel.name,
                item=messages[0].id,
                detail=f"another process took it over; here: {detail}" if lost else detail,
                reason="lease-lost" if lost else reason,
                revisions=len(messages),
                escalations=sum(one.escalation is not None for one in messages),
                delays=() if lost else delays,
            )
        )


def _noting(messages: Sequence[Message], error: Transient | Permanent) -> list[Message]:
    """The messages with those recipients that have taken them all the same."""
    taken = error.taken if isinstance(error, NotDelivered | Undeliverable) else frozenset()
    return [replace(one, taken=one.taken | taken) for one in messages]


class Delivery:
    """All channels of a configuration."""

    def __init__(self, *, store: Deliveries, couriers: Sequence[Courier], close: Callable[[], None] = lambda: None):
        """`close` releases what was opened."""
        self.couriers: Mapping[str, Courier] = {one.channel.name: one for one in couriers}
        self._store = store
        self._close = close

    def plan(self, now: datetime) -> int:
        """Say of new messages who is to hear them; how many there were. Also where there is no channel."""
        return self._store.plan_deliveries([one.channel for one in self.couriers.values()], now)

    def round(
        self, name: str, clock: Clock, report: Report = _silent, stop: Callable[[], bool] = lambda: False
    ) -> Round:
        """Plan, then one round of one channel."""
        self.plan(clock())
        return self.couriers[name].deliver(clock, report, stop)

    def once(
        self, clock: Clock, report: Report = _silent, stop: Callable[[], bool] = lambda: False
    ) -> dict[str, Round]:
        """Plan, then one round of every channel, side by side. What went wrong on one is told in its round."""
        self.plan(clock())
        if not self.couriers:
            return {}

        def one(courier: Courier) -> Round:
            try:
                return courier.deliver(clock, report, stop)
            except ScarpwatchError as error:
                report(_trouble(courier, error))
                return Round(errors=(str(error),))

        with ThreadPoolExecutor(len(self.couriers), "deliver") as pool:
            return dict(zip(self.couriers, pool.map(one, self.couriers.values()), strict=True))

    def standing(self, name: str) -> ChannelCount:
        """What is due, parked or held of a channel."""
        nothing = ChannelCount(channel=name, counts={}, oldest_due=None)
        return next(iter(self._store.channel_counts(name)), nothing)

    def close(self) -> None:
        """Release the database."""
        self._close()


def _trouble(courier: Courier, error: ScarpwatchError) -> DeliveryEvent:
    return DeliveryEvent(
        action="delivery-failed",
        channel=courier.channel.name,
        item=error.item,
        detail=str(error),
        reason=error.reason,
        revisions=0,
    )
