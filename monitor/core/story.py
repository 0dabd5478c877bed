"""The story of one acquisition in one line: when, by what, what it saw, and what came of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.core.lifecycle import ALERT_STATES
from monitor.core.masks import LOOKED
from monitor.core.sensors import NAMES
from monitor.records import Acquisition, AcquisitionResult, Event

_SHOWN_STAGES = 3
"""The longest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What became of an acquisition, in numbers."""

    tiles: int
    """Of the region."""
    looked: int
    """Tiles of which anything was observed."""
    compared: int
    """Those of them that have an earlier look to compare with."""
    left_out: Mapping[str, int]
    """Tiles of which nothing was observed, by why: clouded, outside, flat, ..."""
    of_record: Mapping[str, int]
    """Tiles by the sensor that counts on them: optics, radar, none."""
    opened: int
    """Alerts that it opened."""
    changed: int
    """Other alerts that took a step by it."""


def story_of(acquisition: Acquisition, result: AcquisitionResult, opened: int, tiles: int) -> Story:
    """The story of an acquisition that was processed."""
    looked = [row for row in result.observations if row.decision == LOOKED]
    left_out = Counter(row.decision for row in result.observations if row.decision != LOOKED)
    record = Counter(NAMES[one.record] if one.record else "none" for one in result.choices)
    stepped = sum(_stepped(event, acquisition.id) for event in result.events)
    return Story(
        tiles=tiles,
        looked=len(looked),
        compared=sum(row.reference_count > 0 for row in looked),
        left_out=dict(left_out),
        of_record=dict(record),
        opened=opened,
        changed=max(0, stepped - opened),
    )


def subject(acquisition: Acquisition) -> str:
    """What every line about an acquisition begins with: "2026-02-03 01:30 UTC radar, orbit 46"."""
    orbit = "" if acquisition.relative_orbit is None else f", orbit {acquisition.relative_orbit}"
    return f"{moment_of(acquisition.sensing_time)} {NAMES[acquisition.sensor]}{orbit}"


def moment_of(time: datetime) -> str:
    """Minutes are enough: seconds stand in the key."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def story_told(story: Story, reason: str, seconds: Mapping[str, float]) -> str:
    """One sentence, for the end of `subject`."""
    parts = [f"{reason}: {story.looked} of {story.tiles} tiles looked at, {story.compared} compared"]
    parts += [_counted(story.left_out)] if story.left_out else []
    if set(story.of_record) - {"none"}:
        parts.append(f"of record {_counted(story.of_record, after=True)}")
    alerts = [f"{story.opened} opened"] if story.opened else []
    alerts += [f"{story.changed} changed"] if story.changed else []
    parts.append(f"alerts: {', '.join(alerts) or 'none'}")
    return "; ".join([*parts, *([_stages(seconds)] if seconds else [])])


def _stepped(event: Event, acquisition: str) -> bool:
    steps = [step for step in event.transitions if step.acquisition_id == acquisition]
    return any(step.state in ALERT_STATES or step.previous in ALERT_STATES for step in steps)


def _counted(counts: Mapping[str, int], after: bool = False) -> str:
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{name} {count}" if after else f"{count} {name}" for name, count in ordered)


def _stages(seconds: Mapping[str, float]) -> str:
    longest = sorted(seconds.items(), key=lambda one: -one[1])[:_SHOWN_STAGES]
    return f"{sum(seconds.values()):.1f} s of work (" + ", ".join(f"{stage} {s:.1f}" for stage, s in longest) + ")"
