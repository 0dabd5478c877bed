"""Real Sentinel-1 passes through the whole chain: a quiet series of one OPERA burst gives no alert."""

from contextlib import closing
from pathlib import Path

import pytest

from monitor.adapters.store import SqlStore
from monitor.core.grid import region_tiles
from monitor.records import AcquisitionState, Sensor
from monitor.wiring import build
from tests.pipeline.opera import watch_of
from tests.pipeline.world import START, Source


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, data_folder: Path, source: Source) -> SqlStore:
    """The database after all passes over the burst."""
    catalog = data_folder / "california_s1_rtc" / "catalog" / "catalog.json"
    settings = watch_of(tmp_path_factory.mktemp("california"), catalog, source)
    store = SqlStore(settings.database)
    store.upgrade()
    with closing(build(settings)) as service:
        service.once(lambda: START)
    return store


def test_all_passes_are_processed(watched: SqlStore) -> None:
    """21 passes of two satellites on one track, oldest first; three teach, the others are compared."""
    ledger = sorted(watched.ledger(), key=lambda entry: entry.acquisition.sensing_time)
    assert len(ledger) == 21
    assert {entry.state for entry in ledger} == {AcquisitionState.DONE}, [entry.detail for entry in ledger]
    assert [entry.reason for entry in ledger] == ["learning"] * 3 + ["compared"] * 18
    assert {entry.acquisition.platform for entry in ledger} == {"sentinel-1a", "sentinel-1b"}
    assert {entry.acquisition.comparable for entry in ledger} == {"sar:R137:ascending:vv+vh:sentinel-1-rtc"}
    assert {entry.acquisition.resolution_m for entry in ledger} == {30.0}


def test_quiet_land_gives_no_alert(watched: SqlStore) -> None:
    """Also not when rain lifts the whole crop by several dB, as on 1 January 2023."""
    assert watched.events() == []


def test_rows_say_what_was_compared(watched: SqlStore) -> None:
    """Radar without a network has no probability; what was seen and compared is told all the same."""
    ground = watched.ledger()[0].acquisition.items[0].geometry
    rows = [row for tile in region_tiles(ground) for row in watched.history(tile) if row.look_href]
    assert rows
    assert {(row.sensor, row.model_version, row.stats.mean) for row in rows} == {(Sensor.SAR, "no-network", None)}
    newest = max(rows, key=lambda row: (row.sensing_time, row.stats.valid_fraction))
    assert newest.stats.valid_fraction > 0.1
    assert newest.jointly_valid_fraction == pytest.approx(newest.stats.valid_fraction, abs=0.05)
    assert newest.reference_count == 12
