"""Looks that were kept and are gone: the watch goes on with the others, says so, and refutes nothing for it."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.core.lifecycle import OPEN_STATES
from monitor.records import AcquisitionState, Verdict
from monitor.service import PassEvent
from tests.pipeline.processes import Running
from tests.pipeline.world import World

DONE = AcquisitionState.DONE


def looks(world: World, index: int) -> list[Path]:
    """The files of one acquisition's looks."""
    key = world.ledger()[index].acquisition.key
    return sorted((world.products / "looks").glob(f"*/{key}_*"))


def watch(world: World, index: int) -> list[PassEvent]:
    """A pass right after the acquisition of this place in time, and what it reports."""
    heard: list[PassEvent] = []
    summary = world.once(world.valley.times[index], heard.append)
    assert (summary.processed, summary.parked, summary.errors) == (1, 0, ())
    return heard


def cut(path: Path) -> None:
    """Leave a third of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


@pytest.mark.parametrize("spoil", [Path.unlink, cut], ids=["deleted", "cut short"])
def test_one_look_of_two(spoil: Callable[[Path], None], small_world: World) -> None:
    """The reference is made of the other look, the storm is found all the same, and detail and log name the file."""
    for index in range(2):
        watch(small_world, index)
    kept = looks(small_world, 1)
    lost = kept[0]
    spoil(lost)
    heard = watch(small_world, 2)
    assert [entry.reason for entry in small_world.ledger()] == ["learning", "compared", "compared"]
    href = str(lost.relative_to(small_world.products))
    detail = small_world.ledger()[2].detail or ""
    assert f"1 kept look is gone or broken: {href};" in detail
    assert "backup" in detail
    (complaint,) = [event for event in heard if event.action == "look-lost"]
    assert href in complaint.detail
    assert len(small_world.events()) >= 3
    rows = [row for row in small_world.dump()["observation"] if row["look_href"]]
    last = {row["tile"]: row["reference_count"] for row in rows if row["sensing_time"] == max_time(rows)}
    assert last == {path.parent.name: 2 - (path == lost) for path in kept}


def max_time(rows: list[dict[str, object]]) -> object:
    """The newest sensing time."""
    return max(str(row["sensing_time"]) for row in rows)


def test_the_product_folder_is_not_there_for_a_while(small_world: World) -> None:
    """Nothing is learned anew, which would take the scars for old ground: the pass waits and then finds the storm."""
    world, storm = small_world, small_world.valley.times[2]
    for index in range(2):
        watch(world, index)
    kept, away = world.products / "looks", world.products / "looks-elsewhere"
    kept.rename(away)
    summary = world.once(storm)
    assert (summary.processed, summary.retried, world.states()[2][1]) == (0, 1, "looks-lost")
    assert "is mounted" in str(world.ledger()[2].detail)
    shutil.rmtree(kept)
    away.rename(kept)
    assert world.once(storm + timedelta(hours=1)).processed == 1
    assert len(world.events()) >= 3


def test_looks_that_are_lost_for_good(small_world: World) -> None:
    """`scarpwatch db forget-looks` lets the region learn anew; later looks are compared again."""
    for index in range(2):
        watch(small_world, index)
    shutil.rmtree(small_world.products / "looks")
    storm = small_world.valley.times[2]
    assert small_world.once(storm).retried == 1
    (small_world.products / "looks").mkdir(exist_ok=True)
    ended = Running(small_world, "db", "forget-looks").end()
    assert (ended.code, ended.out.split(" ", 1)[0]) == (0, "4")
    assert small_world.once(storm + timedelta(hours=1)).processed == 1
    watch(small_world, 3)
    assert [reason for _, reason in small_world.states()[2:]] == ["learning", "compared"]


def test_all_looks_of_a_tile(small_world: World) -> None:
    """The tile learns anew, the other one is compared."""
    for index in range(2):
        watch(small_world, index)
    tile = looks(small_world, 0)[0].parent
    shutil.rmtree(tile)
    watch(small_world, 2)
    assert small_world.states()[2] == (DONE, "compared")
    rows = [row for row in small_world.dump()["observation"] if row["look_href"]]
    counts = {row["tile"]: row["reference_count"] for row in rows if row["sensing_time"] == max_time(rows)}
    assert counts == {path.parent.name: 2 * (path.parent != tile) for path in looks(small_world, 2)}


def test_frozen_looks(small_world: World) -> None:
    """Events whose frozen looks are gone are not observed: neither refuted nor closed, and the reason is said."""
    for index in range(3):
        watch(small_world, index)
    before = {event.id: event.state for event in small_world.events()}
    assert before
    assert set(before.values()) <= OPEN_STATES
    for path in looks(small_world, 0) + looks(small_world, 1):
        path.unlink()
    watch(small_world, 3)
    events = [event for event in small_world.events() if event.id in before]
    assert {event.id: event.state for event in events} == before
    for event in events:
        last = event.evidence[-1]
        assert last.verdict is Verdict.NOT_OBSERVED
        assert "no look from before" in last.detail


def test_some_frozen_looks(small_world: World) -> None:
    """With one frozen look left of two, later looks still confirm."""
    for index in range(3):
        watch(small_world, index)
    for path in looks(small_world, 1):
        path.unlink()
    watch(small_world, 3)
    said = [event.evidence[-1].verdict for event in small_world.events() if len(event.evidence) == 2]
    assert said.count(Verdict.SUPPORTS) >= 2
    assert Verdict.CONTRADICTS not in said
