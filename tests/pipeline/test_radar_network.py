"""A network of its own looks at radar passes: its answers are kept, and it opens alerts where it is asked to."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from shapely import box

from monitor.adapters.looks import LookFiles
from monitor.core.change import AlertSettings
from monitor.core.events import LookContext
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.surroundings import Seen
from monitor.evidence import absorb
from monitor.overview import coverage
from monitor.records import AlertStatus, Cluster, Detector, NetworkAnswer, Sensor, SensorPolicy, Tile
from tests.adapters.tiny_model import write_card, write_filter
from tests.pipeline.radar_world import RADAR, make_radar_world
from tests.pipeline.world import START, Json, Source, World, edit_json

DARK = {
    "mlm:input": [{"bands": ["vv", "vh"]}],
    "scarpwatch:version": "darkness-1",
    "scarpwatch:sensor": "sar",
    "scarpwatch:channels": 2,
    "scarpwatch:normalisation": "per-input",
    "scarpwatch:inputs": {
        "vv": {"method": "decibel", "center": -9, "scale": 3},
        "vh": {"method": "decibel", "center": -15, "scale": 3},
    },
    "scarpwatch:flips": ["identity", "vertical"],
    "scarpwatch:simulated": True,
}


def write_darkness(folder: Path) -> None:
    """sigmoid(-4 (mean of 5x5 px and both polarisations + 1.5)): near 0 on ground as ever, near 1 where it is dark."""
    folder.mkdir(parents=True)
    write_filter(folder / "model.onnx", np.full((2, 5, 5), -4.0 / 50.0, dtype=np.float32), -6.0)
    write_card(folder, DARK)


def radar_world(folder: Path, source: Source, *detectors: str, policy: SensorPolicy = SensorPolicy.RADAR_ONLY) -> World:
    """A world in which the network of darkness looks at radar."""
    world = make_radar_world(folder / "world", source, policy)
    write_darkness(world.folder / "models" / "darkness")
    world.configure(radar_model="darkness", alerts={"detectors": list(detectors)})
    return world


def watched_by(folder: Path, source: Source, *detectors: str, until: datetime = START) -> World:
    """Such a world, with optics too, watched to its end or to a time."""
    world = radar_world(folder, source, *detectors, policy=SensorPolicy.BOTH)
    assert world.once(until).parked == 0
    return world


def test_a_network_of_radar_opens_test_alerts_where_it_is_asked_to(tmp_path: Path, radar_source: Source) -> None:
    """Scars that went dark are found on the pass after the storm, and later passes of the track support it."""
    world = watched_by(tmp_path, radar_source, "network")
    of_radar = [event for event in world.events() if event.comparable.startswith(Sensor.SAR.value)]
    assert of_radar
    assert {event.detector for event in of_radar} == {Detector.NETWORK}
    assert {event.status for event in of_radar} == {AlertStatus.TEST}
    assert {event.model_version for event in of_radar} == {"darkness-1"}
    assert any(event.window_start < world.valley.storm < event.window_end for event in of_radar)


def test_a_network_of_radar_is_silent_where_it_is_not_asked(tmp_path: Path, radar_source: Source) -> None:
    """Its answers are in the history all the same; others open events of the pass after the storm."""
    valley = radar_source.valley
    struck = next(time for time in valley.passes if time > valley.storm)
    world = watched_by(tmp_path, radar_source, "baseline", "radar", until=struck + timedelta(hours=1))
    assert Detector.RADAR in {event.detector for event in world.events()}
    assert Detector.NETWORK not in {event.detector for event in world.events()}
    looked = [row for row in world.dump()["observation"] if row["decision"] == "looked"]
    radar = [row for row in looked if row["sensor"] == Sensor.SAR.value]
    assert {row["model_version"] for row in radar} == {"darkness-1"}
    assert all(row["mean"] is not None for row in radar)


def test_a_network_is_not_fed_passes_of_another_resolution(tmp_path: Path, radar_source: Source) -> None:
    """Products of 30 m are left to the baseline, and every tile says why the network did not look."""
    world = radar_world(tmp_path, radar_source, "network", "radar")
    for document in (world.folder / "catalog" / RADAR).glob("*/*.json"):
        edit_json(document, lambda item: cast(Json, item["properties"]).update({"sar:resolution_range": 30}))
    track = [time for time in world.valley.passes if time.time() == world.valley.passes[0].time()]
    world.once(track[3] + timedelta(minutes=5))
    looked = [row for row in world.dump()["observation"] if row["sensor"] == Sensor.SAR.value]
    assert {row["network"] for row in looked} == {NetworkAnswer.RESOLUTION.value}
    assert {(row["model_version"], row["mean"]) for row in looked} == {("no-network", None)}
    last = max(world.ledger(), key=lambda entry: entry.acquisition.sensing_time)
    assert last.reason == "compared", "the baseline goes on"
    assert "no answer of the network on 4 tiles (other-native-resolution)" in str(last.detail)
    with closing(world.store()) as store:
        region = replace(world.settings().region_records()[0], lookback_days=20000)
        seen = coverage(region, store, LookFiles(world.products), START)
    assert (Sensor.SAR, NetworkAnswer.RESOLUTION) in seen.answers


@pytest.mark.parametrize(
    ("detector", "status"), [(Detector.NETWORK, AlertStatus.TEST), (Detector.RADAR, AlertStatus.ACTUAL)]
)
def test_a_simulated_network_makes_no_drills_of_what_is_found_without_it(
    detector: Detector, status: AlertStatus
) -> None:
    """On real pixels the radar's own detector keeps its word beside a network on trial."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    context = LookContext(
        region="valley",
        acquisition_key="pass",
        acquisition_id="pass_v1",
        sensing_time=now,
        previous_time=now,
        model_version="darkness-1",
        status=AlertStatus.TEST,
        plain_status=AlertStatus.ACTUAL,
        mask_source="radar",
        shift=0.0,
        sensor=Sensor.SAR,
        comparable="sar:R1",
    )
    cluster = Cluster(
        tiles=(Tile(epsg=32633, column=200, row=2000),),
        geometry=box(512000, 5120000, 512100, 5120100),
        epsg=32633,
        detector=Detector.RADAR,
        area_ha=1.0,
        mean_change=0.5,
        strength=0.5,
        slope_deg=30.0,
        spread=0.0,
    )
    seen = Seen(before=now, around=1.0, beside_hidden=False)
    found = absorb([(replace(cluster, detector=detector), seen)], [], context, AlertSettings(), LifecycleSettings())
    assert [event.status for event in found] == [status]
