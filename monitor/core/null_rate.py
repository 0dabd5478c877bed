"""How often quiet ground looks like a landslide: the pooled empirical null of the strength of clusters.

A rate is in false events per 1,000 km² and year. It is counted: so many clusters at least so strong opened on so much
ground in so much time where nothing had failed. One more than was counted is taken, so that nothing is said to be rarer
than the exposure can show (the mean of a Poisson rate under a uniform prior). Detectors have curves of their own. The
strata of one detector (slope, season, light, land cover) share its curve times a factor for each of their words: a
log-linear Poisson model, fitted by scaling the words' margins in turn (Deming and Stephan 1940) with a gamma prior
that draws a factor to 1 where little was seen. Over all ground that was counted the model expects what was counted.

A deployment's own counts may be pooled with those of other ground (`Prior`), which weigh as so many km² × years at
most: what they found is scaled to that, and the own counts are added. So it is with the factors: the other ground
counts in them with all of its weight, as if it had been of the own one's make-up. (Were they drawn to its factors by a
few events only, every word would take for itself what the pooled curve cannot give: 13 events on 3 km² × years then
move a rate that 250 others stand behind by a factor of 20.)

An event that a later look held may be a landslide, whatever ground it is on. Where people judged only some of those,
the rest is left out with its share of the exposure: what does not hold and what holds are two Poisson rates, each
counted on the exposure whose events are known, and events open at the sum of both.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from monitor.records import Verdict

PER_KM2 = 1000.0
LEARNED_KM2_YEARS = 25.0
"""Of a detector's own exposure, below which a region is learning: with none found on as much, the rate is below 120 per
1,000 km² and year (95 %, one-sided), and no lower."""
DECIDES = frozenset({Verdict.SUPPORTS, Verdict.CONTRADICTS})
"""What a look says that could tell."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What was counted on other ground, for a deployment that has seen little of its own."""

    rates: NullRates = field(default_factory=lambda: NullRates(curves={}, factors={}, km2_years={}))
    most_km2_years: float = 500.0
    """It weighs as much at most: from there on what a deployment saw itself counts for more."""

    def km2_years(self, detector: str) -> float:
        """What it weighs."""
        return min(self.rates.km2_years.get(detector, 0.0), self.most_km2_years)

    def found(self, detector: str, strength: float) -> tuple[float, float]:
        """Events at least so strong that opened, and that held, on as much ground."""
        rates, weight = self.rates, self.km2_years(detector)
        if not weight:
            return 0.0, 0.0
        curve, share = rates.curves[detector], weight / rates.km2_years[detector]
        place = bisect_left(curve.strengths, strength)
        # The one that is taken beyond what was counted is taken once, after pooling.
        opened, held = (rate[place] * rates.km2_years[detector] / PER_KM2 - 1.0 for rate in (curve.opened, curve.held))
        return max(opened, 0.0) * share, max(held, 0.0) * share


NO_PRIOR = Prior()


def held(later: Iterable[Verdict]) -> bool:
    """Whether the first later look that could tell supported an event, by what looks said of it in order of time."""
    return next((one for one in later if one in DECIDES), None) is Verdict.SUPPORTS


def count(
    clusters: Sequence[QuietCluster],
    exposure: Exposure,
    sources: Sequence[str],
    simulated: bool,
    prior: Prior = NO_PRIOR,
    judged: Mapping[str, float] | None = None,
) -> NullRates:
    """The null of what was counted, pooled with a prior. Detectors without exposure are left out.

    Args:
        judged: by detector the share of the events that held of which it is known what they were, 0 to 1; one that is
            not named: all. `clusters` are those of them that were no landslides.
    """
    own = {detector: sum(cells.values()) for detector, cells in exposure.items()}
    totals = {name: own.get(name, 0.0) + prior.km2_years(name) for name in {*own, *prior.rates.km2_years}}
    holding = {name: own.get(name, 0.0) * (judged or {}).get(name, 1.0) + prior.km2_years(name) for name in totals}
    watched = sorted(detector for detector, km2_years in holding.items() if km2_years > 0)
    of = {detector: [one for one in clusters if one.detector == detector] for detector in watched}
    return NullRates(
        curves={
            detector: _curve(of[detector], (totals[detector], holding[detector]), prior, detector)
            for detector in watched
        },
        factors={
            detector: _factors(of[detector], exposure.get(detector, {}), totals[detector], prior, detector)
            for detector in watched
        },
        km2_years={detector: holding[detector] for detector in watched},
        sources=tuple(sources),
        simulated=simulated,
    )


