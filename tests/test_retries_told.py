"""Short retries are lines of the service's own log, and what is said of an error is not cut within a word."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import stamina
from stamina.instrumentation import get_on_retry_hooks

from monitor.cli.parts import Progress
from monitor.cli.run import run
from monitor.config import Settings
from monitor.daemon import Watch
from monitor.errors import one_line
from tests.fake_watch import parts, write_config


def _asks_twice(settings: Settings, progress: Progress) -> Watch:
    """A service whose catalog refuses."""
    for attempt in stamina.retry_context(on=OSError, attempts=2, wait_initial=0, wait_jitter=0):
        with attempt:
            raise OSError("connection\nrefused")
    raise AssertionError


def test_a_retry_is_a_line_of_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where output is piped it is JSON with an action, on standard error; results alone are on standard output."""
    monkeypatch.delenv("SCARPWATCH_CONFIG", raising=False)
    path = write_config(tmp_path)
    with pytest.raises(OSError, match="refused"):
        run(["once", "--config", str(path)], replace(parts(), build=_asks_twice))
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = (json.loads(one) for one in said.err.splitlines())
    assert (line["action"], line["level"], line["reason"], line["tries"]) == ("try-again", "warning", "OSError", 1)
    assert line["event"] == "connection refused; it is tried again in 0.0 s"
    own = [hook for hook in get_on_retry_hooks() if getattr(hook, "__module__", "") == "monitor.logs"]
    assert own == [], "whoever comes after writes to no closed stream"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("a\n  b", "a b"),
        ("word " * 5, "word word word word word"),
        ("word " * 6, "word word word word …"),
        ("x" * 40, "x" * 22 + " …"),
    ],
)
def test_an_error_is_cut_between_words(said: str, told: str) -> None:
    """What has no blank is cut all the same."""
    assert one_line(OSError(said), 24) == told


def test_a_long_word_is_kept_as_far_as_it_fits() -> None:
    """A server that answers with compact JSON says its cause in one word."""
    said = one_line(OSError("HTTP " + "{" * 600), 200)
    assert said == "HTTP " + "{" * 193 + " …"
