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
        for name in ("watch", "watch_again", "watch_bare"):
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        for role in ("watch_owner", "watch", "watch_reader"):
            admin.execute(f"DROP ROLE IF EXISTS {role}".encode())


def say(server: PostgresServer, sql: str) -> None:
    """As an operator does, with psql."""
    psql = shutil.which("psql")
    assert psql is not None
    command = [psql, "--no-psqlrc", "--set=ON_ERROR_STOP=1", server.url("postgres")]
    ended = subprocess.run(command, input=sql, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def _as(server: PostgresServer, role: str, name: str) -> SqlStore:
    return SqlStore(server.url(name).replace("//scarpwatch@", f"//{role}@"))


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
        back_up(service.database, tmp_path / "file", silent, NOW)
        with pytest.raises(Refused, match="role that owns the tables"):
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


def test_a_backup_goes_into_a_new_database(
    postgres_server: PostgresServer, statements: tuple[str, str], tmp_path: Path
) -> None:
    """After the guide's statements of the new name the service works on; without them it is told what it lacks."""
    say(postgres_server, statements[0])
    say(postgres_server, _of_database(statements[0], "watch_again"))
    say(postgres_server, "CREATE DATABASE watch_bare OWNER watch_owner;")
    with (
        closing(_as(postgres_server, "watch_owner", "watch")) as owner,
        closing(_as(postgres_server, "watch", "watch")) as service,
    ):
        owner.upgrade()
        _work(service, 1)
        back_up(service.database, tmp_path / "file", silent, NOW)
    with (
        closing(_as(postgres_server, "watch_owner", "watch_again")) as owner,
        closing(_as(postgres_server, "watch", "watch_again")) as service,
    ):
        restore(owner.database, tmp_path / "file", False, NOW, silent)
        found = soundness(service.database, NOW)
        assert found.faults == ()
        assert [hint for hint in found.hints if "backup" in hint] == []
        _work(service, 2)
    with (
        closing(_as(postgres_server, "watch_owner", "watch_bare")) as owner,
        closing(_as(postgres_server, "watch", "watch_bare")) as service,
    ):
        restore(owner.database, tmp_path / "file", False, NOW, silent)
        with pytest.raises(ConfigError, match="ALL TABLES IN SCHEMA public"):
            service.check()
        say(postgres_server, "\\connect watch_bare\nREVOKE USAGE ON SCHEMA public FROM PUBLIC;")
        with pytest.raises(ConfigError, match="may not use the schema"):
            service.check()


def _of_database(statements: str, name: str) -> str:
    """What the guide says of another database, when the roles are there."""
    own = statements[statements.index("CREATE DATABASE") : statements.index("ALTER ROLE")]
    return own.replace("DATABASE watch ", f"DATABASE {name} ").replace("\\connect watch", f"\\connect {name}")


def _work(store: SqlStore, number: int) -> None:
    one = acquisition(number)
    store.discover("atsuma", [one], [], NOW)
    assert store.claim("me@1:1:1", LEASE, NOW, ["atsuma"]) is not None
    assert store.complete(one, "me@1:1:1", result(observations=(observation(one),)), NOW)
