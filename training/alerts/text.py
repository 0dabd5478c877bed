"""The calibration as people read it: a fragment of the configuration, a table, a file of comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from math import inf

from monitor.core.null_rate import LEARNED_KM2_YEARS, PER_KM2
from monitor.core.sensors import NAMES
from training.alerts.history import RegionCount
from training.alerts.rates import Calibration, Step


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
        lines.append(f"{detector}: {km2_years:.1f} km² × years, {len(own)} event(s), {kept} of them held{pooled}")
    return lines


def region_lines(regions: Sequence[RegionCount]) -> list[str]:
    """What was counted of every region, what was left out, and whether it is learning."""
    lines = []
    for one in regions:
        watched = ", ".join(f"{km2_years:.1f} by {name}" for name, km2_years in sorted(one.km2_years.items()))
        when = f" from {one.first:%Y-%m-%d} to {one.last:%Y-%m-%d}" if one.first and one.last else ""
        several = f", {one.watched:.1f} by any of them" if len(one.km2_years) > 1 else ""
        line = f"{one.region}: {watched or 'no'} km² × years{several}{when}; {one.opened} event(s) on quiet ground"
        if one.unjudged:
            line += f", of which nobody said of {one.unjudged} what they are: counted as false"
        if one.confirmed or one.excepted:
            line += f"; left out {one.confirmed} that people saw and {one.excepted} on excepted ground"
        if one.joined:
            line += f"; {one.joined} that a late look showed to be part of another event count with that"
        if one.without_elevation:
            line += f"; {one.without_elevation} tile(s) without kept elevation not counted"
        if learning := learning_of(one):
            line += f"; learning: {', '.join(learning)} below {LEARNED_KM2_YEARS:g} km² × years"
        lines.append(line)
    return lines


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
            cells += [str(cost.count), f"{cost.per_1000:.0f} ({low:.0f}–{high:.0f})"]
        cells += [f"{hits} of {of}" for hits, of in (step.told.get(size, (0, 0)) for size in sizes)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def comma_separated(made: Calibration) -> str:
    """The curve for other programs; the last budget is infinite."""
    sizes = sorted({size for step in made.steps for size in step.told})
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    header = ["budget_per_1000_km2_year", "km2_years"]
    for name in ("first", "held"):
        header += [f"{name}_count", f"{name}_per_1000", f"{name}_low_95", f"{name}_high_95"]
    rows.writerow(
        [*header, *(f"{what}_{sensor.value}_{size:g}_ha" for sensor, size in sizes for what in ("told", "observed"))]
    )
    for step in made.steps:
        row: list[float | str] = ["inf" if step.budget == inf else step.budget, round(step.first.km2_years, 3)]
        for cost in (step.first, step.held):
            row += [cost.count, round(cost.per_1000, 3), *(round(bound, 3) for bound in cost.interval)]
        row += [number for size in sizes for number in step.told.get(size, (0, 0))]
        rows.writerow(row)
    return text.getvalue()
