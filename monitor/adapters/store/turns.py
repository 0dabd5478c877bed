"""Which of several instances asks the catalogs: the one that holds a lock that ends with its process.

On PostgreSQL it is an advisory lock of a session of its own, which the server gives back when the connection ends; on
SQLite, whose instances share a machine, a lock on a file beside the database. Instances that watch other regions take
turns among themselves: nobody else asks for those.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from zlib import crc32

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from monitor.adapters.store.database import Database, explained
from monitor.errors import ConfigError

_POLLING = 0x504F4C4C
"""The first half of the number of the lock: "POLL" in ASCII. The other half stands for the regions."""
_TAKE = text("SELECT pg_try_advisory_lock(:kind, :regions)")
_HELD = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND pid = pg_backend_pid() "
    "AND classid = :kind AND objid = CAST(CAST(:regions AS bigint) & 4294967295 AS oid)"
)


class PollTurn:
    """The turn of one instance (`Turn`). Safe across threads: several jobs ask for it."""

    def __init__(self, database: Database, regions: Iterable[str]) -> None:
        """`regions` are those that the instance watches; nothing is opened yet."""
        self._database = database
        self._regions = crc32("\n".join(sorted(regions)).encode())
        self._session: Connection | None = None
        self._file: int | None = None
        self._lock = Lock()

    def hold(self) -> bool:
        """Whether it is the turn of this instance, which keeps it once it has it.

        Raises:
            StoreBusy: the database is gone.
            ConfigError: the file of the lock cannot be made.
        """
        with self._lock:
            return self._hold_session() if self._database.file is None else self._hold_file(self._database.file)

    def give_up(self) -> None:
        """Leave it to another instance."""
        with self._lock:
            self._let_go()

    def close(self) -> None:
        """The same, at the end."""
        self.give_up()

    def _hold_session(self) -> bool:
        # Numbers of locks are signed.
        key = {"kind": _POLLING, "regions": self._regions - (1 << 32) * (self._regions >> 31)}
        if self._session is not None:
            try:
                if self._session.scalar(_HELD, key):
                    return True
            except DBAPIError:
                pass  # the connection was cut, and the lock with it
            self._let_go()
        session = self._database.apart()
        taken = False
        try:
            with explained(self._database.name):
                taken = bool(session.scalar(_TAKE, key))
        finally:
            if not taken:
                session.close()
        self._session = session if taken else None
        return taken

    def _let_go(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _hold_file(self, database: Path) -> bool:
        if self._file is not None:
            return True
        path = database.with_name(f"{database.name}-polling-{self._regions:08x}")
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as err:
            remedy = "The folder of the database must be writable"
            raise ConfigError(f"cannot be made ({err.strerror})", item=str(path), remedy=remedy) from err
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError as err:
            os.close(file)
            remedy = "The folder of the database must be on a local disk"
            raise ConfigError(f"cannot be locked ({err.strerror})", item=str(path), remedy=remedy) from err
        self._file = file
        return True
