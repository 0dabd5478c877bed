"""Migrations with rows of everything: each down and up, one that is interrupted, a database of another version."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import func, inspect, select, text

from monitor.adapters.store import SqlStore
from monitor.adapters.store.migration import downgrade, migrations_folder
from monitor.adapters.store.schema import Table
from monitor.adapters.store.tokens import TokenRows
from monitor.errors import ConfigError
from monitor.records import AlertStatus, Channel, FiledReport, ReportKind, Role, Silence
from tests.adapters.store.factories import (
    LEASE,
    NOW,
    acquisition,
    choice,
    comment,
    event,
    grown,
    observation,
    reference,
    rejected,
    result,
)
from tests.core.test_declared import NOW as DECLARED_AT
from tests.core.test_declared import REGION, declaration

ME = "me@1:1:1"
DUTY = Channel(name="duty", statuses=frozenset(AlertStatus))
_ROOT = Path(__file__).parents[3]
HEAD = str(ScriptDirectory(str(migrations_folder())).get_current_head())


def fill(store: SqlStore) -> None:
    """At least one row in every table: an event that has grown and of which people were told, and what surrounds it."""
    one, two = acquisition(1), acquisition(2)
    store.begin_channels([DUTY], NOW)
    store.discover("atsuma", [one, two, acquisition(3)], [rejected()], NOW)
    store.note_searched("atsuma", NOW - timedelta(days=90))
    store.note_answer("atsuma", NOW)
    store.note_tiles("atsuma", [observation(one).tile])
    store.put_report(ReportKind.ENGINE, FiledReport(subject="", at=NOW, body={"engine": "cpu"}))
    store.note_sources(["local"], {"far": "answers 503"}, NOW)
    opened = event(one)
    for number, (of, events) in enumerate([(one, (opened,)), (two, (grown(opened, two),))]):
        assert store.claim(ME, LEASE, NOW, ["atsuma"]) is not None
        parts = {"observations": (observation(of),), "choices": (choice(of),), "events": events}
        found = result(**parts, references=() if number else (reference("E1", 1),))
        assert store.complete(of, ME, found, NOW)
    assert store.claim(ME, LEASE, NOW, ["atsuma"]) is not None
    store.act("E1", comment(), NOW)
    store.plan_deliveries([DUTY], NOW)
    until = NOW + timedelta(days=1)
    store.add_silence(Silence(id=0, region="noto", start=NOW, until=until, geometry=None, why="works", by="kk", at=NOW))
    TokenRows(store.database).add("duty", Role.READER, NOW)
    store.declare(declaration(), REGION, DECLARED_AT)


def counts(store: SqlStore) -> dict[str, int]:
    """Rows of every table."""
    with store.database.read() as session:
        there = set(inspect(session.connection()).get_table_names()) & set(Table.metadata.tables)
        tables = [Table.metadata.tables[name] for name in sorted(there)]
        return {one.name: session.scalar(select(func.count()).select_from(one)) or 0 for one in tables}


def revision(store: SqlStore) -> str:
    """The version of the tables."""
    with store.database.read() as session:
        return str(session.scalar(text("SELECT version_num FROM alembic_version")))


def revisions() -> Iterator[str]:
    """All but the newest, newest first."""
    scripts = list(ScriptDirectory(str(migrations_folder())).walk_revisions())
    return (script.revision for script in scripts[1:])


def test_every_step_down_and_up_with_rows_of_everything(store: SqlStore) -> None:
    """Rows go only with their tables: after each step down and all the way up again the others are there."""
    fill(store)
    before = counts(store)
    assert min(before.values()) > 0, before
    for step in revisions():
        downgrade(store.database, step)
        older = counts(store)
        # Messages about no alert, and silences' doings, have no place in the oldest versions.
        assert {name: count for name, count in before.items() if older.get(name, count) != count} == {}
        store.upgrade()
        store.check()
        assert {name: count for name, count in counts(store).items() if name in older} == older
        before = counts(store)
    with store.database.read() as session:
        assert (session.connection().dialect.name != "sqlite") or not session.execute(
            text("PRAGMA foreign_key_check")
        ).all()


_UPGRADE = """
import sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from monitor.adapters.store import SqlStore

@event.listens_for(Engine, "after_cursor_execute")
def stop(connection, cursor, statement, parameters, context, executemany):
    if statement.startswith("CREATE INDEX ix_observation_tile"):
        print("half", flush=True); sys.stdin.readline()

SqlStore(sys.argv[1]).upgrade()
"""


def test_an_interrupted_upgrade_leaves_the_old_tables(store: SqlStore, url: str) -> None:
    """The process is killed within the last of several steps; the next upgrade goes all the way."""
    fill(store)
    everything = counts(store)
    downgrade(store.database, "0015")
    before = counts(store)
    command = [sys.executable, "-c", _UPGRADE, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        assert revision(store) == "0015"
        process.kill()
    assert (revision(store), counts(store)) == ("0015", before)
    store.upgrade()
    store.check()
    of_later_steps = {"declaration": 1, "newest_looks": 1, "region_poll": 1, "report": 1, "watched_tile": 1}
    assert counts(store) | of_later_steps == everything


@pytest.mark.parametrize(("version", "remedy"), [("0018", "Run: scarpwatch db upgrade"), ("9999", "or a newer one")])
def test_a_service_refuses_another_version(store: SqlStore, url: str, version: str, remedy: str) -> None:
    """An older one names the upgrade, a newer one the program that made it; nothing is written."""
    with store.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    with closing(SqlStore(url)) as other, pytest.raises(ConfigError, match=remedy):
        other.check()
    assert revision(store) == version


def test_to_ask_for_the_version_drives_no_statement_out(store: SqlStore) -> None:
    """A service asks before all it does, for years; what the engine keeps of statements grows by none of that."""
    store.check()
    kept = len(store.database._engine._compiled_cache or ())
    for _ in range(10):
        store.check()
    assert len(store.database._engine._compiled_cache or ()) == kept


@pytest.mark.parametrize(
    ("path", "writable", "said"),
    [
        ("watch.db", True, "there is no database yet. The first scarpwatch once or run makes it;"),
        (
            "no/dir/watch.db",
            True,
            "there is no database yet, nor its folder {0}/no/dir. The first scarpwatch once or run",
        ),
        ("no/dir/watch.db", False, "none can be made there: {0} may not be written. Give a path"),
        ("file/dir/watch.db", True, "none can be made there: {0}/file is not a folder. Give a path"),
    ],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, writable: bool, said: str
) -> None:
    """A slip in the path shows, nothing is made by asking, and no promise is made that would not be kept."""
    (tmp_path / "file").touch()
    monkeypatch.setattr("os.access", lambda *_: writable)
    with closing(SqlStore(f"sqlite:///{tmp_path / path}")) as store, pytest.raises(ConfigError) as told:
        store.check()
    assert said.format(tmp_path) in str(told.value)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
