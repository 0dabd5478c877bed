"""Variations of a chip: geometry, light, haze, bright intruders, wrong statistics.

Level 1 acts on pixels in any linear unit, level 2 on the statistics of the ground: the service
measures them over a wide context, so a window's own centre and scale differ from what normalises
it. Every function takes its generator, so a run can be repeated.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.core.features import ContextStatistics, context_statistics, normalise
from training.experiment import VariationSettings
from training.samples import LANDSLIDE, STABLE

_AROUND_SHARE: Final = 0.8
"""Windows of a chip with landslides that lie around one; the others tell what there is elsewhere."""

Pixels = NDArray[np.float32]
"""(C, H, W) float32, NaN = no observation."""
Labels = NDArray[np.int8]
"""(H, W) -1 unlabelled, 0 stable, 1 landslide."""


def dithered(pixels: NDArray[np.uint8] | NDArray[np.uint16] | Pixels, rng: np.random.Generator) -> Pixels:
    """Float pixels; 8 bits get noise of ±0.5, which undoes their ties."""
    if pixels.dtype != np.uint8:
        return np.asarray(pixels, dtype=np.float32)
    noise = rng.uniform(-0.5, 0.5, pixels.shape).astype(np.float32)
    return np.asarray(pixels + noise, dtype=np.float32)


def varied(
    pixels: Pixels, labels: Labels, rng: np.random.Generator, variation: VariationSettings
) -> tuple[Pixels, Labels]:
    """One random variation of a chip, normalised: ((C, H, W) float32, (H, W) int8)."""
    if not np.isfinite(pixels).any():
        return np.zeros_like(pixels), labels
    pixels, labels = turned(pixels, labels, rng)
    if rng.random() < variation.warp_share:
        zoom = float(np.exp(rng.uniform(*np.log(variation.scale_range))))
        angle = rng.uniform(-variation.rotation_deg, variation.rotation_deg)
        pixels, labels = warped(pixels, labels, zoom, angle, rng)
    if rng.random() < variation.gamma_share:
        pixels = with_gamma(pixels, rng.uniform(*variation.gamma_range))
    if rng.random() < variation.haze_share:
        pixels = with_haze(pixels, rng, variation.haze_most)
    ground = context_statistics(pixels, None)
    if ground is None:
        return np.zeros_like(pixels), labels
    if rng.random() < variation.blob_share:
        pixels, labels = with_blobs(pixels, labels, ground, rng)
        # The service's cloud mask catches some bright intruders and misses others.
        if rng.random() < 0.5:
            ground = context_statistics(pixels, None) or ground
    center, scale = misjudged(ground, rng, variation)
    return normalise(pixels, center, scale), labels


def turned(pixels: Pixels, labels: Labels, rng: np.random.Generator) -> tuple[Pixels, Labels]:
    """A random one of the eight symmetries of the square."""
    turns = int(rng.integers(4))
    pixels, labels = np.rot90(pixels, turns, axes=(1, 2)), np.rot90(labels, turns)
    if rng.random() < 0.5:
        pixels, labels = pixels[:, :, ::-1], labels[:, ::-1]
    return np.ascontiguousarray(pixels), np.ascontiguousarray(labels)


def warped(
    pixels: Pixels, labels: Labels, zoom: float, angle_deg: float, rng: np.random.Generator
) -> tuple[Pixels, Labels]:
    """Enlarge (zoom > 1) about a random point or shrink, and rotate; continued by mirrors.

    Labels take the nearest pixel.
    """
    size = np.array(labels.shape, dtype=np.float64)
    angle = np.radians(angle_deg)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
    # Where the centre of the result comes from: anywhere that keeps an enlarged window inside.
    slack = max(0.0, 1 - 1 / zoom) * size / 2
    source = (size - 1) / 2 + rng.uniform(-1, 1, 2) * slack
    offset = source - matrix @ ((size - 1) / 2)
    moved = np.stack([ndimage.affine_transform(band, matrix, offset, order=1, mode="mirror") for band in pixels])
    same = ndimage.affine_transform(labels, matrix, offset, order=0, mode="mirror")
    return moved.astype(np.float32), np.asarray(same, dtype=np.int8)


def around_a_scar(pixels: Pixels, labels: Labels, side_px: int, rng: np.random.Generator) -> tuple[Pixels, Labels]:
    """A square window of a chip: mostly around a landslide, where it shows any, else anywhere."""
    room = np.maximum(np.array(labels.shape) - side_px, 0)
    start = rng.integers(room + 1)
    scars = np.argwhere(labels == LANDSLIDE)
    if len(scars) and rng.random() < _AROUND_SHARE:
        start = np.clip(scars[rng.integers(len(scars))] - rng.integers(side_px, size=2), 0, room)
    rows, columns = (slice(int(first), int(first) + side_px) for first in start)
    return pixels[:, rows, columns], labels[rows, columns]


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


def with_blobs(
    pixels: Pixels, labels: Labels, ground: ContextStatistics, rng: np.random.Generator
) -> tuple[Pixels, Labels]:
    """Paste white intruders, cloud-like or roof-like; they are no landslide, whatever lay below."""
    cover = _cloud(labels.shape, rng) if rng.random() < 0.6 else _roofs(labels.shape, rng)
    # White in the units of the scene: the same brightness in all bands, tinted a little.
    brightness = float((ground.center + rng.uniform(6, 30) * ground.scale).max())
    tint = (1 + 0.05 * rng.standard_normal((len(pixels), 1, 1))).astype(np.float32)
    texture = 1 + 0.08 * rng.standard_normal(labels.shape).astype(np.float32)
    pasted = pixels * (1 - cover) + np.float32(brightness) * tint * texture * cover
    return pasted.astype(np.float32), np.where(cover < 0.5, labels, STABLE).astype(np.int8)


def misjudged(
    ground: ContextStatistics, rng: np.random.Generator, variation: VariationSettings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre and scale (C, 1, 1) as a wide context may have given them instead of the chip's own."""
    bands = len(ground.center)

    def drawn(spread: float) -> NDArray[np.float64]:
        return spread * (rng.standard_normal() + variation.band_share * rng.standard_normal(bands))

    scale = ground.scale * np.exp(drawn(variation.gain_spread))
    center = ground.center + drawn(variation.offset_spread) * ground.scale
    return center.astype(np.float32)[:, None, None], scale.astype(np.float32)[:, None, None]


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
