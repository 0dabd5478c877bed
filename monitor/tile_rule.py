"""The plain rule of the mission: a tile's hazard probability rose by more than a threshold between two acquisitions.

It works on the stored history of the tiles alone (`Observation.mean_change`, `p95_change`), knows no outline and no
reference but the look before, and so raises alerts for watch only. Later looks are judged by what the rises since then
add up to.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core.acquisitions import processing
from monitor.core.change import AlertSettings
from monitor.core.events import LookContext, add_evidence
from monitor.core.grid import PIXEL_HA, TILE_PX, project, tile_polygon
from monitor.core.lifecycle import OPEN_STATES, LifecycleSettings
from monitor.core.look_figures import LEAST_SHARE
from monitor.core.resting import rests
from monitor.core.shares import percent
from monitor.records import Detector, Event, EventState, Evidence, Observation, Tile, Verdict

_STILL_RISEN, _BACK = 0.5, 0.25
"""Shares of the first rise from which it is still there, and below which it is gone."""
_TILE_HA = TILE_PX**2 * PIXEL_HA

RowsSince = Callable[[Tile, Event], Sequence[Observation]]
"""The rows of a tile from the look that opened an event to the newest stored one, of the event's class and model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRule:
    """Thresholds and the limits of an event's life."""

    alerts: AlertSettings
    lifecycle: LifecycleSettings

    @property
    def asked_for(self) -> bool:
        """Whether the configuration sets any threshold."""
        return self.alerts.tile_mean is not None or self.alerts.tile_p95 is not None

    def events(
        self,
        rows: Sequence[Observation],
        known: Sequence[Event],
        since: RowsSince,
        before: Mapping[Tile, datetime],
        context: LookContext,
    ) -> list[Event]:
        """The known tile events with what these rows say of them, and new ones.

        Args:
            rows: of one acquisition.
            known: events of this rule, open or ended lately.
            before: when every tile was seen last.
        """
        open_now = [event for event in known if event.state in OPEN_STATES]
        of = {(tile, event.comparable, event.model_version) for event in open_now for tile in event.tiles}
        resting = [event for event in known if rests(event, context.sensing_time, context.comparable, self.lifecycle)]
        quiet = {tile for event in resting for tile in event.tiles}
        now = {row.tile: row for row in rows}
        judged = {event.id: self._heard(event, now, since, context) for event in open_now}
        risen = [
            row
            for row in rows
            if (row.tile, row.comparable, row.model_version) not in of
            and row.tile not in quiet
            and self._rise([row]) >= 1.0
        ]
        opened = [self._opened(row, before.get(row.tile, context.previous_time), context) for row in risen]
        return [*judged.values(), *opened]

    def _rise(self, rows: Sequence[Observation]) -> float:
        """What the rises of a tile add up to, in units of the threshold that they exceed most.

        Two looks that share little of the tile tell nothing of it.
        """
        seen = [row for row in rows if row.shared_fraction >= LEAST_SHARE]
        mean = sum(row.mean_change or 0.0 for row in seen)
        p95 = sum(row.p95_change or 0.0 for row in seen)
        limits = (mean, self.alerts.tile_mean), (p95, self.alerts.tile_p95)
        return max((rise / limit for rise, limit in limits if limit), default=0.0) if seen else 0.0

    def _heard(self, event: Event, now: Mapping[Tile, Observation], since: RowsSince, context: LookContext) -> Event:
        (tile,) = event.tiles
        row = now.get(tile)
        if row is None or context.comparable != event.comparable:
            return event
        if row.model_version != event.model_version or not self.asked_for:
            why = "another model version" if self.asked_for else "the rule is not asked for any more"
            verdict, level, detail = Verdict.NOT_OBSERVED, 0.0, why
        else:
            verdict, level, detail = self._verdict(event, row, since(tile, event))
        return add_evidence(event, [self._piece(verdict, level, row, detail, context)], self.lifecycle)

    def _verdict(self, event: Event, row: Observation, earlier: Sequence[Observation]) -> tuple[Verdict, float, str]:
        if row.mean_change is None or row.shared_fraction < LEAST_SHARE:
            return Verdict.NOT_OBSERVED, 0.0, f"{percent(row.shared_fraction)}% of the tile was seen in both looks"
        level = self._rise([*earlier, row])
        share = level / event.mean_change
        detail = f"the rises since add up to {level:.2f} times the threshold, {share:.0%} of the first"
        if share >= _STILL_RISEN:
            return Verdict.SUPPORTS, level, detail
        return (Verdict.CONTRADICTS if share < _BACK else Verdict.INCONCLUSIVE), level, detail

    def _piece(self, verdict: Verdict, level: float, row: Observation, detail: str, context: LookContext) -> Evidence:
        return Evidence(
            acquisition_id=context.acquisition_id,
            sensing_time=context.sensing_time,
            detector=Detector.TILE,
            verdict=verdict,
            observed_fraction=row.shared_fraction,
            level=level,
            strength=0.0,  # it stands below everything that has an outline
            detail=detail,
        )

    def _opened(self, row: Observation, before: datetime, context: LookContext) -> Event:
        level = self._rise([row])
        detail = (
            f"mean hazard probability of the tile {row.mean_change or 0.0:+.3f}, 95th percentile "
            f"{row.p95_change or 0.0:+.3f} since the look before: {level:.2f} times the threshold"
        )
        piece = replace(self._piece(Verdict.OPENS, level, row, detail, context), at_once=True)
        again = processing(context.acquisition_id)
        seen_by = hashlib.sha256(context.acquisition_key.encode()).hexdigest()[:6]
        name = f"{context.region}-{context.sensing_time:%Y%m%d}-tile-{row.tile.id}-{seen_by}"
        blank = Event(
            id=f"{name}-{again}" if again > 1 else name,
            region=context.region,
            state=EventState.CANDIDATE,
            status=context.status,
            detector=Detector.TILE,
            geometry=project(tile_polygon(row.tile), row.tile.epsg, 4326),
            area_ha=_TILE_HA * row.shared_fraction,
            mean_change=level,
            strength=piece.strength,
            spread=row.stats.spread or 0.0,
            slope_deg=0.0,
            confidence="low",
            confidence_reason="the rise of a whole tile, without an outline",
            window_start=before,
            window_end=context.sensing_time,
            model_version=row.model_version,
            comparable=context.comparable,
            tiles=(row.tile,),
            released=context.released,
        )
        return add_evidence(blank, [piece], self.lifecycle)
