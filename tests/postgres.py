"""A private PostgreSQL server for the tests: from the installed binaries, on a Unix socket, gone afterwards.

Import the fixtures where they are used: `from tests.postgres import postgres_server, postgres_url`.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

USER = "scarpwatch"
START_TIMEOUT_S = 60

# Nothing of a test needs to survive a power cut.
_SETTINGS = {
    "listen_addresses": "",
    "timezone": "Asia/Tokyo",  # the zone of a server is its operator's affair and must not show in what we read
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running server; every caller makes databases of its own in it."""

    socket_folder: Path

    def url(self, database: str) -> str:
        """The plain URL, as an operator would write it."""
        return f"postgresql://{USER}@/{database}?host={self.socket_folder}"

    def create_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._create(name, "template1")
        return self.url(name)

    def fill_database(self, url: str, like: str) -> None:
        """Put a copy of the database of another URL in place of a database, both without connections."""
        self.drop_database(url)
        self._create(_name(url), _name(like))

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        with self._admin() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_name(url))))

    def _create(self, name: str, template: str) -> None:
        with self._admin() as connection:
            # Faster than what PostgreSQL 15 and later do of themselves; what came before knows nothing else.
            by_files = sql.SQL(" STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else "")
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            connection.execute(create + by_files)

    @contextmanager
    def _admin(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            yield connection


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server of this test session; skips where no PostgreSQL is installed, but fails when CI=true."""
    if _binaries() is None:
        message = "PostgreSQL is not installed (no initdb in PATH or /usr/lib/postgresql)"
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(message)
        pytest.skip(message)
    with running_server() as server:
        yield server


@contextmanager
def running_server(**settings: str) -> Iterator[PostgresServer]:
    """A server of one's own, with further settings of postgresql.conf.

    Raises:
        RuntimeError: PostgreSQL is not installed, or did not start.
    """
    binaries = _binaries()
    if binaries is None:
        raise RuntimeError("PostgreSQL is not installed")
    # A Unix socket's path must stay below 108 bytes, which pytest's own temporary folders do not.
    folder = Path(tempfile.mkdtemp(prefix="scarpwatch-pg-", dir="/tmp"))
    try:
        with _running(binaries, folder, _SETTINGS | settings) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """URL of an empty database that lives as long as the test."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@contextmanager
def _running(binaries: Path, folder: Path, settings: Mapping[str, str]) -> Iterator[PostgresServer]:
    user = _unprivileged_user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    data = folder / "data"
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"]
    with _start([*initdb, "--no-sync"], folder, user) as initialising:
        if initialising.wait(START_TIMEOUT_S):
            raise RuntimeError(f"initdb failed: {_log(folder)}")
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with _start([str(binaries / "postgres"), "-D", str(data), "-k", str(folder), *options], folder, user) as process:
        try:
            server = PostgresServer(socket_folder=folder)
            _wait_until_ready(server, process, folder)
            yield server
        finally:
            process.terminate()  # SIGTERM waits for clients, SIGQUIT does not
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def _start(command: list[str], folder: Path, user: pwd.struct_passwd | None) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"},
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )


def _name(url: str) -> str:
    """The database of a URL."""
    return url.rpartition("?")[0].rpartition("/")[2]


def _wait_until_ready(server: PostgresServer, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
        except psycopg.OperationalError as err:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {_log(folder)}") from err
            time.sleep(0.05)
        else:
            return


def _log(folder: Path) -> str:
    return (folder / "log").read_text(errors="replace")[-2000:]


def _binaries() -> Path | None:
    """The folder with initdb and postgres: the newest under /usr/lib/postgresql, or that of PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: one.parent.name.zfill(4), reverse=True)
    in_path = shutil.which("initdb")
    if in_path:
        folders.append(Path(in_path).resolve().parent)
    return next((one for one in folders if (one / "initdb").exists() and (one / "postgres").exists()), None)


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Whom the server runs as when the tests run as root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("the tests run as root and there is neither a user postgres nor nobody to run PostgreSQL as")
