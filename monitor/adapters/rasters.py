"""Reading rasters onto the grid, with errors that name the item and the remedy.

A target is always one whole tile with a fixed halo. GDAL's warper approximates coordinates over the
window it is given; asking for the same window whoever wants the tile makes the pixels the same.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import local
from typing import TypeVar

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

from monitor.adapters import fetching, hosts
from monitor.adapters.hosts import Patience
from monitor.adapters.opening import check_reach, check_thinned, check_window, gdal_options, open_raster
from monitor.adapters.signing import Link

Array = NDArray[np.float32]

_KEPT_OPEN = 24
_MARGIN_PX = 3
"""Source pixels around the target's bounds, for the resampling kernel."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A dataset, and the address it was opened with: with its token, so never to be shown."""

    source: DatasetReader
    address: str


class RasterReader:
    """Opens rasters once per thread and reads them onto geoboxes.

    A link that must be signed is signed when it is opened. What is kept open is known by its plain address.
    """

    def __init__(self, patience: Patience | None = None) -> None:
        """Nothing is opened yet."""
        self._local = local()
        self._patience = patience or hosts.PATIENT

    def warp(
        self, hrefs: Sequence[str | Link], item: str, geobox: GeoBox, resampling: Resampling, nodata: float | None
    ) -> Array:
        """Several single-band rasters onto one geobox: (N, H, W) float32 raw values, NaN = nodata or outside.

        Args:
            nodata: overrides the files' own nodata value.

        Raises:
            BadAsset, AssetUnavailable: naming item and plain href.
        """
        return np.stack([self._warp_one(_link(href, item), geobox, resampling, nodata) for href in hrefs])

    def overview(self, href: str | Link, item: str, longest_px: int, nodata: float | None) -> Array:
        """The whole raster thinned to at most `longest_px` per side: (h, w) float32, NaN = nodata."""
        link = _link(href, item)

        def read(source: DatasetReader) -> Array:
            factor = max(1.0, max(source.height, source.width) / longest_px)
            check_thinned(link, source, factor)
            shape = (math.ceil(source.height / factor), math.ceil(source.width / factor))
            pixels = source.read(1, out_shape=shape, resampling=Resampling.nearest).astype(np.float32)
            return _without_nodata(pixels, source.nodata if nodata is None else nodata)

        return self._read(link, read)

    def _warp_one(self, link: Link, geobox: GeoBox, resampling: Resampling, nodata: float | None) -> Array:
        def read(source: DatasetReader) -> Array:
            none = source.nodata if nodata is None else nodata
            direct = _aligned_window(source, geobox)
            if direct is not None:
                return _read_boundless(source, direct, none)
            window = _source_window(source, geobox)
            if window is None:
                return np.full(geobox.shape, np.nan, dtype=np.float32)
            check_window(link, window)
            return _resampled(source, window, geobox, resampling, none)

        return self._read(link, read)

    def _read(self, link: Link, read: Callable[[DatasetReader], T]) -> T:
        """What `read` makes of the link's dataset, repeated as `monitor.adapters.fetching` says."""
        check_reach(link)
        trial = fetching.Trial(link, self._patience)
        trial.begin()
        while True:
            kept = self._opened().get(link.href)
            address = kept.address if kept else link.signed()
            try:
                with rasterio.Env(**gdal_options(link)):
                    found = read(self._open(link, address))
            except (RasterioError, OSError, ValueError) as err:
                # A file that failed must be opened anew at the next try: it may have been mended meanwhile.
                was_open = self._close(link.href)
                trial.failed(err, address, was_open)
            else:
                trial.succeeded()
                return found

    def _open(self, link: Link, address: str) -> DatasetReader:
        opened = self._opened()
        if link.href in opened:
            opened.move_to_end(link.href)
            return opened[link.href].source
        source = open_raster(link, address)
        opened[link.href] = _Opened(source=source, address=address)
        while len(opened) > _KEPT_OPEN:
            opened.popitem(last=False)[1].source.close()
        return source

    def _close(self, href: str) -> bool:
        """Forget a dataset; False when it was not open."""
        broken = self._opened().pop(href, None)
        if broken is not None:
            broken.source.close()
        return broken is not None

    def _opened(self) -> OrderedDict[str, _Opened]:
        """Open datasets of this thread by plain address, the least recently used first."""
        opened: OrderedDict[str, _Opened] = self._local.__dict__.setdefault("opened", OrderedDict())
        return opened


def _link(href: str | Link, item: str) -> Link:
    return href if isinstance(href, Link) else Link(href=href, item=item)


def _resampled(
    source: DatasetReader, window: Window, geobox: GeoBox, resampling: Resampling, nodata: float | None
) -> Array:
    """A window of the source warped onto the geobox; NaN = nodata or outside."""
    pixels = _without_nodata(source.read(1, window=window).astype(np.float32), nodata)
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
    if bounds[0] > bounds[2]:
        bounds = _this_side(bounds, source)
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


def _this_side(bounds: tuple[float, float, float, float], source: DatasetReader) -> tuple[float, float, float, float]:
    """Of bounds in degrees that run over the antimeridian (west > east) the part on which the raster lies."""
    west, south, east, north = bounds
    return (
        -180.0 if source.bounds.left < east else west,
        south,
        180.0 if source.bounds.right > west else east,
        north,
    )
