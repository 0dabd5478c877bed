"""Couriers: what becomes of every answer, two at once, a dead channel beside a living one, any order of trouble."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from monitor.adapters.channels.folder import FolderChannel
from monitor.adapters.channels.secrets import Secret
from monitor.adapters.channels.webhook import Webhook, WebhookLimits
from monitor.adapters.store import SqlStore
from monitor.core.delivery import RetrySettings
from monitor.delivering import Courier, CourierSettings, Delivery, DeliveryEvent
from monitor.errors import NotDelivered, Undeliverable
from monitor.ports import Outlet
from monitor.records import AlertStatus, Channel, DeliveryState, EventState, Message
from monitor.records import Delivery as Row
from tests.adapters.channels.receiver import SECRET, Answer, Inbox, always, in_turn, receiving
from tests.adapters.store.factories import acquisition, event, later
from tests.adapters.store.test_store_events import process
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

MINUTE = timedelta(minutes=1)
DUTY = Channel(name="duty", statuses=frozenset(AlertStatus))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with the messages of two events, three revisions in all."""
    url = (
        f"sqlite:///{tmp_path}/watch.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    )
    fill(url)
    return url


def fill(url: str, events: int = 2) -> None:
    """Events of which the first is confirmed."""
    with closing(SqlStore(url)) as store:
        store.upgrade()
        first = acquisition(1)
        opened = [event(first, f"E{number}") for number in range(events)]
        process(store, first, *opened)
        process(store, acquisition(2), later(opened[0], acquisition(2), EventState.CONFIRMED))


@dataclass(slots=True)
class Told:
    """An outlet that notes what it is given and does as it is told."""

    outcomes: Iterator[Callable[[], str]]
    sent: list[str] = field(default_factory=list)

    def send(self, messages: Sequence[Message], now: datetime) -> str:
        """Note, then the next outcome."""
        self.sent += [one.idempotency_key for one in messages]
        return next(self.outcomes)()


def courier(store: SqlStore, outlet: Outlet, channel: Channel = DUTY, owner: str = "a@1:1:1") -> Courier:
    """A courier that never waits by chance."""
    settings = CourierSettings(retry=RetrySettings(first_wait=MINUTE, longest_wait=4 * MINUTE))
    return Courier(channel=channel, outlet=outlet, store=store, owner=owner, draw=lambda: 1.0, settings=settings)


def to(url: str, limits: WebhookLimits | None = None) -> Webhook:
    """A webhook to a receiver on loopback."""
    secret = Secret(item="secret", value=SECRET)
    return Webhook(name="duty", url=Secret(item="url", value=url), secret=secret, allow_private=True, limits=limits)


@contextmanager
def delivering(url: str, outlet: Outlet, channel: Channel = DUTY) -> Iterator[tuple[SqlStore, Courier]]:
    """A store whose messages are planned, and a courier."""
    with closing(SqlStore(url)) as store:
        store.plan_deliveries([channel], datetime.now(UTC))
        yield store, courier(store, outlet, channel)


def states(rows: Sequence[Row]) -> dict[str, str]:
    """State by key."""
    return {row.idempotency_key: row.state.value for row in rows}


def test_receiver_that_fails_for_an_hour(url: str) -> None:
    """A receiver that answers 500 for an hour gets every revision once it is well, in order and under its key."""
    now = [datetime.now(UTC)]
    start = now[0]

    def ill(_inbox: Inbox) -> Answer:
        return Answer(status=500 if now[0] - start < 60 * MINUTE else 204)

    # The clock of the test runs ahead of the receiver's, which would find the signatures too new.
    with receiving(ill, verify=False) as inbox, delivering(url, to(inbox.url)) as (store, one):
        while any(row.state is DeliveryState.DUE for row in store.deliveries()):
            one.deliver(lambda: now[0])
            now[0] += 3 * MINUTE
            assert now[0] - start < 80 * MINUTE, "longer than the hour and the longest wait"
    assert sorted(inbox.acknowledged) == ["E0:0:duty", "E0:1:duty", "E1:0:duty"]
    assert inbox.ids.index("E0:1:duty") > max(at for at, key in enumerate(inbox.ids) if key == "E0:0:duty")
    assert inbox.ids.count("E0:1:duty") == 1, "it was never tried while the earlier revision was due"


def test_two_at_once_send_everything_once(url: str) -> None:
    """Two couriers on one database, beside each other: every revision is acknowledged exactly once."""
    with (
        receiving(always(Answer(after_s=0.02))) as inbox,
        closing(SqlStore(url)) as other,
        delivering(url, to(inbox.url)) as (store, one),
    ):
        both = (one, courier(other, to(inbox.url), owner="b@2:2:2"))
        rounds = [threading.Thread(target=who.deliver, args=(lambda: datetime.now(UTC),)) for who in both]
        for thread in rounds:
            thread.start()
        for thread in rounds:
            thread.join()
        one.deliver(lambda: datetime.now(UTC))
        assert set(states(store.deliveries()).values()) == {"delivered"}
    assert sorted(inbox.ids) == ["E0:0:duty", "E0:1:duty", "E1:0:duty"]


def test_late_receiver_gets_the_same_key(tmp_path: Path) -> None:
    """An acknowledgement after the time is none: the message comes again with the same id, then never more."""
    url = f"sqlite:///{tmp_path}/watch.db"
    fill(url, events=1)
    answers = in_turn([Answer(after_s=30), Answer()])
    now = datetime.now(UTC)
    short = WebhookLimits(connect_s=0.3, whole_s=0.3)
    with receiving(answers) as inbox, delivering(url, to(inbox.url, short)) as (store, one):
        first = one.deliver(lambda: now)
        assert (first.put_off, first.delivered) == (1, 0)
        assert one.deliver(lambda: now + MINUTE).delivered == 2
        assert one.deliver(lambda: now + 600 * MINUTE).delivered == 0
        assert set(states(store.deliveries()).values()) == {"delivered"}
    assert inbox.ids == ["E0:0:duty", "E0:0:duty", "E0:1:duty"]


def test_dead_channel_beside_a_living_one(tmp_path: Path) -> None:
    """While one receiver answers nothing, the others get everything; what failed is told by channel."""
    url = f"sqlite:///{tmp_path}/watch.db"
    fill(url)
    release = threading.Event()

    class Hanging:
        def send(self, messages: Sequence[Message], now: datetime) -> str:
            release.wait(30)
            raise NotDelivered("no answer", item="channel dead", remedy="Wait", reason="timeout")

    told: list[DeliveryEvent] = []

    def report(one: DeliveryEvent) -> None:
        told.append(one)
        if sum(one.channel == "files" for one in told) == 3:
            release.set()

    with closing(SqlStore(url)) as store:
        files = replace(DUTY, name="files")
        couriers = [
            courier(store, Hanging(), replace(DUTY, name="dead")),
            courier(store, FolderChannel(name="files", folder=tmp_path / "out"), files),
        ]
        rounds = Delivery(store=store, couriers=couriers).once(lambda: datetime.now(UTC), report)
    assert (rounds["files"].delivered, rounds["dead"].delivered) == (3, 0)
    assert [one.channel for one in told[:3]] == ["files"] * 3
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.json")) == [
        "E0/0.json",
        "E0/1.json",
        "E1/0.json",
    ]


