"""Pairs of dates made from single ones: before and after as one input, labelled with what slid between them.

No data set at hand holds pixels of before and after with labels, so both halves are real pixels of one date, and one
half of them is changed (`training.healing`): a scar that is fresh vanishes from the before, one that has recovered from
the after, an old one stays in both. Scars of other chips are pasted, also into landslide-free ground, where a true
earlier date is the before if there is one. Healing alone would teach a network to see healing, so ground that
never slid is healed too. Then either half gets its own season, light, haze and focus, and the before its own place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monitor.core.features import context_statistics, normalise
from training.augment import Labels, Pixels, dithered, misjudged, turned, warped, with_blobs, with_gamma, with_haze
from training.experiment import VariationSettings
from training.healing import Mask, healed
from training.samples import LANDSLIDE, STABLE, UNLABELLED, Samples

BEFORE: Final = ":before"
"""Suffix of the bands of the earlier date."""
SERIES: Final = ("slovenia", "belgium")
"""Quiet places whose chips all show the same ground on several dates; other places have one date of many grounds."""

_FATES: Final = ("fresh", "old", "recovered")
_FATE_SHARES: Final = (0.6, 0.25, 0.15)
_TOGETHER_SHARE: Final = 0.5
"""Chips whose scars all share one fate: one storm."""
_IMPLANT_SHARE: Final = 0.3
_QUIET_IMPLANT_SHARE: Final = 0.5
_DECOY_SHARE: Final = 0.5
_SEASON_SPREAD: Final = 0.12
"""Standard deviation of the logarithm of what a season does to ground of one greenness in one band."""
_LIGHT_SPREAD: Final = 0.15
_LARGEST_BLUR_PX: Final = 0.7
_LARGEST_SHIFT_PX: Final = 1.0
"""Sentinel-2 dates agree to about half a pixel (multi-temporal co-registration), rarely worse."""
_FIXED_SEED: Final = 20181


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two dates of one ground."""

    after: Pixels
    before: Pixels
    labels: Labels
    """LANDSLIDE where ground slid between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Donor:
    """A chip whose scars are pasted elsewhere."""

    pixels: Pixels
    scars: Mask


def paired_bands(bands: tuple[str, ...]) -> tuple[str, ...]:
    """The bands of the later date, then those of the earlier one: B04, ..., B04:before, ..."""
    return (*bands, *(f"{band}{BEFORE}" for band in bands))


def single_bands(bands: tuple[str, ...]) -> tuple[str, ...]:
    """The bands of one date among those of a pair."""
    return tuple(band for band in bands if not band.endswith(BEFORE))


def drawn_pair(samples: Samples, index: int, donors: Samples, rng: np.random.Generator) -> Pair:
    """A pair from a chip: its scars get fates, scars of a random donor and decoys are added."""
    pixels = dithered(samples.pixels[index], rng)
    pair = Pair(after=pixels, before=_earlier(samples, index, rng), labels=samples.labels[index].copy())
    scars = pair.labels == LANDSLIDE
    if scars.any():
        pair = _with_fates(pair, scars, rng)
    other = int(rng.integers(len(donors)))
    donor = Donor(pixels=dithered(donors.pixels[other], rng), scars=donors.labels[other] == LANDSLIDE)
    if rng.random() < (_IMPLANT_SHARE if scars.any() else _QUIET_IMPLANT_SHARE):
        pair = with_implant(pair, donor, scars, rng)
    return with_decoy(pair, donor, scars, rng) if rng.random() < _DECOY_SHARE else pair


def varied_pair(pair: Pair, rng: np.random.Generator, variation: VariationSettings) -> tuple[Pixels, Labels]:
    """One random variation, each half normalised by its own ground: ((2 C, H, W) float32, (H, W) int8)."""
    count = len(pair.after)
    both, labels = turned(np.concatenate([pair.after, pair.before]), pair.labels, rng)
    if rng.random() < variation.warp_share:
        zoom = float(np.exp(rng.uniform(*np.log(variation.scale_range))))
        both, labels = warped(both, labels, zoom, rng.uniform(-variation.rotation_deg, variation.rotation_deg), rng)
    after, clear = _weathered(another_day(both[:count], rng), rng, variation)
    labels = np.where(clear, labels, STABLE).astype(np.int8)
    before, clear = _weathered(another_day(shifted(both[count:], rng), rng), rng, variation)
    # Under a cloud of the earlier date nobody knows what was there.
    labels = np.where(clear | (labels != LANDSLIDE), labels, UNLABELLED).astype(np.int8)
    halves = [_normalised(half, rng, variation) for half in (after, before)]
    return np.concatenate(halves), labels


def fixed_pairs(samples: Samples) -> Samples:
    """One pair of every chip, the same every time: what is held out, with seasons but fair weather.

    Donors are the chips themselves, so nothing of another side of a split is shown.
    """
    pixels = np.empty((len(samples), 2 * len(samples.bands), *samples.labels.shape[1:]), dtype=np.float32)
    labels = np.empty_like(samples.labels)
    for index, number in enumerate(samples.ids):
        rng = np.random.default_rng((_FIXED_SEED, int(number)))
        pair = drawn_pair(samples, index, samples, rng)
        pixels[index] = np.concatenate([another_day(pair.after, rng), another_day(shifted(pair.before, rng), rng)])
        labels[index] = pair.labels
    return replace(
        samples, name=f"{samples.name}-pairs", bands=paired_bands(samples.bands), pixels=pixels, labels=labels
    )


def with_implant(pair: Pair, donor: Donor, scars: Mask, rng: np.random.Generator) -> Pair:
    """The pair with some of a donor's scars pasted: fresh into the after, recovered into the before, old into both.

    Scars keep their contrast to their own ground, in units of its spread.
    """
    pixels, pasted = _scattered(donor, rng)
    pasted &= ~ndimage.binary_dilation(scars, iterations=3) if scars.any() else True
    own, theirs = context_statistics(pair.after, None), context_statistics(donor.pixels, None)
    if not pasted.any() or own is None or theirs is None:
        return pair
    standard = (pixels - theirs.center[:, None, None]) / theirs.scale[:, None, None]
    weight = ndimage.gaussian_filter(pasted.astype(np.float32), 0.5)
    fate = str(rng.choice(_FATES, p=_FATE_SHARES))

    def painted(half: Pixels) -> Pixels:
        ground = context_statistics(half, None) or own
        value = np.maximum(standard * ground.scale[:, None, None] + ground.center[:, None, None], 0)
        return np.asarray(half + weight * (value - half), dtype=np.float32)

    return Pair(
        after=pair.after if fate == "recovered" else painted(pair.after),
        before=pair.before if fate == "fresh" else painted(pair.before),
        labels=np.where(pasted & (fate == "fresh") & (pair.labels == STABLE), LANDSLIDE, pair.labels).astype(np.int8),
    )


def with_decoy(pair: Pair, donor: Donor, scars: Mask, rng: np.random.Generator) -> Pair:
    """The pair with unslid ground, in the shape of a donor's scars, replaced in one half: copying is no landslide."""
    _, shape = _scattered(donor, rng)
    avoid = scars | (pair.labels == LANDSLIDE)
    shape &= ~ndimage.binary_dilation(avoid, iterations=6) if avoid.any() else True
    if rng.random() < 0.5:
        return replace(pair, before=healed(pair.before, shape, avoid, rng)[0])
    return replace(pair, after=healed(pair.after, shape, avoid, rng)[0])


