"""What the commands are given by the composition root, and what they share."""

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer
from rich.console import Console

from monitor.cli.surroundings import unknown_model
from monitor.config import Settings, SettingsError, config_path, load, placed
from monitor.core.declared import counted
from monitor.core.next_pass import MEMORY, next_passes
from monitor.logs import make_logger, tell_retries
from monitor.overview import Coverage, coverage
from monitor.records import Channel, NextPass, Region

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from monitor.adapters.store import SqlStore
    from monitor.daemon import Watch

_FILE_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""

Progress = Callable[[str, int, int], None]
"""What is being done, how many are done, how many there are."""


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


class Build(Protocol):
    """How a service is made from settings (`monitor.wiring.build`)."""

    def __call__(self, settings: Settings, progress: Progress) -> "Watch":
        """A service ready to poll and process."""


class Demo(Protocol):
    """How the demonstration is run (`monitor.demo`)."""

    def __call__(self, folder: Path, seed: int, check: bool, console: Console) -> bool:
        """Run it in a folder; False when `check` was asked for and not passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything a command may need from outside."""

    build: Build
    demo: Demo
    clock: Callable[[], datetime]


ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file; else $SCARPWATCH_CONFIG, else ./config.yaml."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
RegionOption = Annotated[str | None, typer.Option("--region", "-r", help="Only this region.")]


def settings_of(config: Path | None, environ: dict[str, str]) -> Settings:
    """The settings of a command.

    Raises:
        SettingsError: with every mistake.
    """
    return load(config_path(config, environ))


def working_settings(config: Path | None, environ: dict[str, str]) -> Settings:
    """The settings of a command that works, with a model that is there.

    Raises:
        SettingsError: with every mistake.
    """
    path = config_path(config, environ)
    settings = load(path)
    if unknown := unknown_model(settings):
        raise SettingsError(path, placed(unknown, path))
    return settings


@contextmanager
def reading_store(settings: Settings) -> Iterator["SqlStore"]:
    """The database of a command, which is there already.

    Raises:
        ConfigError: it is not there, or of another version.
        StoreBusy: it cannot be reached.
    """
    from monitor.adapters.store import SqlStore

    with closing(SqlStore(settings.database, lifecycle=settings.tiers.lifecycle, limits=settings.limits)) as store:
        store.check()
        yield store


@contextmanager
def acting_store(settings: Settings, now: datetime) -> Iterator["SqlStore"]:
    """The database of a command that may make messages: channels that are new hear them, and nothing of before.

    Raises:
        As `reading_store`.
    """
    with reading_store(settings) as store:
        store.begin_channels(_channels(settings), now)
        yield store


def _channels(settings: Settings) -> list[Channel]:
    return [one.record(name) for name, one in settings.channels.items()]


def prepare_database(settings: Settings, now: datetime) -> None:
    """Bring SQLite to the newest version; PostgreSQL belongs to somebody, who upgrades it when it suits.

    Channels that are new hear what happens from `now` on.

    Raises:
        ConfigError: PostgreSQL of another version.
        StoreBusy: it cannot be reached.
    """
    from monitor.adapters.store import SqlStore

    with closing(SqlStore(settings.database, limits=settings.limits)) as store:
        if settings.database_url.get_backend_name() == "sqlite":
            store.upgrade()
        else:
            store.check()
        store.begin_channels(_channels(settings), now)


def coverages(settings: Settings, store: "SqlStore", regions: tuple[Region, ...], now: datetime) -> list[Coverage]:
    """What was seen of every region."""
    from monitor.adapters.looks import LookFiles
    from monitor.adapters.slope_sights import SlopeSightFiles

    looks = LookFiles(settings.products)
    sights = SlopeSightFiles(settings.products)
    return [coverage(region, store, looks, now, sights) for region in regions]


def coming_passes(
    settings: Settings, store: "SqlStore", regions: tuple[Region, ...], now: datetime
) -> dict[str, tuple[NextPass, ...]]:
    """The passes expected of every region."""
    return {one.id: next_passes(store.passes(one.id, now - MEMORY, now), now, settings.fleet) for one in regions}


def declared_coverages(settings: Settings, store: "SqlStore", now: datetime) -> dict[str, Coverage]:
    """What was seen of the ground of every declaration since the event, by the storm that it names.

    Of those in force, and of those that are over for no longer than the region's look-back.
    """
    from monitor.adapters.looks import LookFiles

    regions = {region.id: region for region in settings.region_records()}
    looks = LookFiles(settings.products)
    return {
        one.storm: coverage(
            replace(regions[one.region], geometry=one.geometry or regions[one.region].geometry),
            store,
            looks,
            now,
            since=one.at,
        )
        for one in store.declarations()
        if one.region in regions and counted(one, regions[one.region].lookback_days, now)
    }


def chosen_regions(settings: Settings, region: str | None, hint: str = "REGION") -> tuple[Region, ...]:
    """All regions, or the named one; `hint` is how the command takes it.

    Raises:
        typer.BadParameter: there is no such region.
    """
    regions = settings.region_records()
    if region is None:
        return regions
    if region not in settings.regions:
        names = ", ".join(sorted(settings.regions)) or "none"
        raise typer.BadParameter(f"there is no region {region!r}; configured: {names}", param_hint=hint)
    return tuple(one for one in regions if one.id == region)


def service_log(settings: Settings) -> "FilteringBoundLogger":
    """The log of a command that works, also of its retries: standard error, as standard output holds results only."""
    log = make_logger(sys.stderr, as_json=settings.log.as_json, level=settings.log.level)
    tell_retries(log)
    return log


def out() -> Console:
    """Standard output: results. Made for each command so that redirected output is found."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _FILE_WIDTH)


def say(text: str) -> None:
    """A line of plain text on standard output, never wrapped or coloured."""
    sys.stdout.write(text + "\n")


def tell(text: str) -> None:
    """A line of plain text, wrapped between words on a terminal; whole in a file or a pipe."""
    if not sys.stdout.isatty():
        say(text)
        return
    indent = " " * (len(text) - len(text.lstrip()))
    width = max(40, shutil.get_terminal_size().columns)
    say(textwrap.fill(text, width, subsequent_indent=f"{indent}    ", break_long_words=False, break_on_hyphens=False))


def say_json(value: object, *, compact: bool = False) -> None:
    """A JSON document on standard output; `compact` for geometries, whose every number would take a line."""
    say(json.dumps(value, indent=None if compact else 2, ensure_ascii=False, allow_nan=False))
