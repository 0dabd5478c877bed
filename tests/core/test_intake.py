"""A sensor that gives nothing: no scene, scenes that fail, or weather; and acquisitions that nobody works on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.alive import payload, troubles
from monitor.core.alive_telling import body, title
from monitor.core.alive_words import ALIVE_LANGUAGES
from monitor.core.intake import Arrival, Sight
from monitor.core.lifecycle import ROLLED_BACK
from monitor.records import AcquisitionState, Sensor
from tests.core.test_alive import MONDAY, QUIET

DAY = timedelta(days=1)
DONE, PARKED, FOUND, CLAIMED = (
    AcquisitionState.DONE,
    AcquisitionState.PARKED,
    AcquisitionState.DISCOVERED,
    AcquisitionState.CLAIMED,
)
SEEING = Sight(seen=0.985, last_look=MONDAY - 2 * DAY)
LONG_AGO = Sight(seen=0.0, last_look=MONDAY - 40 * DAY)
NEVER = Sight(seen=0.0, last_look=None)


def optics(
    days_ago: float, state: AcquisitionState, reason: str | None = None, updated: float | None = None
) -> Arrival:
    """A scene of optics."""
    return Arrival(
        sensor=Sensor.OPTICAL,
        sensing_time=MONDAY - days_ago * DAY,
        state=state,
        reason=reason,
        updated=MONDAY - (days_ago if updated is None else updated) * DAY,
    )


def bad(days_ago: float) -> Arrival:
    """One that was parked."""
    return optics(days_ago, PARKED, "bad-asset")


CLOUDED = [optics(day, DONE, "nothing-usable") for day in (1, 6, 11)]
RADAR = replace(optics(2, DONE, "compared"), sensor=Sensor.SAR)


@pytest.mark.parametrize(
    ("sight", "arrivals", "kinds", "failed"),
    [
        (LONG_AGO, [], ["no-scene"], {}),
        (NEVER, [], ["no-scene"], {}),
        (LONG_AGO, [optics(15, DONE)], ["no-scene"], {}),
        (LONG_AGO, CLOUDED, [], {}),
        (LONG_AGO, [bad(1), bad(6)], ["unusable"], {"bad-asset": 2}),
        (LONG_AGO, [bad(6)], ["unusable"], {"bad-asset": 1}),
        (SEEING, [bad(1), bad(6), optics(11, DONE, "compared")], ["unusable"], {"bad-asset": 2}),
        (SEEING, [bad(1), optics(6, DONE, "compared"), bad(11)], [], {}),
        (SEEING, [optics(3, FOUND, "catalog-down"), bad(6), optics(11, DONE)], ["unusable"], None),
        (SEEING, [optics(1, FOUND, "catalog-down"), bad(6), optics(11, DONE)], [], {}),
        (SEEING, [optics(1, PARKED, ROLLED_BACK), optics(6, PARKED, ROLLED_BACK)], [], {}),
        (SEEING, [optics(1, FOUND), bad(2), bad(6), optics(11, DONE)], ["unusable"], {"bad-asset": 2}),
        (SEEING, [optics(4, FOUND, updated=3), optics(6, DONE)], ["stale"], {}),
        (SEEING, [optics(4, FOUND, updated=1), optics(6, DONE)], [], {}),
        (SEEING, [optics(4, CLAIMED, updated=2.5), optics(6, DONE)], ["stale"], {}),
    ],
    ids=[
        "no scene",
        "never any",
        "none of these days",
        "clouds",
        "all parked",
        "the only one parked",
        "the newest two parked",
        "one of several",
        "tried again for days",
        "tried again since yesterday",
        "taken back by a person",
        "the newest waits for its turn",
        "nobody tries it",
        "found yesterday",
        "a try that never ended",
    ],
)
def test_a_sensor_that_gives_nothing(
    sight: Sight, arrivals: list[Arrival], kinds: list[str], failed: dict[str, int] | None
) -> None:
    """Radar that goes on seeing does not make up for it; clouds are no fault."""
    sign = replace(QUIET, sights={Sensor.OPTICAL: sight, Sensor.SAR: SEEING}, arrivals=[*arrivals, RADAR])
    found = troubles(sign)
    assert [one.kind.value for one in found] == kinds
    assert payload(sign, {})["well"] is not bool(kinds)
    if failed:
        assert [(one.item, one.reasons, one.count) for one in found] == [("optical", failed, sum(failed.values()))]
    assert troubles(replace(sign, tiles=0)) == tuple(one for one in found if one.kind == "stale"), "all of it is flat"


def test_a_sensor_that_is_not_wanted_is_not_missed() -> None:
    """A region watched by radar alone is well without optics."""
    assert troubles(replace(QUIET, sights={Sensor.SAR: SEEING}, arrivals=[RADAR])) == ()


def test_what_each_sensor_saw_is_told_apart() -> None:
    """Its share and its last look; a fortnight of clouds is told as what was not seen."""
    sign = replace(QUIET, sights={Sensor.OPTICAL: LONG_AGO, Sensor.SAR: SEEING}, arrivals=[*CLOUDED, RADAR])
    assert title(sign) == "atsuma: the watch is alive, nothing found"
    told = body(sign).splitlines()
    assert told[1] == "Seen in the last 14 days: 98.5 % of the ground (optical 0 %, radar 98.5 %)."
    assert told[3].startswith("optical: none of 3 scenes of the last 14 days showed the ground")
    assert told[4] == "Last look: optical 2026-10-07 06:00 UTC, radar 2026-11-14 06:00 UTC."
    sensors = payload(sign, {})["sensors"]
    assert sensors["optical"] == {  # type: ignore[index]
        "seen": 0.0,
        "last_look": "2026-10-07T06:00:00+00:00",
        "scenes": 3,
        "looked_at": 3,
    }
    stopped = replace(sign, sights={Sensor.OPTICAL: NEVER, Sensor.SAR: SEEING}, arrivals=[RADAR])
    assert body(stopped).startswith("optical: no catalog has listed a scene for 14 days")
    assert "Last look: optical none known, radar" in body(stopped)


def test_what_waits_is_told_in_every_language() -> None:
    """Also what no person is needed for."""
    sign = replace(QUIET, arrivals=[optics(1, FOUND), optics(1, FOUND, "catalog-down"), optics(1, CLAIMED), bad(2)])
    assert payload(sign, {})["waiting"] == {"catalog-down": 1, "queued": 2}
    for language, words in ALIVE_LANGUAGES.items():
        assert words.waiting.format(reasons="catalog-down 1, queued 2") in body(sign, language)


def test_a_long_queue_that_is_worked_on_is_none_that_nobody_works_on() -> None:
    """What waits for its turn is told as waiting; a try of its own that never ended is told all the same."""
    queue = [optics(20, FOUND, updated=5), optics(19, FOUND, updated=3), optics(18, CLAIMED, updated=2.5), RADAR]
    sights = {Sensor.OPTICAL: SEEING, Sensor.SAR: SEEING}
    arrivals = [*queue, *CLOUDED]
    for worked, count in ((MONDAY - timedelta(hours=1), 1), (MONDAY - 2.5 * DAY, 3), (None, 3)):
        (late,) = troubles(replace(QUIET, sights=sights, arrivals=arrivals, worked=worked))
        assert (late.kind.value, late.count) == ("stale", count)
    going_on = replace(QUIET, sights=sights, arrivals=[*queue[:2], RADAR, *CLOUDED], worked=MONDAY)
    assert payload(going_on, {})["well"] is True
