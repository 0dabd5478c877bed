"""The demonstration: a simulated valley, the whole main job on it, and how well it did against the known truth."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shlex import quote
from shutil import which

import yaml
from rich.console import Console
from shapely import union_all
from shapely.geometry.base import BaseGeometry

from monitor.config import Settings, load
from monitor.core.grid import project
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.ranking import rank
from monitor.core.sensors import NAMES
from monitor.ports import Store
from monitor.records import Detector, Event, Evidence, Sensor, Verdict
from monitor.sandbox.story import STORM_UNDER_CLOUD
from monitor.sandbox.valley import TrueScar, Valley, build_valley, load_valley
from monitor.service import PassEvent, PassSummary, Service

SIZE_PX = 640
QUIET = 4
AFTER = 3
MIN_SCAR_HA = 0.5
MIN_SLOPE_DEG = 10.0
REQUIRED_SHARE = 0.9
ALLOWED_FALSE = 1
# An outline is drawn on 10 m pixels and a scar has soft edges: a rim of two pixels belongs to it.
_RIM_M = 20.0
_FOUND_SHARE = 0.2
"""Share of a scar's ground that must lie in alert outlines for it to count as found."""

Progress = Callable[[str, int, int], None]
Build = Callable[[Settings, Progress], Service]
Prepare = Callable[[Settings, datetime], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoScore:
    """What the watch found of what is known to be there."""

    scars: int
    """Scars of 0.5 ha and more on slopes."""
    found: int
    others: int
    """Smaller scars, and those on nearly flat ground."""
    others_found: int
    alerts: int
    false_events: int
    """Alerts that touch no scar of any size."""

    @property
    def passed(self) -> bool:
        """At least 90 % found and at most one false event."""
        return self.found >= REQUIRED_SHARE * self.scars and self.false_events <= ALLOWED_FALSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the demonstration is given: how a service is made, and the clock."""

    build: Build
    prepare: Prepare
    """Makes the database ready."""
    clock: Callable[[], datetime]


def run_demo(stage: Stage, folder: Path, seed: int, check: bool, console: Console) -> bool:
    """Simulate a valley (once per seed), watch it, tell what happened; False when `check` is not passed."""
    start = time.perf_counter()
    place = folder / f"valley-{seed}"
    valley = _valley(place, seed, console)
    config = write_config(place, valley)
    settings = load(config)
    stage.prepare(settings, stage.clock())
    console.print("\n[bold]The watch[/bold] polls the catalog and looks at every acquisition, oldest first.")
    with closing(stage.build(settings, lambda _what, _done, _all: None)) as service:
        summary = service.once(stage.clock, lambda event: _tell(event, console))
        alerts = worst_first(service.store)
        _conclude(summary, alerts, settings, config, console)
        result = score(valley, alerts)
    console.print(f"\n{verdict(result)}")
    console.print(f"Took {time.perf_counter() - start:.0f} s.")
    if check and not result.passed:
        console.print("[bold red]Check not passed.[/bold red]")
    return result.passed or not check


def verdict(result: DemoScore) -> str:
    """What was found of what is there, and what that says."""
    return (
        f"Against the known truth: {result.found} of {result.scars} scars of {MIN_SCAR_HA} ha and more found, and "
        f"{result.others_found} of the {result.others} smaller ones; {result.alerts} alert(s), "
        f"{result.false_events} of them false. Simulated ground: this says that the chain works, "
        "not how well it does on real slopes."
    )


def command(program: str, folder: Path) -> str:
    """How the program that runs is called again from a folder.

    Args:
        program: what was called: `sys.argv[0]`.
        folder: where the person is.
    """
    path = Path(program)
    if path.name == "__main__.py":
        return f"{quote(sys.executable)} -m monitor"
    if path.name != "scarpwatch":
        return "scarpwatch"
    found = which("scarpwatch")
    if found and Path(found).absolute() == path.absolute():
        return "scarpwatch"
    absolute = path.absolute()
    return quote(str(absolute.relative_to(folder) if absolute.is_relative_to(folder) else absolute))


def worst_first(store: Store) -> list[Event]:
    """Alerts that stand, in the order of every list."""
    standing = (event for event in store.events() if event.state in ALERT_STATES)
    return sorted(standing, key=lambda event: (rank(event), event.id))


def write_config(folder: Path, valley: Valley) -> Path:
    """The configuration of the demonstration; a user may read it and run any command with it."""
    path = folder / "config.yaml"
    settings = {
        "database": "sqlite:///watch.db",
        "products": "./products",
        "catalogs": {"valley": {"type": "static", "href": str(valley.catalog.relative_to(folder))}},
        "regions": {
            "valley": {
                "geometry": {"bbox": [round(edge, 6) for edge in valley.bbox]},
                "catalogs": ["valley"],
                # The simulated dates lie in the past and must stay inside the look-back for years.
                "lookback_days": 20000,
                "sensor_policy": "optical_when_clear",
            }
        },
    }
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return path


def score(valley: Valley, events: Sequence[Event]) -> DemoScore:
    """Compare alerts with the truth the service never saw."""
    alerts = [event for event in events if event.state in ALERT_STATES]
    zone = _zone(valley)
    outlines = [project(event.geometry, 4326, zone) for event in alerts]
    alerted = union_all(outlines)
    wanted = [scar for scar in valley.scars if scar.area_ha >= MIN_SCAR_HA and scar.slope_deg >= MIN_SLOPE_DEG]
    others = [scar for scar in valley.scars if scar not in wanted]
    scars = union_all([project(scar.geometry, 4326, zone) for scar in valley.scars]).buffer(_RIM_M)
    return DemoScore(
        scars=len(wanted),
        found=_found(wanted, zone, alerted),
        others=len(others),
        others_found=_found(others, zone, alerted),
        alerts=len(alerts),
        false_events=sum(not outline.intersects(scars) for outline in outlines),
    )


def _found(scars: Sequence[TrueScar], zone: int, alerted: BaseGeometry) -> int:
    return sum(_share(scar, zone, alerted) >= _FOUND_SHARE for scar in scars)


def _share(scar: TrueScar, zone: int, alerted: BaseGeometry) -> float:
    ground = project(scar.geometry, 4326, zone)
    return float(ground.intersection(alerted).area / ground.area)


def _zone(valley: Valley) -> int:
    west, south, east, _ = valley.bbox
    return (32600 if south >= 0 else 32700) + int(((west + east) / 2 + 180) // 6) + 1


def _valley(place: Path, seed: int, console: Console) -> Valley:
    """The valley of a seed: simulated the first time, then the same one again."""
    if (place / "truth.json").is_file():
        console.print(f"[bold]The valley[/bold] of seed {seed} is there already, in {place}.")
        return load_valley(place)
    console.print(f"[bold]A simulated valley[/bold] (seed {seed}) is made in {place}.")
    return build_valley(
        place,
        seed=seed,
        size_px=SIZE_PX,
        quiet=QUIET,
        after=AFTER,
        story=STORM_UNDER_CLOUD,
        report=lambda line: console.print(f"  {line}"),
    )


def _tell(event: PassEvent, console: Console) -> None:
    if event.action in ("claimed", "discovered", "ahead"):
        return
    seconds = sum(event.seconds.values())
    timing = f" ({seconds:.1f} s)" if seconds else ""
    said = f"{event.reason or event.action}, {event.detail}{timing}"
    console.print(f"  {_heading(event)}: {said}", soft_wrap=True, highlight=False)


def _heading(event: PassEvent) -> str:
    """Date, sensor and track of what was looked at."""
    of = event.acquisition
    if of is None:
        return event.item
    return f"{of.sensing_time:%d %b %H:%M}  {NAMES[of.sensor]:<6}  {of.platform}, orbit {of.relative_orbit}"


def seen_by(event: Event) -> str:
    """Which sensor saw an alert first, and which others see it too."""
    first, *later = [piece for piece in event.evidence if piece.verdict in (Verdict.OPENS, Verdict.SUPPORTS)]
    names = dict.fromkeys(_sensor_of(piece) for piece in (first, *later))
    opened, *others = names
    return f"{opened} first, then {' and '.join(others)}" if others else opened


def _sensor_of(piece: Evidence) -> str:
    return NAMES[Sensor.SAR if piece.detector is Detector.RADAR else Sensor.OPTICAL]


def _conclude(
    summary: PassSummary, alerts: Sequence[Event], settings: Settings, config: Path, console: Console
) -> None:
    if summary.processed == 0 and not summary.errors:
        console.print("  Nothing new: every acquisition was processed before, and nothing is processed twice.")
    console.print(f"\n[bold]{len(alerts)} alert(s), worst first[/bold] (status Test, because the pixels are simulated)")
    for number, event in enumerate(alerts, start=1):
        point = event.geometry.representative_point()
        console.print(
            f"  {number:2d}. {event.area_ha:5.2f} ha at {point.y:.4f}, {point.x:.4f}  {event.state.value:<11}  "
            f"failed {event.window_start:%d %b} – {event.window_end:%d %b %Y}  {event.confidence} confidence  "
            f"seen by {seen_by(event)}",
            soft_wrap=True,
            highlight=False,
        )
    if alerts and alerts[0].picture:
        console.print(f"\nPicture of the worst: {settings.products / alerts[0].picture}", soft_wrap=True)
    console.print(f"All products (STAC, COG): {settings.products / 'catalog.json'}", soft_wrap=True)
    for line in onward(command(sys.argv[0], Path.cwd()), config, settings):
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def onward(program: str, config: Path, settings: Settings) -> list[str]:
    """What to do next; every command stands at the end of its line, as it is typed."""
    named = f"--config {quote(str(config))}"
    return [
        f"Go on looking: {program} alerts {named}",
        f"A token to sign in with, shown this once: {program} tokens add me --role responder {named}",
        f"The pages, at http://{settings.serve.host}:{settings.serve.port} until Ctrl-C: {program} run {named}",
        "`status` and the pages say that this watch is NOT WELL, rightly: its scenes are of 2025, and none is newer.",
        'Then a region of your own: "Watch your own region" in README.md.',
    ]
