"""Scars laid over the bands of an acquisition as they are read, before any mask is made of them.

What a scar shows is worked out once for its surroundings (`optical_patch`, `radar_patch`); laying it over a band is
then the same for every sensor, grid and tile: pixel = (1 - weight) * pixel + weight * what the scar shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import scipy
from numpy.typing import NDArray

from monitor.core.grid import RESOLUTION_M
from monitor.core.implants import Scar, path_radiance, relative_light
from monitor.core.radar_grid import NativeGrid
from monitor.core.radar_implants import Contrast

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

SOIL: Mapping[str, float] = MappingProxyType(
    {"B04": 0.123, "B03": 0.074, "B02": 0.047}
    | {"B01": 0.04, "B05": 0.14, "B06": 0.15, "B07": 0.16, "B08": 0.17, "B8A": 0.175, "B11": 0.22, "B12": 0.19}
)
"""Reflectance of fresh scars above haze, by band. The visible ones are the median of bare ground on the real scars of
Iburi 2018 (benchmarks/README.md); dry soil of other regions is up to twice as bright (`implants.DRY_SOIL`). The others
follow the shape of moist soil in the ECOSTRESS library (Meerdink et al. 2019). Bands that the air hides (B09, B10) show
no scar."""
FRESH = Contrast(decibels=(-1.0, -5.0))
"""Co- and cross-polarised: forest gone, as in the middle of the contrasts of `radar_implants`."""
LARGEST_HA = 20.0
"""A scar of this size is 840 m long: a third of a tile."""
_VISIBLE = ("B04", "B03", "B02")
_BLUR_SIGMA_PX = 0.7
"""As `implants.paint`."""
PAD_PX = 3
"""Rim of a scar that blur and coarse pixels spread into."""
_LOOKS, _LOOKS_M2 = 4.4, 20.0 * 22.0
"""Equivalent looks of one cell that Sentinel-1's wide swath resolves, GRD of high resolution (ESA's product
specification, S1-RS-MDA-52-7441); larger pixels are means of more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """One scar as the bands show it. Arrays are (h, w), pixels of 10 m."""

    epsg: int
    row: int
    """Of its first line on the zone's grid, counted to the south from northing 0: negative north of it."""
    column: int
    weight: Array
    """Share of each pixel that the scar covers."""
    shows: Mapping[str, Array]
    """What it shows by band: reflectance, or linear power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brush:
    """Lays patches over bands."""

    patches: tuple[Patch, ...] = ()

    def over(self, band: str, pixels: Array, epsg: int, west_m: float, north_m: float, resolution_m: float) -> Array:
        """A copy of (H, W) pixels of a band with the scars, or the pixels themselves where none lies.

        Args:
            west_m, north_m: upper left corner in the zone; a multiple of `resolution_m`, which is one of 10 m.
        """
        step = round(resolution_m / RESOLUTION_M)
        top, left = round(-north_m / RESOLUTION_M), round(west_m / RESOLUTION_M)
        out = pixels
        for patch in self.patches:
            if patch.epsg != epsg or band not in patch.shows:
                continue
            laid = _laid(patch, band, (top, left), (pixels.shape[0] * step, pixels.shape[1] * step))
            if laid is None:
                continue
            weight, shown = (_means(values, step) for values in laid)
            out = np.asarray((1.0 - weight) * out + shown, dtype=np.float32)
        return out


def _laid(patch: Patch, band: str, corner: tuple[int, int], shape: tuple[int, int]) -> tuple[Array, Array] | None:
    """(H, W) weight of a patch on a window, and weight times what it shows; None where they do not meet."""
    places = []
    for start, size, first, length in zip(corner, shape, (patch.row, patch.column), patch.weight.shape, strict=True):
        low, high = max(start, first), min(start + size, first + length)
        if low >= high:
            return None
        places.append((slice(low - start, high - start), slice(low - first, high - first)))
    (down, own_down), (across, own_across) = places
    weight, shown = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    weight[down, across] = patch.weight[own_down, own_across]
    shown[down, across] = weight[down, across] * patch.shows[band][own_down, own_across]
    return weight, shown


def _means(values: Array, step: int) -> Array:
    """(H / step, W / step) means of blocks."""
    if step == 1:
        return values
    height, width = values.shape
    return np.asarray(values.reshape(height // step, step, width // step, step).mean(axis=(1, 3)), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """A tile as the unpainted look shows it. Arrays are (H, W) unless stated."""

    epsg: int
    row: int
    """Of the first line, as in `Patch`."""
    column: int
    pixels: Array
    """(3, H, W) red, green and blue reflectance, or (P, H, W) linear power; NaN = none."""
    seen: Mask
    """Valid pixels."""
    elevation_m: Array
    slope_deg: Array


def optical_patch(scar: Scar, around: Surroundings, least_slope_deg: float) -> Patch:
    """Bare soil under the haze and in the light of its surroundings."""
    ground = around.seen & (around.slope_deg >= least_slope_deg)
    haze = dict(zip(_VISIBLE, path_radiance(around.pixels, ground)[:, 0, 0], strict=True))
    light = relative_light(around.pixels, ground)
    rows, columns, weight = _padded(scar, around.seen.shape)
    weight = scipy.ndimage.gaussian_filter(weight, _BLUR_SIGMA_PX)
    shows = {
        band: np.asarray(haze.get(band, 0.0) + level * light[rows, columns], dtype=np.float32)
        for band, level in SOIL.items()
    }
    return _patch(around, rows, columns, weight, shows)


def radar_patch(
    scar: Scar,
    around: Surroundings,
    polarisations: Sequence[str],
    native_m: float,
    contrast: Contrast,
    generator: np.random.Generator,
) -> Patch:
    """Ground that scatters otherwise, with speckle of its own, on the source's own pixels (`radar_implants`)."""
    grid = NativeGrid.under(around.pixels, native_m)
    whole = np.zeros(around.seen.shape, np.float32)
    whole[scar.window] = scar.weight
    everywhere = np.ones_like(around.seen)
    cover = grid.lay(grid.gather(whole, everywhere))
    known: Mask = np.asarray(np.isfinite(around.pixels).all(axis=0), dtype=np.bool_)
    weight = scipy.ndimage.uniform_filter(grid.share(known), 3)
    looks = _LOOKS * max(native_m**2 / _LOOKS_M2, 1.0)
    rows, columns, _ = _padded(scar, around.seen.shape)
    shows = {}
    for place, (name, power) in enumerate(zip(polarisations, around.pixels, strict=True)):
        native: Array = np.multiply(grid.gather(power, known), grid.share(known), dtype=np.float32)
        level = scipy.ndimage.uniform_filter(native, 3) / np.maximum(weight, 1e-3)
        # The second of two polarisations is the crossed one; one alone is the first.
        factor = contrast.factors[min(place, len(contrast.decibels) - 1), 0, 0]
        speckle = generator.gamma(looks, 1.0 / looks, native.shape)
        shows[name] = grid.lay(np.asarray(level * factor * speckle, dtype=np.float32))[rows, columns]
    return _patch(around, rows, columns, cover[rows, columns], shows)


def _padded(scar: Scar, shape: tuple[int, int]) -> tuple[slice, slice, Array]:
    """A scar's window and weight with its rim."""
    rows, columns = (
        slice(max(0, one.start - PAD_PX), min(size, one.stop + PAD_PX))
        for one, size in zip(scar.window, shape, strict=True)
    )
    weight = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
    top, left = scar.window[0].start - rows.start, scar.window[1].start - columns.start
    weight[top : top + scar.weight.shape[0], left : left + scar.weight.shape[1]] = scar.weight
    return rows, columns, weight


def _patch(around: Surroundings, rows: slice, columns: slice, weight: Array, shows: Mapping[str, Array]) -> Patch:
    return Patch(
        epsg=around.epsg,
        row=around.row + rows.start,
        column=around.column + columns.start,
        weight=np.asarray(weight, dtype=np.float32),
        shows=shows,
    )
