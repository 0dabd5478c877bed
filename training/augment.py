"""Variations of a training patch: geometry, light, haze, bright intruders, wrong statistics.

Level 1 acts on pixels (B04, B03, B02 in any linear unit), level 2 on the statistics of the ground:
the service measures them over a wide context, so a window's own centre and scale differ from
what normalises it. Every function takes its generator, so a run can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.core.features import ContextStatistics, context_statistics, normalise

Pixels = NDArray[np.float32]
"""(3, H, W) float32, NaN = no observation."""
Mask = NDArray[np.bool_]
"""(H, W) bool, True = landslide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """Ranges and probabilities of the variations."""

    scale_range: tuple[float, float] = (0.7, 1.4)
    """Zoom; above 1 enlarges."""
    scale_share: float = 0.5
    gamma_range: tuple[float, float] = (0.8, 1.25)
    gamma_share: float = 0.5
    haze_share: float = 0.2
    haze_most: float = 0.6
    """Largest share of the contrast a haze bank takes."""
    blob_share: float = 0.15
    quiet_share: float = 0.08
    """Share of labelled patches replaced by a landslide-free quarter of themselves."""
    gain_range: tuple[float, float] = (0.6, 1.6)
    """Factor on the ground's scale."""
    offset_most: float = 0.3
    """Largest shift of the ground's centre, in units of its scale."""
    band_gain_spread: float = 0.08
    band_offset_spread: float = 0.05


DEFAULT: Final = Variation()
MILD: Final = Variation(
    scale_range=(0.85, 1.2),
    scale_share=0.3,
    gamma_share=0.2,
    haze_share=0.05,
    blob_share=0.05,
    quiet_share=0.04,
    gain_range=(0.85, 1.2),
    offset_most=0.1,
    band_gain_spread=0.03,
    band_offset_spread=0.02,
)
"""For the last epochs: closer to what is scored, still not blind to light and cloud."""


def dithered(rgb: NDArray[np.uint8], rng: np.random.Generator) -> Pixels:
    """Undo the ties of 8 bits: (H, W, 3) uint8 -> (3, H, W) float32 with noise of ±0.5."""
    pixels = np.moveaxis(rgb, -1, 0).astype(np.float32)
    return pixels + rng.uniform(-0.5, 0.5, pixels.shape).astype(np.float32)


def plain(pixels: Pixels) -> Pixels:
    """Normalise a patch by its own statistics; zeros where too little is observed."""
    statistics = context_statistics(pixels, None)
    if statistics is None:
        return np.zeros_like(pixels)
    return normalise(pixels, statistics.center[:, None, None], statistics.scale[:, None, None])


def varied(pixels: Pixels, mask: Mask, rng: np.random.Generator, variation: Variation = DEFAULT) -> tuple[Pixels, Mask]:
    """One random variation of a patch, normalised: ((3, H, W) float32, (H, W) bool)."""
    if rng.random() < variation.quiet_share:
        pixels, mask = quiet_quarter(pixels, mask, rng)
    pixels, mask = turned(pixels, mask, rng)
    if rng.random() < variation.scale_share:
        pixels, mask = zoomed(pixels, mask, rng.uniform(*variation.scale_range), rng)
    if rng.random() < variation.gamma_share:
        pixels = with_gamma(pixels, rng.uniform(*variation.gamma_range))
    if rng.random() < variation.haze_share:
        pixels = with_haze(pixels, rng, variation.haze_most)
    clean = context_statistics(pixels, None)
    if rng.random() < variation.blob_share and clean is not None:
        pixels, mask = with_blobs(pixels, mask, clean, rng)
        # The service's cloud mask catches some bright intruders and misses others.
        if rng.random() < 0.5:
            clean = context_statistics(pixels, None)
    if clean is None:
        return np.zeros_like(pixels), np.zeros_like(mask)
    center, scale = _misjudged(clean, rng, variation)
    return normalise(pixels, center, scale), mask


