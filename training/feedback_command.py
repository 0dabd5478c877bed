"""`python -m training chips --from-feedback`: chips of what people said of the alerts of a watch."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import typer

from monitor.adapters.looks import LookFiles
from monitor.adapters.store import SqlStore
from monitor.cli.exits import Exit
from monitor.config import load
from monitor.errors import ConfigError
from training.datasets.feedback import judgements, write_feedback


def feedback_chips(folder: Path, config: Path | None, licence: str) -> None:
    """Write the chips of a watch; run again for what people have said since.

    Raises:
        ConfigError: no configuration, or a wrong one.
        StoreBusy, AssetUnavailable: the database or a kept look cannot be read now.
        DiskFull
    """
    if config is None:
        raise ConfigError(
            "the watch whose alerts were judged is not named", item="--config", remedy="Add --config config.yaml."
        )
    settings = load(config)
    with closing(SqlStore(settings.database)) as store:
        store.check()
        found, left_out = judgements(store)
        outcomes = []
        for one in write_feedback(folder, found, store, LookFiles(settings.products), licence):
            typer.echo(f"{one.tile.id} {one.reason}: {one.detail}", err=True)
            outcomes.append(one)
    for event, why in left_out.items():
        typer.echo(f"{event} {why}", err=True)
    slid = sum(not one.reason for one in found)
    reasons = [one.reason for one in outcomes]
    counts = ", ".join(f"{reasons.count(reason)} {reason}" for reason in sorted(set(reasons))) or "no chip"
    typer.echo(f"{len(found)} judged events ({slid} landslides, {len(found) - slid} none): {counts} in {folder}")
    if not found:
        typer.echo("Nobody has confirmed or dismissed an alert yet: scarpwatch alerts confirm | dismiss.", err=True)
    if any(one.failed for one in outcomes):
        raise typer.Exit(Exit.FAILED)
