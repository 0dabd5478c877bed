"""Synthetic scars painted into real backscatter: the honest detection test on quiet passes.

What a landslide does to C-band backscatter has no single sign. Where it takes forest, the volume scattering of VH goes
and VV changes less; where it leaves rubble on smooth ground both rise; shadow and layover of the new surface add both
(Mondini et al. 2019: 27 of 32 landslides seen in the log-ratio, Remote Sens. 11, 760; Lindsay et al. 2025: patterns of
more than 1,000 landslides, Remote Sens. 17, 3313). For cleared forest PALSAR's HV lies 1-4 dB below natural forest
(Motohka et al. 2014, L band). No table of C-band decibels by landslide was found, so the contrast is an argument, and
results are stated as a function of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from monitor.core.implants import Scar

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """What a scar does to backscatter."""

    decibels: tuple[float, ...]
    """Change by polarisation, dB."""

    @property
    def factors(self) -> Array:
        """(P, 1, 1) factors of power."""
        return (10.0 ** (np.asarray(self.decibels, np.float32) / 10.0))[:, None, None].astype(np.float32)


def native_cover(scar: Scar, shape: tuple[int, int], step: int) -> Array:
    """(H // step, W // step) share of every native pixel that a scar covers.

    Args:
        shape: (H, W) of the canvas on which the scar was shaped; multiples of `step`.
        step: canvas pixels along the side of a native one.
    """
    whole = np.zeros(shape, np.float32)
    whole[scar.window] = scar.weight
    blocks = whole.reshape(shape[0] // step, step, shape[1] // step, step)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def paint_backscatter(
    power: Array, covers: Sequence[Array], contrast: Contrast, looks: Sequence[float], generator: np.random.Generator
) -> Array:
    """A copy of (P, H, W) linear power, native pixels, in which scars have changed the ground.

    Args:
        covers: (H, W) share of each pixel that each scar covers.
        looks: equivalent number of looks of one pixel, by polarisation.

    A scar's power is the mean of the 3 x 3 pixels around on the same date (so rain has fallen on it too), changed by
    `contrast`, with speckle of its own: the old ground's speckle and texture go. Multilooked speckle is
    gamma-distributed with mean 1 and variance 1 / looks (Goodman 1976); both polarisations speckle independently.
    """
    painted = power.copy()
    around = np.stack([scipy.ndimage.uniform_filter(band, 3) for band in power])
    for cover in covers:
        rows, columns = np.nonzero(cover)
        for band, enl in enumerate(looks):
            speckle = generator.gamma(enl, 1.0 / enl, rows.size).astype(np.float32)
            scar = around[band, rows, columns] * contrast.factors[band, 0, 0] * speckle
            share = cover[rows, columns]
            painted[band, rows, columns] = (1.0 - share) * painted[band, rows, columns] + share * scar
    return painted


def equivalent_looks(earlier: Array, later: Array) -> tuple[float, ...]:
    """Looks of one native pixel, by polarisation, from two calm passes: what differs from pixel to pixel is speckle.

    Args:
        earlier, later: (P, H, W) linear power of the same ground, finite and above 0.

    The log-ratio loses its mean of 3 x 3 pixels; 8/9 of the variance of independent speckle stays. Its robust standard
    deviation s of one pass gives the looks as (10 / ln 10 / s)², the delta method on ln of a gamma variable.
    """
    decibels = 10.0 * np.log10(later / earlier)
    looks = []
    for band in decibels:
        detail = band - scipy.ndimage.uniform_filter(band, 3)
        spread = 1.4826 * float(np.median(np.abs(detail - np.median(detail)))) * np.sqrt(9.0 / 8.0 / 2.0)
        looks.append(float((10.0 / np.log(10.0) / spread) ** 2))
    return tuple(looks)
