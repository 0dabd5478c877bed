"""Which events belong together: what one storm, earthquake or thaw did."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from monitor.core.declared import maker
from monitor.core.lifecycle import ALERT_STATES, DISMISSED, MERGED, ROLLED_BACK
from monitor.records import Declaration, Event, EventState


def group(events: Sequence[Event], known: Iterable[Event], declared: Sequence[Declaration] = ()) -> list[Event]:
    """Events, those without a storm grouped under the earliest one that can have made them.

    What a person has declared on an event's ground and within its failure window goes before what looks alone tell.

    A storm is known by the day of the first look that shows what it did. It can have made an event in whose failure
    window that day lies; an event that no known storm can have made begins a storm of its own. Taken in order of the
    windows' ends these are the fewest days that account for all windows. An event that has a storm keeps it.

    Args:
        events: of one region.
        known: other events of that region, open or ended lately.
        declared: all that people have declared there, also what is over: events belong by their own times.
    """
    since = {one.storm: one.at for one in declared}
    first_seen: dict[str, datetime] = {}
    for one in _in_order(known):
        if one.storm and _dates(one, since):
            first_seen.setdefault(one.storm, one.window_end)
    grouped = {}
    for event in _in_order(events):
        if not event.storm:
            made = maker(declared, event)
            event = replace(event, storm=made.storm if made is not None else "")
        if not event.storm:
            able = [storm for storm, seen in first_seen.items() if event.window_start < seen <= event.window_end]
            storm = min(able, key=lambda one: (first_seen[one], one), default=_name(event))
            event = replace(event, storm=storm)
        if _dates(event, since):
            first_seen.setdefault(event.storm, event.window_end)
        grouped[event.id] = event
    return [grouped[event.id] for event in events]


def _in_order(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda one: (one.window_end, one.id))


def _dates(event: Event, since: Mapping[str, datetime]) -> bool:
    """Whether an event tells when its storm was seen first.

    One that a late look showed to be older than the declared event it is grouped under does not.
    """
    at = since.get(event.storm)
    return _happened(event) and (at is None or at <= event.window_end)


def _happened(event: Event) -> bool:
    """What was never an alert, or turned out to be nothing, is no reason to think of a storm."""
    last = event.transitions[-1].reason if event.transitions else ""
    nothing = event.state is EventState.REFUTED or last.startswith(DISMISSED) or last in (MERGED, ROLLED_BACK)
    return not nothing and any(step.state in ALERT_STATES for step in event.transitions)


def _name(event: Event) -> str:
    day: date = event.window_end.astimezone(UTC).date()
    return f"{event.region}-storm-{day:%Y%m%d}"
