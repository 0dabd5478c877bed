"""CAP 1.2 (OASIS Common Alerting Protocol) of one revision of an alert.

    step                                          msgType  expires
    first that people hear                        Alert    when no such alert can still be open
    further, also grown, while the alert is open  Update   the same
    settled, ground-recovered, expired            Update   a day after it was sent; never AllClear
    refuted, dismissed-..., merged, rolled-back   Cancel   a day after it was sent

Update and Cancel reference every earlier message of the event. What one revision says never changes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from xml.etree import ElementTree as Xml

from monitor.core.addresses import GEOJSON_TYPE, PNG_TYPE, Addresses, quoted
from monitor.core.cap_outline import Outline, outline_text
from monitor.core.lifecycle import ALERT_STATES, LifecycleSettings
from monitor.core.next_pass import still_to_come
from monitor.core.severity import certainty, urgency
from monitor.core.telling import (
    description,
    digits,
    event_name,
    headline,
    instruction,
    is_taken_back,
    opening_rate,
    place,
)
from monitor.core.words import LANGUAGES, Words
from monitor.records import AlertStatus, Event, Revision

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_LANDSLIDE = ("OET:v1.2", "OET-119")
"""Landslide in the OASIS Event Terms List 1.2."""
_AFTER_THE_END = timedelta(days=1)
_LIFE = LifecycleSettings()
_LEAST_FOR_RINGS = 400
"""Bytes; a convex ring of a dozen corners."""


class MessageKind(StrEnum):
    """What a message does to those before it."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapSettings:
    """Who speaks, in which languages, and how long a message may be."""

    sender: str = "scarpwatch@localhost"
    """Names the operator to the world: an address or a domain of theirs. No spaces, commas, `<` or `&`."""
    sender_name: str = "Scarpwatch"
    """For people."""
    contact: str = ""
    languages: tuple[str, ...] = ("en",)
    """Tags of `core.words.LANGUAGES`; one <info> each."""
    addresses: Addresses | None = None
    """None: the message links nothing."""
    most_bytes: int = 65_536
    """Outlines are simplified until the document fits."""
    longest_open: timedelta = _LIFE.longest + _LIFE.expire_after
    """Since its opening. After the first part an alert ends at the next look, and without one after the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapMessage:
    """One document."""

    identifier: str
    kind: MessageKind
    xml: bytes
    tolerance_m: float
    """How far its outlines may lie from the ground."""


def cap_message(revision: Revision, settings: CapSettings) -> CapMessage:
    """The CAP document of a revision, UTF-8, valid against the schema of OASIS, of `most_bytes` at most.

    Raises:
        KeyError: a language that `core.words` does not have.
    """
    bare = _document(revision, settings, Outline(rings=("",), tolerance_m=0.0))
    budget = (settings.most_bytes - len(bare)) // max(1, len(settings.languages))
    outline = outline_text(revision.event.geometry, max(budget * 8 // 10, _LEAST_FOR_RINGS))
    return CapMessage(
        identifier=identifier(revision.event.id, revision.sequence),
        kind=message_kind(revision),
        xml=_document(revision, settings, outline),
        tolerance_m=outline.tolerance_m,
    )


def identifier(event_id: str, sequence: int) -> str:
    """Stable and the sender's only one; without the characters that CAP forbids."""
    return f"{quoted(event_id)}.{sequence}"


def message_kind(revision: Revision) -> MessageKind:
    """What the revision does to those before it."""
    if not revision.earlier:
        return MessageKind.ALERT
    if is_taken_back(revision.step.state, revision.step.reason):
        return MessageKind.CANCEL
    return MessageKind.UPDATE


def cap_time(time: datetime) -> str:
    """`2018-09-08T01:20:30-00:00`: CAP wants an offset in numbers, and of UTC this one (1.2, 3.3.2)."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S}-00:00"


def cap_status(event: Event) -> str:
    """Actual only when the alert was released; before, the same message is a Draft: CAP's word for "not to act on"."""
    if event.status is AlertStatus.ACTUAL:
        return "Actual" if event.released else "Draft"
    return event.status.value.capitalize()


def cap_words(event: Event) -> tuple[str, str, str]:
    """Urgency, severity and certainty, by the tables of `core.severity`."""
    grave = event.context.severity.value if event.context is not None else "unknown"
    return urgency(event).value.capitalize(), grave.capitalize(), certainty(event).value.capitalize()


