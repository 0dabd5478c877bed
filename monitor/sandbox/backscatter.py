"""Radar brightness of the ground on a date: gamma naught before speckle, (2, padded, padded) VV, VH, linear power.

Levels (dB, about 39 degrees incidence) were set against
- the OPERA RTC-S1 crops over the Californian coast ranges (T137-292319 and -292321: median VV -9.0, VH -15.5; median
  over dates of one burst moves by 0.4 to 0.9 dB in a season),
- the Sentinel-1 chip Spain_7370579 of Sen1Floods11 (green ground VV -8.0, VH -14.9; bare and dry -9.7, -17.3; still
  water down to VV -25, VH -29 and below),
- the statistics per inventory of Sen12Landslides (mean over VV and VH 0.07-0.14, so about -8 and -14.5 dB in forest),
- published values: forest and crops over a season (Vreugdenhil et al. 2018, doi:10.3390/rs10091396; Dostálová et al.
  2018, doi:10.1080/01431161.2018.1479788), landslides as changes of either sign (Mondini et al. 2019,
  doi:10.3390/rs11070760).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.sandbox.cover import Cover, LandCover
from monitor.sandbox.fields import Crop
from monitor.sandbox.frame import fractal, stream
from monitor.sandbox.scars import Scars
from monitor.sandbox.terrain import Relief

_COVER_DB = np.array(
    [
        [-8.3, -14.5],  # broadleaf
        [-9.2, -15.2],  # conifer
        [-12.0, -18.9],  # meadow
        [-11.0, -18.0],  # field, replaced by its crop
        [-21.0, -28.0],  # water, moved by the wind
        [-12.0, -20.5],  # gravel
        [-14.5, -22.0],  # road
        [-4.5, -12.0],  # roof: double bounce
        [-9.0, -17.5],  # rock
        [-9.8, -15.9],  # scrub
    ],
    dtype=np.float32,
)
_CROP_DB = np.array(
    [
        [-11.6, -19.6],  # young
        [-10.0, -16.0],  # dense
        [-12.4, -18.2],  # ripe
        [-12.0, -20.3],  # stubble
        [-10.2, -19.6],  # tilled: rough, hardly any volume
        [-12.0, -18.9],  # grass
        [-12.2, -19.8],  # mown
    ],
    dtype=np.float32,
)
_TEXTURE_DB = np.array([0.8, 0.8, 0.6, 0.35, 0.0, 1.0, 0.8, 3.5, 1.2, 0.8], dtype=np.float32)
"""Standard deviation of what stays the same from pass to pass within a cover."""
_WET_DB = np.array(
    [
        [0.6, 0.5],
        [0.4, 0.3],
        [1.6, 1.3],
        [2.2, 1.7],
        [0, 0],
        [1.0, 0.8],
        [0.3, 0.2],
        [0.2, 0.2],
        [0.7, 0.5],
        [0.8, 0.6],
    ],
    dtype=np.float32,
)
"""Rise from dry to soaked ground: bare soil most, forest least."""
_SLOPE_DB_PER_DEG = np.array([0.025, 0.02, 0.055, 0.07, 0.1, 0.07, 0.05, 0.0, 0.05, 0.03], dtype=np.float32)
"""Fall with the local incidence angle that terrain flattening, made for volumes, leaves behind."""
_SCAR_DB = ((-10.2, 1.5), (-20.6, 0.9))
"""Mean and spread over scars, VV and VH. Broken rough debris or smooth wet earth: VV goes either way, VH falls with the
trees."""
_SCAR_TEXTURE_DB = 1.0
_WET_SCAR_DB = np.array([1.0, 0.3], dtype=np.float32)
_FELLED_DB = np.array([-11.2, -18.4], dtype=np.float32)
_LEAFLESS_DB = np.array([0.6, 1.0], dtype=np.float32)
"""Rise of broadleaved forest from summer to winter, VV and VH (Dostálová et al. 2018: about 1 dB)."""
_WET_SNOW_DB = -3.0
"""Melting snow swallows the wave."""
_WATER_DB_PER_M_S = np.array([1.0, 0.45], dtype=np.float32)
_REED_DB = np.array([1.8, 0.3], dtype=np.float32)
"""Water under bushes: double bounce."""
_REACH_PX, _RECESSION_DAYS = 18.0, 1.1
"""How far standing water lies beyond the flood's gravel when the rain ends, and how fast it goes (e-folding)."""
_LONGEST_DAYS = 5.0
_FLAT_DEG = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RadarGround:
    """What the radar meets and what stays the same over its passes. Arrays on the padded frame."""

    cover: LandCover
    scars: Scars
    texture_db: NDArray[np.float32]
    """(padded, padded) deviation from the level of the cover."""
    scar: NDArray[np.uint8]
    """Number of the nearest scar, from 1; 0 away from all."""
    scar_db: NDArray[np.float32]
    """(scars + 1, 2) VV, VH of each scar; the first row means nothing."""
    river_px: NDArray[np.float32]
    """Distance from the river's flooded bed, infinite where the ground is not flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The date of a pass."""

    crops: NDArray[np.int8]
    """(fields,) Crop."""
    wetness: float
    """Of the soil: 0 dry, 1 soaked."""
    wind_m_s: float
    offset_db: float
    """Of the whole scene: calibration of the satellite, dew or rain on the leaves."""
    storm_days: float | None
    """Since the storm; None before it."""
    felled: NDArray[np.bool_] | None = None
    """(padded, padded) forest that is gone."""
    snow: NDArray[np.bool_] | None = None
    """(padded, padded) melting snow."""
    leafless: float = 0.0
    """Share of the leaves of broadleaved trees that are down."""


