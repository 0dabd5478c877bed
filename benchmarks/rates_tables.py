"""What the tiers cost and find, as Markdown."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import inf

from benchmarks.rates import CLASSES_HA, Outcome, detector_of, held_on, spans
from benchmarks.years_records import EventRecord, YearRecord
from monitor.core.null_rate import NullRates
from monitor.core.strata import LIGHTS
from training.alerts.counting import poisson_interval

AIM_PER_1000, AIM_SHARE = 1.0, 0.9
"""90 % of scars of half a hectare and more within two valid looks, at one false event per 1,000 km² and year."""
_SIZES = tuple(f"{low:g}-{high:g} ha" if high < inf else f"{low:g} ha and more" for low, high in CLASSES_HA)


def head(null: NullRates, years: Sequence[YearRecord]) -> str:
    """What was counted, and on what it is judged."""
    counted = ", ".join(f"{km2_years:.0f} by {detector}" for detector, km2_years in sorted(null.km2_years.items()))
    exposure = sum(year.km2_years["either"] for year in years)
    upper = 1000.0 * poisson_interval(0)[1] / exposure
    return (
        f"**All simulated.** The null: {'; '.join(null.sources)} ({counted} km² × years). Judged on {exposure:.0f} "
        f"km² × years that it never saw (seeds {spans(years)}); none in all that is below {upper:.1f} "
        "per 1,000 km² and year (95 %)."
    )


def tiers(outcomes: Iterable[Outcome]) -> list[str]:
    """Before and after, as the service tells events."""
    return _table("told as", outcomes, lambda one: one.name)


def swept(outcomes: Iterable[Outcome]) -> list[str]:
    """What each budget cost and found."""
    return _table("budget", outcomes, lambda one: "any" if one.budget == inf else f"{one.budget:g}")


def _table(first: str, outcomes: Iterable[Outcome], name: Callable[[Outcome], str]) -> list[str]:
    lines = [
        f"| {first} | false events | per 1,000 km² and year (95 %) | {' | '.join(_SIZES)} | days (10–90 %) |",
        "| --- |" + " --- |" * (len(CLASSES_HA) + 3),
    ]
    for one in outcomes:
        found = " | ".join(f"{hits} of {shown}" for hits, shown in one.found)
        low, high = one.interval
        lines.append(
            f"| {name(one)} | {one.false} | {one.per_1000:.0f} ({low:.0f}–{high:.0f}) | {found} | {_days(one)} |"
        )
    return lines


def _days(one: Outcome) -> str:
    if not one.delays:
        return "–"
    low, middle, high = (one.delays[round(share * (len(one.delays) - 1))] for share in (0.1, 0.5, 0.9))
    return f"{middle:.0f} ({low:.0f}–{high:.0f})"


def aim(first: Sequence[Outcome], second: Sequence[Outcome]) -> str:
    """Whether the aim is met, by the upper end of the interval, and at what rate so many are found."""
    parts = []
    for name, outcomes in (("first look", first), ("second look", second)):
        best = max((one.share for one in outcomes if one.per_1000 <= AIM_PER_1000), default=0.0)
        enough = next((one for one in outcomes if one.share >= AIM_SHARE), None)
        words = f"no budget finds {AIM_SHARE:.0%}"
        if enough is not None:
            low, high = enough.interval
            words = f"{enough.share:.0%} are told at {enough.per_1000:.0f} ({low:.0f}–{high:.0f})"
        parts.append(f"at the {name} {best:.0%} are told at no more than {AIM_PER_1000:g}, and {words}")
    met = any(one.share >= AIM_SHARE and one.interval[1] <= AIM_PER_1000 for one in (*first, *second))
    said = "met" if met else "**not met**"
    return (
        f"The aim, {AIM_SHARE:.0%} of scars of {CLASSES_HA[0][0]:g} ha and more within two valid looks at "
        f"{AIM_PER_1000:g} false event per 1,000 km² and year, is {said}: {'; '.join(parts)}."
    )


def causes(years: Sequence[YearRecord]) -> list[str]:
    """False events by detector and the label of their ground: how many opened, held, and what they are like."""
    exposure = sum(year.km2_years["either"] for year in years)
    false = [event for year in years for event in year.events if not event.true]
    counts = Counter((detector_of(one), one.cause) for one in false)
    lines = [
        "| detector | label of the ground | opened | held | held, per 1,000 km² and year (95 %) | median ha | "
        "most often |",
        "| --- |" + " --- |" * 6,
    ]
    for (detector, cause), opened in sorted(counts.items(), key=lambda one: (one[0][0], -one[1])):
        own = [one for one in false if (detector_of(one), one.cause) == (detector, cause)]
        kept = sum(held_on(one) is not None for one in own)
        low, high = (1000.0 * bound / exposure for bound in poisson_interval(kept))
        middle = sorted(one.area_ha for one in own)[len(own) // 2]
        lines.append(
            f"| {detector} | {cause} | {opened} | {kept} | {1000.0 * kept / exposure:.0f} ({low:.0f}–{high:.0f}) "
            f"| {middle:.2f} | {_commonest(own)} |"
        )
    return lines


def _commonest(events: Sequence[EventRecord]) -> str:
    """The words that most of some events share, with their share."""
    words = Counter(word for event in events for word in event.strata)
    return ", ".join(f"{word} {number / len(events):.0%}" for word, number in words.most_common(3))


def factors(null: NullRates) -> list[str]:
    """How much more often each kind of ground looks like a landslide."""
    lines = ["| kind of ground | " + " | ".join(sorted(null.factors)) + " |", "| --- |" + " --- |" * len(null.factors)]
    words = sorted({word for one in null.factors.values() for word in one}, key=lambda word: (word in LIGHTS, word))
    for word in words:
        cells = (f"{one[word]:.2f}" if word in one else "" for _, one in sorted(null.factors.items()))
        lines.append(f"| {word} | {' | '.join(cells)} |")
    return lines
