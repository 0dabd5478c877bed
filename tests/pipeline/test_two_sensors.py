"""Optics and radar watch the same ground: who counts, who opens, and what the other one says of it."""

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio

from monitor.core.lifecycle import ALERT_STATES
from monitor.records import (
    AcquisitionState,
    Detector,
    Event,
    EventState,
    Evidence,
    Sensor,
    SensorPolicy,
    Verdict,
)
from monitor.service import PassEvent
from tests.pipeline.radar_world import make_radar_world
from tests.pipeline.world import REGION, Source, World, edit_json, files

WHEN_CLEAR = SensorPolicy.OPTICAL_WHEN_CLEAR


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory, radar_source: Source) -> World:
    """A world that was watched to its end under the default policy: not to be changed."""
    world = make_radar_world(tmp_path_factory.mktemp("watched") / "world", radar_source, WHEN_CLEAR)
    world.once()
    return world


def said_by(event: Event, detector: Detector) -> list[Evidence]:
    """What one detector said of an event."""
    return [piece for piece in event.evidence if piece.detector is detector]


def _acquisition(row: Mapping[str, object]) -> str:
    """The id of the acquisition that a row belongs to."""
    return f"{row['acquisition_key']}_{row['acquisition_version']}"


def test_every_pass_and_every_look_is_processed(watched: World) -> None:
    """Cloudy or not: without earlier passes radar could not answer when the storm comes."""
    ledger = watched.ledger()
    assert {entry.state for entry in ledger} == {AcquisitionState.DONE}
    assert sum(entry.acquisition.sensor is Sensor.SAR for entry in ledger) == len(watched.valley.passes)
    assert sum(entry.acquisition.sensor is Sensor.OPTICAL for entry in ledger) == len(watched.valley.times)


def test_radar_opens_under_cloud_and_optics_support_later(watched: World) -> None:
    """The storm is seen by radar before the sky clears, and the same events are confirmed by optics."""
    first_clear = watched.valley.times[4]
    early = [event for event in watched.events() if event.window_end < first_clear and event.state in ALERT_STATES]
    assert early, "radar saw nothing under the clouds"
    assert {event.detector for event in early} == {Detector.RADAR}
    assert all(event.window_start < watched.valley.storm < event.window_end for event in early)
    seen = [piece for event in early for piece in said_by(event, Detector.BASELINE) if piece.observed_fraction >= 0.3]
    assert seen, "the sky never cleared over any of them"
    assert {piece.verdict for piece in seen} == {Verdict.SUPPORTS}


def test_nothing_is_compared_across_classes(watched: World) -> None:
    """References, previous looks and frozen looks are of the look's own class: track, direction, polarisations."""
    content = watched.dump()
    kind = {
        f"{row['acquisition_key']}_{row['acquisition_version']}": row["comparable"] for row in content["observation"]
    }
    assert len(set(kind.values())) == 3, "optics and two tracks"
    compared = [row for row in content["observation"] if row["previous_acquisition"] is not None]
    assert {row["comparable"] for row in compared} == set(kind.values())
    assert all(kind[str(row["previous_acquisition"])] == row["comparable"] for row in compared)
    assert content["reference"]
    assert all(kind[str(row["acquisition_id"])] == row["comparable"] for row in content["reference"])


def test_other_classes_are_frozen_as_they_were_before_the_failure_window(watched: World) -> None:
    """What another sensor saw inside the window may show the change already."""
    times = {
        f"{row['acquisition_key']}_{row['acquisition_version']}": str(row["sensing_time"])
        for row in watched.dump()["observation"]
    }
    events = {event.id: event for event in watched.events()}
    foreign = 0
    for row in watched.dump()["reference"]:
        event = events[str(row["event_id"])]
        end = event.window_end if row["comparable"] == event.comparable else event.window_start
        foreign += row["comparable"] != event.comparable
        assert times[str(row["acquisition_id"])][:19] < end.isoformat()[:19]
    assert foreign


def test_the_choice_is_stored_with_its_reason(watched: World) -> None:
    """One row for every tile and acquisition; the storm's clouds make radar the evidence of record."""
    choices = watched.dump()["choice"]
    tiles = {row["tile"] for row in choices}
    assert len(choices) == len(tiles) * len(watched.ledger())
    reasons = {(row["sensor"], row["record"], row["reason"]) for row in choices}
    assert ("optical", "optical", "optical-clear") in reasons
    assert ("optical", "sar", "clouded-radar-fresh") in reasons
    assert ("sar", "sar", "no-fresh-optics") in reasons
    with closing(watched.store()) as store:
        assert sum(count.count for count in store.choices(watched.valley.passes[0] - timedelta(days=1))) == len(choices)


