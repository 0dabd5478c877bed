"""A private Prometheus for the tests: the installed one, on a port of its own, gone afterwards."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

START_TIMEOUT_S = 30


def installed() -> str:
    """The program; skips where there is none, but fails when CI=true."""
    program = shutil.which("prometheus")
    if program is None:
        message = "Prometheus is not installed (Debian: prometheus)"
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(message)
        pytest.skip(message)
    return program


@contextmanager
def running_prometheus(
    program: str, folder: Path, *, target: str | None = None, interval_s: float = 1.0, lookback: str = "5m"
) -> Iterator[str]:
    """The base URL of a server that keeps its data in a folder, for ever.

    Args:
        program: the executable.
        folder: for data and configuration; blocks that are in `data` already are served.
        target: host:port of the one service that is read; None: nothing is.
        interval_s: between two scrapes.
        lookback: how old a sample may be to count as the newest.

    Raises:
        RuntimeError: it did not start.
    """
    span = f"{round(interval_s * 1000)}ms"
    jobs = [{"job_name": "scarpwatch", "static_configs": [{"targets": [target]}]}] if target else []
    config = {"global": {"scrape_interval": span, "scrape_timeout": span}, "scrape_configs": jobs}
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    address = f"127.0.0.1:{_free_port()}"
    command = [
        program,
        f"--config.file={path}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--query.lookback-delta={lookback}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait(f"http://{address}/-/ready", process, folder / "log")
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"Prometheus did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
