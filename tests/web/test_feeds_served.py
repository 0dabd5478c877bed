"""Feeds and messages over HTTP: who sees what, how often it is sent, and that others can read it."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import feedparser
import httpx
import pytest
from lxml import etree

from monitor.records import Action, ActionKind, EventState, Role
from tests.adapters.store.factories import NOW, acquisition, event, later
from tests.web.conftest import SEEN, Site, look, served

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parents[1] / "core" / "cap" / "CAP-v1.2.xsd"))
FEEDS = ("/feeds/atom.xml", "/feeds/atsuma/all/open.geojson", "/api/v1/alerts")


def test_the_index_leads_to_valid_messages(reader: httpx.Client) -> None:
    """Every entry's link answers with CAP; a later message references the one before."""
    found = feedparser.parse(reader.get("/feeds/atom.xml").content)
    assert (found.bozo, len(found.entries)) == (False, 5)
    texts = []
    for entry in found.entries:
        href = next(one.href for one in entry.links if one.type == "application/cap+xml")
        answer = reader.get("/api" + href.partition("/api")[2])
        assert answer.headers["content-type"] == "application/cap+xml"
        document = etree.fromstring(answer.content)
        SCHEMA.assertValid(document)
        name = "{urn:oasis:names:tc:emergency:cap:1.2}"
        texts.append((document.findtext(f"{name}identifier"), document.findtext(f"{name}msgType")))
    assert set(texts) == {
        ("E1.0", "Alert"),
        ("E1.1", "Update"),
        ("E2.0", "Alert"),
        ("E3.0", "Alert"),
        ("E3.1", "Cancel"),
    }


@pytest.mark.parametrize(
    ("scope", "ids"),
    [
        ("atsuma/all/open", ["E1", "E2"]),
        ("all/warning/all", ["E1"]),
        ("atsuma/watch/all", ["E3", "E2"]),
        ("all/all/all", ["E1", "E3", "E2"]),
        ("all/all/day", []),
    ],
)
def test_geojson_by_region_tier_and_time(reader: httpx.Client, scope: str, ids: list[str]) -> None:
    """Worst first; candidates are never told; what was not observed stands beside them, also of an empty feed."""
    feed = reader.get(f"/feeds/{scope}.geojson").json()
    assert [one["id"] for one in feed["features"]] == ids
    assert feed["numberMatched"] == len(ids)
    assert feed["not_observed"] == {"atsuma": SEEN}


