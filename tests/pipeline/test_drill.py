"""Exercises on simulated ground: what is found, what is told, and that nothing of it reaches the real history."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from shapely import Point, union_all
from sqlalchemy import select

from monitor.adapters.store import SqlStore, dump
from monitor.adapters.store.schema import Table
from monitor.cli.parts import Parts
from monitor.cli.run import run
from monitor.core.grid import project
from monitor.drill import DrillRequest, Found, implant_strengths
from monitor.drill_wiring import build_drill, own_database
from monitor.records import AlertStatus, Detector, Sensor, SensorPolicy
from monitor.sandbox.frame import EPSG
from monitor.wiring import build
from tests.pipeline.processes import no_demo
from tests.pipeline.radar_world import make_radar_world
from tests.pipeline.world import REGION, START, Json, Source, World, make_world

BY_RADAR = ("--sensor", "radar", "--ha", "1.5", "--count", "2", "--decibels", "-8", "-12", "--json")


def everything(world: World) -> tuple[object, Mapping[str, str]]:
    """Every row of every table with every column, and every file of the product folder."""
    with closing(world.store()) as store, store.database.read() as session:
        rows = {
            table.name: sorted(map(str, session.execute(select(*table.columns)).all()))
            for table in Table.metadata.sorted_tables
        }
    found = [path for path in sorted(world.products.rglob("*")) if path.is_file()]
    return rows, {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def drill(world: World, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `scarpwatch drill`."""
    capsys.readouterr()
    parts = Parts(build=build, demo=no_demo, clock=lambda: START)
    code = run(["drill", REGION, "--seed", "1", "--config", str(world.config), *options], parts)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def quiet(world: World) -> World:
    """A world that was watched until before its storm, on both databases."""
    world.once(now=world.valley.times[1])
    return world


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, source: Source) -> World:
    """The same on SQLite, for tests that only read it."""
    world = make_world(tmp_path_factory.mktemp("drilled") / "world", source)
    world.once(now=world.valley.times[1])
    return world


def test_a_drill_is_seen_and_leaves_no_trace(quiet: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its scars become alerts of status Exercise in a database of its own; the real history stays as it is."""
    before = everything(quiet)
    code, out, _ = drill(quiet, capsys, "--count", "2", "--keep", str(tmp_path / "kept"), "--json")
    assert everything(quiet) == before
    report = json.loads(out)
    assert (code, report["passed"]) == (0, True), out
    assert [scar["found"] for scar in report["scars"]] == ["seen"] * 2
    assert {"place", "read", "change", "products", "store"} <= report["seconds"].keys()
    with closing(SqlStore(own_database(tmp_path / "kept"))) as own:
        events, messages = own.events(), dump(own)["outbox"]
    assert {event.id for event in events} == {scar["event_id"] for scar in report["scars"]}
    assert {event.status for event in events} == {AlertStatus.EXERCISE}
    assert {event.storm for event in events} == {"valley-drill-20260101T120000Z"}
    assert {cast(Json, message["payload"])["status"] for message in messages} == {"exercise"}
    assert len(messages) == 2
    assert all((tmp_path / "kept" / "products" / str(event.picture)).is_file() for event in events)


def test_the_table_tells_how_and_where(watched: World, capsys: pytest.CaptureFixture[str]) -> None:
    """People read where the scars are, what became of them, how long it took, and that it was an exercise."""
    code, out, _ = drill(watched, capsys, "--count", "2")
    assert code == 0
    assert "Exercise in valley: 2 scar(s) painted into the newest optical acquisition" in out
    assert "by baseline" in out
    # The paint and what is told of it are two areas: the table says so.
    assert " ".join(out.split()).count("ha (pixels that changed, with their edge)") == 2
    assert "2 seen." in out
    assert out.endswith("This was an exercise. The real history was not touched.\n")


def test_the_same_seed_chooses_the_same_places(watched: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A drill can be made again, and another seed is another drill."""
    places = []
    for seed in ("1", "1", "2"):
        report = json.loads(drill(watched, capsys, "--count", "1", "--json", "--seed", seed)[1])
        places.append([(scar["longitude"], scar["latitude"]) for scar in report["scars"]])
    assert places[0] == places[1] != places[2]


def test_every_channel_that_takes_exercises_is_told(
    watched: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They hear the alert, and that it is over; others hear nothing; one that is not reached fails the drill."""
    (tmp_path / "file").touch()
    folders: dict[str, dict[str, object]] = {
        "drills": {"path": str(tmp_path / "drills"), "statuses": ["exercise"]},
        "duty": {"path": str(tmp_path / "duty")},
        "broken": {"path": str(tmp_path / "file" / "below"), "statuses": ["actual", "exercise"]},
    }
    watched.configure(channels={name: {"type": "directory", **one} for name, one in folders.items()})
    before = everything(watched)
    try:
        code, out, _ = drill(watched, capsys, "--count", "1", "--deliver")
    finally:
        watched.configure(channels={})
    assert everything(watched) == before
    assert (code, (tmp_path / "duty").exists()) == (1, False)
    assert "Channel drills: 2 of 2 messages acknowledged" in out
    assert "Channel broken: 0 of 2 messages acknowledged: " in out
    assert "cannot be written" in out
    assert "duty" not in out
    told = [json.loads(path.read_text()) for path in sorted((tmp_path / "drills").glob("valley-drill-*/*.json"))]
    assert [(one["data"]["status"], one["data"]["state"]) for one in told] == [
        ("exercise", "provisional"),
        ("exercise", "closed"),
    ]
    assert told[1]["data"]["detail"] == "The exercise is over."


def test_a_scar_that_is_missed_is_explained(watched: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Thresholds that nothing reaches: the exit code is 1, and the figures are there."""
    watched.configure(alerts={"baseline_high": 4.0, "high": 0.9})
    try:
        code, out, _ = drill(watched, capsys, "--count", "1", "--json")
    finally:
        watched.configure(alerts={})
    (scar,) = json.loads(out)["scars"]
    assert (code, scar["found"], scar["event_id"]) == (1, "missed", "")
    assert scar["detail"].startswith("too weak: brightening ")
    assert scar["detail"].endswith("4.00 is needed")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--sensor", "radar"), 1, "no radar acquisition of this region has been compared"),
        (("--sensor", "sonar"), 2, "neither optical nor radar"),
        (("--keep", "."), 1, "not empty"),
        (("--ha", "0.001"), 2, "0.05"),
    ],
)
def test_what_cannot_be_drilled_says_why(
    watched: World, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int, said: str
) -> None:
    """Nothing to paint into, and options that make no sense."""
    ended, _, err = drill(watched, capsys, *options)
    assert ended == code
    assert said in err


