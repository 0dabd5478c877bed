"""Every test that takes `store` runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.adapters.store import SqlStore
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database that does not exist yet (SQLite) or is empty (PostgreSQL)."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new folder/50%/watch.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """An empty store with all its tables."""
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
