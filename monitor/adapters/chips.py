"""Evidence chips: the pixels around an event, kept for as long as the alert is.

Upstream scenes vanish; what was seen before and after a failure must not. The chips of an event are
four small GeoTIFFs under `alerts/<event id>/`, and the picture can be drawn again from them alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from shapely.geometry.base import BaseGeometry

from monitor.adapters.files import write_atomic
from monitor.core.grid import RESOLUTION_M, TILE_M, TILE_PX, project
from monitor.core.quantise import NONE_CODE, decode_reflectance, encode_reflectance
from monitor.errors import BadAsset
from monitor.records import Event, Look, PixelState, Tile

FOLDER = "alerts"
_SMALLEST_SIDE_M = 1280.0
_MARGIN = 0.30
_LARGEST_SIDE_PX = 1024

Floats = NDArray[np.float32]
Index = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RgbPatch:
    """What an eye would have seen at one time."""

    reflectance: Floats
    """(3, H, W) red, green, blue, 0-1; NaN = nodata. Cloudy pixels keep their value."""
    state: NDArray[np.uint8]
    """(H, W) PixelState."""
    sensing_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Chips:
    """Everything a picture of an event shows, on one grid."""

    geobox: GeoBox
    """North up, metres."""
    before: RgbPatch
    after: RgbPatch
    probability: Floats
    """(H, W) model output of the later look; NaN = not observed."""
    change: Floats
    """(H, W) later look minus reference; NaN = not observed in one of them."""


def chip_geobox(outline: BaseGeometry, epsg: int) -> GeoBox:
    """The square around an event: all of it, with a margin, at least 1280 m wide.

    10 m pixels; events of more than about 6 km get a whole multiple of that, so that a chip never has
    more than 1024 pixels on a side.

    Args:
        outline: EPSG:4326.
        epsg: UTM zone of the chips (the event's first tile's).
    """
    west, south, east, north = project(outline, 4326, epsg).bounds
    side_m = max(_SMALLEST_SIDE_M, (1 + 2 * _MARGIN) * max(east - west, north - south))
    resolution = RESOLUTION_M * math.ceil(side_m / RESOLUTION_M / _LARGEST_SIDE_PX)
    pixels = math.ceil(side_m / resolution)
    left = math.floor(((west + east) / 2 - pixels * resolution / 2) / RESOLUTION_M) * RESOLUTION_M
    top = math.ceil(((south + north) / 2 + pixels * resolution / 2) / RESOLUTION_M) * RESOLUTION_M
    return GeoBox((pixels, pixels), Affine(resolution, 0, left, 0, -resolution, top), f"EPSG:{epsg}")


def paste(tiles: Mapping[Tile, NDArray[np.generic]], geobox: GeoBox, background: Floats) -> Floats:
    """Tiles on a geobox, nearest pixel, over `background`.

    Args:
        tiles: (256, 256) or (C, 256, 256) per tile; tiles elsewhere or in other zones are welcome.
        background: (H, W) or (C, H, W); what stays where no tile is. Not changed.
    """
    canvas = background.copy()
    for tile, values in tiles.items():
        there, here = _pixels_of(tile, geobox)
        canvas[(..., *there)] = values[(..., *here)]
    return canvas


def patch(looks: Sequence[Look], geobox: GeoBox) -> RgbPatch:
    """One picture from several looks: where they overlap, the first valid one is seen.

    So give the newest first, and a cloud in it is filled from the look before. `sensing_time` is
    that of the newest look. Where there is no look at all the state is NODATA.
    """
    if not looks:
        raise ValueError("a patch needs at least one look")
    colour = np.full((3, *geobox.shape), np.nan, dtype=np.float32)
    state = np.full(geobox.shape, PixelState.NODATA, dtype=np.uint8)
    for look in looks:
        there, here = _pixels_of(look.tile, geobox)
        better = _rank(look.state[here]) < _rank(state[there])
        state[there] = np.where(better, look.state[here], state[there])
        colour[(..., *there)] = np.where(better, look.reflectance[(..., *here)], colour[(..., *there)])
    return RgbPatch(reflectance=colour, state=state, sensing_time=max(look.sensing_time for look in looks))


def chips_of(
    event: Event, before: Sequence[Look], after: Sequence[Look], change: Mapping[Tile, NDArray[np.float32]]
) -> Chips:
    """The chips of an event, cut from whole tiles.

    Args:
        before: earlier looks of the tiles around the event, newest first (the frozen reference).
        after: the looks of the acquisition that is being judged.
        change: (256, 256) per tile, NaN = not compared.
    """
    geobox = chip_geobox(event.geometry, event.tiles[0].epsg)
    unseen = np.full(geobox.shape, np.nan, dtype=np.float32)
    return Chips(
        geobox=geobox,
        before=patch(before, geobox),
        after=patch(after, geobox),
        probability=paste({look.tile: look.probability for look in after}, geobox, unseen),
        change=paste(change, geobox, unseen),
    )


def write_chips(root: Path, event: Event, chips: Chips) -> tuple[str, ...]:
    """Keep the chips of an event; gives their paths relative to the product folder `root`.

    Files: before.tif and after.tif (red, green, blue as reflectance * 10000 + 1000, then PixelState),
    probability.tif and change.tif (float32, NaN = not observed). Each is replaced atomically.

    Raises:
        DiskFull
    """
    folder = alert_folder(event.id)
    contents = {
        "before.tif": _rgb_file(chips.geobox, chips.before),
        "after.tif": _rgb_file(chips.geobox, chips.after),
        "probability.tif": _float_file(chips.geobox, chips.probability, "model output of the later look, 0-1"),
        "change.tif": _float_file(chips.geobox, chips.change, "later look minus reference of earlier looks"),
    }
    for name, content in contents.items():
        write_atomic(root / folder / name, content)
    return tuple(f"{folder}/{name}" for name in contents)


def read_chips(root: Path, event_id: str) -> Chips:
    """The kept chips of an event.

    Raises:
        BadAsset: a chip is gone or broken.
    """
    folder = root / alert_folder(event_id)
    try:
        with rasterio.open(folder / "change.tif") as dataset:
            geobox = GeoBox(dataset.shape, dataset.transform, dataset.crs)
            change = dataset.read(1)
        with rasterio.open(folder / "probability.tif") as dataset:
            probability = dataset.read(1)
        before, after = _read_rgb(folder / "before.tif"), _read_rgb(folder / "after.tif")
    except (RasterioError, OSError, KeyError, ValueError) as err:
        raise BadAsset(
            f"an evidence chip is gone or broken ({err})",
            item=str(folder),
            remedy="Restore the folder from a backup; the alert itself is in the database.",
            reason="chip-lost",
        ) from err
    return Chips(geobox=geobox, before=before, after=after, probability=probability, change=change)


def write_picture(root: Path, event: Event, png: bytes) -> str:
    """Keep the picture of an event; gives its path relative to the product folder `root`.

    Raises:
        DiskFull
    """
    href = f"{alert_folder(event.id)}/alert.png"
    write_atomic(root / href, png)
    return href


def alert_folder(event_id: str) -> str:
    """Folder of an event's evidence, relative to the product folder."""
    if not event_id or "/" in event_id or "\\" in event_id or event_id.startswith("."):
        raise ValueError(f"{event_id!r} cannot be the name of a folder")
    return f"{FOLDER}/{event_id}"


