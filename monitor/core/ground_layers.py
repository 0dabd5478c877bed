"""Terrain and land cover of a tile with its surroundings, as far as a card's inputs need them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitor.core.canvas import with_halo
from monitor.core.features import TERRAIN, scheme_of
from monitor.core.grid import TILE_PX
from monitor.core.land_cover import NODATA, Classes, LandCover, Scheme, in_classes_of, one_hot
from monitor.records import ModelCard, Terrain, Tile

Array = NDArray[np.float32]
NAN = np.float32(np.nan)


def terrain_around(
    tile: Tile, halo_px: int, card: ModelCard, terrain: Callable[[Tile], Terrain | None]
) -> Terrain | None:
    """Terrain (256 + 2 halo)² of a tile; None where no input needs it. Ground without elevation is NaN."""
    if not set(TERRAIN) & set(card.bands):
        return None
    void = np.full((TILE_PX, TILE_PX), NAN)
    nothing = Terrain(elevation_m=void, slope_deg=void, tri_m=void)
    return Terrain(
        elevation_m=with_halo(tile, halo_px, lambda near: (terrain(near) or nothing).elevation_m, NAN),
        slope_deg=with_halo(tile, halo_px, lambda near: (terrain(near) or nothing).slope_deg, NAN),
        tri_m=with_halo(tile, halo_px, lambda near: (terrain(near) or nothing).tri_m, NAN),
    )


def land_cover_around(
    tile: Tile, halo_px: int, card: ModelCard, land_cover: Callable[[Tile], LandCover | None]
) -> Array | None:
    """(classes, 256 + 2 halo, 256 + 2 halo) one-hot in the card's legend; None where no input needs it.

    Neighbouring tiles may have maps of different legends; ground without a map has no class.
    """
    scheme = wanted_scheme(card)
    if scheme is None:
        return None
    nothing = np.full((TILE_PX, TILE_PX), NODATA, dtype=np.uint8)

    def classes(near: Tile) -> Classes:
        found = land_cover(near)
        return nothing if found is None else in_classes_of(found, scheme)

    around = with_halo(tile, halo_px, classes, np.uint8(NODATA))
    return one_hot(LandCover(scheme=scheme, classes=around), scheme)


def wanted_scheme(card: ModelCard) -> Scheme | None:
    """The land-cover legend of a card's inputs, or None."""
    return next((scheme for name in card.bands if (scheme := scheme_of(name)) is not None), None)