def visible(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold; each becomes U+FFFD."""
    return "".join(one if _is_xml(ord(one)) else "�" for one in text)


def _is_xml(code: int) -> bool:
    return code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def _document(revision: Revision, settings: CapSettings, outline: Outline) -> bytes:
    event = revision.event
    alert = Xml.Element("alert", xmlns=NAMESPACE)
    sender = _token(settings.sender)
    _add(alert, "identifier", identifier(event.id, revision.sequence))
    _add(alert, "sender", sender)
    _add(alert, "sent", cap_time(revision.sent))
    _add(alert, "status", cap_status(event))
    _add(alert, "msgType", message_kind(revision).value)
    _add(alert, "source", f"Scarpwatch, {event.region}")
    _add(alert, "scope", "Public" if event.released else "Restricted")
    first = LANGUAGES[settings.languages[0]]
    if not event.released:
        _add(alert, "restriction", first.restriction)
    if event.status is not AlertStatus.ACTUAL:
        _add(alert, "note", first.status[event.status.value])
    if revision.earlier:
        said = (f"{sender},{identifier(event.id, one.sequence)},{cap_time(one.sent)}" for one in revision.earlier)
        _add(alert, "references", " ".join(said))
    if event.storm:
        _add(alert, "incidents", quoted(event.storm))
    for language in settings.languages:
        _info(alert, revision, settings, LANGUAGES[language], outline)
    document: bytes = Xml.tostring(alert, encoding="utf-8", xml_declaration=True)
    return document


def _info(alert: Xml.Element, revision: Revision, settings: CapSettings, words: Words, outline: Outline) -> None:
    event, reason = revision.event, revision.step.reason
    info = _add(alert, "info")
    _add(info, "language", next(tag for tag, one in LANGUAGES.items() if one is words))
    _add(info, "category", "Geo")
    _add(info, "event", event_name(event, words))
    _add(info, "responseType", "Assess" if event.state in ALERT_STATES else "None")
    for name, word in zip(("urgency", "severity", "certainty"), cap_words(event), strict=True):
        _add(info, name, word)
    code = _add(info, "eventCode")
    _add(code, "valueName", _LANDSLIDE[0])
    _add(code, "value", _LANDSLIDE[1])
    _add(info, "effective", cap_time(revision.sent))
    _add(info, "onset", cap_time(event.window_start))
    _add(info, "expires", cap_time(_expires(revision, settings)))
    _add(info, "senderName", settings.sender_name)
    _add(info, "headline", headline(event, words, reason))
    expected = event.context.next_passes if event.context is not None else ()
    _add(info, "description", description(event, words, still_to_come(expected, revision.sent)))
    _add(info, "instruction", instruction(event, words, reason))
    if settings.addresses:
        _add(info, "web", settings.addresses.page(event.id))
    if settings.contact:
        _add(info, "contact", settings.contact)
    for name, value in _parameters(revision, outline).items():
        parameter = _add(info, "parameter")
        _add(parameter, "valueName", name)
        _add(parameter, "value", value)
    if settings.addresses:
        _resources(info, event, settings.addresses, words)
    area = _add(info, "area")
    _add(area, "areaDesc", place(event, words))
    for ring in outline.rings:
        _add(area, "polygon", ring)


def _expires(revision: Revision, settings: CapSettings) -> datetime:
    """Never while the alert is open: nobody tells it anew only because time passes."""
    if revision.event.state not in ALERT_STATES:
        return revision.sent + _AFTER_THE_END
    opened = min((step.at for step in revision.event.transitions), default=revision.sent)
    # The looks of what is processed late are old: from today on it stays open for so long without a further one.
    return max(opened + settings.longest_open, revision.sent + _LIFE.expire_after)


def _parameters(revision: Revision, outline: Outline) -> dict[str, str]:
    """What programs read; the names are promises (docs/alerts.md)."""
    event, rate = revision.event, opening_rate(revision.event)
    values = {
        "event_id": event.id,
        "revision": str(revision.sequence),
        "state": event.state.value,
        "reason": revision.step.reason,
        "tier": event.tier.value,
        "confidence": event.confidence,
        "area_ha": digits(event.area_ha, 3),
        "slope_deg": digits(event.slope_deg, 1),
        "detector": event.detector.value,
        "model_version": event.model_version,
        "failure_window": f"{cap_time(event.window_start)}/{cap_time(event.window_end)}",
        "polygon_tolerance_m": f"{outline.tolerance_m:.1f}",
    }
    if rate is not None:
        values["false_events_per_1000km2_year"] = f"{rate:.3g}"
    if event.storm:
        values["storm"] = event.storm
    if event.split_from:
        values["split_from"] = event.split_from
    if event.took_in:
        values["took_in"] = ",".join(event.took_in)
    if event.context is not None:
        values["severity_reason"] = event.context.severity_reason
    return values


def _resources(info: Xml.Element, event: Event, addresses: Addresses, words: Words) -> None:
    found = [(words.evidence, GEOJSON_TYPE, addresses.evidence(event.id))]
    if event.picture:
        found.insert(0, (words.picture, PNG_TYPE, addresses.picture(event.id)))
    for said, kind, uri in found:
        resource = _add(info, "resource")
        _add(resource, "resourceDesc", said)
        _add(resource, "mimeType", kind)
        _add(resource, "uri", uri)


def _add(parent: Xml.Element, name: str, text: str | None = None) -> Xml.Element:
    child = Xml.SubElement(parent, name)
    if text is not None:
        child.text = visible(text)
    return child


def _token(text: str) -> str:
    """A sender as CAP allows it."""
    return "".join("_" if one.isspace() or one in ",<&" else one for one in text)
