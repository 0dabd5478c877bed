"""Put a backup back: all of it or nothing, upgraded to the version of this Scarpwatch, with nobody at work in it."""

import glob
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, inspect, select, text, update
from sqlalchemy.orm import Session

from monitor.adapters.files import disk_full_as_error, locked
from monitor.adapters.store import ledger, migration
from monitor.adapters.store.backup import copy_pages, ours, tools_of, verified_revision
from monitor.adapters.store.database import WRITERS_TAKE_TURNS, Database, affected
from monitor.adapters.store.postgres_tools import Progress
from monitor.adapters.store.schema import AcquisitionRow, DeliveryRow, EventRow, Table
from monitor.errors import ConfigError, Refused

_LIMITS = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL lock_timeout = '60s'",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a database holds, in figures."""

    acquisitions: int
    events: int
    last_change: datetime | None
    """When an acquisition was last worked on or found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of a backup."""

    revision: str
    """Version of its tables before they were upgraded."""
    contents: Contents
    acquisitions_given_back: int
    """That were being processed when the backup was taken."""
    messages_given_back: int
    """That were being sent."""


def contents(database: Database) -> Contents | None:
    """What a database holds; None: it is empty, or there is none.

    Raises:
        StoreBusy: it cannot be reached.
        ConfigError: its tables are of a newer version.
    """
    if database.file is not None and not database.file.exists():
        return None
    with database.read() as session:
        there = set(inspect(session.connection()).get_table_names())
        mine = there & set(Table.metadata.tables)
        if not any(session.scalar(text(f"SELECT 1 FROM {name} LIMIT 1")) for name in mine):
            return None
    migration.known_revision(database)
    with database.read() as session:
        return _counted(session)


def restore(database: Database, backup: Path, replace: bool, now: datetime, progress: Progress) -> Restored:
    """Make the database what it was when the backup was taken. A failure leaves it as it is.

    Args:
        replace: whatever the database holds now goes.

    Raises:
        ConfigError: no backup, of another kind of database, or of a newer version.
        Refused: it is broken, or the database is not empty and `replace` was not said.
        StoreBusy, DiskFull
    """
    if not backup.is_file():
        raise ConfigError("there is no such file", item=str(backup), remedy="Give the file of a backup")
    if not replace and contents(database) is not None:
        remedy = "Name an empty database in the configuration, or say --replace"
        raise Refused("holds a watch already", item=database.name, remedy=remedy, reason="not-empty")
    progress("verifying", 0, 1)
    revision = verified_revision(database, backup)
    if revision is None:
        raise Refused("holds no version of its tables", item=str(backup), remedy="Take another backup")
    migration.refuse_newer(str(backup), revision)
    if database.file is not None:
        given_back = _restore_sqlite(database.file, backup, now, progress)
    else:
        given_back = _restore_postgres(database, backup, now, progress)
    with database.read() as session:
        held = _counted(session)
    return Restored(
        revision=revision, contents=held, acquisitions_given_back=given_back[0], messages_given_back=given_back[1]
    )


def give_back(database: Database, now: datetime) -> tuple[int, int]:
    """Relieve whoever was at work: nobody who held a lease then holds it now. Acquisitions and messages."""
    none = {"lease_owner": None, "lease_until": None}
    with database.write() as session:
        regions = session.scalars(select(AcquisitionRow.region).distinct()).all()
        acquisitions = sum(ledger.revoke(session, region, now) for region in regions)
        held = update(DeliveryRow).where(DeliveryRow.lease_owner.is_not(None))
        return acquisitions, affected(session, held.values(none))


def _restore_sqlite(target: Path, backup: Path, now: datetime, progress: Progress) -> tuple[int, int]:
    """Prepared beside the database, then copied over it as one transaction: whoever reads it meanwhile goes on."""
    migration.make_folder(target.parent)
    with disk_full_as_error(target), _folder_beside(target) as folder:
        prepared = folder / "watch.db"
        with (
            closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as source,
            closing(sqlite3.connect(prepared)) as copy,
        ):
            copy_pages(source, copy, "reading", progress)
        staged = Database(f"sqlite:///{prepared}")
        with closing(staged):
            migration.upgrade(staged)
            given_back = give_back(staged, now)
        with closing(sqlite3.connect(prepared)) as source, closing(sqlite3.connect(target)) as opened:
            copy_pages(source, opened, "restoring", progress)
    return given_back


@contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """A folder of our own, gone afterwards; what killed restores left goes first, for it may be the space that lacks.

    Whoever lives holds the lock of its folder. That of the dead is free, in whatever container or on whatever host of
    the file system they were: names and process ids would not tell.
    """
    name = f".{target.name}.restore-"
    with ExitStack() as ours:
        with locked(target.parent):  # nobody takes a folder for that of a dead before its lock is held
            for left in target.parent.glob(f"{glob.escape(name)}*"):
                with suppress(BlockingIOError), locked(left, wait=False):
                    shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=name, dir=target.parent))
            ours.callback(shutil.rmtree, folder, ignore_errors=True)
            ours.enter_context(locked(folder))
        yield folder


def _restore_postgres(database: Database, backup: Path, now: datetime, progress: Progress) -> tuple[int, int]:
    tools, there = tools_of(database), ours(database)
    drop = [f"DROP TABLE {', '.join(there)}"] if there else []
    tools.restore(backup, [*_LIMITS, WRITERS_TAKE_TURNS, *drop], progress)
    migration.upgrade(database)
    return give_back(database, now)


def _counted(session: Session) -> Contents:
    return Contents(
        acquisitions=session.scalar(select(func.count(AcquisitionRow.id))) or 0,
        events=session.scalar(select(func.count(EventRow.id))) or 0,
        last_change=session.scalar(select(func.max(AcquisitionRow.updated))),
    )
