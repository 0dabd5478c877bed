"""Scoring of what is shipped: the exported weights through the service's own inference, mean over flips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.engine import open_engine
from monitor.adapters.onnx_runtime import onnxruntime
from monitor.core.features import context_statistics, normalise
from monitor.core.tta import FLIPS, Network
from monitor.errors import BadModel
from monitor.ports import Engine
from monitor.records import ModelCard
from training.layers import fed
from training.metrics import blocks_of, curve, histogram, intervals, scores
from training.samples import Samples

MIN_BLOCKS: Final = 5
"""A region with fewer blocks of chips gets figures, but no interval: there is too little to resample."""

_DITHER_SEED: Final = 0

Predictor = Callable[[Samples], NDArray[np.float32]]
"""Samples to (N, H, W) probability, NaN = no observation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a network says about chips; (N, H, W) float32, NaN = no observation."""

    probability: NDArray[np.float32]
    """Mean over flips."""
    spread: NDArray[np.float32]
    """Standard deviation over flips: sensitivity to flips, not an uncertainty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Histograms of every scored chip; all figures follow from them."""

    ids: NDArray[np.int64]
    """(N,) chip numbers."""
    histograms: NDArray[np.int64]
    """(N, 2, bins) pixel counts by probability: without landslide, with."""
    groups: NDArray[np.str_]
    """(N,) region or event of every chip."""
    by_place: bool = False
    """Whole groups are resampled for intervals, not blocks of ids."""

    @property
    def blocks(self) -> NDArray[np.int64]:
        """(N,) number of what is resampled as a whole."""
        if self.by_place:
            return np.unique(self.groups, return_inverse=True)[1].astype(np.int64)
        return blocks_of(self.ids)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(2, bins) of all chips together."""
        total: NDArray[np.int64] = self.histograms.sum(axis=0)
        return total

    def best_threshold(self) -> float:
        """The threshold of the highest F1 on these chips."""
        return curve(self.counts).best_threshold()

    def balanced_threshold(self) -> float:
        """The threshold where precision and recall are equal on these chips."""
        return curve(self.counts).balanced_threshold()

    def summary(self, threshold: float) -> dict[str, Any]:
        """Figures at `threshold` and over all thresholds, with 95 % intervals by block of ids.

        Chips of a single block have no intervals: drawn again, it is always the same.
        """
        several = self.blocks.max(initial=0) > 0
        return {
            **asdict(scores(self.counts, threshold)),
            "intervals": intervals(self.blocks, self.histograms, threshold) if several else {},
            "patches": len(self.ids),
        }

    def by_group(self, threshold: float) -> dict[str, dict[str, Any]]:
        """`summary` of every region or event by itself; no intervals where there are few blocks."""
        found = {}
        for name in np.unique(self.groups):
            here = self.groups == name
            part = Evaluation(ids=self.ids[here], histograms=self.histograms[here], groups=self.groups[here])
            found[str(name)] = part.summary(threshold)
            if blocks_of(part.ids).max() + 1 < MIN_BLOCKS:
                found[str(name)]["intervals"] = {}
        return found


def evaluation(samples: Samples, probability: NDArray[np.float32]) -> Evaluation:
    """Compare a (N, H, W) probability with the labels; UNLABELLED and unobserved pixels never count.

    Raises:
        ValueError: the shapes differ.
    """
    if probability.shape != samples.labels.shape:
        raise ValueError(f"{samples.name}: probability {probability.shape} for labels {samples.labels.shape}")
    pairs = zip(probability, samples.labels, strict=True)
    return Evaluation(
        ids=samples.ids,
        histograms=np.stack([histogram(one, labels) for one, labels in pairs]),
        groups=samples.groups,
        by_place=bool(samples.inputs),
    )


