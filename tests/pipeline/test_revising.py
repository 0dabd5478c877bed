"""What looks said is taken back, and looks are processed again, on real files."""

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import text

from monitor.cli.parts import Parts
from monitor.cli.run import run
from monitor.core.lifecycle import ALERT_STATES
from monitor.records import AcquisitionState, EventState
from monitor.service import PassEvent
from monitor.wiring import build
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.world import REGION, World, later

DONE, SUPERSEDED = AcquisitionState.DONE, AcquisitionState.SUPERSEDED


@pytest.fixture
def watched(tmp_path: Path, clean: Undisturbed) -> World:
    """A copy of a world in which everything is done. Its queue names the scenes where they were before."""
    shutil.copytree(clean.world.folder, tmp_path / "world")
    copy = replace(clean.world, folder=tmp_path / "world")
    local = {"type": "static", "href": "catalog/catalog.json", "asset_folders": [str(clean.world.folder)]}
    copy.configure(catalogs={"local": local})
    return copy


def _run(world: World, *arguments: str) -> int:
    """A command in this process, half an hour after the first pass; its exit code."""
    parts = Parts(build=build, demo=_no_demo, clock=lambda: later(30))
    return run([*arguments, "--config", str(world.config)], parts)


def _no_demo(folder: Path, seed: int, check: bool, console: Console) -> bool:
    raise AssertionError("no command here runs the demonstration")


def _alerts(world: World) -> list[tuple[str, EventState]]:
    """Ground and state of every alert that stands."""
    return sorted((event.geometry.wkt, event.state) for event in world.events() if event.state in ALERT_STATES)


def test_taken_back_and_looked_at_again(watched: World) -> None:
    """All alerts of a storm are cancelled, and the same looks, processed anew, raise them again under other ids."""
    before = _alerts(watched)
    assert before
    named = {event.id for event in watched.events()}
    since = f"{watched.valley.times[2]:%Y-%m-%d}"
    assert _run(watched, "rollback", REGION, "--since", since, "--text", "a drill", "--requeue", "--yes") == 0
    assert _alerts(watched) == []
    assert watched.once(later(60)).processed == 2
    assert _alerts(watched) == before
    assert {event.id for event in watched.events() if event.state in ALERT_STATES}.isdisjoint(named)
    with closing(watched.store()) as store:
        told = [(entry.event_id, entry.payload["reason"]) for entry in store.outbox()]
    alerts = {name for name, reason in told if reason == "change-found"}
    assert {name for name, reason in told if reason == "rolled-back"} == alerts & named


def test_processed_again_while_the_watch_is_at_work(watched: World) -> None:
    """The service takes up what is queued, replaces every look, and tells nobody anything anew."""
    before = watched.dump()
    heard: list[str] = []
    watched.reprocess(3)

    def meanwhile(event: PassEvent) -> None:
        heard.append(event.action)
        if event.action == "claimed" and heard.count("claimed") == 1:
            assert _run(watched, "reprocess", REGION, "--yes") == 0

    assert watched.once(later(30), meanwhile).processed == 4
    now = watched.dump()
    for table in ("event", "transition", "outbox", "evidence"):
        assert now[table] == before[table], table
    current = [row for row in now["observation"] if row["current"]]
    assert len(current) == sum(bool(row["current"]) for row in before["observation"])
    assert {row["acquisition_version"] for row in current}.isdisjoint(
        row["acquisition_version"] for row in before["observation"]
    )


def test_what_ended_is_not_opened_again(watched: World) -> None:
    """The looks that saw a change do not raise an alert once more on the ground of one that has ended since."""
    with closing(watched.store()) as store, store.database.write() as session:
        session.execute(text("UPDATE event SET state = 'refuted'"))
    told = watched.dump()["outbox"]
    assert _run(watched, "reprocess", REGION, "--yes") == 0
    assert watched.once(later(60)).processed == 4
    assert watched.dump()["outbox"] == told
