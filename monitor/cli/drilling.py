"""`scarpwatch drill`: an exercise, and what it showed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.drill_text import drill_lines, scar_table, stage_table
from monitor.cli.exits import Exit
from monitor.cli.parts import ConfigOption, JsonOption, Parts, chosen_regions, out, say, say_json, working_settings
from monitor.cli.working import progress_bar
from monitor.core.paint import FRESH, LARGEST_HA
from monitor.core.radar_implants import Contrast
from monitor.drill.report import DrillReport, DrillRequest
from monitor.errors import Refused
from monitor.records import Sensor

_SMALLEST_HA = 0.05


def drill(
    context: typer.Context,
    region: Annotated[str, typer.Argument(help="Region of the configuration.")],
    ha: Annotated[float, typer.Option("--ha", min=_SMALLEST_HA, max=LARGEST_HA, help="Hectares of each scar.")] = 0.5,
    count: Annotated[int, typer.Option("--count", min=1, max=50, help="How many scars.")] = 3,
    sensor: Annotated[
        str | None, typer.Option("--sensor", help="optical or radar; default: what made the newest acquisition.")
    ] = None,
    decibels: Annotated[
        tuple[float, float],
        typer.Option("--decibels", help="Radar: what a scar does to the co- and to the cross-polarised echo."),
    ] = (FRESH.decibels[0], FRESH.decibels[1]),
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="The same seed chooses the same places.")] = None,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Tell the channels that take exercises, and then, that it is over.")
    ] = False,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Empty folder for its database, products and pictures.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """An exercise: paint scars into the newest pixels and follow them through the real chain to every channel.

    Its alerts are of status Exercise. The real history is read and never written. Exit code 1 when a scar on
    observed ground was missed, or a channel not reached.
    """
    from monitor.drill_wiring import build_drill  # rasters and networks take seconds to import

    parts = context.ensure_object(Parts)
    settings = working_settings(config, dict(os.environ))
    chosen_regions(settings, region)
    request = DrillRequest(
        region=region,
        sizes_ha=(ha,) * count,
        sensor=_sensor(sensor),
        seed=int(parts.clock().timestamp()) if seed is None else seed,
        contrast=Contrast(decibels=decibels),
    )
    with (
        _folder(keep) as folder,
        progress_bar() as progress,
        closing(build_drill(settings, progress)) as exercise,
    ):
        report = exercise.run(request, folder, parts.clock, deliver)
    if as_json:
        say_json(_plain(report, request, keep))
    else:
        _tell(report, request, keep)
    raise typer.Exit(Exit.OK if report.passed else Exit.FAILED)


def _sensor(name: str | None) -> Sensor | None:
    known = {"optical": Sensor.OPTICAL, "radar": Sensor.SAR, "sar": Sensor.SAR}
    if name is not None and name not in known:
        raise typer.BadParameter(f"{name!r} is neither optical nor radar", param_hint="--sensor")
    return None if name is None else known[name]


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Where the exercise writes: a folder that is kept, or one that is removed."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="scarpwatch-drill-") as name:
            yield Path(name)
        return
    keep = keep.absolute()
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise Refused(
            "it is there already and not empty",
            item=str(keep),
            remedy="Name a folder that is not there yet, or an empty one.",
            reason="folder-not-empty",
        )
    keep.mkdir(parents=True, exist_ok=True)
    yield keep


def _plain(report: DrillReport, request: DrillRequest, keep: Path | None) -> dict[str, object]:
    """The report in JSON types."""
    document: dict[str, object] = asdict(report) | {
        "sensing_time": report.sensing_time.isoformat(),
        "seconds": {stage: round(seconds, 3) for stage, seconds in report.seconds.items()},
        "elapsed_s": round(report.elapsed_s, 3),
        "kept": None if keep is None else str(keep.absolute()),
        "seed": request.seed,
        "passed": report.passed,
    }
    return document


def _tell(report: DrillReport, request: DrillRequest, keep: Path | None) -> None:
    head, tail = drill_lines(report, request, keep)
    console = out()
    say(head + "\n")
    console.print(scar_table(report))
    say("")
    console.print(stage_table(report))
    say("\n" + "\n".join(tail))