def test_given_up_after_three_days(tmp_path: Path) -> None:
    """What fails for three days is parked with its last reason; what never failed is given its chance."""
    url = f"sqlite:///{tmp_path}/watch.db"
    fill(url, events=1)
    start = datetime.now(UTC) + timedelta(days=30)  # nobody tried for a month

    def fail() -> str:
        raise NotDelivered("no answer", item="channel duty", remedy="Wait", reason="no-answer")

    with delivering(url, Told(iter(lambda: fail, None))) as (store, one):
        one.deliver(lambda: start)
        assert states(store.deliveries())["E0:0"] == "due"
        one.deliver(lambda: start + DUTY.give_up_after - MINUTE)
        assert states(store.deliveries())["E0:0"] == "due"
        one.deliver(lambda: start + DUTY.give_up_after + 10 * MINUTE)
        (parked,) = store.deliveries(state=DeliveryState.PARKED)
    assert (parked.idempotency_key, parked.reason) == ("E0:0", "gave-up")
    assert "the last: channel duty: no answer" in (parked.detail or "")


def test_pause_that_the_receiver_asks_for(tmp_path: Path) -> None:
    """Retry-After holds for the channel, not for one message; a defect parks its own message only."""
    url = f"sqlite:///{tmp_path}/watch.db"
    fill(url)

    def busy() -> str:
        raise NotDelivered("busy", item="channel duty", remedy="Wait", reason="http-429", retry_after_s=1800)

    def defect() -> str:
        raise ZeroDivisionError

    now = datetime.now(UTC)
    outlet = Told(iter([busy, lambda: "fine", defect, lambda: "fine"]))
    with delivering(url, outlet) as (store, one):
        one.deliver(lambda: now)
        one.deliver(lambda: now + 29 * MINUTE)
        assert outlet.sent == ["E0:0"]
        one.deliver(lambda: now + 30 * MINUTE)
        assert states(store.deliveries()) == {"E0:0": "delivered", "E1:0": "delivered", "E0:1": "parked"} or states(
            store.deliveries()
        ) == {"E0:0": "delivered", "E0:1": "delivered", "E1:0": "parked"}


