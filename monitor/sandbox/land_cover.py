"""A land cover map of the valley as ESA WorldCover would draw it: 11 classes, 10 m, in degrees, with its mistakes."""

from enum import IntEnum

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.warp import reproject
from shapely import box

from monitor.core.grid import RESOLUTION_M, project
from monitor.sandbox.cover import Cover
from monitor.sandbox.fields import Crop
from monitor.sandbox.frame import EPSG, PAD_PX, fractal, stream
from monitor.sandbox.world import World

CELL_DEG = 1.0 / 12_000.0
"""Pixels of WorldCover, on a grid through 0 N, 0 E."""


class CoverClass(IntEnum):
    """Classes of ESA WorldCover (product user manual 2.0)."""

    TREES = 10
    SHRUBLAND = 20
    GRASSLAND = 30
    CROPLAND = 40
    BUILT_UP = 50
    BARE = 60
    SNOW = 70
    WATER = 80
    WETLAND = 90
    MANGROVES = 95
    MOSS = 100


_CLASS = np.array([10, 10, 30, 40, 80, 60, 50, 50, 60, 20], dtype=np.uint8)
"""By Cover."""


def draw_map(world: World) -> tuple[NDArray[np.uint8], Affine]:
    """The map of an earlier year on its grid of degrees; it knows nothing of storm, scars and felled forest.

    Returns:
        (H, W) CoverClass that covers the scene, and its transform, EPSG:4326.
    """
    classes = _mistaken(world)
    west, south, east, north = project(box(*world.frame.bounds), EPSG, 4326).bounds
    left, top = np.floor(west / CELL_DEG), np.ceil(north / CELL_DEG)
    width, height = int(np.ceil(east / CELL_DEG) - left), int(top - np.floor(south / CELL_DEG))
    transform = Affine(CELL_DEG, 0.0, left * CELL_DEG, 0.0, -CELL_DEG, top * CELL_DEG)
    drawn = np.zeros((height, width), dtype=np.uint8)
    reproject(
        classes, drawn, src_crs=f"EPSG:{EPSG}", dst_crs="EPSG:4326",
        src_transform=world.frame.transform(margin_m=PAD_PX * RESOLUTION_M), dst_transform=transform,
        src_nodata=0, dst_nodata=0, resampling=Resampling.nearest,
    )  # fmt: skip
    return drawn, transform


def _mistaken(world: World) -> NDArray[np.uint8]:
    """(padded, padded) CoverClass with what the real map gets wrong: narrow roads, young growth, grass and crops."""
    cover = world.ground.cover
    rng = stream(world.seed, "land cover map")
    side = cover.kind.shape[0]
    classes = _CLASS[cover.kind]
    fields = cover.kind == Cover.FIELD
    grass = np.isin(world.crops[0], (Crop.GRASS, Crop.MOWN))[cover.parcels.field]
    classes[fields & grass] = CoverClass.GRASSLAND
    unsure = fractal(side, rng, beta=2.0, longest_px=30)
    classes[(cover.kind == Cover.ROAD) & (unsure < 0.6)] = CoverClass.CROPLAND
    classes[(cover.kind == Cover.SCRUB) & (unsure > -0.3)] = CoverClass.TREES
    classes[(cover.kind == Cover.MEADOW) & (unsure > 1.6)] = CoverClass.CROPLAND
    # The classifier sees some 20 m: a lone pixel takes the class beside it.
    alone = np.logical_and.reduce([classes != np.roll(classes, step, axis) for axis in (0, 1) for step in (-1, 1)])
    return np.where(alone, np.roll(classes, 1, axis=1), classes)
