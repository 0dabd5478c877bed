"""Reflectance of the ground on a date, before light and air: (3, padded, padded) B02, B03, B04.

Levels are typical of Sentinel-2 L2A surface reflectance over temperate hills in the growing season.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.sandbox.cover import Cover, LandCover
from monitor.sandbox.frame import fractal, stream
from monitor.sandbox.scars import Scars
from monitor.sandbox.seasons import meadow_tone, tree_tone

BANDS = ("B02", "B03", "B04")

_COVER = np.array(
    [
        [0.023, 0.049, 0.028],  # broadleaf
        [0.016, 0.028, 0.018],  # conifer
        [0.036, 0.076, 0.056],  # meadow
        [0.040, 0.075, 0.055],  # field, replaced by its crop
        [0.046, 0.056, 0.042],  # water
        [0.150, 0.175, 0.190],  # gravel
        [0.092, 0.108, 0.118],  # road
        [0.135, 0.140, 0.158],  # roof
        [0.125, 0.148, 0.172],  # rock
        [0.029, 0.058, 0.043],  # scrub
    ],
    dtype=np.float32,
)
_CROP = np.array(
    [
        [0.048, 0.085, 0.082],  # young
        [0.026, 0.062, 0.033],  # dense
        [0.058, 0.098, 0.112],  # ripe
        [0.082, 0.122, 0.152],  # stubble
        [0.072, 0.102, 0.138],  # tilled
        [0.034, 0.078, 0.050],  # grass
        [0.050, 0.098, 0.086],  # mown
    ],
    dtype=np.float32,
)
_TEXTURE = np.array([0.075, 0.065, 0.05, 0.05, 0.03, 0.10, 0.04, 0.25, 0.15, 0.14], dtype=np.float32)
"""Standard deviation of fine texture, relative, per cover."""
_STAND_TONE = np.array([0.10, 0.09, 0.08, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.08], dtype=np.float32)
_FRESH_GRAVEL = np.array([0.145, 0.180, 0.205], dtype=np.float32)
_MUDDY_WATER = np.array([0.068, 0.092, 0.098], dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Everything about the surface that stays the same over the acquisitions."""

    cover: LandCover
    texture: NDArray[np.float32]
    """(padded, padded) relative brightness of the crowns, stones and clods about 1."""
    scars: Scars


def make_ground(cover: LandCover, scars: Scars, seed: int) -> Ground:
    """The unchanging surface: cover, its fine texture and the scars to come."""
    side = cover.kind.shape[0]
    rng = stream(seed, "texture")
    grain = 0.8 * fractal(side, rng, beta=0.8) + 0.6 * fractal(side, rng, beta=2.4, longest_px=30)
    texture = 1.0 + _TEXTURE[cover.kind] * grain + _STAND_TONE[cover.kind] * cover.stands
    return Ground(cover=cover, texture=np.clip(texture, 0.45, 2.2).astype(np.float32), scars=scars)


def reflect(
    ground: Ground, crops: NDArray[np.int8], day_of_year: int, revisits_since_storm: int, year: bool = False
) -> NDArray[np.float32]:
    """Surface reflectance on a date.

    Args:
        ground: the surface.
        crops: (count,) Crop per field.
        day_of_year: sets the season of leaves and grass.
        revisits_since_storm: 0 before the storm, then 1, 2, …
        year: leaves fall and come back, as in a story that lasts a year.

    Returns:
        (3, padded, padded) float32.
    """
    cover = ground.cover
    season = _season_of_year(day_of_year) if year else _season(day_of_year)
    image = np.moveaxis((_COVER * season)[cover.kind], -1, 0)
    image *= ground.texture
    fields = cover.kind == Cover.FIELD
    number = cover.parcels.field[fields]
    wet = np.where(np.isin(crops, (3, 4)), 0.82, 0.97) if revisits_since_storm == 1 else np.ones(crops.size)
    per_field = _CROP[crops] * (wet * (1.0 + 0.10 * cover.parcels.tone))[:, None]
    image[:, fields] = per_field[number].T * (1.0 + 0.05 * cover.parcels.rows[fields])
    if revisits_since_storm:
        _flood(image, ground, revisits_since_storm)
        _slide(image, ground.scars, revisits_since_storm)
    return np.asarray(image, dtype=np.float32)


def _season(day_of_year: int) -> NDArray[np.float32]:
    """(covers, 3) factor of the season: fresh and light green in May, dull in August, browning in September."""
    spring = np.exp(-(((day_of_year - 130) / 25.0) ** 2))
    autumn = np.clip((day_of_year - 245) / 40.0, 0.0, 1.0)
    season = np.ones_like(_COVER)
    leafy = [Cover.BROADLEAF, Cover.SCRUB, Cover.MEADOW]
    season[leafy] *= np.array([1.0, 1.0 + 0.20 * spring, 1.0 + 0.08 * spring]) + autumn * np.array([0.05, 0.05, 0.45])
    season[Cover.MEADOW, 2] *= 1.0 + 0.25 * np.clip((day_of_year - 180) / 40.0, 0.0, 1.0)
    return season.astype(np.float32)


def _season_of_year(day_of_year: int) -> NDArray[np.float32]:
    """(covers, 3) factor of any day of the year, without a jump at New Year."""
    season = np.ones_like(_COVER)
    season[[Cover.BROADLEAF, Cover.SCRUB]] = tree_tone(day_of_year, BANDS)
    season[Cover.MEADOW] = meadow_tone(day_of_year, BANDS)
    return season


def _flood(image: NDArray[np.float32], ground: Ground, revisits: int) -> None:
    """Fresh gravel where the river left its bed, and muddy water that clears within a few revisits."""
    flood = ground.cover.flood
    image[:, flood] = _FRESH_GRAVEL[:, None] * ground.texture[flood]
    water = ground.cover.kind == Cover.WATER
    mud = 0.5 ** (revisits - 1)
    clear = _COVER[Cover.WATER][:, None]
    image[:, water] = (clear + mud * (_MUDDY_WATER[:, None] - clear)) * ground.texture[water]


def _slide(image: NDArray[np.float32], scars: Scars, revisits: int) -> None:
    """Bare soil over what grew there; grass takes it back slowly."""
    share = scars.share * np.float32(0.985 ** (revisits - 1))
    image *= 1.0 - share
    image += share * scars.reflectance
