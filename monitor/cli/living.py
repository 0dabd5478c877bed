"""The command about the weekly sign of life: what it says now."""

import os
from typing import TYPE_CHECKING

import typer

from monitor.alive import Herald, HeraldSettings
from monitor.cli.parts import (
    ConfigOption,
    JsonOption,
    Parts,
    RegionOption,
    chosen_regions,
    reading_store,
    say,
    say_json,
    settings_of,
)
from monitor.config import Settings
from monitor.core.alive import payload
from monitor.overview import coverage
from monitor.records import AlertStatus, Region

if TYPE_CHECKING:
    from monitor.adapters.store import SqlStore


def alive(
    context: typer.Context,
    config: ConfigOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """The weekly message that the watch is alive, as it would be now. Nothing is sent."""
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    now = parts.clock()
    with reading_store(settings) as store:
        herald = make_herald(settings, store, chosen_regions(settings, region, "--region"))
        signs = [herald.sign(one, now) for one in herald.regions]
    if as_json:
        say_json([payload(one, herald.texts(one)) for one in signs])
        return
    told = [f"{text['title']}\n{text['body']}" for one in signs for text in herald.texts(one).values()]
    say("\n\n".join(told))
    if not settings.alive.send:
        say("\nIt is not sent: `alive: {send: false}`.")
    elif not _hearing(settings):
        say("\nIt is not sent: no channel wants to hear it.")


def make_herald(settings: Settings, store: "SqlStore", regions: tuple[Region, ...] | None = None) -> Herald:
    """Who tells the channels of a configuration that the watch is alive."""
    from monitor.adapters.looks import LookFiles
    from monitor.adapters.slope_sights import SlopeSightFiles

    chosen = settings.alive
    looks, sights = LookFiles(settings.products), SlopeSightFiles(settings.products)
    return Herald(
        store=store,
        regions=settings.region_records() if regions is None else regions,
        coverage=lambda region, now: coverage(region, store, looks, now, sights),
        settings=HeraldSettings(
            week=chosen.week,
            days=chosen.days,
            channels=_hearing(settings) if chosen.send else (),
            languages=settings.alert_languages,
            fleet=settings.fleet,
        ),
    )


def _hearing(settings: Settings) -> tuple[str, ...]:
    wanting = (name for name, one in settings.channels.items() if one.alive and AlertStatus.ACTUAL in one.statuses)
    return tuple(sorted(wanting))
