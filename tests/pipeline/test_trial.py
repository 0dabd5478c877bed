"""A model on trial: `scarpwatch models try` runs the real chain beside the real history, and changes none of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from monitor.cli.run import run
from monitor.records import EventState
from monitor.wiring import build
from tests import fake_watch
from tests.adapters.tiny_model import write_card, write_filter
from tests.pipeline.world import World, files, later


def put(world: World, name: str, bias: float) -> None:
    """A second model of redness, version 2, as keen as its bias makes it."""
    folder = world.folder / "models" / name
    folder.mkdir()
    write_filter(folder / "model.onnx", np.array([2.0, 0.0, 0.0], dtype=np.float32).reshape(3, 1, 1), bias)
    write_card(folder, {"scarpwatch:version": "2.0.0"})


def try_(world: World, capsys: pytest.CaptureFixture[str], name: str, *more: str) -> tuple[int, str]:
    """The command, and what it prints."""
    capsys.readouterr()
    words = ("models", "try", name, "--region", "valley", "--looks", "2", "--config", str(world.config), *more)
    code = run(words, replace(fake_watch.parts(lambda: later(60)), build=build))
    return code, capsys.readouterr().out


def test_what_would_have_differed(small_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The same network under another version raises the same alerts; of a blind one all that it misses are named.

    Nothing of the real history is touched.
    """
    world = small_world
    world.configure(alerts={"detectors": ["network"], "looks": 1})
    world.once()
    alerts = [event.id for event in world.events() if event.state is not EventState.CANDIDATE]
    put(world, "twin", -4.0)
    put(world, "blind", -60.0)
    before, kept = world.dump(), files(world)
    code, out = try_(world, capsys, "twin", "--json")
    report = json.loads(out)
    assert (code, report["missed"], report["new"]) == (0, [], [])
    assert sorted(report["same"]) == sorted(alerts)
    assert len(alerts) >= 3
    assert report["shift"] == pytest.approx(0.0, abs=1e-6)
    assert [one["compared"] for one in report["tried"]] == [False, True, True]
    code, out = try_(world, capsys, "blind")
    assert (code, "0 the same" in out) == (1, True)
    assert all(f"missed: {event}" in out for event in alerts)
    assert "Mean hazard probability of the compared looks: -0." in out
    assert "model: blind in the configuration, then scarpwatch reprocess valley" in out
    assert (world.dump(), files(world)) == (before, kept)


def test_what_cannot_be_tried_says_why(small_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """No such model; a region at which nobody has looked yet."""
    assert try_(small_world, capsys, "nobody")[0] == 2
    put(small_world, "twin", -4.0)
    code, _ = try_(small_world, capsys, "twin")
    assert code == 1


@pytest.mark.parametrize("prepared", [False, True])
def test_activation_with_a_reference(prepared: bool, small_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """After a change of model, quiet looks that are processed again make the reference that the storm is compared with.

    Without them the network has only begun to learn when the storm comes, and takes its scars for old ground.
    """
    world = small_world
    world.configure(alerts={"detectors": ["network"], "looks": 1})
    world.once(world.valley.times[1])
    put(world, "twin", -4.0)
    world.configure(model="twin")
    if prepared:
        day = f"{world.valley.times[0]:%Y-%m-%d}"
        assert (
            run(("reprocess", "valley", "--since", day, "--yes", "--config", str(world.config)), fake_watch.parts())
            == 0
        )
    world.once(world.valley.times[2])
    assert (len(world.events()) >= 3) is prepared
    assert {event.model_version for event in world.events()} <= {"2.0.0"}
