"""`python -m training calibrate-alerts`: thresholds from what a deployment's own quiet ground did."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from monitor.adapters.files import write_atomic
from monitor.adapters.looks import LookFiles
from monitor.adapters.null_file import QUIET_GROUND, load_null, save_null
from monitor.adapters.static_files import StaticFiles
from monitor.adapters.store import SqlStore
from monitor.adapters.terrain_source import kept_terrain
from monitor.cli.working import progress_bar
from monitor.config import Settings, SettingsError, config_path, load
from monitor.core.null_rate import Prior
from monitor.drill import DrillRequest, ScarReport, implant_strengths
from monitor.errors import Refused, ScarpwatchError
from monitor.records import Detector, Region, Sensor
from monitor.shipped import shipped_folder
from training.alerts.change import Rates, event_rows, ground_rows
from training.alerts.excepted import load_excepted
from training.alerts.figure import draw
from training.alerts.history import Progress, QuietHistory, Reader
from training.alerts.rates import BUDGETS, Calibration, Painted, if_all_were_false, null_of, steps_of
from training.alerts.refusals import learning, refuse_what_is_not_known, telling, unsure
from training.alerts.text import (
    TABLE,
    UNITS,
    changed_lines,
    comma_separated,
    exposure_lines,
    fragment,
    markdown,
    region_lines,
    rows_of,
)
from training.fit_commands import failed, tell

NULL, FRAGMENT, FIGURE, VALUES = "null-rates.json", "tiers.yaml", "rates.png", "rates.csv"
SIZES_HA = {Sensor.OPTICAL: (0.25, 0.5, 1.0, 2.0), Sensor.SAR: (1.0, 2.0, 5.0)}


def calibrate_alerts_command(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Configuration of the deployment.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for what is made.")] = Path("calibration"),
    region: Annotated[
        list[str] | None, typer.Option("--region", "-r", help="Only this region; may be given again.")
    ] = None,
    excepted: Annotated[
        Path | None,
        typer.Option("--except", help="GeoJSON of ground (and time: `from`, `to`) on which landslides are known."),
    ] = None,
    watch: Annotated[float | None, typer.Option("--watch", min=0.1, help="Instead of the configured one.")] = None,
    warning: Annotated[float | None, typer.Option("--warning", min=0.1, help="Likewise.")] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Own counts only: leave the shipped ones out.")] = False,
    implants: Annotated[
        int, typer.Option("--implants", min=0, help="Scars of each size to paint into the newest pixels; 0 = none.")
    ] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of where scars are painted.")] = 1,
) -> None:
    """Count what quiet ground did in a deployment's own history, and write the thresholds that follow from it.

    What a person dismissed or a look refuted is false; what nobody judged is left out. Refuses where little was watched
    and most of it is not judged. Reads the deployment's database and kept looks, and writes neither. Makes
    null-rates.json, tiers.yaml (to be put into the configuration), rates.png, rates.md and rates.csv.
    """
    try:
        path = config_path(config, os.environ)
        task = Task(
            settings=load(path),
            config=path,
            out=out,
            regions=tuple(region or ()),
            excepted=excepted,
            shipped=shipped_prior(),
            alone=alone,
            implants=implants,
            seed=seed,
        )
        with progress_bar() as progress:
            made = calibrate(task, (watch, warning), progress)
    except SettingsError as err:
        tell(str(err))
        raise typer.Exit(1) from err
    except ScarpwatchError as err:
        raise failed(err) from err
    for line in (*region_lines(made.history.regions), *exposure_lines(made), "", UNITS, "", *rows_of(made.ground), ""):
        typer.echo(line)
    for line in changed_lines(made):
        typer.echo(line)
    if caution := unsure(made.history):
        tell(caution)
    typer.echo(f"wrote {', '.join(str(out / name) for name in (NULL, FRAGMENT, FIGURE, TABLE, VALUES))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be calibrated."""

    settings: Settings
    config: Path
    out: Path
    regions: tuple[str, ...] = ()
    """Empty: all."""
    excepted: Path | None = None
    shipped: Prior
    alone: bool = False
    """Without the shipped counts."""
    implants: int
    seed: int = 1

    @property
    def prior(self) -> Prior:
        """What the own counts are pooled with."""
        return Prior() if self.alone else self.shipped


def shipped_prior() -> Prior:
    """The shipped counts; nothing where none are.

    Raises:
        ConfigError: the file is broken.
    """
    path = shipped_folder("models") / QUIET_GROUND
    return Prior(rates=load_null(path)) if path.is_file() else Prior()