def test_radar_takes_the_water_that_optics_saw(watched: World) -> None:
    """What SCL shows as the river is no ground to radar either; until optics have looked, that is said."""
    first = watched.valley.times[0]
    passes = [entry for entry in watched.ledger() if entry.acquisition.sensor is Sensor.SAR]
    unknown = {entry.acquisition.sensing_time for entry in passes if "open water and snow unknown" in str(entry.detail)}
    assert unknown == {entry.acquisition.sensing_time for entry in passes if entry.acquisition.sensing_time < first}
    newest = max(passes, key=lambda entry: entry.acquisition.sensing_time).acquisition
    layer = watched.products / "regions" / REGION / newest.id / "backscatter-change.tif"
    with rasterio.open(layer) as change, rasterio.open(watched.asset(5, "SCL")) as classes:
        river = np.argwhere(classes.read(1) == 6)
        assert len(river) > 20
        places = [classes.xy(row, column) for row, column in river]
        assert all(value[0] == change.nodata for value in change.sample(places))


@pytest.mark.parametrize(
    ("policy", "sensors"),
    [
        (SensorPolicy.RADAR_ONLY, {Sensor.SAR}),
        (SensorPolicy.BOTH, {Sensor.OPTICAL, Sensor.SAR}),
    ],
)
def test_a_policy_decides_what_is_looked_at(
    tmp_path: Path, radar_source: Source, policy: SensorPolicy, sensors: set[Sensor]
) -> None:
    """Scenes of other sensors are not even searched; it is asked when radar has seen the storm."""
    world = make_radar_world(tmp_path / "world", radar_source, policy)
    world.once(next(time for time in world.valley.passes if time > world.valley.storm) + timedelta(hours=1))
    assert {entry.acquisition.sensor for entry in world.ledger()} == sensors
    assert Detector.RADAR in {event.detector for event in world.events()}


def test_radar_alone_waits_where_optics_count(tmp_path: Path, radar_source: Source) -> None:
    """Where the newest optical look is clear and counts as fresh, what radar sees is kept as a candidate."""
    world = make_radar_world(tmp_path / "world", radar_source, WHEN_CLEAR)
    for clouded in (2, 3):
        world.hide(clouded)
    world.configure(sensors={"clear_share": 0.0001, "keep_share": 0.0001, "optics_fresh_hours": 24 * 365})
    world.once(world.valley.times[4] - timedelta(hours=1))
    storm = world.valley.storm
    waiting = [event for event in world.events() if event.detector is Detector.RADAR and event.window_end > storm]
    assert waiting
    assert {event.transitions[0].reason for event in waiting} == {"not-of-record"}
    assert all(event.transitions[0].state is EventState.CANDIDATE for event in waiting)


def test_the_order_of_discovery_changes_nothing(tmp_path: Path, radar_source: Source, watched: World) -> None:
    """Watched day by day, with a pass more at every step, the outcome is that of one pass over all."""
    world = make_radar_world(tmp_path / "world", radar_source, WHEN_CLEAR)
    times = sorted((*radar_source.valley.times, *radar_source.valley.passes))
    for time in times:
        world.once(time + timedelta(hours=1))
    world.once()
    assert world.dump() == watched.dump()
    assert files(world) == files(watched)


def test_a_pass_that_says_less_of_its_track_is_refused(tmp_path: Path, radar_source: Source) -> None:
    """An item without relative orbit is refused and told; the others go on."""
    world = make_radar_world(tmp_path / "world", radar_source, SensorPolicy.RADAR_ONLY)
    item = sorted((world.folder / "catalog" / "sentinel-1-rtc").glob("*/*.json"))[0]
    edit_json(item, lambda document: document["properties"].pop("sat:relative_orbit"))  # type: ignore[attr-defined]
    told: list[PassEvent] = []
    world.once(world.valley.passes[2] + timedelta(hours=1), told.append)
    refused = [event for event in told if event.action == "refused"]
    assert [event.reason for event in refused] == ["no-track"]
    assert len(world.ledger()) == 3 - 1
    assert REGION in {entry.acquisition.region for entry in world.ledger()}
