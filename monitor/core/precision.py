"""How many alerts were landslides, by the word of the people who judged them.

A share of few is uncertain, so it goes with its interval (Wilson 1927, doi:10.1080/01621459.1927.10502953), and with
the number of alerts that nobody judged: people judge what they can reach, and what looks odd.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from monitor.core.geojson import Json
from monitor.records import Detector, Tier

WINDOWS_DAYS = (90, 365)
"""Of which the figure is told."""
_Z = 1.959964
"""Of 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One alert, and what people said it is. Exercises and tests are none."""

    region: str
    tier: Tier
    """By looks alone: what a person has seen is a warning whatever it was before."""
    detector: Detector
    seen: datetime
    """By the first look with it."""
    landslide: bool | None
    """The last word: confirmed from the field, or dismissed; None: nobody said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How many of some alerts were landslides."""

    landslides: int = 0
    others: int = 0
    unjudged: int = 0

    @property
    def judged(self) -> int:
        """Alerts that somebody judged."""
        return self.landslides + self.others

    @property
    def share(self) -> float | None:
        """0-1 of those that were judged; None: none was."""
        return self.landslides / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the share lies, with 95 % confidence."""
        return wilson(self.landslides, self.judged) if self.judged else None


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Interval of 95 % of a share of which so many successes were seen in so many trials, at least one."""
    share, spread = successes / trials, _Z**2 / trials
    middle = share + spread / 2
    half = _Z * sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def precision(alerts: Iterable[Judged]) -> Precision:
    """The figure of some alerts."""
    said = [one.landslide for one in alerts]
    return Precision(landslides=said.count(True), others=said.count(False), unjudged=said.count(None))


def within(alerts: Iterable[Judged], now: datetime, days: int) -> list[Judged]:
    """Those seen first in the last so many days."""
    return [one for one in alerts if now - timedelta(days=days) <= one.seen <= now]


def by_kind(alerts: Iterable[Judged]) -> dict[tuple[str, Tier, Detector], Precision]:
    """The figure by region, tier and detector."""
    groups: defaultdict[tuple[str, Tier, Detector], list[Judged]] = defaultdict(list)
    for one in alerts:
        groups[one.region, one.tier, one.detector].append(one)
    return {kind: precision(groups[kind]) for kind in sorted(groups)}


def told(region: str, alerts: Sequence[Judged], now: datetime, days: int) -> str:
    """The figure of a region in a sentence; empty where there was no alert."""
    found = precision(one for one in within(alerts, now, days) if one.region == region)
    total = found.judged + found.unjudged
    if not total:
        return ""
    alerts_of = f"{total} alert{'' if total == 1 else 's'} of the last {days} days"
    if found.share is None or found.interval is None:
        return f"{region}: nobody has judged any of {alerts_of}: how many are landslides is not known"
    low, high = found.interval
    were = f"{found.landslides} landslide{'' if found.landslides == 1 else 's'}"
    return (
        f"{region}: people judged {found.judged} of {alerts_of}: {were}, precision {found.share:.0%} "
        f"(95% interval {low:.0%} to {high:.0%}); nobody judged {found.unjudged}"
    )


def precision_json(region: str, alerts: Sequence[Judged], now: datetime) -> Json:
    """The figures of a region for programs, by window in days."""
    own = [one for one in alerts if one.region == region]
    return {str(days): _window(within(own, now, days)) for days in WINDOWS_DAYS}


def _window(alerts: Sequence[Judged]) -> Json:
    tiers = {tier.value: _json(precision(one for one in alerts if one.tier is tier)) for tier in Tier}
    seen_by = sorted({one.detector for one in alerts})
    return {
        **_json(precision(alerts)),
        "by_tier": tiers,
        "by_detector": {of.value: _json(precision(one for one in alerts if one.detector is of)) for of in seen_by},
    }


def _json(found: Precision) -> Json:
    return {
        "landslides": found.landslides,
        "no_landslides": found.others,
        "unjudged": found.unjudged,
        "precision": None if found.share is None else round(found.share, 4),
        "interval_95": None if found.interval is None else [round(one, 4) for one in found.interval],
    }
