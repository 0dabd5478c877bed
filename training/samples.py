"""Labelled chips: what every data set is read into, trained on and scored with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.inputs import Input

UNLABELLED: Final = -1
STABLE: Final = 0
LANDSLIDE: Final = 1

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float16] | NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Chips of one size with one set of bands."""

    name: str
    """Of the data set, as in its manifest."""
    bands: tuple[str, ...]
    """Names as in model cards, in the order of the channels: B04, B03, B02, ..., slope, elevation."""
    ids: NDArray[np.int64]
    """(N,) numbers that never repeat; consecutive ones may be neighbours on the ground."""
    pixels: Pixels
    """(N, C, H, W) in any linear unit per band. NaN = no observation; integers have no missing pixels."""
    labels: NDArray[np.int8]
    """(N, H, W) UNLABELLED, STABLE or LANDSLIDE."""
    groups: NDArray[np.str_]
    """(N,) region or event of every chip; one group may not lie on two sides of a split by group."""
    touching: NDArray[np.int64]
    """(P, 2) pairs of ids that overlap or are neighbours on the ground; may be empty."""
    resolution_m: float = 10.0
    inputs: tuple[Input, ...] = ()
    """What is done with each of `bands`, in their order; empty: all are seen against the ground around."""

    def __post_init__(self) -> None:
        """Raise ValueError when the arrays do not belong together."""
        count = len(self.ids)
        if self.pixels.ndim != 4 or self.pixels.shape[:2] != (count, len(self.bands)):
            raise ValueError(
                f"{self.name}: {count} ids and {len(self.bands)} bands, but pixels of shape {self.pixels.shape}"
            )
        if self.labels.shape != (count, *self.pixels.shape[2:]):
            raise ValueError(f"{self.name}: labels of shape {self.labels.shape} beside pixels {self.pixels.shape}")
        if self.groups.shape != (count,) or len(np.unique(self.ids)) != count:
            raise ValueError(f"{self.name}: every chip needs one group and an id of its own")

    def __len__(self) -> int:
        """Number of chips."""
        return len(self.ids)

    def take(self, ids: Iterable[int]) -> Samples:
        """The chips with these ids, in file order."""
        return self.at(np.flatnonzero(np.isin(self.ids, np.fromiter(ids, dtype=np.int64))))

    def at(self, chosen: Sequence[int] | NDArray[np.int64]) -> Samples:
        """The chips at these places, in the order that is given."""
        return replace(
            self,
            ids=self.ids[chosen],
            pixels=self.pixels[chosen],
            labels=self.labels[chosen],
            groups=self.groups[chosen],
        )
