"""The plain rule of the mission, on a tile's stored history."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.core.change import AlertSettings
from monitor.core.lifecycle import LifecycleSettings
from monitor.records import Detector, Event, EventState, Observation, Tier, Tile
from monitor.tile_rule import TileRule
from tests.adapters.store.factories import acquisition, day, observation
from tests.test_growing import OPENING

RULE = TileRule(alerts=AlertSettings(tile_mean=0.1, tile_p95=0.4), lifecycle=LifecycleSettings())


def _row(number: int, mean: float | None, p95: float | None = 0.0, seen: float = 0.8, **other: object) -> Observation:
    parts: dict[str, Any] = {"mean_change": mean, "p95_change": p95, "shared_fraction": seen, **other}
    return observation(acquisition(number), **parts)


def _watch(*rows: Observation, rule: TileRule = RULE) -> list[Event]:
    """The events of a tile after these looks, one after another."""
    events: list[Event] = []
    for number, row in enumerate(rows):

        def since(_tile: Tile, event: Event, upto: int = number) -> Sequence[Observation]:
            return [one for one in rows[:upto] if one.sensing_time >= event.window_end]

        context = replace(
            OPENING,
            acquisition_key=row.acquisition_key,
            acquisition_id=f"{row.acquisition_key}_v1",
            sensing_time=row.sensing_time,
            comparable=row.comparable,
        )
        open_now = [event for event in events if event.state in (EventState.PROVISIONAL, EventState.CONFIRMED)]
        ended = [event for event in events if event not in open_now]
        before = {row.tile: row.sensing_time - timedelta(days=5)}
        events = [*ended, *rule.events([row], open_now, since, before, context)]
    return events


@pytest.mark.parametrize(
    ("row", "opens"),
    [
        (_row(1, 0.1), True),
        (_row(1, 0.09), False),
        (_row(1, 0.0, 0.5), True),
        (_row(1, -0.2), False),
        (_row(1, None, None), False),
        (_row(1, 0.5, seen=0.2), False),
    ],
    ids=["mean", "too little", "95th percentile", "fall", "first look", "hardly seen"],
)
def test_a_rise_above_a_threshold_opens_an_alert_for_watch(row: Observation, opens: bool) -> None:
    """By the mean or the 95th percentile, where both looks show enough of the tile."""
    events = _watch(row)
    assert len(events) == opens
    for event in events:
        assert (event.state, event.tier, event.detector) == (EventState.PROVISIONAL, Tier.WATCH, Detector.TILE)
        assert (event.window_start, event.window_end) == (day(1) - timedelta(days=5), day(1))
        assert event.area_ha == pytest.approx(655.36 * 0.8)
        assert row.tile.id in event.id


def test_without_thresholds_nothing_is_asked() -> None:
    """As shipped."""
    assert not TileRule(alerts=AlertSettings(), lifecycle=LifecycleSettings()).asked_for


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        ([_row(2, 0.0)], "still-changed"),
        ([_row(2, 0.03)], "still-changed"),
        ([_row(2, -0.07)], "change-found"),
        ([_row(2, -0.1)], "back-as-before"),
        ([_row(2, -0.1, seen=0.1)], "change-found"),
        ([_row(2, -0.07), _row(3, -0.03)], "back-as-before"),
        ([_row(2, -0.3, model_version="other")], "change-found"),
    ],
    ids=["stays", "rises on", "half back", "back", "hidden", "back in two steps", "another model"],
)
def test_later_looks_judge_by_what_the_rises_add_up_to(later: list[Observation], reason: str) -> None:
    """Against the look before the first rise; what hides the tile, or another model, says nothing."""
    (event,) = _watch(_row(1, 0.12), *later)
    assert event.transitions[-1].reason == reason


def test_a_tile_has_one_alert_at_a_time() -> None:
    """A second rise supports the first; after it ended, a rise is news."""
    assert len(_watch(_row(1, 0.2), _row(2, 0.2))) == 1
    assert [event.state for event in _watch(_row(1, 0.2), _row(2, -0.2), _row(3, 0.2))] == [
        EventState.REFUTED,
        EventState.PROVISIONAL,
    ]
