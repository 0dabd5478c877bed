"""Whether two databases of watches over the same scenes say the same: row by row, by natural keys.

Left out is what differs between any two honest runs, and nothing else (`WHY`): when something was done and by whom,
how often it was tried, and the numbers of rows.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from monitor.adapters.static_files import FOLDER
from monitor.adapters.store import SqlStore, dump
from monitor.adapters.store.dump import LEFT_OUT, OF_OTHERS
from monitor.adapters.store.schema import DeliveryRow, Table

TOLERANCE = 1e-6
"""Of every number; what else there is must be equal."""
DELIVERY_LEFT_OUT = frozenset(
    {"id", "due_since", "not_before", "attempts", "last_try", "failing_since", "delivered", "lease_owner"}
    | {"lease_until", "escalation_since", "reason", "detail", "message_id"}
)
WHY: Mapping[str, str] = {
    "id": "the number of a row: rows of two regions are written in any order",
    "told_id": "the number of a row of the outbox",
    "attempts": "how often it was tried: whoever is killed tries in vain",
    "not_before": "when it may be tried again",
    "lease_owner": "which process had it",
    "lease_until": "until when",
    "discovered": "clock: when a poll found it",
    "updated": "clock: when it was last written",
    "created": "clock: when it was written",
    "told_at": "clock: when its message was written",
    "since": "clock: up to when the first poll had searched",
    "first_seen": "clock: a poll",
    "last_seen": "clock: a poll",
    "count": "how many polls refused it",
    "due_since": "clock",
    "last_try": "clock: a try to deliver",
    "failing_since": "clock: a try to deliver",
    "delivered": "clock: when it was acknowledged",
    "escalation_since": "clock",
    "reason": "of a delivery: why its last try failed, if one did",
    "detail": "of a delivery: what the receiver answered",
    "message_id": "of a delivery: under which name it went out, its own or that of a gathered message",
}
"""Of every column that is left out."""
WHY_TABLE: Mapping[str, str] = {
    "channel": "clocks of processes that deliver",
    "declaration": "people; nobody does anything here",
    "newest_looks": "taken from observation, which is compared",
    "region_poll": "clock: when catalogs answered",
    "report": "what processes said of themselves",
    "silence": "people",
    "source": "clock: how catalogs answered",
    "token": "people",
    "watched_tile": "what was configured",
}
"""Of every table that is; `delivery` is compared."""
_SHOWN = 20
Content = dict[str, list[dict[str, object]]]
"""Rows by table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value, or one row, that is not the same."""

    table: str
    key: str
    column: str
    """Empty: the row is on one side only."""
    ours: str
    theirs: str

    def __str__(self) -> str:
        """For a line."""
        where = f"{self.table} {self.key}" + (f", {self.column}" if self.column else "")
        return f"{where}: {self.ours} against {self.theirs}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What became of a comparison."""

    rows: Mapping[str, int]
    """By table, of ours."""
    exact: bool
    """Equal to the last bit."""
    largest: float
    """Largest difference between two numbers that count as the same."""
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        return not self.differences


def content(store: SqlStore, folder: Path) -> Content:
    """All rows that are compared, as JSON, without the name of the folder of the run, which is part of paths."""
    text = json.dumps({**dump(store), "delivery": _deliveries(store)}, sort_keys=True)
    rows: Content = json.loads(text.replace(str(folder), "."))
    return rows


def compare(ours: Content, theirs: Content) -> Compared:
    """Every row of one database against its counterpart in the other."""
    found: list[Difference] = []
    gauge = _Gauge()
    for table, rows in ours.items():
        left, right = _by_key(table, rows), _by_key(table, theirs[table])
        for key in sorted(left.keys() ^ right.keys()):
            there = ("there", "missing") if key in left else ("missing", "there")
            found.append(Difference(table=table, key=key, column="", ours=there[0], theirs=there[1]))
        for key in sorted(left.keys() & right.keys()):
            found += gauge.differences(table, key, left[key], right[key])
    return Compared(
        rows={table: len(rows) for table, rows in ours.items()},
        exact=ours == theirs,
        largest=gauge.largest,
        differences=tuple(found),
    )


@dataclass(slots=True)
class _Gauge:
    """Tells what counts as the same, and remembers how far apart that was."""

    largest: float = 0.0

    def differences(
        self, table: str, key: str, ours: Mapping[str, object], theirs: Mapping[str, object]
    ) -> Iterator[Difference]:
        """Columns of one row."""
        for column, value in ours.items():
            if not self._same(value, theirs[column]):
                shown = str(value)[:500], str(theirs[column])[:500]
                yield Difference(table=table, key=key, column=column, ours=shown[0], theirs=shown[1])

    def _same(self, one: object, other: object) -> bool:
        if isinstance(one, dict) and isinstance(other, dict):
            return one.keys() == other.keys() and all(self._same(value, other[key]) for key, value in one.items())
        if isinstance(one, list) and isinstance(other, list):
            return len(one) == len(other) and all(map(self._same, one, other))
        if isinstance(one, float) and isinstance(other, float):
            apart = abs(one - other)
            if apart <= TOLERANCE:
                self.largest = max(self.largest, apart)
            return apart <= TOLERANCE
        return one == other


def _by_key(table: str, rows: Sequence[Mapping[str, object]]) -> dict[str, Mapping[str, object]]:
    columns = natural_key(table)
    return {" ".join(str(row[column]) for column in columns): row for row in rows}


def natural_key(table: str) -> tuple[str, ...]:
    """What names a row to people: the columns that the database holds to be unique, or its name."""
    described = Table.metadata.tables[table]
    unique = next((one for one in described.indexes if one.name == f"uq_{table}"), None)
    return tuple(column.name for column in (unique.columns if unique is not None else described.primary_key.columns))


def _deliveries(store: SqlStore) -> list[dict[str, object]]:
    table = DeliveryRow.__table__
    with store.database.read() as session:
        rows = session.execute(select(*[one for one in table.columns if one.name not in DELIVERY_LEFT_OUT])).mappings()
        return sorted((dict(row) for row in rows), key=lambda row: json.dumps(row, sort_keys=True))


def left_out() -> dict[str, list[str]]:
    """Columns that are not compared, by reason."""
    by_reason: dict[str, list[str]] = {}
    for table, columns in {**LEFT_OUT, "delivery": DELIVERY_LEFT_OUT}.items():
        for column in sorted(columns):
            by_reason.setdefault(WHY[column], []).append(f"{table}.{column}")
    for table in sorted(OF_OTHERS - {"delivery"}):
        by_reason.setdefault(WHY_TABLE[table], []).append(table)
    return by_reason


def product_files(products: Path) -> dict[str, str]:
    """SHA-256 of every product by name; locks and kept static layers are none."""
    return {
        str(path.relative_to(products)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(products.rglob("*"))
        if path.is_file() and path.name != ".lock" and FOLDER not in path.relative_to(products).parts
    }


def told(compared: Compared) -> str:
    """In words, with the first differences."""
    count = sum(compared.rows.values())
    if compared.same:
        how = "to the last bit" if compared.exact else f"numbers within {compared.largest:.1e}"
        return f"equal: {count:,} rows of {len(compared.rows)} tables, {how}"
    lines = [f"{len(compared.differences)} differences in {count:,} rows"]
    return "\n".join([*lines, *(f"- {one}" for one in compared.differences[:_SHOWN])])
