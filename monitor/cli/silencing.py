"""Commands about silences: times in which nothing of a region, or of a part of it, reaches the channels."""

import getpass
import os
from datetime import timedelta
from typing import Annotated

import typer

from monitor.cli import tables
from monitor.cli.declaring import given_area
from monitor.cli.exits import Exit
from monitor.cli.parts import (
    ConfigOption,
    JsonOption,
    Parts,
    chosen_regions,
    out,
    reading_store,
    say,
    say_json,
    settings_of,
)
from monitor.cli.times import given_time
from monitor.core.held_words import is_long
from monitor.records import Silence

EVERY = "all"
"""In place of a region."""


def add_to(app: typer.Typer, epilog: str) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Silences: feeds and lists show everything all the same.", no_args_is_help=True)
    group.command("add", epilog=epilog)(add)
    group.command("list", epilog=epilog)(show)
    group.command("end", epilog=epilog)(end)
    app.add_typer(group, name="silence")


def add(
    context: typer.Context,
    region: Annotated[str, typer.Argument(help="The region, or all.")],
    until: Annotated[str, typer.Option("--until", help="When it ends: 2026-07-01, or 2026-07-01T06:00; UTC.")],
    why: Annotated[str, typer.Option("--why", help="For those who find it later.")],
    start: Annotated[str | None, typer.Option("--from", help="When it begins, UTC; left out: now.")] = None,
    polygon: Annotated[
        str | None,
        typer.Option("--polygon", help="Only alerts that touch this: a GeoJSON file, or west,south,east,north."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="Who wants it; left out: the user.", envvar="SCARPWATCH_BY")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Keep alerts from the channels for a time. They are never hidden from feeds and lists.

    When it is over each channel is told once of what it held back and still stands.
    """
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    now = parts.clock()
    begins, ends = now if start is None else given_time(start, "--from"), given_time(until, "--until")
    if ends <= max(begins, now):
        raise typer.BadParameter("the silence is over before it begins", param_hint="--until")
    if region != EVERY:
        chosen_regions(settings, region)
    silence = Silence(
        id=0,
        region=None if region == EVERY else region,
        start=begins,
        until=ends,
        geometry=None if polygon is None else given_area(polygon, "--polygon"),
        why=why,
        by=by or getpass.getuser(),
        at=now,
    )
    with reading_store(settings) as store:
        number = store.add_silence(silence)
    if is_long(silence):
        days = (ends - begins) / timedelta(days=1)
        say(f"! it lasts {days:.0f} days: until then no channel hears of any alert that it covers. Is that meant?")
    say(f"silence {number}: {region} until {ends:%Y-%m-%d %H:%M} UTC; end it: scarpwatch silence end {number}")


def show(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """The silences in force and to come."""
    now = context.ensure_object(Parts).clock()
    with reading_store(settings_of(config, dict(os.environ))) as store:
        found = store.silences(None if every else now)
        held = {one.silence.id: one.messages for one in store.held_back(now)}
    if as_json:
        say_json({"silences": [_json(one) | {"messages_held": held.get(one.id, 0)} for one in found]})
    elif found:
        out().print(tables.silence_table(found, held, now))
    else:
        say("No silence is in force.")


def end(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Its number, as `scarpwatch silence list` shows it.")],
    by: Annotated[
        str | None,
        typer.Option("--by", help="Who ends it, for the answer; not kept. Left out: the user.", envvar="SCARPWATCH_BY"),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """End a silence early."""
    now = context.ensure_object(Parts).clock()
    with reading_store(settings_of(config, dict(os.environ))) as store:
        ended = store.end_silence(number, now)
    told = f"silence {number} is ended by {by or getpass.getuser()}"
    say(told if ended else f"no silence {number} is in force: scarpwatch silence list")
    raise typer.Exit(Exit.OK if ended else Exit.FAILED)


def _json(one: Silence) -> dict[str, object]:
    from monitor.adapters.store.codec import geometry_to_json

    return {
        "id": one.id,
        "region": one.region,
        "from": one.start.isoformat(),
        "until": one.until.isoformat(),
        "geometry": None if one.geometry is None else geometry_to_json(one.geometry),
        "why": one.why,
        "by": one.by,
        "at": one.at.isoformat(),
        "ended": one.ended.isoformat() if one.ended else None,
    }
