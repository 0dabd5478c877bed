"""Rasters that lie about themselves or lead astray: refused with a reason, before anything is allocated or asked."""

import errno
import os
import socket
import struct
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import from_origin

from monitor.adapters import gate
from monitor.adapters.hosts import Hosts, Patience
from monitor.adapters.opening import GDAL_OPTIONS
from monitor.adapters.rasters import RasterReader
from monitor.adapters.reach import Reach
from monitor.adapters.signing import Link
from monitor.core.grid import tile_geobox
from monitor.errors import AssetUnavailable, BadAsset
from tests.adapters.rude_server import RudeServer, away
from tests.adapters.scene_files import TILE, write_tif

PIXELS = np.full((320, 320), 600, np.uint16)
WEB = Reach(catalog="web", home="https://stac.example.org")
Field = tuple[int, int, list[int]]
"""Tag, type and values of a TIFF."""


@pytest.fixture
def reader() -> RasterReader:
    """One that does not wait."""
    return RasterReader(Patience(tries=1, wait_s=0.0))


def refused(reader: RasterReader, href: str, reach: Reach | None = None) -> BadAsset:
    """The error of reading an address; what it says names address, item and remedy."""
    with pytest.raises(BadAsset) as caught:
        read(reader, href, reach)
    assert (caught.value.item, href in str(caught.value)) == ("scene", True)
    return caught.value


def read(reader: RasterReader, href: str, reach: Reach | None = None) -> NDArray[np.float32]:
    """The tile's pixels."""
    link = Link(href=href, item="scene", hosts=Hosts(), reach=reach)
    pixels: NDArray[np.float32] = reader.warp([link], "scene", tile_geobox(TILE), Resampling.bilinear, None)[0]
    return pixels


def tiff(path: Path, side: int, block: int, bits: int = 16) -> str:
    """A header of a few hundred bytes that claims a raster of one band, tiled and packed; there are no pixels."""
    count = (side + block - 1) // block
    fields: list[Field] = [
        (256, 4, [side]), (257, 4, [side]), (258, 3, [bits]), (259, 3, [8]), (262, 3, [1]), (277, 3, [1]),
        (322, 4, [block]), (323, 4, [block]), (324, 4, [0] * min(count, 1)), (325, 4, [0] * min(count, 1)),
    ]  # fmt: skip
    doubles = {33550: (10.0, 10.0, 0.0), 33922: (0.0, 0.0, 0.0, 500000.0, 5120000.0, 0.0)}
    keys = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633]
    after = 8 + 2 + 12 * (len(fields) + 3) + 4
    rows, tail = [], b""
    for tag, kind, values in fields:
        rows.append(struct.pack("<HHII", tag, kind, len(values), values[0]))
    for tag, numbers in doubles.items():
        rows.append(struct.pack("<HHII", tag, 12, len(numbers), after + len(tail)))
        tail += struct.pack(f"<{len(numbers)}d", *numbers)
    rows.append(struct.pack("<HHII", 34735, 3, len(keys), after + len(tail)))
    tail += struct.pack(f"<{len(keys)}H", *keys)
    path.write_bytes(struct.pack("<2sHIH", b"II", 42, 8, len(rows)) + b"".join(rows) + bytes(4) + tail)
    return str(path)


@pytest.mark.parametrize(
    ("side", "block", "bits", "words"),
    [
        (10_000_000, 512, 16, "10000000 x 10000000 pixels large"),
        (40_000, 32_768, 16, "2048 MiB each"),
    ],
)
def test_a_header_that_claims_the_world(
    tmp_path: Path, reader: RasterReader, side: int, block: int, bits: int, words: str
) -> None:
    """A few hundred bytes that would be unpacked into gigabytes."""
    error = refused(reader, tiff(tmp_path / "large.tif", side, block, bits))
    assert error.reason == "raster-too-large"
    assert words in str(error)
    np.testing.assert_array_equal(np.isnan(read(reader, tiff(tmp_path / "fair.tif", 1000, 512))).all(), True)


def test_pixels_so_small_that_a_tile_is_too_many_of_them(tmp_path: Path, reader: RasterReader) -> None:
    """A tile of 2.56 km is seen through a window of its own size, whatever the pixels of the source."""
    place = tile_geobox(TILE).transform
    grid = {"transform": from_origin(place.c, place.f, 0.1, 0.1), "crs": "EPSG:32633", "dtype": "uint8", "count": 1}
    for name, side in (("fine.tif", 30_000), ("wide.tif", 70_000)):
        with rasterio.open(
            tmp_path / name, "w", driver="GTiff", width=side, height=side, tiled=True, sparse_ok=True, **grid
        ):
            pass
    assert refused(reader, str(tmp_path / "fine.tif")).reason == "raster-too-large"
    with pytest.raises(BadAsset, match="thinned"):
        reader.overview(str(tmp_path / "wide.tif"), "scene", 400, None)


