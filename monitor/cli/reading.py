"""Commands that only read: status, alerts, regions, models."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.adapters.model_store import list_models
from monitor.cli import tables
from monitor.cli.backfilling import Past, past_of
from monitor.cli.delivering import channel_json
from monitor.cli.exits import Exit
from monitor.cli.geojson import alert_collection, blind_collection, not_observed, region_collection
from monitor.cli.parts import (
    ConfigOption,
    JsonOption,
    Parts,
    RegionOption,
    chosen_regions,
    coming_passes,
    coverages,
    out,
    reading_store,
    say,
    say_json,
    settings_of,
    tell,
)
from monitor.cli.watch_lines import WatchState, watch_json, watch_lines, watch_state
from monitor.config import Settings
from monitor.core import held_words
from monitor.core.declared import in_force, title
from monitor.core.geojson import Json
from monitor.core.lifecycle import ALERT_STATES, ROLLED_BACK
from monitor.core.precision import WINDOWS_DAYS, Judged, precision_json, told
from monitor.core.situations import standing as state_of
from monitor.errors import ConfigError
from monitor.overview import Coverage
from monitor.records import (
    ChannelCount,
    Declaration,
    DeliveryState,
    Event,
    EventState,
    HeldBack,
    LedgerEntry,
    NextPass,
    Region,
)

if TYPE_CHECKING:
    from monitor.adapters.store import ChoiceCount, LedgerCount, Rejection


def alerts(
    context: typer.Context,
    config: ConfigOption = None,
    region: RegionOption = None,
    every: Annotated[bool, typer.Option("--all", help="Also alerts that ended (closed, refuted, expired).")] = False,
    as_json: JsonOption = False,
) -> None:
    """Open alerts, worst first, and what was not observed. --json is a GeoJSON FeatureCollection (EPSG:4326)."""
    from monitor.adapters.store.listing import AlertLists, Wanted

    if context.invoked_subcommand is not None:
        return
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    wanted = chosen_regions(settings, region, "--region")
    now = parts.clock()
    with reading_store(settings) as store:
        # In the order of the feeds, pages and API, which is that of what people were told.
        told = [key.place.event_id for key in AlertLists(store.database).keys(Wanted(region=region))]
        shown = {event.id: event for event in store.events(region) if _is_shown(event, every)}
        found = [shown[name] for name in told if name in shown]
        seen = coverages(settings, store, wanted, now)
        coming = coming_passes(settings, store, wanted, now)
        silences = store.held_back(now, region)
    if as_json:
        told_all = alert_collection(found, seen, settings.products, coming)
        say_json(told_all | {"silences": [held_words.to_json(one) for one in silences]}, compact=True)
        return
    if found:
        out().print(tables.alert_table(found))
        say("\n".join(["", *tables.alert_lines(found, settings.products)]))
    else:
        say("No open alerts." if not every else "No alerts.")
    say("")
    for one in seen:
        say(tables.coverage_line(one, now) + tables.coming(coming[one.region]))
    for held in silences:
        say(f"! {held_words.told(held)}")


def status(
    context: typer.Context,
    config: ConfigOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
    blind_slopes: Annotated[
        Path | None, typer.Option(help="Write the slopes that no radar track ever sees to this file, as GeoJSON.")
    ] = None,
) -> None:
    """What was observed, what waits, what is parked and why. Exit code 1 while something is parked."""
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    standing = _standing(settings, region, parts.clock())
    if blind_slopes is not None:
        _write_blind_slopes(blind_slopes, settings, chosen_regions(settings, region, "--region"), standing.seen)
    if as_json:
        say_json(_standing_json(settings, standing))
    else:
        _tell_standing(settings, standing)
    undelivered = any(one.counts.get(DeliveryState.PARKED, 0) for one in standing.channels.values())
    # What a person took back waits for nobody.
    failed = [entry for entry in standing.parked if entry.reason != ROLLED_BACK]
    raise typer.Exit(Exit.FAILED if failed or undelivered else Exit.OK)


def _write_blind_slopes(path: Path, settings: Settings, chosen: tuple[Region, ...], seen: list[Coverage]) -> None:
    from monitor.adapters.files import write_atomic
    from monitor.adapters.slope_sights import SlopeSightFiles

    ground = blind_collection(chosen, seen, SlopeSightFiles(settings.products))
    try:
        write_atomic(path, json.dumps(ground, allow_nan=False).encode())
    except OSError as error:
        remedy = "Name a file in a folder that you may write."
        message = f"{path} cannot be written: {error.strerror}"
        raise ConfigError(message, item="--blind-slopes", remedy=remedy) from error


def regions(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """The watched regions. --json is a GeoJSON FeatureCollection."""
    records = settings_of(config, dict(os.environ)).region_records()
    if as_json:
        say_json(region_collection(records), compact=True)
    else:
        out().print(tables.region_table(records) if records else "No region is configured: add one to config.yaml")


def models(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """The models at hand, which are in use, and what is wrong with any. Exit code 2 when one in use is unfit."""
    if context.invoked_subcommand is not None:
        return
    settings = settings_of(config, dict(os.environ))
    cards, broken = list_models(settings.models)
    chosen = {name for name in (settings.model, settings.radar_model) if name is not None}
    if as_json:
        say_json(
            {
                "folder": str(settings.models),
                "in_use": settings.model,
                "radar_in_use": settings.radar_model,
                "models": [
                    {
                        "name": card.name,
                        "version": card.version,
                        "task": card.task,
                        "sensor": card.sensor.value,
                        "bands": list(card.bands),
                        "window_px": card.window_px,
                        "resolution_m": card.resolution_m,
                        "threshold": card.threshold,
                        "simulated": card.simulated,
                        "sha256": card.sha256,
                    }
                    for card in cards
                ],
                "broken": [{"item": error.item, "message": error.message, "remedy": error.remedy} for error in broken],
            }
        )
    else:
        say(f"Models in {settings.models}")
        out().print(tables.model_table(cards, chosen))
        for error in broken:
            say(f"broken: {error}")
    if not chosen <= {card.name for card in cards}:
        raise typer.Exit(Exit.CONFIG)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """How the watch stands."""

    now: datetime
    seen: list[Coverage]
    coming: Mapping[str, Sequence[NextPass]]
    """The passes expected, by region."""
    counts: "list[LedgerCount]"
    parked: list[LedgerEntry]
    refused: "list[Rejection]"
    """Items that polls refused to use."""
    alerts: Counter[tuple[str, EventState]]
    channels: dict[str, ChannelCount]
    """How the channels stand."""
    choices: "list[ChoiceCount]"
    """Which sensor counted, in each region's look-back."""
    past: Mapping[str, Past]
    """How far each region's history is looked at."""
    judged: list[Judged]
    """What people said of alerts."""
    declared: list[Declaration]
    """Events that people have declared, and that are in force."""
    silences: list[HeldBack]
    """What keeps alerts from the channels."""
    watch: WatchState
    """How the watch itself does."""


