"""Feeds: Atom by RFC 4287, GeoJSON by RFC 7946, STAC 1.1, and ids that stay."""

import json
import math
from dataclasses import replace
from datetime import timedelta

import feedparser
import pystac
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from shapely import MultiPolygon, Polygon
from shapely.geometry import shape

from monitor.core.addresses import Addresses
from monitor.core.evidence_item import evidence_item
from monitor.core.feeds import Extent, Period, Publisher, Scope, Told, atom_feed, feature, feed_members
from monitor.records import Event, EventState, Tier
from tests.core.alerts import SENT, alert

WEB = Addresses(base="https://watch.example.org")
BY = Publisher(addresses=WEB, authority="watch@example.org", name="Civil protection")
SCOPE = Scope(region="atsuma", tier="all", period=Period.DAY)


def told(event: Event | None = None, sequence: int = 0) -> Told:
    """A list entry."""
    return Told(event=event or alert(), sequence=sequence, sent=SENT + timedelta(hours=sequence), reason="change-found")


def test_an_atom_feed_is_one_for_a_parser_of_others() -> None:
    """feedparser finds no fault in it, and every entry links its CAP message, page, picture and evidence."""
    found = feedparser.parse(atom_feed([told(sequence=3), told()], BY, f"{WEB.atom()}?cursor=x"))
    assert (found.bozo, found.version) == (False, "atom10")
    assert found.feed.updated_parsed[:6] == (2018, 9, 8, 6, 4, 5)
    assert {one.rel for one in found.feed.links} == {"self", "next"}
    newest = found.entries[0]
    assert newest.title.startswith("Possible landslide, 3.6 ha, region atsuma")
    links = {one.rel: (one.type, one.href) for one in newest.links}
    path = "https://watch.example.org/api/v1/alerts/atsuma-20180908-x1"
    assert links["alternate"] == ("application/cap+xml", f"{path}/cap/3.xml")
    assert links["enclosure"] == ("image/png", f"{path}/picture.png")
    assert links["describedby"] == ("application/geo+json", f"{path}/item.json")
    assert {one.term for one in newest.tags} == {"atsuma", "watch", "provisional", "actual", "change-found"}
    latitude, longitude = newest.where["coordinates"][::-1]
    assert (latitude, longitude) == pytest.approx((42.731, 141.951))


def test_the_id_of_an_entry_is_of_its_message_and_not_of_its_address() -> None:
    """A watch that moves keeps its ids; two revisions have two."""
    moved = replace(BY, addresses=Addresses(base="https://elsewhere.example.com"))
    ids = [
        [one.id for one in feedparser.parse(atom_feed([told(sequence=1), told()], by)).entries] for by in (BY, moved)
    ]
    assert ids[0] == ids[1] == [f"tag:example.org,2026:scarpwatch/atsuma-20180908-x1.{number}" for number in (1, 0)]


def test_an_empty_feed_is_still_a_feed() -> None:
    """With an id, a title and a time, as RFC 4287 wants."""
    found = feedparser.parse(atom_feed([], BY))
    assert (found.bozo, found.entries) == (False, [])
    assert {"id", "title", "updated"} <= found.feed.keys()


@settings(max_examples=25)
@given(st.text(max_size=40))
def test_no_name_breaks_a_feed(name: str) -> None:
    """Whatever is in an id or a doubt."""
    event = alert(event_id=f"e{name}", region=name, confidence_reason=name)
    root = etree.fromstring(atom_feed([told(event)], BY))
    assert len(root.findall("{http://www.w3.org/2005/Atom}entry")) == 1


def test_a_geojson_feed_links_everything_and_says_what_was_not_seen() -> None:
    """Features link message, page, picture and evidence; rings turn as RFC 7946 wants."""
    hole = Polygon([(10, 45), (10, 46), (11, 46), (11, 45)], [[(10.2, 45.2), (10.8, 45.2), (10.8, 45.8), (10.2, 45.8)]])
    feed = feed_members(SCOPE, WEB, Extent(matched=7, returned=1, newest=SENT), {"atsuma": {"tiles": 20}})
    assert feed["id"] == "https://watch.example.org/feeds/atsuma/all/day.geojson"
    assert (feed["numberMatched"], feed["numberReturned"]) == (7, 1)
    assert feed["not_observed"] == {"atsuma": {"tiles": 20}}
    assert feed["updated"] == "2018-09-08T03:04:05.678901+00:00"
    confirmed = alert(geometry=MultiPolygon([hole]), tier=Tier.WARNING, state=EventState.CONFIRMED)
    one = json.loads(json.dumps(feature(told(confirmed, 2), WEB), allow_nan=False))
    path = "https://watch.example.org/api/v1/alerts/atsuma-20180908-x1"
    assert one["properties"]["cap"] == f"{path}/cap/2.xml"
    assert one["properties"]["evidence"] == f"{path}/item.json"
    assert one["properties"]["picture"] == f"{path}/picture.png"
    assert one["properties"]["tier"] == "warning"
    ring, inner = one["geometry"]["coordinates"][0]
    assert Polygon(ring).exterior.is_ccw
    assert not Polygon(inner).exterior.is_ccw
    assert shape(one["geometry"]).is_valid


def test_an_alert_without_a_picture_links_none() -> None:
    """No address that answers 404."""
    properties = feature(told(alert(picture=None)), WEB)["properties"]
    assert isinstance(properties, dict)
    assert properties["picture"] is None


def test_a_number_that_is_not_known_is_null() -> None:
    """JSON has no NaN."""
    one = json.loads(json.dumps(feature(told(alert(spread=math.nan, slope_deg=math.nan)), WEB), allow_nan=False))
    assert (one["properties"]["spread"], one["properties"]["slope_deg"]) == (None, None)


def test_the_evidence_is_a_stac_item() -> None:
    """pystac reads it: window, geometry, chips, and a link to every message."""
    plain = evidence_item(alert(), ["before.tif", "after.tif"], [0, 2], WEB)
    item = pystac.Item.from_dict(json.loads(json.dumps(plain, allow_nan=False)))
    assert item.common_metadata.start_datetime == alert().window_start
    assert set(item.assets) == {"picture", "before", "after"}
    assert [link.href.rpartition("/")[2] for link in item.links if link.rel == "cap"] == ["0.xml", "2.xml"]
    looks = item.properties["scarpwatch:evidence"]
    assert [one["verdict"] for one in looks] == ["opens", "not-observed"]
    assert looks[0]["false_events_per_1000km2_year"] == 0.25


def test_an_address_is_one_segment_whatever_the_id() -> None:
    """Slashes, dots and question marks of an id do not lead elsewhere."""
    assert WEB.alert("../a b?c#d/ü") == "https://watch.example.org/api/v1/alerts/..%2Fa%20b%3Fc%23d%2F%C3%BC"
