"""Alerts in sentences."""

from pathlib import Path
from typing import Any

import pytest

from monitor.cli.event_text import event_lines
from monitor.core.telling import description, headline, title
from monitor.core.words import LANGUAGES
from monitor.records import Detector, EventState, Verdict
from tests.core.alerts import alert, look, step

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


def test_an_alert_that_grew_has_the_title_of_its_state() -> None:
    """The message says that it is larger; every page says how it stands, before and after a person acknowledged it."""
    steps = [
        step(0, EventState.PROVISIONAL, "change-found"),
        step(2, EventState.CONFIRMED, "still-changed", EventState.PROVISIONAL),
        step(3, EventState.CONFIRMED, "grown", EventState.CONFIRMED),
        step(4, EventState.CONFIRMED, "acknowledged", EventState.CONFIRMED),
    ]
    grown, known = (alert(state=EventState.CONFIRMED, transitions=tuple(steps[:count])) for count in (3, 4))
    assert headline(grown).endswith("larger than was told before")
    assert title(grown) == title(known) == headline(known)
    assert title(grown).endswith("confirmed by a later look")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (EventState.PROVISIONAL, ["at a first look about 34.8 times per"]),
        (EventState.CONFIRMED, ["at a first look about 34.8 times per", "a later look supports it about 19.2 times"]),
    ],
)
def test_each_of_two_rates_says_what_it_is_of(state: EventState, said: list[str]) -> None:
    """That of a first look stands first, as in messages; that of what a later look supports beside it."""
    piece = look(0, Verdict.OPENS, rate=34.8, held_rate=19.2)
    lines = event_lines(alert(state=state, evidence=(piece,)), Path())
    rates = [line for line in lines if "look" in line and "times" in line]
    assert len(rates) == len(said)
    assert all(part in line for part, line in zip(said, rates, strict=True))
