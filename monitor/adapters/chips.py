"""Evidence chips: the pixels around an event, kept for as long as the alert is.

Upstream scenes vanish; what was seen before and after a failure must not. `chip_files` keeps them on disk,
and the picture can be drawn again from them alone.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy import ndimage
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import RESOLUTION_M, TILE_M, TILE_PX, project
from monitor.core.masks import least_trusted
from monitor.records import Event, Look, PixelState, Sensor, Tile

_SMALLEST_SIDE_M = 1280.0
_MARGIN = 0.30
_LEAST_MARGIN = 0.10
"""A grown event keeps its chips while so much of its size is free around it."""
_LARGEST_SIDE_PX = 1024

CROSS_BLACK_DB, FALSE_SPAN_DB = -25.0, 18.0
"""False colours: decibels of cross-polarised backscatter where green begins, and from there to full green."""
_CO_BLACK_DB = -18.0

Floats = NDArray[np.float32]
_Pixel = TypeVar("_Pixel", bound=np.generic)
Index = tuple[NDArray[np.intp], NDArray[np.intp]]
Bounds = tuple[float, float, float, float]
"""West, south, east, north in metres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RgbPatch:
    """What an eye would have seen at one time; radar in the false colours of `false_colour`."""

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

    @property
    def radar(self) -> bool:
        """Whether the two looks are radar in false colours."""
        return self.mask_source == "radar"


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
        colour[(..., *there)] = np.where(better, _rgb(look)[(..., *here)], colour[(..., *there)])
        if better.any():
            times.add(look.sensing_time)
    return RgbPatch(reflectance=colour, state=state, sensing_time=first, other_time=_farthest(times, first))


def _rgb(look: Look) -> Floats:
    """(3, 256, 256) what a person looks at: the colours themselves, or radar in false colours, 0-1."""
    return look.pixels if look.sensor is Sensor.OPTICAL else false_colour(look.pixels)


def false_colour(power: Floats) -> Floats:
    """(3, H, W) 0-1 from gamma0 (P, H, W): red co-polarised, green cross-polarised, blue their ratio.

    Forest is green, bare and rough ground red to violet, calm water and radar shadow dark. Averaged over 3 x 3
    pixels in power, because an eye takes speckle for texture. With one polarisation it is grey.
    """
    known = np.isfinite(power)
    weight = ndimage.uniform_filter(known.astype(np.float32), (0, 3, 3))
    mean = ndimage.uniform_filter(np.where(known, power, np.float32(0.0)), (0, 3, 3)) / np.maximum(weight, 1e-6)
    decibel = 10.0 * np.log10(np.maximum(mean, 1e-5))
    co, cross = decibel[0], decibel[-1]
    green = (cross - CROSS_BLACK_DB) / FALSE_SPAN_DB
    shades = np.stack([(co - _CO_BLACK_DB) / FALSE_SPAN_DB, green, (co - cross - 1.0) / 14.0])
    if len(power) == 1:
        shades[:] = shades[0]
    return np.where(known.all(axis=0), np.clip(shades, 0.0, 1.0), np.nan).astype(np.float32)


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
        before=patch_over(kept.before, kept.geobox, fresh.before, fresh.geobox),
        after=patch_over(kept.after, kept.geobox, fresh.after, fresh.geobox),
        probability=over_view(kept.probability, kept.geobox, fresh.probability, fresh.geobox),
        change=over_view(kept.change, kept.geobox, fresh.change, fresh.geobox),
        mask_source=least_trusted((kept.mask_source, fresh.mask_source)),
    )


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


def patch_over(over: RgbPatch, kept: GeoBox, under: RgbPatch, view: GeoBox) -> RgbPatch:
    """`under`, a patch on `view`, with the pixels of `over` where `kept` lies; its dates are those of what is seen."""
    beside = over_view(np.full(kept.shape, PixelState.NODATA, dtype=np.uint8), kept, under.state, view)
    added = (under.sensing_time, under.other_time) if (beside != PixelState.NODATA).any() else ()
    return RgbPatch(
        reflectance=over_view(over.reflectance, kept, under.reflectance, view),
        state=over_view(over.state, kept, under.state, view),
        sensing_time=over.sensing_time,
        other_time=_farthest([time for time in (over.other_time, *added) if time], over.sensing_time),
    )


def _farthest(times: Iterable[datetime], first: datetime) -> datetime | None:
    return max((time for time in times if time != first), key=lambda time: (abs(time - first), time), default=None)


def over_view(over: NDArray[_Pixel], kept: GeoBox, under: NDArray[_Pixel], view: GeoBox) -> NDArray[_Pixel]:
    """`under` on `view` with the pixels of `over` (..., H, W) on `kept` where both lie, nearest pixel. One CRS."""
    whole = under.copy()
    (height, width), step = view.shape, view.transform
    (rows, columns), grid = kept.shape, kept.transform
    across = np.floor((step.c + (np.arange(width) + 0.5) * step.a - grid.c) / grid.a).astype(np.intp)
    down = np.floor((step.f + (np.arange(height) + 0.5) * step.e - grid.f) / grid.e).astype(np.intp)
    x, y = (across >= 0) & (across < columns), (down >= 0) & (down < rows)
    whole[..., np.flatnonzero(y)[:, None], np.flatnonzero(x)[None, :]] = over[..., down[y][:, None], across[x][None, :]]
    return whole
