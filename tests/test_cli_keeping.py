"""`scarpwatch db`: backup while a pass runs, restore, check. On SQLite and on PostgreSQL."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import text

from monitor.adapters.store import SqlStore, dump
from monitor.adapters.store import postgres_tools as tools
from monitor.adapters.store.backup import back_up
from monitor.adapters.store.migration import downgrade
from monitor.adapters.store.restoring import restore
from monitor.cli.parts import prepare_database
from monitor.cli.run import run
from monitor.config import Settings, load
from monitor.errors import ConfigError, Refused
from monitor.records import AcquisitionState
from monitor.service import PassEvent
from tests.adapters.store.factories import acquisition
from tests.fake_watch import NOW, FakeService, parts, write_config
from tests.postgres import PostgresServer, postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


def silent(_what: str, _done: int, _all: int) -> None:
    """Nobody watches."""


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of the fake watch on either kind of database, whose tables are there."""
    for name in list(os.environ):
        if name.startswith("SCARPWATCH_"):
            monkeypatch.delenv(name)
    path = write_config(tmp_path, f"channels: {{files: {{type: directory, path: {tmp_path}/told}}}}\n")
    monkeypatch.setenv("SCARPWATCH_CONFIG", str(path))
    if request.param == "postgres":
        monkeypatch.setenv("SCARPWATCH_DATABASE", str(request.getfixturevalue("postgres_url")))
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["db", "upgrade"], parts()) == 0
    return load(path)


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of another, empty database of the same kind."""
    if settings.database.startswith("sqlite"):
        yield f"sqlite:///{tmp_path}/elsewhere/watch.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database()
    yield url
    server.drop_database(url)


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    capsys.readouterr()
    code = run(arguments, parts())
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def content(url: str) -> dict[str, list[dict[str, object]]]:
    """All rows but those that may differ between two runs."""
    with closing(SqlStore(url)) as store:
        return dump(store)


def told(settings: Settings) -> dict[str, str]:
    """The messages that reached the folder."""
    folder = settings.folder / "told"
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.json")}


def test_a_backup_taken_in_the_middle_of_a_pass_goes_on_elsewhere(
    settings: Settings, elsewhere: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restored, the next pass ends as an undisturbed one does: nothing twice, nothing lost, nobody waited for."""
    file = settings.folder / "kept" / "middle"
    file.parent.mkdir()

    def look_on(event: PassEvent) -> None:
        if event.action == "claimed" and event.item == "S2A-1":
            assert call(capsys, "db", "backup", str(file))[0] == 0

    prepare_database(settings, NOW)
    with closing(FakeService(settings, lambda: NOW)) as service:
        service.once(lambda: NOW, look_on)
    assert call(capsys, "once")[0] == 0
    undisturbed, messages = content(settings.database), told(settings)
    assert messages

    monkeypatch.setenv("SCARPWATCH_DATABASE", elsewhere)
    code, out, _ = call(capsys, "db", "restore", str(file))
    assert code == 0
    assert "1 acquisition(s) and 0 message(s) were at work" in out
    with closing(SqlStore(elsewhere)) as store:
        states = {one.acquisition.key: (one.state, one.attempts, one.owner) for one in store.ledger()}
    # The process that held it lives: its lease is given back all the same.
    assert states["S2A-1"] == (AcquisitionState.DISCOVERED, 0, None)
    assert call(capsys, "once")[0] == 0
    assert content(elsewhere) == undisturbed
    assert told(settings) == messages


def test_what_is_written_meanwhile_is_not_in_a_backup(settings: Settings, elsewhere: str) -> None:
    """A backup is of one moment, however long it takes and whoever writes."""
    file, written = settings.folder / "moment", 0

    def write(_what: str, _done: int, _all: int) -> None:
        nonlocal written
        written += 1
        store.discover("valley", [acquisition(written, region="valley")], [], NOW)

    with closing(SqlStore(settings.database)) as store:
        store.discover("valley", [acquisition(0, region="valley")], [], NOW)
        back_up(store.database, file, write, NOW)
        assert written > 1
        assert len(store.ledger()) == written + 1
    with closing(SqlStore(elsewhere)) as store:
        assert restore(store.database, file, False, NOW, silent).contents.acquisitions == 1
        store.check()


