"""Commands about who is served: serve, tokens add, tokens list, tokens revoke."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.exits import Exit
from monitor.cli.geojson import not_observed, region_collection, troubles_told
from monitor.cli.living import make_herald
from monitor.cli.parts import (
    ConfigOption,
    JsonOption,
    Parts,
    coming_passes,
    coverages,
    declared_coverages,
    prepare_database,
    reading_store,
    say,
    say_json,
    service_log,
    settings_of,
)
from monitor.config import Settings
from monitor.core.geojson import Json
from monitor.records import Role

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from monitor.adapters.store import SqlStore
    from monitor.adapters.store.tokens import TokenRows
    from monitor.web.refusals import Refusals
    from monitor.web.unwell import Unwell

RoleOption = Annotated[Role, typer.Option(help="What its bearer may do: each role what those before it may.")]
NameArgument = Annotated[str, typer.Argument(help="Of the person or program that has it; stands beside what they do.")]


def make_api(
    settings: Settings, store: "SqlStore", clock: Callable[[], datetime], refusals: "Refusals", unwell: "Unwell"
) -> "ASGIApp":
    """API, feeds and pages over one store.

    `refusals` counts who was turned away, `unwell` tells the log what callers are not told of trouble.
    """
    from monitor.adapters.store.listing import AlertLists
    from monitor.adapters.store.tokens import TokenRows
    from monitor.web.app import make_app
    from monitor.web.parts import WebParts

    regions = settings.region_records()

    def counted() -> Mapping[str, Json]:
        now = clock()
        coming = coming_passes(settings, store, regions, now)
        seen = {one.region: one for one in coverages(settings, store, regions, now)}
        seen |= declared_coverages(settings, store, now)
        # That 99 % was seen within a long look-back says nothing of a watch that stopped since.
        herald = make_herald(settings, store)
        signs = {one.id: herald.sign(one, now, compared=seen[one.id]) for one in regions}
        return {name: not_observed(one, coming[one.region], signs[one.region]) for name, one in seen.items()}

    def troubled() -> Mapping[str, Json]:
        now = clock()
        told = {one.region: troubles_told(one) for one in make_herald(settings, store).first_pulses(now)}
        return told | {one.storm: told[one.region] for one in store.declarations() if one.region in told}

    return make_app(
        WebParts(
            lists=AlertLists(store.database),
            people=store,
            tokens=TokenRows(store.database),
            declarations=store,
            settings=settings,
            regions=region_collection(regions),
            coverage=counted,
            troubled=troubled,
            clock=clock,
            refusals=refusals,
            unwell=unwell,
        )
    )


def serve(context: typer.Context, config: ConfigOption = None) -> None:
    """API, feeds and pages alone, beside a watch in another process; until SIGTERM."""
    from prometheus_client import CollectorRegistry, ProcessCollector

    from monitor.adapters.metrics import Counted
    from monitor.web.health import Answers
    from monitor.web.refusals import Refusals
    from monitor.web.server import WebServer
    from monitor.web.unwell import Unwell

    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    prepare_database(settings, parts.clock())
    log = service_log(settings)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    refusals, unwell = Refusals(), Unwell(log)
    registry.register(Counted.refusals(refusals.counts))
    stop = threading.Event()
    with reading_store(settings) as store:
        answers = Answers(alive=lambda: (), ready=lambda: (unwell.database(store.check),), registry=registry)
        api = make_api(settings, store, parts.clock, refusals, unwell)
        serve = settings.serve
        with closing(WebServer(serve.host, serve.port, answers, api, serve.trusted_proxies)) as server:

            def on_signal(_number: int, _frame: FrameType | None) -> None:
                stop.set()

            before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
            server.start()
            log.info(f"http://{settings.serve.host}:{server.port}", action="serving")
            stop.wait()
            for number, handler in before.items():
                signal.signal(number, handler)
    log.info("ended cleanly", action="stopped")


def add_token(
    context: typer.Context, name: NameArgument, role: RoleOption = Role.READER, config: ConfigOption = None
) -> None:
    """Make a token and print it, this once: only its digest is kept."""
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    prepare_database(settings, parts.clock())
    with _tokens(settings) as tokens:
        say(tokens.add(_name(name), role, parts.clock()))


def list_tokens(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Who has a token, with which role, and when it was last used. The tokens themselves are kept nowhere."""
    with _tokens(settings_of(config, dict(os.environ))) as tokens:
        found = tokens.all()
    if as_json:
        say_json([{key: _plain(value) for key, value in asdict(one).items()} for one in found])
        return
    for one in found:
        used = f"last used {one.last_used:%Y-%m-%d %H:%M}" if one.last_used else "never used"
        ended = f", revoked {one.revoked:%Y-%m-%d %H:%M}" if one.revoked else ""
        say(f"{one.name}: {one.role.value}, made {one.created:%Y-%m-%d %H:%M}, {used}{ended}")
    if not found:
        say("Nobody has a token: scarpwatch tokens add NAME --role reader")


def revoke_token(context: typer.Context, name: NameArgument, config: ConfigOption = None) -> None:
    """End a token at once, also in the middle of a session."""
    parts = context.ensure_object(Parts)
    with _tokens(settings_of(config, dict(os.environ))) as tokens:
        if not tokens.revoke(name, parts.clock()):
            say(f"{name}: nobody of this name has a token in use. `scarpwatch tokens list` shows them.")
            raise typer.Exit(Exit.FAILED)
    say(f"{name}: revoked")


@contextmanager
def _tokens(settings: Settings) -> Iterator["TokenRows"]:
    from monitor.adapters.store.tokens import TokenRows

    with reading_store(settings) as store:
        yield TokenRows(store.database)


def _name(name: str) -> str:
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise typer.BadParameter("a name has 1 to 200 printable characters", param_hint="NAME")
    return name.strip()


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
