"""How often quiet ground looks like a landslide: the pooled empirical null of cluster strengths.

A rate is in false events per 1,000 km² and year. It is counted, not modelled: so many clusters at least that strong
opened on so much ground in so much time where nothing failed. One more than was counted is taken, so that nothing is
said to be rarer than the exposure can show (the mean of a Poisson rate under a uniform prior). Sensors have curves of
their own; land cover, slope and season share the curve of their sensor, times a factor that is drawn towards 1 where
little was seen, as if it had been observed together with `_PRIOR_EVENTS` more of an average kind (gamma prior).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

PER_KM2 = 1000.0
_PRIOR_EVENTS = 10.0
"""Of a stratum that nobody has seen, as many as would make it average."""
_SLOPES = ((20.0, "slope < 20°"), (30.0, "slope 20-30°"), (40.0, "slope 30-40°"), (91.0, "slope > 40°"))
"""90th percentile under a cluster."""
_SEASONS = ("winter", "winter", "spring", "spring", "spring", "summer") + (
    "summer",
    "summer",
    "autumn",
    "autumn",
    "autumn",
    "winter",
)
"""Of the northern hemisphere, by month."""
_OPPOSITE = {"winter": "summer", "summer": "winter", "spring": "autumn", "autumn": "spring"}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietCluster:
    """A cluster that opened an event where nothing had failed."""

    sensor: str
    strength: float
    """Hectares times mean change, in the measure of its detector."""
    held: bool
    """A later look supported it before any contradicted it."""
    strata: tuple[str, ...]
    """What kind of ground it was, and when: words of `slope_class`, `season` and of land cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What was watched."""

    km2_years: Mapping[str, float]
    """By sensor: ground compared, times how long it had not been seen."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Of a stratum in that of all sensors, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How often clusters of one sensor were at least so strong."""

    strengths: tuple[float, ...]
    """Rising."""
    opened: tuple[float, ...]
    """Rate of events that opened at least so strong; falling."""
    held: tuple[float, ...]
    """Rate of those that a later look supported; falling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullRates:
    """What quiet ground does, by sensor."""

    curves: Mapping[str, Curve]
    factors: Mapping[str, Mapping[str, float]]
    """By sensor and stratum; a stratum that is not there has the factor 1."""
    km2_years: Mapping[str, float]
    sources: tuple[str, ...] = ()
    """On what ground it was counted, in words."""

    def rate(self, sensor: str, strength: float, strata: Iterable[str] = ()) -> tuple[float, float] | None:
        """How often an event at least so strong opens on quiet ground, and how often one does that holds.

        None where the sensor was never counted.
        """
        curve = self.curves.get(sensor)
        if curve is None:
            return None
        known = self.factors.get(sensor, {})
        factor = 1.0
        for stratum in strata:
            factor *= known.get(stratum, 1.0)
        # The curve falls in steps: what is at least so strong is counted at the next strength that was seen.
        place = min(bisect_left(curve.strengths, strength), len(curve.strengths) - 1)
        floor = PER_KM2 / self.km2_years[sensor]
        return max(curve.opened[place] * factor, floor), max(curve.held[place] * factor, floor)


def slope_class(slope_deg: float) -> str:
    """The stratum of a slope, in degrees."""
    return next(name for least, name in _SLOPES if not slope_deg >= least)


def season(time: datetime, latitude_deg: float) -> str:
    """The meteorological season there."""
    north = _SEASONS[time.month - 1]
    return north if latitude_deg >= 0 else _OPPOSITE[north]


def count(clusters: Sequence[QuietCluster], exposure: Exposure, sources: Sequence[str]) -> NullRates:
    """The null of what was counted. Sensors without exposure are left out."""
    sensors = sorted(sensor for sensor, km2_years in exposure.km2_years.items() if km2_years > 0)
    of = {sensor: [one for one in clusters if one.sensor == sensor] for sensor in sensors}
    return NullRates(
        curves={sensor: _curve(of[sensor], exposure.km2_years[sensor]) for sensor in sensors},
        factors={sensor: _factors(of[sensor], exposure.shares) for sensor in sensors},
        km2_years={sensor: exposure.km2_years[sensor] for sensor in sensors},
        sources=tuple(sources),
    )


def _curve(clusters: Sequence[QuietCluster], km2_years: float) -> Curve:
    strengths = sorted({one.strength for one in clusters})
    per = PER_KM2 / km2_years
    opened = sorted(one.strength for one in clusters)
    held = sorted(one.strength for one in clusters if one.held)
    # Beyond the strongest that was seen there is none, and one more is taken all the same.
    steps = (*strengths, float("inf"))
    return Curve(
        strengths=steps,
        opened=tuple((_at_least(opened, strength) + 1) * per for strength in steps),
        held=tuple((_at_least(held, strength) + 1) * per for strength in steps),
    )


def _at_least(rising: Sequence[float], strength: float) -> int:
    return len(rising) - bisect_left(rising, strength)


def _factors(clusters: Sequence[QuietCluster], shares: Mapping[str, float]) -> dict[str, float]:
    """How much more often than on average clusters opened in each stratum."""
    counts = Counter(stratum for one in clusters for stratum in one.strata)
    expected = {stratum: share * len(clusters) for stratum, share in shares.items()}
    return {
        stratum: (counts[stratum] + _PRIOR_EVENTS) / (of_it + _PRIOR_EVENTS) for stratum, of_it in expected.items()
    }
