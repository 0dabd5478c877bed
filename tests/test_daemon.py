"""The service kept going: jobs, probes, metrics, and a clean end on SIGTERM."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import text
from structlog.typing import FilteringBoundLogger

from monitor.adapters.looks import LookFiles
from monitor.adapters.slope_sights import SlopeSightFiles
from monitor.adapters.store import SqlStore
from monitor.alive import Herald
from monitor.config import Settings, load
from monitor.daemon import About, Daemon, Duties, Kept
from monitor.delivering import Delivery
from monitor.errors import ConfigError
from monitor.logs import make_logger
from monitor.ports import Turn
from monitor.records import AcquisitionState
from monitor.service import PassEvent, PassSummary
from monitor.web.refusals import Refusals
from tests.fake_watch import NOW, FakeService, write_config

ROOT = Path(__file__).resolve().parent.parent
ABOUT = About(version="0.1.0", model_version="1.0", engine="onnxruntime-cpu")
PATIENCE_S = 30.0


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of the fake watch, in an environment without others."""
    for name in list(os.environ):
        if name.startswith("SCARPWATCH_"):
            monkeypatch.delenv(name)
    settings = load(write_config(tmp_path))
    store = SqlStore(settings.database)
    store.upgrade()
    store.close()
    return settings


@contextmanager
def watching(
    settings: Settings,
    clock: Callable[[], datetime] = lambda: NOW,
    delivery: Delivery | None = None,
    log: FilteringBoundLogger | None = None,
    herald: Callable[[SqlStore], Herald] | None = None,
    turn: Callable[[SqlStore], Turn] | None = None,
) -> Iterator[Daemon]:
    """A daemon over the fake service; its parts are closed at the end."""
    service, store = FakeService(settings, clock), SqlStore(settings.database)
    try:
        yield Daemon(
            service=service,
            kept=Kept(
                store=store,
                looks=LookFiles(settings.products),
                sights=SlopeSightFiles(settings.products),
                refusals=Refusals().counts,
                turn=turn(store) if turn else None,
            ),
            settings=settings,
            about=ABOUT,
            log=log or make_logger(StringIO(), as_json=True),
            clock=clock,
            duties=Duties(
                delivery=delivery,
                herald=herald(store) if herald else None,
                look_every=timedelta(seconds=0.2),
            ),
        )
    finally:
        service.close()
        store.close()


def run_while(daemon: Daemon, visit: Callable[[str], None]) -> None:
    """Run the daemon in this (main) thread while another visits it; then end it cleanly."""
    failures: list[BaseException] = []

    def visitor() -> None:
        try:
            visit(f"http://127.0.0.1:{daemon.health.port}")
        except BaseException as failure:  # handed to the main thread below
            failures.append(failure)
        finally:
            daemon.stop()

    thread = threading.Thread(target=visitor)
    thread.start()
    daemon.run()
    thread.join()
    if failures:
        raise failures[0]


def until(true: Callable[[], bool]) -> None:
    """Wait for something that must come true."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether a server is there and its checks pass."""
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def test_probes_and_metrics(settings: Settings) -> None:
    """A daemon polls, processes, becomes ready and shows what happened to Prometheus."""
    lines: list[str] = []

    def visit(base: str) -> None:
        until(lambda: answers(f"{base}/readyz"))
        until(lambda: 'reason="compared"' in httpx.get(f"{base}/metrics").text)
        until(lambda: 'alerts_open{region="valley",state="provisional"} 2.0' in httpx.get(f"{base}/metrics").text)
        assert answers(f"{base}/livez")
        assert httpx.get(f"{base}/other").status_code == 404
        lines.extend(httpx.get(f"{base}/metrics").text.splitlines())

    with watching(settings) as daemon:
        run_while(daemon, visit)
    for line in (
        'scarpwatch_acquisitions_total{reason="learning",region="valley",state="done"} 1.0',
        'scarpwatch_alerts_open{region="valley",state="confirmed"} 0.0',
        'scarpwatch_static_layer_reads_total{layer="terrain"} 2.0',
        'scarpwatch_ledger_entries{region="valley",state="done"} 2.0',
        'scarpwatch_host_resting{host="catalog.example"} 0.0',
        'scarpwatch_host_resting{host="store.example"} 1.0',
        'scarpwatch_host_failures{host="store.example"} 5.0',
        'scarpwatch_ledger_entries{region="valley",state="parked"} 0.0',
        'scarpwatch_stage_seconds_sum{stage="engine"} 3.0',
        'scarpwatch_engine_info{engine="onnxruntime-cpu"} 1.0',
        'scarpwatch_build_info{model_version="1.0",version="0.1.0"} 1.0',
    ):
        assert line in lines
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(values['scarpwatch_last_poll_timestamp_seconds{catalog="local"}']) == NOW.timestamp()
    assert float(values['scarpwatch_last_look_timestamp_seconds{region="valley"}']) < NOW.timestamp()
    assert float(values['scarpwatch_observed_ratio{region="valley"}']) == pytest.approx(0.25 / 1.5, abs=0.01)
    assert float(values["scarpwatch_discovered_total"]) == 2
    assert float(values["scarpwatch_pass_seconds_count"]) >= 1


