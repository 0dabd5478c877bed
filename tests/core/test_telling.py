"""Alerts in sentences."""

from typing import Any

import pytest

from monitor.core.telling import description, headline
from monitor.core.words import LANGUAGES
from monitor.records import Detector
from tests.core.alerts import alert

TILE: dict[str, Any] = {"detector": Detector.TILE, "area_ha": 655.36, "slope_deg": 0.0, "strength": 600.0}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_rise_of_a_tile_is_not_told_as_changed_ground(language: str) -> None:
    """In no language does it name slopes; in all it says how large the tile is and what rose."""
    words, one = LANGUAGES[language], alert(**TILE)
    first = description(one, words).splitlines()[0]
    assert "655" in first
    assert "0°" not in first
    assert headline(one, words).startswith(words.tile)
    assert len(headline(one, words)) <= 160