def test_a_feed_changes_with_the_alerts_and_not_before(tmp_path: Path) -> None:
    """The same ETag until something is written, then another, and the new content."""
    with served(tmp_path) as site, site.client() as client:
        first = client.get("/feeds/atsuma/all/open.geojson")
        again = client.get("/feeds/atsuma/all/open.geojson", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        known = site.store.event("E2")
        assert known is not None
        look(site.store, 4, later(known, acquisition(4), known.state.CONFIRMED))
        changed = client.get("/feeds/atsuma/all/open.geojson", headers={"If-None-Match": first.headers["etag"]})
        assert changed.status_code == 200
        assert {one["id"]: one["properties"]["state"] for one in changed.json()["features"]}["E2"] == "confirmed"


@pytest.mark.parametrize("path", FEEDS)
def test_whoever_has_it_is_not_sent_it_again(reader: httpx.Client, path: str) -> None:
    """By ETag and, where no ETag is sent, by time."""
    first = reader.get(path)
    assert first.status_code == 200
    again = reader.get(path, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    again = reader.get(path, headers={"If-Modified-Since": again.headers["last-modified"]})
    assert again.status_code == 304
    other = reader.get(path, headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"})
    assert other.status_code == 200, "nobody was ever told that time"
    assert reader.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_compressed_for_who_can_read_it(reader: httpx.Client) -> None:
    """The same bytes either way; HEAD has no body."""
    path = "/feeds/atsuma/all/all.geojson"
    with reader.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        zipped = b"".join(answer.iter_raw())
    plain = reader.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(zipped) == plain.content
    head = reader.head(path, headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == plain.headers["etag"]


def test_pages_of_other_sites_may_read_feeds(reader: httpx.Client) -> None:
    """CORS for every origin, without cookies."""
    answer = reader.get("/feeds/atom.xml", headers={"Origin": "https://map.example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    asked = {"Origin": "https://map.example.org", "Access-Control-Request-Method": "GET"}
    preflight = reader.options("/feeds/atom.xml", headers=asked | {"Access-Control-Request-Headers": "authorization"})
    assert preflight.status_code == 200


def test_a_list_is_read_in_parts_without_gaps(reader: httpx.Client) -> None:
    """Following `next` from page to page finds every alert once, worst first: the warning before stronger watches."""
    assert list(_paged(reader, "ended=true&")) == ["E1", "E3", "E2"]
    assert list(_paged(reader)) == ["E1", "E2"], "what has ended only who asks for it is told"


def _paged(reader: httpx.Client, query: str = "") -> Iterator[str]:
    address = f"/api/v1/alerts?{query}limit=1"
    while address:
        page = reader.get(address).json()
        yield from (one["id"] for one in page["features"])
        address = "/api" + page["next"].partition("/api")[2] if page["next"] else ""


def test_an_alert_that_rises_while_a_list_is_read_is_in_it_once(tmp_path: Path) -> None:
    """It would have moved to a page that was read already; what is told first meanwhile is in the next list."""
    with served(tmp_path) as site, site.client() as reader:
        pages = _paged(reader)
        assert next(pages) == "E1"
        second = replace(event(acquisition(4), "E2", 90.0), storm="atsuma-storm-1")
        look(site.store, 4, later(second, acquisition(4), EventState.CONFIRMED), event(acquisition(4), "E9", 99.0))
        assert list(pages) == ["E2"]
        assert list(_paged(reader)) == ["E1", "E9", "E2"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("tier=warning", ["E1"]),
        ("state=refuted", ["E3"]),
        ("state=refuted&state=provisional", ["E3", "E2"]),
        ("ended=true", ["E1", "E3", "E2"]),
        ("storm=atsuma-storm-1", ["E1", "E2"]),
        ("region=atsuma&status=test&ended=true&limit=2", ["E1", "E3"]),
        ("region=elsewhere", []),
        ("since=2026-05-01T11:59:00Z", ["E1", "E2"]),
        ("until=2026-05-01T11:59:00%2B00:00", []),
    ],
)
def test_a_list_is_filtered(reader: httpx.Client, query: str, ids: list[str]) -> None:
    """By region, tier, state, status, storm and time of telling."""
    assert [one["id"] for one in reader.get(f"/api/v1/alerts?{query}").json()["features"]] == ids


def test_everybody_sees_what_was_released_and_nothing_else(public: Site) -> None:
    """With `serve.public_feeds`; a token shows the rest."""
    with public.client(None) as anyone, public.client() as reader:
        assert [one["id"] for one in anyone.get("/api/v1/alerts").json()["features"]] == ["E1"]
        assert [one["id"] for one in anyone.get("/feeds/all/all/all.geojson").json()["features"]] == ["E1"]
        entries = feedparser.parse(anyone.get("/feeds/atom.xml").content).entries
        assert {one.id.rpartition("/")[2] for one in entries} == {"E1.0", "E1.1"}
        for path in ("E2", "E2/cap/0.xml", "E2/item.json", "E2/picture.png"):
            assert anyone.get(f"/api/v1/alerts/{path}").status_code == 404
        assert anyone.get("/api/v1/alerts/E1/cap/1.xml").status_code == 200
        assert reader.get("/api/v1/alerts/E2/cap/0.xml").status_code == 200


def test_a_picture_is_served_and_nothing_outside_the_products(site: Site, reader: httpx.Client) -> None:
    """With conditional requests; a missing one is a 404 with what to do."""
    path = "/api/v1/alerts/E1/picture.png"
    missing = reader.get(path)
    assert (missing.status_code, missing.json()["reason"]) == (404, "no-picture")
    (site.products / "alerts").mkdir(parents=True)
    (site.products / "alerts" / "E1.png").write_bytes(b"\x89PNG")
    (site.products / "alerts" / "before.tif").write_bytes(b"II*")
    answer = reader.get(path)
    assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG", "image/png")
    assert reader.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert reader.get("/api/v1/alerts/E1/chips/before.tif").content == b"II*"
    assert "before" in reader.get("/api/v1/alerts/E1/item.json").json()["assets"]
    for chip in ("..%2F..%2Fwatch.db", "after.tif", "x.png"):
        assert reader.get(f"/api/v1/alerts/E1/chips/{chip}").status_code in (404, 422)


def test_the_description_of_the_api_is_there_for_everybody(site: Site) -> None:
    """OpenAPI, with errors as problem+json."""
    with site.client(None) as anyone:
        described = anyone.get("/api/v1/openapi.json").json()
    assert "/feeds/{region}/{tier}/{period}.geojson" in described["paths"]
    errors = described["paths"]["/api/v1/alerts/{event_id}"]["get"]["responses"]
    assert "application/problem+json" in errors["404"]["content"]


def test_a_feed_changes_also_when_the_clock_was_set_back(tmp_path: Path) -> None:
    """What is written with an older time than before is told all the same."""
    with served(tmp_path) as site, site.client(Role.RESPONDER) as client:
        path = "/feeds/atsuma/all/open.geojson"
        first = client.get(path).headers["etag"]
        action = Action(at=NOW, by="x", kind=ActionKind.DISMISS, reason="works")
        site.store.act("E2", action, NOW - timedelta(days=400))
        assert [one["id"] for one in client.get(path, headers={"If-None-Match": first}).json()["features"]] == ["E1"]


def test_who_did_what_and_said_what_is_not_for_everybody(tmp_path: Path) -> None:
    """Neither the name nor the words; whoever has a token sees both, in the API and on the page."""
    with served(tmp_path, public_feeds=True) as site, site.client(None) as anyone, site.client() as reader:
        action = Action(at=NOW, by="m.tanaka", kind=ActionKind.CONFIRM, text="I told Sato's family")
        site.store.act("E1", action, NOW)
        for path, accept in (("/api/v1/alerts/E1", "*/*"), ("/alerts/E1", "text/html"), ("/feeds/atom.xml", "*/*")):
            said = anyone.get(path, headers={"Accept": accept}).text
            assert "E1" in said
            assert not {word for word in ("tanaka", "Sato") if word in said}
        for path in ("/api/v1/alerts/E1", "/alerts/E1"):
            assert "m.tanaka" in reader.get(path).text
            assert "Sato" in reader.get(path).text


def test_what_was_told_before_the_release_stays_closed(tmp_path: Path) -> None:
    """Everybody sees the message that released it and what follows, not those before."""
    with served(tmp_path, public_feeds=True) as site, site.client(None) as anyone:
        site.store.act("E2", Action(at=NOW, by="x", kind=ActionKind.RELEASE), NOW)
        told = anyone.get("/api/v1/alerts/E2").json()["messages"]
        entries = feedparser.parse(anyone.get("/feeds/atom.xml").content).entries
        shown = {one.id.rpartition("/")[2] for one in entries if "E2" in one.id}
        assert f"E2.{told[-1]['revision']}" in shown
        assert "E2.0" not in shown
        codes = [anyone.get(f"/api/v1/alerts/E2/cap/{one['revision']}.xml").status_code for one in told]
        assert (codes[0], codes[-1]) == (404, 200)


def test_who_acknowledged_is_for_people_with_a_token(tmp_path: Path) -> None:
    """Everybody hears that an alert was acknowledged, and when; also where the same list was asked for before."""
    paths = ("/api/v1/alerts", "/feeds/atsuma/all/open.geojson", "/api/v1/alerts/E1")
    with served(tmp_path, public_feeds=True) as site, site.client() as reader, site.client(None) as anybody:
        for path in paths[:2]:
            assert reader.get(path).json()["features"][0]["properties"]["acknowledged"] is None
        action = Action(at=NOW, by="officer", kind=ActionKind.ACKNOWLEDGE)
        site.store.act("E1", action, NOW, 1)
        for path in paths:
            said = []
            for client in (reader, anybody):
                found = client.get(path).json()
                said.append((found["features"][0] if "features" in found else found)["properties"]["acknowledged"])
            assert [one["by"] for one in said] == ["officer", None]
            assert said[0]["at"] == said[1]["at"]
