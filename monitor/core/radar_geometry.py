"""What a side-looking radar can see of the ground: local incidence, layover and shadow from elevation.

The wave is taken as plane over the array (a tile of 2.6 km at 850 km distance: 0.2 degrees), the ground as flat below
the elevation. Angles are degrees, azimuths clockwise from north. Sources: Kropatsch and Strobl (1990), The generation
of SAR layover and shadow maps from digital elevation models, IEEE TGRS 28(1), doi:10.1109/36.45752; Meier, Frei and
Nuesch (1993), Precise terrain corrected geocoded images, in Schreier (ed.), SAR Geocoding; Small (2011), Flattening
gamma, IEEE TGRS 49(8), doi:10.1109/TGRS.2011.2120616.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

from monitor.core.terrain import gradient

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Angle = float | Array

NEAR_INCIDENCE_DEG, FAR_INCIDENCE_DEG = 29.1, 46.0
"""Edges of the interferometric wide swath (Sentinel-1 user handbook, IW mode)."""
_INCLINATION_DEG = 98.18
_TURNS_PER_DAY = 175.0 / 12.0
"""Sentinel-1 repeats its track after 175 orbits in 12 days; sun-synchronous, so these are turns of the ground too."""
_ALTITUDE_M, _EARTH_M = 693_000.0, 6_371_000.0
_HIGHEST_LATITUDE_DEG = 81.0
"""Tracks turn round at 81.8 degrees; beyond this their heading is no use."""


class PassDirection(StrEnum):
    """`sat:orbit_state` of an item."""

    ASCENDING = "ascending"
    """Northward: Sentinel-1 looks to the east."""
    DESCENDING = "descending"
    """Southward: it looks to the west."""


class OperaMask(IntEnum):
    """Values of the mask layer of OPERA RTC-S1 (product specification JPL D-108758, layer `mask`)."""

    VALID = 0
    SHADOW = 1
    LAYOVER = 2
    BOTH = 3
    NODATA = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class RadarGeometry:
    """How a track sees the ground. Arrays are (H, W)."""

    local_incidence_deg: Array
    """Between the surface normal and the direction to the radar; 90 and more in shadow; NaN = elevation unknown."""
    layover: Mask
    """Its echo arrives together with that of other ground."""
    shadow: Mask
    """No wave arrives."""

    @property
    def blind(self) -> Mask:
        """(H, W) no observation: layover or shadow."""
        return self.layover | self.shadow


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedGround:
    """The producer's own masks. Arrays are (H, W)."""

    layover: Mask
    shadow: Mask
    nodata: Mask


def heading_deg(direction: PassDirection, latitude_deg: float) -> float:
    """Azimuth in which Sentinel-1 flies at a latitude, 0 to 360: about 347 (ascending) or 193 (descending).

    Heading of the ground track of a circular orbit, Earth's rotation included: Capderou (2005), Satellites: Orbits and
    Missions, section 5.3. Zero-Doppler steering makes the radar look at right angles to it. Beyond 81 degrees the value
    at 81 degrees is given.
    """
    latitude = np.radians(min(abs(latitude_deg), _HIGHEST_LATITUDE_DEG))
    tilt = np.cos(np.radians(_INCLINATION_DEG))
    eastward = tilt - np.cos(latitude) ** 2 / _TURNS_PER_DAY
    northward = np.sqrt(np.cos(latitude) ** 2 - tilt**2)
    ascending = float(np.degrees(np.arctan2(eastward, northward)))
    return ascending % 360.0 if direction is PassDirection.ASCENDING else (180.0 - ascending) % 360.0


