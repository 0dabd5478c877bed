"""Static catalogs: the real one, broken ones, and one behind a plain web server."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from shapely import affinity, box

from monitor.adapters.catalog import Asking, Collections, StaticCatalog
from monitor.adapters.catalog.reading import Patience
from monitor.errors import CatalogUnavailable
from monitor.records import Rejected
from tests.adapters.stac_server import HTML, Answer, CatalogServer, as_json

REGION = box(10.2, 45.2, 10.8, 45.8)
SPRING = (datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
BRISK = Patience(attempts=2, wait_s=0.0, longest_wait_s=0.2, timeout_s=5)


def item(name: str, **changes: object) -> dict[str, object]:
    """A small complete item over the region."""
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "sentinel-2-l2a",
        "geometry": {"type": "Polygon", "coordinates": [[[10, 45], [11, 45], [11, 46], [10, 46], [10, 45]]]},
        "properties": {"datetime": "2024-05-01T10:00:31Z", "platform": "sentinel-2b"},
        "links": [],
        "assets": {band: {"href": f"./{band}.tif"} for band in ("B02", "B03", "B04")},
        **changes,
    }


def documents(*items: str) -> dict[str, object]:
    """Root and collection that link these items, and two dead ends."""
    links = [{"rel": "item", "href": f"../{name}.json"} for name in items]
    return {
        "catalog.json": {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": "small",
            "description": "small",
            "links": [
                {"rel": "child", "href": "./scenes/collection.json"},
                {"rel": "child", "href": "./gone/collection.json"},
                {"rel": "child"},
                {"rel": "self", "href": "./catalog.json"},
            ],
        },
        "scenes/collection.json": {
            "type": "Collection",
            "stac_version": "1.0.0",
            "id": "sentinel-2-l2a",
            # A child that leads back must not be walked for ever.
            "links": [*links, {"rel": "child", "href": "../catalog.json"}],
        },
    }


def write(folder: Path, files: dict[str, object]) -> StaticCatalog:
    """Put documents on disk (text as it is, the rest as JSON); the catalog of them."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return StaticCatalog(name="small", href=str(folder / "catalog.json"), asking=Asking(patience=BRISK))


def reasons(rejected: list[Rejected]) -> dict[str, str]:
    """Reason by the last part of the item's name."""
    return {refusal.item.rpartition("/")[2]: refusal.reason for refusal in rejected}


