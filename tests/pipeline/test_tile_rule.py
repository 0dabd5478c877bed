"""Whole tiles beside outlined events, through the whole chain."""

import pytest

from monitor import tile_rule
from monitor.records import Detector, Tier
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.world import World


def test_tiles_alert_beside_everything_else(
    small_world: World, clean: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a threshold that the storm exceeds: for watch, without a picture, and no other event is changed by it."""
    monkeypatch.setattr(tile_rule, "_LEAST_SHARE", 0.01)  # the small world shows little of its tiles
    small_world.configure(alerts={"tile_p95": 1e-6})
    small_world.once()
    events = small_world.events()
    tiles = [event for event in events if event.detector is Detector.TILE]
    assert tiles
    assert all(event.tier is Tier.WATCH and event.picture is None for event in tiles)
    assert [event for event in events if event.detector is not Detector.TILE] == clean.world.events()
