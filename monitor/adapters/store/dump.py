"""The whole content of the database without what may differ between two honest runs."""

import json
from datetime import datetime

from sqlalchemy import select

from monitor.adapters.store.schema import Table
from monitor.adapters.store.store import SqlStore

LEFT_OUT = {
    "acquisition": {"id", "attempts", "not_before", "lease_owner", "lease_until", "discovered", "updated"},
    "searched": {"since"},
    "rejection": {"id", "first_seen", "last_seen", "count"},
    "observation": {"id", "created"},
    "event": {"updated", "told_at", "told_id"},
    "evidence": {"id"},
    "growth": {"id"},
    "action": {"id"},
    "transition": {"id", "created"},
    "reference": {"id"},
    "choice": {"id"},
    "outbox": {"id", "created"},
}
"""By table: row numbers, times of processing, owners, attempts; a rejection is counted per poll."""
OF_OTHERS = {"channel", "declaration", "delivery", "region_poll", "report", "silence", "source", "token"} | {
    "watched_tile",
    "newest_looks",
}
"""Tables that tell what receivers, people and catalogs did, what was configured, and what other tables tell anyway."""


def dump(store: SqlStore) -> dict[str, list[dict[str, object]]]:
    """The rows of all tables but those of others' doings, sorted, as JSON types.

    Two runs over the same input agree on them, killed or not.
    """
    tables = {table.name: table for table in Table.metadata.sorted_tables if table.name not in OF_OTHERS}
    with store.database.read() as session:
        content: dict[str, list[dict[str, object]]] = {}
        for name, table in tables.items():
            columns = [column for column in table.columns if column.name not in LEFT_OUT[name]]
            rows = session.execute(select(*columns)).mappings()
            plain = [{str(key): _plain(value) for key, value in row.items()} for row in rows]
            content[name] = sorted(plain, key=lambda row: json.dumps(row, sort_keys=True))
    return content


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
