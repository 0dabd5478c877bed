"""Clouds, their shadows, and the scene classification that a producer would deliver with them."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from monitor.core.grid import RESOLUTION_M
from monitor.core.sun import Sun
from monitor.sandbox.cover import Cover
from monitor.sandbox.frame import fractal, halve
from monitor.sandbox.spectra import CLOUD, VISIBLE

_CLEAR_RIM_PX = 8
"""Ground this close to cloud or shadow does not count as clear: every service masks a rim."""
_PLACES = 80


class SceneClass(IntEnum):
    """Sentinel-2 L2A scene classification (SCL)."""

    NODATA = 0
    SATURATED = 1
    DARK = 2
    CLOUD_SHADOW = 3
    VEGETATION = 4
    NOT_VEGETATED = 5
    WATER = 6
    UNCLASSIFIED = 7
    CLOUD_MEDIUM = 8
    CLOUD_HIGH = 9
    CIRRUS = 10
    SNOW = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """Clouds over the padded frame. Arrays (padded, padded) float32."""

    opacity: NDArray[np.float32]
    """Share of the ground hidden by cloud, 0-1."""
    cirrus: NDArray[np.float32]
    """Share hidden by thin high cloud, 0-0.3."""
    shadow: NDArray[np.float32]
    """Share of the sunlight held back on the ground, 0-1."""
    brightness: NDArray[np.float32]
    """Reflectance of the cloud's top."""

    def obstructed(self) -> NDArray[np.bool_]:
        """Pixels that cloud, shadow or their rims hide."""
        hidden = (self.opacity > 0.06) | (self.cirrus > 0.04) | (self.shadow > 0.15)
        size = 2 * _CLEAR_RIM_PX + 1
        return np.asarray(ndimage.maximum_filter(hidden, size=size, mode="wrap"), dtype=np.bool_)

    def moved(self, rows: int, columns: int) -> "Sky":
        """The same sky drifted; fields are periodic, so nothing breaks at the edge."""
        shift = (rows, columns)
        return Sky(
            opacity=np.roll(self.opacity, shift, (0, 1)),
            cirrus=np.roll(self.cirrus, shift, (0, 1)),
            shadow=np.roll(self.shadow, shift, (0, 1)),
            brightness=np.roll(self.brightness, shift, (0, 1)),
        )


def make_sky(side: int, cover: float, sun: Sun, rng: np.random.Generator, *, veiled: bool = False) -> Sky:
    """A sky with a share `cover` (0-1) of cloud over the frame, `veiled` by some cirrus or not."""
    # Fair-weather cumulus is small and ragged, a passing front one large bank.
    longest = float(rng.choice([60.0, 120.0, 240.0]))
    field = fractal(side, rng, beta=3.6, longest_px=longest, shortest_px=4.0)
    ragged = fractal(side, rng, beta=2.4, longest_px=16, shortest_px=3.0)
    field = field + 0.5 * fractal(side, rng, beta=4.0) + 0.10 * ragged
    depth = np.clip(field - np.quantile(field, 1.0 - min(cover, 0.995)), 0.0, None) * 2.6
    if cover <= 0.0:
        depth = np.zeros_like(field)
    opacity = (1.0 - np.exp(-1.1 * depth)).astype(np.float32)
    cirrus = _cirrus(side, rng) if veiled else np.zeros_like(opacity)
    away = rng.uniform(1100.0, 2300.0) / np.tan(np.radians(sun.elevation_deg)) / RESOLUTION_M
    azimuth = np.radians(sun.azimuth_deg)
    shift = (round(away * np.cos(azimuth)), round(-away * np.sin(azimuth)))
    shadow = ndimage.gaussian_filter(np.roll(opacity, shift, (0, 1)), 1.2, mode="wrap")
    # Tops lit from the sun's side: thickness seen as relief.
    south, east = np.gradient(ndimage.gaussian_filter(depth, 1.5, mode="wrap"))
    lit = np.cos(azimuth) * south - np.sin(azimuth) * east
    brightness = 0.36 + 0.46 * (1.0 - np.exp(-0.8 * depth)) + np.clip(0.35 * lit, -0.12, 0.12)
    return Sky(
        opacity=opacity,
        cirrus=cirrus,
        shadow=(0.92 * shadow).astype(np.float32),
        brightness=brightness.astype(np.float32),
    )


