"""From a network's number to a probability: temperature and thresholds, fitted where nothing is scored.

Guo et al. 2017, "On calibration of modern neural networks": one temperature divides every logit,
which changes how sure a network sounds and never which of two pixels it finds more likely.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from training.metrics import curve, histogram
from training.samples import LANDSLIDE, UNLABELLED, Samples

LIT: Final = 0.01
"""Below this a network says "nothing here"; most pixels are, and alone they would make any error look small."""
LIT_BINS: Final = 15

_NEAREST: Final = 1e-6
"""A float32 sigmoid saturates: logits beyond ±14 are cut."""
_LEAST: Final = float(np.finfo(np.float32).tiny)
_MOST: Final = float(np.nextafter(np.float32(1), np.float32(0)))
"""The first and last float32 inside 0–1."""
_LOWEST, _HIGHEST = 0.05, 0.95
"""At the very ends a threshold says "everything" or "nothing", which no service can use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was fitted on the threshold chips, and only there.

    Thresholds are of the probability that was given: raw here, after the temperature in a released card.
    """

    temperature: float
    best_f1: float
    """Threshold of the highest F1: the middle of the stretch on which it is as good as the highest."""
    balanced: float
    """Threshold where precision and recall are equal (the rule of the Hiroshima study)."""
    chips: int
    """How many it was fitted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Said and seen, by bins of probability: one bin below LIT, above it LIT_BINS of equal size. (B,) each."""

    said: NDArray[np.float64]
    """Mean probability."""
    seen: NDArray[np.float64]
    """Share of landslide pixels."""
    pixels: NDArray[np.int64]

    def error(self, lit: bool = False) -> float:
        """Expected calibration error: mean of |said - seen| over pixels, or over those at or above LIT only.

        Naeini et al. 2015, with adaptive bins (Nixon et al. 2019).
        """
        part = self.said >= LIT if lit else np.ones(len(self.said), dtype=bool)
        weight = self.pixels[part]
        return float((weight * np.abs(self.said - self.seen)[part]).sum() / max(int(weight.sum()), 1))


def calibrate(samples: Samples, probability: NDArray[np.float32]) -> Calibration:
    """Fit on the threshold chips: temperature by the likelihood of the labels, thresholds by F1 and balance."""
    said, truth = _judged(samples, probability)
    found = curve(histogram(said, truth))
    return Calibration(
        temperature=_temperature(said, truth),
        best_f1=min(max(found.steady_threshold(), _LOWEST), _HIGHEST),
        balanced=min(max(found.balanced_threshold(), _LOWEST), _HIGHEST),
        chips=len(samples),
    )


def tempered(probability: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """The probability whose logit is divided by the temperature; NaN stays NaN.

    Temperature t undoes 1 / t. What a float32 sigmoid cannot tell from 1 counts as a logit of 16.6.
    """
    if temperature == 1:
        return probability
    inside = np.clip(probability.astype(np.float64), _LEAST, _MOST)
    return np.asarray(special.expit(special.logit(inside) / temperature), dtype=np.float32)


def averaged(answers: Iterable[NDArray[np.float32]], temperatures: Sequence[float]) -> NDArray[np.float32]:
    """What one asking says at several temperatures: (T, N, H, W) mean over flips.

    Every flip is tempered before the mean, as weights that hold the temperature answer.

    Args:
        answers: of every chip (flips, H, W).
        temperatures: beside the one that the weights hold already; 1 is as they answer.
    """
    means = [[tempered(chip, one).mean(axis=0, dtype=np.float64) for one in temperatures] for chip in answers]
    return np.stack(means, axis=1, dtype=np.float32, casting="same_kind")


def reliability(samples: Samples, probability: NDArray[np.float32]) -> Reliability:
    """How often the ground agrees with what was said about it; empty bins are left out."""
    said, truth = _judged(samples, probability)
    lit = np.sort(said[said >= LIT])
    # Equal values fall into one bin, so ties leave others empty.
    inner = lit[(np.arange(1, LIT_BINS) * len(lit)) // LIT_BINS] if len(lit) else lit
    index = np.searchsorted(np.unique(np.append(np.float32(LIT), inner)), said, side="right")
    pixels = np.bincount(index)
    kept = pixels > 0
    return Reliability(
        said=np.bincount(index, said)[kept] / pixels[kept],
        seen=np.bincount(index, truth)[kept] / pixels[kept],
        pixels=pixels[kept].astype(np.int64),
    )


def _judged(samples: Samples, probability: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Probability and truth of the pixels that count: labelled and observed."""
    known = (samples.labels != UNLABELLED) & np.isfinite(probability)
    return probability[known], samples.labels[known] == LANDSLIDE


def _logit(probability: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(special.logit(np.clip(probability.astype(np.float64), _NEAREST, 1 - _NEAREST)))


def _temperature(said: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    """The temperature of the highest likelihood; 1 where the labels say nothing."""
    if not truth.any() or truth.all():
        return 1.0
    signed = np.where(truth, -1.0, 1.0) * _logit(said)

    def loss(log_temperature: float) -> float:
        # Negative log-likelihood of a Bernoulli label: softplus of the logit against the truth.
        return float(np.logaddexp(0, signed / np.exp(log_temperature)).mean())

    return float(np.exp(optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))
