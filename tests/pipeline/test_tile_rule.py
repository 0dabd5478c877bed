"""Whole tiles beside outlined events, through the whole chain."""

from dataclasses import replace

import pytest
import yaml

from monitor import tile_rule
from monitor.records import Detector, Tier
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.world import World


def test_tiles_alert_beside_everything_else(
    small_world: World, clean: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a threshold that the storm exceeds: for watch, without a picture, and no other event is changed by it."""
    monkeypatch.setattr(tile_rule, "LEAST_SHARE", 0.01)  # the small world shows little of its tiles
    regions = yaml.safe_load(small_world.config.read_text(encoding="utf-8"))["regions"]
    at_once = {name: region | {"release": "at-once"} for name, region in regions.items()}
    small_world.configure(alerts={"tile_p95": 1e-6}, regions=at_once)
    small_world.once()
    events = small_world.events()
    tiles = [event for event in events if event.detector is Detector.TILE]
    assert tiles
    assert all(event.tier is Tier.WATCH and event.picture is None for event in tiles)
    others = [replace(event, released=False) for event in events if event.detector is not Detector.TILE]
    assert others == clean.world.events()
    assert all(event.released for event in events), "the region releases at once"
