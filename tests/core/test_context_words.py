"""The context of an event in JSON and in words."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from shapely.geometry import box

from monitor.core.context_json import context_from_json, context_to_json
from monitor.core.context_words import told
from monitor.records import EventContext, Exposure, Nearby, NextPass, Runout, Sensor, Severity, ZoneRelation
from tests.adapters.store.factories import acquisition, event

RUNOUT = Runout(
    downhill_deg=44.5,
    compass="NE",
    reach_deg=19.8,
    area=box(141.5, 42.5, 141.625, 42.75),
    length_m=180.0,
    drop_m=60.0,
    complete=True,
)
EXPOSURE = Exposure(
    near_m=100.0,
    roads=Nearby(count=2, reached=1, names=('<b>&"', "\u05d4\u05e8")),
    buildings=Nearby(count=14, reached=0),
    zone=ZoneRelation.INSIDE,
    zones=("Iburi 7",),
    municipality="Atsuma-cho",
    place="2.1 km NE of Atsuma",
    unreadable=("schools",),
)
PASS = NextPass(
    sensor=Sensor.SAR, relative_orbit=46, expected=datetime(2026, 2, 3, 20, tzinfo=UTC), basis="every 12 days"
)
FULL = EventContext(
    severity=Severity.SEVERE,
    severity_reason="14 buildings within 100 m",
    runout=RUNOUT,
    land_cover={"tree cover": 0.875, "grassland": 0.125},
    exposure=EXPOSURE,
    next_passes=(PASS, replace(PASS, relative_orbit=None, overdue=datetime(2026, 1, 22, 20, tzinfo=UTC))),
)
BARE = EventContext(severity=Severity.MINOR, severity_reason="0.2 ha")
PARTLY = replace(
    FULL,
    runout=replace(RUNOUT, downhill_deg=None, compass=None, area=None),
    exposure=Exposure(near_m=100.0),
    next_passes=(),
)


@pytest.mark.parametrize("context", [FULL, BARE, PARTLY])
def test_json_and_back(context: EventContext) -> None:
    """What goes through JSON text comes back as it was, the order of land cover included."""
    again = context_from_json(json.loads(json.dumps(context_to_json(context), sort_keys=True)))
    assert again == context
    assert list(again.land_cover) == list(context.land_cover)


def test_the_whole_sentence() -> None:
    """Where, exposed, slope and cover, runout, next pass: in this order, and what is unknown among it."""
    assert told(replace(event(acquisition(1)), context=FULL), (PASS,)) == (
        "2.1 km NE of Atsuma, in Atsuma-cho; 2 roads, 14 buildings within 100 m, inside a designated zone (Iburi 7); "
        "exposure unknown: schools cannot be read; slope of 31° (tree cover 88 %) falls to the NE; debris could go "
        "180 m further, 60 m lower (rule of thumb); next pass expected 2026-02-03 (radar, orbit 46)"
    )


def test_only_what_is_known_is_said() -> None:
    """Without context nothing, without layers, elevation and passes the slope alone; mixed cover names two classes."""
    plain = event(acquisition(1))
    assert told(plain) == ""
    assert told(replace(plain, context=BARE)) == "slope of 31°"
    assert "next pass" not in told(replace(plain, context=FULL))  # what was expected at a look may be over by now
    mixed = replace(BARE, land_cover={"bamboo": 0.4, "paddy": 0.35, "bare": 0.25})
    assert told(replace(plain, context=mixed)) == "slope of 31° (bamboo 40 %, paddy 35 %)"
