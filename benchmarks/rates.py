"""What the tiers cost and find: a null counted on some simulated years, judged on others that it never saw.

The records of `python -m benchmarks years` hold the evidence of every event, so an event's life under any threshold can
be told without watching the year again. **Everything here is simulated.**
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from benchmarks.scoring import poisson_interval
from benchmarks.years_records import OPTICS, EventRecord, ScarRecord, YearRecord, load_year
from monitor.core.null_rate import NullRates, QuietCluster, Strata, count
from monitor.core.strata import LIGHTS
from monitor.records import Verdict

BUDGETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, inf)
"""False events per 1,000 km² and year that a tier may cost."""
CLASSES_HA = ((0.5, 1.0), (1.0, 2.0), (2.0, inf))
_LIT = 0.35
"""Light on a slope, against level ground, from which optics can see it (`core.strata`)."""
_DECIDES = (Verdict.SUPPORTS.value, Verdict.CONTRADICTS.value)


def load_years(folder: Path) -> list[YearRecord]:
    """All years of a folder of results."""
    found = (load_year(path) for path in sorted(folder.glob("year-*.json")))
    return [one for one in found if one is not None]


def null_of(years: Sequence[YearRecord]) -> NullRates:
    """What quiet ground did in some years: every event that no scar made."""
    exposure: defaultdict[str, defaultdict[Strata, float]] = defaultdict(lambda: defaultdict(float))
    for year in years:
        for cell in year.cells:
            exposure[cell.detector][cell.strata] += cell.km2_years
    clusters = [
        QuietCluster(
            detector=event.said[0][2], strength=event.strength, held=held_on(event) is not None, strata=event.strata
        )
        for year in years
        for event in year.events
        if not event.true
    ]
    seeds = ", ".join(str(year.seed) for year in years)
    return count(clusters, exposure, [f"simulated valleys (seeds {seeds})"], simulated=True)


def held_on(event: EventRecord) -> float | None:
    """The day of the first later look that supports an event, unless one contradicted it before."""
    for day, verdict, _, _ in sorted(event.said)[1:]:
        if verdict in _DECIDES:
            return day if verdict == Verdict.SUPPORTS.value else None
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When an event is told: so rare at its first look, or so rare among those that hold at the second."""

    first: float
    held: float


def told_on(event: EventRecord, rates: tuple[float, float], rule: Rule) -> float | None:
    """The day since the storm on which an event is told; None: never."""
    if rates[0] <= rule.first and event.said[0][3]:
        return event.day
    return held_on(event) if rates[1] <= rule.held else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a rule did in years that the null never saw."""

    rule: Rule
    false: int
    km2_years: float
    found: tuple[tuple[int, int], ...]
    """By class of hectares: scars told within two valid looks, and scars that two looks could have shown."""
    delays: tuple[float, ...]
    """Days from the storm, of the scars that were told at all."""

    @property
    def per_1000(self) -> float:
        """False events per 1,000 km² and year."""
        return 1000.0 * self.false / self.km2_years

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Poisson interval of that rate."""
        low, high = poisson_interval(self.false)
        return 1000.0 * low / self.km2_years, 1000.0 * high / self.km2_years


def judge(folds: Sequence[tuple[NullRates, Sequence[YearRecord]]], rule: Rule) -> Outcome:
    """A rule on every fold's own years, by a null of the other ones."""
    false, exposure, delays = 0, 0.0, []
    found = [[0, 0] for _ in CLASSES_HA]
    for null, years in folds:
        for year in years:
            rates = {event.id: _rates(null, event) for event in year.events}
            told = {event.id: told_on(event, rates[event.id], rule) for event in year.events}
            false += sum(told[event.id] is not None for event in year.events if not event.true)
            exposure += year.km2_years["either"]
            for scar in year.scars:
                day = min((day for name in scar.events if (day := told[name]) is not None), default=None)
                if day is not None and scar.area_ha >= CLASSES_HA[0][0]:
                    delays.append(day)
                _count(scar, day, found)
    return Outcome(
        rule=rule,
        false=false,
        km2_years=exposure,
        found=tuple((hits, shown) for hits, shown in found),
        delays=tuple(sorted(delays)),
    )


def _rates(null: NullRates, event: EventRecord) -> tuple[float, float]:
    found = null.rate(event.said[0][2], event.strength, event.strata)
    return (inf, inf) if found is None else found


def _count(scar: ScarRecord, day: float | None, found: list[list[int]]) -> None:
    """Add a scar to its class, where two looks could have shown it."""
    second = second_look(scar)
    place = next((n for n, (low, high) in enumerate(CLASSES_HA) if low <= scar.area_ha < high), None)
    if second is None or place is None:
        return
    found[place][1] += 1
    found[place][0] += day is not None and day <= second


def second_look(scar: ScarRecord) -> float | None:
    """The day of the second optical look that shows a scar in enough light; None where there is none."""
    days = sorted(day for day, sensor, light in scar.looks if sensor == OPTICS and (light < 0 or light >= _LIT))
    return days[1] if len(days) > 1 else None


def folds_of(years: Sequence[YearRecord], number: int = 5) -> list[tuple[NullRates, list[YearRecord]]]:
    """Valleys in groups, each beside the null of all others."""
    groups = [list(years[start::number]) for start in range(number)]
    return [(null_of([one for one in years if one not in group]), group) for group in groups if group]


def sweep(years: Sequence[YearRecord]) -> tuple[list[Outcome], list[Outcome]]:
    """Outcomes of telling at the first look, and of telling at a second one, over budgets."""
    folds = folds_of(years)
    first = [judge(folds, Rule(first=budget, held=0.0)) for budget in BUDGETS]
    held = [judge(folds, Rule(first=0.0, held=budget)) for budget in BUDGETS]
    return first, held


def before(years: Sequence[YearRecord]) -> tuple[int, float]:
    """False alerts as the years were watched, by hectares times change, and the exposure."""
    false = sum(event.alerted for year in years for event in year.events if not event.true)
    return false, sum(year.km2_years["either"] for year in years)


def table(outcomes: Iterable[Outcome]) -> list[str]:
    """Markdown: what each budget cost and found."""
    names = " | ".join(f"{low:g}-{high:g} ha" if high < inf else f"{low:g} ha and more" for low, high in CLASSES_HA)
    lines = [
        f"| budget per 1,000 km² and year | false events | per 1,000 km² and year (95 %) | {names} | median days |",
        "| --- |" + " --- |" * (len(CLASSES_HA) + 3),
    ]
    for one in outcomes:
        budget = max(one.rule.first, one.rule.held)
        found = " | ".join(f"{hits} of {shown}" for hits, shown in one.found)
        low, high = one.interval
        middle = f"{one.delays[len(one.delays) // 2]:.1f}" if one.delays else "-"
        lines.append(
            f"| {'any' if budget == inf else f'{budget:g}'} | {one.false} | {one.per_1000:.1f} ({low:.1f}-{high:.1f}) "
            f"| {found} | {middle} |"
        )
    return lines


def factors(null: NullRates) -> list[str]:
    """Markdown: how much more often each kind of ground looks like a landslide."""
    lines = ["| kind of ground | " + " | ".join(sorted(null.factors)) + " |", "| --- |" + " --- |" * len(null.factors)]
    words = sorted({word for one in null.factors.values() for word in one}, key=lambda word: (word in LIGHTS, word))
    for word in words:
        cells = (f"{one[word]:.2f}" if word in one else "" for _, one in sorted(null.factors.items()))
        lines.append(f"| {word} | {' | '.join(cells)} |")
    return lines