def make_radar_ground(cover: LandCover, scars: Scars, relief: Relief, seed: int) -> RadarGround:
    """Texture, scars' brightness and the flood's reach."""
    side = cover.kind.shape[0]
    rng = stream(seed, "radar texture")
    grain = 0.75 * fractal(side, rng, beta=1.6) + 0.65 * fractal(side, rng, beta=2.8, longest_px=60)
    texture = _TEXTURE_DB[cover.kind] * grain
    on_field = cover.kind == Cover.FIELD
    texture[on_field] += 0.5 * cover.parcels.tone[cover.parcels.field[on_field]]
    scar = np.zeros((side, side), dtype=np.uint8)
    for number, one in enumerate(scars.each, start=1):
        scar[one.rows, one.columns] = number
    rng = stream(seed, "radar scars")
    scar_db = np.column_stack([rng.normal(*level, len(scars.each) + 1) for level in _SCAR_DB])
    bed = cover.flood | (cover.kind == Cover.WATER)
    distance = ndimage.distance_transform_edt(~bed) if bed.any() else np.full(bed.shape, np.inf)
    flat = ndimage.uniform_filter(relief.slope_deg, 5) < _FLAT_DEG
    return RadarGround(
        cover=cover,
        scars=scars,
        texture_db=texture.astype(np.float32),
        scar=ndimage.maximum_filter(scar, size=9),
        scar_db=scar_db.astype(np.float32),
        river_px=np.where(flat | bed, distance, np.inf).astype(np.float32),
    )


def gamma_naught(ground: RadarGround, now: Conditions, tilt_deg: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean backscatter of the ground on a date, as a terrain-flattened product would show it without speckle.

    Args:
        tilt_deg: (padded, padded) local incidence less the incidence on flat ground.

    Returns:
        (2, padded, padded) VV, VH, gamma naught, linear power.
    """
    level = _dry_db(ground, now)
    kind = ground.cover.kind
    level += _WET_DB.T[:, kind] * np.float32(now.wetness)
    if now.storm_days is not None:
        _slide(level, ground, now)
    if now.snow is not None:
        level[:, now.snow] += _WET_SNOW_DB
    level -= _SLOPE_DB_PER_DEG[kind] * np.clip(tilt_deg, -30.0, 25.0)
    level += np.float32(now.offset_db)
    return np.asarray(np.exp(level * np.float32(np.log(10.0) / 10.0)), dtype=np.float32)


def under_water(ground: RadarGround, storm_days: float) -> NDArray[np.bool_]:
    """(padded, padded) ground that the flood still covers, the river itself included."""
    reach = _REACH_PX * float(np.exp(-storm_days / _RECESSION_DAYS)) if storm_days < _LONGEST_DAYS else -1.0
    return np.asarray(ground.river_px <= reach, dtype=np.bool_)


def _dry_db(ground: RadarGround, now: Conditions) -> NDArray[np.float32]:
    """(2, H, W) dB of dry ground before anything slid."""
    cover = ground.cover
    table = _COVER_DB.copy()
    table[Cover.WATER] += _WATER_DB_PER_M_S * min(now.wind_m_s, 9.0)
    level = table.T[:, cover.kind] + ground.texture_db
    fields = cover.kind == Cover.FIELD
    number = cover.parcels.field[fields]
    level[:, fields] = _CROP_DB[now.crops].T[:, number] + ground.texture_db[fields]
    # Rows of work seen along or across: enough to tell fields of one crop apart.
    tilled = np.where(np.isin(now.crops, (Crop.TILLED, Crop.STUBBLE)), 0.5, 0.1).astype(np.float32)
    level[0, fields] += tilled[number] * cover.parcels.rows[fields]
    if now.leafless:
        level[:, cover.kind == Cover.BROADLEAF] += _LEAFLESS_DB[:, None] * np.float32(now.leafless)
    if now.felled is not None:
        level[:, now.felled] = _FELLED_DB[:, None] + ground.texture_db[now.felled]
    return np.asarray(level, dtype=np.float32)


def _slide(level: NDArray[np.float32], ground: RadarGround, now: Conditions) -> None:
    """Scars, the flood's gravel, and water that stands for days, into (2, H, W) dB."""
    assert now.storm_days is not None
    cover = ground.cover
    level[:, cover.flood] = _COVER_DB[Cover.GRAVEL][:, None] + ground.texture_db[cover.flood]
    water = under_water(ground, now.storm_days)
    bushes = water & (cover.kind == Cover.SCRUB) & ~cover.flood
    level[:, bushes] += _REED_DB[:, None]
    still = _COVER_DB[Cover.WATER] + 0.5 * _WATER_DB_PER_M_S * min(now.wind_m_s, 9.0)
    level[:, water & ~bushes & (cover.kind != Cover.ROOF)] = still[:, None]
    slid = ground.scar > 0
    share = ground.scars.share[slid]
    wet = _WET_SCAR_DB[:, None] * np.float32(now.wetness)
    bare = ground.scar_db[ground.scar[slid]].T + _SCAR_TEXTURE_DB * ground.texture_db[slid] / 0.8 + wet
    # Shares of a pixel add up in power, not in decibels.
    level[:, slid] = 10.0 * np.log10((1.0 - share) * 10.0 ** (level[:, slid] / 10.0) + share * 10.0 ** (bare / 10.0))
