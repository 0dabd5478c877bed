"""Commands that keep the database: upgrade, check, backup, restore, prune, forget-looks."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.exits import Exit
from monitor.cli.parts import ConfigOption, JsonOption, Parts, say, say_json, settings_of
from monitor.cli.working import progress_bar

if TYPE_CHECKING:
    from monitor.adapters.pruning import Retention
    from monitor.adapters.store import SqlStore
    from monitor.adapters.store.restoring import Contents, Restored
    from monitor.config import Settings

_MB = 1e6
_COUNTED = ("acquisition", "observation", "event")


def add_to(app: typer.Typer, epilog: str) -> None:
    """The commands below `db`."""
    database = typer.Typer(help="The database.", no_args_is_help=True)
    commands: dict[str, Callable[..., None]] = {
        "upgrade": upgrade,
        "check": check,
        "backup": backup,
        "restore": restore,
        "prune": prune,
        "forget-looks": forget_looks,
    }
    for name, command in commands.items():
        database.command(name, epilog=epilog)(command)
    app.add_typer(database, name="db")


@contextmanager
def _store(config: Path | None) -> Iterator[tuple["Settings", "SqlStore"]]:
    """The database of a configuration, of whatever version, also one that is not there."""
    from monitor.adapters.store import SqlStore

    settings = settings_of(config, dict(os.environ))
    with closing(SqlStore(settings.database, limits=settings.limits)) as store:
        yield settings, store


def upgrade(config: ConfigOption = None) -> None:
    """Create the database, or bring it to the version this Scarpwatch needs."""
    from monitor.adapters.store.migration import newest

    with _store(config) as (settings, store):
        before, now = store.upgrade(), newest()
        store.check()
    done = {None: f"its tables are made, version {now}", now: f"its tables are of the newest version, {now}"}
    say(f"{settings.database_label}: {done.get(before, f'its tables are upgraded from version {before} to {now}')}")


def check(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Whether the database can be worked with: version, tables, indexes, rights, clocks. Of SQLite all is read."""
    from monitor.adapters.store.soundness import soundness

    with _store(config) as (settings, store):
        found = soundness(store.database, context.ensure_object(Parts).clock())
    if as_json:
        say_json({"database": settings.database_label, **asdict(found)})
    else:
        rows = "".join(f", {found.rows[name]} {name}s" for name in _COUNTED if name in found.rows)
        say(f"{settings.database_label}: {found.server}, {found.size_bytes / _MB:.1f} MB{rows}")
        for fault in found.faults:
            say(f"! {fault}")
        for hint in found.hints:
            say(f"hint: {hint}")
        say("something is wrong" if found.faults else "all is well")
    raise typer.Exit(Exit.FAILED if found.faults else Exit.OK)


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that is not there yet, or a folder for a file with the time.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """The whole database in one file, of one moment, while the service works. Products are not in it."""
    from monitor.adapters.store.backup import back_up

    with _store(config) as (settings, store), progress_bar() as progress:
        made = back_up(store.database, file.absolute(), progress, context.ensure_object(Parts).clock())
    left_out = {"products": str(settings.products)}
    if as_json:
        told = {"path": str(made.path), "revision": made.revision, "size_bytes": made.size_bytes}
        say_json({**told, "not_in_it": left_out})
        return
    say(f"{made.path}: {made.size_bytes / _MB:.1f} MB, tables of version {made.revision}, read again and whole")
    say(f"Not in it: products, kept looks among them ({settings.products}), and the configuration. Back them up next.")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `scarpwatch db backup` wrote.")],
    config: ConfigOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="What the database holds now goes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a backup into an empty database. A newer one is refused, an older one upgraded. Stop the services first."""
    from monitor.adapters.store.restoring import contents
    from monitor.adapters.store.restoring import restore as put_back

    with _store(config) as (settings, store):
        held = contents(store.database) if replace else None
        if held is not None and not yes:
            typer.confirm(f"{settings.database_label} holds {_figures(held)}. All of it goes. Go on?", abort=True)
        with progress_bar() as progress:
            done = put_back(store.database, file, replace, context.ensure_object(Parts).clock(), progress)
    _tell_restored(settings, done)


def _tell_restored(settings: "Settings", done: "Restored") -> None:
    say(f"{settings.database_label} holds {_figures(done.contents)}, from tables of version {done.revision}")
    if done.acquisitions_given_back or done.messages_given_back:
        say(
            f"{done.acquisitions_given_back} acquisition(s) and {done.messages_given_back} message(s) were at work "
            "when it was taken: they are due again."
        )
    say(f"1. Put the product folder of the same time back, or a later one: {settings.products}")
    say("2. Start the service, or: scarpwatch once. What catalogs listed since is found by its first poll, as far as")
    say("   lookback_days reaches; what is older: scarpwatch backfill REGION --from DATE")
    say("What was sent since the backup is sent once more, under the same ids.")


def _figures(held: "Contents") -> str:
    until = f"; last work {held.last_change:%Y-%m-%d %H:%M} UTC" if held.last_change else ""
    return f"{held.acquisitions} acquisitions and {held.events} events{until}"


def prune(
    context: typer.Context,
    config: ConfigOption = None,
    apply: Annotated[bool, typer.Option("--apply", help="Remove it; otherwise it is only counted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove what is older than the group `keep` says and not needed: rows, kept looks, rasters. Counts unless --apply.

    References, open alerts and what was told are never touched. It may be run at any time, and again.
    """
    from monitor.adapters.pruning import Pruner

    with _store(config) as (settings, store):
        store.check()
        now = context.ensure_object(Parts).clock()
        pruned = Pruner(store, settings.products, _retention(settings), now, dry=not apply).run()
    if as_json:
        say_json({"applied": apply, "kinds": [asdict(one) for one in pruned]})
        return
    for one in pruned:
        say(f"{one.kind:13}{one.rows:10} rows {one.files:9} files {one.size_bytes / _MB:12.1f} MB")
    say("removed" if apply else "nothing was removed: scarpwatch db prune --apply")


def _retention(settings: "Settings") -> "Retention":
    from monitor.adapters.pruning import Retention
    from monitor.core.sensors import memory_days
    from monitor.records import Sensor
    from monitor.scene import reach_of

    def days(number: int | None) -> timedelta | None:
        return None if number is None else timedelta(days=number)

    keep = settings.keep
    lookback = max((region.lookback_days for region in settings.regions.values()), default=0)
    return Retention(
        lookback=timedelta(days=lookback),
        depth={sensor: reach_of(sensor, settings.alerts) for sensor in Sensor},
        memory=timedelta(days=memory_days(settings.sensors)),
        looks=days(keep.looks_days),
        observations=days(keep.observations_days),
        products=days(keep.products_days),
        products_bytes=None if keep.products_gb is None else round(keep.products_gb * 1e9),
        choices=days(keep.choices_days),
        rejections=days(keep.rejections_days),
    )


def forget_looks(config: ConfigOption = None) -> None:
    """Forget kept looks whose files are lost for good: their ground is learned anew.

    First see that the product folder is mounted: what is forgotten is not compared with again.
    """
    from monitor.adapters.looks import LookFiles

    with _store(config) as (settings, store):
        store.check()
        forgotten = store.forget_looks(LookFiles(settings.products).exists)
    say(f"{forgotten} kept looks are forgotten; `scarpwatch release` puts parked acquisitions back into the queue")
