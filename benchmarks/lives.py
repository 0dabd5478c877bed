"""What later looks said of the events of simulated years: of scars that stay, of snow that melts, from half a view."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.rates import detector_of, steps_of
from benchmarks.years_records import EventRecord, YearRecord
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.null_rate import DECIDES
from monitor.records import EventState, Verdict

LEAST_HA = 0.5
NEXT_LOOKS = 10
"""Looks that could tell, after the one that first did."""
_SETTINGS = LifecycleSettings()
_DECIDED = frozenset({EventState.CONFIRMED, EventState.REFUTED})
_LARGE = f"scars of {LEAST_HA:g} ha and more"
_PARTS = "smaller scars, and parts of scars"


@dataclass(slots=True, kw_only=True)
class Fates:
    """What became of events of one kind."""

    events: int = 0
    first: dict[Verdict | None, int] = field(default_factory=dict)
    """By what the first look said that could tell; None: there was none."""
    later: dict[Verdict, int] = field(default_factory=dict)
    """By what the next looks said that could tell, of events that the first of them held."""
    whole: int = 0
    """Events that the first such look held, and all of `NEXT_LOOKS` more."""
    unclear: int = 0
    """Looks that saw too little of an event, or something between changed and back."""
    moved: int = 0
    """Of these, looks by which an event was confirmed or refuted."""

    def add(self, event: EventRecord) -> None:
        """Count one event."""
        said = [Verdict(verdict) for _, verdict, _, _ in sorted(event.said)[1:]]
        told = [one for one in said if one in DECIDES]
        first = told[0] if told else None
        self.events += 1
        self.first[first] = self.first.get(first, 0) + 1
        if first is Verdict.SUPPORTS:
            following = told[1 : NEXT_LOOKS + 1]
            for one in following:
                self.later[one] = self.later.get(one, 0) + 1
            self.whole += following.count(Verdict.SUPPORTS) == NEXT_LOOKS
        self.unclear += len(said) - len(told)
        self.moved += _moved(event)


def _moved(event: EventRecord) -> int:
    """Looks that could not tell and after which an event stood confirmed or refuted."""
    unclear = {
        f"{number:05d}"
        for number, (_, verdict, _, _) in enumerate(event.said)
        if number and Verdict(verdict) not in DECIDES
    }
    steps = steps_of(event, None, _SETTINGS)
    return sum(step.acquisition_id in unclear and step.state in _DECIDED for step in steps)


def lives(years: Sequence[YearRecord]) -> list[str]:
    """A table of all kinds: scars, then other causes, the commonest first."""
    kinds = {_LARGE: Fates(), _PARTS: Fates()}
    for name, event in _by_kind(years):
        kinds.setdefault(name, Fates()).add(event)
    scars, others = list(kinds.items())[:2], list(kinds.items())[2:]
    lines = [
        "| what opened them | events | first later look that could tell: holds, takes back, none came | of those held, "
        f"the next {NEXT_LOOKS}: hold, take back | held by all {NEXT_LOOKS} | looks that could not tell | confirmed or "
        "refuted by such a look |",
        "| --- |" + " --- |" * 6,
    ]
    for name, one in (*scars, *sorted(others, key=lambda kind: -kind[1].events)):
        first = ", ".join(str(one.first.get(key, 0)) for key in (Verdict.SUPPORTS, Verdict.CONTRADICTS, None))
        later = ", ".join(str(one.later.get(key, 0)) for key in (Verdict.SUPPORTS, Verdict.CONTRADICTS))
        lines.append(f"| {name} | {one.events} | {first} | {later} | {one.whole} | {one.unclear} | {one.moved} |")
    return lines


def _by_kind(years: Iterable[YearRecord]) -> Iterable[tuple[str, EventRecord]]:
    for year in years:
        large = {name for scar in year.scars if scar.area_ha >= LEAST_HA for name in scar.events}
        for event in year.events:
            kind = _LARGE if event.id in large else _PARTS if event.true else f"{event.cause}, {detector_of(event)}"
            yield kind, event
