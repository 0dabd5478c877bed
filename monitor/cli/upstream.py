"""Commands about what lies upstream: audit and passes."""

import os
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.exits import Exit
from monitor.cli.parts import (
    ConfigOption,
    JsonOption,
    Parts,
    chosen_regions,
    no_progress,
    out,
    prepare_database,
    reading_store,
    say,
    say_json,
    settings_of,
    working_settings,
)
from monitor.cli.upstream_tables import audit_table, finding_lines, pass_table, track_lines
from monitor.core.audit import report_json
from monitor.core.next_pass import MEMORY
from monitor.core.pass_calendar import CalendarPass, calendar_json, pass_calendar

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.adapters.store import SqlStore
    from monitor.config import Settings

RegionArgument = Annotated[str | None, typer.Argument(help="Only this region; else all.")]


def audit(
    context: typer.Context, region: RegionArgument = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Compare the ledger with the catalogs over the look-back, and queue what was missed. Nothing is ever deleted.

    Exit code 1 when a catalog did not answer: then nothing of its region was compared.
    """
    parts = context.ensure_object(Parts)
    settings = working_settings(config, dict(os.environ))
    wanted = chosen_regions(settings, region)
    prepare_database(settings, parts.clock())
    with closing(parts.build(settings, no_progress)) as service:
        reports = [service.audit(one.id, parts.clock()) for one in wanted]
    if as_json:
        say_json([report_json(one) for one in reports])
    else:
        out().print(audit_table(reports))
        say("\n".join(finding_lines(reports)))
    raise typer.Exit(Exit.FAILED if any(one.not_audited for one in reports) else Exit.OK)


def passes(
    context: typer.Context,
    region: Annotated[str, typer.Argument(help="Region of the configuration.")],
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="So many days back, and as many ahead.")] = 30,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Passes of satellites over a region: those that came, those that are missing, and those to come."""
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    chosen_regions(settings, region)
    now = parts.clock()
    with reading_store(settings) as store:
        found = calendar_of(settings, store, region, now, timedelta(days=days))
    if as_json:
        say_json({"region": region, "at": now.isoformat(), "days": days, "passes": calendar_json(found)})
        return
    if not found:
        say(f"{region}: no pass is known of {days} days before or after now; a track is learned from two passes.")
        return
    out().print(pass_table(found, now))
    say("\n".join(["", *track_lines(found)]))


def calendar_of(
    settings: "Settings", store: "SqlStore", region: str, now: "datetime", span: timedelta
) -> tuple[CalendarPass, ...]:
    """The passes over a region, so far back and ahead."""
    passed = store.passes(region, now - span - MEMORY, now)
    return pass_calendar(passed, now, now - span, now + span, settings.fleet)