def _standing(settings: Settings, region: str | None, now: datetime) -> _Standing:
    wanted = chosen_regions(settings, region, "--region")
    with reading_store(settings) as store:
        counts = [count for count in store.counts() if region in (None, count.region)]
        since = {one.id: now - timedelta(days=one.lookback_days) for one in wanted}
        seen = coverages(settings, store, wanted, now)
        return _Standing(
            now=now,
            watch=watch_state(settings, store, wanted, counts, seen, now),
            seen=seen,
            coming=coming_passes(settings, store, wanted, now),
            counts=counts,
            parked=store.parked_entries(region),
            refused=store.rejections(region),
            channels={one.channel: one for one in store.channel_counts()},
            alerts=Counter((event.region, event.state) for event in store.events(region)),
            choices=[
                count
                for start in sorted(set(since.values()))  # regions that look back alike are counted at once
                for count in store.choices(start)
                if since.get(count.region) == start
            ],
            past={one.id: past_of(store, one.id) for one in wanted},
            judged=store.judged(now - timedelta(days=max(WINDOWS_DAYS))),
            declared=in_force(store.declarations(region), now),
            silences=store.held_back(now, region),
        )


def _standing_json(settings: Settings, standing: _Standing) -> Json:
    ledger: dict[str, dict[str, dict[str, int]]] = {}
    for count in standing.counts:
        ledger.setdefault(count.region, {}).setdefault(count.state.value, {})[count.reason or ""] = count.count
    regions = {
        one.region: {
            **not_observed(one, standing.coming[one.region]),
            "area_km2": round(one.area_km2, 2),
            "ledger": ledger.get(one.region, {}),
            "history": asdict(standing.past[one.region]),
            "alerts": {state.value: standing.alerts[one.region, state] for state in EventState},
            "precision": precision_json(one.region, standing.judged, standing.now),
            "declared": [title(each) for each in standing.declared if each.region == one.region],
            "evidence_of_record": [_choice(count) for count in standing.choices if count.region == one.region],
        }
        for one in standing.seen
    }
    return {
        "database": settings.database_label,
        "products": str(settings.products),
        "watch": watch_json(standing.watch),
        "regions": regions,
        "parked": [_parked(entry) for entry in standing.parked],
        "refused": [_refused(one) for one in standing.refused],
        "channels": {name: channel_json(one) for name, one in standing.channels.items()},
        "silences": [held_words.to_json(one) for one in standing.silences],
    }


