"""Keys, signatures and passwords in addresses are shown to nobody, wherever they come from."""

import io
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from rasterio.enums import Resampling
from shapely import box

from monitor.adapters.catalog import Asking, StacApiCatalog, StaticCatalog
from monitor.adapters.catalog.reading import Patience
from monitor.adapters.hosts import Patience as ReadPatience
from monitor.adapters.opening import GDAL_OPTIONS
from monitor.adapters.rasters import RasterReader
from monitor.adapters.reach import Reach
from monitor.adapters.redacting import without_tokens
from monitor.adapters.signing import Signers
from monitor.core.grid import tile_geobox
from monitor.errors import CatalogUnavailable, ScarpwatchError
from monitor.logs import make_logger, tell_retries
from monitor.records import Asset
from tests.adapters.rude_server import RudeServer, whole
from tests.adapters.scene_files import TILE, scene

YEARS = (datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
KEY = "hunter22"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"https://a/b.tif?X-Amz-Date=1&X-Amz-Signature={KEY}", "https://a/b.tif"),
        (f"GET https://a/b?x=1&Signature={KEY}&Key-Pair-Id=2: 403", "GET https://a/b: 403"),
        (f"https://a/v1?api_key={KEY}", "https://a/v1"),
        (f"url: /v1?access_token={KEY} (Caused by no route)", "url: /v1 (Caused by no route)"),
        (f"https://me:{KEY}@a/v1 and http://{KEY}@b/", "https://a/v1 and http://b/"),
        (f"socks5h://catalog0:{KEY}@127.0.0.1:9", "socks5h://127.0.0.1:9"),
        ("https://a/search?token=next:page&limit=100", "https://a/search?token=next:page&limit=100"),
        ("https://a/@me?x=1 mail me@b", "https://a/@me?x=1 mail me@b"),
    ],
)
def test_texts(text: str, shown: str) -> None:
    """What remains tells where it was."""
    assert without_tokens(text) == shown


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the service says about short retries."""
    said = io.StringIO()
    tell_retries(make_logger(said, as_json=True))
    yield said
    tell_retries(None)


@pytest.mark.parametrize("kind", [StacApiCatalog, StaticCatalog])
def test_a_catalog_whose_address_has_a_key(
    kind: type[StacApiCatalog | StaticCatalog], log: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    """It is used, and neither the error nor the log has it, when nobody answers and when somebody refuses."""
    Signers({})
    caplog.set_level(logging.DEBUG)
    patience = Patience(attempts=2, wait_s=0.0, longest_wait_s=0.1, timeout_s=5)
    with RudeServer().running() as server:
        address = f"http://me:{KEY}@127.0.0.1:{server.port}/c.json?api_key={KEY}"
        server.routes[f"/c.json?api_key={KEY}"] = whole(b"busy", status="503 Busy")
        asking = Asking(patience=patience, reach=Reach(catalog="played", home=address))
        catalog = kind(name="played", href=address, asking=asking)
        said = [_fails(catalog)]
        assert server.asked == [f"/c.json?api_key={KEY}"] * 2
    said += [_fails(catalog), log.getvalue(), caplog.text]
    assert "c.json" in said[1]
    assert "try-again" in log.getvalue()
    assert [KEY in one for one in said] == [False] * 4


def _fails(catalog: StacApiCatalog | StaticCatalog) -> str:
    with pytest.raises(CatalogUnavailable) as caught:
        catalog.search(box(10, 45, 11, 46), *YEARS)
    return str(caught.value)


def test_a_file_whose_address_was_signed_by_its_catalog(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read with the signature; the error, what is behind it, and the log of GDAL do without."""
    caplog.set_level(logging.INFO)
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", "0")
    with RudeServer().running() as server:
        path = f"/a.tif?X-Amz-Signature={KEY}"
        server.routes[path] = whole(b"", status="403 Forbidden")
        item = scene({"B02": Asset(href=f"{server.url}{path}")})
        home = Reach(catalog="test", home=server.url)
        link = Signers({}, reaches={"test": home})(item, item.assets["B02"].href)
        with pytest.raises(ScarpwatchError, match=r"a\.tif") as caught:
            RasterReader(ReadPatience(tries=1)).warp([link], item.id, tile_geobox(TILE), Resampling.nearest, np.nan)
        assert path in server.asked
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY not in caplog.text
