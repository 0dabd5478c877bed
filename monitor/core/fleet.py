"""Which satellites serve, and when: told by the operator, since satellites end and begin without asking anybody."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The time in which a satellite serves; None leaves an end open."""

    since: datetime | None = None
    until: datetime | None = None


Fleet = Mapping[str, Service]
"""By platform, as `SceneItem.platform` says it. Who is not in it serves whenever its scenes are there."""
NO_FLEET: Fleet = {}


def serves(fleet: Fleet, platform: str, at: datetime) -> bool:
    """Whether passes of a satellite are to be expected at a time."""
    one = fleet.get(platform, Service())
    return (one.since is None or at >= one.since) and (one.until is None or at < one.until)


def all_retired(fleet: Fleet, platforms: Collection[str], at: datetime) -> bool:
    """Whether of some satellites every one has ended: that nothing comes of them any more is no fault."""
    return bool(platforms) and all(_is_over(fleet, platform, at) for platform in platforms)


def _is_over(fleet: Fleet, platform: str, at: datetime) -> bool:
    until = fleet.get(platform, Service()).until
    return until is not None and at >= until