def quiet_quarter(pixels: Pixels, mask: Mask, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """A quarter without landslide, mirrored to full size; the patch itself if there is none."""
    height, width = mask.shape[0] // 2, mask.shape[1] // 2
    for corner in rng.permutation(4):
        rows = slice((corner // 2) * height, (corner // 2 + 1) * height)
        columns = slice((corner % 2) * width, (corner % 2 + 1) * width)
        if not mask[rows, columns].any():
            grown = ((0, 0), (0, height), (0, width))
            mirrored = np.pad(pixels[:, rows, columns], grown, mode="symmetric")
            return mirrored, np.zeros_like(mask)
    return pixels, mask


def turned(pixels: Pixels, mask: Mask, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """A random one of the eight symmetries of the square."""
    turns = int(rng.integers(4))
    pixels, mask = np.rot90(pixels, turns, axes=(1, 2)), np.rot90(mask, turns)
    if rng.random() < 0.5:
        pixels, mask = pixels[:, :, ::-1], mask[:, ::-1]
    return np.ascontiguousarray(pixels), np.ascontiguousarray(mask)


def zoomed(pixels: Pixels, mask: Mask, factor: float, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """Enlarge (factor > 1) about a random point or shrink, continued by mirrors."""
    height, width = mask.shape
    slack = np.array([height, width]) * (1 - 1 / factor)
    offset = slack * (rng.random(2) if factor > 1 else 0.5)
    stack = np.concatenate([pixels, mask[None].astype(np.float32)])
    out = np.stack(
        [
            ndimage.affine_transform(layer, np.full(2, 1 / factor), offset=offset, order=1, mode="mirror")
            for layer in stack
        ]
    )
    return out[:-1].astype(np.float32), out[-1] > 0.5


def with_gamma(pixels: Pixels, gamma: float) -> Pixels:
    """Bend the brightness curve: x -> peak * (x / peak) ** gamma, per patch."""
    peak = max(float(np.nanmax(pixels)), 1e-6)
    return np.asarray(peak * np.clip(pixels / peak, 0, None) ** gamma, dtype=np.float32)


def with_haze(pixels: Pixels, rng: np.random.Generator, most: float) -> Pixels:
    """A smooth bank of haze: contrast falls and brightness rises, up to `most` of the way."""
    density = (most * rng.random() * _smooth_field(pixels.shape[1:], rng)).astype(np.float32)
    low, high = np.nanpercentile(pixels, (50, 99))
    veil = np.float32(low + rng.random() * (high - low))
    return pixels * (1 - density) + veil * density


def with_blobs(pixels: Pixels, mask: Mask, ground: ContextStatistics, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """Paste white intruders, cloud-like or roof-like; they are no landslide, whatever lay below."""
    cover = _cloud(mask.shape, rng) if rng.random() < 0.6 else _roofs(mask.shape, rng)
    # White in the units of the scene: the same brightness in all bands, tinted a little.
    brightness = float((ground.center + rng.uniform(6, 30) * ground.scale).max())
    tint = (1 + 0.05 * rng.standard_normal((3, 1, 1))).astype(np.float32)
    texture = 1 + 0.08 * rng.standard_normal(mask.shape).astype(np.float32)
    pasted = pixels * (1 - cover) + np.float32(brightness) * tint * texture * cover
    return pasted.astype(np.float32), mask & (cover < 0.5)


def _misjudged(
    statistics: ContextStatistics, rng: np.random.Generator, variation: Variation
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    low, high = np.log(variation.gain_range)
    gain = np.exp(rng.uniform(low, high) + variation.band_gain_spread * rng.standard_normal(3))
    shift = rng.uniform(-variation.offset_most, variation.offset_most)
    shifts = shift + variation.band_offset_spread * rng.standard_normal(3)
    center = statistics.center + shifts * statistics.scale
    scale = statistics.scale * gain
    return (
        center.astype(np.float32)[:, None, None],
        scale.astype(np.float32)[:, None, None],
    )


def _smooth_field(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    # 5x5 random knots, interpolated: (H, W) in 0-1.
    knots = rng.random((5, 5)).astype(np.float32)
    field = ndimage.zoom(knots, (shape[0] / 5, shape[1] / 5), order=1)
    return np.asarray(np.clip(field[: shape[0], : shape[1]], 0, 1), dtype=np.float32)


def _cloud(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    coarse = ndimage.gaussian_filter(rng.standard_normal(shape), rng.uniform(4, 12), mode="wrap")
    level = np.quantile(coarse, rng.uniform(0.7, 0.97))
    soft = (coarse - level) / (0.15 * coarse.std() + 1e-9)
    return np.asarray(np.clip(soft, 0, 1), dtype=np.float32)


def _roofs(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    cover = np.zeros(shape, dtype=np.float32)
    for _ in range(int(rng.integers(5, 40))):
        height, width = rng.integers(1, 7, 2)
        row, column = int(rng.integers(shape[0])), int(rng.integers(shape[1]))
        cover[row : row + height, column : column + width] = rng.uniform(0.4, 1.0)
    return cover
