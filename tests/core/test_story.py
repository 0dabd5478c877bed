"""One line that tells what became of an acquisition."""

import json
from dataclasses import replace
from io import StringIO

from monitor.core.story import story_of, story_told, subject
from monitor.log_lines import log_event
from monitor.logs import make_logger
from monitor.records import AcquisitionResult, EventState, Sensor
from monitor.service import PassEvent
from tests.adapters.store.factories import TILE, acquisition, choice, event, later, observation, result

LOOK = acquisition(5)
TILES = [replace(TILE, column=column) for column in range(5)]


def _result() -> AcquisitionResult:
    rows = (
        observation(LOOK, TILES[0]),
        observation(LOOK, TILES[1], reference_count=0),
        observation(LOOK, TILES[2], decision="clouded", look_href=None),
        observation(LOOK, TILES[3], decision="flat", look_href=None),
        observation(LOOK, TILES[4], decision="clouded", look_href=None),
    )
    known = event(acquisition(1), "E2")
    events = (event(LOOK, "E1"), later(known, LOOK, EventState.CONFIRMED), event(acquisition(2), "E3"))
    choices = (choice(LOOK), choice(LOOK, TILES[1]), choice(LOOK, TILES[2], record=Sensor.SAR))
    return replace(result(observations=rows, events=events, choices=choices), reason="compared")


def test_the_story() -> None:
    """When, by what, what it saw and did not and why, what counts, what came of it, and how long it took."""
    told = story_of(LOOK, _result(), opened=1, tiles=6)
    assert (told.looked, told.compared, told.left_out, told.changed) == (2, 1, {"clouded": 2, "flat": 1}, 1)
    words = story_told(told, "compared", {"read": 4.0, "engine": 9.04, "store": 0.1, "change": 1.0})
    assert f"{subject(LOOK)}: {words}" == (
        "2018-09-06 01:02 UTC optics, orbit 54: compared: 2 of 6 tiles looked at, 1 compared; 2 clouded, 1 flat; "
        "of record optics 2, radar 1; alerts: 1 opened, 1 changed; 14.1 s of work (engine 9.0, read 4.0, change 1.0)"
    )


def test_the_line_of_the_log() -> None:
    """Numbers stand beside the words; one that was parked tells when, what and why."""
    stream = StringIO()
    log = make_logger(stream, as_json=True)
    story = story_of(LOOK, result(), opened=0, tiles=6)
    done = PassEvent(
        action="done", item=LOOK.key, detail="all of it", region="atsuma", reason="learning", acquisition=LOOK
    )
    log_event(log, replace(done, story=story, seconds={"read": 1.25}))
    log_event(log, replace(done, action="parked", reason="bad-asset", detail="B04 is cut short"))
    line, parked = map(json.loads, stream.getvalue().splitlines())
    assert line["event"].startswith("2018-09-06 01:02 UTC optics, orbit 54: learning: 0 of 6 tiles looked at")
    assert (line["tiles"], line["opened"], line["detail"], line["level"]) == (6, 0, "all of it", "info")
    assert (line["sensing_time"], line["seconds"]) == (LOOK.sensing_time.isoformat(), {"read": 1.25})
    assert parked["event"] == "2018-09-06 01:02 UTC optics, orbit 54: bad-asset: B04 is cut short"
    assert parked["level"] == "warning"
