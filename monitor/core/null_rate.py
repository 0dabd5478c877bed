"""How often quiet ground looks like a landslide: the pooled empirical null of the strength of clusters.

A rate is in false events per 1,000 km² and year. It is counted: so many clusters at least so strong opened on so much
ground in so much time where nothing had failed. One more than was counted is taken, so that nothing is said to be rarer
than the exposure can show (the mean of a Poisson rate under a uniform prior). Detectors have curves of their own. The
strata of one detector (slope, season, light, land cover) share its curve times a factor for each of their words: a
log-linear Poisson model, fitted by scaling the words' margins in turn (Deming and Stephan 1940) with a gamma prior
that draws a factor to 1 where little was seen.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

PER_KM2 = 1000.0
_PRIOR_EVENTS = 5.0
"""As if every word had been seen with so many more clusters, and as many more had been expected there."""
_ROUNDS = 100

Strata = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietCluster:
    """A cluster that opened an event where nothing had failed."""

    detector: str
    strength: float
    """Hectares times mean change, in the measure of its detector."""
    held: bool
    """A later look supported it before any contradicted it."""
    strata: Strata


Exposure = Mapping[str, Mapping[Strata, float]]
"""What was watched, km² × years, by detector and strata: ground compared, times how long it had not been seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How often clusters of one detector were at least so strong. All three have the same length."""

    strengths: tuple[float, ...]
    """Rising; the last is infinite."""
    opened: tuple[float, ...]
    """Rate of events that opened at least so strong; falling."""
    held: tuple[float, ...]
    """Rate of those that a later look supported; falling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullRates:
    """What quiet ground does, by detector."""

    curves: Mapping[str, Curve]
    factors: Mapping[str, Mapping[str, float]]
    """By detector and word; a word that is not there has the factor 1."""
    km2_years: Mapping[str, float]
    sources: tuple[str, ...] = ()
    """On what ground it was counted, in words."""
    simulated: bool = True
    """Any of that ground is made up."""

    def rate(self, detector: str, strength: float, strata: Strata = ()) -> tuple[float, float] | None:
        """How often an event at least so strong opens on quiet ground, and how often one does that holds.

        None where the detector was never counted.
        """
        curve = self.curves.get(detector)
        if curve is None:
            return None
        known = self.factors.get(detector, {})
        factor = prod(known.get(word, 1.0) for word in strata)
        # The curve falls in steps: what is at least so strong is counted from the next strength that was seen.
        place = bisect_left(curve.strengths, strength)
        floor = PER_KM2 / self.km2_years[detector]
        return max(curve.opened[place] * factor, floor), max(curve.held[place] * factor, floor)


def count(clusters: Sequence[QuietCluster], exposure: Exposure, sources: Sequence[str], simulated: bool) -> NullRates:
    """The null of what was counted. Detectors without exposure are left out."""
    totals = {detector: sum(cells.values()) for detector, cells in exposure.items()}
    watched = sorted(detector for detector, km2_years in totals.items() if km2_years > 0)
    of = {detector: [one for one in clusters if one.detector == detector] for detector in watched}
    return NullRates(
        curves={detector: _curve(of[detector], totals[detector]) for detector in watched},
        factors={
            detector: _factors(Counter(one.strata for one in of[detector]), exposure[detector]) for detector in watched
        },
        km2_years={detector: totals[detector] for detector in watched},
        sources=tuple(sources),
        simulated=simulated,
    )


def _curve(clusters: Sequence[QuietCluster], km2_years: float) -> Curve:
    opened = sorted(one.strength for one in clusters)
    held = sorted(one.strength for one in clusters if one.held)
    # Beyond the strongest there is none, and one more is taken all the same.
    steps = (*sorted(set(opened)), float("inf"))
    per = PER_KM2 / km2_years
    return Curve(
        strengths=steps,
        opened=tuple((_at_least(opened, strength) + 1) * per for strength in steps),
        held=tuple((_at_least(held, strength) + 1) * per for strength in steps),
    )


def _at_least(rising: Sequence[float], strength: float) -> int:
    return len(rising) - bisect_left(rising, strength)


def _factors(counts: Mapping[Strata, int], cells: Mapping[Strata, float]) -> dict[str, float]:
    """How much more often than on average clusters opened where a word holds, the other words being the same."""
    overall = sum(counts.values()) / sum(cells.values())
    words = sorted({word for strata in (*cells, *counts) for word in strata})
    factors = dict.fromkeys(words, 1.0)
    if not overall:
        return factors
    seen = {word: sum(number for strata, number in counts.items() if word in strata) for word in words}
    for _ in range(_ROUNDS):
        for word in words:
            expected = sum(
                km2_years * overall * _product(factors, strata, without=word)
                for strata, km2_years in cells.items()
                if word in strata
            )
            factors[word] = (seen[word] + _PRIOR_EVENTS) / (expected + _PRIOR_EVENTS)
    return factors


def _product(factors: Mapping[str, float], strata: Iterable[str], without: str) -> float:
    return prod(factors[word] for word in strata if word != without)
