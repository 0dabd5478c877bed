"""Messages in plain words, for people: one for all revisions of a storm, worst first.

Names in them come from files of others. Control characters and what e-mail, chat and HTML would take for markup are
replaced, so that a name can neither break a message nor hide something in it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import cast

from shapely.errors import ShapelyError
from shapely.geometry import shape

from monitor.core import exposure
from monitor.core.context_json import context_from_json
from monitor.core.delivery import WARNING, tier_of
from monitor.core.ranking import place
from monitor.records import (
    AlertStatus,
    Detector,
    Escalation,
    EventContext,
    Message,
    MessageKind,
    Unanswered,
)

_MOST_PLACES = 20
_MOST_CHARACTERS = 300
_ENDED = frozenset({"refuted", "closed", "expired"})
_HARMLESS = str.maketrans(
    {"<": "‹", ">": "›", "[": "(", "]": ")", "`": "'", "*": "·", "~": "-", "|": "/", "\\": "/", "@": "(at)", "&": "+"}
)
Payload = Mapping[str, object]


def plain(text: object) -> str:
    """Text of others on one line, without control characters and markup, 300 characters at most."""
    printable = "".join(one if one.isprintable() else " " for one in str(text))
    return " ".join(printable.translate(_HARMLESS).split())[:_MOST_CHARACTERS]


def notice(messages: Sequence[Message]) -> tuple[str, str]:
    """Title and body of one message that tells all of these; the newest revision of each event stands for it."""
    if all(one.kind is MessageKind.ALIVE for one in messages):
        return _signs_of_life(messages)
    newest = {one.event_id or "": one for one in sorted(messages, key=lambda one: one.sequence)}
    worst = sorted(newest.values(), key=_badness)
    body = [_head(worst)] if len(worst) > 1 else []
    unanswered = [one.escalation for one in messages if one.escalation is not None]
    if unanswered:
        body.insert(0, f"{unanswered_words(min(unanswered, key=lambda one: one.since))}.")
    for rank, message in enumerate(worst[:_MOST_PLACES], start=1):
        body += _place(message, f"{rank}. " if len(worst) > 1 else "")
    if len(worst) > _MOST_PLACES:
        body.append(f"and {len(worst) - _MOST_PLACES} more: scarpwatch alerts")
    if any(one.waited_for_limit for one in messages):
        body.append("Held back until now: the limit of this channel was reached.")
    if any(one.replays for one in messages):
        body.append("Sent again on demand.")
    return ("NOT ACKNOWLEDGED: " if unanswered else "") + _title(worst), "\n".join(body)


def unanswered_words(escalation: Escalation) -> str:
    """Why a channel hears of an alert that nobody has answered."""
    what = {
        Unanswered.UNACKNOWLEDGED: "Nobody has acknowledged it since",
        Unanswered.UNTOLD: "No channel could be told of it, and nobody has acknowledged it, since",
    }[escalation.why]
    return f"{what} {escalation.since:%Y-%m-%d %H:%M} UTC"


def _signs_of_life(messages: Sequence[Message]) -> tuple[str, str]:
    """One message of all regions, those that are not well first, each in all its languages."""
    ordered = sorted(messages, key=lambda one: (bool(one.payload.get("well")), str(one.payload.get("region"))))
    told = [cast("Mapping[str, Mapping[str, str]]", one.payload["texts"]) for one in ordered]
    titles = [plain(next(iter(texts.values()))["title"]) for texts in told]
    more = f" (+{len(titles) - 1})" if len(titles) > 1 else ""
    parts = [f"{plain(text['title'])}\n{_lines(text['body'])}" for texts in told for text in texts.values()]
    if any(one.replays for one in messages):
        parts.append("Sent again on demand.")
    return titles[0] + more, "\n\n".join(parts)


def _lines(text: str) -> str:
    return "\n".join(plain(line) for line in text.splitlines())


def _badness(message: Message) -> tuple[bool, float, str]:
    payload = message.payload
    around, strength = _around(payload), _number(payload, "strength") or 0.0
    severity = None if around is None else around.severity
    warning = tier_of(payload) == WARNING
    rank = place(warning=warning, tile=_is_tile(payload), severity=severity, strength=strength)
    return _has_ended(payload), rank, message.event_id or ""


def _title(worst: Sequence[Message]) -> str:
    payloads = [one.payload for one in worst]
    statuses = {str(one.get("status", AlertStatus.ACTUAL)) for one in payloads}
    mark = "" if statuses == {AlertStatus.ACTUAL} else f"{' and '.join(sorted(statuses)).upper()}: "
    regions = ", ".join(sorted({plain(one.get("region", "")) for one in payloads}))
    first = payloads[0]
    if all(map(_has_ended, payloads)):
        return f"{mark}Landslide alert ended, {regions}" + (f": {len(worst)} places" if len(worst) > 1 else "")
    kind = "warning" if any(tier_of(one) == WARNING for one in payloads) else "watch"
    if len(worst) == 1:
        return f"{mark}Landslide {kind}, {regions}: {_hectares(first)}, {plain(first.get('state', ''))}"
    return f"{mark}Landslide {kind}, {regions}: {len(worst)} places, worst {_hectares(first)}"


def _head(worst: Sequence[Message]) -> str:
    storms = sorted({plain(one.payload["storm"]) for one in worst if one.payload.get("storm")})
    of_storm = f" of {', '.join(storms)}" if storms else ""
    return f"{len(worst)} places{of_storm}, worst first:"


def _place(message: Message, mark: str) -> list[str]:
    payload = message.payload
    status = str(payload.get("status", AlertStatus.ACTUAL))
    told = "" if status == AlertStatus.ACTUAL else f"{status.upper()}, "
    around = _around(payload)
    lines = [
        f"{mark}{told}{_hectares(payload)} at {_where(payload)}: {tier_of(payload)}, {plain(payload.get('state', ''))}",
        f"   failed between {_day(payload, 'window_start')} and {_day(payload, 'window_end')} (UTC)",
        f"   confidence {plain(payload.get('confidence', 'unknown'))}: {plain(payload.get('confidence_reason', ''))}",
        f"   why now: {plain(payload.get('reason', ''))}. {plain(payload.get('detail', ''))}".rstrip(". "),
    ]
    if around is not None:
        lines.append(f"   severity {around.severity.value}: {plain(around.severity_reason)}")
    if around is not None and around.exposure is not None and (near := exposure.told(around.exposure)):
        lines.append(f"   {plain(near)}")
    if payload.get("picture"):
        lines.append(f"   picture: {plain(payload['picture'])}")
    lines.append(f"   event {plain(message.event_id)}, revision {message.sequence}")
    return lines


def _where(payload: Payload) -> str:
    try:
        point = shape(cast("dict[str, object]", payload["geometry"])).representative_point()
        where = f"{point.y:.5f}, {point.x:.5f}"
    except (KeyError, TypeError, AttributeError, ValueError, ShapelyError):
        where = "an unknown place"
    around = _around(payload)
    name = "" if around is None or around.exposure is None else plain(exposure.located(around.exposure))
    return f"{name} ({where})" if name else where


def _around(payload: Payload) -> EventContext | None:
    """What surrounds the event; None where that is not known."""
    context = payload.get("context")
    if not isinstance(context, Mapping):
        return None
    try:
        return context_from_json(context)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None  # written by another version: the message goes without


def _has_ended(payload: Payload) -> bool:
    return payload.get("state") in _ENDED


def _is_tile(payload: Payload) -> bool:
    """Whether it is of a whole tile, of which no outline is known."""
    return payload.get("detector") == Detector.TILE


def _hectares(payload: Payload) -> str:
    area = _number(payload, "area_ha")
    if _is_tile(payload):
        return "hazard probability rose in a tile" + ("" if area is None else f" of {area:.0f} ha") + ", no outline"
    return "unknown size" if area is None else f"{area:.2f} ha"


def _number(payload: Payload, name: str) -> float | None:
    value = payload.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _day(payload: Payload, name: str) -> str:
    return plain(payload.get(name, "an unknown day"))[:10]
