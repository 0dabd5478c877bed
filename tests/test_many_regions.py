"""A thousand regions in one configuration: what asks the database grows with what there is to do, not with regions."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from monitor.adapters.store.schema import Table
from tests.adapters.store.factories import LEASE, NOW, acquisition, result
from tests.upstream import VALLEY, Upstream, upstream

MANY = 200
NAMES = [f"r{number:03d}" for number in range(MANY)]


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that any database is sent meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def queue(up: Upstream, *numbers: int) -> None:
    """Passes of these days wait in every region."""
    for name in NAMES:
        up.store.discover(name, [acquisition(number, region=name) for number in numbers], [], NOW)


def test_a_claim_asks_as_much_of_many_regions_as_of_one(tmp_path: Path) -> None:
    """Also where all of them have a queue, and while the next is looked for."""
    with upstream(tmp_path) as up:
        queue(up, 1, 2)
        with counted() as sent:
            entry = up.store.claim("me@1:1:1", LEASE, NOW, NAMES)
            following = up.store.following("me@1:1:1", NOW, NAMES)
        assert entry is not None
        assert following is not None
        assert (entry.acquisition.region, entry.acquisition.key) == ("r000", "optical-001")
        assert (following.acquisition.region, following.acquisition.key) == ("r001", "optical-001")
        assert len(sent) < 25, f"{len(sent)} statements"


def test_the_oldest_comes_first_whatever_region_it_is_of(tmp_path: Path) -> None:
    """History and others side by side, as it was when every region was asked by itself."""
    with upstream(tmp_path) as up:
        queue(up, 5, 7)
        up.store.discover("r150", [acquisition(3, region="r150")], [], NOW)
        up.store.discover("r020", [acquisition(1, region="r020")], [], NOW, history_before=NOW)
        taken = []
        for _ in range(4):
            entry = up.store.claim("me@1:1:1", LEASE, NOW, NAMES)
            assert entry is not None
            taken.append((entry.acquisition.region, entry.acquisition.key))
            up.store.complete(entry.acquisition, "me@1:1:1", result(), NOW)
        assert taken == [
            ("r150", "optical-003"),
            ("r000", "optical-005"),
            ("r001", "optical-005"),
            ("r002", "optical-005"),
        ]


def test_an_idle_look_at_the_queue_reads_no_table_whole(tmp_path: Path) -> None:
    """It comes every few seconds, for years, while the ledger grows."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    with upstream(tmp_path) as up:
        queue(up, 1)
        up.service.regions = {name: replace(VALLEY, id=name) for name in NAMES}
        with up.store.database.write() as session:
            session.execute(text("UPDATE acquisition SET state = 'done'"))
        event.listen(Engine, "before_cursor_execute", note)
        up.service.process(lambda: NOW)
        event.remove(Engine, "before_cursor_execute", note)
        questions = [one for one in asked if one[0].startswith("SELECT")]
        assert len(questions) < 10
        with closing(sqlite3.connect(tmp_path / "watch.db")) as opened:
            plans = [row[3] for one in questions for row in opened.execute(f"EXPLAIN QUERY PLAN {one[0]}", one[1])]
        whole = {f"SCAN {name}" for name in Table.metadata.tables}
        assert [one for one in plans if one in whole] == []


def test_a_poll_asks_for_no_more_than_it_looks_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was found in all the years before."""
    with upstream(tmp_path, fallback_catalogs=()) as up:
        up.lists(0, 5, 10)
        assert up.poll(11) == 3
        asked: list[datetime] = []
        known = up.store.known

        def note(region: str, start: datetime, end: datetime) -> set[tuple[str, str]]:
            asked.append(start)
            return known(region, start, end)

        monkeypatch.setattr(up.store, "known", note)
        assert up.poll(11.5) == 0
        assert asked == [up.at(11.0 - VALLEY.lookback_days)]


def test_a_poll_asks_of_each_region_a_few_things(tmp_path: Path) -> None:
    """However many passes are known of it."""
    with upstream(tmp_path, fallback_catalogs=()) as up:
        regions = {name: replace(VALLEY, id=name, fallback_catalogs=()) for name in NAMES[:20]}
        up.service.regions = regions
        up.lists(0, 5, 10, 15, 20)
        assert up.poll(21) == 100
        with counted() as sent:
            assert up.poll(21.5) == 0
        of_work = [one for one in sent if not one.startswith(("BEGIN", "PRAGMA"))]
        assert len(of_work) / len(regions) < 8, f"{len(of_work)} statements"
