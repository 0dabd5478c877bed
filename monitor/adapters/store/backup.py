"""Backups: the whole database in one file, as it is at one moment, taken while processes work.

SQLite is copied page by page within one reading transaction; of PostgreSQL pg_dump makes a dump of our tables.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from monitor.adapters.files import disk_full_as_error, leftovers, replacing
from monitor.adapters.store import migration
from monitor.adapters.store.database import Database
from monitor.adapters.store.postgres_tools import PostgresTools, Progress
from monitor.adapters.store.schema import Table
from monitor.errors import ConfigError, DiskFull, Refused

_PAGES = 2048
"""Copied at a time: 8 MB."""
_SQLITE, _DUMP = b"SQLite format 3\x00", b"PGDMP"
VERSION_TABLE = "alembic_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A file that holds a database."""

    path: Path
    revision: str
    """Version of its tables."""
    size_bytes: int


def suffix(database: Database) -> str:
    """How names of backups of such a database end."""
    return ".db" if database.is_sqlite else ".dump"


def back_up(database: Database, path: Path, progress: Progress, now: datetime) -> Backup:
    """Write the whole database into a new file that only its owner may read, and read it again to see that it is whole.

    Args:
        path: the file or, if there is a folder of this name, where a file is put that is named after `now`.

    Raises:
        ConfigError: no tables, or of a newer version; pg_dump is missing or older than the server; no such folder.
        Refused: the file is there already, or the copy is not whole.
        DiskFull, StoreBusy: nothing was left behind.
    """
    path = path / f"scarpwatch-{now:%Y%m%dT%H%M%SZ}{suffix(database)}" if path.is_dir() else path
    revision = migration.known_revision(database)
    with _new_file(path) as part:
        if database.is_sqlite:
            _copy_sqlite(database, part, progress)
        else:
            tools = tools_of(database)
            tools.dump(ours(database), part, progress)
        progress("verifying", 0, 1)
        found = verified_revision(database, part)
        if found != revision:
            raise Refused(
                f"the copy has tables of version {found}, the database {revision}",
                item=str(path),
                remedy="It was upgraded meanwhile: back it up again",
            )
        size = part.stat().st_size
    return Backup(path=path, revision=revision, size_bytes=size)


def ours(database: Database) -> list[str]:
    """The tables of Scarpwatch that there are on PostgreSQL, with their schema, quoted and sorted."""
    with database.read() as session:
        schema = session.scalar(text("SELECT current_schema()"))
        return [f'"{schema}"."{name}"' for name in _our_tables(session)]


def verified_revision(database: Database, file: Path) -> str | None:
    """The version of the tables in a backup for such a database, which is read to its end.

    Raises:
        ConfigError: it is no backup, or one of the other kind of database.
        Refused: it is broken.
    """
    with file.open("rb") as opened:
        begins = opened.read(len(_SQLITE))
    kind = "SQLite" if begins == _SQLITE else "PostgreSQL" if begins.startswith(_DUMP) else None
    wanted = "SQLite" if database.is_sqlite else "PostgreSQL"
    if kind is None:
        remedy = "Give a file that `scarpwatch db backup` wrote"
        raise ConfigError("is no backup of a database", item=str(file), remedy=remedy)
    if kind != wanted:
        remedy = f"Name a database of {kind} in the configuration"
        raise ConfigError(f"is a backup of {kind}, and {database.name} is {wanted}", item=str(file), remedy=remedy)
    if kind == "SQLite":
        return _verified_sqlite(file)
    tools = tools_of(database)
    tools.read_through(file)
    return tools.revision(file)


def tools_of(database: Database) -> PostgresTools:
    """The client programs for a database on PostgreSQL.

    Raises:
        ConfigError: one is missing, or older than the server.
        StoreBusy: the server cannot be reached.
    """
    with database.read() as session:
        major = int(session.scalar(text("SHOW server_version_num")) or 0) // 10_000
    return PostgresTools(database.url, database.name, major)


def copy_pages(source: sqlite3.Connection, target: sqlite3.Connection, what: str, progress: Progress) -> None:
    """Copy one SQLite database over another, as one transaction of the target.

    Raises:
        DiskFull
        Refused: the source is broken.
    """

    def report(_status: int, remaining: int, total: int) -> None:
        progress(what, total - remaining, total)

    with _copying(what):
        source.backup(target, pages=_PAGES, progress=report)


@contextmanager
def _copying(what: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as err:
        if "full" in str(err):
            remedy = "Free some space, or give another place"
            raise DiskFull(f"no space for the copy ({err})", item=what, remedy=remedy) from err
        raise Refused(f"it cannot be copied ({err})", item=what, remedy="See the disk; nothing was changed") from err


def _copy_sqlite(database: Database, part: Path, progress: Progress) -> None:
    with database.read() as session:
        # From here on this transaction sees one moment, and pages that others write do not begin the copy anew.
        session.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))
        source = cast("sqlite3.Connection", session.connection().connection.driver_connection)
        with closing(sqlite3.connect(part)) as copy:
            copy_pages(source, copy, "copying", progress)
            with _copying("copying"):  # One file: without a write-ahead log beside it.
                copy.execute("PRAGMA journal_mode = DELETE")


def _verified_sqlite(file: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as opened:
            said = [str(row[0]) for row in opened.execute("PRAGMA integrity_check(3)")]
            if said != ["ok"]:
                raise _broken(file, "; ".join(said))
            row = opened.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
    except sqlite3.Error as err:
        raise _broken(file, str(err)) from err
    return None if row is None else str(row[0])


def _broken(file: Path, said: str) -> Refused:
    remedy = "Take another backup; if the database itself is meant, see `scarpwatch db check`"
    return Refused(f"is not whole: {said}", item=str(file), remedy=remedy, reason="broken-backup")


def _our_tables(session: Session) -> Sequence[str]:
    return sorted({*Table.metadata.tables, VERSION_TABLE} & set(inspect(session.connection()).get_table_names()))


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """A file for its owner alone that is whole when it has its name; nothing is overwritten."""
    _refuse_to_overwrite(path)
    with disk_full_as_error(path), replacing(path) as part:
        try:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as err:
            remedy = "Give a file in a folder that is there and may be written"
            raise ConfigError(f"cannot be written ({err.strerror})", item=str(path), remedy=remedy) from err
        # Now, not when it is whole: what killed backups left may be the space that lacks.
        for orphan in leftovers(path.parent, part.stat().st_mtime):
            orphan.unlink(missing_ok=True)
        yield part
        _refuse_to_overwrite(path)


def _refuse_to_overwrite(path: Path) -> None:
    if path.exists():
        raise Refused("is there already", item=str(path), remedy="Give another name, or move it away", reason="exists")
