"""Evidence chips: the pixels around an event, kept for as long as the alert is.

Upstream scenes vanish; what was seen before and after a failure must not. The chips of an event are
four small GeoTIFFs under `alerts/<event id>/`, and the picture can be drawn again from them alone.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.files import write_atomic
from monitor.core.grid import RESOLUTION_M, TILE_M, TILE_PX, project
from monitor.core.quantise import NONE_CODE, decode_reflectance, encode_reflectance
from monitor.errors import BadAsset
from monitor.records import Event, Look, PixelState, Tile

FOLDER = "alerts"
_SMALLEST_SIDE_M = 1280.0
_MARGIN = 0.30
_LEAST_MARGIN = 0.10
"""A grown event keeps its chips while so much of its size is free around it."""
_LARGEST_SIDE_PX = 1024

Floats = NDArray[np.float32]
_Pixel = TypeVar("_Pixel", bound=np.generic)
Index = tuple[NDArray[np.intp], NDArray[np.intp]]
Bounds = tuple[float, float, float, float]
"""West, south, east, north in metres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RgbPatch:
    """What an eye would have seen at one time."""

    reflectance: Floats
    """(3, H, W) red, green, blue, 0-1; NaN = nodata. Cloudy pixels keep their value."""
    state: NDArray[np.uint8]
    """(H, W) PixelState."""
    sensing_time: datetime
    """Of the look that matters most: of an event, the one that shows its ground."""
    other_time: datetime | None = None
    """Another look that gives some of the pixels, if any; the one that is farthest in time."""


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
    mask_source: str = "scl"
    """What told clouds in the later look (`records.Bands.mask_source`)."""


def chip_geobox(outline: BaseGeometry, epsg: int) -> GeoBox:
    """The square around an event: all of it, with a margin, at least 1280 m wide.

    10 m pixels; events of more than about 6 km get a whole multiple of that, so that a chip never has
    more than 1024 pixels on a side.

    Args:
        outline: EPSG:4326.
        epsg: UTM zone of the chips (the event's first tile's).
    """
    bounds = project(outline, 4326, epsg).bounds
    return _square(bounds, max(_SMALLEST_SIDE_M, (1 + 2 * _MARGIN) * _longer(bounds)), epsg)


def widened(kept: GeoBox, outline: BaseGeometry, epsg: int) -> GeoBox:
    """The kept square around an event that may have grown: the same while it shows the event with some margin.

    Otherwise the smallest square that shows the kept one and what `chip_geobox` would show.
    """
    ground = project(outline, 4326, epsg).bounds
    margin = _LEAST_MARGIN * _longer(ground)
    view = kept.boundingbox
    if box(*view).contains(box(*ground).buffer(margin, join_style="mitre")):
        return kept
    wanted = chip_geobox(outline, epsg).boundingbox
    corners = [*zip(view, wanted, strict=True)]
    bounds = (min(corners[0]), min(corners[1]), max(corners[2]), max(corners[3]))
    # Snapping to pixels may shift the square by one.
    return _square(bounds, _longer(bounds) + 2 * RESOLUTION_M, epsg)


def _longer(bounds: Bounds) -> float:
    return max(bounds[2] - bounds[0], bounds[3] - bounds[1])


