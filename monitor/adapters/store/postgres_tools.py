"""The client programs of PostgreSQL, as processes of their own: pg_dump, pg_restore and psql.

They are found in PATH, else where Debian keeps them. A password goes to them through their environment, never through
their command line, which every user of a machine can read.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from sqlalchemy import URL

from monitor.adapters.store.database import OWNERS_WORK
from monitor.errors import ConfigError, DiskFull, Refused, StoreBusy, one_line

Progress = Callable[[str, int, int], None]
"""What is being done, how many are done, how many there are."""

_DEBIAN = Path("/usr/lib/postgresql")
_CHUNK = 1 << 20
_LOCK_WAIT_MS = 60_000
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_COPIED = re.compile(r"dumping contents of table .*?(\w+)\"?$")
_TIMEOUT = re.compile(rb"^SET \w+_timeout = 0;\n", re.MULTILINE)
_HEAD = 4096
"""Bytes of a dump as SQL within which such lines come."""
_UNREACHABLE = ("connection to server", "server closed the connection", "terminating connection")


class PostgresTools:
    """The programs, aimed at one database."""

    def __init__(self, url: URL, name: str, major: int) -> None:
        """
        Args:
            name: the database as it may be shown.
            major: version of its server, such as 17.

        Raises:
            ConfigError: a program is missing, or older than the server.
        """
        self._name = name
        self._connection, self._environ = _connection(url)
        self._folder, self.version = _folder(major, name)

    def dump(self, tables: Sequence[str], file: Path, progress: Progress) -> None:
        """Write tables (with their schema) as they are at one moment into `file`, in pg_dump's custom format.

        Raises:
            StoreBusy: the server is gone, or a table is locked for a minute.
            DiskFull
            Refused: pg_dump failed in another way.
        """
        command = [
            *self._program("pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--verbose"),
            f"--lock-wait-timeout={_LOCK_WAIT_MS}",
            f"--file={file}",
            f"--dbname={self._connection}",
            *(f"--table={table}" for table in tables),
        ]
        said: list[str] = []
        done = 0
        quiet, said_of = subprocess.DEVNULL, subprocess.PIPE
        with subprocess.Popen(
            command, stdin=quiet, stderr=said_of, env=self._environ, text=True, errors="replace"
        ) as process:
            for line in cast("IO[str]", process.stderr):
                said = [*said[-20:], line]
                if copied := _COPIED.search(line.strip()):
                    progress(copied[1], done, len(tables))
                    done += 1
        if process.returncode:
            raise self._trouble("pg_dump", "".join(said), file)

    def read_through(self, file: Path) -> None:
        """Read a dump to its end.

        Raises:
            Refused: it is cut short or broken.
        """
        self._output("pg_restore", f"--file={os.devnull}", str(file), about=file)

    def revision(self, file: Path) -> str | None:
        """The version of the tables in a dump; None: it says none.

        Raises:
            Refused: it cannot be read.
        """
        said = self._output("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file), about=file)
        rows = re.search(r"^COPY \S*alembic_version .*\n(.*)\n", said, re.MULTILINE)
        return None if rows is None or rows[1].startswith("\\.") else rows[1].strip()

    def restore(self, file: Path, before: Sequence[str], progress: Progress) -> None:
        """Run statements, then everything in a dump, as one transaction: all of it or nothing.

        Raises:
            StoreBusy: the server is gone.
            Refused: the dump is broken, or does not fit.
        """
        size, done = file.stat().st_size, 0
        reading = self._program("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file))
        writing = [
            *self._program("psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"),
            f"--dbname={self._connection}",
            *(f"--command={statement}" for statement in before),
            "--file=-",
        ]
        with (
            _said() as of_dump,
            _said() as of_server,
            self._pipes(reading, writing, of_dump, of_server) as (dump, psql),
        ):
            source, sink = cast("IO[bytes]", dump.stdout), cast("IO[bytes]", psql.stdin)
            with suppress(BrokenPipeError):  # psql has ended, and says why
                while chunk := source.read(_CHUNK):
                    sink.write(_without_timeouts(chunk) if done == 0 else chunk)
                    done += len(chunk)
                    progress("restoring", min(done, size), size)
                # What a broken dump gave so far must not be committed: psql would take the end of it for its end.
                if dump.wait():
                    psql.kill()
            with suppress(BrokenPipeError):
                sink.close()
            if psql.wait() > 0:
                dump.kill()
                raise self._trouble("psql", _text(of_server), file)
            if dump.returncode:
                raise self._trouble("pg_restore", _text(of_dump), file)

    @contextmanager
    def _pipes(
        self, reading: list[str], writing: list[str], of_dump: IO[bytes], of_server: IO[bytes]
    ) -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
        plain = subprocess.DEVNULL
        with (
            subprocess.Popen(reading, stdin=plain, stdout=subprocess.PIPE, stderr=of_dump, env=self._environ) as dump,
            subprocess.Popen(writing, stdin=subprocess.PIPE, stdout=plain, stderr=of_server, env=self._environ) as psql,
        ):
            try:
                yield dump, psql
            except BaseException:
                psql.kill()
                dump.kill()
                raise

    def _program(self, name: str, *options: str) -> list[str]:
        password = [] if name == "pg_restore" else ["--no-password"]
        return [str(self._folder / name), *password, *options]

    def _output(self, program: str, *options: str, about: Path) -> str:
        ended = subprocess.run(
            self._program(program, *options),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self._environ,
            text=True,
            errors="replace",
        )
        if ended.returncode:
            raise self._trouble(program, ended.stderr, about)
        return ended.stdout

    def _trouble(self, program: str, said: str, file: Path) -> StoreBusy | DiskFull | Refused:
        lines = [line for line in said.strip().splitlines() if "error" in line.lower() or "fatal" in line.lower()]
        message = f"{program} says: {one_line(Exception('; '.join(lines[:3]) or said))}"
        if "no space left" in said.lower():
            return DiskFull(message, item=str(file), remedy="Free some space there, or give another place")
        if any(words in said for words in (*_UNREACHABLE, "lock timeout")):
            return StoreBusy(message, item=self._name, remedy="See whether its server runs, then try again")
        if "permission denied" in said or "must be owner" in said:
            return Refused(message, item=self._name, remedy=OWNERS_WORK, reason="not-possible")
        return Refused(
            message, item=str(file), remedy="Nothing was changed. Correct what it names", reason="not-possible"
        )


def _without_timeouts(first: bytes) -> bytes:
    """The beginning of a dump as SQL without settings that an older server may not know: it would refuse it all.

    pg_restore 17 writes transaction_timeout, which servers before 17 do not have.
    """
    return _TIMEOUT.sub(b"", first[:_HEAD]) + first[_HEAD:]


def _connection(url: URL) -> tuple[str, dict[str, str]]:
    """What a program is told where the database is, and its environment, which alone has the password."""
    from psycopg.conninfo import make_conninfo

    parameters = url.get_dialect()().create_connect_args(url)[1]
    password = parameters.pop("password", None)
    environ = {**os.environ, "LC_ALL": "C", "PGAPPNAME": "scarpwatch"}
    if password:
        environ["PGPASSWORD"] = str(password)
    return make_conninfo(**parameters), environ


def _folder(server: int, name: str) -> tuple[Path, int]:
    """Where the programs are that are not older than the server, and their version."""
    in_path = shutil.which("pg_dump")
    folders = [Path(in_path).parent] if in_path and shutil.which("psql") and shutil.which("pg_restore") else []
    folders += sorted(_DEBIAN.glob("*/bin"), key=lambda one: one.parent.name.zfill(4), reverse=True)
    found = {folder: version for folder in folders if (version := _version(folder / "pg_dump"))}
    fitting = next(((folder, version) for folder, version in found.items() if version >= server), None)
    if fitting is not None:
        return fitting
    newest = max(found.values(), default=None)
    message = f"pg_dump {newest} is older than the server, {server}" if newest else "pg_dump is not installed"
    remedy = f"Install the client programs of PostgreSQL {server} or newer (Debian: postgresql-client-{server})"
    raise ConfigError(message, item=name, remedy=remedy)


def _version(program: Path) -> int | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    known = _VERSION.search(said)
    return int(known[1]) if known else None


@contextmanager
def _said() -> Iterator[IO[bytes]]:
    """What a program says of its troubles: a file, since a pipe that nobody empties would stop it."""
    with tempfile.TemporaryFile() as file:
        yield file


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
