"""When a host is asked, and when it is left alone: a circuit breaker as a pure state machine.

    working ──failures in a row, or a long Retry-After──▶ resting ──its rest has passed──▶ probing
       ▲                                                    ▲                                 │
       └───────────── an answer ────────────────────────────┼──────────── an answer ──────────┤
                                                            └── a failure: rest twice as long ┘

While a host rests nobody asks it; whoever wants it hears at once how long to wait. Then one caller asks, and the
others wait for how that ends.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

_NO_TIME = timedelta(0)


class HostState(Enum):
    """How a host is treated."""

    WORKING = "working"
    """Everybody may ask it."""
    RESTING = "resting"
    """Nobody asks it."""
    PROBING = "probing"
    """Its rest has passed: one caller asks it, the others wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """When a host is given a rest, and for how long."""

    failures: int = 5
    """In a row; one more than a catalog is asked within one poll."""
    rest: timedelta = timedelta(minutes=2)
    """The first rest; the next ones double while the host still fails."""
    longest_rest: timedelta = timedelta(minutes=30)
    """Also of a host that asks for more: a watch looks again."""
    bearable: timedelta = timedelta(seconds=5)
    """A host that asks for a longer pause (Retry-After) rests at once, for as long as it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostHealth:
    """What is known of one host."""

    failures: int = 0
    """In a row: no answer, 5xx or 429."""
    rests: int = 0
    """In a row."""
    resting_until: datetime | None = None
    probe_until: datetime | None = None
    """Until then the one who probes is waited for; one that died must not block the host for ever."""

    def state(self, now: datetime) -> HostState:
        """How the host is treated at this time."""
        if self.resting_until is None:
            return HostState.WORKING
        return HostState.RESTING if now < self.resting_until else HostState.PROBING


HEALTHY = HostHealth()


def admit(health: HostHealth, now: datetime, settings: BreakerSettings) -> tuple[HostHealth, timedelta]:
    """Whether a host may be asked: its health from now on, and how long to wait (zero: ask it now)."""
    if health.resting_until is None:
        return health, _NO_TIME
    if now < health.resting_until:
        return health, health.resting_until - now
    if health.probe_until is not None and now < health.probe_until:
        return health, health.probe_until - now
    return replace(health, probe_until=now + settings.rest), _NO_TIME


def failed(
    health: HostHealth, now: datetime, settings: BreakerSettings, retry_after: timedelta | None = None
) -> HostHealth:
    """After a failure that is the host's: no answer, 5xx or 429. `retry_after` is the pause it asks for."""
    failures = health.failures + 1
    asked = min(retry_after or _NO_TIME, settings.longest_rest)
    if health.state(now) is HostState.RESTING:
        # Somebody who began to ask before the rest did: no news but the pause it asks for.
        until = max(health.resting_until or now, now + asked)
        return replace(health, failures=failures, resting_until=until)
    if health.resting_until is not None or failures >= settings.failures:
        # The exponent is bounded: a host that is gone for good must not overflow a timedelta.
        own = min(settings.rest * 2 ** min(health.rests, 10), settings.longest_rest)
        return HostHealth(failures=failures, rests=health.rests + 1, resting_until=now + max(own, asked))
    until_said = now + asked if asked > settings.bearable else None
    return HostHealth(failures=failures, resting_until=until_said)
