"""Schema versions, URLs, locked, broken, full and missing databases."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import OperationalError, StatementError

from monitor.adapters.store import SqlStore, dump
from monitor.adapters.store.database import explained
from monitor.adapters.store.migration import downgrade
from monitor.adapters.store.schema import Table
from monitor.errors import ConfigError, DiskFull, StoreBusy
from tests.adapters.store.factories import LEASE, NOW, acquisition, event, observation, reference, result
from tests.postgres import PostgresServer

_ROOT = Path(__file__).parents[3]


def test_migrations_make_the_tables(store: SqlStore) -> None:
    """The migrations add up to exactly the tables the code works with."""
    with store.database.read() as session:
        assert compare_metadata(MigrationContext.configure(session.connection()), Table.metadata) == []
        inspector = inspect(session.connection())
        found = {name: {index["name"] for index in inspector.get_indexes(name)} for name in Table.metadata.tables}
    expected = {table.name: {index.name for index in table.indexes} for table in Table.metadata.sorted_tables}
    assert found == expected


def test_migrations_go_down_and_up(store: SqlStore) -> None:
    """The way down removes everything, and the way up again gives a working store."""
    downgrade(store.database, "base")
    with store.database.read() as session:
        assert set(inspect(session.connection()).get_table_names()) <= {"alembic_version"}
    with pytest.raises(ConfigError, match="scarpwatch db upgrade"):
        store.check()
    with pytest.raises(ConfigError, match="scarpwatch db upgrade"):
        store.counts()
    store.upgrade()
    store.upgrade()
    store.check()
    assert store.discover("atsuma", [acquisition(1)], [], NOW) == 1


def test_what_is_stored_survives_the_way_down_and_up(store: SqlStore) -> None:
    """Events with evidence and frozen looks: the columns of newer versions go, the rows stay.

    What a message was made of goes with them; it is then drawn from the tables.
    """
    one = acquisition(1)
    store.discover("atsuma", [one], [], NOW)
    assert store.claim("me@1:1:1", LEASE, NOW, ["atsuma"]) is not None
    found = result(events=(event(one),), references=(reference("E1", 1),), observations=(observation(one),))
    assert store.complete(one, "me@1:1:1", found, NOW)
    before = dump(store)
    before["outbox"] = [row | {"known": None, "rank": None} for row in before["outbox"]]
    downgrade(store.database, "0001")
    store.upgrade()
    assert dump(store) == before


def test_missing_database_is_said_and_not_made(tmp_path: Path) -> None:
    """Checking a database that is not there names the remedy and leaves no empty file behind."""
    store = SqlStore(f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(ConfigError, match="scarpwatch db upgrade"):
        store.check()
    assert list(tmp_path.iterdir()) == []


def test_database_of_a_newer_program(store: SqlStore) -> None:
    """Tables of an unknown version are refused by check and by upgrade, and an upgrade is not the remedy."""
    with store.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (store.check, store.upgrade):
        with pytest.raises(ConfigError, match=r"9999.*newer"):
            attempt()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense secret", "not a database URL"),
        ("mysql://me:secret@host/name", "not supported"),
        ("sqlite://", "memory"),
        ("sqlite:///:memory:", "memory"),
        ("postgresql+nodriver://me:secret@host/name", "no driver"),
    ],
)
def test_wrong_url(url: str, words: str) -> None:
    """A URL that cannot be used is explained without repeating its password."""
    with pytest.raises(ConfigError, match=words) as caught:
        SqlStore(url)
    assert "secret" not in str(caught.value)


def test_locked_sqlite(tmp_path: Path) -> None:
    """A database that another process holds is busy: writers say so after the wait, readers read on."""
    path = tmp_path / "watch.db"
    store = SqlStore(f"sqlite:///{path}", lock_wait=timedelta(milliseconds=100))
    store.upgrade()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match=r"watch\.db: database is locked"):
        store.discover("atsuma", [acquisition(1)], [], NOW)
    assert store.counts() == []
    holder.execute("ROLLBACK")
    holder.close()
    assert store.discover("atsuma", [acquisition(1)], [], NOW) == 1
    store.close()


def test_locked_postgres(postgres_url: str) -> None:
    """A writer that does not get its turn in time is told that the store is busy, and works afterwards."""
    store, holder = SqlStore(postgres_url, lock_wait=timedelta(milliseconds=100)), SqlStore(postgres_url)
    store.upgrade()
    with holder.database.write(), pytest.raises(StoreBusy, match="lock timeout"):
        store.discover("atsuma", [acquisition(1)], [], NOW)
    assert store.discover("atsuma", [acquisition(1)], [], NOW) == 1
    store.close()
    holder.close()


def test_short_lock_is_waited_for(tmp_path: Path) -> None:
    """A lock that is given back within the wait is no error."""
    path = tmp_path / "watch.db"
    store = SqlStore(f"sqlite:///{path}")
    store.upgrade()
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, holder.execute, ["ROLLBACK"])
    timer.start()
    assert store.discover("atsuma", [acquisition(1)], [], NOW) == 1
    timer.join()
    holder.close()
    store.close()


def test_new_file_that_another_process_is_preparing(tmp_path: Path) -> None:
    """Two processes find no database and open it together: the second waits for the first to change its journal."""
    path = tmp_path / "watch.db"
    first = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: first.execute("ROLLBACK"))
    release.start()
    store = SqlStore(f"sqlite:///{path}")
    store.upgrade()
    store.check()
    release.join()
    first.close()
    store.close()


def test_lost_connection(postgres_server: PostgresServer, postgres_url: str) -> None:
    """A connection cut within a transaction is a busy store; the next transaction connects again."""
    store = SqlStore(postgres_url)
    store.upgrade()

    def cut() -> None:
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        name = store.database.url.database
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
            admin.execute(kill, [name])

    def cut_within() -> None:
        with store.database.write() as session:
            cut()
            session.execute(text("SELECT 1"))

    with pytest.raises(StoreBusy):
        cut_within()
    cut()
    assert store.discover("atsuma", [acquisition(1)], [], NOW) == 1
    store.close()


def test_absent_server(tmp_path: Path) -> None:
    """A server that does not answer is a busy store whose message hides the password."""
    store = SqlStore(f"postgresql://me:secret@/watch?host={tmp_path}")
    with pytest.raises(StoreBusy) as caught:
        store.counts()
    assert "secret" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_not_a_database(tmp_path: Path) -> None:
    """A file that is something else is a mistake in the configuration, and is left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be taken for a header of one" * 20)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        SqlStore(f"sqlite:///{path}").upgrade()
    assert path.read_bytes() == before


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A database below a file is explained."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="folder"):
        SqlStore(f"sqlite:///{tmp_path}/file/watch.db").upgrade()


