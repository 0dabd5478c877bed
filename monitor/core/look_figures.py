"""What the newest look at a region says in a few numbers, from the history rows of its tiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from monitor.core.change import AlertSettings
from monitor.core.drift import stability_index

LEAST_SHARE = 0.3
"""Two looks that share less of a tile tell nothing of its change."""
_USUAL_MEAN, _USUAL_P95 = 0.1, 0.4
"""Rises that are counted where the configuration asks for no alerts of whole tiles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRow:
    """What one look says of one tile through its network."""

    mean: float
    """Probability, 0-1."""
    mean_change: float | None
    """Against the comparable look before; None: there is none."""
    p95_change: float | None
    shared_fraction: float
    hazard_area_ha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRows:
    """The newest look of one sensor at the tiles of a region, and earlier ones that are comparable with it."""

    tiles: Mapping[str, TileRow] = field(default_factory=dict)
    """By tile id; none: there is no look, or no network that spoke."""
    before: Sequence[float] = ()
    """Mean probabilities of the same tiles in earlier looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookFigures:
    """A look in numbers."""

    probability_mean: float
    """Mean of the tiles' mean probabilities, 0-1."""
    largest_change: float | None
    """Largest rise of a tile's mean probability against the comparable look before; None: none is comparable."""
    over_threshold: int
    """Tiles that rose by at least what raises an alert of a whole tile."""
    hazard_area_ha: float
    stability_index: float | None
    """`core.drift`; None: too few tiles, or too few earlier looks."""


def look_figures(rows: LookRows, alerts: AlertSettings) -> LookFigures | None:
    """The numbers of a look; None where no network spoke."""
    tiles = list(rows.tiles.values())
    if not tiles:
        return None
    shared = [one for one in tiles if one.mean_change is not None and one.shared_fraction >= LEAST_SHARE]
    means = [one.mean for one in tiles]
    return LookFigures(
        probability_mean=fmean(means),
        largest_change=max((one.mean_change for one in shared if one.mean_change is not None), default=None),
        over_threshold=sum(_is_over(one, alerts) for one in shared),
        hazard_area_ha=sum(one.hazard_area_ha for one in tiles),
        stability_index=stability_index(means, rows.before),
    )


def _is_over(row: TileRow, alerts: AlertSettings) -> bool:
    asked = alerts.tile_mean is not None or alerts.tile_p95 is not None
    mean, p95 = (alerts.tile_mean, alerts.tile_p95) if asked else (_USUAL_MEAN, _USUAL_P95)
    rises = (row.mean_change, mean), (row.p95_change, p95)
    return any(rise is not None and limit is not None and rise >= limit for rise, limit in rises)
