"""One event in plain text: its place, its life, what looks and people said."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from monitor.cli.geojson import has_picture
from monitor.core import context_words
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.severity import certainty, urgency
from monitor.core.telling import deed, deeds, opening_rate
from monitor.records import Action, Detector, Event, Evidence, NextPass, Transition

_TIME = "%Y-%m-%d %H:%M"


def event_lines(event: Event, products: Path, coming: Sequence[NextPass] = ()) -> list[str]:
    """All there is to say about an event, oldest first; steps are numbered as `--seen` wants them.

    Args:
        coming: the passes over its region that are expected now, earliest first.
    """
    place = event.geometry.representative_point().bounds
    head = [
        f"{event.id}: {_standing(event)}",
        _ground(event, f"{place[1]:.5f}, {place[0]:.5f}"),
        f"  failed between {event.window_start:{_TIME}} and {event.window_end:{_TIME}} UTC"
        + (f"; grouped under {event.storm}" if event.storm else ""),
        f"  confidence {event.confidence}: {event.confidence_reason}",
    ]
    head += _surroundings(event, coming)
    head += _rates(event)
    if event.split_from:
        head.append(f"  what remained of {event.split_from}")
    if event.picture and has_picture(event, products):
        head.append(f"  picture: {products / event.picture}")
    return [*head, "Steps", *_steps(event.transitions), "Looks", *_looks(event), *_people(event)]


def _rates(event: Event) -> Iterator[str]:
    """How often quiet ground does the like; of what later looks support, also how often it does and holds."""
    rate = opening_rate(event)
    if rate is None:
        return
    ground = "simulated quiet ground" if event.rate_simulated else "quiet ground"
    yield f"  {ground} does so at a first look about {rate:.3g} times per 1,000 km² and year"
    if event.rate is not None and event.rate != rate:
        yield f"  and so that a later look supports it about {event.rate:.3g} times"


def _ground(event: Event, at: str) -> str:
    if event.detector is Detector.TILE:
        return f"  hazard probability rose in a tile of {event.area_ha:.0f} ha at {at}; no outline"
    return f"  {event.area_ha:.2f} ha at {at}, slopes up to {event.slope_deg:.0f}°"


def _surroundings(event: Event, coming: Sequence[NextPass]) -> Iterator[str]:
    """Severity with its reason, what CAP says, and what surrounds it; nothing of an event without context."""
    if event.context is not None:
        yield f"  severity {event.context.severity}: {event.context.severity_reason}"
        yield f"  urgency {urgency(event)}, certainty {certainty(event)}"
        yield f"  {context_words.told(event, coming)}"


def _standing(event: Event) -> str:
    standing = f"{event.state.value}, {event.status.value}"
    if event.state in ALERT_STATES:
        standing += f", {event.tier.value}"
    return standing + (", released to the public" if event.released else "")


def _steps(steps: tuple[Transition, ...]) -> Iterator[str]:
    for number, step in enumerate(steps):
        who = f" by {step.by}" if step.by else ""
        detail = f": {step.detail}" if step.detail else ""
        yield f"  {number}. {step.at:{_TIME}} {step.state.value} ({step.reason}{who}){detail}"


def _looks(event: Event) -> Iterator[str]:
    for piece in sorted(event.evidence, key=lambda one: one.sensing_time):
        yield f"  {piece.sensing_time:{_TIME}} {_said(piece)}"


def _said(piece: Evidence) -> str:
    taken_back = " (taken back)" if piece.withdrawn else ""
    return f"{piece.detector.value} {piece.verdict.value}{taken_back}: {piece.detail}"


def _people(event: Event) -> list[str]:
    done = [one for one in deeds(event) if one.by]
    return ["People", *map(_did, done)] if done else []


def _did(action: Action) -> str:
    return f"  {action.at:{_TIME}} {action.by} {deed(action)}" + (f": {action.text}" if action.text else "")
