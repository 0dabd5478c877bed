"""Test sites of two kinds, told apart: of events never seen (independent), and beside what was trained on (dependent).

A dependent site is one side of an event: all its chips from one line of chips on. Chips along that line that would be
trained on are left out, so that no hillside lies on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.datasets.events import place_of
from training.samples import LANDSLIDE, Samples
from training.scoring import Evaluation, evaluation
from training.splits import Split, hold_out, split_by_group

BLOCK_CHIPS: Final = 4
"""Side of a block of 5 km, which is drawn as a whole for the intervals of dependent sites: scars come in clusters."""


def split_by_site(
    samples: Samples, independent: Collection[str], threshold: Collection[str], dependent_share: float
) -> Split:
    """Whole events for independent sites and for the threshold, and of every other event one side for dependent sites.

    Args:
        dependent_share: of the chips with landslides of an event, how many its held-out side has at least; 0: none.

    Raises:
        ConfigError: there is no such event, or one is asked for twice.
    """
    split = split_by_group(samples, independent, threshold)
    if not dependent_share:
        return split
    return hold_out(samples, split, dependent_ids(samples.take(split.train), dependent_share))


def dependent_ids(samples: Samples, share: float) -> frozenset[int]:
    """One side of every event: whole rows or columns of chips, across its longer extent, from the far end.

    An event whose landslides would all be held out, or lie along the line, is trained on as a whole.
    """
    slid = (samples.labels == LANDSLIDE).any(axis=(1, 2))
    places = np.array([place_of(int(number))[1:] for number in samples.ids]).reshape(-1, 2)
    found: list[int] = []
    for event in np.unique(samples.groups):
        here = samples.groups == event
        along = places[:, int(np.argmax(np.ptp(places[here], axis=0)))]
        if not (here & slid).any():
            continue
        # The line from which on at least that share of the chips with landslides lies.
        line = np.sort(along[here & slid])[::-1][math.ceil(share * int((here & slid).sum())) - 1]
        if (here & slid & (along < line - 1)).any():
            found += samples.ids[here & (along >= line)].tolist()
    return frozenset(found)


def dependent_evaluation(samples: Samples, probability: NDArray[np.float32]) -> Evaluation:
    """Compare with the labels; groups are blocks of neighbours."""
    return replace(evaluation(samples, probability), groups=blocks(samples), by_place=True)


def blocks(samples: Samples) -> NDArray[np.str_]:
    """(N,) event and block of every chip."""
    return np.array([_block(event, int(number)) for event, number in zip(samples.groups, samples.ids, strict=True)])


def _block(event: str, chip: int) -> str:
    _, row, column = place_of(chip)
    return f"{event} {row // BLOCK_CHIPS}-{column // BLOCK_CHIPS}"