def _curve(clusters: Sequence[QuietCluster], km2_years: tuple[float, float], prior: Prior, detector: str) -> Curve:
    """
    Args:
        km2_years: on which what does not hold was counted, and what holds.
    """
    passed = sorted(one.strength for one in clusters if not one.held)
    kept = sorted(one.strength for one in clusters if one.held)
    known = prior.rates.curves.get(detector)
    # Beyond the strongest there is none, and one more is taken all the same.
    steps = (*sorted({*passed, *kept, *(known.strengths[:-1] if known else ())}), float("inf"))
    before = [prior.found(detector, strength) for strength in steps]
    passes = [
        (_at_least(passed, one) + max(opened - held, 0.0)) * PER_KM2 / km2_years[0]
        for one, (opened, held) in zip(steps, before, strict=True)
    ]
    holds = [
        (_at_least(kept, one) + held + 1) * PER_KM2 / km2_years[1] for one, (_, held) in zip(steps, before, strict=True)
    ]
    return Curve(
        strengths=steps,
        opened=tuple(one + other for one, other in zip(passes, holds, strict=True)),
        held=tuple(holds),
    )


def _at_least(rising: Sequence[float], strength: float) -> int:
    return len(rising) - bisect_left(rising, strength)


def _factors(
    clusters: Sequence[QuietCluster], cells: Mapping[Strata, float], km2_years: float, prior: Prior, detector: str
) -> dict[str, float]:
    """How much more often than on average clusters opened where a word holds, the other words being the same.

    Args:
        km2_years: of the cells and the prior together.
    """
    own = Counter(one.strata for one in clusters)
    found, watched = prior.found(detector, 0.0)[0], sum(cells.values())
    overall = (sum(own.values()) + found) / km2_years
    drawn_to = prior.rates.factors.get(detector, {}) if prior.km2_years(detector) else {}
    words = sorted({*drawn_to, *(word for strata in (*cells, *own) for word in strata)})
    factors = {word: drawn_to.get(word, 1.0) for word in words}
    if not overall or not watched:
        return factors
    # The other ground, as if it had been of the make-up of one's own; of a word that it does not know it says nothing.
    alike = {strata: found * part / watched * _product(factors, strata) for strata, part in cells.items()}
    more = prior.km2_years(detector) / watched
    seen = {word: _with(word, own) + (_with(word, alike) if word in drawn_to else 0.0) for word in words}
    for _ in range(_ROUNDS):
        for word in words:
            rest = {strata: part * _product(factors, strata, without=word) for strata, part in cells.items()}
            expected = _with(word, rest) * overall * (1.0 + more if word in drawn_to else 1.0)
            factors[word] = (seen[word] + _PRIOR_EVENTS * drawn_to.get(word, 1.0)) / (expected + _PRIOR_EVENTS)
    return factors if drawn_to else _levelled(factors, cells, km2_years)


def _with(word: str, of: Mapping[Strata, float]) -> float:
    return sum(number for strata, number in of.items() if word in strata)


def _levelled(factors: dict[str, float], cells: Mapping[Strata, float], km2_years: float) -> dict[str, float]:
    """Factors whose mean over all ground is 1: what the prior draws away is put into the word that stands first."""
    mean = sum(seen * _product(factors, strata) for strata, seen in cells.items()) / km2_years
    first = {strata[0] for strata in cells if strata}
    return {word: factor / mean if word in first else factor for word, factor in factors.items()}


def _product(factors: Mapping[str, float], strata: Iterable[str], without: str = "") -> float:
    return prod(factors[word] for word in strata if word != without)
