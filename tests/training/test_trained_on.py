"""What a card says of its training."""

import hashlib

import numpy as np
import pytest

from training.splits import SplitKind
from training.trained_on import NOTHING_KNOWN, OTHER_SPLIT, has_iburi_like, trained_on

PATCHES = [{"source": "Landslide4Sense (Ghorbanzadeh et al. 2022), 8-bit"}]


@pytest.mark.parametrize(
    ("ids", "note"), [([100, 9, 10], ""), ([9, 10], OTHER_SPLIT), ([9, 10, 100, 101], OTHER_SPLIT)]
)
def test_another_split_is_known_by_the_hash_of_its_ids(ids: list[int], note: str) -> None:
    """Numbers in the order of their size, joined by commas; arrays of NumPy count as numbers."""
    digest = hashlib.sha256(b"9,10,100").hexdigest()
    facts = trained_on({"split": {"kind": "blocks of ids with guards", "ids_sha256": {"validation": digest}}})
    assert facts.split_note(np.array(ids)) == note


def test_a_random_split_is_never_apart() -> None:
    """Even when the same chips were scored: their neighbours were trained on."""
    assert trained_on({"split": {"kind": str(SplitKind.RANDOM)}}).split_note([1]) == OTHER_SPLIT


@pytest.mark.parametrize("stated", [None, {}, {"data": "nothing"}, {"split": "blocks", "quiet": None}])
def test_an_old_card_says_nothing(stated: object) -> None:
    """And nothing is held against it."""
    assert trained_on(stated) == NOTHING_KNOWN
    assert NOTHING_KNOWN.split_note([1, 2]) == ""


@pytest.mark.parametrize(
    ("excluded", "data", "like"),
    [
        ("", PATCHES, True),
        ("2200-2619", PATCHES, True),
        ("2200-2620", PATCHES, False),
        ("1-2400,2401-3000", PATCHES, False),
        ("", [{"source": "SIMULATED: 3 valleys, in the layout of Landslide4Sense"}], False),
    ],
)
def test_patches_like_iburi_are_known_by_their_ids(excluded: str, data: list[dict[str, str]], like: bool) -> None:
    """All of them must be excluded, and other sets number other ground."""
    for split in ({"excluded_ids": excluded}, {"settings": {"exclude_ids": excluded}}):
        assert trained_on({"data": data, "split": split}).iburi_like is like


def test_chips_like_iburi_are_known_among_others() -> None:
    """For baselines, which have no card; the ends of the block belong to it."""
    assert has_iburi_like(np.array([1, 2620]))
    assert not has_iburi_like([2199, 2621])


def test_the_data_are_told_in_words() -> None:
    """Whatever a card says of a set; what it leaves out is left out."""
    sets = [{"name": "patches", "source": "a paper", "licence": "MIT", "chips": 9}, {"source": "hills"}]
    facts = trained_on({"data": sets, "split": {"chips": {"train": 7}}})
    told = (
        "patches (source a paper, licence MIT, chips 9); data (source hills); 7 labelled chips on the side of training"
    )
    assert facts.described == told