def _tell_standing(settings: Settings, standing: _Standing) -> None:
    tell(f"Database {settings.database_label}, products in {settings.products}")
    for line in watch_lines(standing.watch):
        tell(line)
    say("")
    for one in standing.seen:
        open_alerts = sum(standing.alerts[one.region, state] for state in ALERT_STATES)
        coming = tables.coming(standing.coming[one.region])
        tell(f"{tables.coverage_line(one, standing.now)}{coming}; {open_alerts} open alert(s)")
        if standing.past[one.region].waiting:
            say(f"  {standing.past[one.region]}")
    for each in standing.declared:
        say(f"  declared in {each.region}: {title(each)}; {state_of(each, standing.now)}")
    for held in standing.silences:
        say(f"! {held_words.told(held)}")
    say("")
    if any(one.seen_by for one in standing.seen):
        say("What each sensor saw within the look-back")
        out().print(tables.sensor_table(standing.seen, standing.now))
        say("")
    for line in filter(None, (told(one.region, standing.judged, standing.now, 365) for one in standing.seen)):
        say(line)
    out().print(tables.ledger_table(standing.counts) if standing.counts else "The ledger is empty: scarpwatch once")
    if standing.choices:
        say("\nWhich sensor counted, tile by tile, within the look-back")
        out().print(tables.choice_table(standing.choices))
    if any(one.blind.tracks for one in standing.seen):
        say("\nSlopes that radar never sees: they lie in layover or shadow whenever a track passes")
        out().print(tables.blind_table(standing.seen))
    late = tables.channel_lines(standing.channels, settings.channels, standing.now)
    if late:
        say("\n".join(["", "Channels with messages that are late or parked:", *late]))
    if standing.parked:
        say("")
        for line in tables.parked_lines(standing.parked):
            (say if line.lstrip().startswith("then: ") else tell)(line)  # a command is copied whole
    if standing.refused:
        say("")
        for line in tables.refused_lines(standing.refused):
            tell(line)


def _is_shown(event: Event, every: bool) -> bool:
    """Candidates are never alerts."""
    return event.state in ALERT_STATES or (every and event.state is not EventState.CANDIDATE)


def _choice(count: "ChoiceCount") -> Json:
    return {
        "at": count.sensor.value,
        "record": count.record.value if count.record else None,
        "reason": count.reason.value,
        "tiles": count.count,
    }


def _refused(one: "Rejection") -> Json:
    return {
        "region": one.region,
        "item": one.item,
        "reason": one.reason,
        "detail": one.detail,
        "last_seen": one.last_seen.isoformat(),
        "polls": one.count,
    }


def _parked(entry: LedgerEntry) -> Json:
    acquisition = entry.acquisition
    return {
        "region": acquisition.region,
        "id": acquisition.id,
        "sensing_time": acquisition.sensing_time.isoformat(),
        "reason": entry.reason,
        "detail": entry.detail,
        "attempts": entry.attempts,
        "remedy": f"scarpwatch release {acquisition.region} {acquisition.id}",
    }
