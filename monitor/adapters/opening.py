"""The one place where a raster that a catalog names is opened: with which drivers, how large it may be, how long it
may take. Its header is not trusted: of what it claims nothing is allocated before it was looked at."""

from collections.abc import Mapping

from rasterio.env import ensure_env_with_credentials
from rasterio.io import DatasetReader
from rasterio.windows import Window

from monitor.adapters.gate import way_out
from monitor.adapters.raster_headers import header_problem, on_ground
from monitor.adapters.reach import ADDRESS_REFUSED
from monitor.adapters.signing import Link
from monitor.errors import BadAsset

GDAL_OPTIONS = {
    # One GET for the header instead of a directory listing that object stores answer slowly or never. Also keeps
    # files beside it (.ovr, .msk, .aux.xml) out, which may refer to any other file.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_HTTP_MULTIRANGE": "YES",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_CONNECTTIMEOUT": "15",
    # A server that sends next to nothing for so long is let go.
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1000",
    "GDAL_HTTP_LOW_SPEED_TIME": "30",
    # A short hiccup of one range is bridged by GDAL. Whatever may come with Retry-After, which GDAL (3.10) does not
    # heed, and what wants a new token is left to `monitor.adapters.fetching`.
    "GDAL_HTTP_MAX_RETRY": "2",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_RETRY_CODES": "500,502,504",
    "VSI_CACHE": "TRUE",
    # GDAL remembers for the life of the process what a URL answered, a 503 or 404 too: a service that retries
    # would never see the server recover. With this it forgets a URL when the last handle on it is closed.
    # https://gdal.org/en/stable/user/configoptions.html#networking-options
    "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/:/vsis3/:/vsiaz/:/vsigs/",
}
_DRIVERS = ["GTiff", "JP2OpenJPEG"]
"""GeoTIFF (COG), and JPEG 2000 of Sentinel-2. Not VRT and its like, which read whatever file they name."""
_MOST_PX = 1 << 27
"""Read at once, of one band: 115 tiles of the whole grid at 0.5 m. As float32 half a GiB."""
_MOST_THINNED_PX = 1 << 30
"""Unpacked for a thinned copy: a whole scene of Sentinel-2 without overviews is 2^27."""


def gdal_options(link: Link) -> Mapping[str, str]:
    """GDAL's options while a link is read."""
    return GDAL_OPTIONS | way_out(link.href, link.reach)


def open_raster(link: Link, address: str) -> DatasetReader:
    """Open the raster of a link; call it, and read it, within `rasterio.Env(**gdal_options(link))`.

    Args:
        address: the link's, signed.

    Raises:
        BadAsset: its header claims what no raster of a catalog has.
        RasterioError, OSError: it cannot be opened.
    """
    source = _open(address)
    problem = _problem(source)
    if problem is not None:
        source.close()
        raise _refused(link, *problem)
    return source


def check_reach(link: Link) -> None:
    """Before every read: what is open already may have been opened for another catalog.

    Raises:
        BadAsset: the address is out of reach.
    """
    refusal = None if link.reach is None else link.reach.refusal(link.href)
    if refusal is not None:
        raise address_refused(link, refusal)


def address_refused(link: Link, refusal: str) -> BadAsset:
    """The error of an address that may not be asked."""
    return BadAsset(
        f"{link.shown} may not be read: {refusal}",
        item=link.item,
        remedy="Then run `scarpwatch release`. Where it is not meant, tell the catalog's operator.",
        reason=ADDRESS_REFUSED,
    )


def check_window(link: Link, window: Window) -> None:
    """
    Raises:
        BadAsset: the part to be read is larger than any that a tile of the grid needs.
    """
    if window.width * window.height > _MOST_PX:
        raise _refused(
            link, "raster-too-large", f"its pixels are so small that {window.width} x {window.height} show one tile"
        )


def check_thinned(link: Link, source: DatasetReader, factor: float) -> None:
    """
    Raises:
        BadAsset: too much would have to be unpacked for a copy that is `factor` times as coarse.
    """
    coarser = [one for one in source.overviews(1) if one <= factor]
    pixels = source.width * source.height / max([1, *coarser]) ** 2
    if pixels > _MOST_THINNED_PX:
        raise _refused(link, "raster-too-large", f"{pixels:.0f} pixels would be unpacked for a thinned copy of it")


@ensure_env_with_credentials  # type: ignore[untyped-decorator]
def _open(address: str) -> DatasetReader:
    """`rasterio.open`, which takes one driver and not several."""
    return DatasetReader(address, driver=_DRIVERS)


def _problem(source: DatasetReader) -> tuple[str, str] | None:
    """Reason and words of what is wrong with a header; None when nothing is."""
    if not on_ground(source):
        return "no-crs", "has no coordinate reference system on the ground"
    return header_problem(source)


def _refused(link: Link, reason: str, words: str) -> BadAsset:
    return BadAsset(
        f"the raster {link.shown} {words}",
        item=link.item,
        remedy="Ask the catalog's operator for georeferenced GeoTIFF or JPEG 2000 in tiles; the acquisition is parked.",
        reason=reason,
    )
