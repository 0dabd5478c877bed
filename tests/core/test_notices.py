"""Messages in plain words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.delivery import trial_message
from monitor.core.notices import notice, plain
from monitor.records import Escalation, Unanswered
from tests.adapters.channels.messages import CREATED, message, payload, surrounded


def test_one_place() -> None:
    """One revision is told with place, size, state, window, confidence, reason, picture and number."""
    title, body = notice([message(told=payload(context=surrounded("2.1 km NE of Atsuma")))])
    assert title == "Landslide warning, atsuma: 2.00 ha, confirmed"
    assert body == (
        "2.00 ha at 2.1 km NE of Atsuma (42.70500, 141.90750): warning, confirmed\n"
        "   failed between 2018-09-04 and 2018-09-06 (UTC)\n"
        "   confidence medium: two looks agree\n"
        "   why now: supported. still changed\n"
        "   severity severe: 2 ha, sure\n"
        "   2 roads within 100 m\n"
        "   picture: alerts/E1/alert.png\n"
        "   event atsuma-E1, revision 0"
    )


def test_storm_worst_first() -> None:
    """Revisions of a storm are one list: warnings before watches, the strongest first, what ended last."""
    told = [
        message("ended", 3, payload(state="refuted", strength=9.0)),
        message("tile", 0, payload(tier="watch", strength=900.0, detector="tile", area_ha=655.0)),
        message("watch", 0, payload(tier="watch", strength=5.0, area_ha=5.0)),
        message("small", 1, payload(strength=0.1, area_ha=0.1)),
        message("large", 0, payload(strength=3.0, area_ha=3.0)),
        message("large", 1, payload(strength=4.0, area_ha=4.0)),
    ]
    title, body = notice(told)
    assert title == "Landslide warning, atsuma: 5 places, worst 4.00 ha"
    assert body.startswith("5 places of atsuma-storm-20180906, worst first:\n1. 4.00 ha")
    places = [line.split()[1].rstrip(",") for line in body.splitlines() if line.strip().startswith("event")]
    assert places == ["large", "small", "watch", "tile", "ended"]


def test_long_list_is_cut_and_says_so() -> None:
    """Of a great storm twenty places are told, and how many more there are."""
    _, body = notice([message(f"e{number}") for number in range(500)])
    assert body.endswith("and 480 more: scarpwatch alerts")
    assert len(body) < 8000


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"status": "exercise"}, "EXERCISE: Landslide warning, atsuma: 2.00 ha, confirmed"),
        ({"state": "expired"}, "Landslide alert ended, atsuma"),
        ({"context": {"written": "by another version"}}, "Landslide warning, atsuma: 2.00 ha, confirmed"),
        (
            {"tier": "watch", "detector": "tile", "area_ha": 655.4},
            "Landslide watch, atsuma: hazard probability rose in a tile of 655 ha, no outline, confirmed",
        ),
        ({"tier": "watch", "area_ha": None}, "Landslide watch, atsuma: unknown size, confirmed"),
    ],
)
def test_title(changes: dict[str, object], title: str) -> None:
    """Exercises and tests say so first; ends are no warnings."""
    assert notice([message(told=payload(**changes))])[0] == title


def test_waited_and_replayed() -> None:
    """Who reads late is told why."""
    late = replace(message(replays=1), waited_for_limit=True)
    _, body = notice([late])
    assert "Held back until now: the limit of this channel was reached." in body
    assert "Sent again on demand." in body


def test_trial_message_is_a_test() -> None:
    """What a person sends to try a channel says that nothing happened."""
    title, body = notice([trial_message("duty", CREATED)])
    assert title.startswith("TEST: ")
    assert "nothing happened" in body


def test_hostile_names() -> None:
    """Names cannot break lines, carry markup, hide text or call everybody."""
    name = "<script>alert(1)</script>\r\nBcc: x@y\u202e*bold* [a](http://b) @everyone `x` & \x00\x1b]0;"
    hostile = payload(context=surrounded(name), region=name, detail=name, confidence_reason=name)
    title, body = notice([message(told=hostile)])
    for forbidden in "<>[]`*@&\r\x00\x1b\u202e":
        assert forbidden not in title + body
    assert len(body.splitlines()) == 8
    assert "\n" not in title
    assert len(plain("x" * 10_000)) == 300


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (Unanswered.UNACKNOWLEDGED, "Nobody has acknowledged it since 2026-05-01 12:00 UTC."),
        (
            Unanswered.UNTOLD,
            "No channel could be told of it, and nobody has acknowledged it, since 2026-05-01 12:00 UTC.",
        ),
    ],
)
def test_nobody_has_answered(why: Unanswered, words: str) -> None:
    """That is said in the title and first of all, with the earliest time."""
    early = replace(message("A"), escalation=Escalation(why=why, since=CREATED))
    late = replace(message("B"), escalation=Escalation(why=why, since=CREATED + timedelta(hours=1)))
    title, body = notice([late, early])
    assert title == "NOT ACKNOWLEDGED: Landslide warning, atsuma: 2 places, worst 2.00 ha"
    assert body.splitlines()[0] == words