def _rank(state: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How much an eye can see: 0 ground, 1 something in the way, 2 nothing."""
    rank = np.ones_like(state)
    rank[(state == PixelState.VALID) | (state == PixelState.WATER)] = 0
    rank[state == PixelState.NODATA] = 2
    return rank


def _pixels_of(tile: Tile, geobox: GeoBox) -> tuple[Index, Index]:
    """Which pixels of a geobox have their centre in a tile, and which pixels of the tile those are.

    Both index the last two axes of an array and have the same shape; both may be empty.
    """
    height, width = geobox.shape
    transform = geobox.transform
    x = transform.c + (np.arange(width) + 0.5) * transform.a
    y = transform.f + (np.arange(height) + 0.5) * transform.e
    epsg = geobox.crs.to_epsg() if geobox.crs is not None else None
    if epsg == tile.epsg:
        columns, rows = _cell(x - tile.column * TILE_M), _cell((tile.row + 1) * TILE_M - y)
        across, down = np.flatnonzero(_within(columns)), np.flatnonzero(_within(rows))
        return (down[:, None], across[None, :]), (rows[down][:, None], columns[across][None, :])
    x, y = Transformer.from_crs(epsg, tile.epsg, always_xy=True).transform(*np.meshgrid(x, y))
    columns, rows = _cell(x - tile.column * TILE_M), _cell((tile.row + 1) * TILE_M - y)
    down, across = np.nonzero(_within(columns) & _within(rows))
    return (down, across), (rows[down, across], columns[down, across])


def _cell(metres: NDArray[np.floating]) -> NDArray[np.intp]:
    cells: NDArray[np.intp] = np.floor(metres / RESOLUTION_M).astype(np.intp)
    return cells


def _within(cells: NDArray[np.intp]) -> NDArray[np.bool_]:
    return (cells >= 0) & (cells < TILE_PX)


def _rgb_file(geobox: GeoBox, rgb: RgbPatch) -> bytes:
    codes = np.concatenate([encode_reflectance(rgb.reflectance), rgb.state[None].astype(np.uint16)])
    tags = {
        "SENSING_TIME": rgb.sensing_time.isoformat(),
        "REFLECTANCE": "(value - 1000) / 10000",
        "NONE": str(NONE_CODE),
    }
    return _geotiff(geobox, codes, ("red", "green", "blue", "state"), tags, nodata=None)


def _float_file(geobox: GeoBox, values: Floats, title: str) -> bytes:
    return _geotiff(geobox, values[None].astype(np.float32), (title,), {}, nodata=math.nan)


def _geotiff(
    geobox: GeoBox, values: NDArray[np.generic], names: tuple[str, ...], tags: Mapping[str, str], nodata: float | None
) -> bytes:
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=geobox.shape[1],
            height=geobox.shape[0],
            count=len(names),
            dtype=values.dtype.name,
            crs=str(geobox.crs),
            transform=geobox.transform,
            nodata=nodata,
            compress="deflate",
            predictor=3 if values.dtype.kind == "f" else 2,
        ) as dataset:
            dataset.write(values)
            dataset.descriptions = names
            dataset.update_tags(**tags)
        return bytes(memory.getbuffer())


def _read_rgb(path: Path) -> RgbPatch:
    with rasterio.open(path) as dataset:
        codes = dataset.read()
        sensing_time = datetime.fromisoformat(dataset.tags()["SENSING_TIME"])
    return RgbPatch(
        reflectance=decode_reflectance(codes[:3]), state=codes[3].astype(np.uint8), sensing_time=sensing_time
    )