def place_sky(
    sky: Sky, grounds: list[tuple[NDArray[np.intp], NDArray[np.intp]]], clear_share: float, rng: np.random.Generator
) -> tuple[Sky, float]:
    """Let the sky drift until at least a share of the given grounds is clear; the best of many places otherwise.

    Args:
        grounds: pixels (rows, columns) of each piece of ground.
        clear_share: 0-1 of the pieces; a piece is clear when at least 85 % of its pixels are.

    Returns:
        the sky where it came to rest, and the share of clear pieces there.
    """
    if not grounds:
        return sky, 1.0
    hidden = sky.obstructed()
    side = hidden.shape[0]
    best, best_share = (0, 0), -1.0
    for rows, columns in rng.integers(0, side, (_PLACES, 2)).tolist():
        clear = [1.0 - hidden[(r - rows) % side, (c - columns) % side].mean() for r, c in grounds]
        share = float(np.mean(np.array(clear) >= 0.85))
        if share > best_share:
            best, best_share = (rows, columns), share
        if share >= clear_share:
            break
    return sky.moved(*best), best_share


def _cirrus(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Thin fibrous cloud drawn out along the wind aloft, over part of the frame."""
    wind = rng.uniform(0.0, np.pi)
    rows, columns = fft.fftfreq(side)[:, None], fft.rfftfreq(side)[None, :]
    along, across = columns * np.cos(wind) + rows * np.sin(wind), rows * np.cos(wind) - columns * np.sin(wind)
    wave = np.hypot(5.0 * along, across) + 1.0 / 150.0
    white = fft.rfft2(rng.standard_normal((side, side), dtype=np.float32))
    fibres = fft.irfft2(white * wave**-1.7 * np.exp(-((wave * 5.0) ** 2)), s=(side, side))
    fibres = (fibres - fibres.mean()) / fibres.std()
    where = np.clip(fractal(side, rng, beta=4.5) - 0.4, 0.0, 1.2)
    return np.asarray(np.clip(0.07 * where * np.exp(0.45 * fibres), 0.0, 0.3), dtype=np.float32)


def add_clouds(lit: NDArray[np.float32], sky: Sky, bands: slice = VISIBLE) -> NDArray[np.float32]:
    """Lay cirrus and cloud over lit ground, (bands, H, W) reflectance."""
    whitish = CLOUD[bands, None, None]
    hazed = lit * (1.0 - sky.cirrus) + 0.55 * sky.cirrus * whitish
    return np.asarray(hazed * (1.0 - sky.opacity) + sky.brightness * whitish * sky.opacity, dtype=np.float32)


def classify(
    sky: Sky, kind: NDArray[np.uint8], bare: NDArray[np.bool_], light: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Scene classification on 20 m pixels, with the small errors of the real one at the rims of clouds and shadows.

    Args:
        sky: the true sky.
        kind: (H, W) Cover, 10 m.
        bare: (H, W) ground without plants on this date, 10 m.
        light: (H, W) sunlight on the ground, 1 on flat ground.

    Returns:
        (H/2, W/2) SceneClass.
    """
    side = kind.shape[0] // 2
    unsure = 0.5 * fractal(side, rng, beta=1.6) + 0.35 * rng.standard_normal((side, side), dtype=np.float32)
    opacity = halve(sky.opacity) + 0.05 * unsure * (halve(sky.opacity) > 0.01)
    shadow = halve(sky.shadow) + 0.08 * unsure * (halve(sky.shadow) > 0.02)
    scl = np.full((side, side), SceneClass.VEGETATION, dtype=np.uint8)
    scl[halve(bare) > 0.5] = SceneClass.NOT_VEGETATED
    scl[halve(kind == Cover.WATER) > 0.6] = SceneClass.WATER
    scl[(halve(light) < 0.30 + 0.03 * unsure) & (shadow < 0.3)] = SceneClass.DARK
    scl[shadow > 0.30] = SceneClass.CLOUD_SHADOW
    scl[(shadow > 0.2) & (shadow <= 0.30) & (unsure > 0.5)] = SceneClass.UNCLASSIFIED
    scl[halve(sky.cirrus) + 0.01 * unsure > 0.05] = SceneClass.CIRRUS
    # Roofs and dry gravel are taken for cloud now and then.
    scl[(halve(kind == Cover.ROOF) > 0.6) & (unsure > 0.9)] = SceneClass.CLOUD_MEDIUM
    scl[(opacity > 0.10) & (opacity <= 0.2) & (unsure > 0.0)] = SceneClass.UNCLASSIFIED
    scl[opacity > 0.2] = SceneClass.CLOUD_MEDIUM
    scl[opacity > 0.62] = SceneClass.CLOUD_HIGH
    return scl
