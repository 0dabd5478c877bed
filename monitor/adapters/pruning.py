"""Remove what the watch does not need any more: rows first, then the files that no row names.

A process that is killed between the two leaves files without a row, which the next run finds. Nothing here is needed
for a reference, an open event or a declaration that holds (`monitor.adapters.store.pruning`).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy.orm import Session

from monitor.adapters.looks import FOLDER
from monitor.adapters.products import ProductFolder
from monitor.adapters.store import SqlStore, pruning
from monitor.core.water import SEASON
from monitor.errors import Refused
from monitor.records import Sensor

_TILES, _AT_ONCE = 100, 5_000
"""Tiles, or rows, per transaction: writers wait for no longer than that takes."""
_ORPHAN_AGE = timedelta(days=7)
"""Looks are written before their row; one without a row for so long was left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What may go."""

    lookback: timedelta
    """The longest of any region: scenes may arrive so late."""
    depth: Mapping[Sensor, int]
    """Looks of a tile that are searched for a reference."""
    memory: timedelta = timedelta(0)
    """How far before an acquisition earlier choices matter (`core.sensors.memory_days`)."""
    looks: timedelta | None = None
    observations: timedelta | None = None
    products: timedelta | None = None
    products_bytes: int | None = None
    choices: timedelta | None = None
    rejections: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went, or would go, of one kind."""

    kind: str
    rows: int = 0
    files: int = 0
    size_bytes: int = 0


class Pruner:
    """Prunes one watch."""

    def __init__(self, store: SqlStore, root: Path, retention: Retention, now: datetime, dry: bool) -> None:
        """`root` is the product folder; `dry` counts only."""
        self._store = store
        self._database = store.database
        self._root = root
        self._retention = retention
        self._now = now
        self._dry = dry

    def run(self) -> list[Pruned]:
        """Every kind in turn.

        Raises:
            Refused: the product folder is not the one of this database.
        """
        with self._database.read() as session:
            tiles = pruning.tiles(session)
            newest = pruning.newest(session)
        # By the clock of the satellites: one of this machine that is ahead makes nothing old.
        self._now = self._now if newest is None else min(self._now, newest)
        retention = self._retention
        return [
            self._rows(pruning.REJECTIONS, retention.rejections),
            self._rows(pruning.CHOICES, retention.choices, retention.memory),
            self._looks(tiles),
            self._observations(tiles),
            self._orphans(tiles),
            self._products(),
        ]

    def _edge(self, age: timedelta, memory: timedelta = timedelta(0)) -> datetime:
        """`memory`: how far an acquisition that may still arrive looks back beyond the looks it is compared with."""
        with self._database.read() as session:
            return pruning.edge(session, self._now - max(age, self._retention.lookback + memory))

    def _rows(self, kind: str, age: timedelta | None, memory: timedelta = timedelta(0)) -> Pruned:
        """Refused items, or choices."""
        if age is None:
            return Pruned(kind=kind)
        before = self._edge(age, memory)
        if self._dry:
            with self._database.read() as session:
                return Pruned(kind=kind, rows=pruning.count(session, kind, before))
        rows = 0
        while True:
            with self._database.write() as session:
                some = pruning.remove(session, kind, before, _AT_ONCE)
            rows += some
            if some < _AT_ONCE:
                return Pruned(kind=kind, rows=rows)

    def _observations(self, tiles: Sequence[str]) -> Pruned:
        rows = 0
        if self._retention.observations is not None:
            before = self._edge(self._retention.observations, SEASON)
            for some in _batches(tiles):
                with self._transaction() as session:
                    rows += pruning.remove_observations(session, some, before, self._dry)
        return Pruned(kind="observations", rows=rows)

    def _transaction(self) -> AbstractContextManager[Session]:
        return self._database.read() if self._dry else self._database.write()

    def _looks(self, tiles: Sequence[str]) -> Pruned:
        if self._retention.looks is None:
            return Pruned(kind="looks")
        before, rows, gone = self._edge(self._retention.looks), 0, list[int]()
        for some in _batches(tiles):
            with self._transaction() as session:
                old = pruning.old_looks(session, some, before, self._retention.depth)
                if not self._dry:
                    pruning.forget(session, some, old)
            rows += len(old)
            gone += self._unlinked(self._root / href for href in old.values())
        return Pruned(kind="looks", rows=rows, files=len(gone), size_bytes=sum(gone))

    def _orphans(self, tiles: Sequence[str]) -> Pruned:
        """Looks that no row names."""
        folder = self._root / FOLDER
        there = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        if there and not set(there) & set(tiles):
            raise Refused(
                "has looks at other tiles than the database",
                item=str(folder),
                remedy="See that `database` and `products` belong to each other",
                reason="other-products",
            )
        gone: list[int] = []
        latest = (self._now - _ORPHAN_AGE).timestamp()
        for tile in there:
            with self._database.read() as session:
                known = pruning.known_looks(session, tile)
            files = [one for one in (folder / tile).glob("*.tif") if f"{FOLDER}/{tile}/{one.name}" not in known]
            gone += self._unlinked(files, latest)
        return Pruned(kind="orphans", files=len(gone), size_bytes=sum(gone))

    def _products(self) -> Pruned:
        age, most = self._retention.products, self._retention.products_bytes
        if age is None and most is None:
            return Pruned(kind="products")
        # A quota may take whatever the watch does not need, however young.
        edge, old = self._edge(timedelta(0)), None if age is None else self._now - age
        products = ProductFolder(self._root)
        listed = products.listed()
        kept = sum(one.size_bytes for one in listed)
        chosen = []
        for one in listed:
            too_old = old is not None and one.at < old
            too_much = most is not None and kept > most
            if one.at < edge and not one.newest and (too_old or too_much):
                chosen.append(one)
                kept -= one.size_bytes
        if not self._dry:
            products.withdraw(chosen)
        size = sum(one.size_bytes for one in chosen)
        return Pruned(kind="products", files=sum(one.files for one in chosen), size_bytes=size)

    def _unlinked(self, paths: Iterable[Path], latest: float = math.inf) -> Iterator[int]:
        """Sizes of the files that were there, written before `latest`, and go."""
        for path in paths:
            with suppress(FileNotFoundError):  # another prune was faster
                found = path.stat()
                if found.st_mtime >= latest:
                    continue
                if not self._dry:
                    path.unlink()
                yield found.st_size


def _batches(tiles: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(tiles)
    while some := list(islice(rest, _TILES)):
        yield some
