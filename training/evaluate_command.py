"""python -m training evaluate: the scores of one model folder on labelled patches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from monitor.adapters.model_store import load_card
from monitor.errors import ConfigError, ScarpwatchError
from training.datasets.rgb_patches import load_rgb_patches
from training.fit_commands import failed
from training.samples import Samples
from training.scoring import evaluation, onnx_predictor
from training.splits import ids_within, parse_id_ranges


def evaluate_command(
    model: Annotated[Path, typer.Argument(help="Model folder.")],
    data: Annotated[Path, typer.Option("--data", help="Patches: npz with ids, rgb, mask.")],
    ids: Annotated[str, typer.Option(help="Only these, such as 300-489,1700-1849.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Score the exported weights: ONNX Runtime, mean of the card's flips, each patch whole."""
    try:
        card = load_card(model)
        chosen = _chosen(load_rgb_patches(data), ids, data)
        found = evaluation(chosen, onnx_predictor(card, threads)(chosen))
    except ScarpwatchError as err:
        raise failed(err) from err
    summary = {"model": card.version, **found.summary(card.threshold)}
    if as_json:
        typer.echo(json.dumps(summary))
        return
    for key, value in summary.items():
        typer.echo(f"{key}: {value}")


def _chosen(patches: Samples, ids: str, data: Path) -> Samples:
    blocks = parse_id_ranges(ids)
    chosen = patches.take(ids_within(patches.ids, blocks)) if blocks else patches
    if not len(chosen):
        raise ConfigError(f"no patch has an id in {ids!r}", item=str(data), remedy="Name ids that the file holds.")
    return chosen
