"""Pixels of items on the grid, from real files of every awkward kind."""

from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.opening import GDAL_OPTIONS
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.core.grid import tile_geobox
from monitor.errors import AssetUnavailable, BadAsset, BadItem
from monitor.records import Asset, PixelState, Tile
from tests.adapters.scene_files import NAMES, TILE, forest, scene, write_tif


def test_aligned_pixels_come_back_exactly(tmp_path: Path) -> None:
    """On the grid's own pixels nothing is resampled, and scale and offset make reflectance."""
    ramp = np.arange(320 * 320, dtype=np.uint16).reshape(320, 320) % 5000 + 1100
    href = write_tif(tmp_path / "ramp.tif", ramp)
    assets = {name: Asset(href=href, scale=1e-4, offset=-0.1) for name in NAMES}
    bands = RasterImageSource().read([scene(assets)], NAMES, TILE)
    np.testing.assert_allclose(bands.pixels.values[0], ramp[32:288, 32:288] * 1e-4 - 0.1, atol=1e-6)
    assert bands.pixels.odc.geobox == tile_geobox(TILE)
    assert list(bands.pixels.band.values) == list(NAMES)


def test_shifted_and_coarser_pixels_are_resampled(tmp_path: Path) -> None:
    """Half a pixel off, or at 20 m, a plane of values stays that plane."""
    columns = np.mgrid[:320, :320][1]
    fine = write_tif(tmp_path / "fine.tif", (1000 + 4 * columns).astype(np.uint16), shift_px=0.5)
    columns = np.mgrid[:160, :160][1]
    coarse = write_tif(tmp_path / "coarse.tif", (1002 + 8 * columns).astype(np.uint16), resolution=20.0)
    assets = {"B04": Asset(href=fine, scale=1e-4), "B03": Asset(href=coarse, scale=1e-4)}
    assets["B02"] = assets["B04"]
    pixels = RasterImageSource().read([scene(assets)], NAMES, TILE).pixels.values
    expected = (1000 + 4 * (np.arange(256) + 32)) * 1e-4
    np.testing.assert_allclose(pixels[0], np.broadcast_to(expected - 2e-4, (256, 256)), atol=1e-4)
    np.testing.assert_allclose(pixels[1], np.broadcast_to(expected, (256, 256)), atol=1e-4)


def test_nodata_in_one_band_is_no_observation_in_any(tmp_path: Path) -> None:
    """DN 0 of one band at a swath edge hides the pixel, and the others' values with it."""
    assets = forest(tmp_path)
    holed = np.full((320, 320), 600, np.uint16)
    holed[32:132, 32:232] = 0
    assets["B03"] = Asset(href=write_tif(tmp_path / "holed.tif", holed), scale=1e-4)
    bands = RasterImageSource().read([scene(assets)], NAMES, TILE)
    assert (bands.state[:100, :200] == PixelState.NODATA).all()
    assert np.isnan(bands.pixels.values[:, :100, :200]).all()
    assert (bands.state[100:] == PixelState.VALID).all()
    assert bands.mask_source == "bright-white"


def test_outside_the_raster_is_nodata(tmp_path: Path) -> None:
    """A tile beside the scene is read as nothing, not as an error."""
    far = Tile(epsg=32633, column=210, row=2000)
    bands = RasterImageSource().read([scene(forest(tmp_path))], NAMES, far)
    assert (bands.state == PixelState.NODATA).all()


def test_scene_classes_win_over_whiteness(tmp_path: Path) -> None:
    """With SCL the producer's classes decide, at 20 m, grown by their rims."""
    assets = forest(tmp_path)
    classes = np.full((160, 160), 4, np.uint8)
    classes[60:64, 60:64] = 9
    assets["SCL"] = Asset(href=write_tif(tmp_path / "scl.tif", classes, resolution=20.0))
    bands = RasterImageSource().read([scene(assets)], NAMES, TILE)
    assert bands.mask_source == "scl"
    assert bands.state[92, 92] == PixelState.CLOUD
    assert bands.state[92 + 14, 92] == PixelState.VALID


