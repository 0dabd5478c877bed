"""What the tiers cost and find: a null counted on some simulated years, judged on others that it never saw.

The records of `python -m benchmarks years` hold the evidence of every event, so an event's life under any threshold can
be told without watching the year again. **Everything here is simulated.**
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path

from benchmarks.years_records import EITHER, OPTICS, EventRecord, ScarRecord, YearRecord, load_year
from monitor.core.lifecycle import ALERT_STATES, LifecycleSettings, replay, weighed
from monitor.core.null_rate import DECIDES, NullRates, QuietCluster, Strata, count
from monitor.errors import ConfigError
from monitor.records import Detector, EventState, Evidence, Tier, Transition, Verdict
from training.alerts.counting import poisson_interval

BUDGETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, inf)
"""False events per 1,000 km² and year that a tier may cost."""
CLASSES_HA = ((0.5, 1.0), (1.0, 2.0), (2.0, inf))
UNKNOWN = (inf, inf)
"""Rates of what was never counted."""
_LIT = 0.35
"""Light on a slope, against level ground, from which optics can see it (`core.strata`)."""
_STORM = datetime(2025, 1, 1, tzinfo=UTC)
"""Records count days from their storm; for their lives any will do."""


def load_years(folder: Path, seeds: Sequence[int] | None = None) -> list[YearRecord]:
    """The years of a folder of results, of these seeds or of all.

    Raises:
        ConfigError: there is none.
    """
    found = (load_year(path) for path in sorted(folder.glob("year-*.json")))
    years = [one for one in found if one is not None and (seeds is None or one.seed in seeds)]
    if not years:
        named = f"of the seeds {seeds[0]} to {seeds[-1]}" if seeds else "of any seed"
        raise ConfigError(
            f"holds no year {named}",
            item=str(folder),
            remedy="Make some: `python -m benchmarks years --out FOLDER --seeds …`.",
        )
    return years


def null_of(years: Sequence[YearRecord]) -> NullRates:
    """What quiet ground did in some years: every event that no scar made."""
    exposure: defaultdict[str, defaultdict[Strata, float]] = defaultdict(lambda: defaultdict(float))
    for year in years:
        for cell in year.cells:
            exposure[cell.detector][cell.strata] += cell.km2_years
    clusters = [
        QuietCluster(
            detector=detector_of(event), strength=event.strength, held=held_on(event) is not None, strata=event.strata
        )
        for year in years
        for event in year.events
        if not event.true
    ]
    return count(clusters, exposure, [f"simulated valleys, seeds {spans(years)}"], simulated=True)


def spans(years: Sequence[YearRecord]) -> str:
    """Seeds as ranges."""
    spans: list[list[int]] = []
    for seed in sorted(year.seed for year in years):
        if spans and spans[-1][1] == seed - 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)


def detector_of(event: EventRecord) -> str:
    """What opened an event."""
    return event.said[0][2]


def held_on(event: EventRecord) -> float | None:
    """The day of the first later look that supports an event, unless one contradicted it before."""
    for day, verdict, _, _ in sorted(event.said)[1:]:
        if verdict in DECIDES:
            return day if verdict == Verdict.SUPPORTS else None
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """When an event became what, in days since the storm; None: never."""

    first: float | None
    """It was an alert by its first look."""
    alert: float | None
    """It was an alert, by one look or by two."""
    confirmed: float | None
    warning: float | None


def life(event: EventRecord, rates: tuple[float, float] | None, settings: LifecycleSettings) -> Life:
    """The life of an event by the table of the service; without rates its strength decides."""
    steps = steps_of(event, rates, settings)
    day = {id(step): (step.at - _STORM) / timedelta(days=1) for step in steps}

    def when(fits: Callable[[int], bool]) -> float | None:
        return next((day[id(step)] for number, step in enumerate(steps) if fits(number)), None)

    return Life(
        first=when(lambda one: one == 0 and steps[one].state in ALERT_STATES),
        alert=when(lambda one: steps[one].state in ALERT_STATES),
        confirmed=when(lambda one: steps[one].state is EventState.CONFIRMED),
        warning=when(lambda one: steps[one].state in ALERT_STATES and steps[one].tier is Tier.WARNING),
    )


def steps_of(
    event: EventRecord, rates: tuple[float, float] | None, settings: LifecycleSettings
) -> tuple[Transition, ...]:
    """The steps of an event by the table of the service; the look of a step is its place in `EventRecord.said`."""
    pieces = [_piece(event, number, rates) for number in range(len(event.said))]
    return replay([weighed(pieces[0], settings), *pieces[1:]], settings)


def _piece(event: EventRecord, number: int, rates: tuple[float, float] | None) -> Evidence:
    day, verdict, detector, of_record = event.said[number]
    return Evidence(
        acquisition_id=f"{number:05d}",
        sensing_time=_STORM + timedelta(days=day),
        detector=Detector(detector),
        verdict=Verdict(verdict),
        observed_fraction=1.0,
        level=0.0,
        strength=event.strength,
        detail="",
        of_record=of_record,
        own=detector == detector_of(event),
        rate=rates[0] if rates and number == 0 else None,
        held_rate=rates[1] if rates and number == 0 else None,
    )


Told = Callable[[EventRecord, tuple[float, float]], float | None]
"""The day on which an event of these rates (first look, held) is told; None: never."""


def at_first_look(budget: float) -> Told:
    """Told at once when it is so rare."""
    return lambda event, rates: event.day if rates[0] <= budget and event.said[0][3] else None


def at_second_look(budget: float) -> Told:
    """Told when a later look holds it, and such are so rare."""
    return lambda event, rates: held_on(event) if rates[1] <= budget else None


def by_table(settings: LifecycleSettings, stage: str, with_rates: bool = True) -> Told:
    """Told when the service says so; `stage` is a field of `Life`."""

    def told(event: EventRecord, rates: tuple[float, float]) -> float | None:
        day: float | None = getattr(life(event, rates if with_rates else None, settings), stage)
        return day

    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a way of telling did in years that the null never saw."""

    name: str
    budget: float
    false: int
    km2_years: float
    found: tuple[tuple[int, int], ...]
    """By class of hectares: scars told within two valid looks, and scars that two looks could have shown."""
    delays: tuple[float, ...]
    """Days from the storm, rising, of the scars of half a hectare and more that were told at all."""

    @property
    def per_1000(self) -> float:
        """False events per 1,000 km² and year."""
        return 1000.0 * self.false / self.km2_years

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Poisson interval of that rate."""
        low, high = poisson_interval(self.false)
        return 1000.0 * low / self.km2_years, 1000.0 * high / self.km2_years

    @property
    def share(self) -> float:
        """Of all scars that two looks could have shown."""
        return sum(hits for hits, _ in self.found) / max(sum(shown for _, shown in self.found), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Years, with the rates that a null which never saw them gives their events."""

    years: Sequence[YearRecord]
    rates: Mapping[tuple[int, str], tuple[float, float]]
    """By seed and event."""


