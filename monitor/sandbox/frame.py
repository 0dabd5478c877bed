"""Where the simulated valley lies, and its sources of chance."""

import zlib
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from scipy import fft

from monitor.core.grid import RESOLUTION_M, TILE_M

EPSG = 32633
MGRS_TILE = "33TVM"
PAD_PX = 32
"""Rim simulated around the scene and cut off: filters and wrapped spectra leave no trace at the scene's edge."""
_T = TypeVar("_T", bound=np.generic)
_OFFSET_PX = 37  # the scene starts off the tile grid on purpose: reading it must resample


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The scene's ground: a square of 10 m pixels in UTM zone 33N, north up."""

    size_px: int
    west: float
    """Easting of the left edge of the scene, without the rim."""
    north: float
    """Northing of its upper edge."""

    @property
    def padded_px(self) -> int:
        """Side of the simulated square with its rim, 10 m pixels."""
        return self.size_px + 2 * PAD_PX

    def transform(self, resolution_m: float = RESOLUTION_M, margin_m: float = 0.0) -> Affine:
        """Affine of the scene, optionally of coarser pixels and enlarged by a margin on every side."""
        return Affine(resolution_m, 0.0, self.west - margin_m, 0.0, -resolution_m, self.north + margin_m)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in metres, EPSG:32633."""
        side = self.size_px * RESOLUTION_M
        return self.west, self.north - side, self.west + side, self.north

    def crop(self, padded: NDArray[_T], pixel_m: float = RESOLUTION_M) -> NDArray[_T]:
        """Cut the rim off the last two axes of an array with pixels of this size."""
        rim = round(PAD_PX * RESOLUTION_M / pixel_m)
        return padded[..., rim:-rim, rim:-rim]


def place_frame(seed: int, size_px: int) -> Frame:
    """A square somewhere in MGRS tile 33TVM, its corner 37 px off the corners of the tile grid."""
    if size_px < 128 or size_px % 2:
        raise ValueError(f"size_px must be even and at least 128, so that 20 m pixels fit; got {size_px}")
    rng = stream(seed, "place")
    column, row = int(rng.integers(160, 188)), int(rng.integers(1996, 2018))
    offset = _OFFSET_PX * RESOLUTION_M
    return Frame(size_px=size_px, west=column * TILE_M + offset, north=row * TILE_M + offset)


def stream(seed: int, name: str) -> np.random.Generator:
    """An independent generator per purpose: a change in one part of the simulation leaves the others as they were."""
    return np.random.default_rng([abs(seed), int(seed < 0), zlib.crc32(name.encode())])


def fractal(
    side: int, rng: np.random.Generator, *, beta: float, longest_px: float = np.inf, shortest_px: float = 2.0
) -> NDArray[np.float32]:
    """Gaussian noise with power spectrum k**-beta, periodic, mean 0, standard deviation 1.

    Args:
        side: pixels per side.
        beta: 2 is rough (cover patches), 3 like clouds, 4 smooth relief.
        longest_px, shortest_px: wavelengths outside are damped.

    Returns:
        (side, side) float32.
    """
    white = rng.standard_normal((side, side), dtype=np.float32)
    spectrum = fft.rfft2(white)
    wave = np.hypot(fft.fftfreq(side)[:, None], fft.rfftfreq(side)[None, :]).astype(np.float32)
    wave[0, 0] = 1.0
    gain = wave ** np.float32(-beta / 2.0) * np.exp(-((wave * shortest_px / 2.0) ** 2))
    if np.isfinite(longest_px):
        gain *= 1.0 - np.exp(-((wave * longest_px) ** 2))
    gain[0, 0] = 0.0
    field = fft.irfft2(spectrum * gain, s=(side, side)).astype(np.float32)
    return np.asarray(field / field.std(), dtype=np.float32)


def halve(fine: NDArray[np.generic]) -> NDArray[np.float32]:
    """Mean of 2x2 pixels."""
    side = fine.shape[0] // 2
    return np.asarray(fine.reshape(side, 2, side, 2).mean(axis=(1, 3)), dtype=np.float32)
