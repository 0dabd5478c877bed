"""Tokens from the command line, and `scarpwatch serve` as a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from monitor.cli.run import run
from tests.fake_watch import parts, write_config


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration named by SCARPWATCH_CONFIG."""
    path = write_config(tmp_path)
    monkeypatch.setenv("SCARPWATCH_CONFIG", str(path))
    return path


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and standard output of one command."""
    capsys.readouterr()
    code = run(arguments, parts())
    return code, capsys.readouterr().out


@pytest.mark.usefixtures("config")
def test_a_token_is_shown_once_and_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    """Listed with its role and never with its secret; a second of the same name is refused."""
    code, secret = call(capsys, "tokens", "add", "duty desk", "--role", "responder")
    assert (code, secret[:4]) == (0, "scw_")
    assert run(("tokens", "add", "duty desk"), parts()) != 0
    code, listed = call(capsys, "tokens", "list")
    assert "duty desk: responder" in listed
    assert secret.strip() not in listed
    (one,) = json.loads(call(capsys, "tokens", "list", "--json")[1])
    assert (one["name"], one["revoked"]) == ("duty desk", None)
    assert call(capsys, "tokens", "revoke", "duty desk") == (0, "duty desk: revoked\n")
    assert call(capsys, "tokens", "revoke", "duty desk")[0] == 1
    assert run(("tokens", "add", "\x00"), parts()) == 2


def test_serve_answers_alone_and_ends_cleanly(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Feeds, probes and pages on one port; SIGTERM ends it with 0."""
    _, secret = call(capsys, "tokens", "add", "me")
    command = [sys.executable, "-m", "monitor", "serve", "--config", str(config)]
    root = str(Path(__file__).parent.parent)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": root})
    try:
        assert process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
        assert found is not None
        base = found.group()
        assert httpx.get(f"{base}/readyz", timeout=20).json()["passed"]
        assert "process_resident_memory_bytes" in httpx.get(f"{base}/metrics").text
        for wrong in ({}, {"Authorization": "Bearer scw_guessed"}):
            assert httpx.get(f"{base}/api/v1/alerts", headers=wrong).status_code == 401
        page = httpx.get(f"{base}/metrics").text
        for reason, count in (("no-token", 1), ("unknown-token", 1), ("forbidden", 0)):
            assert f'scarpwatch_api_refused_total{{reason="{reason}"}} {count}.0' in page
        headers = {"Authorization": f"Bearer {secret.strip()}"}
        feed = httpx.get(f"{base}/feeds/valley/all/open.geojson", headers=headers).json()
        assert (feed["features"], list(feed["not_observed"])) == ([], ["valley"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
