"""Command line of training: python -m training fit | export | evaluate."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import torch
import typer

from monitor.adapters.model_store import load_card
from training.augment import DEFAULT, MILD
from training.batches import Sources
from training.data import (
    PATCH_FILE,
    data_folder,
    ids_within,
    load_patches,
    parse_id_ranges,
    sha256_of,
    split_ids,
)
from training.loop import CHECKPOINT, EpochReport, Schedule, fit, read_checkpoint
from training.negatives import load_negatives, no_negatives
from training.release import release
from training.run_file import describe_run
from training.scoring import evaluate, open_session

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of real data; default SCARPWATCH_DATA.")]


@app.callback()
def _commands() -> None:
    """Train, score and export the networks of the service."""


@app.command("fit")
def fit_command(
    run: Annotated[Path, typer.Argument(help="Folder of the run: log and checkpoints.")],
    data: DataOption = None,
    exclude_ids: Annotated[str, typer.Option(help="Ids left out, such as 2200-2620.")] = "",
    epochs: Annotated[int, typer.Option(min=1)] = 30,
    batch_size: Annotated[int, typer.Option(min=1)] = 16,
    learning_rate: Annotated[float, typer.Option(min=0)] = 2e-3,
    seed: int = 1,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    max_patches: Annotated[int, typer.Option(help="Only the first so many; for trials.")] = 0,
    start_from: Annotated[Path | None, typer.Option(help="Run whose weights to begin with.")] = None,
    mild: Annotated[bool, typer.Option("--mild", help="Weaker variation of the patches.")] = False,
    negatives: Annotated[bool, typer.Option(help="Add the landslide-free chips.")] = True,
) -> None:
    """Train ResUNet++ on the labelled patches; a run that was interrupted continues."""
    torch.set_num_threads(threads)
    folder = data_folder(data)
    patches = load_patches(folder / PATCH_FILE)
    excluded = parse_id_ranges(exclude_ids)
    split = split_ids(patches, excluded)
    train = sorted(split.train)[: max_patches or None]
    quiet = load_negatives(folder) if negatives else no_negatives()
    sources = Sources(patches=patches.take(train), negatives=quiet)
    schedule = Schedule(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed)
    variation = MILD if mild else DEFAULT
    run.mkdir(parents=True, exist_ok=True)
    facts = {
        "exclude_ids": [list(block) for block in excluded],
        "patches_train": len(train),
        "patches_threshold": len(split.threshold),
        "patches_validation": len(split.validation),
        "negatives": len(sources.negatives),
        "negatives_share": sources.negatives_share,
        "npz_sha256": sha256_of(folder / PATCH_FILE),
        "schedule": asdict(schedule),
        "variation": asdict(variation),
        "started_from": _described(start_from) if start_from else None,
    }
    done = int(read_checkpoint(run)["epoch"]) if (run / CHECKPOINT).exists() else 0
    typer.echo(json.dumps(describe_run(run, facts, epochs, done)))
    held_out = patches.take(split.threshold)
    fit(sources, held_out, schedule, run, _print_epoch, time.monotonic, start_from, variation)


@app.command("export")
def export_command(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
    model: Annotated[Path, typer.Argument(help="Model folder to write, such as models/scar-rgb.")],
    data: DataOption = None,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Write the run's averaged weights and their card; also works while the run goes on."""
    torch.set_num_threads(threads)
    patches = load_patches(data_folder(data) / PATCH_FILE)
    card = release(run, model, patches, threads, datetime.now(UTC))
    properties = card["properties"]
    scored = properties["scarpwatch:metrics"]
    typer.echo(f"wrote {model}: {properties['scarpwatch:version']}")
    typer.echo(f"torch and ONNX Runtime differ by at most {scored['onnx_parity_max_abs']:.1e}")
    typer.echo(f"threshold {properties['scarpwatch:threshold']}, chosen on the threshold blocks")
    typer.echo(f"validation: {json.dumps(scored['validation'])}")


@app.command("evaluate")
def evaluate_command(
    model: Annotated[Path, typer.Argument(help="Model folder.")],
    data: Annotated[Path, typer.Option("--data", help="Patches: npz with ids, rgb, mask.")],
    ids: Annotated[str, typer.Option(help="Only these, such as 300-489,1700-1849.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Score the exported weights: ONNX Runtime, mean of the card's flips, each patch whole."""
    card = load_card(model)
    patches = load_patches(data)
    blocks = parse_id_ranges(ids)
    chosen = patches.take(ids_within(patches.ids, blocks)) if blocks else patches
    if not len(chosen.ids):
        typer.echo(f"{data} has no patch with an id in {ids!r}", err=True)
        raise typer.Exit(2)
    found = evaluate(open_session(Path(card.weights), threads), chosen, card.flips)
    summary = {"model": card.version, **found.summary(card.threshold)}
    if as_json:
        typer.echo(json.dumps(summary))
        return
    for key, value in summary.items():
        typer.echo(f"{key}: {value}")


def _described(run: Path) -> str:
    return f"{run.name} after {read_checkpoint(run)['epoch']} epochs"


def _print_epoch(line: EpochReport) -> None:
    typer.echo(
        f"epoch {line.epoch}/{line.epochs}  loss {line.loss:.4f}  {line.seconds:.0f} s  "
        f"threshold blocks: best F1 {line.f1_best:.3f}  PR-AUC {line.pr_auc:.3f}"
    )


if __name__ == "__main__":
    app()
