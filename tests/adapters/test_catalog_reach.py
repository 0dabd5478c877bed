"""Catalogs that lead astray: links and assets that go where nobody meant, and answers without an end."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shapely import box

from monitor.adapters.catalog import Asking, StacApiCatalog, StaticCatalog, api, reading, static
from monitor.adapters.catalog.reading import Patience
from monitor.adapters.hosts import Hosts
from monitor.adapters.reach import Reach
from monitor.config.catalogs import CatalogSettings
from monitor.core.breaker import HEALTHY
from monitor.errors import BadItem, CatalogUnavailable
from tests.adapters.rude_server import RudeServer, dripping, endless
from tests.adapters.stac_server import Answer, CatalogServer, as_json

REGION = box(10.2, 45.2, 10.8, 45.8)
SPRING = (datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
BRISK = Patience(attempts=2, wait_s=0.0, longest_wait_s=0.2, timeout_s=5)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


def feature(name: str, href: str = "https://files.example.org/{band}.tif") -> dict[str, object]:
    """A complete item whose assets lie at `href`."""
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "sentinel-2-l2a",
        "geometry": {"type": "Polygon", "coordinates": [[[10, 45], [11, 45], [11, 46], [10, 46], [10, 45]]]},
        "properties": {"datetime": "2024-05-01T10:00:31Z", "platform": "sentinel-2b"},
        "links": [{"rel": "self", "href": "https://stac.example.org/items/here.json"}],
        "assets": {band: {"href": href.format(band=band)} for band in ("B02", "B03", "B04")},
    }


def played(
    server: CatalogServer | RudeServer, patience: Patience = BRISK, hosts: Hosts | None = None
) -> StacApiCatalog:
    """The server as a catalog of the web that may ask itself, and whatever is public."""
    port = server.url.rpartition(":")[2]
    reach = Reach(catalog="played", home="https://stac.example.org", hosts=(f"127.0.0.1:{port}", "files.example.org"))
    asking = Asking(patience=patience, hosts=hosts or Hosts(), reach=reach)
    return StacApiCatalog(name="played", href=f"{server.url}/", asking=asking)


@pytest.mark.parametrize(
    "href",
    [
        "file:///etc/passwd",
        "ftp://files.example.org/{band}.tif",
        "/vsitar//vsicurl/http://files.example.org/a.tar/{band}.tif",
        "http://169.254.169.254/latest/{band}.tif",
        "http://127.0.0.1:1/{band}.tif",
    ],
)
def test_an_item_whose_assets_lead_elsewhere_is_refused(href: str) -> None:
    """With the reason and the address; the others are found."""
    with CatalogServer().running() as server:
        server.play_api([[feature("bad", href), feature("good")]])
        items, rejected = played(server).search(REGION, *SPRING)
    assert [item.id for item in items] == ["good"]
    assert [(one.item, one.reason) for one in rejected] == [("bad", "address-refused")]
    assert href.format(band="B02").removeprefix("file://") in rejected[0].detail


@pytest.mark.parametrize("inside", [True, False])
def test_the_next_page_lies_where_the_catalog_may_lead(inside: bool) -> None:
    """A link to another server of this machine, or to a file, ends the search; nothing is asked there, or again."""
    with CatalogServer().running() as server, CatalogServer().running() as other:
        other.play_api([[feature("other")]])
        server.play_api([[feature("one")]])
        onward = {"rel": "next", "href": f"{other.url}/search" if inside else "/etc/passwd", "method": "GET"}
        page = {"type": "FeatureCollection", "features": [feature("one")], "links": [onward]}
        server.routes["/search"] = [as_json(page)]
        hosts = Hosts()
        with pytest.raises(CatalogUnavailable, match=r"not among|files of this machine"):
            played(server, hosts=hosts).search(REGION, *SPRING)
        assert other.requests == []
        assert set(hosts.snapshot().values()) == {HEALTHY}


def test_a_page_that_unpacks_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for once: the next time it would be as large."""
    packed = gzip.compress(b'{"features": "' + b" " * (33 << 20) + b'"}', 1)
    with CatalogServer().running() as server:
        server.play_api([[]])
        server.routes["/search"] = [Answer(body=packed, headers={"Content-Encoding": "gzip"})]
        with pytest.raises(CatalogUnavailable, match="larger than 32 MiB"):
            played(server).search(REGION, *SPRING)
        assert len([path for _, path, _ in server.requests if path == "/search"]) == 1


