"""The watch with channels: delivery beside processing, its metrics and its log."""

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from threading import Event

import httpx

from monitor.adapters.store import SqlStore
from monitor.cli.living import make_herald
from monitor.config import ChannelSettings, Settings
from monitor.core.alive import Week, name_of
from monitor.delivering import Courier, Delivery
from monitor.errors import Undeliverable
from monitor.logs import make_logger
from monitor.records import AlertStatus, Channel, Message
from tests.test_daemon import run_while, settings, until, watching

__all__ = ["settings"]


class Receiver:
    """Takes everything, or waits until it may refuse it."""

    def __init__(self, hold: Event | None = None) -> None:
        """`hold` is waited for."""
        self.hold = hold
        self.taken: list[str] = []

    def send(self, messages: Sequence[Message], now: datetime) -> str:
        """Take, or wait and refuse."""
        if self.hold is None:
            self.taken += [one.id for one in messages]
            return "HTTP 204"
        self.hold.wait(30)
        raise Undeliverable("no more", item="channel slow", remedy="Ask", reason="gone")


def test_channels_beside_the_watch(settings: Settings) -> None:
    """A receiver that hangs holds up neither the watch nor another channel; metrics and log tell of both."""
    hold, stream = Event(), StringIO()
    good, slow = Receiver(), Receiver(hold)

    def visit(base: str) -> None:
        until(lambda: len(good.taken) == 4)
        until(lambda: 'ledger_entries{region="valley",state="done"} 2.0' in httpx.get(f"{base}/metrics").text)
        hold.set()
        until(lambda: 'scarpwatch_deliveries_parked{channel="slow"} 4.0' in httpx.get(f"{base}/metrics").text)
        lines = httpx.get(f"{base}/metrics").text.splitlines()
        assert 'scarpwatch_deliveries_total{channel="good",result="delivered"} 4.0' in lines
        assert 'scarpwatch_deliveries_total{channel="slow",result="delivery-parked"} 4.0' in lines
        assert 'scarpwatch_delivery_oldest_due_seconds{channel="good"} 0.0' in lines
        assert 'scarpwatch_deliveries_held{channel="good"} 0.0' in lines

    with closing(SqlStore(settings.database)) as store:
        couriers = [
            Courier(
                channel=Channel(name=name, statuses=frozenset(AlertStatus)),
                outlet=outlet,
                store=store,
                owner="a@1:1:1",
                draw=lambda: 1.0,
            )
            for name, outlet in (("slow", slow), ("good", good))
        ]
        delivery = Delivery(store=store, couriers=couriers)
        with watching(settings, lambda: datetime.now(UTC), delivery, make_logger(stream, as_json=True)) as daemon:
            run_while(daemon, visit)
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    parked = [line for line in told if line["action"] == "delivery-parked"]
    assert {(line["channel"], line["reason"], line["level"]) for line in parked} == {("slow", "gone", "warning")}
    assert sum(line["action"] == "delivered" for line in told) == 4


def test_watch_without_channels_keeps_no_backlog(settings: Settings) -> None:
    """What happens while there is no channel is not told to one that is added later."""
    with closing(SqlStore(settings.database)) as store:
        with watching(settings, lambda: datetime.now(UTC), Delivery(store=store, couriers=[])) as daemon:
            run_while(daemon, lambda _base: until(lambda: len(store.outbox()) == 4 and _all_planned(store)))
        assert store.plan_deliveries([Channel(name="late")], datetime.now(UTC)) == 0
        assert store.deliveries() == []


def _all_planned(store: SqlStore) -> bool:
    return store.unplanned() == 0


def weekly(receiver: Receiver) -> list[str]:
    """The messages of the week that arrived."""
    return [key for key in receiver.taken if key.startswith("alive:")]


def test_watch_says_that_it_is_alive(settings: Settings) -> None:
    """The message of the week is written as soon as the service runs, logged as what it is, and sent once."""
    stream, receiver = StringIO(), Receiver()
    channel = Channel(name="mail")
    with closing(SqlStore(settings.database)) as store:
        store.upgrade()
        store.plan_deliveries([channel], datetime.now(UTC) - timedelta(days=8))
        courier = Courier(channel=channel, outlet=receiver, store=store, owner="a@1:1:1", draw=lambda: 1.0)
        settings = settings.model_copy(update={"channels": {"mail": ChannelSettings(type="directory", path=Path("x"))}})

        def visit(base: str) -> None:
            until(lambda: bool(weekly(receiver)))
            until(lambda: "scarpwatch_alive_last_message_timestamp_seconds{" in httpx.get(f"{base}/metrics").text)

        with watching(
            settings,
            lambda: datetime.now(UTC),
            Delivery(store=store, couriers=[courier]),
            make_logger(stream, as_json=True),
            lambda kept: make_herald(settings, kept),
        ) as daemon:
            run_while(daemon, visit)
            daemon.say_alive()
    assert weekly(receiver) == [f"alive:valley:{name_of(Week().last(datetime.now(UTC)))}:mail"]
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    (said,) = [line for line in told if line["action"] in ("alive", "not-well")]
    assert (said["action"], said["level"], said["event"]) == (
        "not-well",
        "warning",
        "valley: THE WATCH IS NOT WELL",
    ), "the scenes of the fake watch are of long ago"