def test_a_backup_is_one_file_for_its_owner_and_never_overwritten(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder it is named after the time; nothing half-written stays beside it."""
    folder = settings.folder / "kept"
    folder.mkdir()
    code, out, _ = call(capsys, "db", "backup", str(folder))
    assert code == 0
    assert "Not in it: products" in out
    (file,) = folder.iterdir()
    assert file.stem == "scarpwatch-20260120T000000Z"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    code, _, err = call(capsys, "db", "backup", str(file))
    assert (code, "is there already" in err) == (1, True)
    assert (list(folder.iterdir()), file.read_bytes()) == ([file], before)
    code, _, err = call(capsys, "db", "backup", str(folder / "none" / "file"))
    assert (code, "a folder that is there" in err) == (2, True)


def test_restore_asks_before_it_replaces(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that holds a watch is refused, or replaced as a whole when a person says so."""
    file = settings.folder / "empty-watch"
    assert call(capsys, "db", "backup", str(file))[0] == 0
    assert call(capsys, "once")[0] == 0
    before = content(settings.database)
    code, _, err = call(capsys, "db", "restore", str(file))
    assert (code, "--replace" in err) == (1, True)
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    code, out, _ = call(capsys, "db", "restore", str(file), "--replace")
    assert code == 1
    assert "holds 2 acquisitions and 4 events" in out
    assert content(settings.database) == before
    assert call(capsys, "db", "restore", str(file), "--replace", "--yes")[0] == 0
    assert not any(content(settings.database).values())
    assert call(capsys, "once")[0] == 0
    assert content(settings.database) == before


def test_an_older_backup_is_upgraded_and_a_newer_one_refused(
    settings: Settings, elsewhere: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer one leaves the database as it is."""
    assert call(capsys, "once")[0] == 0
    old, new = settings.folder / "old", settings.folder / "new"
    with closing(SqlStore(settings.database)) as store:
        downgrade(store.database, "0017")
        back_up(store.database, old, silent, NOW)
        store.upgrade()
        monkeypatch.setattr("monitor.adapters.store.migration.refuse_newer", lambda *_: None)
        with store.database.write() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        back_up(store.database, new, silent, NOW)
    monkeypatch.undo()
    with closing(SqlStore(elsewhere)) as store:
        with pytest.raises(ConfigError, match="9999"):
            restore(store.database, new, False, NOW, silent)
        with pytest.raises(ConfigError):
            store.check()
        assert restore(store.database, old, False, NOW, silent).revision == "0017"
        store.check()
        assert len(store.ledger()) == 2


@pytest.mark.parametrize("step", ["reading", "restoring"])
def test_a_killed_restore_is_repeated_and_leaves_nothing_beside_the_database(tmp_path: Path, step: str) -> None:
    """What it prepared is a copy of a whole watch: the next restore needs the space. On SQLite."""
    file, target = tmp_path / "backup", tmp_path / "kept" / "watch.db"
    with closing(SqlStore(f"sqlite:///{tmp_path}/one.db")) as store:
        store.upgrade()
        store.discover("valley", [acquisition(number, region="valley") for number in range(3)], [], NOW)
        back_up(store.database, file, silent, NOW)
    killed = f"""
        import os, signal
        from datetime import datetime, UTC
        from pathlib import Path
        from monitor.adapters.store import SqlStore
        from monitor.adapters.store.restoring import restore

        def progress(what, done, of):
            if what == {step!r}:
                os.kill(os.getpid(), signal.SIGKILL)

        restore(SqlStore("sqlite:///{target}").database, Path("{file}"), False, datetime.now(UTC), progress)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(killed)], check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert [one for one in target.parent.iterdir() if one.is_dir()]
    with closing(SqlStore(f"sqlite:///{target}")) as store:
        assert restore(store.database, file, True, NOW, silent).contents.acquisitions == 3
        store.check()
    assert not [one.name for one in target.parent.iterdir() if not one.name.startswith("watch.db")]


def test_a_restore_leaves_the_folder_of_another_alone(tmp_path: Path) -> None:
    """As long as that is at work, in whatever process; a folder that nobody holds goes."""
    file, target = tmp_path / "backup", tmp_path / "kept" / "watch.db"
    with closing(SqlStore(f"sqlite:///{tmp_path}/one.db")) as store:
        store.upgrade()
        back_up(store.database, file, silent, NOW)
    seen: list[int] = []

    def meanwhile(what: str, _done: int, _all: int) -> None:
        if what == "restoring" and not seen:
            seen.append(0)
            left = target.parent / ".watch.db.restore-dead"
            left.mkdir()
            with closing(SqlStore(f"sqlite:///{target}")) as second:
                restore(second.database, file, True, NOW, silent)
            seen[0] = len([one for one in target.parent.iterdir() if one.is_dir()])
            assert not left.exists()

    with closing(SqlStore(f"sqlite:///{target}")) as store:
        restore(store.database, file, True, NOW, meanwhile)
        store.check()
    assert seen == [1], "the folder of the first restore"
    assert not [one for one in target.parent.iterdir() if one.is_dir()]


def test_a_broken_backup_changes_nothing(
    settings: Settings, capsys: pytest.CaptureFixture[str], postgres_url: str
) -> None:
    """Cut short, none at all, or of the other kind of database."""
    file = settings.folder / "whole"
    assert call(capsys, "once")[0] == 0
    assert call(capsys, "db", "backup", str(file))[0] == 0
    before = content(settings.database)
    short, none = settings.folder / "short", settings.folder / "none"
    short.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    none.write_text("all is well")
    with closing(SqlStore(settings.database)) as store:
        with pytest.raises(Refused):
            restore(store.database, short, True, NOW, silent)
        with pytest.raises(ConfigError, match="no backup"):
            restore(store.database, none, True, NOW, silent)
    other = postgres_url if settings.database.startswith("sqlite") else f"sqlite:///{settings.folder}/other.db"
    with closing(SqlStore(other)) as store, pytest.raises(ConfigError, match=r"backup of \w+, and .* is"):
        restore(store.database, file, False, NOW, silent)
    assert content(settings.database) == before


def test_check_tells_what_is_wrong(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """A sound database, one that was changed by hand, and one of an older version."""
    code, out, _ = call(capsys, "db", "check")
    assert (code, "all is well" in out) == (0, True)
    with closing(SqlStore(settings.database)) as store:
        with store.database.write() as session:
            session.execute(text("DROP INDEX ix_event_told"))
            session.execute(text("ALTER TABLE event ADD COLUMN mine TEXT"))
        code, out, _ = call(capsys, "db", "check")
        assert code == 1
        assert "(lacking: add_index ix_event_told, remove_column mine)" in out
        assert "all is well" not in out
        downgrade(store.database, "0018")
    assert call(capsys, "db", "check")[0] == 3


def test_a_damaged_sqlite_file_is_neither_sound_nor_backed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is broken is said, and no file is left that would pass for a backup."""
    monkeypatch.setenv("SCARPWATCH_CONFIG", str(write_config(tmp_path)))
    assert call(capsys, "once")[0] == 0
    with closing(sqlite3.connect(tmp_path / "watch.db")) as opened:
        (page,) = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_event_told'").fetchone()
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / "watch.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 1000)
    code, out, _ = call(capsys, "db", "check")
    assert (code, "the file is damaged (" in out) == (1, True)
    code, _, err = call(capsys, "db", "backup", str(tmp_path / "copy"))
    assert (code, "is not whole" in err) == (1, True)
    assert not list(tmp_path.glob("*copy*"))


def test_no_database_is_backed_up_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And none is made by asking."""
    monkeypatch.setenv("SCARPWATCH_CONFIG", str(write_config(tmp_path)))
    assert call(capsys, "db", "backup", str(tmp_path / "copy"))[0] == 3
    assert not list(tmp_path.glob("watch.db*")) + list(tmp_path.glob("*copy*"))


_FAKE = """#!/bin/sh
[ "$1" = --version ] && echo "pg_dump (PostgreSQL) $VERSION" && exit
echo "$@" > {0}/arguments; env > {0}/environ; echo "pg_dump: error: no such luck" >&2; exit 1
"""


def test_passwords_are_on_no_command_line(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go through the environment of the program; what it says is handed on."""
    with closing(SqlStore(postgres_url.replace("scarpwatch@", "scarpwatch:hush%3Ahush@"))) as store:
        store.upgrade()
        _programs(tmp_path, monkeypatch, "99.1")
        with pytest.raises(Refused, match="no such luck"):
            back_up(store.database, tmp_path / "file", silent, NOW)
    arguments = (tmp_path / "arguments").read_text()
    assert "hush" not in arguments
    assert "user=scarpwatch" in arguments
    assert "PGPASSWORD=hush:hush\n" in (tmp_path / "environ").read_text()
    assert not list(tmp_path.glob("*file*"))


@pytest.mark.parametrize(("version", "said"), [("9.6", "pg_dump 9 is older than the server"), ("", "not installed")])
def test_a_missing_or_old_pg_dump_is_named(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, said: str
) -> None:
    """With the package that helps."""
    with closing(SqlStore(postgres_url)) as store:
        store.upgrade()
        _programs(tmp_path, monkeypatch, version)
        with pytest.raises(ConfigError, match=rf"{said}.*postgresql-client-\d+"):
            back_up(store.database, tmp_path / "file", silent, NOW)


def _programs(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Programs that are none; without a version there are none."""
    monkeypatch.setattr(tools, "_DEBIAN", folder)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin" if version else str(folder))
    monkeypatch.setenv("VERSION", version)
    for name in ("pg_dump", "pg_restore", "psql") if version else ():
        (folder / name).write_text(_FAKE.format(folder))
        (folder / name).chmod(0o755)


def test_json(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """For machines: what was written, and what is not in it."""
    file = settings.folder / "file"
    code, out, _ = call(capsys, "db", "backup", str(file), "--json")
    assert code == 0
    document = json.loads(out)
    assert (document["path"], document["size_bytes"]) == (str(file), file.stat().st_size)
    assert document["not_in_it"] == {"products": str(settings.products)}
    code, out, _ = call(capsys, "db", "check", "--json")
    assert (code, json.loads(out)["faults"]) == (0, [])
