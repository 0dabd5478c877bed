"""Reading rasters onto the grid, with errors that name the item and the remedy.

A target is always one whole tile with a fixed halo. GDAL's warper approximates coordinates over the
window it is given; asking for the same window whoever wants the tile makes the pixels the same.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import local

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.warp import reproject, transform_bounds
from rasterio.windows import Window

from monitor.errors import AssetUnavailable, BadAsset, ScarpwatchError

Array = NDArray[np.float32]

GDAL_OPTIONS = {
    # One GET for the header instead of a directory listing that object stores answer slowly or never.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MULTIRANGE": "YES",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_CONNECTTIMEOUT": "15",
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "1",
    "VSI_CACHE": "TRUE",
    # GDAL remembers for the life of the process what a URL answered, a 503 or 404 too: a service that retries
    # would never see the server recover. With this it forgets a URL when the last handle on it is closed.
    # https://gdal.org/en/stable/user/configoptions.html#networking-options
    "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/:/vsis3/:/vsiaz/:/vsigs/",
}
_REMOTE = ("http://", "https://", "s3://", "gs://", "az://", "/vsi")
_KEPT_OPEN = 24
_MARGIN_PX = 3
"""Source pixels around the target's bounds, for the resampling kernel."""
# What GDAL and curl say when the network or the server, not the file, is at fault.
_PASSING = (
    "response code: 5",
    "response code: 429",
    "timed out",
    "timeout",
    "could not resolve",
    "connection",
    "curl error",
)


class RasterReader:
    """Opens rasters once per thread and reads them onto geoboxes."""

    def __init__(self) -> None:
        """Nothing is opened yet."""
        self._local = local()

    def warp(
        self, hrefs: Sequence[str], item: str, geobox: GeoBox, resampling: Resampling, nodata: float | None
    ) -> Array:
        """Several single-band rasters onto one geobox: (N, H, W) float32 raw values, NaN = nodata or outside.

        Args:
            nodata: overrides the files' own nodata value.

        Raises:
            BadAsset, AssetUnavailable: naming item and href.
        """
        with rasterio.Env(**GDAL_OPTIONS):
            return np.stack([self._warp_one(href, item, geobox, resampling, nodata) for href in hrefs])

    def overview(self, href: str, item: str, longest_px: int, nodata: float | None) -> Array:
        """The whole raster thinned to at most `longest_px` per side: (h, w) float32, NaN = nodata."""
        with rasterio.Env(**GDAL_OPTIONS), self._as_our_errors(href, item):
            source = self._open(href, item)
            factor = max(1.0, max(source.height, source.width) / longest_px)
            shape = (math.ceil(source.height / factor), math.ceil(source.width / factor))
            pixels = source.read(1, out_shape=shape, resampling=Resampling.nearest).astype(np.float32)
            return _without_nodata(pixels, source.nodata if nodata is None else nodata)

    def _warp_one(self, href: str, item: str, geobox: GeoBox, resampling: Resampling, nodata: float | None) -> Array:
        with self._as_our_errors(href, item):
            source = self._open(href, item)
            none = source.nodata if nodata is None else nodata
            direct = _aligned_window(source, geobox)
            if direct is not None:
                return _read_boundless(source, direct, none)
            window = _source_window(source, geobox)
            if window is None:
                return np.full(geobox.shape, np.nan, dtype=np.float32)
            pixels = _without_nodata(source.read(1, window=window).astype(np.float32), none)
            target = np.full(geobox.shape, np.nan, dtype=np.float32)
            reproject(
                pixels,
                target,
                src_transform=source.window_transform(window),
                src_crs=source.crs,
                src_nodata=np.nan,
                dst_transform=geobox.transform,
                dst_crs=str(geobox.crs),
                dst_nodata=np.nan,
                resampling=resampling,
            )
            return target

    def _open(self, href: str, item: str) -> DatasetReader:
        opened = self._opened()
        if href in opened:
            opened.move_to_end(href)
            return opened[href]
        source = rasterio.open(href)
        # An engineering CRS (LOCAL_CS) is a CRS by name only: nothing leads from it to the ground.
        if source.crs is None or not (source.crs.is_geographic or source.crs.is_projected):
            source.close()
            raise BadAsset(
                f"the raster {href} has no coordinate reference system on the ground",
                item=item,
                remedy="Ask the catalog's operator for georeferenced files; the acquisition is parked.",
                reason="no-crs",
            )
        opened[href] = source
        while len(opened) > _KEPT_OPEN:
            opened.popitem(last=False)[1].close()
        return source

    def _opened(self) -> OrderedDict[str, DatasetReader]:
        """Open datasets of this thread, the least recently used first."""
        opened: OrderedDict[str, DatasetReader] = self._local.__dict__.setdefault("opened", OrderedDict())
        return opened

    @contextmanager
    def _as_our_errors(self, href: str, item: str) -> Iterator[None]:
        """Turn what GDAL says into an error that names item, href and remedy."""
        try:
            yield
        except ScarpwatchError:
            raise
        except (RasterioError, OSError, ValueError) as err:
            # A file that failed must be opened anew at the next try: it may have been mended meanwhile.
            broken = self._opened().pop(href, None)
            if broken is not None:
                broken.close()
            raise _our_error(err, href, item, was_open=broken is not None) from err


