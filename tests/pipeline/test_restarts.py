"""Run twice, run at the same time, killed at any moment: the database ends as after one undisturbed run."""

import random
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import pystac
import pytest

from monitor.records import AcquisitionState
from monitor.service import PassEvent
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.processes import (
    STEPS,
    Running,
    Setup,
    be_another_version,
    die_after,
    die_reading,
    kill_at,
    new_seed,
)
from tests.pipeline.world import REGION, World, files, later

KILLS = 4
"""Per world: a fifth end without a result would, rightly, park the acquisition."""
KILL_WORLDS = 3
"""On each database."""
IN_DATABASE = ("claim", "events", "commit")
ON_DISK = tuple(step for step in STEPS if step not in IN_DATABASE)
OF_THE_NEXT_TOO = ("look", "rename")
"""Steps that are also taken for the next acquisition, while one is judged: that one may have been written meanwhile."""


def check_as_undisturbed(world: World, clean: Undisturbed) -> None:
    """Database and products are those of an undisturbed pass, and the products open as a catalog of whole ones."""
    assert world.dump() == clean.content
    assert files(world) == clean.files
    items = list(pystac.Catalog.from_file(str(world.products / "catalog.json")).get_items(recursive=True))
    assert len(items) == 4
    for item in items:
        assert all(Path(asset.get_absolute_href() or "").is_file() for asset in item.assets.values())


def test_a_second_pass_finds_nothing_new(world: World, clean: Undisturbed) -> None:
    """A second pass processes nothing, and changes neither the database nor a byte of the products."""
    assert Running(world, "once").end().code == 0
    again = Running(world, "once").end()
    assert (again.code, again.out.splitlines()[0]) == (0, "Nothing new.")
    assert again.actions == ["discovered"]
    check_as_undisturbed(world, clean)


@pytest.mark.parametrize("other", [None, be_another_version])
def test_two_processes_at_once(other: Setup | None, world: World, clean: Undisturbed) -> None:
    """Two passes at the same time, of one version or two, share the work and end as one pass alone does."""
    both = [Running(world, "once"), Running(world, "once", setup=other)]
    ended = [one.end() for one in both]
    assert [one.code for one in ended] == [0, 0], ended
    assert sum(one.actions.count("done") for one in ended) == 4, ended
    check_as_undisturbed(world, clean)


def test_two_commands_at_once_on_nothing(small_world: World, clean: Undisturbed) -> None:
    """`python -m monitor once` twice, started together where there is no database yet."""
    for path in small_world.folder.glob("watch.db*"):
        path.unlink()
    both = [small_world.start("once"), small_world.start("once")]
    output = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], output
    check_as_undisturbed(small_world, clean)


@pytest.mark.parametrize("turn", range(KILL_WORLDS))
def test_killed_at_random_moments(turn: int, world: World, clean: Undisturbed) -> None:
    """SIGKILL at four random moments of the work (24 over all worlds), then one clean pass: as if nothing had been."""
    seed = new_seed()
    rng = random.Random(seed)
    # Work goes on where it was killed, so the moments of one world, in order, spread over one whole run; the first
    # is early, because the machine may be faster now than when the clean run was timed.
    moments = sorted([rng.uniform(0.0, 0.3), *(rng.uniform(0.0, 1.0) for _ in range(KILLS - 1))])
    moments = [share * clean.seconds for share in moments]
    landed = [kill_at(Running(world, "once"), moment - before) for before, moment in pairwise([0.0, *moments])]
    print(f"world {turn}, seed {seed}: kills that met a living process: {landed}")
    last = Running(world, "once").end()
    assert last.code == 0, last
    check_as_undisturbed(world, clean)
    assert landed[0], "the first kill came too late to prove anything"


@pytest.mark.parametrize("step", ON_DISK)
def test_killed_after_a_step_on_disk(step: str, small_world: World, clean: Undisturbed) -> None:
    """SIGKILL right after each step that writes files for the first look after the storm."""
    _killed_then_clean(step, small_world, clean)


@pytest.mark.parametrize("step", IN_DATABASE)
def test_killed_after_a_step_in_the_database(step: str, world: World, clean: Undisturbed) -> None:
    """SIGKILL right after each step that changes the database, inside its transaction and after it."""
    _killed_then_clean(step, world, clean)


def _killed_then_clean(step: str, world: World, clean: Undisturbed) -> None:
    killed = Running(world, "once", setup=partial(die_after, step, 1, 3)).end()
    assert killed.code < 0, killed
    written = [state for state, _ in world.states()].count(AcquisitionState.DONE)
    assert written in ({3} if step == "commit" else {2, 3} if step in OF_THE_NEXT_TOO else {2})
    assert Running(world, "once").end().code == 0
    check_as_undisturbed(world, clean)


def test_what_kills_every_process_is_parked(world: World) -> None:
    """An acquisition that brings its process down five times is set aside with the reason; the others go on.

    The first time it does so while it is looked at ahead: that costs the one before it a try, and it none.
    """
    scene = world.item(1).stem
    for _ in range(1 + 5):
        assert Running(world, "once", setup=partial(die_reading, scene)).end().code < 0
    last = Running(world, "once", setup=partial(die_reading, scene)).end()
    assert last.code == 1
    assert "5 tries ended without a result" in last.out
    assert [state.value for state, _ in world.states()] == ["done", "parked", "done", "done"]
    assert world.states()[1][1] == "crashed-repeatedly"


def test_a_lost_lease(world: World, clean: Undisturbed) -> None:
    """Whoever loses an acquisition to another process writes nothing and complains of nothing; the other's counts."""
    heard: list[str] = []

    def steal(event: PassEvent) -> None:
        heard.append(event.action)
        if heard.count("claimed") == 3 and event.action == "claimed":
            with closing(world.store()) as store:
                assert store.claim("elsewhere:1:1", timedelta(minutes=15), later(60), [REGION]) is not None

    summary = world.once(report=steal)
    assert (summary.processed, summary.retried, summary.errors) == (2, 0, ())
    assert heard[-1] == "lost"
    assert [state.value for state, _ in world.states()] == ["done", "done", "claimed", "discovered"]
    assert world.once(later(70)).processed == 0
    assert world.once(later(80)).processed == 2
    check_as_undisturbed(world, clean)
