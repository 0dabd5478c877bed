"""`scarpwatch models try`: what would have differed, had another model looked."""

import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.exits import Exit
from monitor.cli.parts import ConfigOption, JsonOption, Parts, chosen_regions, say, say_json, working_settings
from monitor.cli.working import progress_bar
from monitor.trial import TrialReport, Tried, try_model


def try_(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="NAME", help="Of its folder, as `scarpwatch models` lists it.")],
    region: Annotated[str, typer.Option("--region", "-r", help="Whose looks it is tried on.")],
    looks: Annotated[int, typer.Option("--looks", min=1, max=100, help="How many, the newest.")] = 3,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a model over the last looks of a region beside the real history, and say what would have differed.

    Pixels are read anew from the catalogs. The real history is read and never written. Exit code 1 when it missed an
    alert, or a look could not be read.
    """
    from monitor.trial_wiring import trial_bench  # rasters and networks take seconds to import

    parts = context.ensure_object(Parts)
    settings = working_settings(config, dict(os.environ))
    (watched,) = chosen_regions(settings, region, "--region")
    with (
        tempfile.TemporaryDirectory(prefix="scarpwatch-trial-") as folder,
        progress_bar() as progress,
        trial_bench(settings, model, progress) as bench,
    ):
        report = try_model(bench, watched, looks, Path(folder), parts.clock)
    if as_json:
        say_json(_plain(report))
    else:
        say("\n".join(_lines(report, model, settings.model, settings.radar_model)))
    failed = report.missed or any(one.failed for one in report.tried)
    raise typer.Exit(Exit.FAILED if failed else Exit.OK)


def _plain(report: TrialReport) -> dict[str, object]:
    tried = [asdict(one) | {"sensing_time": one.sensing_time.isoformat()} for one in report.tried]
    return asdict(report) | {"tried": tried, "shift": report.shift}


def _lines(report: TrialReport, model: str, optical: str, radar: str | None) -> list[str]:
    in_use = {"optical": optical, "sar": radar or "no network"}[report.sensor.value]
    compared = [one for one in report.tried if one.compared]
    lines = [f"{model} ({report.version}) on the last {len(compared)} look(s) of {report.region}, beside {in_use}"]
    lines += [f"  {_look(one)}" for one in report.tried]
    if report.shift is not None:
        lines.append(f"Mean hazard probability of the compared looks: {report.shift:+.3f}")
    lines.append(f"Alerts that these looks opened: {len(report.same)} the same, {len(report.missed)} missed")
    lines += [f"  missed: {one}" for one in report.missed]
    lines.append(f"Alerts on ground where there is no event: {len(report.new)}")
    lines += [f"  new: {one}" for one in report.new]
    if not report.network_alerts:
        lines.append(
            "`alerts.detectors` names no network: alerts are the baselines', whichever model looks; what differs is "
            "the probability."
        )
    name = "model" if report.sensor.value == "optical" else "radar_model"
    lines.append(
        f"To use it: {name}: {model} in the configuration, then scarpwatch reprocess {report.region} --since DAY for "
        "its reference (docs/models.md)"
    )
    return lines


def _look(one: Tried) -> str:
    part = "compared" if one.compared else "reference"
    if one.failed:
        return f"{one.sensing_time:%Y-%m-%d %H:%M} {part}: not tried: {one.detail}"
    means = "no tile on which both spoke"
    if one.mean_now is not None and one.mean_tried is not None:
        means = f"mean probability {one.mean_now:.3f} -> {one.mean_tried:.3f} on {one.tiles} tile(s)"
    return f"{one.sensing_time:%Y-%m-%d %H:%M} {part}: {means}; {one.seconds:.1f} s"
