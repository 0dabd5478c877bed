"""How often quiet ground looks like a landslide."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.null_rate import NullRates, QuietCluster, Strata, count


def _cluster(strength: float, held: bool = False, strata: Strata = ("calm",)) -> QuietCluster:
    return QuietCluster(detector="baseline", strength=strength, held=held, strata=strata)


def _null(clusters: list[QuietCluster], km2_years: float = 500.0) -> NullRates:
    return count(clusters, {"baseline": {("calm",): km2_years}}, ["a valley"], simulated=True)


@pytest.mark.parametrize(
    ("strength", "opened", "held"),
    [(0.05, 8.0, 4.0), (0.1, 8.0, 4.0), (0.15, 6.0, 4.0), (0.3, 4.0, 2.0), (0.31, 2.0, 2.0), (9.0, 2.0, 2.0)],
)
def test_clusters_at_least_so_strong_are_counted(strength: float, opened: float, held: float) -> None:
    """And one more, per 1,000 km² and year."""
    null = _null([_cluster(0.1), _cluster(0.2, held=True), _cluster(0.3)])
    assert null.rate("baseline", strength) == pytest.approx((opened, held))


def test_a_detector_that_was_never_counted_has_no_rate() -> None:
    """Nothing is made up for it, nor for one that was never exposed."""
    assert _null([]).rate("radar", 1.0) is None
    assert count([_cluster(1.0)], {"baseline": {("calm",): 0.0}}, [], simulated=False).rate("baseline", 1.0) is None


def test_nothing_is_rarer_than_the_exposure_can_show() -> None:
    """However kind the ground: one in all that was watched."""
    clusters = [_cluster(0.1, strata=("windy",))] * 200
    null = count(clusters, {"baseline": {("calm",): 250.0, ("windy",): 250.0}}, [], simulated=True)
    assert null.rate("baseline", 5.0, ("calm",)) == (2.0, 2.0)


def test_words_share_what_both_explain() -> None:
    """Where steep ground is also dark, the dark alone may be to blame, and is found to be."""
    random = np.random.default_rng(1)
    cells: dict[Strata, float] = {
        ("steep", "dark"): 60.0,
        ("steep", "light"): 20.0,
        ("gentle", "dark"): 10.0,
        ("gentle", "light"): 160.0,
    }
    clusters = [
        _cluster(float(random.exponential(0.2)), strata=strata)
        for strata, km2_years in cells.items()
        for _ in range(random.poisson(km2_years * (4.0 if "dark" in strata else 0.5)))
    ]
    factors = count(clusters, {"baseline": cells}, [], simulated=True).factors["baseline"]
    assert factors["dark"] / factors["light"] == pytest.approx(8.0, rel=0.35)
    assert factors["steep"] / factors["gentle"] == pytest.approx(1.0, rel=0.35)


def test_what_was_hardly_seen_is_average() -> None:
    """One cluster on a sliver of ground proves little; a word nobody counted changes nothing."""
    cells: dict[Strata, float] = {("calm",): 500.0, ("odd",): 0.01}
    null = count([_cluster(0.1)] * 100 + [_cluster(0.1, strata=("odd",))], {"baseline": cells}, [], simulated=True)
    assert null.factors["baseline"]["odd"] < 1.3
    assert null.rate("baseline", 0.1, ("never heard of",)) == null.rate("baseline", 0.1)


@given(
    st.lists(st.tuples(st.floats(0.01, 10.0), st.booleans()), max_size=30), st.floats(0.0, 12.0), st.floats(0.0, 12.0)
)
def test_stronger_is_never_more_common(found: list[tuple[float, bool]], one: float, other: float) -> None:
    """And what holds is never more common than what opens."""
    null = _null([_cluster(strength, held) for strength, held in found])
    weak, strong = (null.rate("baseline", strength) for strength in sorted((one, other)))
    assert weak is not None
    assert strong is not None
    assert weak[0] >= strong[0] >= strong[1]
    assert weak[1] >= strong[1]
    for curve in null.curves.values():
        assert all(first >= second for first, second in pairwise(curve.opened))
