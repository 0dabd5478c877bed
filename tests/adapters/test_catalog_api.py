"""STAC APIs, played by a real HTTP server: recorded pages, several pages, and every way of not answering."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from shapely import box
from shapely.geometry import shape

from monitor.adapters.catalog import Asking, Collections, StacApiCatalog, StaticCatalog
from monitor.adapters.catalog.reading import Patience
from monitor.adapters.hosts import Hosts, retry_after_s
from monitor.core.breaker import BreakerSettings
from monitor.errors import HOST_RESTING, CatalogUnavailable
from monitor.looking import surroundings
from monitor.records import Sensor
from tests.adapters.stac_server import HTML, Answer, CatalogServer, as_json

BRISK = Patience(attempts=3, wait_s=0.0, longest_wait_s=1.5, timeout_s=5)
REGION = box(10.2, 45.2, 10.8, 45.8)
SPRING = (datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
BUSY = Answer(body=b"busy", status=503)


def feature(name: str, west: float = 10, **changes: object) -> dict[str, object]:
    """A small complete item one degree wide."""
    corners = [[west, 45], [west + 1, 45], [west + 1, 46], [west, 46], [west, 45]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "sentinel-2-l2a",
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "properties": {"datetime": "2024-05-01T10:00:31Z", "platform": "sentinel-2b"},
        "links": [{"rel": "self", "href": "https://example.org/items/here.json"}],
        "assets": {band: {"href": f"./{band}.tif"} for band in ("B02", "B03", "B04")},
        **changes,
    }


def catalog(server: CatalogServer, patience: Patience = BRISK) -> StacApiCatalog:
    """A catalog of this server."""
    return StacApiCatalog(name="played", href=f"{server.url}/", asking=Asking(patience=patience))


def recorded(data_folder: Path, name: str) -> Any:
    """The body of a recorded answer."""
    return json.loads((data_folder / "stac_fixtures" / "pystac_client_cassettes" / name).read_text())["response"]


def test_recorded_pages_of_planetary_computer(data_folder: Path) -> None:
    """Recorded items in two pages: those over the region are found in order of time, whatever else was sent."""
    features = recorded(data_folder, "pc_page_sentinel-2-l2a_01.json")["features"]
    chosen = shape(features[20]["geometry"])
    expected = {item["id"] for item in features if shape(item["geometry"]).intersects(chosen)}
    assert 1 < len(expected) < len(features)
    with CatalogServer().running() as server:
        server.play_api([features[:15], features[15:]])
        items, rejected = catalog(server).search(
            chosen, datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 1, 2, tzinfo=UTC)
        )
        assert (rejected, len(items), {item.id for item in items}) == ([], len(expected), expected)
        assert all({"B02", "B03", "B04", "SCL"} <= set(item.assets) for item in items)
        bodies = [json.loads(body) for method, path, body in server.requests if (method, path) == ("POST", "/search")]
    assert bodies[0]["collections"] == ["sentinel-2-l2a", "sentinel-2-c1-l2a", "sentinel-2-l1c"]
    assert bodies[0]["datetime"] == "2019-01-01T00:00:00.000Z/2019-01-02T00:00:00.000Z"
    assert shape(bodies[0]["intersects"]).equals(chosen)
    assert (len(bodies), bodies[1]["token"]) == (2, "page-1")


def test_recorded_landing_page_of_earth_search(data_folder: Path) -> None:
    """The real landing page, with its addresses led here, opens; recorded terrain is found."""
    landing = json.dumps(recorded(data_folder, "es_landing_01.json"))
    dem = recorded(data_folder, "es_page_cop-dem-glo-30_03.json")["features"]
    with CatalogServer().running() as server:
        server.play_api([dem], json.loads(landing.replace("https://earth-search.aws.element84.com/v1", server.url)))
        found = catalog(server).terrain(box(-179.9, -89.9, -178.1, -89.1))
        asked = json.loads(next(body for _, path, body in server.requests if path == "/search"))
    assert len(found) == 2
    assert all(item.assets["data"].href.startswith("s3://copernicus-dem-30m/") for item in found)
    assert (asked["collections"], "datetime" in asked) == (["cop-dem-glo-30", "cop-dem-glo-90"], False)


def test_no_collections_are_no_search() -> None:
    """An empty list asks for nothing: a search that names no collection would be one of all."""
    with CatalogServer().running() as server:
        server.play_api([[feature("good")]])
        none = StacApiCatalog(name="none", href=server.url, collections=Collections(radar=(), terrain=()))
        years = datetime(2019, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
        assert none.search(box(-180, -90, 180, 90), *years, Sensor.SAR) == ([], [])
        assert none.terrain(box(-180, -90, 180, 90)) == []
        assert not [path for _, path, _ in server.requests if path == "/search"]


def test_useless_items_are_refused_one_by_one() -> None:
    """An incomplete item is refused with its reason; what lies elsewhere is left out without a word."""
    with CatalogServer().running() as server:
        odd = [feature("no-red", assets={}), feature("no-place", geometry=None), feature("far", west=20, assets={})]
        server.play_api([[*odd, "not an item", feature("good")]])
        items, rejected = catalog(server).search(REGION, *SPRING)
    assert [item.id for item in items] == ["good"]
    assert items[0].assets["B02"].href == "https://example.org/items/B02.tif"
    assert {refusal.item: refusal.reason for refusal in rejected} == {
        "no-red": "missing-asset",
        "no-place": "no-geometry",
    }


def test_nothing_found() -> None:
    """An empty page is an answer, not an error."""
    with CatalogServer().running() as server:
        server.play_api([[]])
        assert catalog(server).search(REGION, *SPRING) == ([], [])


@pytest.mark.parametrize("path", ["/", "/search"])
def test_a_short_outage_is_bridged(path: str) -> None:
    """503 and 429 once each, on the landing page or in the search, are tried again."""
    with CatalogServer().running() as server:
        server.play_api([[feature("good")]])
        server.routes[path][:0] = [BUSY, Answer(body=b"slow down", status=429)]
        assert len(catalog(server).search(REGION, *SPRING)[0]) == 1


def test_retry_after_is_honoured() -> None:
    """The pause the server asks for is kept, not the shorter usual one."""
    with CatalogServer().running() as server:
        server.play_api([[feature("good")]])
        server.routes["/search"][:0] = [Answer(body=b"", status=429, headers={"Retry-After": "1"})]
        began = monotonic()
        assert len(catalog(server).search(REGION, *SPRING)[0]) == 1
    assert monotonic() - began >= 1.0


def test_a_long_retry_after_ends_the_search() -> None:
    """Asked to come back in an hour, the catalog is left alone until the next poll."""
    with CatalogServer().running() as server:
        server.play_api([])
        server.routes["/search"] = [Answer(body=b"", status=429, headers={"Retry-After": "3600"})]
        with pytest.raises(CatalogUnavailable, match="429"):
            catalog(server).search(REGION, *SPRING)
        assert [path for _, path, _ in server.requests].count("/search") == 1


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (BUSY, 3),
        (Answer(body=b"no", status=404), 1),
        (Answer(body=b"no", status=403), 1),
        (HTML, 1),
        (Answer(body=b'{"type": "Cata'), 1),
        (Answer(body=b"\xff\xfe"), 3),
        (as_json({}), 1),
        (as_json({"message": "internal error"}), 1),
        (as_json([1, 2]), 1),
        (as_json("busy"), 1),
    ],
)
@pytest.mark.parametrize("path", ["/", "/search"])
def test_answers_that_are_not_stac(path: str, answer: Answer, tries: int) -> None:
    """Errors, web pages and broken JSON are a catalog that cannot be asked now, named with address and remedy."""
    with CatalogServer().running() as server:
        server.play_api([[feature("good")]])
        server.routes[path] = [answer]
        with pytest.raises(CatalogUnavailable) as caught:
            catalog(server).search(REGION, *SPRING)
        assert [asked for _, asked, _ in server.requests].count(path) == tries
    assert server.url in caught.value.item
    assert "catalogs.played" in caught.value.remedy
    assert "\n" not in str(caught.value)


def test_a_server_that_is_gone() -> None:
    """A refused connection is tried a few times, then an error."""
    with CatalogServer().running() as server:
        pass
    with pytest.raises(CatalogUnavailable, match="refused"):
        catalog(server).terrain(REGION)


def test_half_a_list_is_no_list() -> None:
    """When the second page fails, the first is not taken for everything."""
    with CatalogServer().running() as server:
        server.play_api([[feature("one")], [feature("two")]])
        server.routes["/search"][1:] = [BUSY]
        with pytest.raises(CatalogUnavailable, match="503"):
            catalog(server).search(REGION, *SPRING)


def test_a_region_across_the_antimeridian() -> None:
    """It is asked for in two parts within ±180 degrees; scenes of both sides are found, however they are written."""
    region = surroundings(box(179.95, -17, 180, -16.9) | box(-180, -17, -179.95, -16.9))
    around = {
        "type": "Polygon",
        "coordinates": [[[179.5, -18], [-179.5, -18], [-179.5, -16], [179.5, -16], [179.5, -18]]],
    }
    west = {"type": "Polygon", "coordinates": [[[179, -18], [180, -18], [180, -16], [179, -16], [179, -18]]]}
    with CatalogServer().running() as server:
        server.play_api([[feature("around", geometry=around), feature("west", geometry=west), feature("far", west=0)]])
        items, _ = catalog(server).search(region, *SPRING)
        asked = shape(json.loads(server.requests[-1][2])["intersects"])
    assert [item.id for item in items] == ["around", "west"]
    assert asked.geom_type == "MultiPolygon"
    assert (asked.bounds[0], asked.bounds[2]) == (-180, 180)
    assert asked.area < 0.1


@pytest.mark.parametrize("told", [{"numberMatched": 3}, {"context": {"matched": 3}}])
def test_a_silent_cap_is_no_list(told: dict[str, object]) -> None:
    """A server that says that three match, sends two and links to no more has not answered."""
    with CatalogServer().running() as server:
        server.play_api([])
        page = {"type": "FeatureCollection", "features": [feature("one"), feature("two")], "links": [], **told}
        server.routes["/search"] = [as_json(page)]
        with pytest.raises(CatalogUnavailable, match="3 items match, but sent 2"):
            catalog(server).search(REGION, *SPRING)


def test_pages_shorter_than_asked_for() -> None:
    """A server whose cap is below the wanted page size, but that leads on, is read to its end."""
    with CatalogServer().running() as server:
        server.play_api([[feature("one")], [], [feature("two")], [feature("three")]])
        assert len(catalog(server).search(REGION, *SPRING)[0]) == 3


def test_empty_pages_that_lead_on_for_ever() -> None:
    """A server whose every page has a next link ends where its items do."""
    with CatalogServer().running() as server:
        server.play_api([[feature("one")], [], [feature("never")]])
        del server.routes["/search"][2:]
        assert len(catalog(server).search(REGION, *SPRING)[0]) == 1


def test_a_dead_catalog_is_left_alone() -> None:
    """After five failures it is not asked for a while, says so, and other catalogs of the same service are."""
    hosts = Hosts()
    asking = Asking(patience=BRISK, hosts=hosts)
    reasons, tried = [], []
    with CatalogServer().running() as server, CatalogServer().running() as alive:
        server.play_api([])
        server.routes["/"] = [BUSY]
        alive.play_api([[feature("good")]])
        for _ in range(4):
            with pytest.raises(CatalogUnavailable) as caught:
                StacApiCatalog(name="dead", href=f"{server.url}/", asking=asking).search(REGION, *SPRING)
            reasons.append(caught.value.reason)
            tried.append(caught.value.tried)
        assert len(server.requests) == 5
        assert StacApiCatalog(name="alive", href=f"{alive.url}/", asking=Asking(hosts=hosts)).search(REGION, *SPRING)[0]
    assert reasons == ["catalog-unavailable", "catalog-unavailable", HOST_RESTING, HOST_RESTING]
    assert tried == [True, True, False, False]


def test_a_dead_static_catalog_is_left_alone() -> None:
    """The same for files behind a web server."""
    asking = Asking(patience=BRISK, hosts=Hosts(BreakerSettings(failures=3)))
    with CatalogServer().running() as server:
        pass
    reasons = []
    for _ in range(2):
        with pytest.raises(CatalogUnavailable) as caught:
            StaticCatalog(name="dead", href=f"{server.url}/c.json", asking=asking).terrain(REGION)
        reasons.append(caught.value.reason)
    assert reasons == ["catalog-unavailable", HOST_RESTING]


def test_pages_that_repeat_do_not_hang() -> None:
    """A server whose next link leads back to the same page is an error, not an endless search."""
    with CatalogServer().running() as server:
        server.play_api([[feature("one")], [feature("two")]])
        server.routes["/search"][1:] = []
        with pytest.raises(CatalogUnavailable, match="repeats"):
            catalog(server).search(REGION, *SPRING)


def test_a_static_catalog_is_not_an_api() -> None:
    """A landing page without search is an error that says what to check."""
    with CatalogServer().running() as server:
        links = [{"rel": "self", "href": f"{server.url}/"}, {"rel": "root", "href": f"{server.url}/"}]
        plain = {"type": "Catalog", "stac_version": "1.0.0", "id": "plain", "description": "plain", "links": links}
        server.routes["/"] = [as_json(plain)]
        with pytest.raises(CatalogUnavailable, match="type and href"):
            catalog(server).search(REGION, *SPRING)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Wed, 01 May 2024 10:00:30 GMT", 30.0),
        ("Wed, 01 May 2024 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """Seconds and dates are understood, a date gone by is now, nonsense is no wish."""
    assert retry_after_s(header, datetime(2024, 5, 1, 10, 0, 0, tzinfo=UTC)) == seconds


def test_default_patience_is_short() -> None:
    """A poll never hangs on one catalog for many minutes."""
    usual = Patience()
    assert timedelta(seconds=usual.attempts * usual.longest_wait_s) <= timedelta(minutes=2)
