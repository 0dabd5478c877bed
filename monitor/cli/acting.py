"""What people do with an alert: say that they have seen it, what it is, and who may hear of it."""

import getpass
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.event_text import event_lines
from monitor.cli.exits import TABLE, Exit
from monitor.cli.geojson import alert_collection
from monitor.cli.parts import ConfigOption, JsonOption, Parts, acting_store, reading_store, say, say_json, settings_of
from monitor.core.lifecycle import ACKNOWLEDGED, ALERT_STATES, CONFIRMED_IN_FIELD, RELEASED
from monitor.core.next_pass import MEMORY, next_passes
from monitor.core.standing import waiting
from monitor.errors import Refused
from monitor.records import Action, ActionKind, DismissalReason, Event

if TYPE_CHECKING:
    from monitor.adapters.store import SqlStore

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Of the alert, as `scarpwatch alerts` lists it.")]
ByOption = Annotated[
    str | None, typer.Option("--by", help="Who does it; default: the user of this machine.", envvar="SCARPWATCH_BY")
]
TextOption = Annotated[str, typer.Option("--text", "-t", help="Words for others, kept with the alert.")]
SeenOption = Annotated[
    int | None,
    typer.Option("--seen", min=0, help="Number of the newest step you know; refused if others came since."),
]

_REASONS = {
    ActionKind.ACKNOWLEDGE: ACKNOWLEDGED,
    ActionKind.CONFIRM: CONFIRMED_IN_FIELD,
    ActionKind.RELEASE: RELEASED,
}
"""Of the step that each makes, once."""
_CONFIRM = "Say that the landslide was seen from the ground or the air, also of an event that had ended."
_RELEASE = (
    "Let an alert go to the public: its messages carry the scope Public from then on. "
    "(Parked acquisitions are put back into the queue by `scarpwatch release`.)"
)


def add_commands(app: typer.Typer) -> None:
    """Add them below `scarpwatch alerts`."""
    app.command("show", epilog=TABLE)(show)
    app.command("ack", epilog=TABLE)(acknowledge)
    app.command("dismiss", epilog=TABLE)(dismiss)
    app.command("confirm", epilog=TABLE, help=_CONFIRM)(_deed(ActionKind.CONFIRM))
    app.command("comment", epilog=TABLE)(comment)
    app.command("release", epilog=TABLE, help=_RELEASE)(_deed(ActionKind.RELEASE))


def show(context: typer.Context, alert: IdArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """One alert with every step of its life, what looks said of it, and what people did."""
    settings = settings_of(config, dict(os.environ))
    now = context.ensure_object(Parts).clock()
    with reading_store(settings) as store:
        event = store.known_event(alert)
        coming = next_passes(store.passes(event.region, now - MEMORY, now), now, settings.fleet)
    if as_json:
        say_json(alert_collection([event], [], settings.products, {event.region: coming}), compact=True)
    else:
        say("\n".join(event_lines(event, settings.products, coming)))


def _deed(kind: ActionKind) -> Callable[..., None]:
    """The command of what needs no reason."""

    def deed(
        context: typer.Context,
        alert: IdArgument,
        by: ByOption = None,
        text: TextOption = "",
        seen: SeenOption = None,
        config: ConfigOption = None,
    ) -> None:
        _act(context, alert, kind, by, text, seen, config)

    return deed


def acknowledge(
    context: typer.Context,
    alerts: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Of the alerts, as `scarpwatch alerts` lists them.")
    ] = None,
    storm: Annotated[
        str | None, typer.Option("--storm", metavar="ID", help="All its open alerts that wait for an answer.")
    ] = None,
    by: ByOption = None,
    text: TextOption = "",
    seen: SeenOption = None,
    config: ConfigOption = None,
) -> None:
    """Say that you have seen alerts and look after them: nobody else is called for them."""
    wanted = list(dict.fromkeys(alerts or []))
    if bool(wanted) == bool(storm):
        raise typer.BadParameter("give the ids of alerts, or --storm", param_hint="ID")
    if seen is not None and len(wanted) != 1:
        raise typer.BadParameter("it is about one alert: give one id", param_hint="--seen")
    if len(wanted) == 1:
        _act(context, wanted[0], ActionKind.ACKNOWLEDGE, by, text, seen, config)
        return
    settings, now = settings_of(config, dict(os.environ)), context.ensure_object(Parts).clock()
    action = Action(at=now, by=who(by), kind=ActionKind.ACKNOWLEDGE, text=text)
    refused = False
    with acting_store(settings, now) as store:
        steps: dict[str, int | None] = dict(_waiting(store, storm)) if storm else dict.fromkeys(wanted)
        for alert, step in steps.items():
            try:
                say(_told(store.act(alert, action, now, step), action.kind))
            except Refused as error:
                refused = True
                say(f"! {error}")
    if not steps:
        say(f"{storm}: no open alert of it waits for an answer")
    if refused:
        raise typer.Exit(Exit.FAILED)


