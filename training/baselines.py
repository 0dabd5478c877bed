"""Plain competitors of the networks: brightness, a random forest and boosted trees on single pixels.

Each answers like a network, normalised window in, probability out (`monitor.ports.Engine`), so it is
scored through the same door and can even look at whole scenes as the service does. What does not
beat them has learned nothing about shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special
from sklearn.ensemble import RandomForestClassifier
from xgboost import XGBClassifier

from monitor.ports import Engine
from training.samples import LANDSLIDE, UNLABELLED, Samples
from training.scoring import normalised

MAX_PIXELS: Final = 400_000
"""Training pixels: enough for trees with a few dozen numbers per pixel."""
NEIGHBOURHOODS_PX: Final = (3, 9)

Array = NDArray[np.float32]


class Classifier(Protocol):
    """The part of the scikit-learn interface that is used."""

    def fit(self, rows: Array, truth: NDArray[np.bool_]) -> object:
        """Learn from (pixels, features) and (pixels,) truth."""

    def predict_proba(self, rows: Array) -> Array:
        """(pixels, features) to (pixels, 2) probabilities of the classes False and True."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brightness:
    """Bare ground is bright. With near infrared it is also less green than its surroundings, and it slopes.

    The normalised bands say how far a pixel stands out of its surroundings. Visible bands count as their mean;
    where there is near infrared, red minus near infrared (a drop of NDVI) is added, where there is slope, the slope.
    A score between 0 and 1, not a probability.
    """

    bands: tuple[str, ...]
    name: str = "brightness"

    def predict(self, windows: Array) -> Array:
        """(N, C, H, W) normalised to (N, H, W)."""
        band = {name: windows[:, i] for i, name in enumerate(self.bands)}
        score = np.mean([band[name] for name in ("B04", "B03", "B02")], axis=0)
        if "B08" in band:
            score = score + band["B04"] - band["B08"]
        if "slope" in band:
            score = score + band["slope"]
        return np.asarray(special.expit(score), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelClassifier:
    """Trees that see one pixel and the mean and spread of its small neighbourhoods."""

    name: str
    classifier: Classifier

    def predict(self, windows: Array) -> Array:
        """(N, C, H, W) normalised to (N, H, W)."""
        answers = [self.classifier.predict_proba(pixel_features(window))[:, 1] for window in windows]
        return np.stack(answers).reshape(len(windows), *windows.shape[2:]).astype(np.float32)


def pixel_features(window: Array) -> Array:
    """(C, H, W) to (H * W, 5 C): the bands, and their mean and spread in 3x3 and 9x9 pixels."""
    layers = [window]
    for side in NEIGHBOURHOODS_PX:
        mean = _around(window, side)
        variance = _around(window**2, side) - mean**2
        layers += [mean, np.sqrt(np.maximum(variance, 0))]
    return np.ascontiguousarray(np.concatenate(layers).reshape(-1, window[0].size).T)


def random_forest(threads: int = 1, seed: int = 0) -> Classifier:
    """Sixty trees, each on a third of the pixels, with leaves of at least 20."""
    forest: Classifier = RandomForestClassifier(
        n_estimators=60, min_samples_leaf=20, max_samples=0.33, n_jobs=threads, random_state=seed
    )
    return forest


def boosted_trees(threads: int = 1, seed: int = 0) -> Classifier:
    """Three hundred trees of depth 6 on histograms."""
    return XGBClassifier(
        n_estimators=300, max_depth=6, learning_rate=0.1, subsample=0.5, n_jobs=threads, random_state=seed
    )


TREES: Final[dict[str, Callable[[int, int], Classifier]]] = {
    "random forest": random_forest,
    "XGBoost": boosted_trees,
}


def fit_baselines(
    training: Samples,
    threads: int = 1,
    seed: int = 0,
    names: Sequence[str] = tuple(TREES),
    progress: Callable[[str], None] = lambda _what: None,
) -> tuple[Engine, ...]:
    """Brightness and the named TREES, trained on pixels of the training chips.

    Raises:
        ValueError: the chips hold landslide or stable pixels only.
    """
    rows, truth = training_pixels(training, MAX_PIXELS, seed)
    found: list[Engine] = [Brightness(bands=training.bands)]
    for name in names:
        progress(f"training {name} on {len(rows):,} pixels")
        classifier = TREES[name](threads, seed)
        classifier.fit(rows, truth)
        found.append(PixelClassifier(name=name, classifier=classifier))
    return tuple(found)


def training_pixels(samples: Samples, most: int, seed: int) -> tuple[Array, NDArray[np.bool_]]:
    """At most `most` labelled, observed pixels, the same number of each chip: features and truth.

    Drawn as they come, so that the share of landslide, and with it the probability, is that of the chips.
    """
    rng = np.random.default_rng(seed)
    each = max(1, most // max(1, len(samples)))
    rows, truth = [], []
    for index, labels in enumerate(samples.labels):
        known = np.flatnonzero((labels != UNLABELLED) & np.isfinite(samples.pixels[index]).all(axis=0))
        chosen = rng.choice(known, size=min(each, len(known)), replace=False)
        rows.append(pixel_features(normalised(samples, index))[chosen])
        truth.append(labels.ravel()[chosen] == LANDSLIDE)
    every = np.concatenate(truth)
    if every.all() or not every.any():
        raise ValueError(f"{samples.name}: the sampled pixels are all of one class, nothing to tell apart")
    return np.concatenate(rows), every


def _around(window: Array, side: int) -> Array:
    return np.asarray(ndimage.uniform_filter(window, (0, side, side), mode="nearest"), dtype=np.float32)
