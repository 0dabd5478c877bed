"""Feeds of alerts: GeoJSON by region, tier and time, and an Atom index of CAP messages.

Ids are promises (docs/api.md): a feature's id is its event's, an entry's that of one message, never used again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from xml.etree import ElementTree as Xml

from monitor.core.addresses import ATOM_TYPE, CAP_TYPE, GEOJSON_TYPE, HTML_TYPE, PNG_TYPE, Addresses, quoted
from monitor.core.cap import identifier, visible
from monitor.core.geojson import Json, alert_feature
from monitor.core.telling import headline
from monitor.records import Event

_ATOM = "http://www.w3.org/2005/Atom"
_GEORSS = "http://www.georss.org/georss"
EVERYTHING = "all"
"""Of regions and tiers."""


class Period(StrEnum):
    """Of which time a feed holds alerts."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "30days"
    ALL = "all"
    """Whatever was ever told."""
    OPEN = "open"
    """Open alerts, whenever they were last told."""

    @property
    def length(self) -> timedelta | None:
        """How far back; None: without end."""
        return _LENGTHS.get(self)


_LENGTHS = {
    Period.HOUR: timedelta(hours=1),
    Period.DAY: timedelta(days=1),
    Period.WEEK: timedelta(weeks=1),
    Period.MONTH: timedelta(days=30),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alert as lists show it, with its newest revision."""

    event: Event
    """Without evidence and actions; with its steps, of a message those up to it."""
    sequence: int
    sent: datetime
    reason: str
    """Of that revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which alerts a feed holds."""

    region: str
    tier: str
    period: Period

    @property
    def path(self) -> str:
        """Of the feed, below /feeds."""
        return f"{quoted(self.region)}/{quoted(self.tier)}/{self.period.value}.geojson"


def feature(told: Told, addresses: Addresses, *, named: bool = False) -> Json:
    """One alert with links to its message, its page, its picture and its evidence.

    Args:
        named: whether the names of people may be told.
    """
    event = told.event
    plain = alert_feature(event, addresses.picture(event.id) if event.picture else None, named=named)
    properties = plain["properties"]
    if not isinstance(properties, dict):  # always one: `alert_feature` makes it
        raise TypeError("a feature without properties")
    more = {
        "headline": headline(event, reason=told.reason),
        "revision": told.sequence,
        "reason": told.reason,
        "updated": told.sent.astimezone(UTC).isoformat(),
        "cap": addresses.cap(event.id, told.sequence),
        "web": addresses.page(event.id),
        "evidence": addresses.evidence(event.id),
    }
    return plain | {"properties": properties | more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much a feed holds."""

    matched: int
    """Alerts of its scope; more than are returned where a feed is cut at its limit."""
    returned: int
    newest: datetime | None
    """When people were last told of any of them."""


def feed_members(scope: Scope, addresses: Addresses, extent: Extent, not_observed: Mapping[str, object]) -> Json:
    """All of a GeoJSON feed (a FeatureCollection) but its features.

    Args:
        not_observed: of every region what the absence of an alert says nothing about.
    """
    return {
        "type": "FeatureCollection",
        "id": f"{addresses.base}/feeds/{scope.path}",
        "region": scope.region,
        "tier": scope.tier,
        "period": scope.period.value,
        "updated": extent.newest.astimezone(UTC).isoformat() if extent.newest else None,
        "numberMatched": extent.matched,
        "numberReturned": extent.returned,
        "not_observed": dict(not_observed),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who publishes an Atom feed."""

    addresses: Addresses
    authority: str
    """A domain or address of the operator's, in the ids of entries (RFC 4151)."""
    name: str


def atom_feed(listed: Sequence[Told], by: Publisher, following: str | None = None) -> bytes:
    """An Atom document (RFC 4287) with one entry for each message, in the order given: newest first.

    Args:
        following: address of the next, older part (RFC 5005), or None.
    """
    root = Xml.Element("feed", {"xmlns": _ATOM, "xmlns:georss": _GEORSS, "xml:lang": "en"})
    _add(root, "id", _tag(by.authority, "alerts"))
    _add(root, "title", f"Landslide alerts of {by.name}")
    newest = max((one.sent for one in listed), default=datetime.fromtimestamp(0, UTC))
    _add(root, "updated", _time(newest))
    _add(_add(root, "author"), "name", by.name)
    _add(root, "generator", "Scarpwatch")
    _link(root, "self", by.addresses.atom(), ATOM_TYPE)
    if following:
        _link(root, "next", following, ATOM_TYPE)
    for one in listed:
        _entry(root, one, by)
    document: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _entry(root: Xml.Element, told: Told, by: Publisher) -> None:
    event, addresses = told.event, by.addresses
    entry = _add(root, "entry")
    _add(entry, "id", _tag(by.authority, identifier(event.id, told.sequence)))
    _add(entry, "title", headline(event, reason=told.reason))
    _add(entry, "updated", _time(told.sent))
    _add(entry, "published", _time(told.sent))
    _add(entry, "summary", _summary(event))
    for scheme, term in _categories(told):
        Xml.SubElement(entry, "category", scheme=f"{addresses.base}/terms/{scheme}", term=visible(term))
    _link(entry, "alternate", addresses.cap(event.id, told.sequence), CAP_TYPE)
    _link(entry, "related", addresses.page(event.id), HTML_TYPE)
    _link(entry, "describedby", addresses.evidence(event.id), GEOJSON_TYPE)
    if event.picture:
        _link(entry, "enclosure", addresses.picture(event.id), PNG_TYPE)
    point = event.geometry.representative_point()
    _add(entry, "georss:point", f"{point.y:.6f} {point.x:.6f}")


def _summary(event: Event) -> str:
    window = f"{event.window_start:%Y-%m-%d %H:%M} to {event.window_end:%Y-%m-%d %H:%M} UTC"
    return f"Failed {window}. Confidence {event.confidence}: {event.confidence_reason}."


def _categories(told: Told) -> Iterable[tuple[str, str]]:
    event = told.event
    yield "region", event.region
    yield "tier", event.tier.value
    yield "state", event.state.value
    yield "status", event.status.value
    yield "reason", told.reason


def _tag(authority: str, name: str) -> str:
    """An id for ever: what is made of it never changes with the address of the service."""
    return f"tag:{quoted(authority.rpartition('@')[2])},2026:scarpwatch/{name}"


def _time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _link(parent: Xml.Element, relation: str, href: str, kind: str) -> None:
    Xml.SubElement(parent, "link", rel=relation, href=visible(href), type=kind)


def _add(parent: Xml.Element, name: str, text: str | None = None) -> Xml.Element:
    child = Xml.SubElement(parent, name)
    if text is not None:
        child.text = visible(text)
    return child
