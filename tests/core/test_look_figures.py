"""A look in a few numbers, and whether the network still answers as it did."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.change import AlertSettings
from monitor.core.drift import LEAST_BEFORE, LEAST_TILES, stability_index
from monitor.core.look_figures import LookRows, TileRow, look_figures

PLAIN = AlertSettings()


def tile(mean: float = 0.1, rise: float | None = None, p95: float | None = None, shared: float = 1.0) -> TileRow:
    """What a look says of a tile."""
    return TileRow(mean=mean, mean_change=rise, p95_change=p95, shared_fraction=shared, hazard_area_ha=2.0)


def rows(*tiles: TileRow) -> LookRows:
    """A look at these tiles."""
    return LookRows(tiles={str(number): one for number, one in enumerate(tiles)})


def test_the_numbers_of_a_look() -> None:
    """Tiles of which two looks share little say nothing of change, but lie in the sums."""
    found = look_figures(rows(tile(0.1, 0.2), tile(0.3, -0.1), tile(0.5, 0.9, shared=0.29), tile(0.1)), PLAIN)
    assert found is not None
    assert found.probability_mean == pytest.approx(0.25)
    assert (found.largest_change, found.over_threshold, found.hazard_area_ha) == (0.2, 1, 8.0)
    assert found.stability_index is None


def test_no_network_spoke() -> None:
    """Then there are no numbers; where nothing is comparable only those of change are missing."""
    assert look_figures(LookRows(), PLAIN) is None
    found = look_figures(rows(tile()), PLAIN)
    assert found is not None
    assert found.largest_change is None


@pytest.mark.parametrize(
    ("settings", "over"),
    [
        (PLAIN, 2),  # the usual ones, 0.1 and 0.4
        (AlertSettings(tile_mean=0.05), 2),
        (AlertSettings(tile_p95=0.4), 1),
        (AlertSettings(tile_mean=0.3, tile_p95=0.9), 0),
    ],
)
def test_tiles_over_the_threshold(settings: AlertSettings, over: int) -> None:
    """Those that the configuration asks alerts for."""
    found = look_figures(rows(tile(rise=0.1, p95=0.1), tile(rise=0.06, p95=0.4), tile(rise=0.0, p95=0.0)), settings)
    assert found is not None
    assert found.over_threshold == over


def test_the_index_by_hand() -> None:
    """Uniform fifths before; now half of the tiles lie in the first fifth and half in the last."""
    before = [number / 200 for number in range(200)]
    now = [0.0] * 50 + [0.99] * 50
    p = [50.5 / 102.5, 0.5 / 102.5, 0.5 / 102.5, 0.5 / 102.5, 50.5 / 102.5]
    by_hand = sum((one - 0.2) * math.log(one / 0.2) for one in p) - 4 * (1 / 100 + 1 / 200)
    assert stability_index(now, before) == pytest.approx(by_hand)


def test_too_few_say_nothing() -> None:
    """Of few tiles the index is chance."""
    before = [number / 200 for number in range(200)]
    assert stability_index(before[: LEAST_TILES - 1], before) is None
    assert stability_index(before, before[: LEAST_BEFORE - 1]) is None
    assert stability_index(before[:LEAST_TILES], before[:LEAST_BEFORE]) is not None


def test_chance_alone_is_no_drift() -> None:
    """Means of the same distribution stay below the customary 0.1 nearly always; a shifted one is told."""
    generator = np.random.default_rng(1)
    found = [
        stability_index(generator.beta(2, 8, 100).tolist(), generator.beta(2, 8, 2000).tolist()) for _ in range(200)
    ]
    assert np.mean([one is not None and one < 0.1 for one in found]) > 0.95
    moved = stability_index(generator.beta(4, 8, 100).tolist(), generator.beta(2, 8, 2000).tolist())
    assert moved is not None
    assert moved > 0.25


@given(st.lists(st.floats(0, 1), min_size=20, max_size=60), st.lists(st.floats(0, 1), min_size=100, max_size=150))
def test_the_index_is_a_finite_number(now: list[float], before: list[float]) -> None:
    """Whatever the answers, also where all are alike."""
    index = stability_index(now, before)
    assert index is not None
    assert 0.0 <= index < 20.0
