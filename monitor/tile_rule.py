"""The plain rule of the mission: a tile's hazard probability rose by more than a threshold between two acquisitions.

It works on the stored history of the tiles alone (`Observation.mean_change`, `p95_change`), knows no outline and no
reference but the look before, and so raises alerts for watch only. Later looks are judged by what the rises since then
add up to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.core.acquisitions import processing
from monitor.core.change import AlertSettings
from monitor.core.events import LookContext, add_evidence
from monitor.core.grid import PIXEL_HA, TILE_PX, project, tile_polygon
from monitor.core.lifecycle import LifecycleSettings
from monitor.records import Detector, Event, EventState, Evidence, Observation, Tile, Verdict

_LEAST_SHARE = 0.3
"""Share of a tile that both looks must show."""
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
            known: open events of this rule.
            before: when every tile was seen last.
        """
        of = {tile: event for event in known for tile in event.tiles}
        now = {row.tile: row for row in rows}
        judged = {event.id: self._heard(event, now, since, context) for event in known}
        risen = [row for row in rows if row.tile not in of and self._rise([row]) >= 1.0]
        opened = [self._opened(row, before.get(row.tile, context.previous_time), context) for row in risen]
        return [*judged.values(), *opened]

    def _rise(self, rows: Sequence[Observation]) -> float:
        """What the rises of a tile add up to, in units of the threshold that they exceed most."""
        mean = sum(row.mean_change or 0.0 for row in rows)
        p95 = sum(row.p95_change or 0.0 for row in rows)
        limits = (mean, self.alerts.tile_mean), (p95, self.alerts.tile_p95)
        seen = any(row.mean_change is not None and row.jointly_valid_fraction >= _LEAST_SHARE for row in rows)
        return max((rise / limit for rise, limit in limits if limit), default=0.0) if seen else 0.0

    def _heard(self, event: Event, now: Mapping[Tile, Observation], since: RowsSince, context: LookContext) -> Event:
        (tile,) = event.tiles
        row = now.get(tile)
        if row is None or context.comparable != event.comparable or row.model_version != event.model_version:
            return event
        verdict, level, detail = self._verdict(event, row, since(tile, event))
        return add_evidence(event, [self._piece(verdict, level, row, detail, context)], self.lifecycle)

    def _verdict(self, event: Event, row: Observation, earlier: Sequence[Observation]) -> tuple[Verdict, float, str]:
        if row.mean_change is None or row.jointly_valid_fraction < _LEAST_SHARE:
            return Verdict.NOT_OBSERVED, 0.0, f"{row.jointly_valid_fraction:.0%} of the tile was seen in both looks"
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
            observed_fraction=row.jointly_valid_fraction,
            level=level,
            strength=_TILE_HA * row.jointly_valid_fraction * level,
            detail=detail,
        )

    def _opened(self, row: Observation, before: datetime, context: LookContext) -> Event:
        level = self._rise([row])
        detail = (
            f"mean hazard probability of the tile {row.mean_change or 0.0:+.3f}, 95th percentile "
            f"{row.p95_change or 0.0:+.3f} since the look before: {level:.2f} times the threshold"
        )
        piece = self._piece(Verdict.OPENS, level, row, detail, context)
        again = processing(context.acquisition_id)
        blank = Event(
            id=f"{context.region}-{context.sensing_time:%Y%m%d}-tile-{row.tile.id}{f'-{again}' if again > 1 else ''}",
            region=context.region,
            state=EventState.CANDIDATE,
            status=context.status,
            detector=Detector.TILE,
            geometry=project(tile_polygon(row.tile), row.tile.epsg, 4326),
            area_ha=_TILE_HA * row.jointly_valid_fraction,
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
