"""Whether a network answers today as it did before: the population stability index of its answers.

The index compares two distributions over the bins of the first: the sum of (p - q) ln(p / q). It says *that* answers
changed, not why: season, snow, another provider's processing, a wrong calibration and a landslide of many tiles all
move it. It looks at tile means only, never at pixels, and not at what the network was trained on.
"""

from collections.abc import Sequence

import numpy as np

BINS = 5
LEAST_TILES = 20
"""Of fewer tiles the index is mostly chance."""
LEAST_BEFORE = 100
"""Answers of earlier looks that the bins are made of, at least."""
_HALF = 0.5
"""Added to every bin: one that is empty by chance must not weigh without limit."""


def stability_index(now: Sequence[float], before: Sequence[float]) -> float | None:
    """How far answers have moved; None: there are too few.

    What chance alone gives, (BINS - 1) (1 / len(now) + 1 / len(before)), is taken off, and nothing is below 0. By
    custom less than 0.1 is no change, and more than 0.25 is one. Yurdakul 2018, "Statistical Properties of Population
    Stability Index"; Siddiqi 2006, "Credit Risk Scorecards".

    Args:
        now: mean probability, 0-1, of each tile in the newest look.
        before: of the same tiles in earlier looks.
    """
    if len(now) < LEAST_TILES or len(before) < LEAST_BEFORE:
        return None
    edges = np.quantile(np.asarray(before, dtype=np.float64), np.linspace(0, 1, BINS + 1)[1:-1])
    p, q = _shares(now, edges), _shares(before, edges)
    index = float(((p - q) * np.log(p / q)).sum())
    chance = (BINS - 1) * (1 / len(now) + 1 / len(before))
    return max(0.0, index - chance)


def _shares(values: Sequence[float], edges: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    counts = np.bincount(np.searchsorted(edges, np.asarray(values, dtype=np.float64), side="right"), minlength=BINS)
    shares: np.typing.NDArray[np.float64] = (counts + _HALF) / (counts + _HALF).sum()
    return shares
