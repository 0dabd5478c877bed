"""Whether a database is as Scarpwatch needs it, beyond the version of its tables."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from monitor.adapters.store import migration
from monitor.adapters.store.backup import tools_of
from monitor.adapters.store.database import OWNERS_WORK, Database
from monitor.adapters.store.schema import Table
from monitor.errors import ConfigError

MOST_APART = timedelta(minutes=1)
"""So far the clock of this machine may be from that of the server: leases of several instances are compared."""
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_INVALID = text(
    "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid "
    "WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace"
)

_UNREAD = text(
    "SELECT count(*) FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid "
    "WHERE relnamespace = current_schema()::regnamespace AND NOT has_sequence_privilege(seqrelid, 'SELECT')"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Soundness:
    """What was found."""

    server: str
    """The kind of database and its version."""
    size_bytes: int
    rows: dict[str, int]
    """By table; on PostgreSQL an estimate. Empty where something is wrong."""
    faults: tuple[str, ...]
    """What is wrong, each with its remedy."""
    hints: tuple[str, ...]


def soundness(database: Database, now: datetime) -> Soundness:
    """Look at tables, indexes, rights and clocks; on SQLite every page is read.

    Raises:
        ConfigError: no database, or its tables are of another version.
        StoreBusy: it cannot be reached.
    """
    migration.check(database)
    with database.read() as session:
        faults = _other_tables(session)
        if database.is_sqlite:
            return _of_sqlite(session, faults)
        found = _of_postgres(session, faults, now)
    try:
        tools_of(database)
    except ConfigError as error:
        return Soundness(
            server=found.server,
            size_bytes=found.size_bytes,
            rows=found.rows,
            faults=found.faults,
            hints=(*found.hints, f"{error.message}: no backup can be taken here. {error.remedy}"),
        )
    return found


def _other_tables(session: Session) -> list[str]:
    """What somebody has changed by hand."""
    context = MigrationContext.configure(session.connection(), opts={"include_name": _is_ours})
    different = {_named(one) for one in compare_metadata(context, Table.metadata)}
    there = inspect(session.connection())
    for table in Table.metadata.sorted_tables:
        known = {one["name"] for one in there.get_indexes(table.name)}
        different |= {f"add_index {index.name}" for index in table.indexes if index.name not in known}
    if not different:
        return []
    return [
        f"the tables were changed by other hands (lacking: {', '.join(sorted(different))}). Undo it or restore a backup"
    ]


def _named(difference: Any) -> str:
    """A step that would undo a difference, such as add_column spread; changes of one column come as a list."""
    step = difference[0] if isinstance(difference, list) else difference
    return f"{step[0]} {getattr(step[-1], 'name', step[3])}" if len(step) > 3 else f"{step[0]} {step[1].name}"


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or name in Table.metadata.tables


def _of_sqlite(session: Session, faults: list[str]) -> Soundness:
    said = _pragma(session, "integrity_check(5)")
    if said != ["ok"]:
        faults.append(f"the file is damaged ({'; '.join(said)}). Restore a backup, and see the disk")
    elif orphans := _pragma(session, "foreign_key_check"):
        faults.append(f"{len(orphans)} rows point to none, first of table {orphans[0]}. Restore a backup")
    pages, size = (session.scalar(text(f"PRAGMA {name}")) or 0 for name in ("page_count", "page_size"))
    counts = {name: f"SELECT count(*) FROM {name}" for name in Table.metadata.tables}
    rows = {} if faults else {name: session.scalar(text(count)) or 0 for name, count in counts.items()}
    version = session.scalar(text("SELECT sqlite_version()"))
    if faults:
        session.rollback()  # of a damaged file not even a transaction that reads can be ended otherwise
    return Soundness(server=f"SQLite {version}", size_bytes=pages * size, rows=rows, faults=tuple(faults), hints=())


def _pragma(session: Session, name: str) -> list[str]:
    """The first column of what SQLite says; of a file that is too broken to be read, that."""
    try:
        return [str(row[0]) for row in session.execute(text(f"PRAGMA {name}"))]
    except DatabaseError as err:
        return [str(err.orig)]


def _of_postgres(session: Session, faults: list[str], now: datetime) -> Soundness:
    lacking = [
        f"{right} on {name}"
        for name in sorted(Table.metadata.tables)
        for right in _RIGHTS
        if not session.scalar(text("SELECT has_table_privilege(:name, :right)"), {"name": name, "right": right})
    ]
    if lacking:
        faults.append(f"this role has no right to {', '.join(lacking[:8])}. Grant it: docs/operate.md, Database")
    invalid = session.scalars(_INVALID).all()
    if invalid:
        faults.append(f"indexes are not valid: {', '.join(invalid)}. Run REINDEX INDEX for each")
    hints = []
    unread = session.scalar(_UNREAD) or 0
    if unread:
        hints.append(f"no backup can be taken by this role, as it may not read {unread} sequences. {OWNERS_WORK}")
    apart = abs(session.scalar(text("SELECT clock_timestamp()")) - now)
    if apart > MOST_APART:
        words = f"its clock and that of this machine are {apart.total_seconds():.0f} s apart"
        hints.append(f"{words}: leases of several instances go by the clocks of their machines. Let NTP set both")
    estimate = text("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(:name)")
    return Soundness(
        server=f"PostgreSQL {session.scalar(text('SHOW server_version'))}",
        size_bytes=session.scalar(text("SELECT pg_database_size(current_database())")) or 0,
        rows={name: session.scalar(estimate, {"name": name}) or 0 for name in Table.metadata.tables},
        faults=tuple(faults),
        hints=tuple(hints),
    )