@pytest.mark.parametrize("behaviour", [dripping(HEAD), endless(HEAD)], ids=["drips", "pours"])
def test_a_catalog_that_never_ends_its_answer(behaviour: object) -> None:
    """One byte at a time, or as fast as can be: it is unavailable, soon."""
    with RudeServer().running() as server:
        server.routes["/"] = behaviour  # type: ignore[assignment]
        with pytest.raises(CatalogUnavailable):
            played(server, Patience(attempts=1, timeout_s=0.3)).search(REGION, *SPRING)


def test_a_catalog_that_pages_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """New items on every page: by their number, and by the time of the whole search."""
    monkeypatch.setattr(api, "MOST_DOCUMENTS", 5)
    with CatalogServer().running() as server:
        server.play_api([[feature(f"one-{number}")] for number in range(9)])
        with pytest.raises(CatalogUnavailable, match="after 5 items"):
            played(server).search(REGION, *SPRING)
        server.play_api([[feature("one")]])
        with pytest.raises(CatalogUnavailable, match="did not end within"):
            played(server, Patience(attempts=1, timeout_s=5, search_s=-1.0)).search(REGION, *SPRING)


def static_catalog(folder: Path, links: list[str], **reach: object) -> StaticCatalog:
    """A catalog on disk whose root links these documents."""
    folder.mkdir(exist_ok=True)
    root = {"type": "Catalog", "stac_version": "1.0.0", "id": "root", "description": "root"}
    root["links"] = [{"rel": "item", "href": href} for href in links]  # type: ignore[assignment]
    (folder / "catalog.json").write_text(json.dumps(root))
    home = str(folder / "catalog.json")
    within = Reach(catalog="disk", home=home, **reach)  # type: ignore[arg-type]
    return StaticCatalog(name="disk", href=home, asking=Asking(patience=BRISK, reach=within))


def test_a_catalog_on_disk_stays_in_its_folder(tmp_path: Path) -> None:
    """Documents and files elsewhere are read when the configuration says so."""
    outside, folder = tmp_path / "outside", tmp_path / "catalog"
    outside.mkdir()
    (outside / "item.json").write_text(json.dumps(feature("outside", "./{band}.tif")))
    found, rejected = static_catalog(folder, ["../outside/item.json"], folders=()).search(REGION, *SPRING)
    assert (found, [one.reason for one in rejected]) == ([], ["address-refused"])
    assert "catalogs.disk.asset_folders" in rejected[0].detail
    (item,), _ = static_catalog(folder, ["../outside/item.json"], folders=(outside,)).search(REGION, *SPRING)
    assert item.id == "outside"
    (folder / "item.json").write_text(json.dumps(feature("astray", "../outside/{band}.tif")))
    found, rejected = static_catalog(folder, ["./item.json"], folders=()).search(REGION, *SPRING)
    assert (found, [one.reason for one in rejected]) == ([], ["address-refused"])
    assert [one.id for one in static_catalog(folder, ["./item.json"]).search(REGION, *SPRING)[0]] == ["astray"]


