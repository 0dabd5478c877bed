"""What Prometheus is told of the database."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import event as sql_event
from sqlalchemy import text

from monitor.adapters.store import SqlStore
from monitor.adapters.store.measures import RegionRows
from monitor.core.look_figures import TileRow
from monitor.records import AcquisitionResult, AcquisitionState, EventState, Observation, Sensor
from tests.adapters.store.factories import LEASE, NOW, TILE, acquisition, day, event, observation, result

ME = "me@1:1:1"
OPTICAL = Sensor.OPTICAL
OTHER = replace(TILE, column=151)


def process(store: SqlStore, number: int, outcome: AcquisitionResult, now: datetime = NOW) -> None:
    """One acquisition, found and done."""
    store.discover("atsuma", [acquisition(number)], [], now)
    entry = store.claim(ME, LEASE, now, ["atsuma"])
    assert entry is not None
    assert store.complete(entry.acquisition, ME, outcome, now)


def looked(number: int, mean: float, *rows: Observation) -> AcquisitionResult:
    """A look at the tile, after these rows."""
    plain = observation(acquisition(number))
    return result(observations=(*rows, replace(plain, stats=replace(plain.stats, mean=mean))))


def the_rows(store: SqlStore, since_day: int = 0) -> RegionRows:
    """Of the region."""
    return dict(store.region_rows(["atsuma", "noto"], day(since_day)))["atsuma"]


def test_how_a_region_stands(store: SqlStore) -> None:
    """States, reasons and alerts; of passes what became of them; a region without any has rows of its own."""
    process(store, 1, result(events=(event(acquisition(1)),)))
    process(store, 2, AcquisitionResult(reason="nothing-usable", detail="clouds"))
    store.discover("atsuma", [acquisition(3, sensor=Sensor.SAR)], [], NOW)
    entry = store.claim(ME, LEASE, NOW, ["atsuma"])
    assert entry is not None
    assert store.park(entry.acquisition, ME, "bad-item", "broken", NOW)
    store.discover("atsuma", [acquisition(4)], [], NOW)
    store.discover("atsuma", [acquisition(4, version="v2")], [], NOW)
    found = the_rows(store)
    done, waits = AcquisitionState.DONE, AcquisitionState.DISCOVERED
    assert {(one.sensor, one.sensing_time, one.state, one.usable) for one in found.listed} == {
        (OPTICAL, day(1), done, True),
        (OPTICAL, day(2), done, False),
        (Sensor.SAR, day(3), AcquisitionState.PARKED, False),
        (OPTICAL, day(4), waits, False),
    }
    assert found.states == {done: 2, AcquisitionState.PARKED: 1, waits: 1, AcquisitionState.SUPERSEDED: 1}
    assert found.parked == {(Sensor.SAR, "bad-item"): 1}
    assert found.alerts == {EventState.PROVISIONAL: 1}
    assert [one.sensing_time for one in the_rows(store, 4).listed] == [day(4)]
    assert dict(store.region_rows(["noto"], day(0))) == {"noto": RegionRows()}


def test_what_is_to_be_done_again_counts_as_it_was(store: SqlStore) -> None:
    """Else a reprocessing would look like an outage."""
    process(store, 1, result())
    with store.database.write() as session:
        session.execute(text("UPDATE acquisition SET state = 'superseded', reason = 'processed-again'"))
    (one,) = the_rows(store).listed
    assert (one.state, one.usable) == (AcquisitionState.DONE, True)
    assert store.newest_ever("atsuma", OPTICAL) == (day(1), day(1))


def test_since_when_the_oldest_is_due(store: SqlStore) -> None:
    """Found and never tried, waiting for its next try, or left by a process that died; history is none of them."""
    hour = timedelta(hours=1)
    assert store.oldest_due(["atsuma"], NOW) == {}
    store.discover("atsuma", [acquisition(1)], [], NOW - 5 * hour, history_before=day(2))
    assert store.oldest_due(["atsuma"], NOW) == {}
    store.discover("atsuma", [acquisition(3)], [], NOW - 3 * hour)
    assert store.oldest_due(["atsuma", "noto"], NOW) == {"atsuma": NOW - 3 * hour}
    first = store.claim(ME, LEASE, NOW - 2 * hour, ["atsuma"])
    assert first is not None
    assert store.complete(first.acquisition, ME, result(), NOW - 2 * hour)
    entry = store.claim(ME, LEASE, NOW - 2 * hour, ["atsuma"])
    assert entry is not None
    assert [one.acquisition.key for one in (first, entry)] == [acquisition(number).key for number in (1, 3)]
    assert store.oldest_due(["atsuma"], NOW - 2 * hour) == {}, "somebody is at it"
    assert store.oldest_due(["atsuma"], NOW) == {"atsuma": NOW - 2 * hour + LEASE}, "and has left it"
    assert store.retry(entry.acquisition, ME, "timeout", "slow", NOW - hour, NOW - 2 * hour)
    assert store.oldest_due(["atsuma"], NOW - hour - LEASE) == {}, "it waits for its next try"
    assert store.oldest_due(["atsuma"], NOW) == {"atsuma": NOW - hour}


def test_what_a_poll_found(store: SqlStore) -> None:
    """By the time of the poll; what was known, and history, is not among it. The time is kept with the entry."""
    store.discover("atsuma", [acquisition(4)], [], NOW)
    later = NOW + timedelta(minutes=30)
    store.discover("atsuma", [acquisition(1), acquisition(4), acquisition(5)], [], later, history_before=day(2))
    assert store.found_at("atsuma", later) == {(acquisition(5).key, "v1")}
    assert {one.acquisition.key: one.discovered for one in store.ledger()} == {
        acquisition(number).key: at for number, at in ((1, later), (4, NOW), (5, later))
    }
    entry = store.claim(ME, LEASE, later, ["atsuma"])
    assert entry is not None
    assert entry.discovered == later


def test_the_newest_look(store: SqlStore) -> None:
    """Of the region's own tiles that a network spoke of, and of these the looks before, of the same kind."""
    assert store.newest_look("atsuma", OPTICAL, [TILE.id]).tiles == {}
    process(store, 1, looked(1, 0.1, observation(acquisition(1), OTHER)))
    process(store, 2, looked(2, 0.2))
    process(store, 3, looked(3, 0.3, observation(acquisition(3), replace(TILE, column=152))))
    process(store, 4, looked(4, 0.4, observation(acquisition(4), OTHER, comparable="optical:l1c", model_version="old")))
    process(store, 5, AcquisitionResult(reason="nothing-usable", detail="clouds"))
    tiles = [TILE.id, OTHER.id]
    found = store.newest_look("atsuma", OPTICAL, tiles)
    assert found.tiles[TILE.id] == TileRow(
        mean=0.4, mean_change=0.01, p95_change=None, shared_fraction=0.0, hazard_area_ha=1.28
    )
    assert sorted(found.before) == [0.1, 0.2, 0.3]
    assert store.newest_look("atsuma", Sensor.SAR, tiles).tiles == {}
    assert store.newest_look("noto", OPTICAL, tiles).tiles == {}


