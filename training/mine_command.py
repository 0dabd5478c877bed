"""`python -m training mine`: on which quiet ground is a model wrong, for the next training to draw it more often."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from monitor.errors import ScarpwatchError
from training.datasets.folder import data_folder
from training.datasets.hard_negatives import HardNegatives, quiet_digest, write_hard_negatives
from training.datasets.quiet import CHIP_PX, SOURCES, load_quiet
from training.fit_commands import DataOption, ThreadsOption, failed
from training.judging import answers, shipped
from training.samples import STABLE, Samples


def mine_command(
    model: Annotated[Path, typer.Argument(help="Model folder, such as models/scar-rgb.")],
    out: Annotated[Path, typer.Argument(help="File to write, for data.hard_negatives of an experiment.")],
    quiet: Annotated[
        list[str] | None,
        typer.Option(help=f"As data.quiet: {', '.join(SOURCES)}, or a folder of cut chips. Default: all named here."),
    ] = None,
    chip_px: Annotated[int, typer.Option(min=32, help="Side of the labelled chips: 128, cut chips 256.")] = CHIP_PX,
    data: DataOption = None,
    threads: ThreadsOption = 2,
) -> None:
    """Find the quiet ground a model takes for landslides; name the file and the same ground in an experiment."""
    try:
        contender = shipped(model, threads)
        chips = load_quiet(data_folder(data), quiet or (), contender.card.bands, chip_px)
        false = _false_ha(chips, answers(contender, chips).probability, contender.card.threshold)
        found = HardNegatives(
            model=contender.card.version,
            threshold=contender.card.threshold,
            chips_sha256=quiet_digest(chips),
            false_ha=tuple(false.tolist()),
        )
        write_hard_negatives(found, out)
    except ScarpwatchError as err:
        raise failed(err) from err
    for place in dict.fromkeys(chips.groups.tolist()):
        here = false[chips.groups == place]
        typer.echo(f"{place:<20} {len(here):>5} chips  {np.count_nonzero(here):>5} hard  {here.sum():8.1f} ha false")
    typer.echo(f"wrote {out}")


def _false_ha(chips: Samples, probability: NDArray[np.float32], threshold: float) -> NDArray[np.float64]:
    """(N,) stable ground at or above the threshold."""
    lit = (np.nan_to_num(probability) >= threshold) & (chips.labels == STABLE)
    false: NDArray[np.float64] = lit.sum(axis=(1, 2)) * chips.resolution_m**2 / 1e4
    return false
