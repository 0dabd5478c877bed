"""The split leaks nothing."""

from pathlib import Path

import numpy as np
import pytest

from training.data import (
    IBURI_BLOCKS,
    PATCH_FILE,
    VALIDATION_BLOCKS,
    Patches,
    data_folder,
    ids_within,
    load_patches,
    parse_id_ranges,
    split_ids,
)


def patches_with(ids: list[int], touching: list[tuple[int, int]] | None = None) -> Patches:
    return Patches(
        ids=np.array(ids),
        rgb=np.zeros((len(ids), 1, 1, 3), np.uint8),
        mask=np.zeros((len(ids), 1, 1), bool),
        touching=np.array(touching or np.zeros((0, 2)), dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ()), ("5", ((5, 5),)), ("300-489, 1700-1849", ((300, 489), (1700, 1849)))],
)
def test_id_ranges_are_read(text: str, expected: tuple[tuple[int, int], ...]) -> None:
    """Both ends belong to a range."""
    assert parse_id_ranges(text) == expected


@pytest.mark.parametrize("text", ["a-b", "5-", "9-3"])
def test_a_wrong_id_range_is_named(text: str) -> None:
    """The message quotes the part that is wrong."""
    with pytest.raises(ValueError, match=text):
        parse_id_ranges(text)


@pytest.mark.parametrize(
    ("id_", "trained_on"),
    [(300, False), (489, False), (490, False), (537, False), (538, True), (251, True), (252, False)],
)
def test_a_row_of_ids_guards_a_validation_block(id_: int, trained_on: bool) -> None:
    """48 ids on either side are in no training set."""
    assert (id_ in split_ids(patches_with([id_])).train) is trained_on


@pytest.mark.parametrize(("id_", "trained_on"), [(2454, True), (2455, False), (2564, False), (2565, True)])
def test_the_guard_is_narrower_where_rows_are(id_: int, trained_on: bool) -> None:
    """25 ids within 2200-2930."""
    assert (id_ in split_ids(patches_with([id_])).train) is trained_on


def test_a_patch_that_touches_a_validation_patch_is_dropped() -> None:
    """In either order of the pair."""
    split = split_ids(patches_with([10, 11, 12, 300], touching=[(10, 300), (300, 11)]))
    assert split.train == {12}


def test_excluded_ids_leave_with_guard_and_neighbours() -> None:
    """A model said to be trained without a region has not seen its rim either."""
    patches = patches_with([10, 700, 2174, 2175, 2300, 2645, 2646], touching=[(700, 2300)])
    assert split_ids(patches, IBURI_BLOCKS).train == {10, 2174, 2646}


def test_the_real_split_leaks_nothing(data_folder: Path) -> None:
    """On the real patches: sizes as known, and no pair across a border."""
    patches = load_patches(data_folder / PATCH_FILE)
    split = split_ids(patches)
    assert len(split.validation) == 306
    assert (len(split.train), len(split.threshold)) == (895, 42)
    for a, b in ((split.train, split.validation), (split.train, split.threshold), (split.threshold, split.validation)):
        assert not a & b
        assert not any((int(p) in a and int(q) in b) or (int(q) in a and int(p) in b) for p, q in patches.touching)
    distances = [min(abs(i - j) for j in split.validation) for i in split.train]
    assert min(distances) > 25
    assert split.validation == ids_within(map(int, patches.ids), VALIDATION_BLOCKS)


def test_the_data_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The argument wins over SCARPWATCH_DATA; a missing folder says what to do."""
    monkeypatch.setenv("SCARPWATCH_DATA", str(tmp_path / "absent"))
    assert data_folder(tmp_path) == tmp_path
    with pytest.raises(FileNotFoundError, match="SCARPWATCH_DATA"):
        data_folder(None)


def test_a_patch_file_without_masks_is_refused(tmp_path: Path) -> None:
    """The message names what is missing."""
    np.savez(tmp_path / "p.npz", ids=np.array([1]), rgb=np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="mask"):
        load_patches(tmp_path / "p.npz")
