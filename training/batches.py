"""Chips as the network gets them: varied anew every epoch for training, plain for scoring.

A variation follows from the seed, the epoch and the place in it alone. So a run that was killed and
continued sees what it would have seen, with any number of workers or GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from training.augment import Labels, Pixels, around_a_scar, dithered, varied
from training.experiment import ScheduleSettings, VariationSettings
from training.layers import varied_layers
from training.pairs import drawn_pair, varied_pair
from training.samples import Samples
from training.scoring import normalised

_LEAST_SIDE: Final = 0.25
_LARGEST_SIDE: Final = 0.75
"""Sides of a rectangle from another chip, as shares of the chip's."""

Item = tuple[Tensor, Tensor]
"""Inputs (C, H, W) float32 normalised, labels (1, H, W) int8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the batches are drawn from."""

    labelled: Samples
    quiet: Samples | None = None
    """Landslide-free ground of the same bands."""
    quiet_share: float = 0.0
    """Quiet chips drawn per epoch, as a share of the labelled ones."""
    quiet_weights: NDArray[np.float64] | None = None
    """(Q,) how likely each quiet chip is drawn, sum 1; None: all alike."""
    paired: bool = False
    """Draw pairs of dates made from the chips instead of the chips."""

    @property
    def draws(self) -> int:
        """Chips drawn in one epoch."""
        return len(self.labelled) + (round(self.quiet_share * len(self.labelled)) if self.quiet else 0)


def order_seed(schedule: ScheduleSettings) -> int:
    """The seed of the order and the variations of the chips."""
    return schedule.seed if schedule.order is None else schedule.order


class VariedChips(Dataset[Item]):
    """Every labelled chip once per epoch, and quiet chips drawn among them."""

    def __init__(self, sources: Sources, variation: VariationSettings, *, seed: int, epoch: int) -> None:
        self._sources = sources
        self._variation = variation
        self._key = (seed, epoch)
        self._order = np.random.default_rng(self._key).permutation(sources.draws)

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, place: int) -> Item:
        rng = np.random.default_rng((*self._key, place))
        pixels, labels = self._varied(int(self._order[place]), rng)
        if rng.random() < self._variation.cutmix_share:
            other = self._varied(int(rng.integers(len(self))), rng)
            pixels, labels = with_rectangle((pixels, labels), other, rng)
        if self._variation.window_px is not None:
            pixels, labels = around_a_scar(pixels, labels, self._variation.window_px, rng)
        return torch.from_numpy(pixels), torch.from_numpy(labels)[None]

    def _varied(self, index: int, rng: np.random.Generator) -> tuple[Pixels, Labels]:
        source = self._sources.labelled
        if index >= len(source):
            assert self._sources.quiet is not None
            source, weights = self._sources.quiet, self._sources.quiet_weights
            index = int(rng.integers(len(source)) if weights is None else rng.choice(len(source), p=weights))
        if self._sources.paired:
            return varied_pair(drawn_pair(source, index, self._sources.labelled, rng), rng, self._variation)
        if source.inputs:
            chip = source.pixels[index].astype(np.float32), source.labels[index]
            return varied_layers(source.bands, source.inputs, chip, rng, self._variation)
        return varied(dithered(source.pixels[index], rng), source.labels[index], rng, self._variation)


class PlainChips(Dataset[Item]):
    """Every chip as it is, normalised by its own statistics."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Item:
        return torch.from_numpy(normalised(self._samples, index)), torch.from_numpy(self._samples.labels[index])[None]


def with_rectangle(
    first: tuple[Pixels, Labels], second: tuple[Pixels, Labels], rng: np.random.Generator
) -> tuple[Pixels, Labels]:
    """The first chip with a random rectangle of the second (Yun et al. 2019, CutMix)."""
    pixels, labels = first[0].copy(), first[1].copy()
    side: NDArray[np.int64] = (np.array(labels.shape) * rng.uniform(_LEAST_SIDE, _LARGEST_SIDE, 2)).astype(np.int64)
    row, column = (int(rng.integers(size - part + 1)) for size, part in zip(labels.shape, side, strict=True))
    window = (slice(row, row + int(side[0])), slice(column, column + int(side[1])))
    pixels[:, *window], labels[window] = second[0][:, *window], second[1][window]
    return pixels, labels


class Chips(lightning.LightningDataModule):
    """The loaders of a run; the trainer must reload them every epoch."""

    def __init__(
        self,
        sources: Sources,
        held_out: Samples,
        variation: VariationSettings,
        schedule: ScheduleSettings,
        workers: int = 0,
    ) -> None:
        """`held_out` shows progress after every epoch; nothing is chosen by it."""
        super().__init__()
        self._sources = sources
        self._held_out = held_out
        self._variation = variation
        self._schedule = schedule
        self._workers = workers

    def train_dataloader(self) -> DataLoader[Item]:
        epoch = self.trainer.current_epoch if self.trainer else 0
        chips = VariedChips(self._sources, self._variation, seed=order_seed(self._schedule), epoch=epoch)
        size = self._schedule.batch_size
        # A batch of one chip has no statistics for batch normalisation.
        return DataLoader(chips, size, drop_last=len(chips) > size, num_workers=self._workers)

    def val_dataloader(self) -> DataLoader[Item]:
        return DataLoader(PlainChips(self._held_out), self._schedule.batch_size)
