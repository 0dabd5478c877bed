"""`scarpwatch declare`: say that something has happened, so that its ground is watched more closely for a time."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from shapely.geometry.base import BaseGeometry

from monitor.cli.acting import ByOption, who
from monitor.cli.exits import Exit
from monitor.cli.parts import (
    ConfigOption,
    JsonOption,
    Parts,
    acting_store,
    chosen_regions,
    reading_store,
    say,
    say_json,
    settings_of,
)
from monitor.cli.times import given_time
from monitor.config import Settings
from monitor.config.areas import drawn_area, drawn_box
from monitor.core.declared import LONGEST_DAYS, Told, in_force, title
from monitor.core.grid import region_tiles
from monitor.core.situations import declaration_json, standing
from monitor.records import Declaration, DeclarationKind, Region

if TYPE_CHECKING:
    from monitor.adapters.store import SqlStore


def declare(
    context: typer.Context,
    region: Annotated[str | None, typer.Argument(help="Where it happened, as `scarpwatch regions` lists it.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="When it happened: 2018-09-06T03:08+09:00; without offset UTC.")
    ] = None,
    area: Annotated[
        str | None,
        typer.Option("--area", help="Only here: a GeoJSON file, or west,south,east,north; left out: all of it."),
    ] = None,
    kind: Annotated[DeclarationKind | None, typer.Option("--kind", help="What it was; left out: other.")] = None,
    name: Annotated[str, typer.Option("--name", help="What people call it.")] = "",
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, max=LONGEST_DAYS, help="It ends by itself; left out: tiers.declared.days."),
    ] = None,
    by: ByOption = None,
    end: Annotated[int | None, typer.Option("--end", metavar="ID", help="End the one with this number.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Those in force; with --all also those that are over.")] = False,
    every: Annotated[bool, typer.Option("--all", help="With --list.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that an earthquake or a storm has happened: its ground is watched more closely for a time.

    Looks from then on are compared with the ground as it was before, however many come between. Its region is processed
    first. Changes there are alerts though they be weaker. A situation page tells what was seen, and what was not.

    Such as: scarpwatch declare atsuma --at 2018-09-06T03:08+09:00 --kind earthquake --name Iburi
    """
    now = context.ensure_object(Parts).clock()
    settings = settings_of(config, dict(os.environ))
    if list_:
        _list(settings, region, every, now, as_json)
    elif end is not None:
        _end(settings, end, who(by), now)
    elif region is None or at is None:
        words = "say where and when, and what it was: scarpwatch declare REGION --at TIME --kind earthquake"
        raise typer.BadParameter(words, param_hint="REGION --at")
    elif kind is None:
        # What is declared at once opens alerts under its name, and cannot be renamed: nothing is guessed.
        kinds = ", ".join(one.value for one in DeclarationKind)
        raise typer.BadParameter(f"say what it was: one of {kinds}", param_hint="--kind")
    else:
        (watched,) = chosen_regions(settings, region)
        geometry = None if area is None else given_area(area, "--area")
        told = Told(at=given_time(at, "--at"), geometry=geometry, kind=kind, name=name, by=who(by), days=days)
        _declare(settings, watched, told, now, as_json)


def _declare(settings: Settings, region: Region, told: Told, now: datetime, as_json: bool) -> None:
    with acting_store(settings, now) as store:
        one = store.declare(told.of(region.id, settings.tiers.declared.record, now), region, now)
        anew, done = store.weighed_anew(one), _done_since(store, region, one, now)
    page = settings.addresses.situation(one.storm)
    if as_json:
        say_json(declaration_json(one, now, page) | {"became_alerts": len(anew), "processed_since": done})
        return
    say(f"declared as number {one.id} in {region.id}: {title(one)}, until {one.until:%Y-%m-%d %H:%M} UTC")
    say(f"  kind {one.kind.value}; ground: {_ground(one)}; by {one.by}; end it: scarpwatch declare --end {one.id}")
    say(f"  situation {page}")
    if anew:
        raised = f"{len(anew)} candidate(s) that were found since then are alerts now"
        say(f"  {raised}: scarpwatch alerts --region {region.id}")
    if done:
        least_ha = settings.alerts.min_area_ha
        say(
            f"  {done} acquisition(s) sensed since then are processed already; to compare them with the ground before "
            f"it as well, and to find changes from {least_ha / one.size_factor:g} ha instead of {least_ha:g} ha: "
            f"scarpwatch reprocess {region.id} --since {one.at.astimezone(UTC):%Y-%m-%d}"
        )


def _ground(one: Declaration) -> str:
    """Which part of its region is meant."""
    if one.geometry is None:
        return "all of it"
    west, south, east, north = one.geometry.bounds
    return f"a part of it, within {west:.4f},{south:.4f},{east:.4f},{north:.4f}"


def _done_since(store: "SqlStore", region: Region, one: Declaration, now: datetime) -> int:
    """How many acquisitions would be judged again: not those that are history by now, or the first of their kind."""
    from monitor.adapters.store import Chosen

    chosen = Chosen(region=region.id, tiles=tuple(region_tiles(region.geometry)), since=one.at)
    return store.judged_again(chosen, region.history_before(now))


def _list(settings: Settings, region: str | None, every: bool, now: datetime, as_json: bool) -> None:
    with reading_store(settings) as store:
        known = store.declarations(region)
    found = known if every else in_force(known, now)
    if as_json:
        pages = settings.addresses
        say_json({"declarations": [declaration_json(one, now, pages.situation(one.storm)) for one in found]})
        return
    for one in found:
        say(f"{one.id}  {one.region} ({_ground(one)}): {title(one)}; {standing(one, now)}; declared by {one.by}")
        say(f"   {settings.addresses.situation(one.storm)}")
    if not found:
        say("Nothing has been declared." if every else "No declaration is in force.")


def _end(settings: Settings, number: int, by: str, now: datetime) -> None:
    with reading_store(settings) as store:
        ended = store.end_declaration(number, by, now)
    say(
        f"declaration {number} is ended: looks from now on are compared as everywhere"
        if ended
        else f"no declaration {number} is in force: scarpwatch declare --list"
    )
    raise typer.Exit(Exit.OK if ended else Exit.FAILED)


def given_area(given: str, option: str) -> BaseGeometry:
    """The ground that is meant: west,south,east,north, or a GeoJSON file.

    Raises:
        typer.BadParameter: it is neither; blames the option.
        Refused: it is too large, or crosses the antimeridian.
    """
    try:
        if not Path(given).exists() and given.count(",") == 3:
            west, south, east, north = (float(number) for number in given.split(","))
            return drawn_box(west, south, east, north)
        return drawn_area(Path(given))
    except ValueError as error:
        raise typer.BadParameter(f"{given}: {error}", param_hint=option) from error