def _square(bounds: Bounds, side_m: float, epsg: int) -> GeoBox:
    west, south, east, north = bounds
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

    So give the one that matters first, and a cloud in it is filled from the next. `sensing_time` is
    that of the first look. Where there is no look at all the state is NODATA.
    """
    if not looks:
        raise ValueError("a patch needs at least one look")
    first = looks[0].sensing_time
    empty = nothing(geobox, first)
    colour, state, times = empty.reflectance, empty.state, {first}
    for look in looks:
        there, here = _pixels_of(look.tile, geobox)
        better = _rank(look.state[here]) < _rank(state[there])
        state[there] = np.where(better, look.state[here], state[there])
        colour[(..., *there)] = np.where(better, look.reflectance[(..., *here)], colour[(..., *there)])
        if better.any():
            times.add(look.sensing_time)
    return RgbPatch(reflectance=colour, state=state, sensing_time=first, other_time=_farthest(times, first))


def nothing(geobox: GeoBox, sensing_time: datetime) -> RgbPatch:
    """A patch of which nothing was seen."""
    colour = np.full((3, *geobox.shape), np.nan, dtype=np.float32)
    state = np.full(geobox.shape, PixelState.NODATA, dtype=np.uint8)
    return RgbPatch(reflectance=colour, state=state, sensing_time=sensing_time)


def chips_of(
    event: Event,
    before: Sequence[Look],
    after: Sequence[Look],
    change: Mapping[Tile, NDArray[np.float32]],
    geobox: GeoBox | None = None,
    mask_source: str = "scl",
) -> Chips:
    """The chips of an event, cut from whole tiles.

    Args:
        before: looks at the ground as it was, of the tiles around the event, the one that matters most first.
            Without any, nothing is known of it.
        after: the looks of the acquisition that is being judged, at least one.
        change: (256, 256) per tile, NaN = not compared.
        geobox: what to show; by default the square around the event.
        mask_source: what told clouds in `after`.
    """
    view = geobox or chip_geobox(event.geometry, event.tiles[0].epsg)
    unseen = np.full(view.shape, np.nan, dtype=np.float32)
    return Chips(
        geobox=view,
        before=patch(before, view) if before else nothing(view, event.window_start),
        after=patch(after, view),
        probability=paste({look.tile: look.probability for look in after}, view, unseen),
        change=paste(change, view, unseen),
        mask_source=mask_source,
    )


def overlaid(kept: Chips, fresh: Chips) -> Chips:
    """Kept chips on a wider view: their pixels stay as they are, and fresh ones surround them."""
    return replace(
        fresh,
        before=_patch_over(kept.before, kept.geobox, fresh.before, fresh.geobox),
        after=_patch_over(kept.after, kept.geobox, fresh.after, fresh.geobox),
        probability=_over(kept.probability, kept.geobox, fresh.probability, fresh.geobox),
        change=_over(kept.change, kept.geobox, fresh.change, fresh.geobox),
        mask_source=max(kept.mask_source, fresh.mask_source, key=lambda source: source != "scl"),
    )


def write_chips(root: Path, event: Event, chips: Chips) -> tuple[str, ...]:
    """Keep the chips of an event; gives their paths relative to the product folder `root`.

    Files: before.tif and after.tif (red, green, blue as reflectance * 10000 + 1000, then PixelState),
    probability.tif and change.tif (float32, NaN = not observed). Each is replaced atomically, change.tif
    last: it says which view holds, and `read_chips` cuts the others to it when the writer was killed.

    Raises:
        DiskFull
    """
    folder = alert_folder(event.id)
    contents = {
        "before.tif": _rgb_file(chips.geobox, chips.before, {}),
        "after.tif": _rgb_file(chips.geobox, chips.after, {"MASK_SOURCE": chips.mask_source}),
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
        view, change, _ = _read(folder / "change.tif")
        there, probability, _ = _read(folder / "probability.tif")
        unseen = np.full(view.shape, np.nan, dtype=np.float32)
        before, _ = _read_rgb(folder / "before.tif", view)
        after, tags = _read_rgb(folder / "after.tif", view)
        return Chips(
            geobox=view,
            before=before,
            after=after,
            probability=_over(probability[0], there, unseen, view),
            change=change[0],
            mask_source=tags["MASK_SOURCE"],
        )
    except (RasterioError, OSError, KeyError, ValueError) as err:
        raise BadAsset(
            f"an evidence chip is gone or broken ({err})",
            item=str(folder),
            remedy="Restore the folder from a backup; the alert itself is in the database.",
            reason="chip-lost",
        ) from err


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


def _patch_over(over: RgbPatch, over_view: GeoBox, under: RgbPatch, view: GeoBox) -> RgbPatch:
    times = [time for time in (over.other_time, under.sensing_time, under.other_time) if time]
    return RgbPatch(
        reflectance=_over(over.reflectance, over_view, under.reflectance, view),
        state=_over(over.state, over_view, under.state, view),
        sensing_time=over.sensing_time,
        other_time=_farthest(times, over.sensing_time),
    )


def _farthest(times: Iterable[datetime], first: datetime) -> datetime | None:
    return max((time for time in times if time != first), key=lambda time: (abs(time - first), time), default=None)


def _over(over: NDArray[_Pixel], over_view: GeoBox, under: NDArray[_Pixel], view: GeoBox) -> NDArray[_Pixel]:
    """`under` with the pixels of `over` (..., H, W) where both views lie, nearest pixel. One CRS."""
    whole = under.copy()
    (height, width), step = view.shape, view.transform
    (rows, columns), kept = over_view.shape, over_view.transform
    across = np.floor((step.c + (np.arange(width) + 0.5) * step.a - kept.c) / kept.a).astype(np.intp)
    down = np.floor((step.f + (np.arange(height) + 0.5) * step.e - kept.f) / kept.e).astype(np.intp)
    x, y = (across >= 0) & (across < columns), (down >= 0) & (down < rows)
    whole[..., np.flatnonzero(y)[:, None], np.flatnonzero(x)[None, :]] = over[..., down[y][:, None], across[x][None, :]]
    return whole


def _rgb_file(geobox: GeoBox, rgb: RgbPatch, more: Mapping[str, str]) -> bytes:
    codes = np.concatenate([encode_reflectance(rgb.reflectance), rgb.state[None].astype(np.uint16)])
    tags = {
        "SENSING_TIME": rgb.sensing_time.isoformat(),
        "REFLECTANCE": "(value - 1000) / 10000",
        "NONE": str(NONE_CODE),
        **({"OTHER_TIME": rgb.other_time.isoformat()} if rgb.other_time else {}),
        **more,
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


def _read(path: Path) -> tuple[GeoBox, NDArray[np.generic], Mapping[str, str]]:
    with rasterio.open(path) as dataset:
        return GeoBox(dataset.shape, dataset.transform, dataset.crs), dataset.read(), dataset.tags()


def _read_rgb(path: Path, view: GeoBox) -> tuple[RgbPatch, Mapping[str, str]]:
    """A kept patch cut to a view, and the tags of its file."""
    there, codes, tags = _read(path)
    other = tags.get("OTHER_TIME")
    whole = RgbPatch(
        reflectance=decode_reflectance(codes[:3].astype(np.uint16)),
        state=codes[3].astype(np.uint8),
        sensing_time=datetime.fromisoformat(tags["SENSING_TIME"]),
        other_time=datetime.fromisoformat(other) if other else None,
    )
    return _patch_over(whole, there, nothing(view, whole.sensing_time), view), tags
