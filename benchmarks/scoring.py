"""Counting: which implants lie in a found cluster, how many clusters lie on quiet ground, with intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

from monitor.core.change import AlertSettings
from monitor.core.clusters import grow, label_clusters
from monitor.core.grid import PIXEL_HA
from monitor.records import Detector

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

_EIGHT = np.ones((3, 3), dtype=bool)
FOUND_SHARE = 0.2
"""An implant is found when at least this share of its bare area lies in a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Change of both detectors on a piece of ground. Arrays are (H, W)."""

    network: Array
    baseline: Array
    slope_deg: Array
    elevation_m: Array
    pair: Array | None = None
    """Answer of the change model, if one is measured: of both dates as one input, not a difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Implant:
    """One painted scar and the change around it."""

    area_ha: float
    bare: Array
    """(H, W) share of each pixel that is bare."""
    hidden: float
    """Share of its area that the mask of the painted scene, or the earlier look's, hides."""
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """The same ground without implants."""

    ground: Ground
    where: Mask
    """(H, W) the quiet ground: every cluster here is a false event."""
    area_km2: float


Rule = Callable[[Ground], Mask]
"""Changed pixels of a piece of ground by one detector at one threshold."""


def network_rule(high: float, settings: AlertSettings) -> Rule:
    """The network alone, started at `high`, grown to the shipped proportion of it."""
    low = high * settings.low / settings.high
    return lambda ground: grow(ground.network, ground.slope_deg, high, low, settings.seed_slope_deg)


def baseline_rule(high: float, settings: AlertSettings) -> Rule:
    """The log-ratio of red alone, started at `high`, grown to the shipped proportion of it."""
    low = high * settings.baseline_low / settings.baseline_high
    return lambda ground: grow(ground.baseline, ground.slope_deg, high, low, settings.seed_slope_deg)


def pair_rule(high: float, settings: AlertSettings) -> Rule:
    """The change model alone, started at `high`, grown to the same proportion of it as the network.

    Its answer is no difference, so nothing is taken off for the scene. Without such a model nothing has changed.
    """
    low = high * settings.low / settings.high

    def changed(ground: Ground) -> Mask:
        if ground.pair is None:
            return np.zeros(ground.slope_deg.shape, dtype=bool)
        return grow(ground.pair, ground.slope_deg, high, low, settings.seed_slope_deg)

    return changed


def union_rule(first: Rule, second: Rule) -> Rule:
    """What either sees."""
    return lambda ground: first(ground) | second(ground)


def supported_rule(rule: Rule, detector: Detector, least: float) -> Rule:
    """Connected change of `rule` in which the mean of the other `detector`'s change is at least `least`."""

    def supported(ground: Ground) -> Mask:
        mask = rule(ground)
        labels, count = ndimage.label(mask, structure=_EIGHT)
        if not count:
            return mask
        other = ground.network if detector is Detector.NETWORK else ground.baseline
        level = ndimage.mean(np.nan_to_num(other, nan=0.0), labels, index=np.arange(1, count + 1))
        keep = np.concatenate([[False], np.asarray(level) >= least])
        return np.asarray(keep[labels])

    return supported


def strong_rule(rule: Rule, detector: Detector, least: float, settings: AlertSettings) -> Rule:
    """Clusters of `rule` whose strength (ha x mean change of `detector`) is at least `least`: those shown as alerts."""

    def strong(ground: Ground) -> Mask:
        mask = rule(ground)
        labels, count = _labels(mask, ground, settings)
        change = ground.network if detector is Detector.NETWORK else ground.baseline
        strength = ndimage.sum(np.nan_to_num(change, nan=0.0), labels, index=np.arange(count + 1)) * PIXEL_HA
        keep = np.asarray(strength) >= least
        keep[0] = False
        return np.asarray(keep[labels])

    return strong


def is_found(implant: Implant, rule: Rule, settings: AlertSettings) -> bool:
    """Whether enough of an implant lies in clusters."""
    enough = FOUND_SHARE * float(implant.bare.sum())
    mask = rule(implant.ground)
    if float(implant.bare[mask].sum()) < enough:
        return False
    labels, _ = _labels(mask, implant.ground, settings)
    return float(implant.bare[labels > 0].sum()) >= enough


def false_events(quiet: Quiet, rule: Rule, settings: AlertSettings) -> int:
    """Clusters of changed pixels on the quiet ground."""
    return _labels(rule(quiet.ground) & quiet.where, quiet.ground, settings)[1]


def detection(implants: Sequence[Implant], rule: Rule, settings: AlertSettings) -> dict[float, tuple[int, int]]:
    """(found, painted) by size."""
    counts: dict[float, tuple[int, int]] = {}
    for implant in implants:
        found, painted = counts.get(implant.area_ha, (0, 0))
        counts[implant.area_ha] = found + is_found(implant, rule, settings), painted + 1
    return dict(sorted(counts.items()))


def binomial_interval(found: int, painted: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a share."""
    tail = (1.0 - level) / 2.0
    low = float(stats.beta.ppf(tail, found, painted - found + 1)) if found else 0.0
    high = float(stats.beta.ppf(1.0 - tail, found + 1, painted - found)) if found < painted else 1.0
    return low, high


def _labels(mask: Mask, ground: Ground, settings: AlertSettings) -> tuple[NDArray[np.int32], int]:
    return label_clusters(mask, ground.slope_deg, ground.elevation_m, settings)
