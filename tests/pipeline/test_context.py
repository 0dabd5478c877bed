"""What an alert says of its surroundings, from layers on disk to the duty officer's terminal."""

import json
from contextlib import closing
from typing import cast

import pytest
from shapely.geometry import LineString, Point, box, shape

from monitor.cli.run import run
from monitor.core.grid import project
from monitor.core.lifecycle import ALERT_STATES
from monitor.records import Event, Sensor, Severity, ZoneRelation
from monitor.service import PassEvent
from tests.fake_watch import parts
from tests.layer_files import Features, write_geojson, write_geopackage
from tests.pipeline.world import Json, Source, World, make_world

FIRST, SECOND = 2, 3
"""Looks after the storm."""
HOSTILE = '<b>Öl & "Kies"</b>'


def alerts(world: World) -> list[Event]:
    """Events that people see, strongest first."""
    return [event for event in world.events() if event.state in ALERT_STATES]


def add_layers(world: World, event: Event) -> None:
    """A house and a road at an event, a town south-west of it, a zone around it, each in another format and CRS."""
    epsg = event.tiles[0].epsg
    outline = project(event.geometry, 4326, epsg)
    west, south, east, north = outline.bounds
    houses = [("Mill", box(east + 50, north + 20, east + 60, north + 30)), (None, outline.centroid.buffer(5))]
    write_geopackage(world.folder / "houses.gpkg", _in(houses, epsg, "EPSG:3857"), "EPSG:3857")
    road = LineString([(west - 30, south - 1000), (west - 30, north + 1000)])
    write_geopackage(world.folder / "roads.gpkg", _in([(HOSTILE, road)], epsg, "EPSG:4326"), "EPSG:4326")
    middle = outline.representative_point()
    town = Point(middle.x - 1500, middle.y - 1500)
    write_geojson(world.folder / "towns.geojson", _in([("Atsuma", town), ("lost", None)], epsg, "EPSG:4326"))
    zone = box(west - 500, south - 500, east + 500, north + 500)
    write_geojson(world.folder / "zones.geojson", _in([("Zone 7", zone)], epsg, "EPSG:4326"))
    kinds = {"houses.gpkg": "buildings", "roads.gpkg": "roads", "towns.geojson": "places", "zones.geojson": "zones"}
    world.configure(layers={path.split(".")[0]: {"kind": kind, "path": path} for path, kind in kinds.items()})


def _in(features: Features, epsg: int, crs: str) -> Features:
    return [(name, None if one is None else project(one, epsg, crs)) for name, one in features]


