"""`python -m training predict`: HDF5 patches or GeoTIFF chips through a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from monitor.adapters.model_store import load_card
from monitor.cli.exits import Exit, exit_code
from monitor.errors import ScarpwatchError
from training.predict import Predictor, read_chip, require_room, resolution_note, write_found


def predict_command(
    model: Annotated[Path, typer.Argument(help="Model folder, such as models/scar-rgb.")],
    files: Annotated[list[Path], typer.Argument(help="Landslide4Sense patches (.h5) or GeoTIFF chips.")],
    out: Annotated[Path, typer.Option(help="Folder to write: NAME.npy, NAME.png and, with georeference, NAME.tif.")],
    bands: Annotated[str, typer.Option(help="Bands of GeoTIFFs that name none, in order: B04,B03,B02.")] = "",
    threads: Annotated[int, typer.Option(min=1, help="Threads on the CPU.")] = 2,
) -> None:
    """Probability and spread of every file; one that cannot be read is named and the rest goes on (exit code 1)."""
    try:
        require_room(files, out)
        card = load_card(model)
    except ScarpwatchError as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(exit_code(err)) from err
    simulated = ", trained on SIMULATED data" if card.simulated else ""
    typer.echo(f"{card.version}{simulated}; threshold {card.threshold:.2f}, bands {', '.join(card.bands)}")
    wide = max(len(path.stem) for path in files)
    typer.echo(f"{'file':<{wide}}  {'above':>6}  {'area':>9}  {'highest':>7}  {'spread':>6}")
    names = tuple(name for name in bands.split(",") if name)
    predictor = Predictor(card, threads)
    failed = 0
    for path in files:
        try:
            chip = read_chip(path, card, names)
            found = predictor.find(chip)
            write_found(chip, found, card, out)
        except ScarpwatchError as err:
            typer.echo(str(err), err=True)
            failed += 1
            continue
        if note := resolution_note(chip, card):
            typer.echo(note, err=True)
        spread, highest = float(np.nanmean(found.spread)), float(np.nanmax(found.probability))
        typer.echo(
            f"{chip.name:<{wide}}  {found.share:>6.1%}  {found.area_ha:>6.1f} ha  {highest:>7.2f}  {spread:>6.3f}"
        )
    if failed:
        typer.echo(f"{failed} of {len(files)} files failed", err=True)
        raise typer.Exit(Exit.FAILED)
