"""The shipped null and what the tiers cost and find, from the records of simulated years."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.lives import lives
from benchmarks.rates import after, before, fold, load_years, null_of, sweep
from benchmarks.rates_figure import rates_figure
from benchmarks.rates_tables import aim, causes, factors, head, swept, tiers
from monitor.adapters.null_file import save_null
from monitor.core.lifecycle import LifecycleSettings
from training.alerts.counting import poisson_interval

CALIBRATING, MEASURING = "8101-8130", "8131-8230"
"""Seeds that the shipped null is counted on, and seeds that it is judged on."""
FIGURE = "rates.png"
DEFAULTS = LifecycleSettings()


def write_null(folder: Path, seeds: Sequence[int], out: Path) -> str:
    """Count the null of some years into a file; what it stands on, as Markdown.

    Raises:
        ConfigError: there is no such year.
    """
    years = load_years(folder, seeds)
    null = null_of(years)
    save_null(null, out)
    lines = [
        f"`{out.name}`: what simulated quiet ground does, counted on {'; '.join(null.sources)}. **Simulated**: real "
        "ground may do it more often or less.",
        "",
        "| detector | km² × years | events that no scar made | per 1,000 km² and year (95 %) | of them held |",
        "| --- |" + " --- |" * 4,
    ]
    for detector, km2_years in sorted(null.km2_years.items()):
        opened, held = (
            round(rates[0] * km2_years / 1000.0 - 1)
            for rates in (null.curves[detector].opened, null.curves[detector].held)
        )
        low, high = (1000.0 * bound / km2_years for bound in poisson_interval(opened))
        rate = f"{1000.0 * opened / km2_years:.0f} ({low:.0f}–{high:.0f})"
        lines.append(f"| {detector} | {km2_years:.0f} | {opened} | {rate} | {held} |")
    return "\n".join([*lines, "", *factors(null)])


def run(
    folder: Path,
    seeds: tuple[Sequence[int], Sequence[int]],
    crosswise: bool,
    out: Path,
    settings: LifecycleSettings = DEFAULTS,
) -> str:
    """All tables as Markdown; the figure goes to `out`.

    Args:
        seeds: to count on, and to judge on.
        crosswise: judge the other way round as well.
        settings: thresholds of the tiers.

    Raises:
        ConfigError: there is no such year.
    """
    counted, judged = (load_years(folder, some) for some in seeds)
    null = null_of(counted)
    folds = [fold(null, judged), *([fold(null_of(judged), counted)] if crosswise else [])]
    years = [year for one in folds for year in one.years]
    first, second = sweep(folds)
    old, new = before(folds), after(folds, settings)
    out.mkdir(parents=True, exist_ok=True)
    rates_figure((first, second), old[1:], (new[1], new[3]), out / FIGURE)
    also = [
        f"The other way round as well: the {len(counted)} years it was counted on, by a null of the others."
        if crosswise
        else ""
    ]
    parts = [
        [head(null, years), *also],
        [
            f"Before: hectares × change of {settings.open_strength:g} at the first look. After: `watch: "
            f"{settings.watch_rate:g}`, `warning: {settings.warning_rate:g}`."
        ],
        tiers([*old, *new]),
        ["Told at the first look, if quiet ground does so at most as often as the budget, per 1,000 km² and year:"],
        swept(first),
        ["Told when the second look that could tell holds it, if such are at most so common:"],
        swept(second),
        [aim(first, second)],
        ["What the false events are:"],
        causes(years),
        ["What later looks said:"],
        lives(years),
        factors(null),
    ]
    return "\n\n".join("\n".join(line for line in part if line) for part in parts)
