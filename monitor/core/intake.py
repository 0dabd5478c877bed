"""What came in of each sensor of a region, and why nothing could be made of it: no scene, scenes that fail, weather."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.core.lifecycle import ROLLED_BACK
from monitor.records import AcquisitionState, Sensor

QUEUED = "queued"
"""Stands for the reason of what was not tried yet."""
_PATIENCE = timedelta(days=2)
_FAILURES = 2
"""So many in a row are no accident of one scene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One acquisition of a region in the ledger."""

    sensor: Sensor
    sensing_time: datetime
    state: AcquisitionState
    reason: str | None
    updated: datetime
    """When it was found, or last tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one sensor saw of a region."""

    seen: float
    """Share of the ground, 0-1."""
    last_look: datetime | None
    """Sensing time of the newest look that observed anything; None: none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """How one sensor of a region does, over some days."""

    blind: bool
    """No look of these days observed anything."""
    listed: int
    """Acquisitions, whatever became of them."""
    done: int
    """Those of them that were looked at."""
    failed: Mapping[str, int] = field(default_factory=dict)
    """The newest ones in a row that could not be used, by reason; none: the newest that was tried could, or a single
    one failed after others that did not."""

    @property
    def stopped(self) -> bool:
        """The catalogs list nothing of it: neither weather nor ours."""
        return self.blind and not self.listed

    @property
    def hidden(self) -> int:
        """So many were looked at, and none showed the ground: clouds, snow, or the edge of a swath."""
        return self.done if self.blind and not self.failed else 0


def intake(sensor: Sensor, sight: Sight, arrivals: Iterable[Arrival], now: datetime, days: int) -> Intake:
    """How a sensor did in the last `days`.

    Args:
        arrivals: of the region, those of other sensors and older ones included.
    """
    since = now - timedelta(days=days)
    own = [one for one in arrivals if one.sensor is sensor and one.sensing_time >= since]
    return Intake(
        blind=sight.last_look is None or sight.last_look < since,
        listed=len(own),
        done=sum(one.state is AcquisitionState.DONE for one in own),
        failed=_failed(own, now),
    )


def stale(arrivals: Iterable[Arrival], now: datetime, patience: timedelta, worked: datetime | None) -> list[Arrival]:
    """Those that nobody has tried for so long, or whose try never ended.

    What only waits for its turn is none of them while others are worked on, however long the queue is.

    Args:
        worked: when a try of any acquisition last ended; None: not known.
    """
    goes_on = worked is not None and now - worked <= patience
    late = (one for one in arrivals if _waits(one) and one.reason is None and now - one.updated > patience)
    return [one for one in late if one.state is AcquisitionState.CLAIMED or not goes_on]


def waiting(arrivals: Iterable[Arrival]) -> dict[str, int]:
    """How many wait for their turn, or for another try, by reason."""
    return dict(Counter(one.reason or QUEUED for one in arrivals if _waits(one)))


def _waits(one: Arrival) -> bool:
    return one.state in (AcquisitionState.DISCOVERED, AcquisitionState.CLAIMED)


def _failed(own: Sequence[Arrival], now: datetime) -> dict[str, int]:
    """What only waits for its turn says nothing, nor what is tried again and was sensed a short while ago, nor what a
    person took back."""
    row: list[str] = []
    for one in sorted(own, key=lambda one: one.sensing_time, reverse=True):
        if one.state is AcquisitionState.DONE:
            break
        again = _waits(one) and one.reason is not None and now - one.sensing_time > _PATIENCE
        if (one.state is AcquisitionState.PARKED and one.reason != ROLLED_BACK) or again:
            row.append(one.reason or one.state.value)
    all_of_them = not any(one.state is AcquisitionState.DONE for one in own)
    return dict(Counter(row)) if len(row) >= _FAILURES or all_of_them else {}
