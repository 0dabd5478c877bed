"""A split leaks nothing, or says how."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.errors import ConfigError
from training.datasets.rgb_patches import PATCH_FILE, load_rgb_patches
from training.samples import Samples
from training.splits import (
    IBURI_BLOCKS,
    VALIDATION_BLOCKS,
    LeakKind,
    Split,
    SplitKind,
    ids_within,
    leaks,
    parse_id_ranges,
    require_no_leaks,
    split_at_random,
    split_by_blocks,
    split_by_group,
)

Pair = tuple[int, int]


def chips(ids: list[int], touching: tuple[Pair, ...] = (), groups: list[str] | None = None) -> Samples:
    """Chips of one pixel, each with a value of its own."""
    return Samples(
        name="drawn",
        bands=("B04",),
        ids=np.array(ids, dtype=np.int64),
        pixels=np.arange(len(ids), dtype=np.float32).reshape(-1, 1, 1, 1),
        labels=np.zeros((len(ids), 1, 1), np.int8),
        groups=np.array(groups or ["somewhere"] * len(ids)),
        touching=np.array(touching, dtype=np.int64).reshape(-1, 2),
    )


def sides(train: set[int], validation: set[int], kind: SplitKind = SplitKind.BLOCKS) -> Split:
    return Split(train=frozenset(train), threshold=frozenset(), validation=frozenset(validation), kind=kind)


@pytest.fixture(scope="module")
def patches(data_folder: Path) -> Samples:
    """The real patches."""
    return load_rgb_patches(data_folder / PATCH_FILE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ()), ("5", ((5, 5),)), ("300-489, 1700-1849", ((300, 489), (1700, 1849)))],
)
def test_id_ranges_are_read(text: str, expected: tuple[Pair, ...]) -> None:
    """Both ends belong to a range."""
    assert parse_id_ranges(text) == expected


@pytest.mark.parametrize("text", ["a-b", "5-", "9-3"])
def test_a_wrong_id_range_is_named(text: str) -> None:
    """The message quotes the part that is wrong."""
    with pytest.raises(ConfigError, match=text):
        parse_id_ranges(f"1-2,{text}")


@pytest.mark.parametrize(
    ("id_", "trained_on"),
    [(300, False), (489, False), (490, False), (537, False), (538, True), (251, True), (252, False)],
)
def test_a_row_of_ids_guards_a_validation_block(id_: int, trained_on: bool) -> None:
    """48 ids on either side are in no training set."""
    assert (id_ in split_by_blocks(chips([id_])).train) is trained_on


@pytest.mark.parametrize(("id_", "trained_on"), [(2454, True), (2455, False), (2564, False), (2565, True)])
def test_the_guard_is_narrower_where_rows_are(id_: int, trained_on: bool) -> None:
    """25 ids within 2200-2930."""
    assert (id_ in split_by_blocks(chips([id_])).train) is trained_on


def test_a_chip_that_touches_a_validation_chip_is_dropped() -> None:
    """In either order of the pair."""
    split = split_by_blocks(chips([10, 11, 12, 300], touching=((10, 300), (300, 11))))
    assert [sorted(side) for side in (split.train, split.validation)] == [[12], [300]]


def test_excluded_ids_leave_with_guard_and_neighbours() -> None:
    """A model said to be trained without a region has not seen its rim either."""
    samples = chips([10, 700, 2174, 2175, 2300, 2645, 2646], touching=((700, 2300),))
    assert split_by_blocks(samples, exclude=IBURI_BLOCKS).train == {10, 2174, 2646}


@pytest.mark.parametrize(("exclude", "trained_on"), [((), 895), (IBURI_BLOCKS, 765)])
def test_the_real_split_leaks_nothing(patches: Samples, exclude: tuple[Pair, ...], trained_on: int) -> None:
    """Sizes as known; no shared id, no identical pixels, no touching pair; and no neighbour by number."""
    split = split_by_blocks(patches, exclude=exclude)
    assert (len(split.train), len(split.threshold), len(split.validation)) == (trained_on, 42, 306)
    assert leaks(patches, split) == ()
    assert min(abs(i - j) for i in split.train for j in split.validation) > 25
    assert split.validation == ids_within(patches.ids.tolist(), VALIDATION_BLOCKS)


def test_a_random_split_of_the_real_patches_leaks(patches: Samples) -> None:
    """Hundreds of neighbours lie on two sides, and its kind says that it is no score to be quoted."""
    split = split_at_random(patches, seed=1)
    assert split.kind == "random: for comparison only"
    assert len(split.train | split.threshold | split.validation) == len(patches)
    assert (len(split.validation), len(split.threshold)) == (292, 146)
    assert sum(leak.kind is LeakKind.TOUCHING for leak in leaks(patches, split)) > 200
    assert split == split_at_random(patches, seed=1) != split_at_random(patches, seed=2)


def test_whole_groups_are_held_out() -> None:
    """A chip of another group that touches them is on no side."""
    samples = chips([1, 2, 3, 4, 5], touching=((1, 3), (4, 5)), groups=["a", "a", "b", "c", "d"])
    split = split_by_group(samples, ["b"], ["c"])
    assert [sorted(side) for side in split.sides().values()] == [[2], [4], [3]]
    assert leaks(samples, split) == ()


@pytest.mark.parametrize(("validation", "threshold", "says"), [(["z"], [], "no group z"), (["a"], ["a"], "two sides")])
def test_groups_that_cannot_be_held_out_are_named(validation: list[str], threshold: list[str], says: str) -> None:
    """The remedy lists the groups that are there."""
    with pytest.raises(ConfigError, match=f"{says}.*Its groups are a, b"):
        split_by_group(chips([1, 2], groups=["a", "b"]), validation, threshold)


def test_every_kind_of_leak_is_found() -> None:
    """One chip, pair or group of each, and what is on no side leaks nothing."""
    samples = chips([1, 2, 3, 4, 5], touching=((1, 2), (3, 5)), groups=["a", "b", "c", "c", "e"])
    alike = replace(samples, pixels=np.array([7, 1, 2, 7, 7], np.float32).reshape(-1, 1, 1, 1))
    split = sides({1, 3}, {1, 2, 4}, SplitKind.GROUPS)
    found = {(leak.kind, leak.what) for leak in leaks(alike, split)}
    assert found == {
        (LeakKind.SHARED_ID, "chip 1"),
        (LeakKind.SHARED_GROUP, "group a"),
        (LeakKind.SHARED_GROUP, "group c"),
    }
    split = sides({1, 3}, {2, 4})
    assert {(leak.kind, leak.what) for leak in leaks(alike, split)} == {
        (LeakKind.TOUCHING, "chips 1 and 2"),
        (LeakKind.SAME_PIXELS, "chips 1 and 4"),
    }


def test_a_leaking_split_is_refused() -> None:
    """The message names the first chips and what to do."""
    samples = chips([1, 2], touching=((1, 2),))
    with pytest.raises(ConfigError, match=r"chips 1 and 2 \(touching, train and validation\).*allow it by name"):
        require_no_leaks(samples, sides({1}, {2}))


def test_a_pair_of_sides_has_one_name() -> None:
    """In whichever order the pair of chips is known."""
    samples = chips([1, 2, 3], touching=((1, 2), (2, 3)))
    text = require_no_leaks(samples, sides({1, 3}, {2}), [LeakKind.TOUCHING]).text()
    assert "touching: 2; 2 between train and validation (allowed)" in text


def test_a_leak_is_allowed_by_name_only() -> None:
    """Allowing one kind does not allow another; the report shows what was allowed."""
    samples = chips([1, 2], touching=((1, 2),))
    split = sides({1}, {2})
    with pytest.raises(ConfigError):
        require_no_leaks(samples, split, [LeakKind.SAME_PIXELS])
    report = require_no_leaks(samples, split, [LeakKind.TOUCHING])
    assert report.text().splitlines() == [
        "drawn: 1 train, 0 threshold, 1 validation chips; split by blocks of ids with guards",
        "  shared-id: 0",
        "  same-pixels: 0",
        "  touching: 1; 1 between train and validation (allowed)",
        "  shared-group: 0",
        "  random: 0",
    ]
