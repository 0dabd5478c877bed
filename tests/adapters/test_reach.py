"""What a catalog may name: a table of addresses, and connections that are really made."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.reach import AddressRefusedError, Reach, is_listable
from tests.adapters.rude_server import RudeServer

WEB = Reach(catalog="web", home="https://stac.example.org/v1")
LISTED = Reach(
    catalog="web", home="https://stac.example.org/v1", hosts=("*.example.net", "10.0.0.7:8080", "s3://scenes", "::1")
)
NEAR = Reach(catalog="near", home="http://stac:8080/")
HERE = Reach(catalog="here", home="http://127.0.0.1:8080/")

ADDRESSES = [
    # reach, address, part of what is against it; None: nothing
    (WEB, "https://stac.example.org/a.tif", None),
    (WEB, "http://other.example.net:8080/a.tif?sig=x", None),
    (WEB, "https://93.184.215.14/a.tif", None),
    (WEB, "s3://copernicus-dem-30m/a/b.tif", None),
    (WEB, "gs://bucket/a.jp2", None),
    (WEB, "/etc/passwd", "files of this machine"),
    (WEB, "a.tif", "files of this machine"),
    (WEB, "file:///etc/passwd", "only http"),
    (WEB, "FILE:///etc/passwd", "only http"),
    (WEB, "ftp://example.org/a.tif", "only http"),
    (WEB, "HTTP://127.0.0.1/a.tif", "only http"),
    (WEB, "zip+https://example.org/a.zip!b.tif", "only http"),
    (WEB, "/vsicurl/http://example.org/a.tif", "only http"),
    (WEB, "/vsitar//vsicurl/http://example.org/a.tar/b.tif", "only http"),
    (WEB, "s3://Old-Bucket/A/b.tif", None),
    (WEB, "s3://a@b/c.tif", "only http"),
    (WEB, "s3:///c.tif", "only http"),
    (WEB, "https://[broken/a.tif", "no address"),
    (WEB, "https:///a.tif", "no address"),
    (WEB, "http://127.0.0.1/a.tif", "loopback"),
    (WEB, "http://localhost:9108/metrics", "loopback"),
    (WEB, "http://[::1]/a.tif", "loopback"),
    (WEB, "http://[::ffff:10.0.0.1]/a.tif", "private"),
    (WEB, "http://user@10.0.0.1/a.tif", "private"),
    (WEB, "http://169.254.169.254/latest/meta-data", "link-local"),
    (LISTED, "https://a.example.net/a.tif", None),
    (LISTED, "https://stac.example.org/a.tif", None),
    (LISTED, "http://10.0.0.7:8080/a.tif", None),
    (LISTED, "http://[::1]:9000/a.tif", None),
    (LISTED, "s3://scenes/a.tif", None),
    (LISTED, "s3://Scenes/a.tif", None),
    (LISTED, "http://stac.example.org/a.tif", None),
    (LISTED, "http://10.0.0.7/a.tif", "catalogs.web.asset_hosts"),
    (LISTED, "https://stac.example.org:444/a.tif", "not among"),
    (LISTED, "https://example.net/a.tif", "not among"),
    (LISTED, "https://evil-example.net/a.tif", "not among"),
    (LISTED, "s3://others/a.tif", "not among"),
    (NEAR, "http://10.0.0.1/a.tif", None),
    (NEAR, "http://192.168.1.1:9000/a.tif", None),
    (NEAR, "http://127.0.0.1/a.tif", "loopback"),
    (NEAR, "http://169.254.169.254/a.tif", "link-local"),
    (HERE, "http://127.0.0.1:9000/a.tif", None),
    (HERE, "http://10.0.0.1/a.tif", None),
    (HERE, "http://169.254.169.254/a.tif", "link-local"),
    (Reach(catalog="clouds", home="http://169.254.169.254/"), "http://169.254.169.254/a.tif", "link-local"),
    (Reach(catalog="bare", home="http://10.1.2.3:8080/", hosts=()), "https://10.1.2.3/a.tif", None),
    (Reach(catalog="bare", home="http://10.1.2.3:8080/", hosts=()), "http://10.1.2.3:5432/a.tif", "not among"),
]


@pytest.mark.parametrize(("reach", "href", "against"), ADDRESSES)
def test_addresses(reach: Reach, href: str, against: str | None) -> None:
    """By its words alone: nothing is asked."""
    refusal = reach.refusal(href)
    assert refusal is None if against is None else refusal is not None and against in refusal


@pytest.mark.parametrize(
    ("home", "private"),
    [
        ("http://10.1.2.3/", True),
        ("http://stac/", True),
        ("http://stac.watch.svc/", True),
        ("http://stac.agency.internal:8080/", True),
        ("http://127.0.0.1/", True),
        ("https://stac.example.org/", False),
        ("https://1.1.1.1/", False),
        ("http://169.254.1.1/", False),
        ("/data/catalog.json", False),
    ],
)
def test_who_lives_on_a_private_network_may_name_what_is_there(home: str, private: bool) -> None:
    """As its own address is written; a resolver might be its own, and is not asked."""
    refusal = Reach(catalog="one", home=home).refusal("http://10.0.0.1/a.tif")
    assert (refusal is None) is private


def test_files_of_a_catalog_on_disk(tmp_path: Path) -> None:
    """Those in and beside its folder, or in those that the configuration names, wherever links lead in the end."""
    home, beside, private = (tmp_path / name for name in ("home", "beside", "private"))
    for folder in (home, beside, private):
        folder.mkdir()
        (folder / "a.tif").touch()
    (home / "link.tif").symlink_to(private / "a.tif")
    (home / "inner.tif").symlink_to(home / "a.tif")
    reach = Reach(catalog="disk", home=str(home / "catalog.json"), folders=(beside,))
    for good in (home / "a.tif", home / "inner.tif", beside / "a.tif", home / ".." / "beside" / "a.tif"):
        assert reach.refusal(str(good)) is None
    for bad in (private / "a.tif", home / "link.tif", home / ".." / "private" / "a.tif", Path("/etc/passwd")):
        refusal = reach.refusal(str(bad))
        assert "catalogs.disk.asset_folders" in (refusal or "")
    assert reach.refusal("a.tif") == "it is no path"
    assert reach.refusal("https://files.example.org/a.tif") is None
    assert reach.refusal("http://127.0.0.1/a.tif") is not None
    alone, plain = (Reach(catalog="disk", home=str(home / "catalog.json"), folders=some) for some in ((), None))
    assert alone.refusal(str(home / "a.tif")) is None
    assert alone.refusal(str(beside / "a.tif")) is not None
    assert plain.refusal(str(beside / "a.tif")) is None
    assert "asset_folders, which then" in (plain.refusal(str(tmp_path.parent / "a.tif")) or "")


def test_what_lies_beside_a_folder_of_the_root_is_not_everything() -> None:
    """`/scenes/catalog.json` may not name the whole disk."""
    reach = Reach(catalog="disk", home="/scenes/catalog.json")
    assert reach.refusal("/scenes/2024/a.tif") is None
    assert "outside /scenes" in (reach.refusal("/etc/passwd") or "")


def test_a_name_that_no_host_can_have() -> None:
    """No error that nobody expects."""
    with pytest.raises(OSError, match="no host is called"):
        WEB.connect(f"{'a' * 70}.example.org", 443, 1)


def test_connections_are_made_to_addresses_that_were_checked() -> None:
    """A name that leads inside is refused before anybody there hears of it; not a listed one, nor a catalog's own."""
    with RudeServer().running() as server:
        for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1"):
            with pytest.raises(AddressRefusedError, match=r"loopback.*asset_hosts"):
                WEB.connect(host, server.port, 5)
        with pytest.raises(AddressRefusedError, match="not among"):
            LISTED.connect("127.0.0.1", server.port, 5)
        assert server.connections == 0
        own = Reach(catalog="own", home=f"http://localhost:{server.port}")
        listed = Reach(catalog="web", home="https://stac.example.org", hosts=("localhost",))
        for reach in (own, listed):
            reach.connect("localhost", server.port, 5).close()
    with pytest.raises(OSError, match="refused"):
        HERE.connect("127.0.0.1", server.port, 5)


@pytest.mark.parametrize(
    ("entry", "good"),
    [
        ("files.example.org", True),
        ("minio:9000", True),
        ("*.example.org", True),
        ("10.0.0.1", True),
        ("[::1]:8080", True),
        ("::1", True),
        ("s3://scenes", True),
        ("http://files.example.org", False),
        ("files.example.org/path", False),
        ("files:0", False),
        ("files:http", False),
        ("*", False),
        ("", False),
        ("s3://", False),
    ],
)
def test_what_can_be_listed(entry: str, good: bool) -> None:
    """An entry that could allow nothing is a mistake."""
    assert is_listable(entry) is good


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_file_by_a_catalog_of_the_web(text: str) -> None:
    """Whatever it writes, it is an address of the web or a store, or refused."""
    assert WEB.refusal(text) is not None or text.startswith(("http://", "https://", "s3://", "gs://", "az://"))