@pytest.mark.parametrize("error", [NotDelivered, Undeliverable])
def test_recipients_that_took_it_are_kept(tmp_path: Path, error: type[NotDelivered] | type[Undeliverable]) -> None:
    """Whoever of several has taken a message is not told again, at the next try or when a person asks for one."""
    url = f"sqlite:///{tmp_path}/watch.db"
    fill(url, events=1)
    skipped: list[frozenset[str]] = []

    class Several:
        def send(self, messages: Sequence[Message], now: datetime) -> str:
            if messages[0].idempotency_key != "E0:0":
                return "fine"
            skipped.append(messages[0].taken)
            failure = error("one is away", item="channel duty", remedy="Wait")
            failure.taken = frozenset({"abc"[len(skipped) - 1]})
            raise failure

    now = datetime.now(UTC)
    with delivering(url, Several()) as (store, one):
        for minutes in (0, 5, 10):
            one.deliver(lambda at=now + minutes * MINUTE: at)  # type: ignore[misc]
            store.retry_deliveries("E0:0", now)
    assert skipped == [frozenset(), frozenset("a"), frozenset("ab")]


def _end(error: type[NotDelivered] | type[Undeliverable]) -> Callable[[], str]:
    def fail() -> str:
        raise error("trouble", item="channel", remedy="Wait")

    return fail


def _crash() -> str:
    raise KeyboardInterrupt


NUMBERS = count()
OUTCOMES: dict[str, Callable[[], str]] = {
    "delivered": lambda: "HTTP 204",
    "later": _end(NotDelivered),
    "never": _end(Undeliverable),
    "killed": _crash,
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    """A database whose messages every example plans anew for a channel of its own."""
    url = f"sqlite:///{tmp_path_factory.mktemp('many')}/watch.db"
    fill(url, events=3)
    with closing(SqlStore(url)) as store:
        yield store


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    outcomes=st.lists(st.tuples(st.sampled_from(sorted(OUTCOMES)), st.booleans(), st.integers(0, 10)), max_size=12),
)
def test_any_trouble_ends_in_order(many: SqlStore, outcomes: list[tuple[str, bool, int]]) -> None:
    """Whatever fails, dies or waits: each message ends delivered or parked, in order, and is never sent after that."""
    channel = replace(DUTY, name=f"c{next(NUMBERS)}", give_up_after=20 * MINUTE)
    with many.database.write() as session:
        session.execute(text("DELETE FROM channel"))
    start = datetime(2026, 5, 1, tzinfo=UTC)
    many.plan_deliveries([channel], start)
    ended: dict[str, list[str]] = {"delivered": [], "parked": []}
    sent: list[str] = []

    def note(one: DeliveryEvent) -> None:
        key = one.item.removesuffix(f":{channel.name}")
        ended.get(one.action.removeprefix("delivery-"), []).append(key)

    class Trouble:
        def send(self, messages: Sequence[Message], now: datetime) -> str:
            (message,) = messages
            assert message.idempotency_key not in ended["delivered"] + ended["parked"]
            sent.append(message.idempotency_key)
            name, *_ = next(script, ("delivered", True, 0))
            return OUTCOMES[name]()

    script, now = iter(outcomes), start
    owners = {who: courier(many, Trouble(), channel, f"{who}@0:1:1") for who in ("a", "b")}
    for _, first, minutes in [*outcomes, *[("", True, 10)] * 8]:
        now += minutes * MINUTE
        try:
            owners["a" if first else "b"].deliver(partial(datetime.fromtimestamp, now.timestamp(), UTC), note)
        except KeyboardInterrupt:
            continue
    rows = many.deliveries(channel.name)
    assert {row.state for row in rows} <= {DeliveryState.DELIVERED, DeliveryState.PARKED}
    assert len(rows) == 4
    assert sorted(ended["delivered"] + ended["parked"]) == sorted(row.idempotency_key for row in rows)
    told = [key for key in sent if key.startswith("E0:")]
    assert told == sorted(told)
