"""One acquisition as a whole against physics, its metadata and earlier looks, before anything is judged by it."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from shapely import contains_xy, from_wkb, prepare, union_all
from shapely.geometry.base import BaseGeometry

from monitor.core.canvas import Canvas, canvases
from monitor.core.faults import (
    SHIFT_PX,
    DarkLevels,
    Fault,
    Finding,
    dark_levels,
    misregistered,
    offset_fault,
    optical_matching,
    radar_limit_px,
    radar_matching,
    zero_filled,
)
from monitor.core.flat import FLAT
from monitor.core.gaps import CELL_PX, Cells, empty_cells, filled_blocks
from monitor.core.grid import RESOLUTION_M, TILE_PX, project, tile_geobox
from monitor.core.masks import NO_ELEVATION
from monitor.core.radar import BackscatterReference
from monitor.core.reference import Reference
from monitor.core.registration import Matching, PatchShift, agreed_shift, patch_shifts
from monitor.errors import InputFault
from monitor.observing import OUTSIDE, UNCLASSIFIED
from monitor.past import Past
from monitor.records import Acquisition, Look, PixelState, Sensor, Tile
from monitor.scene import Before
from monitor.survey import Survey

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

_MOST_TILES = 48
"""Tiles that are matched with earlier looks; of larger regions every n-th."""
_WITNESSES = 2
_SIDE = TILE_PX // CELL_PX
_EMPTY = (OUTSIDE, UNCLASSIFIED)
_MEND = "Mend its raster:bands {} in the catalog and date its processing anew: then it is read again."
_GONE = " Should scene after scene be parked for this, the earlier looks are the faulty ones: see docs/operate.md."
_REMEDIES = {
    Fault.MISREGISTERED: "Its provider may publish it anew; nothing else needs to be done." + _GONE,
    Fault.ZERO_FILLED: "Its provider may publish it anew, else release it when the file is whole.",
    Fault.OFFSET_MISSING: _MEND.format("offset or processing baseline"),
    Fault.OFFSET_DOUBLED: _MEND.format("offset or processing baseline"),
    Fault.IMPOSSIBLE_REFLECTANCE: _MEND.format("scale"),
}


def check_input(acquisition: Acquisition, looked: Survey, past: Past) -> None:
    """Raise InputFault when the acquisition shows what no ground does (`core.faults`)."""
    optical = acquisition.sensor is Sensor.OPTICAL
    finding = offset_fault(_levels(looked.looks, past)) if optical else None
    finding = finding or _gaps(acquisition, looked, past) or _registration(acquisition, looked.looks, past)
    if finding is not None:
        raise InputFault(
            finding.detail, item=acquisition.id, remedy=_REMEDIES[finding.fault], reason=finding.fault.value
        )


def _levels(looks: Mapping[Tile, Look], past: Past) -> list[DarkLevels]:
    parts: list[DarkLevels] = []
    for tile, look in looks.items():
        before = past.references.get(tile)
        earlier = before.pixels if isinstance(before, Reference) else None
        parts += dark_levels(look.pixels, earlier, look.state == PixelState.VALID)
    return parts


def _registration(acquisition: Acquisition, looks: Mapping[Tile, Look], past: Past) -> Finding | None:
    compared = [tile for tile in sorted(looks) if tile in past.references]
    compared = compared[:: max(1, -(-len(compared) // _MOST_TILES))]
    if acquisition.sensor is Sensor.OPTICAL:
        how, limit_px = optical_matching(len(compared)), SHIFT_PX
    else:
        native_m = max(acquisition.resolution_m or RESOLUTION_M, RESOLUTION_M)
        how, limit_px = radar_matching(native_m), radar_limit_px(native_m)
    matched = [match(looks[tile], past.references[tile], how) for tile in compared]
    return misregistered(agreed_shift(matched, how), limit_px)


def match(look: Look, before: Before, how: Matching) -> list[PatchShift]:
    """Shifts of the patches of one tile, by brightness of optics and decibels of radar, on jointly valid pixels."""
    if isinstance(before, BackscatterReference):
        now, earlier = _decibels(look.pixels), _decibels(before.mean)
    else:
        # One earlier look alone convicts nobody: it may be the one that lies beside the ground.
        now = look.pixels.mean(axis=0)
        earlier = np.where(before.count >= _WITNESSES, before.pixels.mean(axis=0), np.float32(np.nan))
    return patch_shifts(np.where(look.state == PixelState.VALID, now, np.float32(np.nan)), earlier, how)


def _decibels(power: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(10.0 * np.log10(power).mean(axis=0), dtype=np.float32)


def _gaps(acquisition: Acquisition, looked: Survey, past: Past) -> Finding | None:
    seen_tiles = {*looked.looks, *(tile for tile, row in looked.hidden.items() if row.decision not in _NOT_READ)}
    for canvas in canvases(seen_tiles):
        finding = zero_filled(filled_blocks(_cells(canvas, acquisition, looked, past)))
        if finding is not None:
            return finding
    return None


_NOT_READ = (FLAT, NO_ELEVATION)


def _cells(canvas: Canvas, acquisition: Acquisition, looked: Survey, past: Past) -> Cells:
    """The cells of all tiles of a zone that were read."""
    shape = (canvas.rows * _SIDE, canvas.columns * _SIDE)
    covered, missing, before = (np.zeros(shape, dtype=bool) for _ in range(3))
    footprint = union_all([item.geometry for item in acquisition.items]).wkb
    for tile in canvas.tiles:
        top, left = (canvas.row - tile.row) * _SIDE, (tile.column - canvas.column) * _SIDE
        window = (slice(top, top + _SIDE), slice(left, left + _SIDE))
        covered[window] = _covered(footprint, tile)
        look, newest = looked.looks.get(tile), past.newest.get(tile)
        missing[window] = (
            looked.hidden[tile].decision in _EMPTY if look is None else empty_cells(look.pixels, look.state)
        )
        if newest is not None and _same_track(acquisition, newest, past, tile):
            before[window] = ~empty_cells(newest.pixels, newest.state)
    return Cells(covered=covered, missing=missing, seen_before=before)


def _same_track(acquisition: Acquisition, newest: Look, past: Past, tile: Tile) -> bool:
    """Whether the newest earlier look of a tile was made from the same relative orbit, as far as both are known."""
    orbits = {row.acquisition_id: row.relative_orbit for row in past.rows[tile]}
    orbit = acquisition.relative_orbit
    return orbit is not None and orbits.get(newest.acquisition_id) == orbit


@lru_cache(maxsize=2048)
def _covered(footprint: bytes, tile: Tile) -> Mask:
    """(32, 32) cells of a tile whose centre lies in a footprint (EPSG:4326)."""
    ground = _footprint(footprint, tile.epsg)
    grid = tile_geobox(tile).transform
    centres = (np.arange(_SIDE) + 0.5) * CELL_PX
    eastings, northings = np.meshgrid(grid.c + grid.a * centres, grid.f + grid.e * centres)
    return np.asarray(contains_xy(ground, eastings, northings), dtype=np.bool_)


@lru_cache(maxsize=16)
def _footprint(wkb: bytes, epsg: int) -> BaseGeometry:
    ground = project(from_wkb(wkb).segmentize(0.05), 4326, epsg)
    prepare(ground)
    return ground