def calibrate(task: Task, tiers: tuple[float | None, float | None], progress: Progress) -> Calibration:
    """Count, pool, paint, and write everything into the folder.

    Args:
        tiers: watch and warning; None: as configured.

    Raises:
        Refused: nothing was compared yet, or what was is not known to be quiet, or nothing would be told any more.
        ScarpwatchError: database, excepted ground or shipped counts cannot be read.
    """
    settings = task.settings
    watch, warning = tiers[0] or settings.tiers.watch, tiers[1] or settings.tiers.warning
    if warning > watch:
        raise Refused(
            f"a warning at {warning:g} would be more common than a watch at {watch:g}",
            item="--warning",
            remedy="Give a smaller one: warnings are rarer.",
        )
    history = _history(task, progress)
    refuse_what_is_not_known(history)
    null = telling(null_of(history, task.prior, [_source(history)]), task.shipped, watch)
    task.out.mkdir(parents=True, exist_ok=True)
    save_null(null, task.out / NULL)
    painted = _painted(task, history, progress) if task.implants else {}
    steps = steps_of(history, task.prior, painted, (*BUDGETS, watch, warning))
    rates = Rates(
        before=task.shipped.rates,
        after=null,
        if_false=if_all_were_false(history, task.prior),
        watch=watch,
        warning=warning,
    )
    made = Calibration(
        null=null,
        history=history,
        prior=task.prior,
        steps=steps[: len(BUDGETS)],
        events=event_rows(history, rates),
        ground=ground_rows(history, rates),
    )
    chosen = (steps[-2], steps[-1])
    null_path = _named((task.out / NULL).absolute(), task.config.absolute().parent)
    _write(task.out / FRAGMENT, fragment(made, chosen, null_path, _now()))
    _write(task.out / TABLE, markdown(made))
    _write(task.out / VALUES, comma_separated(made))
    draw(made, chosen, task.out / FIGURE)
    return made


def _history(task: Task, progress: Progress) -> QuietHistory:
    settings = task.settings
    with closing(SqlStore(settings.database)) as store:
        store.check()
        reader = Reader(
            store=store,
            archive=LookFiles(settings.products),
            elevation=partial(kept_terrain, StaticFiles(settings.products, read_only=True)),
            watching=watching(settings),
            excepted=load_excepted(task.excepted) if task.excepted else (),
            progress=progress,
        )
        history = reader.read(_regions(task))
    if not history.exposure:
        raise learning(history)
    return history


def _regions(task: Task) -> Sequence[Region]:
    known = {one.id: one for one in task.settings.region_records()}
    for name in task.regions:
        if name not in known:
            raise Refused("there is no such region", item=name, remedy=f"Configured are: {', '.join(known) or 'none'}.")
    return [known[name] for name in task.regions or known]


def watching(settings: Settings) -> Mapping[Sensor, Sequence[Detector]]:
    """Who may open events on the looks of a sensor."""
    networks = {Sensor.OPTICAL: True, Sensor.SAR: settings.radar_model is not None}
    plain = {Sensor.OPTICAL: Detector.BASELINE, Sensor.SAR: Detector.RADAR}
    allowed = settings.alerts.detectors
    return {
        sensor: [
            *([plain[sensor]] if plain[sensor] in allowed else []),
            *([Detector.NETWORK] if networks[sensor] and Detector.NETWORK in allowed else []),
        ]
        for sensor in Sensor
    }


def _source(history: QuietHistory) -> str:
    names = ", ".join(one.region for one in history.regions)
    times = [time for one in history.regions for time in (one.first, one.last) if time is not None]
    made_up = " (simulated)" if history.simulated else ""
    return f"own history of {names}, {min(times):%Y-%m-%d} to {max(times):%Y-%m-%d}{made_up}"


def _painted(task: Task, history: QuietHistory, progress: Progress) -> Painted:
    """Painted scars of every sensor in the region that saw most, with rates by the null that was just written."""
    from monitor.drill_wiring import build_drill  # networks take seconds to import

    region = max(history.regions, key=lambda one: max(one.km2_years.values(), default=0.0)).region
    tiers = task.settings.tiers.model_copy(update={"null_rates": (task.out / NULL).absolute()})
    settings = task.settings.model_copy(update={"tiers": tiers})
    found: dict[Sensor, Sequence[ScarReport]] = {}
    try:
        with closing(build_drill(settings, progress)) as drill:
            for sensor in (one for one, detectors in watching(settings).items() if detectors):
                request = DrillRequest(region=region, sizes_ha=(), sensor=sensor, seed=task.seed)
                try:
                    sizes_ha = SIZES_HA[sensor]
                    found[sensor] = implant_strengths(drill, request, sizes_ha, task.implants, _now)
                except Refused as err:
                    tell(f"no scars painted into {sensor.value} pixels: {err}")
    except ScarpwatchError as err:
        tell(f"detection of painted scars is left out: {err}")
    return found


def _now() -> datetime:
    return datetime.now(UTC)


def _named(path: Path, folder: Path) -> str:
    """As a configuration in a folder names a file."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _write(path: Path, text: str) -> None:
    write_atomic(path, text.encode())