def test_not_ready_while_no_catalog_answers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch whose catalogs are silent is alive but not ready, and no poll time is claimed."""
    monkeypatch.setenv("CATALOG_DOWN", "yes")

    def visit(base: str) -> None:
        until(lambda: answers(f"{base}/livez"))
        answer = httpx.get(f"{base}/readyz")
        assert answer.status_code == 503
        checks = {check["name"]: check["passed"] for check in answer.json()["checks"]}
        assert checks == {"database": True, "poll": False}
        assert "last_poll_timestamp_seconds{" not in httpx.get(f"{base}/metrics").text

    with watching(settings) as daemon:
        run_while(daemon, visit)


def test_not_ready_when_polls_are_late(settings: Settings) -> None:
    """Three intervals without a poll end the readiness: silence must not look like quiet ground."""
    now = [NOW]

    def visit(base: str) -> None:
        until(lambda: answers(f"{base}/readyz"))
        now[0] = NOW + timedelta(minutes=3 * settings.poll_minutes)
        assert answers(f"{base}/readyz")
        now[0] += timedelta(seconds=1)
        assert httpx.get(f"{base}/readyz").status_code == 503

    with watching(settings, lambda: now[0]) as daemon:
        run_while(daemon, visit)


def test_one_of_two_asks_the_catalogs(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other knows how they answered, is ready, and takes over when the turn is free."""
    monkeypatch.setattr("monitor.daemon._STAND_BY_EVERY", timedelta(seconds=0.2))
    before = NOW - timedelta(minutes=settings.poll_minutes)
    log = StringIO()

    def visit(base: str) -> None:
        until(lambda: answers(f"{base}/readyz"))
        lines = httpx.get(f"{base}/metrics").text.splitlines()
        values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        assert values["scarpwatch_discovered_total"] == "0.0"
        assert float(values['scarpwatch_last_poll_timestamp_seconds{catalog="local"}']) == before.timestamp()
        busy.close()
        until(lambda: "scarpwatch_discovered_total 2.0" in httpx.get(f"{base}/metrics").text)

    with closing(SqlStore(settings.database)) as other:
        busy = other.poll_turn(settings.regions)
        assert busy.hold()
        other.note_sources(["local"], {}, before)
        json_log = make_logger(log, as_json=True)
        with watching(settings, log=json_log, turn=lambda store: store.poll_turn(settings.regions)) as daemon:
            run_while(daemon, visit)
            daemon._turns.give_up()
    actions = [json.loads(line)["action"] for line in log.getvalue().splitlines()]
    assert [one for one in actions if one in {"stands-by", "polls"}] == ["stands-by", "polls"]


