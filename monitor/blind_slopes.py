"""Slopes that a radar track never sees, worked out once per tile and track and kept."""

import hashlib
from collections.abc import Iterable

import numpy as np

from monitor.core.grid import blocks
from monitor.core.slope_sight import slope_sight, track_of
from monitor.looking import Looker
from monitor.ports import SlopeSights
from monitor.radar_view import geometry_of
from monitor.records import Terrain, Tile
from monitor.survey import Way

_METHOD = "slope sight 1"
"""Goes into the key of what is kept: count up when the same ground comes out different."""


def note_blind_slopes(
    looker: Looker, tiles: Iterable[Tile], kept: SlopeSights, least_slope_deg: float, way: Way
) -> None:
    """Keep which slopes of these tiles the track of a radar pass never sees, where that is not known yet.

    Also where the producer has masks of its own: they say the same of each pass, and not all have them. Tiles without
    elevation are left out.
    """
    for block in blocks(tiles, way.block_tiles):
        for tile in block:
            _note(looker, tile, kept, least_slope_deg)
        way.hold()


def _note(looker: Looker, tile: Tile, kept: SlopeSights, least_slope_deg: float) -> None:
    track, terrain = track_of(looker.acquisition.comparable), looker.instruments.terrain.known(tile)
    if terrain is None:
        return
    key = _key(terrain, least_slope_deg)
    if kept.known(tile, track, key):
        return
    geometry = geometry_of(looker.items(tile), tile, looker.instruments.terrain.known)
    if geometry is not None:
        kept.write(tile, track, key, slope_sight(geometry.blind, terrain.slope_deg, least_slope_deg))


def _key(terrain: Terrain, least_slope_deg: float) -> str:
    """Another elevation model, or another idea of a slope, is another answer."""
    ground = hashlib.sha256(np.ascontiguousarray(terrain.elevation_m).tobytes()).hexdigest()
    return hashlib.sha256(f"{_METHOD} {least_slope_deg:g} {ground}".encode()).hexdigest()[:32]
