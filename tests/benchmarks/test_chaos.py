"""What the run of chaos stands on: databases that differ are told apart, and every kind of process is killed."""

import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, Delete, Update, delete, update

from benchmarks.same import DELIVERY_LEFT_OUT, WHY, WHY_TABLE, Compared, compare, content, left_out, natural_key
from benchmarks.troupe import CONTEXT, Actor, Killer, Kind, Troupe
from monitor.adapters.store import SqlStore
from monitor.adapters.store.dump import LEFT_OUT, OF_OTHERS
from monitor.adapters.store.schema import AcquisitionRow, ObservationRow, OutboxRow, Table, TransitionRow
from tests.order_world import NOW, Fragile, Kept, Watch

HARMLESS = [
    update(AcquisitionRow).values(attempts=3, updated=NOW + timedelta(days=1), lease_owner="elsewhere:1:1"),
    update(TransitionRow).values(created=NOW + timedelta(days=1)),
    update(OutboxRow).values(created=NOW + timedelta(days=1)),
]
_FIRST: ColumnElement[bool] = ObservationRow.id == 1
HARMFUL = [
    update(ObservationRow).where(_FIRST).values(valid_fraction=ObservationRow.valid_fraction + 2e-6),
    update(AcquisitionRow).where(AcquisitionRow.id == 1).values(reason="late"),
    update(OutboxRow).where(OutboxRow.id == 1).values(sequence=7),
    delete(ObservationRow).where(_FIRST),
]


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of four looks, the last two of which show a scar: an event with a message."""
    folder = tmp_path_factory.mktemp("season")
    with closing(Fragile(f"sqlite:///{folder}/watch.db")) as store:
        store.upgrade()
        watch = Watch(store=store, kept=Kept(), series=("0011",))
        for number in range(4):
            assert watch.deliver(number) is not None
        assert store.outbox(10)
    return folder


@pytest.fixture
def other(season: Path, tmp_path: Path) -> Iterator[SqlStore]:
    """The same database in another folder, to be changed."""
    shutil.copytree(season, tmp_path / "other")
    with closing(SqlStore(f"sqlite:///{tmp_path}/other/watch.db")) as store:
        yield store


def compared(season: Path, other: SqlStore, tmp_path: Path) -> list[Compared]:
    """One against the other, from either side."""
    with closing(SqlStore(f"sqlite:///{season}/watch.db")) as store:
        ours, theirs = content(store, season), content(other, tmp_path / "other")
    return [compare(ours, theirs), compare(theirs, ours)]


def change(store: SqlStore, statement: Update | Delete) -> None:
    """Change a database behind the back of the store."""
    with store.database.write() as session:
        session.execute(statement)


def test_what_may_differ(season: Path, other: SqlStore, tmp_path: Path) -> None:
    """Clocks, owners and tries are of no account: such databases are equal to the last bit."""
    for statement in HARMLESS:
        change(other, statement)
    for one in compared(season, other, tmp_path):
        assert (one.same, one.exact, one.rows["event"]) == (True, True, 1)


@pytest.mark.parametrize("statement", HARMFUL)
def test_one_row_that_differs(season: Path, other: SqlStore, tmp_path: Path, statement: Update | Delete) -> None:
    """A number, a word, or a row that is lacking is one difference, from either side."""
    change(other, statement)
    assert [len(one.differences) for one in compared(season, other, tmp_path)] == [1, 1]


def test_a_number_within_tolerance(season: Path, other: SqlStore, tmp_path: Path) -> None:
    """Half a millionth counts as the same, is not exact, and is told."""
    change(other, update(ObservationRow).where(_FIRST).values(valid_fraction=ObservationRow.valid_fraction + 5e-7))
    for one in compared(season, other, tmp_path):
        assert (one.same, one.exact) == (True, False)
        assert one.largest == pytest.approx(5e-7, rel=1e-3)


def test_everything_is_compared_or_has_a_reason() -> None:
    """Every column that is left out has a reason, and no part of a natural key is left out."""
    assert {column for columns in (*LEFT_OUT.values(), DELIVERY_LEFT_OUT) for column in columns} == WHY.keys()
    assert WHY_TABLE.keys() == OF_OTHERS - {"delivery"}
    assert Table.metadata.tables.keys() == LEFT_OUT.keys() | OF_OTHERS
    for table, columns in {**LEFT_OUT, "delivery": DELIVERY_LEFT_OUT}.items():
        assert columns.isdisjoint(natural_key(table)), table
    assert sum(map(len, left_out().values())) == sum(map(len, LEFT_OUT.values())) + len(DELIVERY_LEFT_OUT) + len(
        WHY_TABLE
    )


def test_every_kind_is_killed_and_started_again() -> None:
    """Kills of each kind come at their own times; whoever was killed is replaced, and who ends alone is counted."""
    chance = random.Random(5)
    actors = [Actor(kind=kind, start=_sleeper) for kind in Kind]
    killer = Killer(every_s={kind: 0.2 for kind in Kind}, chance=chance)
    troupe = Troupe(actors=actors, chance=chance, pause_s=0.05)
    began = time.monotonic()
    try:
        while min(troupe.kills[kind] for kind in Kind) < 1 or min(troupe.starts[kind] for kind in Kind) < 2:
            troupe.tend()
            for kind in killer.due(time.monotonic() - began):
                troupe.kill(kind)
            assert time.monotonic() - began < 30
            time.sleep(0.01)
        assert not troupe.ends
        assert set(troupe.end()) <= {-signal.SIGTERM}
    finally:
        troupe.close()


def _sleeper() -> ForkServerProcess:
    process = CONTEXT.Process(target=time.sleep, args=(60,))
    process.start()
    return process