def test_who_reaches_no_catalog_leaves_its_turn_to_others(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine may have a better way to them."""
    monkeypatch.setenv("CATALOG_DOWN", "yes")
    log = StringIO()

    def visit(_base: str) -> None:
        until(lambda: '"action": "poll-failed"' in log.getvalue())
        until(turn.hold)

    with (
        closing(SqlStore(settings.database)) as other,
        closing(other.poll_turn(settings.regions)) as turn,
        watching(
            settings, log=make_logger(log, as_json=True), turn=lambda store: store.poll_turn(settings.regions)
        ) as daemon,
    ):
        run_while(daemon, visit)


def test_not_ready_without_its_database(settings: Settings) -> None:
    """A database that is gone ends the readiness and names the remedy."""

    def visit(base: str) -> None:
        until(lambda: answers(f"{base}/readyz"))
        for path in settings.folder.glob("watch.db*"):
            path.unlink()
        answer = httpx.get(f"{base}/readyz")
        assert answer.status_code == 503
        assert "scarpwatch db upgrade" in answer.text

    with watching(settings) as daemon:
        run_while(daemon, visit)


@pytest.mark.parametrize(("version", "remedy"), [("0018", "Run: scarpwatch db upgrade"), ("9999", "or a newer one")])
def test_tables_of_another_version_beneath_a_running_service(settings: Settings, version: str, remedy: str) -> None:
    """Somebody upgraded them, or put an older backup back: nothing more is found or looked at, and why is told."""
    with watching(settings) as daemon:
        daemon.poll()
        with closing(SqlStore(settings.database)) as store, store.database.write() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
        for job in (daemon.poll, daemon.process):
            with pytest.raises(ConfigError, match=remedy):
                job()
        assert not any(check.passed for check in daemon._ready() if check.name == "database")
        daemon.health.close()
    with closing(SqlStore(settings.database)) as store:
        assert {one.state for one in store.ledger()} == {AcquisitionState.DISCOVERED}


def test_failing_job_is_logged_and_tried_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that escapes a job is told with its reason, and the daemon goes on."""
    stream = StringIO()
    with watching(settings) as daemon:
        monkeypatch.setattr(daemon, "_log", make_logger(stream, as_json=True))

        def fail(_now: datetime, _report: object) -> tuple[int, tuple[str, ...]]:
            raise ConfigError("is wrong", item="setting", remedy="Correct it.")

        monkeypatch.setattr(daemon._service, "poll", fail)
        run_while(daemon, lambda base: until(lambda: "job-failed" in stream.getvalue() and answers(f"{base}/livez")))
    (line,) = [json.loads(one) for one in stream.getvalue().splitlines() if "job-failed" in one]
    assert (line["item"], line["reason"], line["level"]) == ("poll", "bad-config", "error")


def test_a_job_that_hangs_fails_livez(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an hour without progress, by which only a restart helps; who asks for the time goes on."""
    ahead, begun, go_on, went_on, end = [0.0], *(threading.Event() for _ in range(4))
    monkeypatch.setattr(
        "monitor.jobs.time", SimpleNamespace(time=time.time, monotonic=lambda: time.monotonic() + ahead[0])
    )

    def hang(clock: Callable[[], datetime], *_: object) -> PassSummary:
        begun.set()
        go_on.wait(PATIENCE_S)
        clock()
        went_on.set()
        end.wait(PATIENCE_S)
        return PassSummary()

    def progress(base: str) -> dict[str, object]:
        checks: list[dict[str, object]] = httpx.get(f"{base}/livez").json()["checks"]
        return next(check for check in checks if check["name"] == "progress")

    def visit(base: str) -> None:
        try:
            until(lambda: begun.is_set() and answers(f"{base}/livez"))
            ahead[0] = 3700
            assert httpx.get(f"{base}/livez").status_code == 503
            assert progress(base)["detail"] == "at work without progress for too long: process"
            still = 'scarpwatch_job_still_seconds{job="process"} 3'
            assert still in httpx.get(f"{base}/metrics").text
            go_on.set()
            assert went_on.wait(PATIENCE_S)
            assert progress(base)["passed"]
        finally:
            go_on.set()
            end.set()

    with watching(settings) as daemon:
        monkeypatch.setattr(daemon._service, "process", hang)
        run_while(daemon, visit)


def test_taken_port_is_explained(settings: Settings) -> None:
    """A port that somebody else has is a configuration error with a remedy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.serve.port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=r"cannot listen.*serve\.port"), watching(settings):
            pass


@contextmanager
def process(config: Path, **environ: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], None]]]:
    """`scarpwatch run` with the fake service as a real process, and a way to wait for an action in its log."""
    command = [sys.executable, "-m", "tests.fake_watch", "run", "--config", str(config)]
    log = config.parent / "log.jsonl"
    with (
        log.open("w", encoding="utf-8") as stream,
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ}, stderr=stream, text=True) as running,
    ):

        def wait_for(action: str) -> None:
            until(lambda: f'"action": "{action}"' in log.read_text(encoding="utf-8") or running.poll() is not None)
            assert running.poll() is None, log.read_text(encoding="utf-8")

        try:
            yield running, wait_for
        finally:
            if running.poll() is None:
                running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_drains(settings: Settings, number: signal.Signals) -> None:
    """The acquisition at hand is finished and written, the next is not begun, and the exit code is 0."""
    with process(settings.folder / "config.yaml", SLOW_SECONDS="2") as (running, wait_for):
        wait_for("claimed")
        running.send_signal(number)
        assert running.wait(PATIENCE_S) == 0
    store = SqlStore(settings.database)
    states = {entry.acquisition.key: (entry.state, entry.owner) for entry in store.ledger()}
    store.close()
    assert states == {"S2A-0": (AcquisitionState.DONE, None), "S2A-1": (AcquisitionState.DISCOVERED, None)}
    actions = [json.loads(line)["action"] for line in (settings.folder / "log.jsonl").read_text().splitlines()]
    assert actions[-3:] == ["draining", "done", "stopped"]


def test_signal_while_idle_ends_at_once(settings: Settings) -> None:
    """With nothing at hand the end is immediate and clean."""
    with process(settings.folder / "config.yaml") as (running, wait_for):
        wait_for("done")
        until(lambda: (settings.folder / "log.jsonl").read_text().count('"action": "done"') == 2)
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0


def test_second_signal_is_obeyed(settings: Settings) -> None:
    """Who insists is obeyed: the process ends, and its acquisition can be claimed by the next one."""
    with process(settings.folder / "config.yaml", SLOW_SECONDS="60") as (running, wait_for):
        wait_for("claimed")
        running.send_signal(signal.SIGTERM)
        wait_for("draining")
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == -signal.SIGTERM
    service = FakeService(settings, lambda: NOW)
    assert service.process(lambda: NOW).processed == 2
    service.close()


def test_leases_of_a_clock_that_was_ahead_are_counted(settings: Settings) -> None:
    """Beside the line of the log."""
    event = PassEvent(action="lease-capped", item="S2A-1", detail="held", region="valley", reason="clock-ahead")
    with watching(settings) as daemon:
        run_while(daemon, lambda _base: daemon._report(event))
        assert daemon.metrics.registry.get_sample_value("scarpwatch_leases_capped_total", {"region": "valley"}) == 1
