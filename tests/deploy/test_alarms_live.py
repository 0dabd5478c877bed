"""A real Prometheus with these very rules, a real Alertmanager, and the page that a process of ours shows."""

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry, ProcessCollector

from monitor.adapters.metrics import Metrics, RegionNow
from monitor.core.alive import Source
from monitor.core.pass_count import PassCount
from monitor.jobs import AtWork
from monitor.records import Sensor
from monitor.web.health import Answers
from monitor.web.server import WebServer
from tests.deploy.alarms import FOLDER, alerts, read, rules, tool

PATIENCE_S = 120.0
EVERY = "300ms"


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(answer: Callable[[], Any]) -> Any:
    """What comes true in the end, from a server that may not be up yet."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            if found := answer():
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail("waited in vain")


@contextmanager
def running(*command: str, log: Path) -> Iterator[None]:
    """A server, until it is not needed any more."""
    with log.open("w", encoding="utf-8") as told, subprocess.Popen(command, stdout=told, stderr=told) as process:
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def receiver() -> Iterator[tuple[str, list[str]]]:
    """Where the heartbeat goes, and the alerts that came."""
    came: list[str] = []

    class Heard(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            came.extend(one["labels"]["alertname"] for one in body["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Nothing to the terminal."""

    with HTTPServer(("127.0.0.1", 0), Heard) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", came
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def a_watch() -> Iterator[str]:
    """The page of a process that is well, by the parts that a service has."""
    now = datetime.now(UTC)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    metrics = Metrics(registry)
    metrics.process.build("1", "model", "cpu")
    metrics.process.disks({"products": FOLDER})
    metrics.process.jobs(lambda: {"process": AtWork(seconds=5.0, still_s=1.0)})
    metrics.catalogs.begin(["pc"])
    metrics.catalogs.sources([Source(name="pc", answered=now, failing_since=None)])
    passes = PassCount(expected=9, seen=9, processed=9, usable=8, newest=now, newest_usable=now)
    valley = RegionNow(ledger={"discovered": 0}, alerts={}, passes={Sensor.OPTICAL: passes})
    metrics.regions.show({"valley": valley}, now)
    metrics.telling.begin(["mail"])
    metrics.telling.channel("mail", oldest_due_s=0.0, parked=0, held=0)
    answers = Answers(alive=lambda: (), ready=lambda: (), registry=registry)
    with closing(WebServer("127.0.0.1", 0, answers)) as server:
        server.start()
        yield f"127.0.0.1:{server.port}"


