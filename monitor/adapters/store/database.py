"""Connections and transactions: SQLite and PostgreSQL behave alike here and nowhere else is the difference known."""

import json
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, Connection, CursorResult, Engine, Insert, Table, create_engine, event, make_url, text
from sqlalchemy import exc as sa_exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql import Executable

from monitor.errors import ConfigError, DiskFull, ScarpwatchError, StoreBusy, joined

LOCK_WAIT = timedelta(seconds=15)

# Any constant does, as long as every Scarpwatch process uses the same: "SCARP" in ASCII.
_ADVISORY_LOCK = 0x5343415250

WRITERS_TAKE_TURNS = f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"
"""The first statement of every transaction that writes to PostgreSQL."""
# A machine that vanished is noticed within a minute or two by both ends, and its locks and leases become free.
_CONNECTION = {
    "application_name": "scarpwatch",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_KEEPALIVES = {"tcp_keepalives_idle": "60", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
_READ_ONLY = "25006"
"""What a server says that became a standby: another takes its place, and is found under the same name soon."""
UPGRADE_REMEDY = "Run: scarpwatch db upgrade"
OWNERS_WORK = "Run it with the URL of the role that owns the tables: docs/operate.md, PostgreSQL"
_GRANTS = (
    "Give this role its rights: docs/operate.md, PostgreSQL. What is said there of tables to come does nothing for "
    "those that are there: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, and USAGE, SELECT "
    "ON ALL SEQUENCES"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresLimits:
    """What one store takes of a PostgreSQL server."""

    connections: int = 15
    """At most; five stay open."""
    wait: timedelta = timedelta(seconds=30)
    """For a free connection."""
    statement: timedelta = timedelta(minutes=5)
    """After which the server ends a statement. Upgrades of the tables take as long as they take."""
    idle: timedelta = timedelta(minutes=5)
    """After which the server ends a transaction in which nothing happens: others wait for it."""


class Database:
    """One database; hands out sessions that are transactions.

    Writers take turns on both engines (`BEGIN IMMEDIATE`; an advisory lock on PostgreSQL): transactions here
    are milliseconds long and few, and in return no two of them ever interleave, deadlock or skew.
    Readers never wait and see one moment.
    """

    def __init__(self, url: str, lock_wait: timedelta = LOCK_WAIT, limits: PostgresLimits | None = None) -> None:
        """
        Args:
            url: `sqlite:///path` or `postgresql://user:password@host/name`.
            lock_wait: how long a transaction waits for its turn.
            limits: on PostgreSQL.

        Raises:
            ConfigError: not a URL of a supported database, or its driver is not installed.
        """
        self.url = _database_url(url)
        self.name = shown(self.url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._lock_wait_ms = round(lock_wait.total_seconds() * 1000)
        engine = _engine(self.url, self.name, lock_wait, limits or PostgresLimits())
        self._engine = engine
        self._writer = engine.execution_options(scarpwatch_writes=True)
        self._reader = (
            engine
            if self.is_sqlite
            else engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        )

    @property
    def file(self) -> Path | None:
        """The SQLite file, or None."""
        return Path(self.url.database or "") if self.is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A reading transaction.

        Raises:
            StoreBusy: locked or gone.
            ConfigError: the tables are not there, or the file cannot be opened.
        """
        with explained(self.name), Session(self._reader) as session, session.begin():
            yield session

    @contextmanager
    def write(self, *, at_once: bool = False) -> Iterator[Session]:
        """A writing transaction: all of it or, on any exception, nothing.

        Args:
            at_once: do not wait for another writer; StoreBusy says that there is one.

        Raises:
            StoreBusy: another process holds the database for longer than the wait, or it is gone.
            DiskFull: no space for the database.
            ConfigError: the tables are not there, or the file cannot be written.
        """
        writer = self._writer.execution_options(scarpwatch_at_once=True) if at_once else self._writer
        with explained(self.name), Session(writer) as session, session.begin():
            if not self.is_sqlite and at_once:
                if not session.scalar(text(f"SELECT pg_try_advisory_xact_lock({_ADVISORY_LOCK})")):
                    raise StoreBusy("somebody else writes", item=self.name, remedy="It is tried again")
            elif not self.is_sqlite:
                session.execute(text(f"SET LOCAL lock_timeout = {self._lock_wait_ms}"))
                session.execute(text(WRITERS_TAKE_TURNS))
            yield session

    def apart(self) -> Connection:
        """A connection to PostgreSQL outside the pool and outside transactions; the caller closes it.

        Raises:
            StoreBusy: the server is gone.
        """
        with explained(self.name):
            connection = self._engine.execution_options(isolation_level="AUTOCOMMIT").connect()
            connection.detach()
            return connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def affected(session: Session, statement: Executable) -> int:
    """Run an UPDATE and say how many rows it changed."""
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[object]", result).rowcount


def is_sqlite(session: Session) -> bool:
    """Whether a session is one of SQLite."""
    return session.connection().dialect.name == "sqlite"


def insert_new(session: Session, row: type[DeclarativeBase], values: Sequence[Mapping[str, object]]) -> int:
    """Insert rows, leaving those alone that a unique index already knows. Returns how many were new."""
    if not values:
        return 0
    table = cast(Table, row.__table__)
    insert = sqlite.insert if is_sqlite(session) else postgresql.insert
    statement: Insert = insert(table).on_conflict_do_nothing()
    result = session.connection().execute(statement, list(values), execution_options={"preserve_rowcount": True})
    return result.rowcount


def _database_url(url: str) -> URL:
    remedy = "Give sqlite:///path/to/file.db or postgresql://user:password@host/name"
    try:
        parsed = make_url(url)
    except sa_exc.ArgumentError as err:
        # The text is not repeated: it may hold a password in a place where we would not find it.
        raise ConfigError("is not a database URL", item="database", remedy=remedy) from err
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ConfigError(f"{parsed.get_backend_name()!r} is not supported", item="database", remedy=remedy)
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ConfigError("a database in memory would forget everything", item="database", remedy=remedy)
    return parsed


def _engine(url: URL, name: str, lock_wait: timedelta, limits: PostgresLimits) -> Engine:
    on_sqlite = url.get_backend_name() == "sqlite"
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            json_serializer=partial(json.dumps, allow_nan=False, ensure_ascii=False),
            **({"connect_args": {"timeout": lock_wait.total_seconds()}} if on_sqlite else _pool(url, limits)),
        )
    except (sa_exc.NoSuchModuleError, ImportError) as err:
        remedy = "Install the driver: pip install 'scarpwatch[postgres]', and use postgresql://"
        raise ConfigError(f"no driver for {url.drivername}", item=name, remedy=remedy) from err
    if on_sqlite:
        event.listen(engine, "connect", partial(_prepare_sqlite, lock_wait))
        event.listen(engine, "begin", partial(_begin_sqlite, lock_wait))
    else:
        event.listen(engine, "connect", partial(_prepare_postgres, limits))
    return engine


def _pool(url: URL, limits: PostgresLimits) -> dict[str, Any]:
    """Options of the pool, and of connections as far as the URL does not say otherwise."""
    kept = min(5, limits.connections)
    options = {key: value for key, value in _CONNECTION.items() if key not in url.query}
    wait_s = limits.wait.total_seconds()
    return {
        "pool_size": kept,
        "max_overflow": limits.connections - kept,
        "pool_timeout": wait_s,
        "connect_args": options,
    }


def _prepare_postgres(limits: PostgresLimits, connection: Any, _record: object) -> None:
    """Settings of a session, said so that a pooler between us and the server understands them as well."""
    values = {
        "statement_timeout": f"{round(limits.statement.total_seconds() * 1000)}ms",
        "idle_in_transaction_session_timeout": f"{round(limits.idle.total_seconds() * 1000)}ms",
        **_KEEPALIVES,
    }
    wanted = ", ".join("set_config(%s, %s, false)" for _ in values)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {wanted}", [part for pair in values.items() for part in pair])
    connection.commit()


def _prepare_sqlite(lock_wait: timedelta, connection: sqlite3.Connection, _record: object) -> None:
    # Python's own transaction handling would commit before DDL and begin late; `_begin_sqlite` does it instead.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    _switch_to_wal(connection, lock_wait)


def _switch_to_wal(connection: sqlite3.Connection, lock_wait: timedelta) -> None:
    # SQLite changes the journal mode by upgrading a reading lock, for which it never calls its busy handler: when
    # several processes open a new file, all but one are told at once that it is locked. The waiting is done here.
    give_up = time.monotonic() + lock_wait.total_seconds()
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as err:
            if err.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(random.uniform(0.005, 0.02))
        else:
            return


def _begin_sqlite(lock_wait: timedelta, connection: Connection) -> None:
    options = connection.get_execution_options()
    writes = options.get("scarpwatch_writes", False)
    if options.get("scarpwatch_at_once", False):
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(lock_wait.total_seconds() * 1000)}")
        return
    # A transaction that reads first and writes later cannot wait for a lock in WAL: it takes the lock at once.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn the drivers' errors into ours."""
    try:
        yield
    except sa_exc.TimeoutError as err:
        raise StoreBusy("no free connection", item=name, remedy="It is tried again") from err
    except sa_exc.DBAPIError as err:
        known = _known_error(err, name)
        if known is None:
            raise
        raise known from err


def _known_error(err: sa_exc.DBAPIError, name: str) -> ScarpwatchError | None:
    message = joined(str(err.orig))
    lowered = message.lower()
    sqlstate = getattr(err.orig, "sqlstate", None)
    # SQLite opens a database by a small file beside it, for which there may be no space.
    no_index = getattr(err.orig, "sqlite_errorname", None) == "SQLITE_IOERR_SHMSIZE"
    if "disk is full" in lowered or no_index or sqlstate == "53100":
        return DiskFull(message, item=name, remedy="Free some space; nothing was written and it is tried again")
    if "no such table" in lowered or "no such column" in lowered or sqlstate in {"42P01", "42703"}:
        return ConfigError(message, item=name, remedy=UPGRADE_REMEDY)
    if sqlstate == "42501":
        return ConfigError(message, item=name, remedy=OWNERS_WORK if "for schema" in lowered else _GRANTS)
    if "malformed" in lowered:
        return ConfigError(message, item=name, remedy="Restore a backup: scarpwatch db restore; and see the disk")
    if any(words in lowered for words in ("unable to open database", "readonly database", "not a database")):
        return ConfigError(message, item=name, remedy="Check that the path is a database file and may be written")
    lost = isinstance(err, sa_exc.OperationalError | sa_exc.InterfaceError) or err.connection_invalidated
    if lost or sqlstate == _READ_ONLY:
        return StoreBusy(message, item=name, remedy=_remedy(lowered))
    return None


def _remedy(said: str) -> str:
    """What helps where the database cannot be reached. A service tries again by itself."""
    for words, remedy in _UNREACHABLE.items():
        if any(word in said for word in words):
            return remedy
    return "It may pass by itself. If it stays, see which process holds the database, or whether its server runs"


_UNREACHABLE = {
    ("password", "authentication", "role "): "Correct user and password in the URL of the database: the file that "
    "SCARPWATCH_DATABASE_FILE names, or the setting `database`",
    ('database "',): "Correct the name at the end of the URL, or make the database: docs/operate.md, PostgreSQL",
    ("resolve", "translate host", "name or service"): "Correct the host in the URL of the database, or see why its "
    "name is not known here",
    ("refused", "timeout expired", "timed out", "no route", "unreachable", "server running"): "See whether its server "
    "runs, and whether host and port in its URL are right",
}
"""By words of PostgreSQL, in lower case."""


def shown(url: URL) -> str:
    """A URL as its operator wrote it, without driver and password."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
