"""`scarpwatch rollback` and `scarpwatch reprocess`: take back what acquisitions said, or look at them again."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.acting import ByOption, who
from monitor.cli.backfilling import RegionArgument
from monitor.cli.exits import Exit
from monitor.cli.parts import ConfigOption, Parts, acting_store, chosen_regions, say, settings_of
from monitor.core.estimates import about
from monitor.core.grid import region_tiles
from monitor.core.lifecycle import ROLLED_BACK
from monitor.records import AcquisitionState, Action, ActionKind, Region

if TYPE_CHECKING:
    from monitor.adapters.store import Chosen, RolledBack, SqlStore

_ALL = 1_000_000

SinceOption = Annotated[
    datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="Those sensed from this day on, UTC.")
]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="Those looked at through this version of a model (`scarpwatch models`).")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def rollback(
    context: typer.Context,
    region: RegionArgument,
    text: Annotated[str, typer.Option("--text", "-t", help="Why; it goes to everybody who heard of these alerts.")],
    since: SinceOption = None,
    acquisition: Annotated[
        str | None, typer.Option("--acquisition", help="This one, as `scarpwatch alerts show` names it.")
    ] = None,
    model: ModelOption = None,
    by: ByOption = None,
    requeue: Annotated[bool, typer.Option("--requeue", help="Process them again, do not set them aside.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Take back what acquisitions said: alerts that rest on them are cancelled, and references made without them.

    Asks first, with numbers. Evidence stays in the record, marked as taken back.
    """
    if since is None and acquisition is None and model is None:
        words = "say what to take back, such as --since 2026-01-31; or --acquisition ID, or --model VERSION"
        raise typer.BadParameter(words, param_hint="--since, --acquisition or --model")
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    (watched,) = chosen_regions(settings, region)
    now = parts.clock()
    chosen = chosen_of(watched, since, acquisition, model)
    action = Action(at=now, by=who(by), kind=ActionKind.ROLL_BACK, text=text)
    again_from = watched.history_before(now) if requeue else None
    with acting_store(settings, now) as store:
        planned = store.roll_back(chosen, action, now, again_from, dry_run=True)
        if not planned.acquisitions and not planned.ended and not planned.changed:
            say(f"{region}: nothing of this was processed, or all of it has been taken back.")
            raise typer.Exit(Exit.FAILED)
        say("\n".join(_lines(region, planned, requeue)))
        if dry_run:
            return
        if not yes:
            typer.confirm("Take this back?", abort=True)
        done = store.roll_back(chosen, action, now, again_from)
    say(f"{region}: done; {done.told} message(s) to be delivered." + (" Next: scarpwatch once" if requeue else ""))


def reprocess(
    context: typer.Context,
    region: RegionArgument,
    since: SinceOption = None,
    model: ModelOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Queue acquisitions that are done to be processed again, as after a defect was mended or the model was changed.

    What they showed counts until they are done again. What is history by now raises no alert; what alerts were told
    stays as it is (`scarpwatch rollback` takes it back). Asks first, with numbers.
    """
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    (watched,) = chosen_regions(settings, region)
    now = parts.clock()
    chosen = chosen_of(watched, since, None, model)
    again_from = watched.history_before(now)
    with acting_store(settings, now) as store:
        planned = store.reprocess(chosen, now, again_from, dry_run=True)
        if not planned:
            say(f"{region}: nothing of this is done.{_rolled_back(store, region, chosen)}")
            raise typer.Exit(Exit.FAILED)
        pace, judged = store.pace(region), store.judged_again(chosen, again_from)
        time = "; how long it takes is not known yet" if pace is None else f", {about(pace * len(planned))}"
        say(f"{region}: {len(planned)} acquisition(s) would be processed again{time}")
        say(f"At most {judged} of them would be judged and may raise alerts; the others feed references only.")
        if dry_run:
            return
        if not yes:
            typer.confirm("Process these again?", abort=True)
        queued = store.reprocess(chosen, now, again_from)
    say(f"{region}: {len(queued)} acquisition(s) wait to be processed again: scarpwatch once, or the service")


def chosen_of(region: Region, since: datetime | None, acquisition: str | None, model: str | None) -> "Chosen":
    """What the options name, in a region."""
    from monitor.adapters.store import Chosen

    return Chosen(
        region=region.id,
        tiles=tuple(region_tiles(region.geometry)),
        since=None if since is None else since.replace(tzinfo=UTC),
        acquisition=acquisition,
        model=model,
    )


def _rolled_back(store: "SqlStore", region: str, chosen: "Chosen") -> str:
    """What helps where what is meant was taken back. Which model it was is known no more of what is parked."""
    kept = [
        entry.acquisition.id
        for entry in store.ledger(region, _ALL)
        if (entry.state, entry.reason) == (AcquisitionState.PARKED, ROLLED_BACK)
        and (chosen.since is None or entry.acquisition.sensing_time >= chosen.since)
    ]
    if not kept or chosen.model is not None:
        return ""
    how = "to take it up" if len(kept) == 1 else "to take one up (`scarpwatch status` lists them all)"
    return f" {len(kept)} acquisition(s) were rolled back; {how}: scarpwatch release {region} {kept[-1]}"


def _lines(region: str, planned: "RolledBack", requeue: bool) -> list[str]:
    then = "processed again" if requeue else "set aside (parked: rolled-back)"
    lines = [
        f"{region}: {len(planned.acquisitions)} acquisition(s) would be {then}; their {planned.looks} look(s) at tiles "
        "feed references no more",
        f"  {len(planned.ended)} event(s) end, {len(planned.changed)} go on without this evidence; "
        f"{planned.told} message(s) to those who had heard of them",
    ]
    if planned.kept:
        lines.append(f"  {len(planned.kept)} stay: a person has seen them: {', '.join(planned.kept)}")
    return lines
