"""`scarpwatch backfill`: what it takes, what it says, and how it ends."""

import signal
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from monitor.adapters.store import SqlStore
from monitor.config import load
from monitor.pipeline import Pipeline
from monitor.records import AcquisitionState
from monitor.searching import Found
from monitor.service import Service, ServiceSettings, Watched
from tests.fake_watch import NOW, acquisition
from tests.test_cli import call, call_json, config

__all__ = ["config"]

WHOLE = ("backfill", "valley", "--from", "2026-01-01", "--to", "2026-01-20")


def _ledger(config: Path) -> list[tuple[AcquisitionState, bool]]:
    """State of every acquisition, oldest first, and whether it is history."""
    with closing(SqlStore(f"sqlite:///{config.parent}/watch.db")) as store:
        return [(entry.state, entry.history) for entry in reversed(store.ledger())]


def ledger_states(config: Path) -> list[AcquisitionState]:
    """State of every acquisition, oldest first."""
    return [state for state, _ in _ledger(config)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere", "--from", "2026-01-01"), "there is no region 'nowhere'; configured: valley"),
        (("valley", "--from", "2026-01-10", "--to", "2026-01-09"), "2026-01-10 is after 2026-01-09"),
        (("valley", "--from", "2026-01-21"), "2026-01-21 lies in the future"),
        (("valley", "--from", "2026-01-01", "--to", "2026-01-21"), "2026-01-21 lies in the future"),
        (("valley", "--from", "yesterday"), "yesterday"),
        (("valley",), "--from"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    arguments: tuple[str, ...], said: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dates in the wrong order or in the future and unknown regions are mistakes of the command: nothing is done."""
    code, _, err = call(capsys, "backfill", *arguments)
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())
    assert not (config.parent / "watch.db").exists()


def test_it_looks_at_the_past_once(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is older than the age is history; a second start finds everything done."""
    code, out, _ = call(capsys, *WHOLE)
    assert (code, out.splitlines()[-1]) == (
        0,
        "valley, 2026-01-01 to 2026-01-20: 2 processed, 2 done in all, 0 parked, 0 to be done.",
    )
    done = AcquisitionState.DONE
    assert _ledger(config) == [(done, True), (done, False)]
    code, out, _ = call(capsys, *WHOLE)
    assert (code, ": 0 processed, 2 done in all" in out) == (0, True)


def test_a_dry_run_writes_nothing(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what there is to do."""
    code, out, _ = call(capsys, *WHOLE, "--dry-run")
    assert (code, "2 acquisition(s) in the catalogs" in out) == (0, True)
    assert "2 acquisition(s) to look at (2 of optics) on 2 tile(s): about 3 MB of disk" in out
    assert "references of optical: about 2026-01-15" in out
    assert _ledger(config) == []


def test_references_are_made_of_all_that_was_looked_at(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also of what lies outside the days that are asked for; what is there twice counts once."""
    assert call(capsys, "once")[0] == 0
    settings, one = load(config), acquisition(3)
    with closing(SqlStore(settings.database)) as store:
        service = Service(
            store=store,
            pipeline=cast(Pipeline, None),
            watched=Watched(regions=settings.region_records(), catalogs={}),
            owner="test",
            settings=ServiceSettings(),
        )
        for acquisitions, looks in (((one,), 3), ((acquisition(1), one), 3), ((), 2)):
            asked = Found(start=one.sensing_time, end=NOW, acquisitions=acquisitions)
            (wait,) = service.estimate("valley", [asked]).references
            assert wait.looks == looks


def test_a_catalog_that_dies_in_the_middle(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before is processed, what comes after is not; the next start goes on there."""
    monkeypatch.setenv("CATALOG_DOWN", "yes")
    code, out, _ = call(capsys, *WHOLE)
    assert code == 1
    assert "answers 503" in out
    assert "start it again to go on" in out
    assert len(_ledger(config)) == 1
    monkeypatch.delenv("CATALOG_DOWN")
    code, out, _ = call(capsys, *WHOLE)
    assert (code, ": 1 processed, 2 done in all" in out) == (0, True)


def test_what_is_parked_is_told(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And makes exit code 1."""
    monkeypatch.setenv("BAD_ITEM", "yes")
    code, out, _ = call(capsys, *WHOLE)
    assert (code, "1 processed, 1 done in all, 1 parked, 0 to be done" in out) == (1, True)


def test_status_says_how_far_it_is(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As long as history waits, in words and for machines."""
    with closing(SqlStore(f"sqlite:///{config.parent}/watch.db")) as store:
        store.upgrade()
        store.discover("valley", [acquisition(0), acquisition(1)], [], NOW, history_before=acquisition(1).sensing_time)
    assert "history: 0 of 1 acquisitions looked at" in call(capsys, "status")[1]
    _, document = call_json(capsys, "status")
    regions = cast("dict[str, dict[str, object]]", document["regions"])
    assert regions["valley"]["history"] == {"done": 0, "waiting": 1, "seconds_left": None}
    call(capsys, *WHOLE)
    assert "history" not in call(capsys, "status")[1]


def test_ctrl_c_stops_it_cleanly(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is at hand is finished, the exit code says that it was interrupted, and the next start goes on."""
    complete = SqlStore.complete

    def interrupted(store: SqlStore, *arguments: object) -> bool:
        signal.raise_signal(signal.SIGINT)
        return complete(store, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(SqlStore, "complete", interrupted)
    before = signal.getsignal(signal.SIGINT)
    code, out, err = call(capsys, *WHOLE)
    assert (code, "1 processed, 1 done in all, 0 parked, 1 to be done" in out) == (130, True)
    assert "finishing the acquisition at hand" in err
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.setattr(SqlStore, "complete", complete)
    code, out, _ = call(capsys, *WHOLE)
    assert (code, "1 processed, 2 done in all" in out) == (0, True)