def test_full_disk(tmp_path: Path) -> None:
    """A full database is a full disk, and nothing of the transaction is there."""
    store = SqlStore(f"sqlite:///{tmp_path}/watch.db")
    store.upgrade()

    def overfill() -> None:
        with store.database.write() as session:
            session.execute(text("PRAGMA max_page_count = 1"))
            session.execute(text("CREATE TABLE filler AS SELECT randomblob(1000000) AS bytes"))

    before = dump(store)
    with pytest.raises(DiskFull):
        overfill()
    assert dump(store) == before
    store.close()


def test_times_are_aware_utc(store: SqlStore) -> None:
    """Times come back as the same moment in UTC; a time without a zone is refused."""
    tokyo = datetime(2026, 5, 1, 21, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    store.discover("atsuma", [acquisition(1)], [], tokyo)
    (entry,) = store.ledger()
    assert entry.updated == tokyo
    assert entry.updated.tzinfo is UTC
    with pytest.raises(StatementError, match="time zone"):
        store.discover("atsuma", [acquisition(2)], [], tokyo.replace(tzinfo=None))


def test_sqlite_settings(tmp_path: Path) -> None:
    """SQLite runs with a write-ahead log and checks foreign keys."""
    store = SqlStore(f"sqlite:///{tmp_path}/watch.db")
    store.upgrade()
    with store.database.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
    store.close()


def test_read_only_database(tmp_path: Path) -> None:
    """A database that may not be written names the file and the remedy; it can still be read."""
    path = tmp_path / "watch.db"
    store = SqlStore(f"sqlite:///{path}")
    store.upgrade()
    read_only = SqlStore(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(ConfigError, match=r"watch\.db.*may be written"):
        read_only.discover("atsuma", [acquisition(1)], [], NOW)
    assert read_only.counts() == []
    read_only.close()
    store.close()


def test_user_without_rights(postgres_server: PostgresServer, postgres_url: str) -> None:
    """A database user who may not make tables is a mistake in the set-up, with the remedy."""
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS nobody_special")
        admin.execute("CREATE ROLE nobody_special LOGIN")
    store = SqlStore(postgres_url.replace("scarpwatch@", "nobody_special@"))
    with pytest.raises(ConfigError, match="role that owns the tables"):
        store.upgrade()
    store.close()


_WRITER = """
import sys
from sqlalchemy import text
from monitor.adapters.store import SqlStore
with SqlStore(sys.argv[1]).database.write() as session:
    session.execute(text("DELETE FROM acquisition"))
    print("written", flush=True); sys.stdin.readline()
"""


def test_killed_writer_leaves_nothing(store: SqlStore, url: str) -> None:
    """A process killed within its transaction leaves the database as it was, and not locked."""
    store.discover("atsuma", [acquisition(1)], [], NOW)
    before = dump(store)
    command = [sys.executable, "-c", _WRITER, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.kill()
    assert dump(store) == before
    assert store.discover("atsuma", [acquisition(2)], [], NOW) == 1


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"database": "not_there"}, "make the database"),
        ({"username": "not_there"}, "user and password"),
        ({"query": {"host": "no-such-host.invalid"}}, "Correct the host"),
        ({"query": {"host": "127.0.0.1"}, "port": 1}, "whether its server runs"),
    ],
)
def test_why_a_server_is_not_reached(postgres_url: str, change: dict[str, Any], remedy: str) -> None:
    """Each time with another remedy, and nowhere with the name of a driver."""
    url = make_url(postgres_url).set(**change).render_as_string(hide_password=False)
    with closing(SqlStore(url)) as store, pytest.raises(StoreBusy, match=remedy) as caught:
        store.counts()
    assert "psycopg" not in str(caught.value)


def test_a_password_that_is_wrong() -> None:
    """As PostgreSQL says it, which the server of the tests does not ask for one."""
    for said in ("fe_sendauth: no password supplied", 'FATAL:  password authentication failed for user "watch"'):
        with pytest.raises(StoreBusy, match="user and password in the URL"), explained("db"):
            raise OperationalError("SELECT 1", {}, Exception(said))
