"""When a host is asked and when it is left alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.breaker import HEALTHY, BreakerSettings, HostHealth, HostState, admit, failed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = BreakerSettings(failures=3, rest=timedelta(minutes=2), longest_rest=timedelta(minutes=10))
GO = timedelta(0)


def after(failures: int, health: HostHealth = HEALTHY, at: datetime = NOW) -> HostHealth:
    """The health of a host after so many failures in a row."""
    for _ in range(failures):
        health = failed(health, at, SETTINGS)
    return health


def at(minutes: float) -> datetime:
    """So long after the failures."""
    return NOW + timedelta(minutes=minutes)


def test_a_few_failures_are_borne() -> None:
    """Below the limit everybody may still ask."""
    health = after(2)
    assert (health.state(NOW), health.failures) == (HostState.WORKING, 2)
    assert admit(health, NOW, SETTINGS) == (health, GO)


def test_the_limit_brings_a_rest() -> None:
    """From the third failure in a row nobody asks for two minutes."""
    health = after(3)
    assert health.state(NOW) is HostState.RESTING
    assert admit(health, at(0.5), SETTINGS) == (health, timedelta(minutes=1.5))


def test_after_the_rest_one_asks_and_the_others_wait() -> None:
    """Half open: the first is let through, the second is not, until the first must have died."""
    probing, wait = admit(after(3), at(2), SETTINGS)
    assert (wait, probing.state(at(2))) == (GO, HostState.PROBING)
    assert admit(probing, at(3), SETTINGS) == (probing, timedelta(minutes=1))
    assert admit(probing, at(4), SETTINGS)[1] == GO


def test_a_failed_probe_doubles_the_rest() -> None:
    """2, 4, 8 minutes, then never more than the longest."""
    health, when = after(3), NOW
    rests = []
    for _ in range(5):
        wait = admit(health, when, SETTINGS)[1]
        rests.append(wait.total_seconds() / 60)
        when += wait
        health, go = admit(health, when, SETTINGS)
        assert go == GO
        health = failed(health, when, SETTINGS)
    assert rests == [2, 4, 8, 10, 10]


@pytest.mark.parametrize(
    ("asked_s", "rest_s"), [(4, 0), (5, 0), (6, 6), (120, 120), (86400, 600)], ids=lambda value: f"{value} s"
)
def test_a_long_retry_after_is_a_rest_at_once(asked_s: float, rest_s: float) -> None:
    """What a caller can wait out is no rest; a day is more than a watch can leave a host alone."""
    health = failed(HEALTHY, NOW, SETTINGS, timedelta(seconds=asked_s))
    assert admit(health, NOW, SETTINGS)[1] == timedelta(seconds=rest_s)


def test_a_host_that_asks_for_more_than_its_rest() -> None:
    """The longer of both counts."""
    health = failed(after(2), NOW, SETTINGS, timedelta(minutes=5))
    assert admit(health, NOW, SETTINGS)[1] == timedelta(minutes=5)


def test_failures_of_those_who_asked_before_the_rest() -> None:
    """They neither prolong nor double it."""
    health = after(3)
    late = failed(health, at(1), SETTINGS)
    assert (late.resting_until, late.rests) == (health.resting_until, health.rests)
    assert failed(health, at(1), SETTINGS, timedelta(minutes=4)).resting_until == at(5)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3600)), max_size=40))
def test_no_host_is_given_up(steps: list[tuple[bool, int]]) -> None:
    """Whatever happened, the longest rest later somebody may ask, and one answer makes a host as good as new."""
    health, when = HEALTHY, NOW
    for answered, seconds in steps:
        when += timedelta(seconds=seconds)
        health, wait = admit(health, when, SETTINGS)
        if wait == GO:
            health = HEALTHY if answered else failed(health, when, SETTINGS, timedelta(seconds=seconds))
    assert admit(health, when + SETTINGS.longest_rest, SETTINGS)[1] == GO