@pytest.mark.parametrize("dtype", ["complex64", "complex_int16"])
def test_pixels_that_are_no_measures(tmp_path: Path, reader: RasterReader, dtype: str) -> None:
    """Complex numbers are single-look radar, which nobody here can read."""
    with rasterio.open(
        tmp_path / "slc.tif", "w", driver="GTiff", width=64, height=64, count=1, dtype=dtype, crs="EPSG:32633",
        transform=from_origin(0, 0, 10, 10),
    ):  # fmt: skip
        pass
    assert refused(reader, str(tmp_path / "slc.tif")).reason == "raster-type"


def test_more_bands_than_any_sensor_has(tmp_path: Path, reader: RasterReader) -> None:
    """One band is read, and a pixel of a thousand of them is as large as a thousand pixels."""
    size = {"width": 8, "height": 8, "dtype": "uint8", "crs": "EPSG:32633", "transform": from_origin(0, 0, 10, 10)}
    with rasterio.open(tmp_path / "many.tif", "w", driver="GTiff", count=101, **size):
        pass
    assert refused(reader, str(tmp_path / "many.tif")).reason == "raster-too-large"


def test_what_is_called_tif_and_reads_other_files(tmp_path: Path, reader: RasterReader) -> None:
    """VRT, archives and drivers that follow a text are no rasters, whatever their name."""
    good = write_tif(tmp_path / "good.tif", PIXELS)
    vrt = f"""<VRTDataset rasterXSize="320" rasterYSize="320"><SRS>EPSG:32633</SRS>
    <GeoTransform>500000, 10, 0, 5120000, 0, -10</GeoTransform><VRTRasterBand dataType="UInt16" band="1"><SimpleSource>
    <SourceFilename>{good}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"""
    (tmp_path / "vrt.tif").write_text(vrt)
    (tmp_path / "wms.tif").write_text(
        "<GDAL_WMS><Service name='TMS'><ServerUrl>http://127.0.0.1:1/</ServerUrl></Service></GDAL_WMS>"
    )
    with rasterio.open(tmp_path / "vrt.tif") as followed:  # so it is a VRT, and GDAL would
        assert followed.driver == "VRT"
    for name in ("vrt.tif", "wms.tif"):
        assert refused(reader, str(tmp_path / name)).reason == "bad-asset"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(good, "good.tif")
    inside = Reach(catalog="disk", home=str(tmp_path / "catalog.json"))
    assert refused(reader, f"/vsitar/{tmp_path}/a.tar/good.tif", inside).reason == "address-refused"
    assert np.isfinite(read(reader, good, inside)).all()


def test_overviews_in_another_file(tmp_path: Path, reader: RasterReader) -> None:
    """Metadata in a GeoTIFF can name whatever dataset for its overviews, which GDAL would open with every driver."""
    path = write_tif(tmp_path / "refers.tif", PIXELS)
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE="/etc/passwd")
    with rasterio.open(path) as file:
        assert file.tags(ns="OVERVIEWS")
    assert refused(reader, path).reason == "raster-refers"


@pytest.mark.parametrize(
    "href", ["/etc/passwd", "file:///etc/passwd", "/vsicurl/http://169.254.169.254/", "http://169.254.169.254/a.tif"]
)
def test_an_address_out_of_reach(reader: RasterReader, href: str) -> None:
    """Nothing is opened; the reason is of its own."""
    error = refused(reader, href, WEB)
    assert (error.reason, "scarpwatch release" in error.remedy) == ("address-refused", True)


