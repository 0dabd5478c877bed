"""A private STAC API for the tests: stac-fastapi-pgstac on PostgreSQL with PostGIS, gone afterwards.

Import the fixture where it is used: `from tests.stac_api import stac_api`.
"""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.postgres import USER, PostgresServer

_TIMEOUT_S = 60.0
Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class StacApi:
    """A running server with an empty catalog."""

    port: int
    database: str

    @property
    def url(self) -> str:
        """Its landing page."""
        return f"http://127.0.0.1:{self.port}/"

    def load(self, collections: Sequence[Json], items: Sequence[Json]) -> None:
        """Put these documents into the catalog, as its transaction extension and its loader do."""
        with psycopg.connect(self.database, options="-c search_path=pgstac,public") as connection:
            for collection in collections:
                connection.execute("SELECT upsert_collection(%s::jsonb)", [json.dumps(collection)])
            connection.execute("SELECT upsert_items(%s::jsonb)", [json.dumps(items)])


@pytest.fixture(scope="session")
def stac_api(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StacApi]:
    """The server of this test session; skips where PostGIS or the server is missing, but fails when CI=true."""
    missing = _missing()
    if missing:
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(missing)
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("stac-api")
    url = postgres_server.create_database()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
        "PGHOST": str(postgres_server.socket_folder),
        "PGPORT": "5432",
        "PGUSER": USER,
        "PGPASSWORD": "unused",
        "PGDATABASE": url.rpartition("?")[0].rpartition("/")[2],
    }
    try:
        _migrate(environment)
        with _running(environment, folder) as port:
            yield StacApi(port=port, database=url)
    finally:
        postgres_server.drop_database(url)


def _missing() -> str:
    """What must be installed first, or nothing."""
    if not list(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        return "PostGIS is not installed (Debian: postgresql-postgis; no postgis.control in /usr/share/postgresql)"
    if not all(map(importlib.util.find_spec, ("stac_fastapi", "pypgstac", "uvicorn"))):
        return "stac-fastapi-pgstac is not installed: pip install -e '.[dev]'"
    return ""


def _migrate(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pypgstac.pypgstac", "migrate"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if ended.returncode:
        raise RuntimeError(f"pypgstac cannot make its tables: {ended.stdout[-500:]} {ended.stderr[-2000:]}")


@contextmanager
def _running(environment: dict[str, str], folder: Path) -> Iterator[int]:
    port = _free_port()
    # The server builds a URL of it, in which a path must be quoted.
    environment = {**environment, "PGHOST": quote(environment["PGHOST"], safe="")}
    command = [sys.executable, "-m", "uvicorn", "stac_fastapi.pgstac.app:create_app", "--factory"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--timeout-graceful-shutdown", "1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    with process:
        try:
            _wait_until_ready(port, process, folder / "log")
            yield port
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    # Whatever proxy is set is for the outside world.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            opener.open(f"http://127.0.0.1:{port}/_mgmt/ping", timeout=5).close()
        except OSError as err:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the STAC API did not start: {log.read_text(errors='replace')[-2000:]}") from err
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
