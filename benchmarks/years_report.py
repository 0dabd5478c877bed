"""Simulated years as Markdown: detection by size and sensor, days to evidence, false events by cause, networks."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from benchmarks.lives import lives
from benchmarks.scoring import binomial_interval
from benchmarks.years_judging import GRAZING, NO_CAUSE
from benchmarks.years_records import (
    EITHER,
    OPTICS,
    RADAR,
    SENSORS,
    EventRecord,
    ScarRecord,
    Sweep,
    TrialRecord,
    YearRecord,
)
from training.alerts.counting import poisson_interval

CLASSES_HA = (0.0, 0.5, 1.0, 2.0, 5.0, float("inf"))
BUDGETS = (0, 1, 2, 5, 10, 20, 50)
"""Numbers of false clusters at which network and baseline are compared."""
LEAST_HA = 0.5


def report(years: Sequence[YearRecord], trials: Sequence[TrialRecord]) -> str:
    """All tables. Everything in them is simulated."""
    parts = [
        head(years),
        detection(years),
        delays(years),
        false_events(years),
        causes(years),
        "\n".join(lives(years)),
        seeds(years),
    ]
    models = dict.fromkeys(one.model for one in trials)
    parts += [networks([one for one in trials if one.model == model]) for model in models]
    return "\n\n".join(parts)


def head(years: Sequence[YearRecord]) -> str:
    """What was watched."""
    names = ", ".join(str(one.seed) for one in years)
    watched = sum(one.km2 * one.years for one in years)
    looks = ", ".join(
        f"{sum(one.looks.get(name, 0) for one in years)} of "
        f"{sum(one.looks.get(f'{name} in all', 0) for one in years)} acquisitions of {name} compared"
        for name in SENSORS
    )
    parked = sum((Counter(one.parked) for one in years), Counter())
    aside = "; set aside: " + ", ".join(f"{count} {reason}" for reason, count in parked.items()) if parked else ""
    return (
        f"**All simulated.** {len(years)} valleys (seeds {names}), {years[0].years:.2f} years each: "
        f"{watched:.0f} km² x years of ground; {looks}{aside}."
    )


def detection(years: Sequence[YearRecord]) -> str:
    """Scars by size: which sensor was shown them, and which found them."""
    lines = [
        "| simulated scars | all | optics: found of those shown | radar: found of those shown | either: alert "
        "| alert, of those shown to either |",
        "| --- |" + " --- |" * 5,
    ]
    scars = [scar for year in years for scar in year.scars]
    for name, own in _classes(scars):
        cells = [_found(own, sensor) for sensor in SENSORS]
        either = [s for s in own if any(s.shown[k] is not None for k in SENSORS)]
        cells += [_share(sum(s.alert is not None for s in group), len(group)) for group in (own, either)]
        lines.append(f"| {name} | {len(own)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def delays(years: Sequence[YearRecord]) -> str:
    """Days from the storm, of scars that were found."""
    scars = [scar for year in years for scar in year.scars if scar.area_ha >= LEAST_HA]
    rows: list[tuple[str, Callable[[ScarRecord], float | None]]] = [
        ("first look of optics that shows half of it", lambda one: one.shown[OPTICS]),
        ("first pass of radar that shows half of it", lambda one: one.shown[RADAR]),
        ("first evidence of optics", lambda one: one.evidence[OPTICS]),
        ("first evidence of radar", lambda one: one.evidence[RADAR]),
        ("first evidence of either", _first),
        ("alert", lambda one: one.alert),
    ]
    lines = [
        f"| simulated scars of {LEAST_HA} ha and more: days from the storm to | scars | median | 10–90 % |",
        "| --- | --- | --- | --- |",
    ]
    for name, of in rows:
        days = [value for one in scars if (value := of(one)) is not None]
        if days:
            low, middle, high = np.percentile(days, (10, 50, 90))
            lines.append(f"| {name} | {len(days)} of {len(scars)} | {middle:.1f} | {low:.1f}–{high:.1f} |")
    found = [one for one in scars if one.opened_by is not None]
    first = sum(one.opened_by == RADAR for one in found)
    lines += ["", f"Radar saw {_share(first, len(found))} of the {len(found)} scars first that were found at all."]
    return "\n".join(lines)


def false_events(years: Sequence[YearRecord]) -> str:
    """Events on ground that did not slide, with exposure and Garwood's intervals."""
    lines = [
        "| simulated | km² x years | false events | per 1,000 km² and year (95 %) | false alerts "
        "| per 1,000 km² and year (95 %) |",
        "| --- |" + " --- |" * 5,
    ]
    false = _false(years)
    for name in (*SENSORS, EITHER):
        own = [one for one in false if name in (one.sensor, EITHER)]
        exposure = sum(year.km2_years[name] for year in years)
        alerts = sum(one.alerted for one in own)
        lines.append(
            f"| {name} | {exposure:.0f} | {len(own)} | {_rate(len(own), exposure)} | {alerts} "
            f"| {_rate(alerts, exposure)} |"
        )
    return "\n".join(lines)


