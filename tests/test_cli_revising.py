"""`scarpwatch rollback` and `reprocess`: what they take, ask and say."""

import io
from pathlib import Path

import pytest

from monitor.records import AcquisitionState
from tests.test_cli import call, call_json, config
from tests.test_cli_backfill import ledger_states

__all__ = ["config"]

WHY = ("--text", "the provider shifted it")
DONE, PARKED = AcquisitionState.DONE, AcquisitionState.PARKED


def test_processed_again(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is done is queued; where nothing is, the command says so, and that it did nothing."""
    code, out, _ = call(capsys, "db", "upgrade")
    assert code == 0
    code, out, _ = call(capsys, "reprocess", "valley")
    assert (code, out) == (1, "valley: nothing of this is done.\n")
    call(capsys, "once")
    code, out, _ = call(capsys, "reprocess", "valley", "--since", "2026-01-10", "--dry-run")
    assert code == 0
    assert out.startswith(
        "valley: 1 acquisition(s) would be processed again; how long it takes is not known yet\nAt most 1 of them "
    )
    assert ledger_states(config) == [DONE, DONE]
    code, out, _ = call(capsys, "reprocess", "valley", "--model", "1.0", "--yes")
    assert (code, "2 acquisition(s) wait" in out) == (0, True)
    assert sorted(ledger_states(config)) == [AcquisitionState.DISCOVERED] * 2 + [AcquisitionState.SUPERSEDED] * 2
    assert call(capsys, "reprocess", "nowhere")[0] == 2


@pytest.mark.parametrize(("answer", "code", "queued"), [("n\n", 1, False), ("", 1, False), ("y\n", 0, True)])
def test_processing_again_is_asked_for(
    answer: str,
    code: int,
    queued: bool,
    config: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With numbers; whoever says no, or cannot answer, leaves everything as it is."""
    call(capsys, "once")
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    monkeypatch.setattr("monitor.adapters.store.SqlStore.pace", lambda *_: 400.0)
    ended, out, _ = call(capsys, "reprocess", "valley")
    assert (ended, "2 acquisition(s) would be processed again, about 13 min" in out) == (code, True)
    assert "At most 1 of them would be judged and may raise alerts" in out
    assert (ledger_states(config) != [DONE, DONE]) is queued


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rollback", "valley", *WHY), "Invalid value for --since, --acquisition or --model: say what to take back"),
        (("rollback", "nowhere", "--since", "2026-01-01", *WHY), "there is no region 'nowhere'"),
        (("rollback", "valley", "--since", "2026-01-01"), "--text"),
        (("rollback", "valley", "--since", "soon", *WHY), "soon"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    arguments: tuple[str, ...], said: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake of the command; nothing is done."""
    code, _, err = call(capsys, *arguments)
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())


def test_it_asks_with_numbers(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says no, or only tries, leaves everything as it is."""
    call(capsys, "once")
    asked: list[str] = []
    monkeypatch.setattr("monitor.cli.revising.typer.confirm", lambda text, abort: asked.append(text))
    code, out, _ = call(capsys, "rollback", "valley", "--since", "2026-01-10", *WHY, "--dry-run")
    assert (code, asked) == (0, [])
    assert "1 acquisition(s) would be set aside (parked: rolled-back)" in out
    assert ledger_states(config) == [DONE, DONE]
    code, out, _ = call(capsys, "rollback", "valley", "--since", "2026-01-10", *WHY)
    assert (code, len(asked), "done; 2 message(s) to be delivered" in out) == (0, 1, True), out
    assert ledger_states(config) == [DONE, PARKED]
    assert call_json(capsys, "alerts")[1]["features"] == []
    assert "(taken back): " in call(capsys, "alerts", "show", "large")[1]
    assert call(capsys, "status")[0] == 0
    code, out, _ = call(capsys, "rollback", "valley", "--since", "2026-01-10", *WHY, "--yes")
    assert (code, "nothing of this" in out) == (1, True)
    again = ("reprocess", "valley", "--since", "2026-01-10")
    assert "release" not in call(capsys, *again, "--model", "2.0")[1], "nobody knows through which model it was"
    code, out, _ = call(capsys, *again)
    assert (code, "1 acquisition(s) were rolled back; to take it up: scarpwatch release valley " in out) == (1, True)
    assert call(capsys, "release", *out.split()[-2:])[0] == 0


def test_whoever_says_no(config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done, and the exit code says that it was not."""
    call(capsys, "once")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, _, _ = call(capsys, "rollback", "valley", "--since", "2026-01-01", *WHY)
    assert code == 1
    assert ledger_states(config) == [DONE, DONE]
