"""What a store takes of a PostgreSQL server: time, connections, and what it says of itself."""

from contextlib import closing
from datetime import timedelta

import pytest
from alembic.config import Config
from sqlalchemy import text

from monitor.adapters.store import SqlStore
from monitor.adapters.store.database import PostgresLimits
from monitor.adapters.store.migration import _migrate
from monitor.errors import StoreBusy
from tests.adapters.store.factories import NOW, acquisition


def shown(store: SqlStore, setting: str) -> str:
    """A setting of the session."""
    with store.database.read() as session:
        return str(session.scalar(text(f"SHOW {setting}")))


def test_a_statement_that_takes_too_long_is_ended(postgres_url: str) -> None:
    """It is a busy store, and the next one works; upgrades have no limit."""
    limits: list[str] = []

    def look(config: Config, _revision: str) -> None:
        limits.append(str(config.attributes["connection"].scalar(text("SHOW statement_timeout"))))

    with closing(SqlStore(postgres_url, limits=PostgresLimits(statement=timedelta(milliseconds=200)))) as store:
        store.upgrade()
        assert shown(store, "statement_timeout") == "200ms"
        with pytest.raises(StoreBusy, match="statement timeout"), store.database.read() as session:
            session.execute(text("SELECT pg_sleep(20)"))
        assert store.discover("atsuma", [acquisition(1)], [], NOW) == 1
        _migrate(store.database, "head", look)
    assert limits == ["0"]


def test_connections_are_bounded_and_named(postgres_url: str) -> None:
    """Who finds none free in time is told that the store is busy. What the URL says counts before what we say."""
    limits = PostgresLimits(connections=1, wait=timedelta(milliseconds=50))
    with closing(SqlStore(postgres_url, limits=limits)) as store:
        store.upgrade()
        with store.database.read() as session:
            session.execute(text("SELECT 1"))
            with pytest.raises(StoreBusy, match="no free connection"):
                store.counts()
        assert shown(store, "application_name") == "scarpwatch"
        assert shown(store, "idle_in_transaction_session_timeout") == "5min"
    with closing(SqlStore(f"{postgres_url}&application_name=mine")) as store:
        assert shown(store, "application_name") == "mine"
