"""When an acquisition that could not be fetched is tried again, and what counts as a try."""

from contextlib import closing
from datetime import timedelta

import pytest

from monitor.errors import HOST_RESTING, AssetUnavailable
from monitor.pipeline import Pipeline
from monitor.records import AcquisitionState, LedgerEntry
from monitor.service import PassEvent
from tests.pipeline.world import REGION, START, World, later


def given_back(world: World, monkeypatch: pytest.MonkeyPatch, retry_after_s: float | None, tried: bool) -> LedgerEntry:
    """The oldest acquisition after one pass in which nothing could be fetched."""

    def fail(*_: object) -> None:
        reason = None if tried else HOST_RESTING
        raise AssetUnavailable("no", item="x", remedy="y", reason=reason, retry_after_s=retry_after_s, tried=tried)

    monkeypatch.setattr(Pipeline, "survey", fail)
    assert world.once().waiting == 4
    return world.ledger()[0]


@pytest.mark.parametrize(
    ("retry_after_s", "tried", "wait", "attempts"),
    [
        (None, True, timedelta(minutes=2), 1),
        (30, True, timedelta(minutes=2), 1),
        (1800, True, timedelta(minutes=30), 1),
        (1e12, True, timedelta(hours=6), 1),
        (30, False, timedelta(seconds=30), 0),
        (0.01, False, timedelta(seconds=1), 0),
    ],
)
def test_the_next_try(
    retry_after_s: float | None,
    tried: bool,
    wait: timedelta,
    attempts: int,
    small_world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Never sooner than the host asks for, never later than six hours; waiting for a host is no try."""
    entry = given_back(small_world, monkeypatch, retry_after_s, tried)
    assert entry.not_before == START + wait
    assert entry.attempts == attempts


def test_waiting_for_a_host_never_parks(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After thirty waits everything still waits; had they been tries, it would have been parked after twelve."""
    given_back(small_world, monkeypatch, 60, tried=False)
    with closing(small_world.service()) as service:
        for turn in range(1, 30):
            assert service.process(lambda: later(2 * turn)).retried == 4  # noqa: B023 (called within the turn)
    assert {(entry.state, entry.attempts) for entry in small_world.ledger()} == {(AcquisitionState.DISCOVERED, 0)}


def test_a_lease_of_a_clock_that_was_ahead_is_told(small_world: World) -> None:
    """Who held what, and until when: the clock of that machine is to be looked at."""
    told: list[PassEvent] = []
    with closing(small_world.service()) as service:
        service.poll(START)
        assert service.store.claim("there@2:2:2", timedelta(minutes=10), later(9 * 60), [REGION]) is not None
        for _ in range(2):
            service.process(lambda: START, stop=lambda: True, report=told.append)
    (one,) = told
    assert (one.action, one.region, one.reason) == ("lease-capped", REGION, "clock-ahead")
    assert "held by there@2:2:2 until" in one.detail
