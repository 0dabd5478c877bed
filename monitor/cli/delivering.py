"""Commands about what is sent to whom: deliver, deliveries, channels."""

import os
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli import tables
from monitor.cli.exits import Exit
from monitor.cli.parts import (
    ConfigOption,
    JsonOption,
    Parts,
    out,
    prepare_database,
    reading_store,
    say,
    say_json,
    service_log,
    settings_of,
)
from monitor.config import Settings
from monitor.delivering import Round
from monitor.records import ChannelCount, Delivery, DeliveryState

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from monitor.adapters.store import SqlStore

_NO_CHANNELS = "No channel is configured: add one to `channels` of the configuration (docs/operate.md)."


def add_to(app: typer.Typer, epilog: str) -> None:
    """Add the groups of commands."""
    messages = typer.Typer(help="What was, is and is to be sent to whom.", invoke_without_command=True)
    messages.callback(epilog=epilog)(deliveries)
    messages.command(epilog=epilog)(retry)
    messages.command(epilog=epilog)(replay)
    receivers = typer.Typer(help="The receivers of alerts.", no_args_is_help=True)
    receivers.command("list", epilog=epilog)(channel_list)
    receivers.command("test", epilog=epilog)(channel_test)
    app.add_typer(messages, name="deliveries")
    app.add_typer(receivers, name="channels")


