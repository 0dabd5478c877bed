"""What the tiers would have cost a deployment on its own quiet ground, and what of painted scars they would tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from monitor.core.null_rate import PER_KM2, NullRates, Prior, QuietCluster, count
from monitor.drill import Found, ScarReport
from monitor.records import Sensor
from training.alerts.counting import poisson_interval
from training.alerts.history import QuietHistory, together

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
        return f"{self.count} ({self.per_1000:.0f} per 1,000 km² and year, 95 % Poisson: {low:.0f}–{high:.0f})"


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

    @property
    def km2_years(self) -> float:
        """What any sensor watched: several watch the same ground, so exposures of detectors are not added."""
        return self.history.km2_years


def null_of(history: QuietHistory, prior: Prior, sources: Sequence[str]) -> NullRates:
    """What a deployment's quiet ground did, pooled with the prior."""
    known = sources if not prior.rates.curves else (*sources, *prior.rates.sources)
    simulated = history.simulated or (prior.rates.simulated and bool(prior.rates.curves))
    return count(history.clusters, history.exposure, known, simulated, prior)


def steps_of(
    history: QuietHistory, prior: Prior, painted: Painted, budgets: Sequence[float] = BUDGETS
) -> tuple[Step, ...]:
    """Costs over the budgets, of all detectors together; what some tiles did is judged by a null of the others."""
    judged = [one for place in range(len(history.parts)) for one in _judged(history, prior, place)]
    exposure = history.km2_years
    return tuple(
        Step(
            budget=budget,
            first=Cost(count=sum(first <= budget for first, _, _ in judged), km2_years=exposure),
            held=Cost(count=sum(rate <= budget and kept for _, rate, kept in judged), km2_years=exposure),
            told=told(painted, budget),
        )
        for budget in budgets
    )


def _judged(history: QuietHistory, prior: Prior, place: int) -> list[tuple[float, float, bool]]:
    """Rates of the clusters of one part, by a null of the others, and whether they held."""
    others = [part for number, part in enumerate(history.parts) if number != place]
    null = count([one for part in others for one in part.clusters], together(others), [], True, prior)
    return [(*_rates(null, one), one.held) for one in history.parts[place].clusters]


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
