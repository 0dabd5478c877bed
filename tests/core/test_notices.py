"""Messages in plain words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.delivery import trial_message
from monitor.core.notice_words import NOTICES
from monitor.core.notices import notice, plain
from monitor.core.telling import headline, instruction, paragraphs
from monitor.core.words import LANGUAGES
from monitor.records import AlertStatus, Escalation, EventState, Tier, Unanswered
from tests.adapters.channels.messages import CREATED, LINKS, message, payload, revision, surrounded, with_context
from tests.core.alerts import alert, step

WEB = "https://watch.example.org/alerts/"
API = "https://watch.example.org/api/v1/alerts/"


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_one_alert_in_full_with_its_links(language: str) -> None:
    """Headline, description, severity, reason and instruction are those of the language; then the links, the number."""
    told = alert("x 1", context=with_context("2.1 km NE of Atsuma"), released=True)
    words, around = LANGUAGES[language], NOTICES[language]
    title, body = notice([revision(told, 3)], language, LINKS)
    lines = body.splitlines()
    assert title == plain(headline(told, words))
    assert lines[:-7] == [plain(line, 1500) for line in paragraphs(told, words)]
    assert lines[-7:] == [
        plain(around.severity.format(level=around.severities["severe"], reason="2 ha, sure")),
        plain(around.why.format(reason="change-found")),
        plain(instruction(told, words)),
        around.page.format(address=f"{WEB}x%201"),
        around.cap.format(address=f"{API}x%201/cap/3.xml"),
        around.picture.format(address=f"{API}x%201/picture.png"),
        around.number.format(event="x 1", revision=3),
    ]


def test_links_lead_somewhere() -> None:
    """None without a public address, none to a picture that there is not, none of a trial."""
    assert "http" not in notice([revision(alert())])[1]
    unpictured = notice([revision(alert(picture=None))], links=LINKS)[1]
    assert "cap/0.xml" in unpictured
    assert "picture.png" not in unpictured
    assert "http" not in notice([trial_message("duty", CREATED)], links=LINKS)[1]
    assert f"{WEB}atsuma-E1" in notice([message()], links=LINKS)[1], "also of what another version wrote"


def test_a_list_leads_to_all_of_them() -> None:
    """Each place has its headline, window, coordinates, surroundings, what was not seen, page and number."""
    worse = alert("A", tier=Tier.WARNING, context=with_context("2.1 km NE of Atsuma"))
    title, body = notice([revision(alert("B")), revision(worse, 2)], "de", LINKS)
    assert (
        title == "2 Stellen (atsuma), die schwerste: Hangrutschung, 3.6 ha, Gebiet atsuma: bei einem Überflug gesehen"
    )
    lines = body.splitlines()
    assert lines[:4] == [
        "2 Stellen (atsuma-storm-20180905), die schwerste zuerst:",
        "Alle, und was nicht beobachtet wurde: https://watch.example.org/situations/atsuma-storm-20180905",
        "1. Hangrutschung, 3.6 ha, Gebiet atsuma: bei einem Überflug gesehen",
        "   Es geschah zwischen 2018-09-02 18:00 UTC (letzte Aufnahme ohne die Veränderung) und 2018-09-07 18:00 UTC "
        "(erste mit ihr).",
    ]
    assert lines[4:9] == [
        "   42.73100, 141.95100",
        "   Umgebung (englisch): 2.1 km NE of Atsuma; 2 roads within 100 m; slope of 31°.",
        "   Sahen den Boden nicht (Wolken, Schatten, Schnee, außerhalb): 2018-09-09 18:00 UTC (optisch).",
        f"   Lesen und beantworten: {WEB}A",
        "   Meldung A, Fassung 2",
    ]
    two_storms = notice([revision(alert("B", storm="other")), revision(worse)], "de", LINKS)[1]
    assert "was nicht beobachtet wurde: https://watch.example.org/\n" in two_storms


def test_exercises_and_ends_say_so_in_every_list() -> None:
    """The title of several begins with what they are; the end of one is told with its own instruction."""
    drills = [revision(alert(one, status=AlertStatus.EXERCISE)) for one in ("A", "B")]
    assert notice(drills, "fr")[0].startswith("EXERCICE: 2 lieux (atsuma)")
    over = alert(state=EventState.REFUTED, transitions=(step(4, EventState.REFUTED, "contradicted"),))
    title, body = notice([revision(over)], "de")
    assert title == headline(over, LANGUAGES["de"])
    assert instruction(over, LANGUAGES["de"]) in body
    assert instruction(over, LANGUAGES["de"]) != instruction(alert(), LANGUAGES["de"])


def test_one_place_of_another_version() -> None:
    """Of what cannot be read: place, size, state, window, confidence, reason and number; no path of this machine."""
    title, body = notice([message(told=payload(context=surrounded("2.1 km NE of Atsuma")))])
    assert title == "Landslide warning, atsuma: 2.00 ha, confirmed"
    assert body == (
        "2.00 ha at 2.1 km NE of Atsuma (42.70500, 141.90750): warning, confirmed\n"
        "   failed between 2018-09-04 and 2018-09-06 (UTC)\n"
        "   confidence medium: two looks agree\n"
        "   why now: supported. still changed\n"
        "   severity severe: 2 ha, sure\n"
        "   2 roads within 100 m\n"
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
    assert title == "5 places (atsuma), worst: Landslide warning, atsuma: 4.00 ha, confirmed"
    assert body.startswith("5 places (atsuma-storm-20180906), worst first:\n1. 4.00 ha")
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
    late = replace(message(replays=1), waited_for_limit=True, held_back=True)
    _, body = notice([late])
    assert "Held back until now by a silence." in body
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
    surroundings = with_context(name)
    whole = alert(region=name, context=surroundings, confidence_reason=name, storm=name, id=name)
    for told in ([message(told=hostile)], [revision(whole)], [revision(whole), revision(replace(whole, id="B"))]):
        title, body = notice(told, links=LINKS)
        for forbidden in "<>[]`*@&\r\x00\x1b\u202e":
            assert forbidden not in title + body
        assert "Bcc" not in {line.strip()[:3] for line in body.splitlines()}
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
    assert title == "NOT ACKNOWLEDGED: 2 places (atsuma), worst: Landslide warning, atsuma: 2.00 ha, confirmed"
    assert body.splitlines()[0] == words
    for language in LANGUAGES:
        title, body = notice([late, early], language)
        assert title.startswith(f"{NOTICES[language].unanswered}: ")
        assert "2026-05-01 12:00 UTC" in body.splitlines()[0]
