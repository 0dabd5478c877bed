"""What a store takes of a PostgreSQL server: time, connections, and what it says of itself."""

import time
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from alembic.config import Config
from psycopg import sql
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


def test_a_server_that_became_a_standby_is_busy(postgres_url: str) -> None:
    """For some seconds another takes its place; meanwhile it reads only, which is no defect of ours."""
    with closing(SqlStore(postgres_url)) as store:
        store.upgrade()
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            name = str(store.database.url.database)
            admin.execute(
                sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(sql.Identifier(name))
            )
        store.close()
        with pytest.raises(StoreBusy, match="read-only"):
            store.discover("atsuma", [acquisition(1)], [], NOW)


def test_a_transaction_in_which_nothing_happens_is_ended(postgres_url: str) -> None:
    """Whoever held it hears of a busy store, and the next one works."""
    with closing(SqlStore(postgres_url, limits=PostgresLimits(idle=timedelta(milliseconds=20)))) as store:
        store.upgrade()

        def dawdle() -> None:
            with store.database.read() as session:
                session.execute(text("SELECT 1"))
                time.sleep(0.3)
                session.execute(text("SELECT 1"))

        with pytest.raises(StoreBusy):
            dawdle()
        assert store.counts() == []
