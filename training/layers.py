"""Chips whose layers are inputs of a card, each with a method of its own: what the network is fed, and its variations.

The channels are made by `monitor.core.features.build_features`, as in the service.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.core.features import (
    ContextStatistics,
    Sources,
    build_features,
    context_layers,
    context_statistics,
    sensor_of,
)
from monitor.core.named_layers import named_sources
from monitor.inputs import Input
from monitor.records import Sensor
from training.augment import Labels, Pixels, misjudged, turned, with_blobs, with_gamma, with_haze
from training.experiment import VariationSettings

OPTICAL_FLIPS: Final = ("identity", "horizontal", "vertical", "both")
RADAR_FLIPS: Final = ("identity", "vertical")
"""A radar looks east or west: north and south may change places, and the look stays as it was."""


def flips_of(bands: Sequence[str]) -> tuple[str, ...]:
    """Flips that keep what these inputs show plausible."""
    return RADAR_FLIPS if _of_radar(bands) else OPTICAL_FLIPS


def fed(bands: Sequence[str], inputs: Sequence[Input], pixels: Pixels) -> Pixels:
    """What a network is fed of a chip, by the chip's own ground: (channels, H, W) float32, finite.

    Args:
        bands: names of the layers.
        inputs: what is done with each of them.
        pixels: (C, H, W) in their own units, land cover as classes of its legend.
    """
    sources = named_sources(bands, pixels)
    return build_features(inputs, sources, _context(inputs, sources))


def varied_layers(
    bands: Sequence[str],
    inputs: Sequence[Input],
    chip: tuple[Pixels, Labels],
    rng: np.random.Generator,
    variation: VariationSettings,
) -> tuple[Pixels, Labels]:
    """One random variation of a chip as a network is fed it: ((channels, H, W) float32, (H, W) int8).

    Light and air vary what optics see, calibration and wet ground what radar sees; the shape of the ground and its
    cover are as they are.
    """
    pixels, labels = mirrored(*chip, rng) if _of_radar(bands) else turned(*chip, rng)
    pixels = pixels.astype(np.float32)
    colours = [place for place, name in enumerate(bands) if sensor_of(name) is Sensor.OPTICAL]
    echoes = [place for place, name in enumerate(bands) if sensor_of(name) is Sensor.SAR]
    if colours and np.isfinite(pixels[colours]).any():
        pixels[colours], labels = _weathered(pixels[colours], labels, rng, variation)
    for place in echoes:
        pixels[place] *= np.float32(10.0 ** (variation.gain_db_spread * rng.standard_normal() / 10.0))
    sources = named_sources(bands, pixels)
    center_scale = _context(inputs, sources, lambda ground: misjudged(ground, rng, variation))
    return build_features(inputs, sources, center_scale), labels


def mirrored(pixels: Pixels, labels: Labels, rng: np.random.Generator) -> tuple[Pixels, Labels]:
    """North and south exchanged, or not."""
    if rng.random() < 0.5:
        return pixels, labels
    return np.ascontiguousarray(pixels[:, ::-1]), np.ascontiguousarray(labels[::-1])


def _of_radar(bands: Sequence[str]) -> bool:
    return any(sensor_of(name) is Sensor.SAR for name in bands)


def _weathered(
    pixels: Pixels, labels: Labels, rng: np.random.Generator, variation: VariationSettings
) -> tuple[Pixels, Labels]:
    """Gamma, haze and white intruders, each now and then."""
    if rng.random() < variation.gamma_share:
        pixels = with_gamma(pixels, rng.uniform(*variation.gamma_range))
    if rng.random() < variation.haze_share:
        pixels = with_haze(pixels, rng, variation.haze_most)
    ground = context_statistics(pixels, None)
    if ground is not None and rng.random() < variation.blob_share:
        pixels, labels = with_blobs(pixels, labels, ground, rng)
    return pixels, labels


Fields = tuple[NDArray[np.float32], NDArray[np.float32]]


def _plainly(ground: ContextStatistics) -> Fields:
    return ground.center[:, None, None], ground.scale[:, None, None]


def _context(
    inputs: Sequence[Input], sources: Sources, seen: Callable[[ContextStatistics], Fields] = _plainly
) -> Fields | None:
    """Centre and scale of the inputs that are seen against the ground around; ground that nobody saw is all 0."""
    layers = context_layers(inputs, sources.bands)
    if not len(layers):
        return None
    ground = context_statistics(layers, None)
    if ground is None:
        unknown = np.full((len(layers), 1, 1), np.nan, dtype=np.float32)
        return unknown, unknown
    return seen(ground)
