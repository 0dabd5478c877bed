"""Messages in plain words, for people: one for all revisions of a storm, worst first.

Names in them come from files of others. Control characters and what e-mail, chat and HTML would take for markup are
replaced, so that a name can neither break a message nor hide something in it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from shapely.errors import ShapelyError
from shapely.geometry import shape

from monitor.core import context_words, exposure
from monitor.core.addresses import Addresses
from monitor.core.context_json import context_from_json
from monitor.core.delivery import WARNING, is_trial, tier_of
from monitor.core.notice_words import NOTICES, NoticeWords
from monitor.core.ranking import place
from monitor.core.telling import headline, instruction, moment, paragraphs, status_word, unseen
from monitor.core.words import LANGUAGES, Words
from monitor.records import (
    AlertStatus,
    Detector,
    Escalation,
    Event,
    EventContext,
    Message,
    MessageKind,
    Unanswered,
)

_MOST_PLACES = 20
_MOST_CHARACTERS = 300
_LONGEST_LINE = 1500
_ENDED = frozenset({"refuted", "closed", "expired"})
_HARMLESS = str.maketrans(
    {"<": "‹", ">": "›", "[": "(", "]": ")", "`": "'", "*": "·", "~": "-", "|": "/", "\\": "/", "@": "(at)", "&": "+"}
)
Payload = Mapping[str, object]


def plain(text: object, most: int = _MOST_CHARACTERS) -> str:
    """Text of others on one line, without control characters and markup, so many characters at most."""
    printable = "".join(one if one.isprintable() else " " for one in str(text))
    return " ".join(printable.translate(_HARMLESS).split())[:most]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """How a message is told: in which words, and where its readers find more."""

    words: Words
    around: NoticeWords
    """What stands around the alerts."""
    links: Addresses | None


def notice(messages: Sequence[Message], language: str = "en", links: Addresses | None = None) -> tuple[str, str]:
    """Title and body of one message that tells all of these; the newest revision of each event stands for it.

    Args:
        messages: of one channel.
        language: one of `core.words`. What another version wrote is told in English, in fewer words.
        links: where alerts are found on the web; None: nothing leads there.
    """
    told = _Told(words=LANGUAGES[language], around=NOTICES[language], links=links)
    if all(one.kind is MessageKind.ALIVE for one in messages):
        return _signs_of_life(messages, told)
    newest = {one.event_id or "": one for one in sorted(messages, key=lambda one: one.sequence)}
    worst = sorted(newest.values(), key=_badness)
    body = []
    unanswered = [one.escalation for one in messages if one.escalation is not None]
    if unanswered:
        body.append(_unanswered(min(unanswered, key=lambda one: one.since), told))
    body += _list(worst, told) if len(worst) > 1 else _alone(worst[0], told)
    if any(one.waited_for_limit for one in messages):
        body.append(told.around.limited)
    if any(one.held_back for one in messages):
        body.append(told.around.silenced)
    if any(one.replays for one in messages):
        body.append(told.around.replayed)
    return (f"{told.around.unanswered}: " if unanswered else "") + _title(worst, told), "\n".join(body)


def _unanswered(escalation: Escalation, told: _Told) -> str:
    words = {
        Unanswered.UNACKNOWLEDGED: told.around.unacknowledged,
        Unanswered.UNTOLD: told.around.untold,
    }[escalation.why]
    return words.format(since=moment(escalation.since))


def _list(worst: Sequence[Message], told: _Told) -> list[str]:
    """Several alerts, each in short, and where all of them are found."""
    storms = sorted({plain(one.payload["storm"]) for one in worst if one.payload.get("storm")})
    named = f" ({', '.join(storms)})" if storms else ""
    lines = [told.around.head.format(count=len(worst), storms=named)]
    if told.links is not None:
        one_storm = {str(one.payload.get("storm") or "") for one in worst}
        alone = next(iter(one_storm)) if len(one_storm) == 1 else ""
        address = told.links.situation(alone) if alone else told.links.home()
        lines.append(told.around.listed.format(address=address))
    for rank, message in enumerate(worst[:_MOST_PLACES], start=1):
        lines += _short(message, f"{rank}. ", told)
    if len(worst) > _MOST_PLACES:
        lines.append(told.around.more.format(count=len(worst) - _MOST_PLACES))
    some = next((one.event for one in worst if one.event is not None), None)
    return lines if some is None else [*lines, plain(instruction(some, told.words), _LONGEST_LINE)]


def _short(message: Message, mark: str, told: _Told) -> list[str]:
    event = message.event
    if event is None:
        return _place(message, mark) + _links(message, told)[:1]
    lines = [
        plain(f"{mark}{headline(event, told.words, _reason(message))}"),
        told.words.window.format(start=moment(event.window_start), end=moment(event.window_end)),
        _point(message.payload),
        _surroundings(event, told),
        unseen(event, told.words),
    ]
    told_here = [lines[0], *(f"   {plain(line)}" for line in lines[1:] if line)]
    return [*told_here, *(f"   {line}" for line in (*_links(message, told)[:1], _number_of(message, told)))]


def _surroundings(event: Event, told: _Told) -> str:
    around = context_words.told(event)
    return told.words.around.format(around=around) if around else ""


def _alone(message: Message, told: _Told) -> list[str]:
    """One alert, in full."""
    event = message.event
    if event is None:
        return _place(message, "") + _links(message, told)
    lines = paragraphs(event, told.words)
    if event.context is not None:
        level = told.around.severities[event.context.severity.value]
        lines.append(told.around.severity.format(level=level, reason=event.context.severity_reason))
    detail = ". ".join(filter(None, (_reason(message), str(message.payload.get("detail") or ""))))
    lines += [told.around.why.format(reason=detail.rstrip(".")), instruction(event, told.words, _reason(message))]
    said = [plain(line, _LONGEST_LINE) for line in lines]
    return [*said, *_links(message, told), _number_of(message, told)]


def _links(message: Message, told: _Told) -> list[str]:
    """Where an alert is read and answered, its message for programs, and its picture."""
    if told.links is None or message.event_id is None or is_trial(message):
        return []
    found = [
        told.around.page.format(address=told.links.page(message.event_id)),
        told.around.cap.format(address=told.links.cap(message.event_id, message.sequence)),
    ]
    if message.payload.get("picture"):
        found.append(told.around.picture.format(address=told.links.picture(message.event_id)))
    return found


def _reason(message: Message) -> str:
    return str(message.payload.get("reason") or "")


def _number_of(message: Message, told: _Told) -> str:
    return told.around.number.format(event=plain(message.event_id), revision=message.sequence)


def unanswered_words(escalation: Escalation) -> str:
    """Why a channel hears of an alert that nobody has answered, for programs."""
    what = {
        Unanswered.UNACKNOWLEDGED: "Nobody has acknowledged it since",
        Unanswered.UNTOLD: "No channel could be told of it, and nobody has acknowledged it, since",
    }[escalation.why]
    return f"{what} {escalation.since:%Y-%m-%d %H:%M} UTC"


def _signs_of_life(messages: Sequence[Message], told: _Told) -> tuple[str, str]:
    """One message of all regions, those that are not well first, each in all its languages."""
    ordered = sorted(messages, key=lambda one: (bool(one.payload.get("well")), str(one.payload.get("region"))))
    contents = [cast("Mapping[str, Mapping[str, str]]", one.payload["texts"]) for one in ordered]
    titles = [plain(next(iter(texts.values()))["title"]) for texts in contents]
    more = f" (+{len(titles) - 1})" if len(titles) > 1 else ""
    parts = [f"{plain(text['title'])}\n{_lines(text['body'])}" for texts in contents for text in texts.values()]
    if any(one.replays for one in messages):
        parts.append(told.around.replayed)
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


def _title(worst: Sequence[Message], told: _Told) -> str:
    payloads = [one.payload for one in worst]
    statuses = sorted({str(one.get("status", AlertStatus.ACTUAL)) for one in payloads})
    names = [plain(status_word(status, told.words)) for status in statuses]
    mark = "" if statuses == [AlertStatus.ACTUAL] else f"{' + '.join(names)}: "
    first = worst[0]
    event = first.event
    line = _headline(first.payload) if event is None else plain(headline(event, told.words, _reason(first)))
    if len(worst) == 1:
        return line
    regions = ", ".join(sorted({plain(one.get("region", "")) for one in payloads}))
    return mark + told.around.many.format(count=len(worst), regions=regions, headline=line)


def _headline(payload: Payload) -> str:
    """Of an alert of which only the payload is known."""
    status = str(payload.get("status", AlertStatus.ACTUAL))
    mark = "" if status == AlertStatus.ACTUAL else f"{plain(status).upper()}: "
    region = plain(payload.get("region", ""))
    if _has_ended(payload):
        return f"{mark}Landslide alert ended, {region}"
    kind = "warning" if tier_of(payload) == WARNING else "watch"
    return f"{mark}Landslide {kind}, {region}: {_hectares(payload)}, {plain(payload.get('state', ''))}"


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
    lines.append(f"   event {plain(message.event_id)}, revision {message.sequence}")
    return lines


def _where(payload: Payload) -> str:
    where = _point(payload) or "an unknown place"
    around = _around(payload)
    name = "" if around is None or around.exposure is None else plain(exposure.located(around.exposure))
    return f"{name} ({where})" if name else where


def _point(payload: Payload) -> str:
    """Latitude and longitude; empty where they are not known."""
    try:
        point = shape(cast("dict[str, object]", payload["geometry"])).representative_point()
    except (KeyError, TypeError, AttributeError, ValueError, ShapelyError):
        return ""
    return f"{point.y:.5f}, {point.x:.5f}"


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
