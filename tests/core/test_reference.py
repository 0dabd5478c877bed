"""The median of earlier looks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitor.core.reference import Depth, build_reference, newest_looks, newest_observed, sort_looks, valid
from monitor.records import Look, PixelState, Tile


def _look(value: float, state: int = PixelState.VALID) -> Look:
    return Look(
        tile=Tile(epsg=32633, column=1, row=1),
        acquisition_id="a",
        sensing_time=datetime(2024, 1, 1, tzinfo=UTC),
        probability=np.full((4, 4), value, np.float32),
        spread=np.zeros((4, 4), np.float32),
        pixels=np.full((3, 4, 4), value / 2, np.float32),
        state=np.full((4, 4), state, np.uint8),
    )


def test_no_look_no_reference() -> None:
    """A region without history is learning, not quiet."""
    assert build_reference([], 3) is None


def test_median_spread_and_count() -> None:
    """One outlier among three looks does not move the reference."""
    reference = build_reference([_look(0.1), _look(0.9), _look(0.2)], 3)
    assert reference is not None
    np.testing.assert_allclose(reference.probability, 0.2)
    np.testing.assert_allclose(reference.spread, 0.4)
    np.testing.assert_allclose(reference.pixels, 0.1)
    assert (reference.count == 3).all()


def test_hidden_pixels_do_not_vote() -> None:
    """A clouded pixel leaves the others' median; a pixel nobody saw is NaN."""
    clouded = _look(0.9)
    clouded.state[0, 0] = PixelState.CLOUD
    clouded.state[1, 1] = PixelState.SNOW
    seen = _look(0.2)
    seen.state[1, 1] = PixelState.NODATA
    reference = build_reference([clouded, seen], 3)
    assert reference is not None
    assert reference.probability[0, 0] == np.float32(0.2)
    assert reference.count[0, 0] == 1
    assert np.isnan(reference.probability[1, 1])
    assert np.isnan(reference.pixels[:, 1, 1]).all()


def test_only_clear_ground_is_valid() -> None:
    """Whether or not a network has answered there: one of pairs answers later, and the look's colours count."""
    look = _look(0.3)
    look.state[0, :3] = PixelState.WATER, PixelState.CLOUD, PixelState.NODATA
    look.probability[:] = np.nan
    assert valid(look).sum() == 13


def test_the_newest_observations_of_each_pixel() -> None:
    """A gap in one look is filled from the next older one, in all layers; where there are too few there is nothing."""
    newest, older, oldest = (np.full((2, 1, 3), value, np.float32) for value in (3.0, 2.0, 1.0))
    newest[1, 0, 0] = older[0, 0, 1] = older[0, 0, 2] = oldest[0, 0, 2] = np.nan
    found = newest_observed([newest, older, oldest], 2)
    np.testing.assert_array_equal(found[0], [[[2.0, 3.0, 3.0]]] * 2)
    np.testing.assert_array_equal(found[1], [[[1.0, 1.0, np.nan]]] * 2)


def test_no_more_looks_than_are_needed() -> None:
    """The newest two that show every pixel, whatever their order; one that helps nowhere is left out."""
    looks = _series(0.1, 0.2, 0.3, 0.4)
    looks[2].state[:] = PixelState.CLOUD
    assert newest_looks(looks, np.ones((4, 4), bool), 2) == [looks[3], looks[1]]


def test_each_pixel_knows_when_it_was_last_seen() -> None:
    """A cloud over the newest look leaves the older look's time; what nobody saw has none."""
    old, new = _look(0.1), replace(_look(0.2), sensing_time=datetime(2024, 2, 1, tzinfo=UTC))
    new.state[0, 0] = PixelState.CLOUD
    old.state[1, 1] = new.state[1, 1] = PixelState.CLOUD
    reference = build_reference([new, old], 3)
    assert reference is not None
    assert reference.last_seen_s[0, 0] == datetime(2024, 1, 1, tzinfo=UTC).timestamp()
    assert reference.last_seen_s[2, 2] == datetime(2024, 2, 1, tzinfo=UTC).timestamp()
    assert np.isnan(reference.last_seen_s[1, 1])


def test_each_pixel_knows_when_it_was_as_the_reference_says() -> None:
    """The date of the middle look that showed it: of three the second, of two the newer."""
    looks = _series(0.1, 0.2, 0.3, 0.4)
    looks[2].state[0, 0] = looks[3].state[0, 0] = PixelState.CLOUD
    for look in looks:
        look.state[1, 1] = PixelState.CLOUD
    for order in (looks, looks[::-1]):
        reference = build_reference(order, 3)
        assert reference is not None
        assert reference.middle_s[2, 2] == looks[2].sensing_time.timestamp()
        assert reference.middle_s[0, 0] == looks[1].sensing_time.timestamp()
        assert np.isnan(reference.middle_s[1, 1])


def _series(*values: float) -> list[Look]:
    """Looks five days apart, oldest first."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return [replace(_look(value), sensing_time=start + timedelta(days=5 * i)) for i, value in enumerate(values)]


def test_the_last_valid_looks_count_pixel_by_pixel() -> None:
    """Where the three newest looks are clouded an older one is the reference; elsewhere it has no vote."""
    looks = _series(0.7, 0.1, 0.2, 0.3)
    for look in looks[1:]:
        look.state[0, 0] = PixelState.CLOUD
    for order in (looks, looks[::-1]):
        reference = build_reference(order, 3)
        assert reference is not None
        assert reference.probability[0, 0] == np.float32(0.7)
        assert reference.last_seen_s[0, 0] == looks[0].sensing_time.timestamp()
        assert reference.count[0, 0] == 1
        assert reference.probability[2, 2] == np.float32(0.2)
        assert reference.count[2, 2] == 3


def test_looks_are_fetched_until_every_wanted_pixel_has_enough() -> None:
    """Clear looks suffice; a clouded pixel asks for more, unless nobody wants it; a look without news is told apart."""
    clear, clouded = _look(0.1), _look(0.1)
    clouded.state[0, 0] = PixelState.CLOUD
    wanted = np.ones((4, 4), bool)
    depth = Depth(wanted, 2)
    assert [depth.take(clouded), depth.take(clouded)] == [True, True]
    assert not depth.reached
    assert not depth.take(clouded)
    assert [depth.take(clear), depth.reached] == [True, False]
    assert [depth.take(clear), depth.reached] == [True, True]
    wanted[0, 0] = False
    depth = Depth(wanted, 1)
    assert [depth.take(clouded), depth.reached] == [True, True]


@pytest.mark.parametrize("looks", [1, 2, 3, 4, 7, 12])
@pytest.mark.parametrize("hidden", [0.0, 0.4, 1.0])
def test_looks_are_sorted_and_hidden_ones_last(looks: int, hidden: float) -> None:
    """As NumPy sorts them, equal values among them; the looks that are given stay as they are."""
    rng = np.random.default_rng(looks)
    values = rng.integers(0, 9, (looks, 2, 40, 40)).astype(np.float32)
    values[rng.random(values.shape) < hidden] = np.nan
    given = values.copy()

    np.testing.assert_array_equal(sort_looks(values), np.sort(values, axis=0))
    np.testing.assert_array_equal(values, given)
