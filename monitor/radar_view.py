"""Where a radar pass cannot see the ground of a tile, by the shape of the ground: the products do not all say so."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from shapely import get_coordinates

from monitor.core.canvas import with_halo
from monitor.core.grid import RESOLUTION_M, TILE_PX, project, tile_polygon
from monitor.core.radar_geometry import (
    PassDirection,
    RadarGeometry,
    grid_convergence_deg,
    nominal_incidence_deg,
    radar_geometry,
    range_azimuth_deg,
    swath_share,
)
from monitor.records import PixelState, SceneItem, Terrain, Tile

_HALO_PX = 64
"""Ground 640 m away that may cover or shade the tile."""
_WHOLE_SWATH_DEG = 1.6
"""A narrower footprint is a burst or a crop, and tells nothing of the place in the swath."""


def blind_ground(
    states: NDArray[np.uint8], items: Sequence[SceneItem], tile: Tile, terrain: Callable[[Tile], Terrain | None]
) -> NDArray[np.uint8]:
    """(256, 256) PixelState with what lies in layover or radar shadow marked.

    Args:
        states: as read.
        items: of one pass over the tile; those that bring the producer's own mask need none of ours.
        terrain: elevation of a tile and its neighbours; what is unknown covers nothing.
    """
    seen = states == PixelState.VALID
    if not seen.any() or any("mask" in item.assets for item in items):
        return states
    view = geometry_of(items, tile, terrain)
    if view is None:
        return states
    marked = states.copy()
    marked[seen & view.layover] = PixelState.LAYOVER
    marked[seen & view.shadow] = PixelState.RADAR_SHADOW
    return marked


def geometry_of(
    items: Sequence[SceneItem], tile: Tile, terrain: Callable[[Tile], Terrain | None]
) -> RadarGeometry | None:
    """How one pass sees a tile, arrays (256, 256); None where its direction or the tile's elevation is unknown."""
    direction = items[0].pass_direction if items else None
    if direction is None or terrain(tile) is None:
        return None
    elevation = elevation_around(tile, terrain)
    place = project(tile_polygon(tile), tile.epsg, 4326).centroid
    incidence = _incidence_deg(items, (place.x, place.y), PassDirection(direction))
    convergence = grid_convergence_deg(place.x, place.y, tile.epsg)
    azimuth = range_azimuth_deg(PassDirection(direction), place.y, incidence, convergence)
    view = radar_geometry(elevation, RESOLUTION_M, incidence, azimuth)
    core = (slice(_HALO_PX, _HALO_PX + TILE_PX),) * 2
    return RadarGeometry(
        local_incidence_deg=view.local_incidence_deg[core], layover=view.layover[core], shadow=view.shadow[core]
    )


def elevation_around(tile: Tile, terrain: Callable[[Tile], Terrain | None]) -> NDArray[np.float32]:
    """(384, 384) metres: all ground that bears on how a pass sees a tile; NaN where it is unknown."""
    return with_halo(tile, _HALO_PX, lambda near: _elevation(terrain(near)), np.float32(np.nan))


def told_incidence_deg(items: Sequence[SceneItem], tile: Tile) -> float | None:
    """On flat ground in the middle of a tile; None where no item shows the whole swath or says the direction."""
    direction = items[0].pass_direction if items else None
    if direction is None or not _shows_whole_swath(_widest(items)):
        return None
    place = project(tile_polygon(tile), tile.epsg, 4326).centroid
    return _incidence_deg(items, (place.x, place.y), PassDirection(direction))


def _incidence_deg(items: Sequence[SceneItem], place: tuple[float, float], direction: PassDirection) -> float:
    """On flat ground at a place: by its position in the swath if the items show the whole of it, else mid-swath."""
    widest = _widest(items)
    whole = _shows_whole_swath(widest)
    share = swath_share(get_coordinates(widest.geometry), place, direction) if whole else 0.5
    return float(nominal_incidence_deg(share))


def _widest(items: Sequence[SceneItem]) -> SceneItem:
    return max(items, key=lambda item: (item.geometry.bounds[2] - item.geometry.bounds[0], item.id))


def _shows_whole_swath(item: SceneItem) -> bool:
    west, _, east, _ = item.geometry.bounds
    return _WHOLE_SWATH_DEG <= east - west <= 180.0


def _elevation(ground: Terrain | None) -> NDArray[np.float32]:
    return np.full((TILE_PX, TILE_PX), np.nan, np.float32) if ground is None else ground.elevation_m
