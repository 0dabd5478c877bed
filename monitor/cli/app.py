"""The commands. Each reads its settings, does one thing and says it; errors end in `monitor.cli.run`."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli import (
    acting,
    backfilling,
    declaring,
    delivering,
    drilling,
    keeping,
    labbing,
    living,
    reading,
    revising,
    serving,
    silencing,
    trying,
    upstream,
    working,
)
from monitor.cli.channel_faults import channel_faults
from monitor.cli.exits import TABLE, Exit
from monitor.cli.parts import ConfigOption, JsonOption, say, say_json
from monitor.cli.surroundings import doubtful, missing
from monitor.cli.tables import mistake_lines
from monitor.config import Mistake, SettingsError, config_path, load, placed, standing_in
from monitor.shipped import installed_version

EPILOG = TABLE


def make_app() -> typer.Typer:
    """The command line; `obj` of its context must be `Parts`."""
    app = typer.Typer(
        name="scarpwatch",
        help="Landslide watch from space: satellite acquisitions in, alerts with evidence out.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(_options)
    app.command(epilog=EPILOG)(working.demo)
    app.command(epilog=EPILOG)(working.run)
    app.command(epilog=EPILOG)(working.once)
    app.command(epilog=EPILOG)(serving.serve)
    app.command(epilog=EPILOG)(working.release)
    app.command(epilog=EPILOG)(drilling.drill)
    app.command(epilog=EPILOG)(backfilling.backfill)
    app.command(epilog=EPILOG)(declaring.declare)
    app.command(epilog=EPILOG)(revising.reprocess)
    app.command(epilog=EPILOG)(revising.rollback)
    app.command(epilog=EPILOG)(reading.status)
    app.command(epilog=EPILOG)(living.alive)
    app.command(epilog=EPILOG)(upstream.audit)
    app.command(epilog=EPILOG)(upstream.passes)
    alerts = typer.Typer(help=reading.alerts.__doc__, epilog=EPILOG)
    alerts.callback(invoke_without_command=True, epilog=EPILOG)(reading.alerts)
    acting.add_commands(alerts)
    app.add_typer(alerts, name="alerts")
    app.command(epilog=EPILOG)(reading.regions)
    models = typer.Typer(help=reading.models.__doc__, epilog=EPILOG)
    models.callback(invoke_without_command=True, epilog=EPILOG)(reading.models)
    models.command("try", epilog=EPILOG)(trying.try_)
    app.add_typer(models, name="models")
    app.command(epilog=EPILOG)(labbing.lab)
    app.command(epilog=EPILOG)(delivering.deliver)
    delivering.add_to(app, EPILOG)
    silencing.add_to(app, EPILOG)
    config = typer.Typer(help="The configuration.", no_args_is_help=True)
    config.command("check", epilog=EPILOG)(config_check)
    keeping.add_to(app, EPILOG)
    tokens = typer.Typer(help="Who may ask the API.", no_args_is_help=True)
    tokens.command("add", epilog=EPILOG)(serving.add_token)
    tokens.command("list", epilog=EPILOG)(serving.list_tokens)
    tokens.command("revoke", epilog=EPILOG)(serving.revoke_token)
    app.add_typer(tokens, name="tokens")
    app.add_typer(config, name="config")
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"scarpwatch {installed_version()}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Options that stand before the command."""


def config_check(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    before_start: Annotated[
        bool,
        typer.Option("--before-start", help="Fail for what keeps the watch from its work only: channels are hints."),
    ] = False,
) -> None:
    """Explain every mistake of the configuration and of what it needs, with its place and the remedy."""
    environ = dict(os.environ)
    path = config_path(config, environ)
    hints: tuple[Mistake, ...] = ()
    try:
        settings = load(path)
    except SettingsError as error:
        mistakes, summary = _in_order((*error.mistakes, *_besides(path, before_start))), ""
    else:
        channels = channel_faults(settings)
        # A channel that cannot be used keeps nothing else from working: its messages are parked.
        wrong, doubted = ((), channels.mistakes) if before_start else (channels.mistakes, ())
        mistakes = placed((*missing(settings), *wrong), path)
        hints = placed((*doubtful(settings, environ), *doubted, *channels.hints), path)
        summary = (
            f"{path}: all is well: {len(settings.regions)} region(s), {len(settings.catalogs)} catalog(s), "
            f"model {settings.model}, database {settings.database_label}"
        )
    if as_json:
        say_json(
            {
                "path": str(path),
                "mistakes": [asdict(mistake) for mistake in mistakes],
                "hints": [asdict(hint) for hint in hints],
            }
        )
    else:
        lines = mistake_lines(mistakes, path) if mistakes else [summary]
        say("\n".join([*lines, *(f"hint: {line.strip()}" for line in mistake_lines(hints, path))]))
    raise typer.Exit(Exit.CONFIG if mistakes else Exit.OK)


def _besides(path: Path, before_start: bool) -> tuple[Mistake, ...]:
    """What is wrong around a configuration that is wrong itself, as far as it can be told."""
    stand_in = standing_in(path)
    if stand_in is None or stand_in.settings is None:
        return ()
    found = missing(stand_in.settings)
    if not before_start:
        found += channel_faults(stand_in.settings).mistakes
    return placed([one for one in found if not stand_in.stands_in_for(one.place)], path)


def _in_order(mistakes: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
    """As the lines of the file are; what is not in it comes first."""
    return tuple(sorted(mistakes, key=lambda one: one.line or 0))