def test_mosaic_takes_clear_pixels_first_in_any_order(tmp_path: Path) -> None:
    """A hole or a cloud of one item is filled by the other; the order of items does not matter."""
    first, second = forest(tmp_path, 600), forest(tmp_path, 700)
    holed = np.full((320, 320), 600, np.uint16)
    holed[32:132] = 0
    for name in NAMES:
        first[name] = Asset(href=write_tif(tmp_path / f"hole-{name}.tif", holed), scale=1e-4)
    items = [scene(first, "a"), scene(second, "b")]
    one = RasterImageSource().read(items, NAMES, TILE)
    other = RasterImageSource().read(items[::-1], NAMES, TILE)
    np.testing.assert_array_equal(one.pixels.values, other.pixels.values)
    np.testing.assert_allclose(one.pixels.values[0, :100], 0.07, atol=1e-6)
    np.testing.assert_allclose(one.pixels.values[0, 100:], 0.06, atol=1e-6)


def _html(path: Path) -> str:
    path.write_text("<html><body>Please log in</body></html>")
    return str(path)


def _truncated(path: Path) -> str:
    noise = np.random.default_rng(0).integers(1, 5000, (320, 320)).astype(np.uint16)
    whole = Path(write_tif(path, noise)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return str(path)


def _without_crs(path: Path) -> str:
    return write_tif(path, np.full((320, 320), 600, np.uint16), crs=None)


def _with_local_crs(path: Path) -> str:
    return write_tif(path, np.full((320, 320), 600, np.uint16), crs='LOCAL_CS["site",UNIT["metre",1]]')


@pytest.mark.parametrize(
    "spoil",
    [_html, _truncated, _without_crs, _with_local_crs, str],
    ids=["html", "truncated", "no-crs", "local-crs", "missing"],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_files_that_are_no_rasters(tmp_path: Path, spoil: object) -> None:
    """HTML, half a file, no CRS, no file: each names the item, the file and what to do."""
    assets = forest(tmp_path)
    assets["B03"] = Asset(href=spoil(tmp_path / "bad.tif"), scale=1e-4)  # type: ignore[operator]
    with pytest.raises(BadAsset) as caught:
        RasterImageSource().read([scene(assets)], NAMES, TILE)
    assert caught.value.item == "scene"
    assert "bad.tif" in str(caught.value)
    assert caught.value.remedy


def test_an_item_without_the_band(tmp_path: Path) -> None:
    """The missing asset is named, and those that are there."""
    assets = forest(tmp_path)
    del assets["B03"]
    with pytest.raises(BadItem, match="B03") as caught:
        RasterImageSource().read([scene(assets)], NAMES, TILE)
    assert caught.value.reason == "missing-asset"


class _Status(BaseHTTPRequestHandler):
    code = 503

    def do_GET(self) -> None:
        """Answer with the class's status."""
        self.send_response(self.code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - the name http.server looks for

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.mark.parametrize(("code", "error"), [(503, AssetUnavailable), (404, BadAsset)])
def test_servers_that_refuse(
    tmp_path: Path, code: int, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 may pass and is tried again later; 404 will not."""
    monkeypatch.setattr("monitor.adapters.opening.GDAL_OPTIONS", {"GDAL_HTTP_MAX_RETRY": "0", "GDAL_HTTP_TIMEOUT": "5"})
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (_Status,), {"code": code}))
    Thread(target=server.serve_forever, daemon=True).start()
    assets = forest(tmp_path)
    assets["B03"] = Asset(href=f"http://127.0.0.1:{server.server_port}/{code}.tif", scale=1e-4)
    try:
        with pytest.raises(error):
            RasterImageSource().read([scene(assets)], NAMES, TILE)
    finally:
        server.shutdown()
        server.server_close()


class _Flaky(BaseHTTPRequestHandler):
    """Serves a file; while `code` is not 200, whatever begins at `from_byte` or later is answered with it."""

    protocol_version = "HTTP/1.1"
    content = b""
    code = 200
    from_byte = 0

    def do_GET(self) -> None:
        """One range, or everything."""
        first, last = 0, len(self.content) - 1
        if "Range" in self.headers:
            start, _, end = self.headers["Range"].removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(end or last), last)
        body = self.content[first : last + 1]
        if self.code != 200 and first >= self.from_byte:
            body = b""
            self.send_response(self.code)
        elif "Range" in self.headers:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(self.content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name http.server looks for

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.mark.parametrize(
    ("code", "from_byte", "error"),
    [(503, 0, AssetUnavailable), (503, 16384, AssetUnavailable), (404, 0, BadAsset)],
    ids=["server down", "server goes down between header and pixels", "not there yet"],
)
def test_a_server_that_recovers(
    tmp_path: Path, code: int, from_byte: int, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed once is asked for again: the next try of the same reader gives the pixels."""
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", "0")
    noise = np.random.default_rng(0).integers(500, 700, (320, 320)).astype(np.uint16)
    content = Path(write_tif(tmp_path / "noise.tif", noise)).read_bytes()
    handler = type("Handler", (_Flaky,), {"content": content, "code": code, "from_byte": from_byte})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    assets = forest(tmp_path)
    assets["B03"] = Asset(href=f"http://127.0.0.1:{server.server_port}/band.tif", scale=1e-4)
    source = RasterImageSource()
    try:
        with pytest.raises(error):
            source.read([scene(assets)], NAMES, TILE)
        handler.code = 200  # type: ignore[attr-defined]
        green = source.read([scene(assets)], NAMES, TILE).pixels.values[1]
    finally:
        server.shutdown()
        server.server_close()
    np.testing.assert_allclose(green, noise[32:288, 32:288] * 1e-4, atol=1e-6)


def test_a_mended_file_is_read_anew(tmp_path: Path) -> None:
    """After a person replaced a truncated file the same reader gives its pixels, without a restart."""
    assets = forest(tmp_path)
    broken = tmp_path / "bad.tif"
    _truncated(broken)
    assets["B03"] = Asset(href=str(broken), scale=1e-4)
    source = RasterImageSource()
    with pytest.raises(BadAsset):
        source.read([scene(assets)], NAMES, TILE)
    Path(write_tif(tmp_path / "whole.tif", np.full((320, 320), 800, np.uint16))).replace(broken)
    green = source.read([scene(assets)], NAMES, TILE).pixels.values[1]
    np.testing.assert_allclose(green, 0.08, atol=1e-6)


def test_slope_is_smooth_and_the_same_at_tile_borders(tmp_path: Path) -> None:
    """A 30 m model of a hill gives neighbouring tiles one continuous slope without steps."""
    rows, columns = np.mgrid[:300, :300] * 30.0
    hill = (500 + 200 * np.sin(columns / 900.0) + 150 * np.cos(rows / 700.0)).astype(np.float32)
    dem = scene({"data": Asset(href=write_tif(tmp_path / "dem.tif", hill, resolution=30.0, shift_px=-200))}, "dem")
    source = RasterTerrainSource([dem])
    here, east = source.read(TILE), source.read(Tile(epsg=32633, column=201, row=2000))
    assert here is not None
    assert east is not None
    seam = np.abs(here.slope_deg[:, -1] - east.slope_deg[:, 0])
    assert seam.max() < 0.6
    assert np.abs(np.diff(here.slope_deg, axis=1)).max() < 0.8
    assert np.nanmax(here.slope_deg) > 8


def test_no_elevation_is_no_terrain() -> None:
    """Without items there is nothing to say."""
    assert RasterTerrainSource([]).read(TILE) is None
