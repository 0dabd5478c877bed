"""Every test that takes `store` runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from monitor.adapters.store import SqlStore
from tests.postgres import PostgresServer, postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database that does not exist yet (SQLite) or is empty (PostgreSQL)."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new folder/50%/watch.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: PostgresServer) -> str:
    """URL of a database with all tables of a store, to be copied: two hundred tests would make them one by one."""
    url = postgres_server.create_database()
    with closing(SqlStore(url)) as made:
        made.upgrade()
    return url


@pytest.fixture
def store(url: str, request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """An empty store with all its tables."""
    if url.startswith("postgresql"):
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server.fill_database(url, request.getfixturevalue("postgres_tables"))
    opened = SqlStore(url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def any_other_store(tmp_path: Path) -> Iterator[Callable[[], SqlStore]]:
    """Makes a second store, on SQLite: what the databases hold must not depend on the engine either."""
    opened: list[SqlStore] = []

    def make() -> SqlStore:
        opened.append(SqlStore(f"sqlite:///{tmp_path}/other-{len(opened)}.db"))
        opened[-1].upgrade()
        return opened[-1]

    yield make
    for one in opened:
        one.close()
