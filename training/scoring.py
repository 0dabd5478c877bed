"""Scoring of what is shipped: the exported weights through ONNX Runtime, mean over flips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from monitor.core.tta import FLIPS
from training.augment import dithered, plain
from training.data import Patches
from training.metrics import bootstrap, histogram, scores

FLIP_NAMES: Final = ("identity", "horizontal", "vertical", "both")

_BATCH: Final = 16
_DITHER_SEED: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Histograms of every scored patch; all figures follow from them."""

    ids: NDArray[np.int64]
    """(N,) patch numbers."""
    histograms: NDArray[np.int64]
    """(N, 2, bins) pixel counts by probability: without landslide, with."""

    def best_threshold(self) -> float:
        """The threshold of the highest F1 on these patches."""
        return scores(self.histograms.sum(axis=0), 0.5).threshold_best

    def summary(self, threshold: float) -> dict[str, Any]:
        """Figures at `threshold` and over all thresholds, with 95 % intervals by block of ids."""
        return {
            **asdict(scores(self.histograms.sum(axis=0), threshold)),
            "intervals": bootstrap(self.ids, self.histograms, threshold),
            "patches": len(self.ids),
        }


def open_session(weights: Path, threads: int) -> onnxruntime.InferenceSession:
    """Load an ONNX file on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])


def flip_mean(
    session: onnxruntime.InferenceSession,
    inputs: NDArray[np.float32],
    flips: Sequence[str] = FLIP_NAMES,
) -> NDArray[np.float32]:
    """Mean probability over flips: (N, C, H, W) float32 normalised -> (N, H, W) float32."""
    name = session.get_inputs()[0].name
    answers = [FLIPS[flip](session.run(None, {name: np.ascontiguousarray(FLIPS[flip](inputs))})[0]) for flip in flips]
    return np.asarray(np.mean(answers, axis=0), dtype=np.float32)


def evaluate(
    session: onnxruntime.InferenceSession,
    patches: Patches,
    flips: Sequence[str] = FLIP_NAMES,
) -> Evaluation:
    """Score every patch, each normalised by its own statistics."""
    rng = np.random.default_rng(_DITHER_SEED)
    found = []
    for start in range(0, len(patches.ids), _BATCH):
        part = slice(start, start + _BATCH)
        inputs = np.stack([plain(dithered(rgb, rng)) for rgb in patches.rgb[part]])
        probability = flip_mean(session, inputs, flips)
        pairs = zip(probability, patches.mask[part], strict=True)
        found += [histogram(one, mask) for one, mask in pairs]
    return Evaluation(ids=patches.ids, histograms=np.stack(found))