def told(world: World, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What `scarpwatch alerts` prints."""
    capsys.readouterr()
    assert run(["alerts", "--config", str(world.config), *options], parts(lambda: world.valley.times[SECOND])) == 0
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, source: Source) -> World:
    """Watched up to the first look after the storm, without layers."""
    made = make_world(tmp_path_factory.mktemp("context") / "world", source)
    made.hide(SECOND)
    made.once(now=made.valley.times[FIRST])
    return made


def test_without_layers_the_ground_is_told(world: World) -> None:
    """Slope, direction, runout and severity need no layers; nothing is claimed of what is exposed."""
    found = alerts(world)
    assert found
    for event in found:
        assert event.context is not None
        assert event.context.exposure is None
        assert event.context.severity_reason.endswith("no layers to tell what is exposed")
        runout = event.context.runout
        assert runout is not None
        assert (runout.length_m > 0) is (runout.area is not None)
        if runout.area is not None:
            assert runout.area.distance(event.geometry) < 1e-4
    assert any(event.context and event.context.runout and event.context.runout.length_m > 30 for event in found)
    candidates = [event for event in world.events() if not any(one.state in ALERT_STATES for one in event.transitions)]
    assert all(event.context is None for event in candidates)


def test_the_next_pass_follows_from_the_ledger(world: World) -> None:
    """Three optical passes make a rhythm; the date is the one after the last."""
    (event, *_) = alerts(world)
    assert event.context is not None
    (coming,) = event.context.next_passes
    times = world.valley.times[: FIRST + 1]
    assert coming.sensor is Sensor.OPTICAL
    assert coming.expected > times[-1]
    assert coming.basis.startswith("every ")
    with closing(world.store()) as store:
        passed = store.passes("valley", times[0], times[-1])
        assert [one.sensing_time for one in passed] == list(times)
        assert store.passes("valley", times[1], times[1])[0].sensing_time == times[1]
        assert store.passes("elsewhere", times[0], times[-1]) == []


def test_layers_reach_alerts_messages_and_people(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The next look tells the exposure: in the database, in the message, as GeoJSON and on the terminal."""
    worst = max(alerts(world), key=lambda event: event.strength)
    add_layers(world, worst)
    world.publish()
    said: list[PassEvent] = []
    world.once(now=world.valley.times[SECOND], report=said.append)
    odd = [one.detail for one in said if one.action == "layer-odd"]
    assert odd == ["layer towns: 1 feature without a usable geometry left out"]
    event = next(one for one in world.events() if one.id == worst.id)
    assert event.context is not None
    exposed = event.context.exposure
    assert exposed is not None
    assert exposed.roads is not None
    assert exposed.buildings is not None
    assert (exposed.roads.count, exposed.roads.names) == (1, (HOSTILE,))
    assert exposed.buildings.reached >= 1
    assert (exposed.zone, exposed.zones, exposed.place) == (ZoneRelation.INSIDE, ("Zone 7",), "2.1 km NE of Atsuma")
    assert event.context.severity in (Severity.SEVERE, Severity.EXTREME)
    with closing(world.store()) as store:
        message = next(one for one in reversed(store.outbox()) if one.event_id == event.id)
    context = cast(Json, message.payload["context"])
    assert cast(Json, context["exposure"])["zones"] == ["Zone 7"]
    document = json.loads(told(world, capsys, "--json"))
    properties = next(one["properties"] for one in document["features"] if one["id"] == event.id)
    assert properties["certainty"] == "likely"
    assert properties["urgency"] == "expected"
    assert "1 road, 2 buildings within 100 m, inside a designated zone (Zone 7)" in properties["told"]
    if properties["runout"]["area"] is not None:
        assert shape(properties["runout"]["area"]).is_valid
    capsys.readouterr()
    assert run(["alerts", "show", event.id, "--config", str(world.config)], parts()) == 0
    shown = capsys.readouterr().out
    assert "  severity severe: " in shown
    assert "  urgency expected, certainty likely\n" in shown
    assert f"  {properties['told']}\n" in shown
    lines = told(world, capsys)
    assert "2.1 km NE of Atsuma; 1 road, 2 buildings within 100 m" in lines.replace("\n       ", " ")
    assert HOSTILE not in document["not_observed"]


def test_a_layer_that_breaks_never_stops_an_alert(small_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Rubbish in place of a layer: the alerts open all the same, say what is unknown, and are moderate at least."""
    world = small_world
    (world.folder / "houses.gpkg").write_bytes(b"<html>502 Bad Gateway</html>")
    world.configure(layers={"houses": {"kind": "buildings", "path": "houses.gpkg"}})
    said: list[PassEvent] = []
    summary = world.once(report=said.append)
    assert summary.parked == 0
    found = alerts(world)
    assert found
    for event in found:
        assert event.context is not None
        assert event.context.exposure is not None
        assert event.context.exposure.unreadable == ("houses",)
        assert event.context.severity is not Severity.MINOR
    (complaint, *_) = [one.detail for one in said if one.action == "layer-odd"]
    assert complaint.startswith("layer houses cannot be read: ")
    assert "Export it as one of the two." in complaint
    assert "exposure unknown: houses cannot be read" in told(world, capsys).replace("\n       ", " ")
