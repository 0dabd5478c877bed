"""`python -m training simulate`: write a set like Landslide4Sense, all 14 bands, from simulated valleys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from monitor.adapters.landslide4sense import BANDS
from monitor.errors import ConfigError, ScarpwatchError
from training.datasets.landslide4sense import write_landslide4sense
from training.datasets.manifest import MANIFEST_FILE, LabelCounts, Manifest, hashes, label_counts, write_manifest
from training.simulated.patches import IDS_PER_VALLEY, PATCHES_PER_VALLEY, simulate_valley

LICENCE: Final = "Apache-2.0"


def simulate_command(
    out: Annotated[Path, typer.Argument(help="Folder to write: img/, mask/ and manifest.json.")],
    patches: Annotated[int, typer.Option(min=1, help="How many; nine to a valley, 1.9 MB each.")] = 600,
    seed: Annotated[int, typer.Option(help="The same seed gives the same values.")] = 1,
) -> None:
    """Write simulated patches in the published layout; ids of a valley lie together, 100 apart from the next."""
    try:
        manifest = simulate(out, patches, seed)
    except ScarpwatchError as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(1) from err
    counts = manifest.labels
    share = counts.landslide / (counts.landslide + counts.stable)
    typer.echo(f"{manifest.chips} simulated patches in {out}, {share:.1%} of their ground landslides")
    typer.echo("A network trained on them is simulated: say so in its experiment (simulated: true).")


def simulate(out: Path, patches: int, seed: int) -> Manifest:
    """Write the set, valley by valley, and its manifest at the end.

    Raises:
        ConfigError: there is a set in the folder already.
    """
    if any(out.glob("*")):
        raise ConfigError("it is not empty", item=str(out), remedy="Name a new folder, or remove this one first.")
    valleys = -(-patches // PATCHES_PER_VALLEY)
    counts = LabelCounts(unlabelled=0, stable=0, landslide=0)
    for valley in range(1, valleys + 1):
        left = patches - (valley - 1) * PATCHES_PER_VALLEY
        first = IDS_PER_VALLEY * valley
        samples = simulate_valley(seed, valley).take(range(first, first + left))
        write_landslide4sense(samples, out)
        counts += label_counts(samples.labels)
        typer.echo(f"valley {valley}/{valleys}", err=True)
    manifest = Manifest(
        name="simulated-valleys",
        source=f"SIMULATED: {valleys} valleys of the sandbox, seed {seed}, in the layout of Landslide4Sense",
        licence=LICENCE,
        bands=BANDS,
        chips=patches,
        labels=counts,
        files=hashes(out, out.rglob("*.h5")),
        simulated=True,
    )
    write_manifest(manifest, out / MANIFEST_FILE)
    return manifest
