"""The weekly sign of life: when it is due, what is wrong with a watch, and what it says in every language."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.alive import (
    SignOfLife,
    Source,
    TroubleKind,
    Week,
    due,
    key_of,
    missed_weeks,
    payload,
    troubles,
    unwatched,
)
from monitor.core.alive_telling import body, texts, title, trouble_told
from monitor.core.alive_words import ALIVE_LANGUAGES
from monitor.core.intake import Sight
from monitor.core.words import LANGUAGES
from monitor.records import Fallback, NextPass, Sensor, Tier

MONDAY = datetime(2026, 11, 16, 6, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK = Week(weekday=0, hour_utc=6)
LONG_AGO = MONDAY - 90 * DAY
QUIET = SignOfLife(
    region="atsuma",
    week="2026-W47",
    at=MONDAY,
    days=14,
    seen=0.985,
    compared_days=45,
    compared={Sensor.OPTICAL: 0.62, Sensor.SAR: 0.9999},
    tiles=30,
    never_observed=0,
    last_look=MONDAY - 2 * DAY,
    first=None,
    blind_km2=0.0,
    blind_share=0.0,
    passes=(NextPass(sensor=Sensor.SAR, relative_orbit=46, expected=MONDAY + DAY, basis="every 12 days"),),
    open_alerts={},
    opened=0,
    parked={},
    silences=0,
    previous=MONDAY - 7 * DAY,
    sources=(Source(name="pc", answered=MONDAY, failing_since=None),),
)
ILL = replace(
    QUIET,
    last_look=MONDAY - 20 * DAY,
    never_observed=3,
    blind_km2=1.5,
    blind_share=0.04,
    compared={},
    open_alerts={Tier.WARNING: 1, Tier.WATCH: 2},
    opened=2,
    parked={"misregistered": 2},
    silences=1,
    held=13,
    missed=3,
    sources=(Source(name="pc", answered=MONDAY - 3 * DAY, failing_since=MONDAY - 3 * DAY, detail="503"),),
    undelivered={"mail": 4},
)


@pytest.mark.parametrize(
    ("since", "last", "now", "expected"),
    [
        (LONG_AGO, None, MONDAY, MONDAY),
        (LONG_AGO, None, MONDAY - HOUR, MONDAY - 7 * DAY),
        (LONG_AGO, MONDAY, MONDAY + 6 * DAY, None),
        (LONG_AGO, MONDAY + 3 * DAY, MONDAY + 7 * DAY - HOUR, None),
        (LONG_AGO, MONDAY - 40 * DAY, MONDAY + 3 * DAY, MONDAY),
        (None, None, MONDAY, None),
        (MONDAY - HOUR, None, MONDAY, MONDAY),
        (MONDAY + HOUR, None, MONDAY + 2 * HOUR, None),
        (LONG_AGO, MONDAY + 300 * DAY, MONDAY, MONDAY),
    ],
    ids=[
        "its hour has come",
        "the week before",
        "told",
        "told late, and not again",
        "after weeks of an outage: one, of the newest week",
        "nobody is there",
        "somebody is there just in time",
        "who was added later waits for the next",
        "the clock was a year ahead",
    ],
)
def test_due(since: datetime | None, last: datetime | None, now: datetime, expected: datetime | None) -> None:
    """One message a week, at its hour or as soon as the watch is back."""
    assert due(WEEK, since, last, now) == expected


@given(
    hours=st.lists(st.integers(0, 24 * 7 * 8), min_size=1, max_size=40),
    weekday=st.integers(0, 6),
    hour=st.integers(0, 23),
)
def test_never_twice_in_a_week(hours: list[int], weekday: int, hour: int) -> None:
    """However often and with whatever gaps it is looked at, no key comes twice, and none while the last one stands."""
    week, last, keys = Week(weekday=weekday, hour_utc=hour), None, []
    for now in sorted(MONDAY + number * HOUR for number in hours):
        found = due(week, LONG_AGO, last, now)
        if found is not None:
            assert found <= now < found + timedelta(days=7)
            keys.append(key_of("atsuma", found))
            last = now
    assert len(keys) == len(set(keys))


def test_weeks_that_were_missed() -> None:
    """Counted in messages that did not come, not in days."""
    assert missed_weeks(None, MONDAY, WEEK) == 0
    assert missed_weeks(MONDAY - 7 * DAY, MONDAY, WEEK) == 0
    assert missed_weeks(MONDAY - 4 * DAY, MONDAY, WEEK) == 0, "the one before came late"
    assert missed_weeks(MONDAY - 35 * DAY, MONDAY + DAY, WEEK) == 4


def test_what_is_wrong() -> None:
    """A catalog silent for two days, no look for the days that are told of, messages that do not get through."""
    assert troubles(QUIET) == ()
    assert [(one.kind.value, one.item) for one in troubles(ILL)] == [
        ("source-silent", "pc"),
        ("no-look", ""),
        ("undelivered", "mail"),
    ]
    assert troubles(replace(QUIET, last_look=MONDAY - 14 * DAY)) == ()
    assert [one.kind.value for one in troubles(replace(QUIET, last_look=None))] == ["no-look"]
    short = Source(name="pc", answered=None, failing_since=MONDAY - 47 * HOUR)
    assert troubles(replace(QUIET, sources=(short,))) == ()
    unasked = Source(name="pc", answered=MONDAY - 3 * DAY, failing_since=None)
    assert [one.kind.value for one in troubles(replace(QUIET, sources=(unasked,)))] == ["source-silent"]
    assert troubles(replace(QUIET, tiles=0, last_look=None)) == (), "all of it is flat"


def test_what_keeps_ground_unseen() -> None:
    """All of the troubles but messages that do not get through; each in the sentence of the weekly message."""
    assert [one.kind.value for one in unwatched(ILL)] == ["source-silent", "no-look"]
    assert [trouble_told(one, ILL) for one in unwatched(ILL)] == body(ILL).splitlines()[:2]


def test_a_quiet_week() -> None:
    """It says that nothing was found, and what was and was not seen; shares are rounded down."""
    assert title(QUIET) == "atsuma: the watch is alive, nothing found"
    assert body(QUIET) == (
        "Nothing found since the last message.\n"
        "Seen in the last 14 days: 98.5 % of the ground.\n"
        "Compared with earlier looks in the last 45 days, so that a change could be found: "
        "optical 62 %, radar 99.9 %.\n"
        "Last look: 2026-11-14 06:00 UTC.\n"
        "Next passes expected: 2026-11-17 (radar).\n"
        "No alert does not mean that nothing happened: a landslide can lie where nothing was seen."
    )


@pytest.mark.parametrize(
    "blind",
    [
        replace(QUIET, compared={}),
        replace(QUIET, compared={Sensor.SAR: 0.0}),
        replace(QUIET, last_look=MONDAY - 8 * DAY),
        replace(QUIET, last_look=MONDAY - 8 * DAY, previous=None),
        replace(QUIET, last_look=None, tiles=0),
    ],
    ids=["learning", "nothing seen often enough", "no look since the last message", "nor in a week", "no ground"],
)
def test_a_week_without_a_look_is_not_quiet(blind: SignOfLife) -> None:
    """Where no change could have been found, nobody reads that nothing was found: not in the title, nor below."""
    for language in ALIVE_LANGUAGES:
        words = ALIVE_LANGUAGES[language]
        assert title(blind, language) == words.unlooked.format(region="atsuma")
        assert words.no_new_look in body(blind, language)
        assert words.nothing not in body(blind, language)
    assert payload(blind, {})["looked"] is False
    assert payload(QUIET, {})["looked"] is True
    told = "atsuma: the watch is alive, but could compare nothing; open alerts: 1"
    assert title(replace(blind, open_alerts={Tier.WATCH: 1})) == told


def test_what_is_wrong_comes_first() -> None:
    """Before what was found."""
    assert title(ILL) == "atsuma: THE WATCH IS NOT WELL"
    assert body(ILL).splitlines()[:5] == [
        "The catalog pc has not answered since 2026-11-13 06:00 UTC.",
        "Nothing has been observed since 2026-10-27 06:00 UTC.",
        "Channel mail: messages that could not be delivered: 4.",
        "Weekly messages missing before this one: 3; the last was of 2026-11-09 06:00 UTC.",
        "Alerts opened since the last message: 2. Open alerts: 1 of tier warning, 2 of tier watch.",
    ]
    assert "In the last 45 days nothing could be compared" in body(ILL)
    assert "Silences in force: 1; messages they hold back until they end: 13." in body(ILL).splitlines()
    assert f"Not seen at all in the last 14 days: 3 of {ILL.tiles} tiles." in body(ILL).splitlines()


@pytest.mark.parametrize(
    ("began", "said"),
    [
        (60, ["Seen in the last 14 days", "looks in the last 45 days, so"]),
        (45, ["Seen in the last 14 days", "looks in the last 45 days, so"]),
        (30, ["Seen in the last 14 days", "looks since the first acquisition of 2026-10-17, so"]),
        (9, ["Seen since the first acquisition of 2026-11-07", "looks since the first acquisition of 2026-11-07, so"]),
    ],
)
def test_a_history_that_is_shorter_than_the_look_back(began: int, said: list[str]) -> None:
    """It tells of the time since the first acquisition, not of days in which nobody looked."""
    young = replace(QUIET, first=MONDAY - began * DAY)
    assert all(words in body(young) for words in said)
    since = f"Since the first acquisition of {young.first:%Y-%m-%d} nothing could be compared"
    assert (since in body(replace(young, compared={}))) is (began < 45)
    for language in ALIVE_LANGUAGES:
        assert f"{young.first:%Y-%m-%d}" in body(young, language) or began >= 45


def test_languages_say_the_same() -> None:
    """Every language that is shipped has these words, and fills in the same places."""
    assert list(ALIVE_LANGUAGES) == list(LANGUAGES)

    def places(language: str) -> dict[str, set[str | None]]:
        words = ALIVE_LANGUAGES[language]
        fields = {name: getattr(words, name) for name in words.__slots__}
        return {name: {place for _, place, _, _ in Formatter().parse(text) if place} for name, text in fields.items()}

    for language in ALIVE_LANGUAGES:
        assert places(language) == places("en"), language
        told = texts(ILL, (language,))[language]
        assert len(told["body"].splitlines()) == len(body(ILL).splitlines())


def test_payload_is_json() -> None:
    """Everything that the words say is there for programs as well."""
    content = payload(ILL, texts(ILL, ("en", "ja")))
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert (content["well"], content["open_alerts"]) == (False, {"watch": 2, "warning": 1})
    assert list(content["texts"]) == ["en", "ja"]  # type: ignore[call-overload]


def test_a_sensor_whose_satellites_have_all_ended_is_no_trouble() -> None:
    """That no scene of it comes is known; a look that could not be used is told all the same."""
    optics = Sight(seen=0.9, last_look=MONDAY - DAY)
    silent = replace(QUIET, sights={Sensor.OPTICAL: optics, Sensor.SAR: Sight(seen=0.0, last_look=None)}, arrivals=())
    kinds = {(one.kind, one.item) for one in troubles(silent)}
    assert (TroubleKind.NO_SCENE, "sar") in kinds
    ended = {(one.kind, one.item) for one in troubles(replace(silent, retired=frozenset({Sensor.SAR})))}
    assert kinds - ended == {(TroubleKind.NO_SCENE, "sar")}


def test_that_other_catalogs_stand_in_is_told() -> None:
    """In every language, with since when; programs get the reason too."""
    sign = replace(QUIET, fallback=Fallback(catalogs=("es", "cdse"), since=MONDAY - DAY, reason="pc is stale"))
    assert all("es, cdse" in body(sign, language) and "es, cdse" not in body(QUIET, language) for language in LANGUAGES)
    assert payload(sign, {})["fallback"] == {
        "catalogs": ["es", "cdse"], "since": "2026-11-15T06:00:00+00:00", "reason": "pc is stale",
    }  # fmt: skip
