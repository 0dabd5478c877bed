"""What the network is shown."""

import numpy as np
import torch

from tests.training.conftest import draw_patches
from training.batches import Chips, PlainChips, Sources, VariedChips, with_rectangle
from training.experiment import ScheduleSettings, VariationSettings
from training.samples import STABLE, Samples

PLAIN = VariationSettings()


def samples(count: int, quiet: bool = False) -> Samples:
    """Drawn patches; quiet ones are all stable."""
    rgb, mask = draw_patches(count, seed=int(quiet))
    return Samples(
        name="drawn",
        bands=("B04", "B03", "B02"),
        ids=np.arange(count),
        pixels=np.ascontiguousarray(np.moveaxis(rgb, -1, 1)),
        labels=np.zeros_like(mask, np.int8) if quiet else mask.astype(np.int8),
        groups=np.full(count, "here"),
        touching=np.zeros((0, 2), np.int64),
    )


def labelled_pixels(chips: VariedChips) -> list[int]:
    """Landslide pixels of every item."""
    return [int((chips[place][1] == 1).sum()) for place in range(len(chips))]


def test_an_epoch_shows_every_chip_once_and_quiet_ones_between() -> None:
    """Half as many quiet chips as labelled ones, without any landslide pixel."""
    sources = Sources(labelled=samples(8), quiet=samples(3, quiet=True), quiet_share=0.5)
    chips = VariedChips(sources, PLAIN, seed=1, epoch=0)
    assert len(chips) == 12
    assert sorted(labelled_pixels(chips)) == [0] * 4 + [64] * 8


def test_an_epoch_follows_from_its_number() -> None:
    """The same again, another in the next epoch: so a run that was killed continues as it would have."""
    sources = Sources(labelled=samples(8))
    first, again, later = (VariedChips(sources, PLAIN, seed=1, epoch=epoch) for epoch in (3, 3, 4))
    assert torch.equal(first[5][0], again[5][0])
    assert not torch.equal(first[5][0], later[5][0])


def test_a_rectangle_of_another_chip_brings_its_labels() -> None:
    """Pixels and labels change in the same place and nowhere else."""
    first = (np.zeros((3, 32, 32), np.float32), np.zeros((32, 32), np.int8))
    second = (np.ones((3, 32, 32), np.float32), np.ones((32, 32), np.int8))
    pixels, labels = with_rectangle(first, second, np.random.default_rng(0))
    np.testing.assert_array_equal(pixels[0] == 1, labels == 1)
    assert 0 < labels.mean() < 1
    assert (first[1] == STABLE).all()


def test_windows_of_chips_are_learned_from_where_they_are_asked_for() -> None:
    """All of one size; what is held out is shown whole."""
    chips = VariedChips(Sources(labelled=samples(4)), VariationSettings(window_px=16), seed=1, epoch=0)
    assert {chips[place][0].shape for place in range(4)} == {(3, 16, 16)}
    assert {chips[place][1].shape for place in range(4)} == {(1, 16, 16)}
    assert PlainChips(samples(4))[0][0].shape == (3, 32, 32)


def test_plain_chips_are_always_the_same() -> None:
    """What shows progress must not wander."""
    chips = PlainChips(samples(2))
    assert torch.equal(chips[1][0], chips[1][0])


def test_a_last_batch_of_one_is_left_out() -> None:
    """Batch normalisation has no statistics of a single chip."""
    chips = Chips(Sources(labelled=samples(5)), samples(1), PLAIN, ScheduleSettings(batch_size=4))
    assert [len(inputs) for inputs, _ in chips.train_dataloader()] == [4]
