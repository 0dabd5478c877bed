"""When a failed message is tried again, how much a channel takes, what a silence covers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, box

from monitor.core.delivery import RetrySettings, gives_up, holding, room_at, silenced_by, wait_after, wants
from monitor.records import AlertStatus, Channel, MessageKind, RateLimit, Silence, Tier

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SETTINGS = RetrySettings()
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("attempts", "draw", "asked_s", "wait_s"),
    [
        (1, 1.0, None, 30),
        (1, 0.5, None, 15),
        (1, 0.0, None, 1),
        (4, 1.0, None, 240),
        (9, 1.0, None, 3600),
        (10_000, 1.0, None, 3600),
        (1, 1.0, 120, 120),
        (9, 1.0, 5, 3600),
        (1, 0.5, 1e300, 6 * 3600),
    ],
)
def test_wait(attempts: int, draw: float, asked_s: float | None, wait_s: float) -> None:
    """Doubling with full jitter between bounds, and no less than the receiver asks, within reason."""
    assert wait_after(attempts, draw, SETTINGS, asked_s).total_seconds() == wait_s


def test_patience() -> None:
    """A message is given up after the channel's patience, counted from its first failure."""
    channel = Channel(name="duty", give_up_after=timedelta(days=3))
    assert not gives_up(None, NOW, channel)
    assert not gives_up(NOW - timedelta(days=2.9), NOW, channel)
    assert gives_up(NOW - timedelta(days=3), NOW, channel)


@pytest.mark.parametrize(
    ("channel", "heard"),
    [
        (Channel(name="all"), True),
        (Channel(name="here", regions=frozenset({"atsuma"})), True),
        (Channel(name="there", regions=frozenset({"abira"})), False),
        (Channel(name="chief", escalation={Tier.WARNING: timedelta(minutes=30)}), False),
        (Channel(name="watches", tiers=frozenset({Tier.WATCH})), False),
        (Channel(name="drills", statuses=frozenset({AlertStatus.EXERCISE, AlertStatus.TEST})), False),
    ],
)
def test_wants(channel: Channel, heard: bool) -> None:
    """A channel hears what fits its regions, tiers and statuses."""
    assert wants(channel, MessageKind.ALERT, {"region": "atsuma", "tier": "warning", "status": "actual"}) is heard


def test_wants_signs_of_life() -> None:
    """Channels of the region that are told of what really happens, unless they want none."""
    here = {"region": "atsuma"}
    heard = {
        "all": Channel(name="all"),
        "chief": Channel(name="chief", escalation={Tier.WARNING: timedelta(minutes=30)}),
        "there": Channel(name="there", regions=frozenset({"abira"})),
        "drills": Channel(name="drills", statuses=frozenset({AlertStatus.EXERCISE, AlertStatus.TEST})),
        "none": Channel(name="none", alive=False),
    }
    assert [name for name, one in heard.items() if wants(one, MessageKind.ALIVE, here)] == ["all", "chief"]


@given(st.lists(st.integers(-300, 10), max_size=30), st.integers(1, 5))
def test_room_keeps_the_limit(minutes: list[int], count: int) -> None:
    """Sent when there is room, no span of the limit's length ever holds more than its count."""
    limit = RateLimit(count=count, per=HOUR)
    sent: list[datetime] = []
    for minute in sorted(minutes):
        at = NOW + timedelta(minutes=minute)
        if room_at(sent, limit, at) <= at:
            sent.append(at)
        else:
            assert at < room_at(sent, limit, at) <= at + HOUR
    for last in sent:
        assert sum(last - HOUR < one <= last for one in sent) <= count


def silence(**changes: object) -> Silence:
    """A silence of an hour."""
    plain: dict[str, object] = {"id": 1, "region": "atsuma", "start": NOW, "until": NOW + HOUR, "geometry": None}
    return Silence(**{**plain, **changes}, why="works", by="kk", at=NOW)  # type: ignore[arg-type]


def test_silence() -> None:
    """A silence holds from its start to before its end, in its region, and where its polygon touches the alert."""
    one = silence()
    times = (NOW - timedelta(seconds=1), NOW, NOW + HOUR - timedelta(seconds=1), NOW + HOUR)
    assert [bool(holding([one], at)) for at in times] == [False, True, True, False]
    assert holding([silence(ended=NOW)], NOW) == []
    ground = Point(141.9, 42.7).buffer(0.001)
    part = silence(geometry=box(141.9, 42.7, 142, 42.8))
    assert silenced_by([one], "atsuma", None) is one
    assert silenced_by([one], "abira", ground) is None
    assert silenced_by([silence(region=None)], "abira", ground) is not None
    assert silenced_by([part], "atsuma", ground) is part
    assert silenced_by([part], "atsuma", Point(10, 45).buffer(0.001)) is None
    assert silenced_by([part], "atsuma", None) is None, "what cannot be placed is told"