def configured(folder: Path, target: str, alertmanager: str) -> Path:
    """The example of Prometheus, at these addresses and in a hurry."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": EVERY, "evaluation_interval": EVERY, "scrape_timeout": EVERY}
    config["rule_files"] = [str(FOLDER / "rules" / "*.yml")]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [alertmanager]}]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@contextmanager
def an_alertmanager(folder: Path, heartbeat: str) -> Iterator[str]:
    """The example of Alertmanager; its heartbeat goes to a receiver, and nothing to anybody else."""
    program = tool("prometheus-alertmanager", "prometheus-alertmanager")
    text = (FOLDER / "alertmanager.yml").read_text(encoding="utf-8")
    text = text.replace("https://heartbeat.example.org/scarpwatch", heartbeat).replace("example.org", "localhost")
    (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    own = ("--config.file", str(folder / "alertmanager.yml"), "--storage.path", str(folder / "kept"))
    alone = ("--cluster.listen-address=", "--web.listen-address", address)
    with running(program, *own, *alone, log=folder / "alertmanager.log"):
        until(lambda: httpx.get(f"http://{address}/-/ready").is_success)
        yield address


@contextmanager
def a_prometheus(folder: Path, config: Path) -> Iterator[str]:
    """A Prometheus with a database of its own."""
    program = tool("prometheus", "prometheus")
    address = f"127.0.0.1:{free_port()}"
    own = ("--config.file", str(config), "--storage.tsdb.path", str(folder / "tsdb"))
    # What fired before Alertmanager was found is sent again.
    soon = ("--rules.alert.resend-delay=1s", "--web.listen-address", address)
    with running(program, *own, *soon, log=folder / "prometheus.log"):
        until(lambda: httpx.get(f"http://{address}/-/ready").is_success)
        yield f"http://{address}/api/v1"


def test_prometheus_evaluates_every_rule_and_the_switch_arrives(tmp_path: Path) -> None:
    """No rule errs on the page of a real process, and only the dead man's switch fires, to the very end of its way."""
    with (
        receiver() as (heartbeat, came),
        a_watch() as target,
        an_alertmanager(tmp_path, heartbeat) as alertmanager,
        a_prometheus(tmp_path, configured(tmp_path, target, alertmanager)) as api,
    ):

        def evaluated() -> list[dict[str, Any]]:
            groups = httpx.get(f"{api}/rules").json()["data"]["groups"]
            found = [one for group in groups for one in group["rules"]]
            return found if all(one["health"] != "unknown" for one in found) else []

        found = until(evaluated)
        assert len(found) == len(rules())
        assert [(one["name"], one.get("lastError")) for one in found if one["health"] != "ok"] == []

        def values(query: str) -> list[dict[str, str]]:
            result = httpx.get(f"{api}/query", params={"query": query}).json()["data"]["result"]
            return [one["metric"] for one in result]

        (job,) = until(lambda: values("scarpwatch_job_still_seconds"))
        assert (job["job"], job["exported_job"]) == ("scarpwatch", "process")
        until(lambda: values("job_channel:scarpwatch_deliveries_held:max"))
        until(lambda: came)
        now = httpx.get(f"{api}/alerts").json()["data"]["alerts"]
        # A minute ago there was no page to look at: what is asked of longer times waits.
        assert {one["labels"]["alertname"] for one in now if one["state"] == "firing"} == {"Watchdog"}
    assert set(came) == {"Watchdog"}


def test_one_cause_is_one_alarm(tmp_path: Path) -> None:
    """What follows from something worse is kept quiet in the same watch, and in that one only."""
    with receiver() as (heartbeat, _), an_alertmanager(tmp_path, heartbeat) as address:
        api = f"http://{address}/api/v2/alerts"
        cases = {
            "ScarpwatchGone": ("ScarpwatchTargetDown", "ScarpwatchParked"),
            "ScarpwatchTargetDown": ("ScarpwatchCutOff",),
            "ScarpwatchDatabaseGone": ("ScarpwatchCutOff", "ScarpwatchDeliveryFails"),
            "ScarpwatchCatalogsSilent": ("ScarpwatchScenesLate", "ScarpwatchCatalogSilent"),
            "ScarpwatchNoScenes": ("ScarpwatchScenesLate",),
            "ScarpwatchStuck": ("ScarpwatchBacklog",),
            "ScarpwatchDiskFull": ("ScarpwatchDiskFilling",),
        }
        assert [one["source_matchers"] for one in read(FOLDER / "alertmanager.yml")["inhibit_rules"]] == [
            [f"alertname = {cause}"] for cause in cases
        ]
        posted = [
            alert(name, watch)
            for cause, follow in cases.items()
            for watch, names in ((f"{cause} and more", (cause, *follow)), (f"not {cause}", follow))
            for name in names
        ]
        posted.append(alert("ScarpwatchDiskFull", "ScarpwatchDatabaseGone and more"))
        httpx.post(api, json=posted).raise_for_status()

        def settled() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = httpx.get(api).json()
            return found if all(one["status"]["state"] != "unprocessed" for one in found) else []

        quiet = {(one["labels"]["job"], one["labels"]["alertname"]) for one in until(settled) if muted(one)}
        assert quiet == {(f"{cause} and more", name) for cause, follow in cases.items() for name in follow}


def alert(name: str, watch: str) -> dict[str, Any]:
    """One that fires now, in a watch."""
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    of = {"job": watch, "instance": "a", "region": "sea", "sensor": "optical", "path_of": "products"}
    return {"labels": {"alertname": name, **alerts()[name].labels, **of}, "endsAt": ends}


def muted(one: dict[str, Any]) -> bool:
    """Whether another alert keeps it quiet."""
    return bool(one["status"]["inhibitedBy"])
