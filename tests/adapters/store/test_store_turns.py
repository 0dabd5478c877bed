"""Who of several instances asks the catalogs: one, and another when that one is gone."""

import errno
import fcntl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from monitor.adapters.store import SqlStore
from monitor.errors import ConfigError, StoreBusy
from monitor.records import AcquisitionState
from tests.adapters.store.factories import LEASE, NOW, acquisition, observation, result
from tests.postgres import PostgresServer

_ROOT = Path(__file__).parents[3]
_HOLDER = """
import sys
from monitor.adapters.store import SqlStore
turn = SqlStore(sys.argv[1]).poll_turn(["noto", "atsuma"])
print(turn.hold(), flush=True); sys.stdin.readline()
"""
REGIONS = ("atsuma", "noto")


def test_one_of_several_has_the_turn(store: SqlStore, url: str) -> None:
    """And keeps it until it gives it up, while those that watch other regions have theirs."""
    with closing(SqlStore(url)) as other:
        first, second, elsewhere = store.poll_turn(REGIONS), other.poll_turn(REGIONS), other.poll_turn(["noto"])
        assert [first.hold(), second.hold(), elsewhere.hold()] == [True, False, True]
        assert [first.hold(), second.hold()] == [True, False]
        first.give_up()
        assert [second.hold(), first.hold()] == [True, False]
        second.close()
        assert first.hold()
        first.close()
        elsewhere.close()


def test_threads_of_one_instance_share_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two jobs that ask at the same moment are no two instances."""
    said: list[bool] = []
    take = fcntl.flock

    def slowly(file: int, how: int) -> None:
        if not beside:
            beside.append(threading.Thread(target=lambda: said.append(turn.hold())))
            beside[0].start()
            beside[0].join(0.2)
        take(file, how)

    monkeypatch.setattr(fcntl, "flock", slowly)
    beside: list[threading.Thread] = []
    with closing(SqlStore(f"sqlite:///{tmp_path}/watch.db").poll_turn(REGIONS)) as turn:
        said.append(turn.hold())
        beside[0].join()
        assert said == [True, True]


def test_a_file_that_cannot_be_locked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network file systems."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(ConfigError, match="a local disk"):
        SqlStore(f"sqlite:///{tmp_path}/watch.db").poll_turn(REGIONS).hold()


def test_another_takes_over_when_the_process_dies(store: SqlStore, url: str) -> None:
    """Killed without a word."""
    command = [sys.executable, "-c", _HOLDER, url]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process,
        closing(store.poll_turn(REGIONS)) as turn,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert not turn.hold()
        process.kill()
        process.wait()
        assert _becomes_true(turn.hold)


def test_a_turn_ends_with_its_connection(postgres_server: PostgresServer, postgres_url: str) -> None:
    """Who lost it is told so, and does not go on as if it had it."""
    with closing(SqlStore(postgres_url)) as one, closing(SqlStore(postgres_url)) as two:
        first, second = one.poll_turn(REGIONS), two.poll_turn(REGIONS)
        assert first.hold()
        end = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = "
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
            admin.execute(f"{end} (SELECT oid FROM pg_database WHERE datname = %s)", [one.database.url.database])
        assert _becomes_true(second.hold)
        assert not first.hold()
        first.close()
        second.close()


def test_nobody_has_a_turn_without_its_database(tmp_path: Path) -> None:
    """A server that is gone is a busy store."""
    turn = SqlStore(f"postgresql://me@/watch?host={tmp_path}").poll_turn(REGIONS)
    with pytest.raises(StoreBusy):
        turn.hold()
    turn.close()


def test_clocks_that_differ_do_no_harm(store: SqlStore, url: str) -> None:
    """Whose clock is ahead takes over too early: both work, and the result of one is written, once."""
    one, hour = acquisition(1), timedelta(hours=1)
    store.discover("atsuma", [one], [], NOW)
    with closing(SqlStore(url)) as ahead:
        assert store.claim("right@1:1:1", LEASE, NOW, ["atsuma"]) is not None
        assert ahead.claim("ahead@2:1:1", LEASE, NOW + hour, ["atsuma"]) is not None
        assert not store.extend(one, "right@1:1:1", LEASE, NOW)
        assert not store.complete(one, "right@1:1:1", result(observations=(observation(one),)), NOW)
        assert ahead.complete(one, "ahead@2:1:1", result(observations=(observation(one),)), NOW + hour)
    (entry,) = store.ledger()
    assert entry.state is AcquisitionState.DONE
    assert len(store.history(observation(one).tile)) == 1


def test_what_an_owner_left_is_put_back_and_no_try(store: SqlStore) -> None:
    """What others hold stays theirs."""
    store.discover("atsuma", [acquisition(1)], [], NOW)
    store.discover("noto", [acquisition(2, region="noto")], [], NOW)
    assert store.claim("me@1:1:1", LEASE, NOW, ["atsuma"]) is not None
    assert store.claim("you@1:1:1", LEASE, NOW, ["noto"]) is not None
    (held,) = store.take_back("me@1:1:1", NOW, REGIONS)
    assert held.acquisition == acquisition(1)
    assert store.take_back("me@1:1:1", NOW, REGIONS) == []
    states = {entry.acquisition.region: (entry.state, entry.attempts, entry.owner) for entry in store.ledger()}
    assert states["atsuma"] == (AcquisitionState.DISCOVERED, 0, None)
    assert states["noto"] == (AcquisitionState.CLAIMED, 1, "you@1:1:1")


def _becomes_true(ask: Callable[[], bool]) -> bool:
    """The server notices within a moment that a client is gone."""
    end = time.monotonic() + 30
    while not ask() and time.monotonic() < end:
        time.sleep(0.02)
    return ask()
