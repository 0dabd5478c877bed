"""Light, air and instrument: from surface reflectance to what Sentinel-2 L2A reports."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from monitor.core.grid import RESOLUTION_M
from monitor.core.sun import Sun
from monitor.sandbox.frame import fractal, halve
from monitor.sandbox.spectra import DIFFUSE, HAZE, PIXEL_M, VISIBLE
from monitor.sandbox.terrain import Relief

SCALE = 0.0001
OFFSET = -0.1
"""reflectance = DN * SCALE + OFFSET, as since processing baseline 04.00."""
_HIGH_SUN_DEG = 60.0
_PSF_PX = 0.55
"""Standard deviation of the point spread function, pixels of the band itself."""
_HALVING_PX2 = 0.25
"""Variance that the mean of two pixels adds to it, along either axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """Weather and instrument of one date, drawn by chance."""

    haze: float
    """Additional reflectance in B02 over dark ground."""
    gain: float
    """Scene-wide error of calibration and correction, about 1."""
    shift_px: tuple[float, float]
    """Misregistration (rows, columns), less than 0.3 px of 10 m."""
    veil: NDArray[np.float32]
    """(padded, padded) haze from place to place, about 1: in the valley one day, in drifting veils the next."""


def draw_air(rng: np.random.Generator, side: int) -> Air:
    """Haze, gain and misregistration of a date over a frame of `side` pixels."""
    angle, length = rng.uniform(0.0, 2 * np.pi), rng.uniform(0.02, 0.28)
    return Air(
        haze=float(rng.gamma(2.0, 0.0035)),
        gain=float(rng.normal(1.0, 0.02)),
        shift_px=(float(length * np.sin(angle)), float(length * np.cos(angle))),
        veil=1.0 + 0.25 * fractal(side, rng, beta=3.5),
    )


def direct_light(relief: Relief, sun: Sun) -> NDArray[np.float32]:
    """(H, W) sunlight on the inclined ground, 1 on flat ground, 0 where it faces away."""
    height, azimuth = np.radians(sun.elevation_deg), np.radians(sun.azimuth_deg)
    across = np.sin(azimuth) * relief.east + np.cos(azimuth) * relief.north
    cosine = (np.sin(height) - np.cos(height) * across) / np.sqrt(1.0 + relief.east**2 + relief.north**2)
    return np.asarray(np.clip(cosine, 0.0, None) / np.sin(height), dtype=np.float32)


def skylight(sun: Sun, bands: slice = VISIBLE) -> NDArray[np.float32]:
    """(C,) skylight's share of the light on flat ground: it grows as the sun sinks and its light has more air to cross.

    Beer's law for the direct light, half of what is scattered comes down: share = (1 - T) / (1 + T) with
    T = exp(-depth / sin(elevation)), the depth such that a high sun gives `spectra.DIFFUSE`.
    """
    high = (1.0 - DIFFUSE[bands]) / (1.0 + DIFFUSE[bands])
    direct = high ** (np.sin(np.radians(_HIGH_SUN_DEG)) / np.sin(np.radians(sun.elevation_deg)))
    return np.asarray((1.0 - direct) / (1.0 + direct), dtype=np.float32)


def illuminate(
    surface: NDArray[np.float32],
    relief: Relief,
    sun: Sun,
    shadow: NDArray[np.float32],
    bands: slice = VISIBLE,
    *,
    year: bool = False,
) -> NDArray[np.float32]:
    """Light the ground.

    Args:
        surface: (bands, H, W) reflectance.
        shadow: (H, W) share of the sunlight that clouds hold back, 0-1.
        bands: which of `spectra.BANDS`.
        year: under any sun of the year, `skylight`; else as under a high sun.

    Returns:
        (bands, H, W) apparent reflectance, before the air.
    """
    sunlight = direct_light(relief, sun) * (1.0 - shadow)
    sky = np.cos(np.radians(relief.slope_deg) / 2.0) ** 2
    lit = np.empty_like(surface)
    for band, diffuse in enumerate(skylight(sun, bands) if year else DIFFUSE[bands]):
        lit[band] = surface[band] * ((1.0 - diffuse) * sunlight + diffuse * sky)
    return lit


def observe(
    lit: NDArray[np.float32], air: Air, rng: np.random.Generator, bands: slice = VISIBLE
) -> list[NDArray[np.float32]]:
    """Add haze and see it through the instrument: blur, misregistration, pixels of 10 or 20 m, noise.

    Args:
        lit: (bands, H, W) reflectance with clouds, 10 m.

    Returns:
        Per band (H, W) reflectance, or (H/2, W/2) where its pixels are 20 m.
    """
    side = lit.shape[-1]
    responses = {pixel_m: _response(side, air.shift_px, pixel_m) for pixel_m in set(PIXEL_M[bands])}
    seen = []
    for clear, share, pixel_m in zip(lit, HAZE[bands], PIXEL_M[bands], strict=True):
        hazy = clear * np.float32(air.gain) * (1.0 - air.haze) + np.float32(air.haze * share) * air.veil
        blurred = fft.irfft2(fft.rfft2(hazy) * responses[pixel_m], s=(side, side))
        sampled = halve(blurred) if pixel_m == 2 * RESOLUTION_M else blurred
        noise = rng.standard_normal(sampled.shape, dtype=np.float32)
        # Shot noise and read-out: about 0.001 over forest, 0.002 over bright ground.
        seen.append(sampled + noise * np.sqrt(6e-7 + 9e-6 * np.clip(sampled, 0.0, None)))
    return seen


def to_digital(reflectance: NDArray[np.float32]) -> NDArray[np.uint16]:
    """DN as Sentinel-2 L2A stores it since baseline 04.00; 0 is kept for nodata."""
    return np.asarray(np.clip(np.rint((reflectance - OFFSET) / SCALE), 1, 32_000), dtype=np.uint16)


def _response(side: int, shift_px: tuple[float, float], pixel_m: int) -> NDArray[np.complex64]:
    """Transfer function of blur and shift for `rfft2` on 10 m pixels; `halve` adds the rest of a 20 m band's blur."""
    rows, columns = fft.fftfreq(side)[:, None], fft.rfftfreq(side)[None, :]
    spread_px = _PSF_PX if pixel_m == RESOLUTION_M else np.sqrt((2.0 * _PSF_PX) ** 2 - _HALVING_PX2)
    blur = np.exp(-2.0 * (np.pi * spread_px) ** 2 * (rows**2 + columns**2))
    return np.asarray(blur * np.exp(-2j * np.pi * (rows * shift_px[0] + columns * shift_px[1])), dtype=np.complex64)
