"""What people said of alerts becomes chips: `python -m training chips --from-feedback`."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
from typer.testing import CliRunner, Result

from monitor.adapters.looks import LookFiles
from monitor.config import load
from monitor.core.acquisitions import next_processing
from monitor.core.canvas import canvases
from monitor.core.clusters import burn
from monitor.core.grid import project
from monitor.core.lifecycle import ALERT_STATES
from monitor.records import Action, ActionKind, AlertStatus, Event, LedgerEntry, Observation, Tile
from tests.pipeline.world import World
from training.__main__ import app
from training.datasets.cutting import cut_folders, cut_manifests, load_cut_chips
from training.datasets.feedback import judgements, write_feedback


def chips(world: World, folder: Path) -> Result:
    """The command, as people type it."""
    return CliRunner().invoke(app, ["chips", "--from-feedback", "--config", str(world.config), "--out", str(folder)])


def say(world: World, event: Event, kind: ActionKind, reason: str = "") -> None:
    """What somebody says of an alert."""
    now = event.window_end
    with closing(world.store()) as store:
        store.act(event.id, Action(at=now, by="officer Mori", kind=kind, reason=reason), now)


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


class Exercises:
    """The history of a world in which an exercise has painted one of the events."""

    def __init__(self, world: World, painted: str) -> None:
        with closing(world.store()) as store:
            known, self._ledger = store.events(), store.ledger()
        self._events = [replace(one, status=AlertStatus.EXERCISE) if one.id == painted else one for one in known]

    def events(self, region: str | None = None) -> list[Event]:
        """All."""
        return self._events

    def ledger(self, region: str | None = None, limit: int = 1000) -> list[LedgerEntry]:
        """All."""
        return self._ledger

    def history(self, tile: Tile, limit: int = 100) -> list[Observation]:
        """Nobody asks."""
        return []


class DoneAgain(Exercises):
    """The history of a world in which everything was processed once more."""

    def __init__(self, world: World) -> None:
        super().__init__(world, "")
        with closing(world.store()) as store:
            tiles = {tile for event in self.events() for tile in event.tiles}
            self._rows = {tile: store.history(tile) for tile in tiles}

    def history(self, tile: Tile, limit: int = 100) -> list[Observation]:
        """Under the name of the second processing."""
        rows = self._rows[tile]
        return [replace(one, acquisition_version=next_processing(one.acquisition_version)) for one in rows]


def test_what_people_said_becomes_chips(small_world: World, tmp_path: Path) -> None:
    """Confirmed is a landslide, dismissed is none, on the pixels of the look that made the alert; ground that nobody
    judged has no label, and nobody is named. Run again, only what is new is written; exercises give nothing.
    """
    world, folder = small_world, tmp_path / "feedback"
    world.once()
    first, second, third, *_ = [event for event in world.events() if event.state in ALERT_STATES]
    say(world, first, ActionKind.CONFIRM)
    say(world, third, ActionKind.ACKNOWLEDGE)
    said = chips(world, folder)
    assert (said.exit_code, "1 judged events (1 landslides, 0 none)" in said.stdout) == (0, True), said.output
    assert labelled(folder, first, 2) > 0.9
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.tif")}
    again = chips(world, folder).stdout
    assert ("kept" in again, "cut" in again) == (True, False)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.tif")} == before
    say(world, second, ActionKind.DISMISS, "farming")
    assert "cut" in chips(world, folder).stdout
    assert labelled(folder, first, 2) > 0.9
    assert labelled(folder, second, 1) > 0.9
    _check_set(folder)
    told = [one for part in cut_folders(folder) for one in json.loads((part / "lineage.json").read_text())]
    assert {one["event"]: (one["label"], one["class"]) for one in told} == {
        first.id: ("landslide", "landslide"),
        second.id: ("stable", "farming"),
    }
    assert all(one["acquisitions"] and one["model"] for one in told)
    assert b"Mori" not in b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    found, left_out = judgements(Exercises(world, first.id))
    assert ([(one.event.id, one.reason) for one in found], left_out) == ([(second.id, "farming")], {})
    looks = LookFiles(load(world.config).products)
    again_done = DoneAgain(world)
    made = list(write_feedback(tmp_path / "again", judgements(again_done)[0], again_done, looks, "none"))
    assert {one.reason for one in made} == {"cut"}, "what was processed again shows the same pixels"


def _check_set(folder: Path) -> None:
    """It reads as any other set of chips."""
    samples = load_cut_chips(folder)
    assert samples.bands == ("B04", "B03", "B02")
    assert set(samples.groups.tolist()) == {"valley"}
    known = samples.labels >= 0
    assert 0 < known.mean() < 0.2
    assert np.isfinite(samples.pixels[known[:, None].repeat(3, axis=1)]).all()
    assert all(manifest.simulated for manifest in cut_manifests(folder))


def test_nobody_has_judged(small_world: World, tmp_path: Path) -> None:
    """It says so and how to; without a configuration it says what is missing."""
    said = chips(small_world, tmp_path / "none")
    assert (said.exit_code, "Nobody has confirmed or dismissed" in said.stderr) == (0, True)
    bare = CliRunner().invoke(app, ["chips", str(tmp_path / "none"), "--from-feedback"])
    assert (bare.exit_code, "--config" in bare.output) == (2, True)
