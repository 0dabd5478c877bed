"""Alerts in sentences."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.event_text import event_lines
from monitor.core.telling import deeds, description, headline, moment, title
from monitor.core.words import LANGUAGES
from monitor.records import Action, ActionKind, Detector, EventState, Verdict
from tests.core.alerts import STORM, alert, look, step

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


def test_a_release_said_again_is_told_once() -> None:
    """The first of them, in every language; in the list, also who else says it, and words that come with it."""
    said = [("mori", ""), ("mori", ""), ("kato", ""), ("mori", "the mayor asked")]
    actions = [
        Action(at=STORM + timedelta(days=5 + day), by=by, kind=ActionKind.RELEASE, text=text)
        for day, (by, text) in enumerate(said)
    ]
    one = alert(actions=tuple(actions))
    for words in LANGUAGES.values():
        told = [words.people["release"].format(at=moment(action.at)) for action in actions]
        assert [line in description(one, words).splitlines() for line in told] == [True, False, False, False]
    assert deeds(one) == [actions[0], *actions[2:]]
    assert sum("mori released it" in line for line in event_lines(one, Path())) == 2


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
