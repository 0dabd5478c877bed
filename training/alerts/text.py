"""The calibration as people read it: a fragment of the configuration, a table, a file of comma-separated values."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from math import inf

from monitor.core.null_rate import LEARNED_KM2_YEARS, PER_KM2
from monitor.core.sensors import NAMES
from training.alerts.change import Row, Told, quieter
from training.alerts.history import RegionCount
from training.alerts.rates import Calibration, Step

TABLE = "rates.md"
"""Name of the file of tables."""
UNITS = (
    "Rates per 1,000 km² and year, at the first look / once a later look holds it: as shipped, as written here, and as "
    "they would be if every event had been false of which nobody said what it is."
)
_LOUDEST_FIRST = tuple(one.word for one in sorted(Told, reverse=True))


def exposure_lines(made: Calibration) -> list[str]:
    """What was counted, by detector, and what is pooled with it."""
    exposure, clusters = made.history.exposure, made.history.clusters
    lines = []
    for detector, cells in exposure.items():
        own = [one for one in clusters if one.detector == detector]
        kept = sum(one.held for one in own)
        weight = made.prior.km2_years(detector)
        pooled = f", pooled with shipped counts that weigh {weight:.0f}" if weight else ""
        km2_years = sum(cells.values())
        line = f"{detector}: {km2_years:.1f} km² × years, {len(own)} false event(s), {kept} of them held{pooled}"
        opened, judged = made.history.whole.share_told(detector), made.history.whole.share_judged(detector)
        if opened < 1 or judged < 1:
            line += f"; what is not known is left out: {opened * km2_years:.1f} km² × years count of what opened"
            line += f", {opened * judged * km2_years:.1f} of what held"
        if detector not in made.null.curves:
            line += "; too little to call anything rare: no rates are written, hectares × change decide"
        lines.append(line)
    return lines


def region_lines(regions: Sequence[RegionCount]) -> list[str]:
    """What was counted of every region, what was left out, and whether it is learning."""
    lines = []
    for one in regions:
        watched = ", ".join(f"{km2_years:.1f} by {name}" for name, km2_years in sorted(one.km2_years.items()))
        when = f" from {one.first:%Y-%m-%d} to {one.last:%Y-%m-%d}" if one.first and one.last else ""
        several = f", {one.watched:.1f} by any of them" if len(one.km2_years) > 1 else ""
        line = f"{one.region}: {watched or 'no'} km² × years{several}{when}; {one.false} false event(s)"
        line += " (dismissed or refuted)" if one.false else ""
        if one.confirmed or one.excepted:
            line += f"; left out {one.confirmed} that people saw and {one.excepted} on excepted ground"
        if one.unknown:
            line += f"; left out {one.unknown} of which nobody said what they are: dismiss or confirm them, and this "
            line += f"gets sharper ({TABLE} says which and where)"
        if one.joined:
            line += f"; {one.joined} that a late look showed to be part of another event count with that"
        if one.without_elevation:
            line += f"; {one.without_elevation} tile(s) without kept elevation not counted"
        if learning := learning_of(one):
            line += f"; learning: {', '.join(learning)} below {LEARNED_KM2_YEARS:g} km² × years"
        lines.append(line)
    return lines


def changed_lines(made: Calibration) -> list[str]:
    """What becomes of the own events by the shipped rates and by these, in numbers."""
    lines = []
    if made.events:
        before, after = (Counter(_word(told) for told in of) for of in (_was(made.events), _becomes(made.events)))
        lines.append(f"Own events at their first look: by the shipped rates {_numbers(before)};")
        lines.append(f"  by these {_numbers(after)}")
    if less := len(quieter((*made.events, *made.ground))):
        lines.append(
            f"CAUTION: of {less} of {len(made.events) + len(made.ground)} changes in {TABLE} less would be told"
        )
    return lines


def _was(rows: Sequence[Row]) -> list[Told | None]:
    return [one.was for one in rows]


def _becomes(rows: Sequence[Row]) -> list[Told | None]:
    return [one.becomes for one in rows]


def _numbers(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[word]} {word}" for word in (*_LOUDEST_FIRST, _word(None)) if counts[word])


def _word(told: Told | None) -> str:
    return "not known" if told is None else told.word


def rows_of(rows: Sequence[Row]) -> list[str]:
    """Changes with the shipped rates and the written ones as a table of Markdown; none: nothing."""
    if not rows:
        return []
    named = any(one.event for one in rows)
    names = "| event | was | hectares | where | " if named else "| "
    lines = [
        f"{names}detector | slope, season, light | hectares × change | shipped | written | were the unknown false "
        "| tier at the first look |",
        "|" + " --- |" * (11 if named else 7),
    ]
    for one in rows:
        cells = []
        if one.event:
            longitude, latitude = one.event.place
            cells = [one.event.id, one.event.outcome.value, f"{one.event.area_ha:.2f}"]
            cells += [f"{latitude:.4f}, {longitude:.4f}"]
        cells += [one.detector, ", ".join(one.strata) or "–", f"{one.strength:.2f}"]
        cells += [_pair(rates) for rates in (one.before, one.after, one.if_false)]
        tiers = list(dict.fromkeys((_word(one.was), _word(one.becomes))))
        cells += [" → ".join(tiers)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _pair(rates: tuple[float, float] | None) -> str:
    return "–" if rates is None else f"{rates[0]:.1f} / {rates[1]:.1f}"


def learning_of(region: RegionCount) -> list[str]:
    """Detectors of which a region has seen too little for rates of its own."""
    return [name for name, km2_years in sorted(region.km2_years.items()) if km2_years < LEARNED_KM2_YEARS] or (
        [] if region.km2_years else ["all of it"]
    )


def fragment(made: Calibration, tiers: tuple[Step, Step], null_path: str, now: datetime) -> str:
    """YAML for the configuration, with what it stands on as comments.

    Args:
        tiers: at the thresholds of watch and of warning.
        null_path: as the configuration names it.
    """
    watch, warning = tiers
    floors = [PER_KM2 / km2_years for km2_years in made.null.km2_years.values()]
    lines = [f"Made by `python -m training calibrate-alerts` on {now:%Y-%m-%d}. Own quiet ground:"]
    lines += [f"  {line}" for line in (*region_lines(made.history.regions), *exposure_lines(made))]
    if made.null.simulated:
        lines.append("Some of the ground it was counted on is simulated.")
    lines += [
        f"On that ground, {made.km2_years:.1f} km² × years that any sensor watched (where several did it counts once),",
        "by all detectors together, each part judged by what the others did:",
        f"  watch {watch.budget:g} tells {watch.first} at their first look",
        f"  warning {warning.budget:g} tells {warning.first} at their first look,",
        f"  and {warning.held} once a second look holds them",
    ]
    lines += changed_lines(made)
    if warning.budget < min(floors, default=0.0):
        lines.append(
            f"  nothing can be called rarer than {min(floors):.1f} yet: only what people confirm becomes a warning"
        )
    comments = "".join(f"# {line}\n" for line in lines)
    return f"{comments}tiers:\n  watch: {watch.budget:g}\n  warning: {warning.budget:g}\n  null_rates: {null_path}\n"


def markdown(made: Calibration) -> str:
    """The curve as a table."""
    sizes = sorted({size for step in made.steps for size in step.told})
    names = "".join(f" {NAMES[sensor]}: painted {size:g} ha told |" for sensor, size in sizes)
    lines = [
        "# False events and detection",
        "",
        *(f"- {line}" for line in (*region_lines(made.history.regions), *exposure_lines(made))),
        "",
        f"Rates are false events of all detectors per 1,000 km² and year, on {made.km2_years:.1f} km² × years that any "
        "sensor watched (where several did it counts once), with 95 % Poisson intervals. What some tiles did is judged "
        "by a null of the others. Painted scars are told at their first look; those that clouds hid are left out.",
        "",
        f"| budget | false at the first look | rate | false that a second look holds | rate |{names}",
        "| --- |" + " --- |" * (4 + len(sizes)),
    ]
    for step in made.steps:
        cells = [f"{'any' if step.budget == inf else f'{step.budget:g}'}"]
        for cost in (step.first, step.held):
            low, high = cost.interval
            unknown = f" + {cost.unknown} unknown" if cost.unknown else ""
            cells += [f"{cost.count}{unknown}", f"{cost.per_1000:.0f} ({low:.0f}–{high:.0f})"]
        cells += [f"{hits} of {of}" for hits, of in (step.told.get(size, (0, 0)) for size in sizes)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, *_changes(made)]) + "\n"


def _changes(made: Calibration) -> list[str]:
    lines = [
        "",
        "# What changes",
        "",
        UNITS,
        *(f"- {line.strip()}" for line in changed_lines(made)),
        "",
        *rows_of(made.ground),
    ]
    if made.events:
        lines += ["", "Own events. What is *unknown* is left out; `scarpwatch alerts show EVENT` tells its life.", ""]
        lines += rows_of(made.events)
    return lines


def comma_separated(made: Calibration) -> str:
    """The curve for other programs; the last budget is infinite."""
    sizes = sorted({size for step in made.steps for size in step.told})
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    header = ["budget_per_1000_km2_year", "km2_years"]
    for name in ("first", "held"):
        header += [f"{name}_count", f"{name}_unknown", f"{name}_per_1000", f"{name}_low_95", f"{name}_high_95"]
    rows.writerow(
        [*header, *(f"{what}_{sensor.value}_{size:g}_ha" for sensor, size in sizes for what in ("told", "observed"))]
    )
    for step in made.steps:
        row: list[float | str] = ["inf" if step.budget == inf else step.budget, round(step.first.km2_years, 3)]
        for cost in (step.first, step.held):
            row += [cost.count, cost.unknown, round(cost.per_1000, 3), *(round(bound, 3) for bound in cost.interval)]
        row += [number for size in sizes for number in step.told.get(size, (0, 0))]
        rows.writerow(row)
    return text.getvalue()
