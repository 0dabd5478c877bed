"""`python -m training simulate-valleys`: chips of simulated valleys for the fused models, optical and radar."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from monitor.errors import ConfigError, ScarpwatchError
from monitor.sandbox.story import STORM_UNDER_CLOUD, VALLEY_VERSION, Story
from monitor.sandbox.valley import build_valley
from training.datasets.manifest import MANIFEST_FILE, LabelCounts, Manifest, hashes, write_manifest
from training.simulated.reading import BANDS, FURTHER, GROUND
from training.simulated.valley_files import CHIP_PX, FURTHER_BANDS, file_of, open_valley, valley_files, write_valley
from training.splits import parse_id_ranges

LICENCE: Final = "Apache-2.0"
QUIET: Final = 7
"""Optical looks before the storm: long enough for six radar passes of each track."""
AFTER: Final = 4
"""Optical looks after it, of which the first sees cloud alone: long enough for three radar passes of each track."""
TRAPPED: Final = replace(STORM_UNDER_CLOUD, clearcut=True, snow=True)
"""The demonstration's story with two more causes of change that is no landslide."""


def simulate_valleys_command(
    out: Annotated[Path, typer.Argument(help="Folder to write: one file per valley, and manifest.json.")],
    seeds: Annotated[str, typer.Option(help="Valleys, by seed, such as 1-24.")] = "1-24",
    size_px: Annotated[int, typer.Option(min=CHIP_PX, help="Side of a valley in pixels of 10 m.")] = 512,
    traps: Annotated[bool, typer.Option(help="Fell forest and let it snow too.")] = True,
    bands: Annotated[str, typer.Option(help="Bands beside red, green and blue, such as B08,B11,B12.")] = "",
) -> None:
    """Simulate valleys and cut them into chips, through the service's own reading; goes on where it was stopped."""
    try:
        wanted = [seed for low, high in parse_id_ranges(seeds) for seed in range(low, high + 1)]
        order = order_of(size_px, traps, further=parse_bands(bands))
        for place, seed in enumerate(wanted, start=1):
            told = make_valley(out, seed, order)
            typer.echo(f"valley {seed} ({place}/{len(wanted)}): {told}", err=True)
        manifest = describe_valleys(out)
    except ScarpwatchError as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(1) from err
    typer.echo(f"{manifest.chips} simulated chips of {len(manifest.files)} valleys in {out}")
    typer.echo("Networks trained on them are simulated, and so are their alerts: status Test.")


def parse_bands(text: str) -> tuple[str, ...]:
    """Further bands out of a list with commas, each once, in the order of their wavelengths.

    Raises:
        ConfigError: one that no valley has beside red, green and blue.
    """
    named = {name.strip() for name in text.split(",") if name.strip()}
    if unknown := sorted(named - set(FURTHER)):
        raise ConfigError(
            f"{', '.join(unknown)} cannot be added to the bands of a valley",
            item="--bands",
            remedy=f"Choose among {', '.join(FURTHER)}; red, green and blue are always there.",
            reason="unknown-band",
        )
    return tuple(band for band in FURTHER if band in named)


def order_of(
    size_px: int, traps: bool = True, quiet: int = QUIET, after: int = AFTER, further: Sequence[str] = ()
) -> dict[str, Any]:
    """Everything but the seed that decides what a valley looks like, and which further bands are kept of it."""
    story = replace(TRAPPED if traps else STORM_UNDER_CLOUD, ten_bands=bool(further))
    return {
        "valley_version": VALLEY_VERSION,
        "story": asdict(story),
        "size_px": size_px,
        "quiet": quiet,
        "after": after,
        "chip_px": CHIP_PX,
        FURTHER_BANDS: list(further),
    }


def make_valley(out: Path, seed: int, order: Mapping[str, Any], report: Callable[[str], None] = lambda _: None) -> str:
    """Simulate one valley and cut its chips, unless they are there; says what was done.

    Raises:
        ConfigError: the folder holds this valley of another order.
    """
    path = file_of(out, seed)
    if path.exists():
        if _whole(open_valley(path).order) != _whole(order):
            raise ConfigError(
                "it was made to another order (size, story, bands or version of the simulation)",
                item=str(path),
                remedy="Name a new folder, or remove this one first.",
                reason="other-order",
            )
        return "kept"
    scratch = out / f"valley-{seed:05d}.scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        valley = build_valley(
            scratch,
            seed=seed,
            size_px=order["size_px"],
            quiet=order["quiet"],
            after=order["after"],
            story=Story(**order["story"]),
            report=report,
        )
        count = write_valley(path, valley, order)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return f"{count} chips of ground, {len(valley.times)} optical looks, {len(valley.passes)} radar passes"


def _whole(order: Mapping[str, Any]) -> dict[str, Any]:
    """An order with what one of old leaves unsaid: it had no further bands."""
    return {FURTHER_BANDS: [], **order, "story": asdict(Story(**order["story"]))}


def describe_valleys(out: Path) -> Manifest:
    """Write the manifest of all valleys in a folder; labels are counted once, as after the storm."""
    files = valley_files(out)
    landslide, stable, chips = 0, 0, 0
    for one in files:
        scars = one.mask("scars")
        landslide, stable = landslide + int(scars.sum()), stable + int(np.count_nonzero(~scars))
        chips += len(scars)
    manifest = Manifest(
        name=out.name,
        source=f"SIMULATED: {len(files)} valleys of the sandbox, each with a storm, read as the service reads",
        licence=LICENCE,
        bands=(*(band for sensor in BANDS for band in files[0].bands(sensor)), *GROUND),
        chips=chips,
        labels=LabelCounts(unlabelled=0, stable=stable, landslide=landslide),
        files=hashes(out, (one.path for one in files)),
        simulated=True,
        made_of={**files[0].order, "seeds": [one.seed for one in files]},
    )
    write_manifest(manifest, out / MANIFEST_FILE)
    return manifest
