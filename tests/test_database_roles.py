"""The roles that docs/operate.md makes: each can do its work, and nothing else."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from monitor.adapters.store import SqlStore
from monitor.adapters.store.backup import back_up
from monitor.adapters.store.restoring import restore
from monitor.adapters.store.soundness import soundness
from monitor.errors import ConfigError, Refused
from tests.adapters.store.factories import LEASE, NOW, acquisition, observation, result
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

GUIDE = Path(__file__).parent.parent / "docs" / "operate.md"


@pytest.fixture
def statements(postgres_server: PostgresServer) -> Iterator[tuple[str, str]]:
    """What the guide says before and after the tables are made."""
    blocks = GUIDE.read_text(encoding="utf-8").partition("\n## Database\n")[2].split("```sql\n")[1:]
    before, after = (block.partition("```")[0] for block in blocks)
    yield before, after
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS watch WITH (FORCE)")
        for role in ("watch_owner", "watch", "watch_reader"):
            admin.execute(f"DROP ROLE IF EXISTS {role}".encode())


def say(server: PostgresServer, sql: str) -> None:
    """As an operator does, with psql."""
    psql = shutil.which("psql")
    assert psql is not None
    command = [psql, "--no-psqlrc", "--set=ON_ERROR_STOP=1", server.url("postgres")]
    ended = subprocess.run(command, input=sql, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def silent(_what: str, _done: int, _all: int) -> None:
    """Nobody watches."""


def test_each_role_can_do_its_work_and_nothing_else(
    postgres_server: PostgresServer, statements: tuple[str, str], tmp_path: Path
) -> None:
    """The owner makes, saves and restores tables, the service works, the reader reads and sees no token."""
    as_owner, as_service, as_reader = (
        postgres_server.url("watch").replace("//scarpwatch@", f"//{role}@")
        for role in ("watch_owner", "watch", "watch_reader")
    )
    say(postgres_server, statements[0])
    with closing(SqlStore(as_service)) as service, closing(SqlStore(as_owner)) as owner:
        with pytest.raises(ConfigError):
            service.upgrade()
        owner.upgrade()
        say(postgres_server, statements[1])
        _work(service, 1)
        assert soundness(service.database, NOW).faults == ()
        back_up(owner.database, tmp_path / "file", silent, NOW)
        with pytest.raises(Refused, match="must be owner"):
            restore(service.database, tmp_path / "file", True, NOW, silent)
        restore(owner.database, tmp_path / "file", True, NOW, silent)
        say(postgres_server, statements[1])
        _work(service, 2)
    with psycopg.connect(as_reader) as reader:
        assert reader.execute("SELECT count(*) FROM observation").fetchone() == (2,)
        reader.execute("SET default_transaction_read_only = off")
        reader.commit()
        for forbidden in ("SELECT * FROM token", "DELETE FROM observation", "CREATE TABLE mine (x integer)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(forbidden.encode())
            reader.rollback()


def _work(store: SqlStore, number: int) -> None:
    one = acquisition(number)
    store.discover("atsuma", [one], [], NOW)
    assert store.claim("me@1:1:1", LEASE, NOW, ["atsuma"]) is not None
    assert store.complete(one, "me@1:1:1", result(observations=(observation(one),)), NOW)
