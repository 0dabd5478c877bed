"""How often quiet ground looks like a landslide."""

from collections.abc import Mapping
from itertools import pairwise
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.null_rate import NullRates, Prior, QuietCluster, Strata, count, held
from monitor.records import Verdict


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


CELLS: dict[Strata, float] = {
    (slope, season): 1.0 + 40.0 * weight * share
    for slope, weight in (("gentle", 1.0), ("steep", 0.3), ("very steep", 0.05))
    for season, share in (("winter", 0.4), ("summer", 1.0))
}
TRUE = {"gentle": 0.4, "steep": 2.0, "very steep": 3.0, "winter": 1.5, "summer": 0.8}


def _expected(factors: Mapping[str, float], overall: float) -> float:
    return sum(km2_years * overall * prod(factors[word] for word in strata) for strata, km2_years in CELLS.items())


@pytest.mark.parametrize("per_km2", [0.5, 40.0])
def test_all_ground_together_expects_what_was_counted(per_km2: float) -> None:
    """However much the prior draws the factors to 1, and where much was counted the true ones come back."""
    random = np.random.default_rng(2)
    clusters = [
        _cluster(0.1, strata=strata)
        for strata, km2_years in CELLS.items()
        for _ in range(random.poisson(km2_years * per_km2 * prod(TRUE[word] for word in strata)))
    ]
    factors = count(clusters, {"baseline": CELLS}, [], simulated=True).factors["baseline"]
    assert _expected(factors, len(clusters) / sum(CELLS.values())) == pytest.approx(len(clusters), rel=1e-6)
    if per_km2 > 1:
        for one, other in (("steep", "gentle"), ("very steep", "gentle"), ("winter", "summer")):
            assert factors[one] / factors[other] == pytest.approx(TRUE[one] / TRUE[other], rel=0.15)


def test_other_ground_weighs_as_much_as_it_may() -> None:
    """All of it below the limit, its share above it; one more is taken once."""
    shipped = _null([_cluster(0.1), _cluster(0.3, held=True)], km2_years=1000.0)
    own: dict[str, dict[Strata, float]] = {"baseline": {("calm",): 100.0}}
    clusters = [_cluster(0.2)]
    whole = count(clusters, own, [], True, Prior(rates=shipped, most_km2_years=1000.0))
    assert whole.km2_years == {"baseline": 1100.0}
    assert whole.rate("baseline", 0.05) == pytest.approx((4 / 1.1, 2 / 1.1))
    assert whole.rate("baseline", 0.3) == pytest.approx((2 / 1.1, 2 / 1.1))
    half = count(clusters, own, [], True, Prior(rates=shipped, most_km2_years=500.0))
    assert half.rate("baseline", 0.05) == pytest.approx((3 / 0.6, 1.5 / 0.6))
    assert half.rate("baseline", 9.0) == pytest.approx((1 / 0.6, 1 / 0.6))


def test_other_ground_alone_speaks_where_nothing_was_watched() -> None:
    """With its curve and its factors; and an own detector of which it knows nothing is counted alone."""
    shipped = count(
        [_cluster(0.2, strata=("windy",))] * 30,
        {"baseline": {("calm",): 200.0, ("windy",): 200.0}},
        [],
        simulated=True,
    )
    pooled = count([], {"radar": {("calm",): 50.0}}, [], True, Prior(rates=shipped))
    assert pooled.rate("baseline", 0.2, ("windy",)) == pytest.approx(shipped.rate("baseline", 0.2, ("windy",)))
    assert pooled.rate("radar", 1.0) == (20.0, 20.0)


def test_factors_start_from_those_of_other_ground() -> None:
    """A short calm summer takes nothing from what winter is known to do; a windy year of one's own does."""
    ground: dict[Strata, float] = {("calm",): 200.0, ("windy",): 200.0}
    shipped = count([_cluster(0.2, strata=("windy",))] * 60, {"baseline": ground}, [], simulated=True)
    known = shipped.factors["baseline"]
    prior = Prior(rates=shipped)
    little = count([], {"baseline": {("calm",): 5.0}}, [], True, prior).factors["baseline"]
    assert little["windy"] == pytest.approx(known["windy"])
    much = [_cluster(0.2, strata=("calm",))] * 300
    turned = count(much, {"baseline": {("calm",): 1000.0, ("windy",): 1000.0}}, [], True, prior).factors["baseline"]
    assert turned["calm"] > 1.5 > 0.5 > turned["windy"]


def test_little_ground_of_ones_own_moves_little() -> None:
    """The words do not take, each for itself, what the pooled curve cannot give."""
    steep, gentle = ("steep", "summer", "light"), ("gentle", "winter", "dark")
    shipped = count(
        [_cluster(0.2, strata=gentle)] * 60 + [_cluster(0.2, strata=steep)] * 60,
        {"baseline": {steep: 150.0, gentle: 150.0}},
        [],
        simulated=True,
    )
    storm = [_cluster(1.0, held=True, strata=steep)] * 13
    own = count(storm, {"baseline": {steep: 3.0}}, [], True, Prior(rates=shipped))
    before, after = (null.rate("baseline", 0.1, steep) for null in (shipped, own))
    assert before is not None
    assert after is not None
    assert 1.05 < after[0] / before[0] < 1.6


def test_what_holds_counts_on_the_ground_of_which_it_is_known() -> None:
    """Half of what held is judged: it is twice as common as on all ground; what did not hold is as common as before."""
    clusters = [_cluster(0.2)] * 9 + [_cluster(0.3, held=True)] * 4
    cells: dict[str, dict[Strata, float]] = {"baseline": {("calm",): 500.0}}
    half = count(clusters, cells, [], simulated=True, judged={"baseline": 0.5})
    assert half.rate("baseline", 0.1) == pytest.approx((9 * 2 + 5 * 4, 5 * 4))
    assert half.rate("baseline", 9.0) == pytest.approx((4.0, 4.0))
    assert count(clusters, cells, [], simulated=True, judged={"baseline": 0.0}).rate("baseline", 0.1) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [("", False), ("is", True), ("nic", False), ("sc", True), ("cs", False), ("ni", False)],
)
def test_what_holds_is_supported_before_anything_contradicts(said: str, expected: bool) -> None:
    """What could not tell is passed over."""
    words = {
        "i": Verdict.INCONCLUSIVE,
        "n": Verdict.NOT_OBSERVED,
        "s": Verdict.SUPPORTS,
        "c": Verdict.CONTRADICTS,
    }
    assert held(words[letter] for letter in said) is expected


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
