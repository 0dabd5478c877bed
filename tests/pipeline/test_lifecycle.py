"""The main job from end to end: a storm, its scars, the alerts, and what people get to see."""

import json
from pathlib import Path

import pytest
from shapely import union_all
from shapely.geometry import shape

from monitor.core.grid import project
from monitor.records import AlertStatus, EventState, Verdict
from tests.pipeline.processes import Running
from tests.pipeline.world import Source, World, make_world

UTM = 32633
RIM_M = 20.0
"""Outlines are drawn on 10 m pixels, and scars have soft edges."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, wide_source: Source) -> World:
    """A wide world, watched up to the first look after the storm."""
    world = make_world(tmp_path_factory.mktemp("watched") / "world", wide_source)
    for index in range(4):
        world.once(now=world.valley.times[index])
        marks = [(event.id, event.state.value) for event in world.events()]
        (world.folder / f"after-{index}.json").write_text(json.dumps(marks), encoding="utf-8")
    return world


def after(world: World, index: int) -> dict[str, str]:
    """State of every event by id, once the look of this index was processed."""
    return dict(json.loads((world.folder / f"after-{index}.json").read_text(encoding="utf-8")))


def test_quiet_looks_open_nothing(watched: World) -> None:
    """Two looks at quiet ground leave no event behind, not even a candidate."""
    assert after(watched, 0) == {}
    assert after(watched, 1) == {}


def test_first_look_after_the_storm_opens_provisional_alerts(watched: World) -> None:
    """Every scar of half a hectare that the first look shows is an alert on the evidence of one look."""
    states = after(watched, 2)
    assert len(states) >= 8
    assert set(states.values()) <= {EventState.PROVISIONAL.value, EventState.CANDIDATE.value}
    assert list(states.values()).count(EventState.PROVISIONAL.value) >= 8


def test_second_look_confirms(watched: World) -> None:
    """What the second look still sees against the ground before the storm is confirmed; what it hides is not."""
    first = after(watched, 2)
    for event in watched.events():
        if event.id not in first:
            continue
        last = event.evidence[-1]
        assert last.verdict in (Verdict.SUPPORTS, Verdict.NOT_OBSERVED)
        if last.verdict is Verdict.SUPPORTS and first[event.id] == EventState.PROVISIONAL.value:
            assert event.state is EventState.CONFIRMED
    confirmed = [event for event in watched.events() if event.state is EventState.CONFIRMED]
    assert len(confirmed) >= 6


def test_alerts_say_when_and_how_sure(watched: World) -> None:
    """The failure window encloses the storm, the status is Test on simulated pixels, and a picture is kept."""
    storm = watched.valley.storm
    for event in watched.events():
        assert event.status is AlertStatus.TEST
        if event.state is EventState.CONFIRMED:
            assert event.window_start < storm < event.window_end
            assert event.picture is not None
            assert (watched.products / event.picture).stat().st_size > 10_000


def test_alerts_as_geojson_lie_on_the_scars(watched: World) -> None:
    """`alerts --json` is a FeatureCollection in longitude and latitude whose polygons overlap the true scars."""
    ended = Running(watched, "alerts", "--json").end()
    assert ended.code == 0, ended
    document = json.loads(ended.out)
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document
    outlines = []
    for feature in document["features"]:
        outline = shape(feature["geometry"])
        assert (feature["type"], outline.is_valid, outline.geom_type) in {
            ("Feature", True, "Polygon"),
            ("Feature", True, "MultiPolygon"),
        }
        west, south, east, north = watched.valley.bbox
        assert west - 0.01 < outline.bounds[0] < outline.bounds[2] < east + 0.01
        assert south - 0.01 < outline.bounds[1] < outline.bounds[3] < north + 0.01
        assert Path(feature["properties"]["picture"]).name
        outlines.append(project(outline, 4326, UTM))
    alerted = union_all(outlines)
    scars = [project(scar.geometry, 4326, UTM) for scar in watched.valley.scars if scar.area_ha >= 0.5]
    ground = union_all([project(scar.geometry, 4326, UTM) for scar in watched.valley.scars]).buffer(RIM_M)
    assert sum(scar.intersection(alerted).area >= 0.2 * scar.area for scar in scars) >= 0.9 * len(scars)
    assert sum(not outline.intersects(ground) for outline in outlines) <= 1
    assert alerted.intersection(ground).area >= 0.6 * alerted.area