def test_what_is_open_for_one_catalog_is_not_for_another(tmp_path: Path, reader: RasterReader) -> None:
    """A file that a catalog on disk may name stays closed to one of the web that names it as well."""
    path = write_tif(tmp_path / "a.tif", PIXELS)
    read(reader, path, Reach(catalog="disk", home=str(tmp_path / "catalog.json")))
    assert refused(reader, path, WEB).reason == "address-refused"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RudeServer]:
    """A store with a raster, asked without a proxy."""
    for name in [one for one in os.environ if one.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setitem(GDAL_OPTIONS, "GDAL_HTTP_MAX_RETRY", "0")
    with RudeServer().running() as server:
        server.files["/a.tif"] = Path(write_tif(tmp_path / "a.tif", PIXELS)).read_bytes()
        yield server


def test_a_catalog_of_this_machine_reads_through_the_gate(served: RudeServer, reader: RasterReader) -> None:
    """The demo, tests and whoever has a store beside the watch: without ceremony."""
    reach = Reach(catalog="here", home="http://127.0.0.1:1/catalog.json")
    assert gate.way_out(served.url, reach)["GDAL_HTTP_PROXY"].startswith("socks5h://")
    assert np.isfinite(read(reader, f"{served.url}/a.tif", reach)).all()


def test_a_name_that_leads_inside(served: RudeServer, reader: RasterReader) -> None:
    """Its words are harmless; the gate sees where it leads, and the server never hears of it."""
    href = f"http://2130706433:{served.port}/a.tif"
    error = refused(reader, href, WEB)
    assert error.reason == "address-refused"
    assert "at 127.0.0.1 a loopback address" in str(error)
    assert served.asked == []


def test_a_redirect_that_leads_inside(served: RudeServer, reader: RasterReader) -> None:
    """GDAL follows it, and stands before the gate."""
    with RudeServer().running() as listed:
        listed.routes["/b.tif"] = away(f"{served.url}/a.tif")
        reach = Reach(catalog="web", home="https://stac.example.org", hosts=(f"127.0.0.1:{listed.port}",))
        assert refused(reader, f"{listed.url}/b.tif", reach).reason == "address-refused"
        assert served.asked == []
        assert np.isfinite(read(reader, f"{listed.url}/b.tif")).all()


def test_nobody_else_passes_the_gate(served: RudeServer) -> None:
    """Other users of this machine find the port, and have no name there."""
    options = gate.way_out(served.url, Reach(catalog="here", home="http://127.0.0.1"))
    name, port = (
        options["GDAL_HTTP_PROXY"].removeprefix("socks5h://").split(":")[0],
        int(options["GDAL_HTTP_PROXY"].rpartition(":")[2]),
    )
    for hello in (b"\x05\x01\x00", b"\x05\x01\x02\x01" + bytes([len(name)]) + name.encode() + b"\x05wrong"):
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.sendall(hello)
            answer = b""
            while len(answer) < 2 or (answer[1] == 2 and len(answer) < 4):
                answer += client.recv(4)
            assert answer in (b"\x05\xff", b"\x05\x02\x01\x01")


def test_stores_are_asked_where_the_operator_says(
    served: RudeServer, reader: RasterReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the main thread, whose settings rasterio makes those of all threads, reads through the gate."""
    served.files["/scenes/a.tif"] = served.files["/a.tif"]
    endpoint = {"AWS_S3_ENDPOINT": f"127.0.0.1:{served.port}", "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE"}
    for name, value in (endpoint | {"AWS_NO_SIGN_REQUEST": "YES"}).items():
        monkeypatch.setenv(name, value)
    found: list[bool] = []

    def work() -> None:
        found.append(bool(np.isfinite(read(reader, "s3://scenes/a.tif", WEB)).all()))

    with rasterio.Env(**gate.way_out("https://stac.example.org/a.tif", WEB)):
        other = Thread(target=work)
        other.start()
        other.join()
    assert found == [True]


def test_the_gate_outlives_a_lack_of_descriptors_and_threads(
    served: RudeServer, reader: RasterReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who came at that moment is turned away; the next one is let through."""
    lacks: list[str] = []

    class Scarce(socket.socket):
        def accept(self) -> tuple[socket.socket, tuple[str, int]]:
            if len(lacks) < 2:
                lacks.append("descriptors")
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    class Threads(Thread):
        def start(self) -> None:
            if self.name == "gate-connection" and len(lacks) < 3:
                lacks.append("threads")
                raise RuntimeError("can't start new thread")
            super().start()

    def listening(address: tuple[str, int]) -> socket.socket:
        made = Scarce()
        made.bind(address)
        made.listen()
        return made

    monkeypatch.setattr("monitor.adapters.gate.socket.create_server", listening)
    monkeypatch.setattr(gate, "Thread", Threads)
    scarce = gate.Gate()
    monkeypatch.setattr(gate, "_gate", lambda _process: scarce)
    reach = Reach(catalog="here", home="http://127.0.0.1")
    with suppress(BadAsset, AssetUnavailable):
        read(reader, f"{served.url}/a.tif", reach)
    assert lacks == ["descriptors", "descriptors", "threads"]
    assert np.isfinite(read(reader, f"{served.url}/a.tif", reach)).all()
