"""Classes of one map in those of another: every class has its place or says that it has none."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.land_cover import (
    CLASSES,
    Hrlulc,
    IoLulc,
    LandCover,
    Scheme,
    WorldCover,
    crosswalk,
    land_cover,
    one_hot,
    sources_for,
    unknown_values,
)

PAIRS = [pair for pair in product(Scheme, Scheme) if crosswalk(*pair) is not None]


def test_legends_have_their_classes() -> None:
    """11, 9 and 15: what a model's channels are."""
    assert {scheme.value: len(classes) for scheme, classes in CLASSES.items()} == {
        "esa-worldcover": 11,
        "io-lulc": 9,
        "jaxa-hrlulc": 15,
    }
    assert CLASSES[Scheme.JAXA_HRLULC] == tuple(sorted(Hrlulc))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_crosswalk_is_whole(source: Scheme, target: Scheme) -> None:
    """Every class of the map is in the table, and what it becomes is a class of the model."""
    names = crosswalk(source, target)
    assert names is not None
    assert set(names) == set(CLASSES[source])
    assert {name for name in names.values() if name is not None} <= set(CLASSES[target])


def test_kinds_of_forest_are_not_made_up() -> None:
    """No other map can stand for JAXA's; JAXA's can stand for both others."""
    assert sources_for(Scheme.JAXA_HRLULC) == (Scheme.JAXA_HRLULC,)
    assert sources_for(Scheme.ESA_WORLDCOVER) == (Scheme.ESA_WORLDCOVER, Scheme.IO_LULC, Scheme.JAXA_HRLULC)
    with pytest.raises(ValueError, match=r"esa-worldcover cannot be said in those of jaxa-hrlulc"):
        one_hot(land_cover(np.full((2, 2), 10, np.uint8), Scheme.ESA_WORLDCOVER), Scheme.JAXA_HRLULC)


@pytest.mark.parametrize(
    ("source", "value", "target", "becomes"),
    [
        (Scheme.ESA_WORLDCOVER, WorldCover.MANGROVES, Scheme.IO_LULC, IoLulc.TREES),
        (Scheme.ESA_WORLDCOVER, WorldCover.SHRUBLAND, Scheme.IO_LULC, IoLulc.RANGELAND),
        (Scheme.IO_LULC, IoLulc.RANGELAND, Scheme.ESA_WORLDCOVER, WorldCover.GRASSLAND),
        (Scheme.IO_LULC, IoLulc.CLOUDS, Scheme.ESA_WORLDCOVER, None),
        (Scheme.JAXA_HRLULC, Hrlulc.BAMBOO, Scheme.ESA_WORLDCOVER, WorldCover.TREE_COVER),
        (Scheme.JAXA_HRLULC, Hrlulc.PADDY, Scheme.ESA_WORLDCOVER, WorldCover.CROPLAND),
        (Scheme.JAXA_HRLULC, Hrlulc.PADDY, Scheme.IO_LULC, IoLulc.FLOODED_VEGETATION),
        (Scheme.JAXA_HRLULC, Hrlulc.GREENHOUSE, Scheme.JAXA_HRLULC, Hrlulc.GREENHOUSE),
    ],
)
def test_one_class_in_another_legend(source: Scheme, value: int, target: Scheme, becomes: int | None) -> None:
    """One pixel of a class has a 1 in the channel of what it becomes, and nowhere else."""
    hot = one_hot(LandCover(scheme=source, classes=np.array([[value]], np.uint8)), target)
    expected = [float(one == becomes) for one in CLASSES[target]]
    assert hot[:, 0, 0].tolist() == expected


@given(values=st.lists(st.integers(0, 255), min_size=12, max_size=12), pair=st.sampled_from(PAIRS))
def test_any_value_has_at_most_one_class(values: list[int], pair: tuple[Scheme, Scheme]) -> None:
    """Whatever the file holds: channels add up to 1 where the class has a name in the model, else to 0."""
    source, target = pair
    classes = np.array(values, np.uint8).reshape(3, 4)
    found = land_cover(classes, source)
    total = one_hot(found, target).sum(axis=0)
    names = crosswalk(source, target)
    assert names is not None
    named = np.isin(classes, [int(own) for own, other in names.items() if other is not None])
    np.testing.assert_array_equal(total, named.astype(np.float32))
    assert found.unknown_px == sum(unknown_values(classes, source).values())


def test_nodata_needs_no_word() -> None:
    """Nodata is not unknown: 0 everywhere, and 255 in JAXA's map."""
    classes = np.array([[0, 255, 3, 200]], np.uint8)
    assert unknown_values(classes, Scheme.JAXA_HRLULC) == {200: 1}
    assert unknown_values(classes, Scheme.IO_LULC) == {3: 1, 200: 1, 255: 1}
    assert land_cover(classes, Scheme.JAXA_HRLULC).classes.tolist() == [[0, 0, 3, 0]]
