"""Slopes that a radar track never sees, worked out once per tile and track and kept."""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from monitor.core.grid import blocks
from monitor.core.radar_geometry import FAR_INCIDENCE_DEG, NEAR_INCIDENCE_DEG
from monitor.core.slope_sight import slope_sight, track_of
from monitor.looking import Looker
from monitor.ports import SlopeSights
from monitor.radar_view import elevation_around, geometry_of, told_incidence_deg
from monitor.records import Tile
from monitor.survey import Way

_METHOD = "slope sight 2"
"""Goes into the key of what is kept: count up when the same ground comes out different."""
_UNTOLD = "untold"
"""Stands for an incidence that a narrow footprint, of a burst or a crop, does not tell: mid-swath is assumed."""


def note_blind_slopes(
    looker: Looker, tiles: Iterable[Tile], kept: SlopeSights, least_slope_deg: float, way: Way
) -> None:
    """Keep which slopes of these tiles the track of a radar pass never sees, where that is not known yet.

    Also where the producer has masks of its own: they say the same of each pass, and not all have them. It is worked
    out anew where ground or incidence turn out to be other ones. Tiles without elevation are left out.
    """
    for block in blocks(tiles, way.block_tiles):
        for tile in block:
            _note(looker, tile, kept, least_slope_deg)
        way.hold()


def _note(looker: Looker, tile: Tile, kept: SlopeSights, least_slope_deg: float) -> None:
    track, terrain = track_of(looker.acquisition.comparable), looker.instruments.terrain.known(tile)
    if terrain is None:
        return
    items, known = looker.items(tile), looker.instruments.terrain.known
    ground = _ground(elevation_around(tile, known), least_slope_deg)
    incidence_deg = told_incidence_deg(items, tile)
    if any(kept.known(tile, track, f"{ground}-{degrees}") for degrees in _as_good(incidence_deg)):
        return
    geometry = geometry_of(items, tile, known)
    if geometry is not None:
        key = f"{ground}-{_UNTOLD if incidence_deg is None else round(incidence_deg)}"
        kept.write(tile, track, key, slope_sight(geometry.blind, terrain.slope_deg, least_slope_deg))


def _as_good(incidence_deg: float | None) -> Iterable[int | str]:
    """What may stand for an incidence: slices of one track tell a little different ones, and any beats none at all."""
    if incidence_deg is None:
        return (_UNTOLD, *range(int(NEAR_INCIDENCE_DEG), int(FAR_INCIDENCE_DEG) + 2))
    middle = round(incidence_deg)
    return middle, middle - 1, middle + 1


def _ground(elevation_m: NDArray[np.float32], least_slope_deg: float) -> str:
    """Another elevation of the tile or around it, or another idea of a slope, is another answer."""
    ground = hashlib.sha256(np.ascontiguousarray(elevation_m).tobytes()).hexdigest()
    return hashlib.sha256(f"{_METHOD} {least_slope_deg:g} {ground}".encode()).hexdigest()[:32]