def test_earlier_looks_are_of_a_year(store: SqlStore) -> None:
    """What is older says nothing of how the network answers now."""
    for number in (1, 40, 400):
        process(store, number, looked(number, number / 1000))
    assert store.newest_look("atsuma", OPTICAL, [TILE.id]).before == (0.04,)


def plans(store: SqlStore, ask: Callable[[], object]) -> list[str]:
    """How the database answers what is asked."""
    seen: list[tuple[str, object]] = []
    engine = store.database._engine

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    sql_event.listen(engine, "before_cursor_execute", note)
    ask()
    sql_event.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if store.database.is_sqlite else "EXPLAIN"
    with store.database.read() as session:
        connection = session.connection()
        if not store.database.is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # a table of five rows is read at once
        return [str(connection.exec_driver_sql(f"{explain} {sql}", values).all()) for sql, values in seen]  # type: ignore[arg-type]


def test_nothing_reads_a_table_from_end_to_end(store: SqlStore) -> None:
    """With ten million rows nothing else than an index will do; looks are found by their acquisitions."""
    process(store, 1, looked(1, 0.1))
    process(store, 2, looked(2, 0.1))
    tiles = [replace(TILE, column=column).id for column in range(100, 200)]
    looks = plans(store, lambda: store.newest_look("atsuma", OPTICAL, tiles))
    rows = plans(store, lambda: (the_rows(store), store.oldest_due(["atsuma"], NOW), store.found_at("atsuma", NOW)))
    assert (len(looks), len(rows)) == (3, 6)
    for plan in (*looks, *rows):
        assert "SCAN" not in plan
        assert "Seq Scan" not in plan
    assert "uq_observation" in looks[1]
    assert "uq_observation" in looks[2] or "sensing_time" in looks[2], "by the acquisition, or by tile and time"