def test_hokkaido(data_folder: Path) -> None:
    """The real catalog lists the scenes before and after the earthquake in order, and one elevation model."""
    catalog = StaticCatalog(name="local", href=str(data_folder / "hokkaido_iburi_2018" / "catalog" / "catalog.json"))
    region = box(141.8904, 42.6824, 142.0280, 42.7695)
    items, rejected = catalog.search(region, datetime(2015, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    assert ([item.id for item in items], rejected) == (["S2_IBURI_PRE", "S2_IBURI_POST"], [])
    assert all(item.catalog == "local" and item.collection == "sentinel-2-l2a" for item in items)
    files = [Path(asset.href) for item in [*items, *catalog.terrain(region)] for asset in item.assets.values()]
    assert len(files) == 7
    assert all(file.is_absolute() and file.is_file() for file in files)
    assert [item.id for item in catalog.terrain(region)] == ["AW3D30_IBURI"]


def test_hokkaido_in_parts(data_folder: Path) -> None:
    """The search keeps to the time window, both ends included, and to the ground; region boxes need not fit exactly."""
    catalog = StaticCatalog(name="local", href=str(data_folder / "hokkaido_iburi_2018" / "catalog" / "catalog.json"))
    region = box(141.8904, 42.6824, 142.0280, 42.7695)
    before, after = datetime(2018, 4, 20, 1, 26, tzinfo=UTC), datetime(2018, 10, 22, 1, 26, tzinfo=UTC)
    second = timedelta(seconds=1)
    for ground in (region.buffer(0.01), region.buffer(-0.01)):
        assert len(catalog.search(ground, before, after)[0]) == 2
    assert [item.id for item in catalog.search(region, before + second, after)[0]] == ["S2_IBURI_POST"]
    assert catalog.search(region, before + second, after - second) == ([], [])
    elsewhere = affinity.translate(region, xoff=1)
    assert (catalog.search(elsewhere, before, after), catalog.terrain(elsewhere)) == (([], []), [])


def test_one_broken_document_does_not_stop_the_others(tmp_path: Path) -> None:
    """Missing, broken and useless documents are refused one by one, each with its reason; the good are found."""
    outside = {"type": "Polygon", "coordinates": [[[20, 45], [21, 45], [21, 46], [20, 45]]]}
    files = documents("bad", "html", "list", "missing", "no-place", "no-time", "no-red", "far", "good")
    catalog = write(
        tmp_path,
        {
            **files,
            "bad.json": '{"type": "Feature", ',
            "html.json": HTML.body.decode(),
            "list.json": [],
            "no-place.json": item("no-place", geometry=None),
            "no-time.json": item("no-time", properties={}),
            "no-red.json": item("no-red", assets={"B02": {"href": "b"}, "B03": {"href": "g"}}),
            # What lies elsewhere is none of this region's business, complete or not.
            "far.json": item("far", geometry=outside, assets={}),
            "good.json": item("good"),
        },
    )
    items, rejected = catalog.search(REGION, *SPRING)
    assert [found.id for found in items] == ["good"]
    assert items[0].assets["B04"].href == str(tmp_path / "B04.tif")
    assert reasons(rejected) == {
        "bad.json": "unreadable-document",
        "html.json": "unreadable-document",
        "list.json": "unreadable-document",
        "missing.json": "unreadable-document",
        "collection.json": "unreadable-document",
        "no-place": "no-geometry",
        "no-time": "no-datetime",
        "no-red": "missing-asset",
    }
    detail = {refusal.item: refusal.detail for refusal in rejected}
    assert detail[str(tmp_path / "missing.json")] == "No such file or directory"
    assert "no B04 " in detail["no-red"]


def test_collections_are_chosen(tmp_path: Path) -> None:
    """Only the named collections are walked, whatever they are called; an empty list is none, None all."""
    files = {**documents("good"), "good.json": item("good", collection=None)}
    href = str(write(tmp_path, files).href)
    for optical, expected in ((("sentinel-2-l2a",), 1), (("other",), 0), ((), 0), (None, 1)):
        items, _ = StaticCatalog(name="small", href=href, collections=Collections(optical=optical)).search(
            REGION, *SPRING
        )
        assert [found.collection for found in items] == ["sentinel-2-l2a"] * expected


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("", "not JSON"),
        ('{"type": "Catalog"', "not JSON"),
        ("{}", "not a STAC catalog"),
        ("[1, 2]", "not a STAC catalog"),
        ("<html></html>", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_an_unusable_root_is_an_error(tmp_path: Path, content: str | None, says: str) -> None:
    """Without its root nothing is known: the error names the address and what to do."""
    path = tmp_path / "catalog.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    catalog = StaticCatalog(name="small", href=str(path))
    with pytest.raises(CatalogUnavailable, match=says) as caught:
        catalog.search(REGION, *SPRING)
    assert str(path) in caught.value.item
    assert str(caught.value).count(str(path)) == 1, "and names it once"
    assert "catalogs.small" in caught.value.remedy
    with pytest.raises(CatalogUnavailable):
        catalog.terrain(REGION)


def test_a_root_given_relative_or_as_file_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path and a file:// address find the same absolute files."""
    folder = tmp_path / "my catalog"
    write(folder, {**documents("good"), "good.json": item("good")})
    monkeypatch.chdir(folder)
    for href in ("catalog.json", (folder / "catalog.json").as_uri()):
        items, _ = StaticCatalog(name="small", href=href).search(REGION, *SPRING)
        assert items[0].assets["B02"].href == str(folder / "B02.tif")


def test_a_moved_catalog_still_works(tmp_path: Path) -> None:
    """Relative links start where the document lies now, not where it says it lay."""
    links = [{"rel": "self", "href": "https://example.org/elsewhere/good.json"}]
    write(tmp_path / "old", {**documents("good"), "good.json": item("good", links=links)})
    shutil.move(tmp_path / "old", tmp_path / "new")
    items, _ = StaticCatalog(name="small", href=str(tmp_path / "new" / "catalog.json")).search(REGION, *SPRING)
    assert items[0].assets["B02"].href == str(tmp_path / "new" / "B02.tif")


def serve(server: CatalogServer, files: dict[str, object]) -> StaticCatalog:
    """The same documents behind the web server."""
    for name, content in files.items():
        server.routes[f"/{name}"] = [content if isinstance(content, Answer) else as_json(content)]
    return StaticCatalog(name="web", href=f"{server.url}/catalog.json", asking=Asking(patience=BRISK))


def test_over_http() -> None:
    """A static catalog behind a web server; a document it cannot give is refused, the others are found."""
    with CatalogServer().running() as server:
        files = {**documents("busy", "page", "lost", "good"), "good.json": item("good"), "page.json": HTML}
        catalog = serve(server, {**files, "busy.json": Answer(body=b"", status=503)})
        items, rejected = catalog.search(REGION, *SPRING)
        assert [found.assets["B02"].href for found in items] == [f"{server.url}/B02.tif"]
        expected = dict.fromkeys(("busy.json", "page.json", "lost.json", "collection.json"), "unreadable-document")
        assert reasons(rejected) == expected
        asked = [path for _, path, _ in server.requests]
        assert (asked.count("/busy.json"), asked.count("/lost.json")) == (2, 1)


@pytest.mark.parametrize("answer", [Answer(body=b"", status=503), Answer(body=b"", status=404), HTML])
def test_an_unusable_root_over_http(answer: Answer) -> None:
    """A root that answers 503, 404 or a web page is a catalog that cannot be asked now."""
    with CatalogServer().running() as server:
        catalog = serve(server, {"catalog.json": answer})
        with pytest.raises(CatalogUnavailable, match="cannot be read"):
            catalog.search(REGION, *SPRING)


def test_a_server_that_is_gone() -> None:
    """A refused connection is an error of the whole catalog."""
    with CatalogServer().running() as server:
        catalog = serve(server, documents())
    with pytest.raises(CatalogUnavailable, match="does not answer"):
        catalog.search(REGION, *SPRING)
