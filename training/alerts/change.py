"""What a calibration changes: shipped rates beside the written ones, and the tiers that follow from both."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from monitor.core.null_rate import NullRates, QuietCluster, Strata
from training.alerts.history import QuietHistory
from training.alerts.outcomes import Opened

_KINDS = 3
"""Kinds of ground and time of a detector that are listed: those of most exposure."""
_SHARES = (0.5, 0.75, 0.9, 0.97, 1.0)
"""Of the strengths that other ground was seen to make: where a kind of ground has its rows."""


class Told(IntEnum):
    """What a change at its first look becomes, the louder the more."""

    CANDIDATE = 0
    """Nobody is told."""
    WATCH = 1
    WARNING = 2

    @property
    def word(self) -> str:
        """As people read it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One change on some ground: its rates before and after, and what it becomes."""

    detector: str
    strata: Strata
    strength: float
    before: tuple[float, float] | None
    """Shipped: at the first look, and once held; None: of this detector none are."""
    after: tuple[float, float] | None
    """Written."""
    if_false: tuple[float, float] | None
    """As if every event had been false that nobody judged."""
    was: Told | None
    """None: no rate is known, hectares × change decide."""
    becomes: Told | None
    event: Opened | None = None
    """None: no event, but what a kind of ground may do."""

    @property
    def quieter(self) -> bool:
        """Whether less is told of it than by the shipped rates."""
        return self.was is not None and self.becomes is not None and self.becomes < self.was


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The nulls that are compared, and the thresholds of the tiers."""

    before: NullRates
    after: NullRates
    if_false: NullRates
    watch: float
    warning: float

    def row(self, cluster: QuietCluster, event: Opened | None = None) -> Row:
        """Of one change."""
        before, after, if_false = (
            null.rate(cluster.detector, cluster.strength, cluster.strata)
            for null in (self.before, self.after, self.if_false)
        )
        return Row(
            detector=cluster.detector,
            strata=cluster.strata,
            strength=cluster.strength,
            before=before,
            after=after,
            if_false=if_false,
            was=self._told(before),
            becomes=self._told(after),
            event=event,
        )

    def _told(self, rates: tuple[float, float] | None) -> Told | None:
        if rates is None:
            return None
        return Told((rates[0] <= self.watch) + (rates[0] <= self.warning))


def event_rows(history: QuietHistory, rates: Rates) -> tuple[Row, ...]:
    """The own events, largest first."""
    return tuple(rates.row(one.cluster, one) for one in sorted(history.events, key=lambda one: -one.area_ha))


def ground_rows(history: QuietHistory, rates: Rates) -> tuple[Row, ...]:
    """Changes from common to rare, by detector on the kinds of ground of which most was watched."""
    return tuple(
        rates.row(QuietCluster(detector=detector, strength=strength, held=False, strata=strata))
        for detector, cells in history.exposure.items()
        for strata in sorted(cells, key=lambda one: -cells[one])[:_KINDS]
        for strength in _strengths(rates.before if detector in rates.before.curves else rates.after, detector)
    )


def _strengths(null: NullRates, detector: str) -> Iterable[float]:
    curve = null.curves.get(detector)
    found = curve.strengths[:-1] if curve else ()
    return dict.fromkeys(found[bisect_left(range(len(found)), share * (len(found) - 1))] for share in _SHARES if found)


def quieter(rows: Sequence[Row]) -> list[Row]:
    """Those of which less would be told."""
    return [one for one in rows if one.quieter]