def another_day(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The same ground on another date: each greenness changes by its own season, light by its own sun, focus a little.

    What was not observed (NaN) stays so, with up to nine pixels around it, which smoothing reaches.

    pixels: (C, H, W), C at least 2, red first and green second.
    """
    positive = np.maximum(pixels, 0)
    greenness = positive[1] / (positive[0] + positive[1] + 1e-6)
    knots = np.nanquantile(greenness, (0.02, 0.35, 0.65, 0.98))
    common = rng.standard_normal(4)
    seasons = [
        np.interp(greenness, knots, _SEASON_SPREAD * (common + 0.5 * rng.standard_normal(4)))
        for _ in range(len(pixels))
    ]
    light = _LIGHT_SPREAD * rng.standard_normal() * _relief(positive, rng)
    changed = positive * np.exp(np.stack(seasons) + light)
    blur = rng.uniform(0, _LARGEST_BLUR_PX)
    return np.asarray(ndimage.gaussian_filter(changed, (0, blur, blur)), dtype=np.float32)


def shifted(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Misregistered by up to a pixel in either direction."""
    by = rng.uniform(-_LARGEST_SHIFT_PX, _LARGEST_SHIFT_PX, 2)
    return np.asarray(ndimage.shift(pixels, (0, *by), order=1, mode="nearest"), dtype=np.float32)


def _earlier(samples: Samples, index: int, rng: np.random.Generator) -> Pixels:
    """Another date of the same ground where there is one, else the same."""
    place = samples.groups[index]
    if place in SERIES:
        index = int(rng.choice(np.flatnonzero(samples.groups == place)))
    return dithered(samples.pixels[index], rng)


def _with_fates(pair: Pair, scars: Mask, rng: np.random.Generator) -> Pair:
    scattered, count = ndimage.label(ndimage.binary_dilation(scars, iterations=3))
    fates = rng.choice(len(_FATES), count + 1, p=_FATE_SHARES)
    if rng.random() < _TOGETHER_SHARE:
        fates[:] = fates[0]
    fate = fates[scattered]
    fresh, recovered = scars & (fate == _FATES.index("fresh")), scars & (fate == _FATES.index("recovered"))
    before, gone = healed(pair.before, fresh, scars, rng)
    after, _ = healed(pair.after, recovered, scars, rng)
    # What could not be healed is in both halves: old.
    labels = np.where(scars & ~(fresh & gone), STABLE, pair.labels).astype(np.int8)
    return Pair(after=after, before=before, labels=labels)


def _scattered(donor: Donor, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """The donor turned and moved at random, with about half of its scars."""
    pixels, marks = turned(donor.pixels, donor.scars.astype(np.int8), rng)
    numbers, count = ndimage.label(marks)
    kept = rng.random(count + 1) < 0.5
    kept[0] = False
    if count and not kept.any():
        kept[rng.integers(1, count + 1)] = True
    by = tuple(int(rng.integers(side)) for side in marks.shape)
    return np.roll(pixels, by, axis=(1, 2)), np.roll(kept[numbers], by, axis=(0, 1))


def _relief(pixels: Pixels, rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W) pattern of light around 0: a slow field, and the chip's own shading, which follows the sun."""
    brightness = np.log(ndimage.gaussian_filter(pixels.mean(axis=0), 1.5) + 1e-3)
    own = (brightness - np.nanmean(brightness)) / (np.nanstd(brightness) + 1e-6)
    slow = ndimage.gaussian_filter(rng.standard_normal(brightness.shape), rng.uniform(8, 25), mode="wrap")
    return np.asarray(np.clip(own, -2, 2) + slow / (slow.std() + 1e-9), dtype=np.float32)


def _weathered(pixels: Pixels, rng: np.random.Generator, variation: VariationSettings) -> tuple[Pixels, Mask]:
    """Haze, gamma and white intruders of one date; and (H, W) where the ground still shows."""
    if rng.random() < variation.gamma_share:
        pixels = with_gamma(pixels, rng.uniform(*variation.gamma_range))
    if rng.random() < variation.haze_share:
        pixels = with_haze(pixels, rng, variation.haze_most)
    clear = np.ones(pixels.shape[1:], dtype=np.int8)
    ground = context_statistics(pixels, None)
    if ground is not None and rng.random() < variation.blob_share:
        pixels, clear = with_blobs(pixels, clear, ground, rng)
    return pixels, clear == 1


def _normalised(pixels: Pixels, rng: np.random.Generator, variation: VariationSettings) -> Pixels:
    ground = context_statistics(pixels, None)
    if ground is None:
        return np.zeros_like(pixels)
    return normalise(pixels, *misjudged(ground, rng, variation))