def deliver(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Send now what is due, once to every channel. Exit code 1 when something could not be sent."""
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    prepare_database(settings, parts.clock())
    log = service_log(settings)
    rounds = deliver_once(settings, parts, log)
    with reading_store(settings) as store:
        left = {one.channel: one.counts.get(DeliveryState.DUE, 0) for one in store.channel_counts()}
    if as_json:
        say_json({name: {**asdict(one), "due": left.get(name, 0)} for name, one in rounds.items()})
    elif not rounds:
        say(_NO_CHANNELS)
    else:
        say("\n".join(tables.round_lines(rounds) or ["Nothing was due."]))
        waiting = sum(left.get(name, 0) for name in rounds)
        if waiting:
            say(f"{waiting} message(s) wait: scarpwatch deliveries")
    raise typer.Exit(Exit.FAILED if any(one.errors for one in rounds.values()) else Exit.OK)


def deliver_once(settings: Settings, parts: Parts, log: "FilteringBoundLogger") -> dict[str, Round]:
    """One round of every channel."""
    from monitor.delivery_wiring import build_delivery
    from monitor.log_lines import log_delivery

    with closing(build_delivery(settings)) as delivery:
        return delivery.once(parts.clock, lambda event: log_delivery(log, event))


def deliveries(
    context: typer.Context,
    config: ConfigOption = None,
    channel: Annotated[str | None, typer.Option("--channel", help="Only this channel.")] = None,
    parked: Annotated[bool, typer.Option("--parked", help="Only what waits for a person, and why.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many at most, newest first.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """What was, is and is to be sent to whom, newest first."""
    if context.invoked_subcommand is not None:
        return
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    with reading_store(settings) as store:
        found = store.deliveries(channel, DeliveryState.PARKED if parked else None, limit=limit)
        counts = {one.channel: one for one in store.channel_counts()}
    if as_json:
        standing = {name: channel_json(one) for name, one in counts.items()}
        say_json({"channels": standing, "deliveries": [_delivery_json(one) for one in found]})
        return
    if not found:
        say("Nothing is parked." if parked else "Nothing was to be delivered yet.")
        return
    out().print(tables.delivery_table(found, parts.clock()))
    for line in tables.undelivered_lines(found):
        say(line)


def retry(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="CHANNEL|KEY", help="A channel, or one message by its key.")],
    config: ConfigOption = None,
) -> None:
    """Put what is parked back among what is due, after its cause was removed.

    Of a channel, what a later revision has overtaken is left out for good. A key sends that too, and ends a silence for
    it.
    """
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    with reading_store(settings) as store:
        done = store.retry_deliveries(name, parts.clock())
        if not done.due and not done.superseded:
            _refuse_unknown(name, settings, store)
    say(f"{done.due} message(s) of {name} are due again: scarpwatch deliver")
    if done.superseded:
        say(f"{done.superseded} older one(s) are left out: a later revision of the same alert has arrived.")
    raise typer.Exit(Exit.OK if done.due or done.superseded else Exit.FAILED)


def replay(
    context: typer.Context,
    channel: Annotated[str, typer.Argument(help="The channel.")],
    since: Annotated[
        datetime | None, typer.Option("--since", help="Only what was delivered at or after this time, UTC.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Send again what a channel acknowledged, under the same keys, for a receiver that lost it."""
    from monitor.cli.times import as_utc

    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    with reading_store(settings) as store:
        count = store.replay_deliveries(channel, as_utc(since), parts.clock())
        if not count:
            _refuse_unknown(channel, settings, store)
    say(f"{count} message(s) of {channel} are due again: scarpwatch deliver")
    raise typer.Exit(Exit.OK if count else Exit.FAILED)


def _no_channel(name: str, settings: Settings) -> str:
    return f"there is no channel {name!r}; configured: {', '.join(sorted(settings.channels)) or 'none'}"


def _refuse_unknown(name: str, settings: Settings, store: "SqlStore") -> None:
    """End where no channel has this name, or ever had, and no message of this key is as is asked."""
    if name in settings.channels or any(one.channel == name for one in store.channel_counts()):
        return
    if ":" in name:
        say(f"no message of the key {name!r} waits for that: scarpwatch deliveries")
    else:
        say(f"{_no_channel(name, settings)}: scarpwatch channels list")
    raise typer.Exit(Exit.FAILED)


def channel_list(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """The configured channels: where they lead, what they hear, what they took last and what waits. No secrets."""
    settings = settings_of(config, dict(os.environ))
    with reading_store(settings) as store:
        counts = {one.channel: one for one in store.channel_counts()}
        last = {name: store.last_delivered(name) for name in settings.channels}
    rows = {
        name: {
            "type": one.type,
            "target": one.target,
            "regions": list(one.regions),
            "tiers": [tier.value for tier in one.tiers],
            "last_delivered": time.isoformat() if (time := last[name]) else None,
            **(channel_json(counts[name]) if name in counts else dict.fromkeys(("due", "parked", "held"), 0)),
        }
        for name, one in settings.channels.items()
    }
    if as_json:
        say_json({"channels": rows})
    elif not rows:
        say(_NO_CHANNELS)
    for name, one in () if as_json else settings.channels.items():
        heard = f"{', '.join(one.regions) or 'all regions'}; {', '.join(one.tiers)}"
        time = last[name]
        taken = f"last delivered {time:%Y-%m-%d %H:%M} UTC" if time else "nothing delivered yet"
        waits = f"{rows[name]['due']} due, {rows[name]['parked']} parked"
        say(f"{name}: {one.type} {one.target}; {heard}; {taken}; {waits}")


def channel_test(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The channel.")],
    config: ConfigOption = None,
) -> None:
    """Send one message of status Test to a channel, and say what its receiver answers."""
    from monitor.core.delivery import trial_message
    from monitor.delivery_wiring import open_outlet
    from monitor.errors import Permanent, Transient

    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    chosen = settings.channels.get(name)
    if chosen is None:
        raise typer.BadParameter(_no_channel(name, settings), param_hint="NAME")
    now = parts.clock()
    try:
        detail = open_outlet(name, chosen, settings.alert_languages[0]).send([trial_message(name, now)], now)
    except (Transient, Permanent) as error:
        say(str(error).replace(", then run `scarpwatch deliveries retry`", ""))
        raise typer.Exit(Exit.FAILED) from error
    say(f"channel {name}: {detail}")


def channel_json(one: ChannelCount) -> dict[str, object]:
    """How a channel stands, for machines."""
    return {
        **{state.value: one.counts.get(state, 0) for state in DeliveryState},
        "failing": one.failing,
        "oldest_due": one.oldest_due.isoformat() if one.oldest_due else None,
    }


def _delivery_json(one: Delivery) -> dict[str, object]:
    plain = asdict(one) | {
        "escalation": one.escalation.why.value if one.escalation else None,
        "escalation_since": one.escalation.since if one.escalation else None,
    }
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in plain.items()}
