"""What is said of a declared event: from the first minute on what was seen of it so far, and what was not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from monitor.core.context_json import next_pass_to_json
from monitor.core.declared import title
from monitor.core.geojson import Json, ground
from monitor.core.next_pass import Passed, told
from monitor.core.sensors import NAMES
from monitor.core.shares import percent, percent_missing
from monitor.records import Declaration, NextPass, Sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How the alerts of a situation stand."""

    open: int = 0
    warnings: int = 0
    """Among the open ones."""
    ended: int = 0
    anew: int = 0
    """Of all of them, those that were candidates until it was declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A declared event, and how its ground stands."""

    declaration: Declaration
    now: datetime
    found: Found
    passed: Sequence[Passed] = ()
    """Passes over its region since it happened."""
    coming: Sequence[NextPass] = ()
    observed: Mapping[str, object] = field(default_factory=dict)
    """What was not observed of its ground since (as `not_observed` in lists of alerts), or why that is not known."""

    @property
    def is_counted(self) -> bool:
        """Whether it is known what share of its ground was observed since."""
        return "share_not_observed" in self.observed


def standing(declaration: Declaration, now: datetime) -> str:
    """Whether it holds, in words."""
    if declaration.ended is not None and declaration.ended <= now:
        return f"ended {_at(declaration.ended)} by {declaration.ended_by}"
    if declaration.until <= now:
        return f"over since {_at(declaration.until)}"
    return f"in force until {_at(declaration.until)}"


def lines(situation: Situation) -> list[str]:
    """A situation in sentences, the most important first. For people with a token: they name who declared it."""
    one, now = situation.declaration, situation.now
    said = [_found(situation.found), _passed(situation.passed), _observed(situation.observed)]
    declared = f"Declared {_at(one.declared)} by {one.by}; {standing(one, now)}."
    if now < one.end:
        return [*said, _coming(situation.coming), f"Looks sensed since are {_eased(one, 'may be')}", declared]
    return [declared, *said, f"While it was in force, looks sensed since were {_eased(one, 'could be')}"]


def _eased(one: Declaration, may_be: str) -> str:
    return (
        f"compared with those from before; alerts for watch {may_be} {one.rate_factor:g} times as common on quiet "
        f"ground as elsewhere, and {one.size_factor:g} times smaller."
    )


def declaration_json(declaration: Declaration, now: datetime, page: str) -> Json:
    """A declaration for programs. `page` is where its situation is shown."""
    one = declaration
    return {
        "id": one.id,
        "region": one.region,
        "title": title(one),
        "kind": one.kind.value,
        "name": one.name,
        "at": one.at.isoformat(),
        "until": one.until.isoformat(),
        "in_force": now < one.end,
        "area": None if one.geometry is None else ground(one.geometry),
        "storm": one.storm,
        "page": page,
        "rate_factor": one.rate_factor,
        "size_factor": one.size_factor,
        "by": one.by,
        "declared": one.declared.isoformat(),
        "ended": one.ended.isoformat() if one.ended else None,
        "ended_by": one.ended_by,
    }


def situation_json(situation: Situation, page: str) -> Json:
    """A situation for programs."""
    found = situation.found
    return declaration_json(situation.declaration, situation.now, page) | {
        "alerts": {
            "open": found.open,
            "warnings": found.warnings,
            "ended": found.ended,
            "became_alerts": found.anew,
        },
        "passes_since": {sensor.value: number for sensor, number in _by_sensor(situation.passed).items()},
        "next_passes": [next_pass_to_json(one) for one in situation.coming],
        "not_observed_since": dict(situation.observed),
    }


def _found(found: Found) -> str:
    if not found.open and not found.ended:
        return "Nothing has been found so far."
    said = f"{found.open} open alert{'' if found.open == 1 else 's'}"
    if found.warnings:
        said += f", of which {found.warnings} {'is a warning' if found.warnings == 1 else 'are warnings'}"
    said += f"; {found.ended} more ended" if found.ended else ""
    return said + (f"; {found.anew} of all were found before it was declared" if found.anew else "") + "."


def _passed(passed: Sequence[Passed]) -> str:
    if not passed:
        return "No satellite has passed since, as far as the catalogs tell."
    newest = max(one.sensing_time for one in passed)
    counts = ", ".join(f"{NAMES[sensor]} {number}" for sensor, number in _by_sensor(passed).items())
    return f"Passes listed since: {counts}; the last {_at(newest)}."


def _by_sensor(passed: Sequence[Passed]) -> dict[Sensor, int]:
    counts = Counter(one.sensor for one in passed)
    return {sensor: counts[sensor] for sensor in Sensor if counts[sensor]}


def _observed(observed: Mapping[str, object]) -> str:
    missing, unseen = observed.get("share_not_observed"), observed.get("share_not_seen")
    if not isinstance(missing, float | int) or not isinstance(unseen, float | int):
        return f"How much of the ground was observed since is not known: {observed.get('unknown', 'not counted yet')}."
    if unseen >= 1:
        return "Nothing of its ground has been observed since: no alert means nothing yet."
    seen, compared = percent(1 - unseen), percent(1 - missing)
    said = f"Observed since: {seen}% of its ground; compared with the ground before it: {compared}%"
    by = observed.get("share_compared_by_sensor")
    if isinstance(by, Mapping) and by:
        shares = (f"{NAMES[Sensor(sensor)]} {percent(float(share))}%" for sensor, share in sorted(by.items()))
        said += f" ({', '.join(shares)})"
    return said + f". Of {percent_missing(missing)}% nobody knows: no alert there means nothing."


def _coming(coming: Sequence[NextPass]) -> str:
    if not coming:
        return "When a satellite comes next is not known."
    return f"Next passes expected: {', '.join(told(one) for one in coming[:4])}."


def _at(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
