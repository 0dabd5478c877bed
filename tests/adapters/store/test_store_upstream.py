"""What is kept of upstream: answers, catalogs that stand in, reports; and which listings of a known pass are news."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from monitor.adapters.store import SqlStore
from monitor.adapters.store.upstream_schema import WatchedTileRow
from monitor.records import Acquisition, AcquisitionState, Fallback, FiledReport, ReportKind, Sensor, Tile
from tests.adapters.store.factories import LEASE, NOW, acquisition, day, result

ME = "here@1:1:1"


def elsewhere(number: int, **changes: object) -> Acquisition:
    """The same pass as another catalog lists it."""
    here = acquisition(number)
    item = replace(here.items[0], catalog="elsewhere", id=f"other-{number}", **changes)  # type: ignore[arg-type]
    return replace(here, version="w1", items=(item,))


def ended(store: SqlStore, how: AcquisitionState, reason: str = "asset-unavailable") -> None:
    """Let the one acquisition of the ledger end."""
    entry = store.claim(ME, LEASE, NOW, ["atsuma"])
    assert entry is not None
    if how is AcquisitionState.DONE:
        store.complete(entry.acquisition, ME, result(), NOW)
    elif how is AcquisitionState.PARKED:
        store.park(entry.acquisition, ME, reason, "no", NOW)
    else:
        store.retry(entry.acquisition, ME, reason, "no", NOW + LEASE, NOW)


@pytest.mark.parametrize(
    ("how", "reason", "new"),
    [
        (None, "", 0),
        (AcquisitionState.DONE, "", 0),
        (AcquisitionState.DISCOVERED, "asset-unavailable", 1),
        (AcquisitionState.PARKED, "forbidden", 1),
        (AcquisitionState.PARKED, "rolled-back", 0),
    ],
)
def test_a_pass_is_processed_once_whoever_lists_it(
    store: SqlStore, how: AcquisitionState | None, reason: str, new: int
) -> None:
    """Another catalog's listing is taken only where that of the first could not be read, and not after a person."""
    store.discover("atsuma", [acquisition(1)], [], NOW)
    if how is not None:
        ended(store, how, reason)
    assert store.discover("atsuma", [elsewhere(1)], [], NOW) == new
    assert store.discover("atsuma", [acquisition(1)], [], NOW) == 0, "the first catalog is back"
    assert store.discover("atsuma", [elsewhere(1, processing_baseline="05.11")], [], NOW) == 1 - new or new


def test_what_half_the_catalogs_know_takes_no_place_of_the_whole(store: SqlStore) -> None:
    """An incomplete poll may complete a pass, and must not shrink it."""
    one = acquisition(1)
    beside = replace(one.items[0], id="beside", grid_code="54TXM")
    whole = replace(one, version="v2", items=(*one.items, beside))
    assert store.discover("atsuma", [one], [], NOW, complete=False) == 1
    assert store.discover("atsuma", [whole], [], NOW, complete=False) == 1
    newer = replace(one, version="v3", items=(replace(one.items[0], processing_baseline="05.11"),))
    assert store.discover("atsuma", [newer], [], NOW, complete=False) == 0
    assert store.discover("atsuma", [newer], [], NOW) == 1


def test_answers_and_stand_ins(store: SqlStore) -> None:
    """Each region has its own; noting one leaves the other as it is."""
    assert store.last_answer("atsuma") is None
    store.note_answer("atsuma", NOW)
    one = Fallback(catalogs=("es", "cdse"), since=NOW, reason="pc is stale")
    store.note_fallback("atsuma", one)
    store.note_fallback("noto", one)
    store.note_answer("atsuma", NOW + LEASE)
    assert store.last_answer("atsuma") == NOW + LEASE
    assert store.last_answer("noto") is None
    store.note_fallback("noto", None)
    assert (store.fallbacks(), store.fallback("noto")) == ({"atsuma": one}, None)


def test_the_newest_report_of_a_kind_counts(store: SqlStore) -> None:
    """By subject; kinds do not mix."""
    for at, words in ((NOW, "old"), (NOW + LEASE, "new")):
        store.put_report(ReportKind.DRILL, FiledReport(subject="atsuma", at=at, body={"detail": words}))
    store.put_report(ReportKind.ENGINE, FiledReport(subject="", at=NOW, body={"engine": "x"}))
    new = FiledReport(subject="atsuma", at=NOW + LEASE, body={"detail": "new"})
    assert store.reports(ReportKind.DRILL) == {"atsuma": new}
    assert store.reports(ReportKind.AUDIT) == {}


def test_what_the_ledger_tells_of_upstream(store: SqlStore) -> None:
    """Acquisitions of a time without replaced versions, satellites by sensor, what is parked, and the oldest wait."""
    store.discover("atsuma", [acquisition(2), acquisition(1)], [], NOW)
    store.discover("atsuma", [acquisition(2, "v2"), acquisition(3, sensor=Sensor.SAR)], [], NOW + LEASE)
    ids = [entry.acquisition.id for entry in store.sensed("atsuma", day(1), day(3))]
    assert ids == ["optical-001_v1", "optical-002_v2"]
    assert store.platforms("atsuma") == {Sensor.OPTICAL: {"sentinel-2a"}, Sensor.SAR: {"sentinel-2a"}}
    assert store.oldest_waiting(["atsuma"]) == NOW
    ended(store, AcquisitionState.PARKED)
    assert [entry.acquisition.id for entry in store.parked_entries("atsuma")] == ["optical-001_v1"]
    assert (store.parked_entries("noto"), store.oldest_waiting(["noto"])) == ([], None)
    assert store.oldest_waiting(["atsuma"]) == NOW + LEASE
    assert {one.platform for one in store.passes("atsuma", day(0), day(9))} == {"sentinel-2a"}
    assert store.sensed("atsuma", day(9), day(9) + timedelta(days=1)) == []


def test_where_the_tiles_of_a_region_lie(store: SqlStore) -> None:
    """A region that is configured anew has its new tiles; those of others, also of the same ground, stay."""
    here, beside = (Tile(epsg=32654, column=column, row=1842) for column in (220, 221))
    for region, tiles in (("atsuma", [here, beside]), ("noto", [here]), ("atsuma", [beside]), ("atsuma", [beside])):
        store.note_tiles(region, tiles)
    with store.database.read() as session:
        rows = session.execute(select(WatchedTileRow.region, WatchedTileRow.tile).order_by(WatchedTileRow.region)).all()
        west, east = session.scalars(select(WatchedTileRow.longitude).order_by(WatchedTileRow.longitude))
    assert [tuple(row) for row in rows] == [("atsuma", beside.id), ("noto", here.id)]
    assert east - west == pytest.approx(2560 / 82_000, rel=0.02)
