"""Detection of painted scars by the network, by the plain baseline and by both, at the same number of false events."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import iburi
from benchmarks.change_model import open_change_model
from benchmarks.scoring import (
    Rule,
    baseline_rule,
    binomial_interval,
    false_events,
    is_found,
    network_rule,
    pair_rule,
    strong_rule,
    supported_rule,
    union_rule,
)
from benchmarks.trials import (
    AWAY_M,
    FIRST_ROW,
    HEAD_SLOPE_DEG,
    HILLSIDE_M,
    SIZES_HA,
    SPACING_M,
    Trials,
    prepare,
    run_trials,
)
from monitor.core.change import AlertSettings
from monitor.core.lifecycle import LifecycleSettings
from monitor.records import Detector
from training.alerts.counting import poisson_interval

SEED = 20180906
FALSE_EVENTS = (1, 2, 5, 10)
"""Numbers of false events on the quiet ground at which detectors are compared."""
NETWORK_STARTS = (0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.10, 0.14, 0.20, 0.28, 0.40, 0.56, 0.80)
BASELINE_STARTS = tuple(float(x) for x in np.round(np.arange(0.40, 1.33, 0.04), 2))
SUPPORT = (0.005, 0.01, 0.02, 0.05, 0.10)
OPEN_STRENGTHS = (0.05, 0.10, 0.15, 0.20, 0.30)
PAIRED_STARTS = (0.52, 0.60, 0.68, 0.72, 0.76, 0.84)
"""Starts of the baseline at which it is combined with the network."""
STRONG_STARTS = (0.52, 0.60, 0.68, 0.76)
CHANGE_STARTS = (*NETWORK_STARTS, 0.90, 0.95)
FAMILIES = ("network", "change model", "baseline", "union", "baseline supported by network", "baseline alerts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One detector at one setting."""

    family: str
    setting: Mapping[str, float]
    false: int
    found: Mapping[float, int]
    """Implants found by size, ha."""
    painted: Mapping[float, int]

    @property
    def mean(self) -> float:
        """Mean over sizes of the share found."""
        return float(np.mean([self.found[size] / self.painted[size] for size in self.painted]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Folders of what is measured."""

    scar: Path
    change: Path | None = None


def measure(
    data: Path, models: Models, each: int, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Trials:
    """The painted runs: every model sees the same paint."""
    pair = iburi.open_pair(data)
    change = open_change_model(models.change) if models.change is not None else None
    stage = prepare(pair, iburi.instruments(pair, models.scar), AlertSettings(), change)
    return run_trials(stage, each, SEED, progress)


def sweep(trials: Trials, settings: AlertSettings) -> list[Point]:
    """Every family at every setting; the shipped settings among them."""
    network = {start: network_rule(start, settings) for start in {*NETWORK_STARTS, settings.high}}
    baseline = {start: baseline_rule(start, settings) for start in {*BASELINE_STARTS, settings.baseline_high}}
    points = [_point("network", {"high": start}, rule, trials, settings) for start, rule in network.items()]
    points += [_point("baseline", {"baseline_high": start}, rule, trials, settings) for start, rule in baseline.items()]
    if trials.quiet.ground.pair is not None:
        rules = {start: pair_rule(start, settings) for start in CHANGE_STARTS}
        points += [_point("change model", {"high": start}, rule, trials, settings) for start, rule in rules.items()]
    for start in PAIRED_STARTS:
        for other in (*NETWORK_STARTS[2::3], settings.high):
            setting = {"high": other, "baseline_high": start}
            points.append(_point("union", setting, union_rule(network[other], baseline[start]), trials, settings))
        for least in SUPPORT:
            rule = supported_rule(baseline[start], Detector.NETWORK, least)
            setting = {"baseline_high": start, "support": least}
            points.append(_point("baseline supported by network", setting, rule, trials, settings))
    for start in STRONG_STARTS:
        for least in OPEN_STRENGTHS:
            setting = {"baseline_high": start, "open_strength": least}
            rule = strong_rule(baseline_rule(start, settings), Detector.BASELINE, least, settings)
            points.append(_point("baseline alerts", setting, rule, trials, settings))
    return points


def shipped_points(trials: Trials, settings: AlertSettings) -> list[Point]:
    """The detectors and thresholds of the settings, as one rule: all events, and those that open as alerts."""
    rules = {
        Detector.NETWORK: network_rule(settings.high, settings),
        Detector.BASELINE: baseline_rule(settings.baseline_high, settings),
    }
    least = LifecycleSettings().open_strength
    optical = [detector for detector in settings.detectors if detector in rules]
    events = _any_of([rules[detector] for detector in optical])
    alerts = _any_of([strong_rule(rules[detector], detector, least, settings) for detector in optical])
    named = " + ".join(optical)
    setting = {"high": settings.high, "baseline_high": settings.baseline_high}
    return [
        _point(f"as shipped ({named}), events", setting, events, trials, settings),
        _point(f"as shipped ({named}), alerts", {**setting, "open_strength": least}, alerts, trials, settings),
    ]


def _any_of(rules: Sequence[Rule]) -> Rule:
    return rules[0] if len(rules) == 1 else union_rule(rules[0], rules[1])


def best(points: Sequence[Point], family: str, false: int) -> Point | None:
    """The setting of a family that finds most with at most `false` false events."""
    fitting = [point for point in points if point.family == family and point.false <= false]
    return max(fitting, key=lambda point: (point.mean, -point.false), default=None)


def table(points: Sequence[Point], trials: Trials, settings: AlertSettings) -> str:
    """Markdown: detection by size with 95 % intervals at equal numbers of false events, and as shipped."""
    head = "| false events | detector | setting | " + " | ".join(f"{size:g} ha" for size in SIZES_HA) + " |"
    lines = [head, "| --- | --- | --- |" + " --- |" * len(SIZES_HA)]
    for false in FALSE_EVENTS:
        rate = 100.0 * false / trials.quiet.area_km2
        for family in FAMILIES:
            chosen = best(points, family, false)
            if chosen is not None:
                lines.append(_row(f"≤ {false} ({rate:.0f} per 100 km²)", chosen))
    for point in [*_at_defaults(points, settings), *shipped_points(trials, settings)]:
        low, high = (100.0 * x / trials.quiet.area_km2 for x in poisson_interval(point.false))
        rate = 100.0 * point.false / trials.quiet.area_km2
        lines.append(_row(f"{point.false} ({rate:.0f} per 100 km², {low:.0f}–{high:.0f})", point))
    return "\n".join(lines)


def exposure(trials: Trials) -> str:
    """How the figures came about, in one paragraph."""
    hidden = np.mean([implant.hidden for implant in trials.implants])
    red, green, blue = trials.soil
    quiet = trials.quiet.area_km2
    size = len(trials.implants) // len(SIZES_HA)
    parts = (
        f"{len(trials.implants)} implants ({size} of each size) in {trials.runs} painted runs of the later scene.",
        f"Quiet ground: {quiet:.1f} km² seen by both dates from source row {FIRST_ROW} south,",
        f"{trials.steep_km2:.1f} km² of it steep enough for a cluster to start.",
        f"Heads: {trials.head_km2:.1f} km² of at least {HEAD_SLOPE_DEG:.0f}° (and so in the mean of {HILLSIDE_M:.0f} m",
        f"around), more than {AWAY_M:.0f} m from change found without implants, {SPACING_M:.0f} m apart.",
        f"Soil above haze: red {red:.3f}, green {green:.3f}, blue {blue:.3f}, the median of cream ground on the slopes",
        "of the real scars.",
        f"Snow of the earlier scene and the mask of the painted scene hide {hidden:.0%} of the painted area.",
        f"Masks made again from the unpainted scene agree with the service's on {trials.mask_agreement:.2%} of pixels.",
    )
    return " ".join(parts)


def run(
    data: Path,
    models: Models,
    out: Path,
    each: int,
    progress: Callable[[int, int], None],
    points_file: Path | None = None,
) -> str:
    """Measure, sweep, draw `out`/implants.png; gives the report as Markdown, every point in `points_file`."""
    from benchmarks.figures import implants_figure

    settings = AlertSettings()
    trials = measure(data, models, each, progress)
    points = sweep(trials, settings)
    out.mkdir(parents=True, exist_ok=True)
    implants_figure(points, trials, settings, out / "implants.png")
    if points_file:
        points_file.write_text(json.dumps(as_rows(points), indent=1), encoding="utf-8")
    return f"{exposure(trials)}\n\n{table(points, trials, settings)}"


def as_rows(points: Sequence[Point]) -> list[dict[str, object]]:
    """Points as plain rows."""
    return [
        {
            "family": point.family,
            **point.setting,
            "false": point.false,
            "found": {f"{size:g}": count for size, count in point.found.items()},
            "painted": {f"{size:g}": count for size, count in point.painted.items()},
        }
        for point in points
    ]


def _point(family: str, setting: Mapping[str, float], rule: Rule, trials: Trials, settings: AlertSettings) -> Point:
    found: dict[float, int] = {}
    painted: dict[float, int] = {}
    for implant in trials.implants:
        painted[implant.area_ha] = painted.get(implant.area_ha, 0) + 1
        found[implant.area_ha] = found.get(implant.area_ha, 0) + is_found(implant, rule, settings)
    false = false_events(trials.quiet, rule, settings)
    return Point(family=family, setting=setting, false=false, found=found, painted=painted)


def _at_defaults(points: Sequence[Point], settings: AlertSettings) -> list[Point]:
    """Each detector alone at its shipped threshold."""
    alone = {"network": {"high": settings.high}, "baseline": {"baseline_high": settings.baseline_high}}
    return [point for point in points if alone.get(point.family) == dict(point.setting)]


def _row(label: str, point: Point) -> str:
    setting = ", ".join(f"{name} {value:g}" for name, value in point.setting.items())
    cells = []
    for size in SIZES_HA:
        found, painted = point.found[size], point.painted[size]
        low, high = binomial_interval(found, painted)
        cells.append(f"{100 * found / painted:.0f} % ({100 * low:.0f}–{100 * high:.0f})")
    return f"| {label} | {point.family}, {point.false} | {setting} | " + " | ".join(cells) + " |"