def fold(null: NullRates, years: Sequence[YearRecord]) -> Fold:
    """Every event's rates."""
    rates = {
        (year.seed, event.id): null.rate(detector_of(event), event.strength, event.strata) or UNKNOWN
        for year in years
        for event in year.events
    }
    return Fold(years=years, rates=rates)


def judge(folds: Sequence[Fold], name: str, told: Told, budget: float = inf) -> Outcome:
    """What a way of telling did."""
    false, exposure, delays = 0, 0.0, []
    found = [[0, 0] for _ in CLASSES_HA]
    for one in folds:
        for year in one.years:
            days = {event.id: told(event, one.rates[year.seed, event.id]) for event in year.events}
            false += sum(days[event.id] is not None for event in year.events if not event.true)
            exposure += year.km2_years[EITHER]
            for scar in year.scars:
                day = min((day for event in scar.events if (day := days[event]) is not None), default=None)
                if day is not None and scar.area_ha >= CLASSES_HA[0][0]:
                    delays.append(day)
                _count(scar, day, found)
    return Outcome(
        name=name,
        budget=budget,
        false=false,
        km2_years=exposure,
        found=tuple((hits, shown) for hits, shown in found),
        delays=tuple(sorted(delays)),
    )


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


def sweep(folds: Sequence[Fold]) -> tuple[list[Outcome], list[Outcome]]:
    """Outcomes of telling at the first look, and of telling at a second one, over budgets."""
    first = [judge(folds, "first look", at_first_look(budget), budget) for budget in BUDGETS]
    second = [judge(folds, "second look", at_second_look(budget), budget) for budget in BUDGETS]
    return first, second


def before(folds: Sequence[Fold]) -> list[Outcome]:
    """As without a null: hectares times change decide at the first look."""
    settings = LifecycleSettings()
    return [
        judge(folds, f"before: {name}", by_table(settings, stage, with_rates=False))
        for stage, name in (("first", "alert at its first look"), ("alert", "alert"), ("confirmed", "confirmed"))
    ]


def after(folds: Sequence[Fold], settings: LifecycleSettings) -> list[Outcome]:
    """With the null, at the thresholds of the tiers."""
    return [
        judge(folds, f"after: {name}", by_table(settings, stage))
        for stage, name in (
            ("first", "alert at its first look"),
            ("alert", "alert"),
            ("confirmed", "confirmed"),
            ("warning", "warning"),
        )
    ]