def _waiting(store: "SqlStore", storm: str) -> dict[str, int]:
    """The open alerts of a storm that wait for an answer, worst first, each with the number of its newest step.

    Raises:
        Refused: no alert is of such a storm.
    """
    from monitor.adapters.store.listing import AlertLists, Wanted

    lists = AlertLists(store.database)
    if not lists.count(Wanted(storm=storm)):
        remedy = "`scarpwatch alerts` names the storm of each alert."
        raise Refused("no alert is of a storm of this name", item=storm, remedy=remedy, reason="unknown-storm")
    names = [key.place.event_id for key in lists.keys(Wanted(storm=storm, states=ALERT_STATES))]
    found = lists.alerts(names)
    return waiting(found[name].event for name in names if name in found)


def dismiss(
    context: typer.Context,
    alert: IdArgument,
    reason: Annotated[DismissalReason, typer.Option("--reason", help="What it is instead.")],
    by: ByOption = None,
    text: TextOption = "",
    seen: SeenOption = None,
    config: ConfigOption = None,
) -> None:
    """End an alert that is no landslide. Receivers are told; its ground raises none again for half a year."""
    _act(context, alert, ActionKind.DISMISS, by, text, seen, config, reason.value)


def comment(
    context: typer.Context,
    alert: IdArgument,
    words: Annotated[str, typer.Argument(metavar="[TEXT]", help="Words for others; or give --text.")] = "",
    by: ByOption = None,
    text: TextOption = "",
    config: ConfigOption = None,
) -> None:
    """Keep words with an alert."""
    if bool(words) == bool(text):
        raise typer.BadParameter("give the words once: scarpwatch alerts comment ID TEXT", param_hint="TEXT")
    _act(context, alert, ActionKind.COMMENT, by, words or text, None, config)


def _act(
    context: typer.Context,
    alert: str,
    kind: ActionKind,
    by: str | None,
    text: str,
    seen: int | None,
    config: ConfigOption,
    reason: str = "",
) -> None:
    parts = context.ensure_object(Parts)
    settings = settings_of(config, dict(os.environ))
    now = parts.clock()
    action = Action(at=now, by=who(by), kind=kind, reason=reason, text=text)
    with acting_store(settings, now) as store:
        event = store.act(alert, action, now, seen)
    say(_told(event, kind))


def who(by: str | None) -> str:
    """Who does it: as said, else the user of this machine."""
    return by or getpass.getuser()


def _told(event: Event, kind: ActionKind) -> str:
    """What came of what was just done: a step of its own, or a note beside what somebody had done before."""
    mine = max(event.actions, key=lambda one: one.at)
    stands = f"it is {event.state.value}"
    own = next((step for step in event.transitions if (step.at, step.by) == (mine.at, mine.by)), None)
    if own is not None:
        return f"{event.id}: {own.reason} by {own.by}; {stands} ({event.tier.value})"
    earlier = next((step for step in event.transitions if step.by and step.reason == _REASONS.get(kind)), None)
    if earlier is None:
        return f"{event.id}: noted; {stands}"
    again = "again" if earlier.by == mine.by else "as well"
    return (
        f"{event.id}: already {earlier.reason} by {earlier.by} at {earlier.at:%Y-%m-%d %H:%M} UTC; "
        f"noted for {mine.by} {again}; {stands} ({event.tier.value})"
    )
