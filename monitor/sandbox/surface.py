"""Reflectance of the ground on a date, before light and air, in the bands of `spectra.BANDS`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.sandbox.cover import Cover, LandCover
from monitor.sandbox.frame import fractal, stream
from monitor.sandbox.scars import Scars
from monitor.sandbox.seasons import meadow_tone, tree_tone
from monitor.sandbox.spectra import COVER, CROP, FRESH_GRAVEL, MUDDY_WATER, VISIBLE

_TEXTURE = np.array([0.075, 0.065, 0.05, 0.05, 0.03, 0.10, 0.04, 0.25, 0.15, 0.14], dtype=np.float32)
"""Standard deviation of fine texture, relative, per cover."""
_STAND_TONE = np.array([0.10, 0.09, 0.08, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.08], dtype=np.float32)
_CROWNS = np.array([0.12, 0.12, 0.03, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.08], dtype=np.float32)
_SITES = np.array([0.03, 0.03, 0.12, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.08], dtype=np.float32)
"""Standard deviation of near infrared from pixel to pixel and from site to site that the visible bands do not share,
relative, per cover."""
_VIGOROUS = np.array([0.0, 0.0, 0.0, 0.2, 0.9, 1.0, 1.0, 1.0, -0.3, -0.6], dtype=np.float32)
"""What vigour gives to each band: more leaves reflect more near infrared, and their water takes shortwave."""
_SPRING = np.array([0.0, 0.20, 0.08, 0.10, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
"""Leaves and grass in May against July, relative: fresh and light green."""
_AUTUMN = np.array([0.05, 0.05, 0.45, 0.10, -0.10, -0.13, -0.13, -0.13, 0.0, 0.08])
"""In the middle of October against the end of August: brown."""
_AGEING = np.array([0.0, 0.0, 0.0, 0.14, 0.17, 0.17, 0.17, 0.17, 0.16, 0.16])
"""What forest loses from the middle of July to the middle of September."""
_DRYING = np.array([0.0, 0.0, 0.25, 0.10, 0.0, 0.0, 0.0, 0.0, 0.10, 0.20])
"""What a meadow gains from July to August, going dull."""
_WETTING = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.55, 0.85])
"""Darkening of wet soil in the shortwave over that in the visible, relative (Lobell and Asner 2002)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Everything about the surface that stays the same over the acquisitions."""

    cover: LandCover
    texture: NDArray[np.float32]
    """(padded, padded) relative brightness of the crowns, stones and clods about 1."""
    vigour: NDArray[np.float32]
    """(padded, padded) how well grows what grows: relative near infrared about 0."""
    scars: Scars


def make_ground(cover: LandCover, scars: Scars, seed: int) -> Ground:
    """The unchanging surface: cover, its fine texture and the scars to come."""
    side = cover.kind.shape[0]
    rng = stream(seed, "texture")
    grain = 0.8 * fractal(side, rng, beta=0.8) + 0.6 * fractal(side, rng, beta=2.4, longest_px=30)
    texture = 1.0 + _TEXTURE[cover.kind] * grain + _STAND_TONE[cover.kind] * cover.stands
    rng = stream(seed, "vigour")
    vigour = _CROWNS[cover.kind] * fractal(side, rng, beta=0.8)
    vigour += _SITES[cover.kind] * fractal(side, rng, beta=3.0, longest_px=40)
    return Ground(
        cover=cover,
        texture=np.clip(texture, 0.45, 2.2).astype(np.float32),
        vigour=np.clip(vigour, -0.4, 0.4).astype(np.float32),
        scars=scars,
    )


def reflect(
    ground: Ground,
    crops: NDArray[np.int8],
    day_of_year: int,
    revisits_since_storm: int,
    bands: slice = VISIBLE,
    *,
    year: bool = False,
) -> NDArray[np.float32]:
    """Surface reflectance on a date.

    Args:
        ground: the surface.
        crops: (count,) Crop per field.
        day_of_year: sets the season of leaves and grass.
        revisits_since_storm: 0 before the storm, then 1, 2, …
        bands: which of `spectra.BANDS`.
        year: leaves fall and come back, as in a story that lasts a year.

    Returns:
        (bands, padded, padded) float32.
    """
    cover = ground.cover
    season = season_of_year(day_of_year) if year else _season(day_of_year)
    image = np.moveaxis((COVER * season)[:, bands][cover.kind], -1, 0)
    image *= ground.texture
    for layer, gain in zip(image, _VIGOROUS[bands], strict=True):
        if gain:
            layer *= 1.0 + gain * ground.vigour
    fields = cover.kind == Cover.FIELD
    number = cover.parcels.field[fields]
    wet = np.where(np.isin(crops, (3, 4)), 0.82, 0.97) if revisits_since_storm == 1 else np.ones(crops.size)
    tone = (wet * (1.0 + 0.10 * cover.parcels.tone))[:, None] * (1.0 - (1.0 - wet)[:, None] * _WETTING[bands])
    per_field = CROP[crops, bands] * tone
    image[:, fields] = per_field[number].T * (1.0 + 0.05 * cover.parcels.rows[fields])
    if revisits_since_storm:
        _flood(image, ground, revisits_since_storm, bands)
        _slide(image, ground.scars, revisits_since_storm, bands)
    return np.asarray(image, dtype=np.float32)


def _season(day_of_year: int) -> NDArray[np.float32]:
    """(covers, 10) factor of the season: light green in May, dull in August, browning and thinning in September."""
    spring = np.exp(-(((day_of_year - 130) / 25.0) ** 2))
    autumn = np.clip((day_of_year - 245) / 40.0, 0.0, 1.0)
    age = np.clip((day_of_year - 195) / 60.0, 0.0, 1.0)
    season = np.ones_like(COVER)
    season[[Cover.BROADLEAF, Cover.SCRUB, Cover.MEADOW]] *= 1.0 + spring * _SPRING + autumn * _AUTUMN
    season[[Cover.BROADLEAF, Cover.CONIFER, Cover.SCRUB]] *= 1.0 - age * _AGEING
    season[Cover.MEADOW] *= 1.0 + _DRYING * np.clip((day_of_year - 180) / 40.0, 0.0, 1.0)
    return season.astype(np.float32)


def season_of_year(day_of_year: float) -> NDArray[np.float32]:
    """(covers, 10) factor of any day of the year, without a jump at New Year."""
    season = np.ones_like(COVER)
    season[[Cover.BROADLEAF, Cover.SCRUB]] = tree_tone(day_of_year)
    season[Cover.MEADOW] = meadow_tone(day_of_year)
    return season


def _flood(image: NDArray[np.float32], ground: Ground, revisits: int, bands: slice) -> None:
    """Fresh gravel where the river left its bed, and muddy water that clears within a few revisits."""
    flood = ground.cover.flood
    image[:, flood] = FRESH_GRAVEL[bands, None] * ground.texture[flood]
    water = ground.cover.kind == Cover.WATER
    mud = 0.5 ** (revisits - 1)
    clear = COVER[Cover.WATER, bands][:, None]
    image[:, water] = (clear + mud * (MUDDY_WATER[bands, None] - clear)) * ground.texture[water]


def _slide(image: NDArray[np.float32], scars: Scars, revisits: int, bands: slice) -> None:
    """Bare soil over what grew there; grass takes it back slowly."""
    share = scars.share * np.float32(0.985 ** (revisits - 1))
    image *= 1.0 - share
    image += share * scars.reflectance[bands]
