"""What people said of alerts becomes chips: `python -m training chips --from-feedback`."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner, Result

from monitor.core.canvas import canvases
from monitor.core.clusters import burn
from monitor.core.grid import project
from monitor.core.lifecycle import ALERT_STATES
from monitor.records import Action, ActionKind, AlertStatus, Event
from tests.pipeline.world import World
from training.__main__ import app
from training.datasets.cutting import cut_folders, cut_manifests, load_cut_chips
from training.datasets.feedback import judgements


def chips(world: World, folder: Path) -> Result:
    """The command, as people type it."""
    return CliRunner().invoke(app, ["chips", "--from-feedback", "--config", str(world.config), "--out", str(folder)])


def say(world: World, event: Event, kind: ActionKind, reason: str = "") -> None:
    """What somebody says of an alert."""
    now = event.window_end
    with closing(world.store()) as store:
        store.act(event.id, Action(at=now, by="officer Mori", kind=kind, reason=reason), now)


@pytest.fixture
def watched(small_world: World) -> tuple[World, list[Event]]:
    """A world with alerts of its storm, strongest first."""
    small_world.once()
    return small_world, [event for event in small_world.events() if event.state in ALERT_STATES]


def labelled(folder: Path, event: Event, code: int) -> float:
    """Share of an event's ground that has a label in the chips."""
    inside = right = 0
    for tile in event.tiles:
        (canvas,) = canvases([tile])
        ground = burn(project(event.geometry, 4326, tile.epsg), canvas)
        for part in cut_folders(folder):
            path = part / "labels" / f"{tile.id}.tif"
            if path.is_file():
                with rasterio.open(path) as codes:
                    right += int((codes.read(1)[ground] == code).sum())
        inside += int(ground.sum())
    return right / inside


def test_confirmed_is_a_landslide_and_dismissed_is_none(watched: tuple[World, list[Event]], tmp_path: Path) -> None:
    """On the pixels of the look that made the alert; ground that nobody judged has no label, and nobody is named."""
    world, (first, second, *_) = watched
    folder = tmp_path / "feedback"
    say(world, first, ActionKind.CONFIRM)
    say(world, second, ActionKind.DISMISS, "farming")
    said = chips(world, folder)
    assert said.exit_code == 0, said.output
    assert "2 judged events (1 landslides, 1 none)" in said.stdout
    assert labelled(folder, first, 2) > 0.9
    assert labelled(folder, second, 1) > 0.9
    samples = load_cut_chips(folder)
    assert samples.bands == ("B04", "B03", "B02")
    assert set(samples.groups.tolist()) == {"valley"}
    assert 0 < (samples.labels >= 0).mean() < 0.2
    assert np.isfinite(samples.pixels[(samples.labels >= 0)[:, None].repeat(3, axis=1)]).all()
    assert all(manifest.simulated for manifest in cut_manifests(folder))
    told = [one for part in cut_folders(folder) for one in json.loads((part / "lineage.json").read_text())]
    assert {one["event"]: (one["label"], one["class"]) for one in told} == {
        first.id: ("landslide", "landslide"),
        second.id: ("stable", "farming"),
    }
    assert all(one["acquisitions"] and one["model"] for one in told)
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"Mori" not in everything


def test_again_adds_only_what_is_new(watched: tuple[World, list[Event]], tmp_path: Path) -> None:
    """Files of the same judgements stay as they are, to the byte; a second word on an event changes its chips."""
    world, (first, second, *_) = watched
    folder = tmp_path / "feedback"
    say(world, first, ActionKind.CONFIRM)
    chips(world, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.tif")}
    again = chips(world, folder)
    assert ("kept" in again.stdout, "cut" in again.stdout) == (True, False)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.tif")} == before
    say(world, second, ActionKind.DISMISS, "works")
    assert "cut" in chips(world, folder).stdout
    assert labelled(folder, second, 1) > 0.9
    assert labelled(folder, first, 2) > 0.9


def test_exercises_give_no_chips(watched: tuple[World, list[Event]]) -> None:
    """Nor do alerts that nobody judged, or that somebody has only seen."""
    world, (first, second, third, *_) = watched
    say(world, first, ActionKind.CONFIRM)
    say(world, second, ActionKind.DISMISS, "snow")
    say(world, third, ActionKind.ACKNOWLEDGE)

    class Exercises:
        """The same alerts, the first painted by an exercise."""

        def __init__(self) -> None:
            with closing(world.store()) as store:
                self._events, self._ledger = store.events(), store.ledger()
                self.history = store.history

        def events(self, region: str | None = None) -> list[Event]:
            """All."""
            return [replace(one, status=AlertStatus.EXERCISE) if one.id == first.id else one for one in self._events]

        def ledger(self, region: str | None = None, limit: int = 1000) -> list[object]:
            """All."""
            return list(self._ledger)

    found, left_out = judgements(Exercises())  # type: ignore[arg-type]
    assert [(one.event.id, one.reason) for one in found] == [(second.id, "snow")]
    assert left_out == {}


def test_nobody_has_judged(small_world: World, tmp_path: Path) -> None:
    """It says so and how to; without a configuration it says what is missing."""
    small_world.once()
    said = chips(small_world, tmp_path / "none")
    assert (said.exit_code, "Nobody has confirmed or dismissed" in said.stderr) == (0, True)
    bare = CliRunner().invoke(app, ["chips", str(tmp_path / "none"), "--from-feedback"])
    assert (bare.exit_code, "--config" in bare.output) == (2, True)
