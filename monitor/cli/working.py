"""Commands that work: demo, run, once, release."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from monitor.adapters.model_store import load_watch_card
from monitor.cli import tables
from monitor.cli.delivering import deliver_once
from monitor.cli.exits import Exit
from monitor.cli.living import make_herald
from monitor.cli.parts import (
    ConfigOption,
    JsonOption,
    Parts,
    Progress,
    coverages,
    no_progress,
    prepare_database,
    reading_store,
    say,
    say_json,
    service_log,
    settings_of,
    working_settings,
)
from monitor.cli.serving import make_api
from monitor.cli.static_catalogs import absent_collections
from monitor.config import Settings, config_path
from monitor.night_drill import NightDrill, drill_command
from monitor.shipped import installed_version

if TYPE_CHECKING:
    from monitor.service import PassEvent, PassSummary


def demo(
    context: typer.Context,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed is another valley.")] = 1,
    folder: Annotated[Path, typer.Option("--folder", help="Where the valley and all results are written.")] = Path(
        "demo"
    ),
    check: Annotated[bool, typer.Option("--check", help="Exit code 1 unless the simulated scars were found.")] = False,
) -> None:
    """A simulated valley, its storm and its landslides, watched from end to end. Needs neither data nor network."""
    parts = context.ensure_object(Parts)
    if not parts.demo(folder.absolute(), seed, check, Console(file=sys.stdout)):
        raise typer.Exit(Exit.FAILED)


def once(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """One pass: ask every catalog, process what is due, then exit (cron, CI, first try)."""
    from monitor.log_lines import log_event
    from monitor.service import NO_SCENE

    parts = context.ensure_object(Parts)
    settings = working_settings(config, dict(os.environ))
    prepare_database(settings, parts.clock())
    log = service_log(settings)
    with progress_bar() as progress, closing(parts.build(settings, progress)) as service:
        hints: list[str] = []

        def report(event: "PassEvent") -> None:
            log_event(log, event)
            if event.reason == NO_SCENE:
                hints.append(event.detail)

        summary = service.once(parts.clock, report)
    with reading_store(settings) as store:
        for said in make_herald(settings, store).speak(parts.clock()):
            log.info(said.title, action="alive", region=said.region, item=said.key)
    rounds = deliver_once(settings, parts, log)
    if hints:
        hints += [f"{one.place}: {one.message}. {one.remedy}" for one in absent_collections(settings)]
    if as_json:
        told = {name: asdict(one) for name, one in rounds.items()}
        say_json({**asdict(summary), "hints": hints, "channels": told})
    else:
        _tell(settings, summary, parts, hints)
        for line in tables.round_lines(rounds):
            say(line)
    undelivered = any(one.errors for one in rounds.values())
    raise typer.Exit(Exit.FAILED if summary.errors or summary.parked or undelivered else Exit.OK)


def run(context: typer.Context, config: ConfigOption = None) -> None:
    """The service: poll, process, serve API, feeds and pages until SIGTERM, then drain and exit 0."""
    from monitor.adapters.looks import LookFiles
    from monitor.adapters.slope_sights import SlopeSightFiles
    from monitor.daemon import About, Daemon, Duties, Kept
    from monitor.delivery_wiring import build_delivery
    from monitor.web.refusals import Refusals
    from monitor.web.unwell import Unwell

    parts = context.ensure_object(Parts)
    settings = working_settings(config, dict(os.environ))
    prepare_database(settings, parts.clock())
    log = service_log(settings)
    card = load_watch_card(settings.models / settings.model)
    with (
        reading_store(settings) as store,
        closing(parts.build(settings, no_progress)) as service,
        closing(build_delivery(settings)) as delivery,
        closing(store.poll_turn(settings.regions)) as turn,
    ):
        engine = getattr(service, "engine", "unknown")
        about = About(version=installed_version(), model_version=card.version, engine=engine)
        refusals = Refusals()
        kept = Kept(
            store=store,
            looks=LookFiles(settings.products),
            sights=SlopeSightFiles(settings.products),
            api=make_api(settings, store, parts.clock, refusals, Unwell(log)),
            refusals=refusals.counts,
            turn=turn,
        )
        daemon = Daemon(
            service=service,
            kept=kept,
            settings=settings,
            about=about,
            log=log,
            clock=parts.clock,
            duties=Duties(
                delivery=delivery,
                herald=make_herald(settings, store) if settings.channels and settings.alive.send else None,
                drill=_night_drill(settings, config),
            ),
        )
        daemon.run()


def _night_drill(settings: Settings, config: Path | None) -> NightDrill | None:
    if settings.drills is None:
        return None
    return NightDrill(settings.drills, drill_command(config_path(config, dict(os.environ))))


def release(
    context: typer.Context,
    region: Annotated[str, typer.Argument(help="Region of the parked acquisition.")],
    acquisition: Annotated[str, typer.Argument(help="Its id, as `scarpwatch status` shows it.")],
    config: ConfigOption = None,
) -> None:
    """Put a parked acquisition back into the queue, after its cause was removed.

    (Alerts are let go to the public by `scarpwatch alerts release`.)
    """
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    with reading_store(settings) as store:
        if not store.release(region, acquisition, parts.clock()):
            say(f"{region}: no parked acquisition {acquisition}. `scarpwatch status` lists those there are.")
            raise typer.Exit(Exit.FAILED)
    say(f"{region}: {acquisition} waits to be processed again: scarpwatch once")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on standard error while it is a terminal; silent elsewhere (the log lines remain)."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield no_progress
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield show


def _tell(settings: Settings, summary: "PassSummary", parts: Parts, hints: Sequence[str]) -> None:
    if not summary.discovered and not summary.processed and not summary.parked and not summary.retried:
        say("Nothing new.")
    else:
        say(
            f"{summary.discovered} new acquisition(s), {summary.processed} processed, {summary.parked} parked, "
            f"{summary.retried} to be tried again; {summary.alerts_opened} alert(s) opened."
        )
    if summary.waiting:
        say(f"{summary.waiting} acquisition(s) wait: in backoff, or held by another process.")
    for hint in hints:
        say(f"! {hint}")
    for error in summary.errors:
        say(f"! {error}")
    now = parts.clock()
    with reading_store(settings) as store:
        for one in coverages(settings, store, settings.region_records(), now):
            say(tables.coverage_line(one, now))
    if summary.alerts_opened:
        say("See them: scarpwatch alerts")
    if summary.parked:
        say("See why, and what to do: scarpwatch status")