def causes(years: Sequence[YearRecord]) -> str:
    """False alerts and false events by what the ground did there."""
    false = _false(years)
    names = ["field", "flood", "clear-cut", "snow", GRAZING, NO_CAUSE]
    names += sorted({one.cause for one in false} - set(names))
    exposure = {name: sum(year.km2_years[name] for year in years) for name in SENSORS}
    lines = [
        "| labelled cause | pieces of ground | optics: false events, alerts | alerts per 1,000 km² and year (95 %) "
        "| radar: false events, alerts | alerts per 1,000 km² and year (95 %) |",
        "| --- |" + " --- |" * 5,
    ]
    for cause in names:
        cells = []
        for name in SENSORS:
            own = [one for one in false if one.cause == cause and one.sensor == name]
            alerts = sum(one.alerted for one in own)
            cells += [f"{len(own)}, {alerts}", _rate(alerts, exposure[name])]
        pieces = sum(year.traps.get(cause, 0) for year in years)
        lines.append(f"| {cause} | {pieces or ''} | {' | '.join(cells)} |")
    return "\n".join(lines)


def seeds(years: Sequence[YearRecord]) -> str:
    """One line for each valley."""
    lines = [
        "| seed | storm | scars of 0.5 ha and more | of them alerted | false alerts: optics, radar | minutes |",
        "| --- |" + " --- |" * 5,
    ]
    for year in years:
        scars = [one for one in year.scars if one.area_ha >= LEAST_HA]
        false = [one for one in year.events if not one.true and one.alerted]
        counts = ", ".join(str(sum(one.sensor == name for one in false)) for name in SENSORS)
        lines.append(
            f"| {year.seed} | {year.storm[:10]} | {len(scars)} | {sum(one.alert is not None for one in scars)} "
            f"| {counts} | {sum(year.seconds.values()) / 60:.1f} |"
        )
    return "\n".join(lines)


def networks(trials: Sequence[TrialRecord]) -> str:
    """A network beside the baseline of its sensor, each at the threshold that gives so many false clusters at most."""
    first = trials[0]
    quiet, storm, km2 = (sum(getattr(one, name) for one in trials) for name in ("quiet", "storm", "km2"))
    lines = [
        f"`{first.model}` against the baseline of {first.sensor}: {quiet} quiet comparisons, {storm} across the storm, "
        f"{km2:.0f} km² jointly observed, {_all(trials)} scars shown by half and more, {_large(trials)} of them of "
        f"{LEAST_HA} ha and more.",
        "",
        "| false clusters allowed | network: threshold, false | found | of 0.5 ha and more "
        "| baseline: threshold, false | found | of 0.5 ha and more |",
        "| --- |" + " --- |" * 6,
    ]
    for budget in BUDGETS:
        cells = [_at_budget(trials, [getattr(one, name) for one in trials], budget) for name in ("network", "baseline")]
        lines.append(f"| {budget} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _at_budget(trials: Sequence[TrialRecord], sweeps: Sequence[Sweep], budget: int) -> str:
    thresholds = sweeps[0].thresholds
    false = [sum(one.false_quiet[place] + one.false_storm[place] for one in sweeps) for place in range(len(thresholds))]
    # From the strictest threshold down, for as long as the budget holds.
    place = len(thresholds)
    while place > 0 and false[place - 1] <= budget:
        place -= 1
    if place == len(thresholds):
        return "none of those tried | |"
    found = [(trial, one.found[place]) for trial, one in zip(trials, sweeps, strict=True)]
    large = sum(trial.scars[index] >= LEAST_HA for trial, indices in found for index in indices)
    return (
        f"{thresholds[place]:g}, {false[place]} | {_share(sum(len(hits) for _, hits in found), _all(trials))} "
        f"| {_share(large, _large(trials))}"
    )


def _all(trials: Sequence[TrialRecord]) -> int:
    return sum(len(one.scars) for one in trials)


def _large(trials: Sequence[TrialRecord]) -> int:
    return sum(area >= LEAST_HA for one in trials for area in one.scars)


def _classes(scars: Sequence[ScarRecord]) -> Iterable[tuple[str, list[ScarRecord]]]:
    for low, high in pairwise(CLASSES_HA):
        own = [one for one in scars if low <= one.area_ha < high]
        if own:
            name = (
                f"below {high:g} ha"
                if not low
                else f"{low:g} ha and more"
                if np.isinf(high)
                else f"{low:g} to {high:g} ha"
            )
            yield name, own
    yield f"all of {LEAST_HA} ha and more", [one for one in scars if one.area_ha >= LEAST_HA]


def _found(scars: Sequence[ScarRecord], sensor: str) -> str:
    shown = [one for one in scars if one.shown[sensor] is not None]
    return _share(sum(one.evidence[sensor] is not None for one in shown), len(shown))


def _first(scar: ScarRecord) -> float | None:
    return min((days for days in scar.evidence.values() if days is not None), default=None)


def _false(years: Sequence[YearRecord]) -> list[EventRecord]:
    return [one for year in years for one in year.events if not one.true]


def _share(found: int, of: int) -> str:
    if not of:
        return "–"
    low, high = binomial_interval(found, of)
    return f"{found} of {of} ({100 * low:.0f}–{100 * high:.0f} %)"


def _rate(count: int, exposure: float) -> str:
    if not exposure:
        return "–"
    low, high = (1000.0 * bound / exposure for bound in poisson_interval(count))
    return f"{1000.0 * count / exposure:.0f} ({low:.0f}–{high:.0f})"
