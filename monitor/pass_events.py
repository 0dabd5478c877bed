"""What happens in a pass, for those who follow it: log, metrics, terminal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from monitor.core.delays import Delay
from monitor.core.story import Story
from monitor.records import Acquisition, Choice, NetworkAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class PassEvent:
    """Something that people following a pass want to hear."""

    action: str
    """poll-failed, failover, failback, reaching-back, refused, onboarding, discovered, claimed, ahead, alone, done,
    look-lost, parked, retry, lost, lease-capped, resumed."""
    item: str
    detail: str
    region: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    choices: tuple[Choice, ...] = ()
    """Which sensor counts on which tile."""
    answers: Mapping[NetworkAnswer, int] = field(default_factory=dict)
    """On how many tiles that were looked at the network spoke, or did not and why."""
    acquisition: Acquisition | None = None
    """What was processed, of `done`, `retry` and `parked`."""
    story: Story | None = None
    """Of `done`: what came of it."""
    stood_in: tuple[str, ...] = ()
    """Catalogs that answered a poll for those of the region."""
    blocks: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Of tiles that workers looked at for it, by engine and result (`Looker.blocks`)."""
    tiles: Mapping[str, int] = field(default_factory=dict)
    """How many tiles of it met which decision (`monitor.observing.DECISIONS`)."""
    delays: tuple[Delay, ...] = ()
    """How long a part of the way took that has just ended, of `discovered` and `done`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassSummary:
    """What one pass did."""

    discovered: int = 0
    processed: int = 0
    parked: int = 0
    retried: int = 0
    waiting: int = 0
    """Acquisitions that are neither done nor parked: in backoff, or held by another process."""
    alerts_opened: int = 0
    errors: tuple[str, ...] = ()


Report = Callable[[PassEvent], None]
