"""Open water and its banks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import numpy as np

from monitor.core.water import (
    BANK_M,
    beside_water,
    lying_snow,
    off_the_banks,
    open_water,
    sees_ground_or_snow,
    sees_ground_or_water,
    under_snow,
)
from monitor.records import Look, PixelState, Tile

START = datetime(2024, 6, 1, tzinfo=UTC)
_STATES = {".": PixelState.VALID, "w": PixelState.WATER, "c": PixelState.CLOUD, "s": PixelState.SNOW}


def _look(days: int, states: str) -> Look:
    """One row of pixels: ground, water, cloud or snow."""
    state = np.array([[_STATES[one] for one in states]], np.uint8)
    nothing = np.zeros(state.shape, np.float32)
    return Look(
        tile=Tile(epsg=32633, column=1, row=1),
        acquisition_id=f"a{days}",
        sensing_time=START + timedelta(days=days),
        probability=nothing,
        spread=nothing,
        pixels=np.stack([nothing] * 3),
        state=state,
    )


def test_water_is_what_most_of_the_last_looks_saw() -> None:
    """A shadow or a flood in one look is none, a cloud has no say, and what nobody saw is not known to be wet."""
    looks = [_look(0, "wwww.c"), _look(5, "w.wc.c"), _look(10, "w.ccwc"), _look(15, "wc.w.s")]
    assert open_water(looks[:3], 3).tolist() == [[True, False, True, True, False, False]]
    assert open_water(looks[::-1], 3).tolist() == [[True, False, True, True, False, False]]


def test_older_looks_have_no_say_where_newer_ones_saw() -> None:
    """Half of the looks is not most of them; where clouds hid the newer ones, the older one counts."""
    looks = [_look(0, "ww"), _look(5, ".c"), _look(10, ".c")]
    assert open_water(looks, 2).tolist() == [[False, True]]
    assert open_water(looks[:2], 2).tolist() == [[False, True]]


def test_ground_and_water_are_what_tells_of_water() -> None:
    """Snow and cloud do not."""
    assert sees_ground_or_water(_look(0, ".wcs")).tolist() == [[True, True, False, False]]


def test_snow_lies_until_a_look_shows_the_ground_free() -> None:
    """Whatever clouds hide afterwards; the order of the looks is no matter."""
    looks = [_look(0, "ss..c"), _look(5, "cs.sc"), _look(10, ".cccc")]
    expected = [[False, True, False, True, False]]
    assert all(lying_snow(order).tolist() == expected for order in permutations(looks))
    assert sees_ground_or_snow(_look(0, ".wcs")).tolist() == [[True, True, False, True]]


def test_a_look_is_told_of_water_where_it_saw_something() -> None:
    """Layover stays layover, and the pixels stay as they are."""
    seen = _look(0, "...cc")
    told = beside_water(seen, np.array([[True, False, False, True, False]]))
    assert told.state.tolist() == _look(0, "w..cc").state.tolist()
    assert told == replace(seen, state=told.state)


def test_what_lies_under_snow_was_not_observed() -> None:
    """Neither by state nor by an answer of the network; a look that shows nothing of it is the same look."""
    seen = _look(0, "...cc")
    told = under_snow(seen, np.array([[False, True, True, False, True]]))
    assert told.state.tolist() == _look(0, ".sscc").state.tolist()
    assert np.isnan(told.probability).tolist() == np.isnan(told.spread).tolist() == [[False, True, True, False, False]]
    assert told.pixels is seen.pixels
    assert under_snow(seen, np.array([[False, False, False, True, True]])) is seen


def test_banks_are_flat() -> None:
    """40 m of ground on both sides of the water; beyond it the slope is what it was, and unknown where it was."""
    state = np.zeros((1, 20), np.uint8)
    state[0, 9:11] = PixelState.WATER
    slope = np.full((1, 20), 30.0, np.float32)
    slope[0, 0] = np.nan
    flat = off_the_banks(slope, state)
    reach = int(BANK_M / 10)
    assert (flat[0, 9 - reach : 11 + reach] == 0).all()
    assert (flat[0, 1 : 9 - reach] == 30).all()
    assert (flat[0, 11 + reach :] == 30).all()
    assert np.isnan(flat[0, 0])
    np.testing.assert_array_equal(off_the_banks(slope, np.zeros_like(state)), slope)
