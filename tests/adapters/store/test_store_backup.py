"""Backups where something is in the way: a full disk, and programs that are newer than the server."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from monitor.adapters.store import SqlStore
from monitor.adapters.store.backup import back_up, tools_of
from monitor.adapters.store.restoring import restore
from tests.adapters.small_disk import run_on_small_disk
from tests.adapters.store.factories import NOW, acquisition

_NEWER = """#!/bin/sh
case "$*" in *--file=-*) echo "SET brand_new_timeout = 0;" ;; esac
exec {real} "$@"
"""


def silent(_what: str, _done: int, _all: int) -> None:
    """Nobody watches."""


def test_programs_that_are_newer_than_the_server(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They switch off timeouts that the server does not know: it takes the backup all the same."""
    with closing(SqlStore(postgres_url)) as store:
        store.upgrade()
        store.discover("atsuma", [acquisition(1)], [], NOW)
        programs = tools_of(store.database)._folder
        for name in ("pg_dump", "psql"):
            (tmp_path / name).symlink_to(programs / name)
        (tmp_path / "pg_restore").write_text(_NEWER.format(real=programs / "pg_restore"))
        (tmp_path / "pg_restore").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        back_up(store.database, tmp_path / "file", silent, NOW)
        store.discover("atsuma", [acquisition(2)], [], NOW)
        restore(store.database, tmp_path / "file", True, NOW, silent)
        assert [one.acquisition.key for one in store.ledger()] == ["optical-001"]


def test_a_full_disk(tmp_path: Path) -> None:
    """Nothing is left half: no copy, no other content, no older tables; what a killed backup left makes room."""
    said = json.loads(run_on_small_disk(tmp_path / "disk", 4096, _ON_A_FULL_DISK))
    assert said["backup"] == ["DiskFull", ["ballast"]]
    assert said["beside a leftover"] == ["done", ["kept"]]
    assert said["restore"] == ["DiskFull", 1, ["ballast", "kept", "watch.db"]]
    assert said["prune"] == ["DiskFull", 1, "done", 0]
    assert said["upgrade"] == ["DiskFull", "0020"]


_ON_A_FULL_DISK = """
import json
import os
from datetime import timedelta
from sqlalchemy import text
from monitor.adapters.pruning import Pruner, Retention
from monitor.adapters.store import SqlStore
from monitor.adapters.store.backup import back_up
from monitor.adapters.store.migration import downgrade
from monitor.adapters.store.restoring import restore
from monitor.errors import DiskFull
from monitor.records import Sensor
from tests.adapters.store.factories import NOW, acquisition, day, rejected
from tests.adapters.store.test_store_backup import silent

def tried(work):
    try:
        work()
    except DiskFull:
        return "DiskFull"
    return "done"

def names():
    return sorted(path.name for path in disk.iterdir() if not path.name.startswith("watch.db-"))

def fill(leave=0):
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
        file.truncate(file.tell() - leave)

def revision(store):
    with store.database.read() as session:
        return session.scalar(text("SELECT version_num FROM alembic_version"))

said, ballast, kept = {}, disk / "ballast", disk / "kept"
large = SqlStore(f"sqlite:///{disk.parent}/large.db")
large.upgrade()
with large.database.write() as session:
    session.execute(text("CREATE TABLE filler AS SELECT randomblob(2000000) AS bytes"))
fill(leave=1_000_000)
said["backup"] = [tried(lambda: back_up(large.database, kept, silent, NOW)), names()]
ballast.unlink()
(disk / ".old.elsewhere-1-1-1.part").write_bytes(bytes(2_500_000))
os.utime(disk / ".old.elsewhere-1-1-1.part", (0, 0))
said["beside a leftover"] = [tried(lambda: back_up(large.database, kept, silent, NOW)), names()]
store = SqlStore(f"sqlite:///{disk}/watch.db")
store.upgrade()
store.discover("atsuma", [acquisition(1)], [rejected()], day(1))
ballast.touch()
said["restore"] = [tried(lambda: restore(store.database, kept, True, NOW, silent)), len(store.ledger()), names()]
depth = {sensor: 3 for sensor in Sensor}
retention = Retention(lookback=timedelta(0), depth=depth, rejections=timedelta(days=60))
store.discover("atsuma", [acquisition(900)], [], NOW)
store.close()
prune = lambda: Pruner(store, disk, retention, NOW, dry=False).run()
fill()
said["prune"] = [tried(prune)]
ballast.unlink()
said["prune"] += [len(store.rejections()), tried(prune), len(store.rejections())]
downgrade(store.database, "0020")
store.close()
fill()
said["upgrade"] = [tried(store.upgrade)]
ballast.unlink()
said["upgrade"].append(revision(store))
print(json.dumps(said))
"""
