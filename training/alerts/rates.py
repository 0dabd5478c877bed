"""What the tiers would have cost a deployment on its own quiet ground, and what of painted scars they would tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from monitor.core.null_rate import PER_KM2, NullRates, Prior, QuietCluster, count
from monitor.drill import Found, ScarReport
from monitor.records import Sensor
from training.alerts.change import Row
from training.alerts.counting import poisson_interval
from training.alerts.history import Part, QuietHistory, joined
from training.alerts.outcomes import Opened, Outcome

BUDGETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, inf)
"""False events per 1,000 km² and year that a tier may cost."""


Painted = Mapping[Sensor, Sequence[ScarReport]]
"""What became of scars that were painted into the pixels of a sensor."""
Size = tuple[Sensor, float]
"""Sensor and hectares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """False events of one budget, by any detector."""

    count: int
    km2_years: float
    """That any sensor watched."""
    unknown: int = 0
    """More, of which nobody knows what they are."""

    @property
    def per_1000(self) -> float:
        """Per 1,000 km² and year."""
        return PER_KM2 * self.count / self.km2_years

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Poisson interval of that."""
        low, high = poisson_interval(self.count)
        return PER_KM2 * low / self.km2_years, PER_KM2 * high / self.km2_years

    def __str__(self) -> str:
        low, high = self.interval
        told = f"{self.count} ({self.per_1000:.0f} per 1,000 km² and year, 95 % Poisson: {low:.0f}–{high:.0f})"
        return f"{told} and {self.unknown} of which nobody knows" if self.unknown else told


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one budget costs and tells."""

    budget: float
    first: Cost
    """Told at their first look ..."""
    held: Cost
    """... and told once a second look holds them."""
    told: Mapping[Size, tuple[int, int]]
    """Painted scars that were told at their first look, and all that lay on observed ground."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The null of a deployment, and what came of it."""

    null: NullRates
    history: QuietHistory
    prior: Prior
    steps: tuple[Step, ...]
    events: tuple[Row, ...] = ()
    """The own events by the shipped rates and by these."""
    ground: tuple[Row, ...] = ()
    """So what kinds of ground may do."""

    @property
    def km2_years(self) -> float:
        """What any sensor watched: several watch the same ground, so exposures of detectors are not added."""
        return self.history.km2_years


def null_of(history: QuietHistory, prior: Prior, sources: Sequence[str]) -> NullRates:
    """What a deployment's quiet ground did, pooled with the prior."""
    known = sources if not prior.rates.curves else (*sources, *prior.rates.sources)
    simulated = history.simulated or (prior.rates.simulated and bool(prior.rates.curves))
    return _counted(history.whole, prior, known, simulated)


def if_all_were_false(history: QuietHistory, prior: Prior) -> NullRates:
    """What the null would be, were every event false that nobody judged."""
    whole = history.whole
    guilty = [replace(one, outcome=Outcome.FALSE) for one in whole.events if one.outcome is Outcome.UNKNOWN]
    judged = [one for one in whole.events if one.outcome is not Outcome.UNKNOWN]
    return _counted(replace(whole, events=(*judged, *guilty)), prior, [], True)


def _counted(part: Part, prior: Prior, sources: Sequence[str], simulated: bool) -> NullRates:
    """What is not known is left out with its share of the exposure."""
    exposure = {
        detector: {strata: km2_years * part.share_told(detector) for strata, km2_years in cells.items()}
        for detector, cells in part.exposure.items()
    }
    judged = {detector: part.share_judged(detector) for detector in exposure}
    return count(part.clusters, exposure, sources, simulated, prior, judged)


def steps_of(
    history: QuietHistory, prior: Prior, painted: Painted, budgets: Sequence[float] = BUDGETS
) -> tuple[Step, ...]:
    """Costs over the budgets, of all detectors together; what some tiles did is judged by a null of the others."""
    judged = [one for place in range(len(history.parts)) for one in _judged(history, prior, place)]
    exposure = history.km2_years
    return tuple(
        Step(
            budget=budget,
            first=_cost([one for one, first, _ in judged if first <= budget], exposure),
            held=_cost([one for one, _, rate in judged if rate <= budget and one.cluster.held], exposure),
            told=told(painted, budget),
        )
        for budget in budgets
    )


def _cost(events: Sequence[Opened], km2_years: float) -> Cost:
    numbers = Counter(one.outcome for one in events)
    return Cost(count=numbers[Outcome.FALSE], km2_years=km2_years, unknown=numbers[Outcome.UNKNOWN])


def _judged(history: QuietHistory, prior: Prior, place: int) -> list[tuple[Opened, float, float]]:
    """The events of one part with their rates by a null of the others, at the first look and once held."""
    others = [part for number, part in enumerate(history.parts) if number != place]
    null = _counted(joined(others), prior, [], True)
    return [(one, *_rates(null, one.cluster)) for one in history.parts[place].events]


def _rates(null: NullRates, cluster: QuietCluster) -> tuple[float, float]:
    return null.rate(cluster.detector, cluster.strength, cluster.strata) or (inf, inf)


def told(painted: Painted, budget: float) -> dict[Size, tuple[int, int]]:
    """Painted scars that so rare a change tells at its first look, and those that were observed."""
    found: dict[Size, tuple[int, int]] = {}
    for sensor, scars in painted.items():
        for one in (scar for scar in scars if scar.found is not Found.HIDDEN):
            hits, of = found.get((sensor, one.area_ha), (0, 0))
            rate = inf if one.rate is None else one.rate
            found[sensor, one.area_ha] = hits + (one.detector is not None and rate <= budget), of + 1
    return dict(sorted(found.items()))