def range_azimuth_deg(
    direction: PassDirection, latitude_deg: float, incidence_deg: float = 38.0, convergence_deg: float = 0.0
) -> float:
    """Azimuth in which the right-looking radar looks over the ground at a place, 0 to 360.

    Args:
        direction: of the pass.
        latitude_deg: of the place.
        incidence_deg: there; it tells how far away the track is. Meridians converge towards the poles, so the great
            circle that leaves the track at right angles meets the place, 350 to 620 km away, at another azimuth: 4
            degrees at 45 degrees of latitude.
        convergence_deg: of the grid the ground lies on (`grid_convergence_deg`); azimuths there start at its north.
    """
    leaving = heading_deg(direction, latitude_deg) + 90.0
    latitude = np.radians(np.clip(latitude_deg, -_HIGHEST_LATITUDE_DEG, _HIGHEST_LATITUDE_DEG))
    turned = np.degrees(_ground_angle(incidence_deg)) * np.sin(np.radians(leaving)) * np.tan(latitude)
    return float((leaving + turned - convergence_deg) % 360.0)


def grid_convergence_deg(longitude_deg: float, latitude_deg: float, epsg: int) -> float:
    """Azimuth of grid north of a WGS 84 / UTM zone (326xx, 327xx) at a place: positive east of the central meridian.

    First term of the series for transverse Mercator (Snyder 1987, USGS PP 1395, eq. 8-15): good to 0.02 degrees.
    """
    central = 6.0 * (epsg % 100) - 183.0
    away = np.radians((longitude_deg - central + 180.0) % 360.0 - 180.0)
    return float(np.degrees(np.arctan(np.tan(away) * np.sin(np.radians(latitude_deg)))))


def nominal_incidence_deg(share: Angle) -> Array:
    """Incidence angle on flat ground by the place across the wide swath: `share` 0 at the near, 1 at the far edge.

    From the triangle of Earth's centre, satellite and ground on a sphere. For whole scenes whose items do not tell the
    angle; up to 1 degree off, since altitude and Earth's radius vary with latitude.
    """
    near, far = (_ground_angle(edge) for edge in (NEAR_INCIDENCE_DEG, FAR_INCIDENCE_DEG))
    ground = near + np.clip(np.asarray(share, dtype=np.float64), 0.0, 1.0) * (far - near)
    look = np.arctan2(np.sin(ground), 1.0 + _ALTITUDE_M / _EARTH_M - np.cos(ground))
    return np.asarray(np.degrees(ground + look), dtype=np.float32)


def swath_share(outline: NDArray[np.float64], place: tuple[float, float], direction: PassDirection) -> float:
    """Where a place lies across a scene: 0 at the edge near to the radar, 1 at the far one, clipped.

    Args:
        outline: (N, 2) longitude, latitude of the corners of a whole scene (not of a burst, which is a third of it).
        place: longitude, latitude.
    """
    azimuth = np.radians(range_azimuth_deg(direction, place[1]))
    east = ((outline[:, 0] - place[0] + 180.0) % 360.0 - 180.0) * np.cos(np.radians(place[1]))
    away = east * np.sin(azimuth) + (outline[:, 1] - place[1]) * np.cos(azimuth)
    near, far = float(away.min()), float(away.max())
    return float(np.clip(-near / (far - near), 0.0, 1.0)) if far > near else 0.5


def radar_geometry(
    elevation_m: Array, resolution_m: float, incidence_deg: Angle, look_azimuth_deg: float
) -> RadarGeometry:
    """Local incidence, layover and shadow.

    Args:
        elevation_m: (H, W), north up; NaN = void. Give a halo: what lies outside hides and covers nothing here.
        incidence_deg: on flat ground, a number or (H, W); between 0 and 90.
        look_azimuth_deg: in which the radar looks, from grid north (`range_azimuth_deg`).

    The local incidence is the angle between normal and line of sight (Small 2011, fig. 1). A slope that rises away from
    the radar at the incidence angle or more lies over; one that falls at 90 degrees less the incidence angle or more is
    in shadow (Kropatsch and Strobl 1990). What these slopes cover in front of and behind them is found line by line.
    """
    azimuth, incidence = np.radians(look_azimuth_deg), np.radians(np.asarray(incidence_deg, dtype=np.float64))
    east, south = gradient(elevation_m, resolution_m)
    rise = east * np.sin(azimuth) - south * np.cos(azimuth)
    cosine = (np.cos(incidence) + np.sin(incidence) * rise) / np.sqrt(1.0 + east**2 + south**2)
    layover, shadow = _covered(elevation_m, resolution_m, float(np.mean(incidence)), look_azimuth_deg)
    with np.errstate(invalid="ignore"):
        layover |= rise >= np.tan(incidence)
        shadow |= cosine <= 0.0
    local = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))).astype(np.float32)
    return RadarGeometry(local_incidence_deg=local, layover=layover, shadow=shadow)