def _without_nodata(pixels: Array, nodata: float | None) -> Array:
    if nodata is not None and not math.isnan(nodata):
        pixels[pixels == np.float32(nodata)] = np.nan
    return pixels


def _aligned_window(source: DatasetReader, geobox: GeoBox) -> Window | None:
    """The source window that is the geobox itself, when both share CRS, resolution and pixel borders."""
    ours, theirs = geobox.transform, source.transform
    if (
        geobox.crs is None
        or source.crs.to_epsg() != geobox.crs.to_epsg()
        or (ours.a, ours.b, ours.d, ours.e)
        != (
            theirs.a,
            theirs.b,
            theirs.d,
            theirs.e,
        )
    ):
        return None
    column, row = (ours.c - theirs.c) / theirs.a, (ours.f - theirs.f) / theirs.e
    if abs(column - round(column)) > 1e-6 or abs(row - round(row)) > 1e-6:
        return None
    height, width = geobox.shape
    return Window(round(column), round(row), width, height)


def _read_boundless(source: DatasetReader, window: Window, nodata: float | None) -> Array:
    """The window as it is; what lies outside the raster is NaN."""
    target = np.full((window.height, window.width), np.nan, dtype=np.float32)
    top, left = max(window.row_off, 0), max(window.col_off, 0)
    bottom = min(window.row_off + window.height, source.height)
    right = min(window.col_off + window.width, source.width)
    if bottom > top and right > left:
        part = source.read(1, window=Window(left, top, right - left, bottom - top)).astype(np.float32)
        rows = slice(top - window.row_off, bottom - window.row_off)
        columns = slice(left - window.col_off, right - window.col_off)
        target[rows, columns] = _without_nodata(part, nodata)
    return target


def _source_window(source: DatasetReader, geobox: GeoBox) -> Window | None:
    """Source pixels that can touch the geobox; None when it lies elsewhere."""
    box = geobox.boundingbox
    bounds = transform_bounds(str(geobox.crs), source.crs, box.left, box.bottom, box.right, box.top, densify_pts=21)
    inverse: Affine = ~source.transform
    corners = [
        (inverse.a * x + inverse.b * y + inverse.c, inverse.d * x + inverse.e * y + inverse.f)
        for x in (bounds[0], bounds[2])
        for y in (bounds[1], bounds[3])
    ]
    columns, rows = zip(*corners, strict=True)
    left, right = math.floor(min(columns)) - _MARGIN_PX, math.ceil(max(columns)) + _MARGIN_PX
    top, bottom = math.floor(min(rows)) - _MARGIN_PX, math.ceil(max(rows)) + _MARGIN_PX
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, source.width), min(bottom, source.height)
    if right <= left or bottom <= top:
        return None
    return Window(left, top, right - left, bottom - top)


def _our_error(err: Exception, href: str, item: str, was_open: bool) -> ScarpwatchError:
    """AssetUnavailable where waiting may help, else BadAsset.

    When a block of a remote file cannot be read after its header could, GDAL does not tell a server that fails
    from a file cut short; it counts as passing, and the ledger's limit of tries ends it if it lasts.
    """
    text = str(err)
    cause = f"{err.__cause__}" if err.__cause__ else ""
    cut_off = was_open and href.startswith(_REMOTE)
    if cut_off or any(word in (text + cause).lower() for word in _PASSING):
        return AssetUnavailable(
            f"{href} cannot be fetched now ({text})",
            item=item,
            remedy="It is tried again by itself; if it lasts, ask the operator of the catalog.",
        )
    return BadAsset(
        f"{href} is not a readable raster ({text or cause})",
        item=item,
        remedy="The file is missing, cut short or no raster. Mend or replace it, then run `scarpwatch release`.",
    )