def normalised(samples: Samples, index: int) -> NDArray[np.float32]:
    """One chip as a network sees it, by its own statistics: (C, H, W) float32, 0 where nothing was observed.

    8-bit pixels get noise of ±0.5, which undoes their ties; it depends on the chip's id alone.
    """
    pixels = samples.pixels[index].astype(np.float32)
    if samples.inputs:
        return fed(samples.bands, samples.inputs, pixels)
    if samples.pixels.dtype == np.uint8:
        rng = np.random.default_rng((_DITHER_SEED, int(samples.ids[index])))
        pixels += rng.uniform(-0.5, 0.5, pixels.shape).astype(np.float32)
    ground = context_statistics(pixels, None)
    if ground is None:
        return np.zeros_like(pixels)
    return normalise(pixels, ground.center[:, None, None], ground.scale[:, None, None])


def ask(network: Network, samples: Samples, flips: Sequence[str]) -> Answers:
    """Every chip whole, with these flips (names in FLIPS)."""
    mean, spread = (np.empty(samples.labels.shape, dtype=np.float32) for _ in range(2))
    for index, answers in enumerate(flip_answers(network, samples, flips)):
        mean[index], spread[index] = answers.mean(axis=0, dtype=np.float64), answers.std(axis=0, dtype=np.float64)
    return Answers(probability=mean, spread=spread)


def flip_answers(network: Network, samples: Samples, flips: Sequence[str]) -> Iterator[NDArray[np.float32]]:
    """Of every chip the answers to its flips, turned back: (flips, H, W) each, NaN = no observation."""
    for index in range(len(samples)):
        window = normalised(samples, index)
        seen = np.isfinite(samples.pixels[index]).all(axis=0)
        yield np.stack([np.where(seen, _flipped(network, window, flip), np.float32(np.nan)) for flip in flips])


def predictor(network: Network, flips: Sequence[str] = ("identity",)) -> Predictor:
    """A network as a function of samples."""
    return lambda samples: ask(network, samples, flips).probability


def onnx_predictor(card: ModelCard, threads: int) -> Predictor:
    """The weights of a model folder through the service's engine, for samples with the card's bands.

    Raises (when called):
        BadModel: the samples have other bands, or the weights take no windows of their size.
    """

    def predict(samples: Samples) -> NDArray[np.float32]:
        require_bands(card, samples)
        samples = replace(samples, inputs=card.inputs)
        return ask(chip_engine(card, samples.labels.shape[-1], threads), samples, card.flips).probability

    return predict


def chip_engine(card: ModelCard, side_px: int, threads: int) -> Engine:
    """The service's engine for whole chips of one size instead of the card's windows."""
    return open_engine(chip_card(card, side_px), threads)


def chip_card(card: ModelCard, side_px: int) -> ModelCard:
    """A card for windows that are whole chips of one size, without a rim to throw away."""
    return replace(card, window_px=side_px, crop_px=0)


def require_single_date(card: ModelCard) -> None:
    """Raise BadModel for a model that compares two dates: labelled chips show one."""
    if card.task == "change":
        raise BadModel(
            "it compares two dates, but labelled chips show one: see `python -m benchmarks implants`",
            item=f"model {card.name}",
            remedy="Score a model of task scar here.",
        )


def require_bands(card: ModelCard, samples: Samples) -> None:
    """Raise BadModel unless the samples have exactly the card's bands in the card's order."""
    if card.bands != samples.bands:
        raise BadModel(
            f"needs the bands {', '.join(card.bands)}, {samples.name} has {', '.join(samples.bands)}",
            item=f"model {card.name}",
            remedy="Score it on a data set with the bands of its card, in their order.",
        )


def _flipped(network: Network, window: NDArray[np.float32], flip: str) -> NDArray[np.float32]:
    turn = FLIPS[flip]
    return turn(network.predict(np.ascontiguousarray(turn(window))[None])[0])


def open_session(weights: Path, threads: int) -> onnxruntime.InferenceSession:
    """Load an ONNX file on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