def test_without_ground_there_is_no_drill(watched: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no slope is steep enough, it says so and what to try."""
    watched.configure(alerts={"seed_slope_deg": 89.0})
    try:
        code, _, err = drill(watched, capsys)
    finally:
        watched.configure(alerts={})
    assert code == 1
    assert "nothing clear on slopes in the newest optical acquisition" in err
    assert "Try --sensor radar" in err


def test_strengths_for_the_curve_of_detection(watched: World) -> None:
    """Every painted scar comes back with how strongly it was found, in as many runs as the valley has room for."""
    before = everything(watched)
    with closing(build_drill(watched.settings())) as exercise:
        request = DrillRequest(region=REGION, sizes_ha=(), seed=3)
        scars = implant_strengths(exercise, request, (0.1, 1.0), 2, lambda: START)
    assert everything(watched) == before
    assert sorted(scar.area_ha for scar in scars) == [0.1, 0.1, 1.0, 1.0]
    small, large = ([scar for scar in scars if scar.area_ha == size] for size in (0.1, 1.0))
    assert {scar.found for scar in large} <= {Found.SEEN, Found.CANDIDATE}, "as rare as quiet ground has it"
    assert {scar.detector for scar in large} == {Detector.BASELINE}
    assert max(scar.strength for scar in small) < min(scar.strength for scar in large)


def test_a_drill_by_radar(tmp_path: Path, radar_source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    """Scars in the newest pass are found by radar, also where optics count and an alert has to wait."""
    world = make_radar_world(tmp_path / "world", radar_source, SensorPolicy.OPTICAL_WHEN_CLEAR)
    world.once(now=world.valley.storm - timedelta(hours=1))
    before = everything(world)
    code, out, err = drill(world, capsys, *BY_RADAR)
    assert everything(world) == before
    report = json.loads(out or "{}")
    assert (code, report.get("sensor"), len(report["scars"])) == (0, Sensor.SAR, 2), (out, err)
    assert {scar["detector"] for scar in report["scars"]} == {"radar"}
    assert {scar["found"] for scar in report["scars"]} <= {"seen", "candidate"}


def test_real_events_are_kept_apart(tmp_path: Path, wide_source: Source) -> None:
    """After a real storm a drill has room far from what failed only, and tells its own scars alone."""
    world = make_world(tmp_path / "world", wide_source)
    world.once(now=world.valley.times[2])
    real = union_all([project(event.geometry, 4326, EPSG) for event in world.events()])
    assert not real.is_empty
    request = DrillRequest(region=REGION, sizes_ha=(0.5,) * 20)
    (tmp_path / "own").mkdir()
    with closing(build_drill(world.settings())) as exercise:
        scars = exercise.strengths(request, tmp_path / "own", lambda: START)
    assert 1 <= len(scars) < 20
    places = [project(Point(scar.longitude, scar.latitude), 4326, EPSG) for scar in scars]
    assert min(real.distance(place) for place in places) >= 500.0
    with closing(SqlStore(own_database(tmp_path / "own"))) as own:
        told = own.events()
    assert all(real.distance(project(event.geometry, 4326, EPSG)) > 300.0 for event in told)
