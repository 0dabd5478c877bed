"""python -m training evaluate: the scores of one model folder on any labelled chips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from monitor.adapters.model_store import load_card
from monitor.errors import ConfigError, InputFault, ScarpwatchError
from training.fit_commands import failed
from training.material import open_chips
from training.samples import LANDSLIDE, UNLABELLED, Samples
from training.scoring import evaluation, onnx_predictor, require_single_date
from training.splits import ids_within, parse_id_ranges


def evaluate_command(
    model: Annotated[Path, typer.Argument(help="Model folder.")],
    data: Annotated[Path, typer.Option("--data", help="Patches (npz), or a folder of HDF5 files or GeoTIFF chips.")],
    ids: Annotated[str, typer.Option(help="Only these, such as 300-489,1700-1849.")] = "",
    bands: Annotated[str, typer.Option(help="Bands of chips whose files name none, such as B04,B03,B02,B08.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Score the exported weights on labelled chips: ONNX Runtime, mean of the card's flips, each chip whole."""
    try:
        card = load_card(model)
        require_single_date(card)
        there = tuple(name.strip() for name in bands.split(",") if name.strip())
        chosen = _chosen(open_chips(data, card.bands, there), ids, data)
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
    _require_truth(chosen, data)
    return chosen


def _require_truth(samples: Samples, data: Path) -> None:
    """Raise InputFault where every score would be 0 whatever a model says."""
    if (samples.labels == LANDSLIDE).any():
        return
    labelled = bool((samples.labels != UNLABELLED).any())
    raise InputFault(
        "no pixel of the chips is labelled" if not labelled else "no labelled pixel of the chips is a landslide",
        item=str(data),
        remedy="Score chips with landslides; for false alarms on ground without one see python -m training report.",
        reason="nothing-to-find",
    )