def test_elevation_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """Not as ground without elevation, for which there would be another remedy; also by an API."""
    item = feature("plane") | {"collection": "cop-dem-glo-30", "assets": {"data": {"href": "/etc/plane.tif"}}}
    (tmp_path / "item.json").write_text(json.dumps(item))
    with pytest.raises(BadItem, match=r"plane.*asset_folders") as caught:
        static_catalog(tmp_path, ["./item.json"]).terrain(REGION)
    assert caught.value.reason == "address-refused"
    with CatalogServer().running() as server:
        server.play_api([[item | {"assets": {"data": {"href": "file:///etc/plane.tif"}}}]])
        with pytest.raises(BadItem, match=r"plane.*files of this machine"):
            played(server).terrain(REGION)


def test_a_catalog_on_disk_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document of gigabytes is left out; so many that they cannot be all are no answer."""
    (tmp_path / "large.json").write_bytes(b" " * 100)
    monkeypatch.setattr(reading, "LARGEST_ANSWER", 5000)
    assert static_catalog(tmp_path, ["./large.json"]).search(REGION, *SPRING)[1][0].detail.startswith("it is not JSON")
    (tmp_path / "large.json").write_bytes(b" " * 6000)
    _, rejected = static_catalog(tmp_path, ["./large.json"]).search(REGION, *SPRING)
    assert "the file is larger than" in rejected[0].detail
    monkeypatch.setattr(static, "MOST_DOCUMENTS", 3)
    with pytest.raises(CatalogUnavailable, match="more than 3 documents"):
        static_catalog(tmp_path, [f"./{number}.json" for number in range(4)]).search(REGION, *SPRING)
    impatient = Patience(attempts=1, timeout_s=5, search_s=-1.0)
    slow = StaticCatalog(name="disk", href=str(tmp_path / "catalog.json"), asking=Asking(patience=impatient))
    with pytest.raises(CatalogUnavailable, match="did not end within"):
        slow.search(REGION, *SPRING)


def test_a_search_that_takes_too_long_on_the_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was found so far is not taken for the whole."""
    times = iter([0.0, 1.0, 2.0])
    (tmp_path / "item.json").write_text(json.dumps(feature("one")))
    catalog = static_catalog(tmp_path, ["./item.json", "./item.json?again"])
    monkeypatch.setattr("monitor.adapters.catalog.reading.time.monotonic", lambda: next(times, 9999.0))
    with pytest.raises(CatalogUnavailable, match="did not end within"):
        catalog.search(REGION, *SPRING)


def test_a_catalog_whose_address_is_a_file_url(tmp_path: Path) -> None:
    """It is one on disk, with its links and assets in either writing."""
    folder = tmp_path / "my scenes"
    static_catalog(folder, ["./item.json", f"{(folder / 'other.json').as_uri()}"])
    (folder / "item.json").write_text(json.dumps(feature("one", "./{band}.tif")))
    (folder / "other.json").write_text(json.dumps(feature("other", f"{folder.as_uri()}/{{band}}.tif")))
    settings = CatalogSettings(type="static", href=(folder / "catalog.json").as_uri())
    catalog = StaticCatalog(name="disk", href=settings.href, asking=Asking(reach=settings.reach("disk")))
    items, rejected = catalog.search(REGION, *SPRING)
    assert ([item.id for item in items], rejected) == (["one", "other"], [])
    assert {item.assets["B02"].href for item in items} == {str(folder / "B02.tif")}


def test_ground_of_which_a_part_leads_astray(tmp_path: Path) -> None:
    """The other part is used, and what is linked out of reach is named where there is nothing else."""
    ground = feature("good") | {"collection": "cop-dem-glo-30", "assets": {"data": {"href": "./plane.tif"}}}
    (tmp_path / "good.json").write_text(json.dumps(ground))
    bad = ground | {"id": "bad", "assets": {"data": {"href": "/etc/plane.tif"}}}
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    found = static_catalog(tmp_path, ["./bad.json", "/etc/more.json", "./good.json"]).terrain(REGION)
    assert [item.id for item in found] == ["good"]
    with pytest.raises(BadItem, match=r"/etc/more.json.*asset_folders"):
        static_catalog(tmp_path, ["/etc/more.json"]).terrain(REGION)
