"""Reads over the network: tokens that expire, hosts that are busy, broken or gone."""

import time
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from planetary_computer import sas
from planetary_computer.settings import Settings
from rasterio.enums import Resampling
from rasterio.transform import from_origin

from monitor.adapters.hosts import Hosts, Patience
from monitor.adapters.rasters import RasterReader
from monitor.adapters.signing import Link, PlanetaryComputer
from monitor.core.breaker import BreakerSettings, HostState
from monitor.core.grid import tile_geobox
from monitor.errors import HOST_RESTING, AssetUnavailable, BadAsset, ScarpwatchError
from monitor.records import Tile
from tests.adapters.asset_server import STORE, TOKEN, AssetServer

TILE = Tile(epsg=32633, column=200, row=2000)
HREF = f"http://{STORE}/valley/band.tif"
REST = timedelta(seconds=0.3)
HASTY = Patience(wait_s=0.01)
NOISE = np.random.default_rng(0).integers(500, 700, (256, 256)).astype(np.uint16)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AssetServer]:
    """One file behind tokens."""
    box = tile_geobox(TILE)
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint16", "width": 256, "height": 256, "crs": str(box.crs)}
    origin = from_origin(box.transform.c, box.transform.f, 10, 10)
    with rasterio.open(
        tmp_path / "band.tif", "w", transform=origin, tiled=True, blockxsize=64, blockysize=64, **profile
    ) as file:
        file.write(NOISE, 1)
    with AssetServer(tmp_path).running() as server:
        monkeypatch.setenv("http_proxy", server.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(sas, "TOKEN_CACHE", {})
        monkeypatch.setattr(Settings.get(), "sas_url", f"{server.url}/token")
        yield server


def link(hosts: Hosts, href: str = HREF) -> Link:
    """The file, signed as on the Planetary Computer."""
    return Link(href=href, item="scene", signer=PlanetaryComputer(hosts, HASTY), hosts=hosts)


def read(reader: RasterReader, one: Link) -> NDArray[np.float32]:
    """The tile's pixels."""
    pixels: NDArray[np.float32] = reader.warp([one], "scene", tile_geobox(TILE), Resampling.nearest, None)[0]
    return pixels


def fails(reader: RasterReader, one: Link, kind: type[ScarpwatchError]) -> ScarpwatchError:
    """The error of a read that must fail; it shows the plain address and no token, nor does anything behind it."""
    with pytest.raises(kind) as caught:
        read(reader, one)
    assert one.href in str(caught.value)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    return caught.value


def test_a_token_that_ends_in_mid_read(store: AssetServer) -> None:
    """The file stays open, its token does not last: every read signs anew and gives the pixels."""
    hosts, reader = Hosts(), RasterReader(HASTY)
    read(reader, link(hosts))
    store.spoil(token_lasts=2 * store.met[STORE] - 1)
    for _ in range(4):
        reader._close(HREF)
        np.testing.assert_array_equal(read(reader, link(hosts)), NOISE)
    assert store.met["token"] > 1
    assert hosts.snapshot()[STORE].state(hosts._clock()) is HostState.WORKING


def test_an_open_file_whose_token_was_replaced(store: AssetServer) -> None:
    """A dataset kept open under an old token is opened again under the new one, which is not thrown away."""
    hosts, reader = Hosts(), RasterReader(HASTY)
    corner = tile_geobox(TILE)[:32, :32]
    reader.warp([link(hosts)], "scene", corner, Resampling.nearest, None)
    store.revoke()
    np.testing.assert_array_equal(read(reader, link(hosts)), NOISE)
    assert len(sas.TOKEN_CACHE) == 1
    assert list(reader._opened()) == [HREF]


def test_a_link_that_stays_forbidden(store: AssetServer) -> None:
    """Two fresh tokens, then later: a person is told what to look at, and the host is not to blame."""
    store.spoil(forbidden=True)
    hosts = Hosts()
    error = fails(RasterReader(HASTY), link(hosts), AssetUnavailable)
    assert error.reason == "forbidden"
    assert "fresh token" in str(error)
    assert hosts.snapshot()[STORE].failures == 0
    store.spoil()
    np.testing.assert_array_equal(read(RasterReader(HASTY), link(hosts)), NOISE)


@pytest.mark.parametrize("fault", [{"busy_every": 2, "retry_after": "0"}, {"broken_every": 5}, {"cut_every": 3}])
def test_what_passes_soon_is_waited_out(fault: dict[str, int | str], store: AssetServer) -> None:
    """429 with a short Retry-After, 503, and answers cut in the middle give the pixels all the same."""
    store.spoil(**fault)
    np.testing.assert_array_equal(read(RasterReader(HASTY), link(Hosts())), NOISE)
    assert store.met["busy"] + store.met["broken"] + store.met["cut"] > 0


def test_a_long_retry_after_is_handed_on(store: AssetServer) -> None:
    """A host that asks for ten minutes is not asked again meanwhile; who waits for it has not tried."""
    hosts, reader = Hosts(), RasterReader(HASTY)
    one = link(hosts)
    one.signed()
    store.spoil(busy_every=1, busy_at_most=99, retry_after="600")
    error = fails(reader, one, AssetUnavailable)
    assert isinstance(error, AssetUnavailable)
    assert (error.reason, error.tried, error.retry_after_s) == ("asset-unavailable", True, 600)
    asked = store.met.total()
    error = fails(reader, one, AssetUnavailable)
    assert isinstance(error, AssetUnavailable)
    assert (error.reason, error.tried) == (HOST_RESTING, False)
    assert error.retry_after_s == pytest.approx(600, abs=5)
    assert store.met.total() == asked


def test_a_dead_host_is_left_alone_and_asked_again(store: AssetServer) -> None:
    """Three failures, a rest, one probe; the first answer makes it as good as new. Other hosts never noticed."""
    hosts = Hosts(BreakerSettings(failures=3, rest=REST))
    reader = RasterReader(HASTY)
    store.spoil(gone=True)
    assert fails(reader, link(hosts), AssetUnavailable).reason == "asset-unavailable"
    assert fails(reader, link(hosts), AssetUnavailable).reason == HOST_RESTING
    assert set(hosts.snapshot()) == {STORE, store.url.removeprefix("http://")}
    assert hosts.rests_s(store.url) == 0
    store.spoil()
    time.sleep(REST.total_seconds())
    np.testing.assert_array_equal(read(reader, link(hosts)), NOISE)
    assert hosts.snapshot()[STORE].failures == 0


def test_a_file_that_is_gone(store: AssetServer) -> None:
    """404 stays, and is no fault of the host."""
    hosts = Hosts()
    error = fails(RasterReader(HASTY), link(hosts, HREF.replace("band", "nothing")), BadAsset)
    assert "HTTP 404" in str(error)
    assert hosts.snapshot()[STORE].failures == 0


def test_a_page_instead_of_a_file(store: AssetServer) -> None:
    """A server that answers with something else than a raster is not asked for ever."""
    (store.folder / "page.tif").write_text("<!DOCTYPE html><html><body>Maintenance</body></html>")
    assert fails(RasterReader(HASTY), link(Hosts(), HREF.replace("band", "page")), BadAsset).reason == "bad-asset"