def from_opera_mask(mask: NDArray[np.uint8]) -> MaskedGround:
    """Layover, shadow and nodata from the mask layer of OPERA RTC-S1, (H, W); a value nobody defined is nodata."""
    return MaskedGround(
        layover=np.isin(mask, (OperaMask.LAYOVER, OperaMask.BOTH)),
        shadow=np.isin(mask, (OperaMask.SHADOW, OperaMask.BOTH)),
        nodata=~np.isin(mask, (OperaMask.VALID, OperaMask.SHADOW, OperaMask.LAYOVER, OperaMask.BOTH)),
    )


def _ground_angle(incidence_deg: float) -> float:
    """Angle at Earth's centre between the points below the satellite and on the ground, radians."""
    incidence = np.radians(incidence_deg)
    return float(incidence - np.arcsin(np.sin(incidence) / (1.0 + _ALTITUDE_M / _EARTH_M)))


def _covered(elevation_m: Array, resolution_m: float, incidence: float, look_azimuth_deg: float) -> tuple[Mask, Mask]:
    """(H, W) layover and shadow along lines in range (`incidence` in radians).

    On a line, slant range grows with x sin(i) - z cos(i), and the ray that meets a point is x cos(i) + z sin(i). Ground
    lies over where its slant range is also that of nearer or farther ground, and is in shadow where nearer ground has
    met its ray (Meier et al. 1993).
    """
    columns, rows = np.sin(np.radians(look_azimuth_deg)), -np.cos(np.radians(look_azimuth_deg))
    across = abs(columns) < abs(rows)
    if across:
        columns, rows = rows, columns
    ground = (elevation_m.T if across else elevation_m).astype(np.float64)
    backward = columns < 0
    ground = ground[:, ::-1] if backward else ground
    lines, back = _lines(ground, float(rows / abs(columns)))
    distance = np.arange(lines.shape[1]) * resolution_m * np.hypot(1.0, rows / columns)
    slant = distance * np.sin(incidence) - lines * np.cos(incidence)
    ray = distance * np.cos(incidence) + lines * np.sin(incidence)
    with np.errstate(invalid="ignore"):
        layover = slant < np.fmax.accumulate(slant, axis=1)
        layover |= slant > np.fmin.accumulate(slant[:, ::-1], axis=1)[:, ::-1]
        shadow = ray < np.fmax.accumulate(ray, axis=1)
    found = [mask[back] for mask in (layover, shadow)]
    found = [mask[:, ::-1] if backward else mask for mask in found]
    first, second = [np.ascontiguousarray(mask.T if across else mask) for mask in found]
    return first, second


def _lines(ground: NDArray[np.float64], down: float) -> tuple[NDArray[np.float64], tuple[NDArray[np.intp], ...]]:
    """Lines through an array that go `down` rows (-1 to 1) for each column, and the index that lays them back.

    Lines are (L, W) with NaN outside, linear between rows; `lines[index]` is (H, W) again.
    """
    height, width = ground.shape
    column = np.arange(width)
    first = min(0.0, -down * (width - 1))
    count = height + int(np.ceil(abs(down) * (width - 1)))
    rows = np.floor(first) + np.arange(count + 1)[:, None] + down * column
    above = np.floor(rows).astype(np.intp)
    share = rows - above
    inside = (above >= 0) & (above < height)
    upper = ground[np.clip(above, 0, height - 1), column]
    lower = ground[np.clip(above + 1, 0, height - 1), column]
    lines = np.where(inside, np.where(share > 0, upper + share * (lower - upper), upper), np.nan)
    back = np.rint(np.arange(height)[:, None] - np.floor(first) - down * column).astype(np.intp)
    return lines, (back, np.broadcast_to(column, back.shape))
