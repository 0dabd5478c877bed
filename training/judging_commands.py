"""Commands that judge: python -m training report | compare | baselines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from monitor.errors import ScarpwatchError
from training.baselines import fit_baselines
from training.compare import as_html, as_rows, as_text
from training.datasets.folder import data_folder
from training.datasets.quiet import load_quiet
from training.datasets.rgb_patches import PATCH_FILE, load_rgb_patches
from training.fit_commands import DataOption, ThreadsOption, failed, tell
from training.judging import Contender, Judgement, Material, judge, plain, shipped
from training.quiet_land import HOKKAIDO
from training.report.page import report_page
from training.splits import require_no_leaks, split_by_blocks
from training.trained_on import TrainedOn, has_iburi_like

ModelArgument = Annotated[Path, typer.Argument(help="Model folder, such as models/scar-rgb.")]
BaselinesOption = Annotated[bool, typer.Option(help="Train and show brightness, random forest and XGBoost too.")]
QuietOption = Annotated[bool, typer.Option(help="Count false alarms on quiet land (a minute per model).")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def report_command(
    model: ModelArgument,
    data: DataOption = None,
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    beside: Annotated[list[Path] | None, typer.Option(help="Another model folder to show beside it.")] = None,
    baselines: BaselinesOption = True,
    quiet: QuietOption = True,
    threads: ThreadsOption = 2,
) -> None:
    """Write one HTML file on how good a model is: figures, tables, pictures of its best and worst."""
    try:
        material = rgb_material(data_folder(data), quiet)
        models = [shipped(folder, threads) for folder in (model, *(beside or []))]
        first, *rivals = _judged(models, material, baselines, threads)
    except ScarpwatchError as err:
        raise failed(err) from err
    _write(out, report_page(first, rivals, material, datetime.now(UTC)))


def compare_command(
    models: Annotated[list[Path], typer.Argument(help="Model folders; the others are measured against the first.")],
    data: DataOption = None,
    out: Annotated[Path | None, typer.Option(help="HTML file to write.")] = None,
    baselines: BaselinesOption = False,
    quiet: QuietOption = True,
    threads: ThreadsOption = 2,
    as_json: JsonOption = False,
) -> None:
    """Score models on the same chips: pixels, scars, calibration, quiet land, paired differences."""
    try:
        material = rgb_material(data_folder(data), quiet)
        judged = _judged([shipped(folder, threads) for folder in models], material, baselines, threads)
    except ScarpwatchError as err:
        raise failed(err) from err
    _show(judged, material, out, as_json)


def baselines_command(
    data: DataOption = None,
    out: Annotated[Path | None, typer.Option(help="HTML file to write.")] = None,
    quiet: QuietOption = True,
    threads: ThreadsOption = 2,
    as_json: JsonOption = False,
) -> None:
    """Train and score what every network must beat: brightness, random forest, XGBoost."""
    try:
        material = rgb_material(data_folder(data), quiet)
        judged = _judged([], material, True, threads)
    except ScarpwatchError as err:
        raise failed(err) from err
    _show(judged, material, out, as_json)


def rgb_material(data: Path, quiet: bool) -> Material:
    """The true-colour patches by their published blocks, the quiet chips and the Hokkaido scenes.

    Raises:
        ScarpwatchError: files are missing or broken, or the split leaks.
    """
    samples = load_rgb_patches(data / PATCH_FILE)
    split = split_by_blocks(samples)
    leakage = require_no_leaks(samples, split)
    return Material(
        name=samples.name,
        split=f"{split.kind}; {len(split.train)} chips to train on",
        leakage=leakage.text(),
        training=samples.take(split.train),
        threshold=samples.take(split.threshold),
        scored=samples.take(split.validation),
        quiet=load_quiet(data) if quiet else None,
        scenes=data if quiet and (data / HOKKAIDO).is_dir() else None,
    )


def _judged(models: Sequence[Contender], material: Material, baselines: bool, threads: int) -> list[Judgement]:
    contenders = list(models)
    if baselines:
        trained = fit_baselines(material.training, threads, progress=tell)
        facts = TrainedOn(iburi_like=has_iburi_like(material.training.ids))
        contenders += [plain(one, material.training.bands, facts) for one in trained]
    return [judge(contender, material, tell) for contender in contenders]


def _show(judged: Sequence[Judgement], material: Material, out: Path | None, as_json: bool) -> None:
    typer.echo(json.dumps(as_rows(judged)) if as_json else as_text(judged, material))
    if out is not None:
        _write(out, as_html(judged, material))


def _write(out: Path, page: str) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    tell(f"wrote {out}")
