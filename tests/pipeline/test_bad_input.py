"""One thing is broken among good ones: it is named and set aside, the rest goes on, and mending it ends as if nothing
had been."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import cast

import psycopg
import pytest
import rasterio

from monitor.records import AcquisitionState
from tests.adapters.small_disk import run_on_small_disk
from tests.adapters.stac_server import HTML, Answer, CatalogServer, as_json
from tests.adapters.tiny_model import make_model, write_card
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.processes import Running
from tests.pipeline.world import REGION, Json, Source, World, edit_json, files, later, make_world, region

LAST = 3
Spoil = Callable[[World], object]


def _properties(**changes: object) -> Spoil:
    return lambda world: world.edit_item(LAST, lambda item: cast(Json, item["properties"]).update(changes))


def _without_crs(world: World) -> None:
    path = world.asset(LAST, "B04")
    with rasterio.open(path) as dataset:
        pixels, profile = dataset.read(), dict(dataset.profile)
    path.unlink()
    with rasterio.open(path, "w", **(profile | {"crs": None})) as dataset:
        dataset.write(pixels)


def _cut_short(world: World) -> None:
    path = world.asset(LAST, "B03")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


PARKED: dict[str, tuple[Spoil, str, str]] = {
    "missing": (lambda world: world.asset(LAST, "B02").unlink(), "bad-asset", "No such file"),
    "no cloud mask": (lambda world: world.asset(LAST, "SCL").unlink(), "bad-asset", "No such file"),
    "cut short": (_cut_short, "bad-asset", "not a readable raster"),
    "a web page": (lambda world: world.asset(LAST, "B04").write_text("<!DOCTYPE html>"), "bad-asset", "not recognized"),
    "no CRS": (_without_crs, "no-crs", "no coordinate reference system"),
}

REFUSED: dict[str, tuple[Spoil, str]] = {
    "no band": (
        lambda world: world.edit_item(LAST, lambda item: cast(Json, item["assets"]).pop("B04")),
        "missing-asset",
    ),
    "no geometry": (lambda world: world.edit_item(LAST, lambda item: item.update(geometry=None)), "no-geometry"),
    "no datetime": (_properties(datetime=None), "no-datetime"),
    "no JSON": (lambda world: world.item(LAST).write_text('{"type": "Feature",'), "unreadable-document"),
    "no item": (lambda world: world.item(LAST).unlink(), "unreadable-document"),
}


def mend(world: World) -> None:
    """Put the catalog back as it should be."""
    shutil.copytree(world.valley.catalog.parent, world.folder / "catalog", dirs_exist_ok=True)


def check_as_undisturbed(world: World, clean: Undisturbed) -> None:
    """Everything but the memory of what was refused is as after an undisturbed pass."""
    content = world.dump()
    assert {**content, "rejection": []} == {**clean.content, "rejection": []}
    assert files(world) == clean.files


@pytest.mark.parametrize("case", PARKED)
def test_a_broken_raster(case: str, small_world: World, clean: Undisturbed) -> None:
    """Its acquisition is parked with item and remedy, the others are done; mended and released it is as if new."""
    spoil, reason, words = PARKED[case]
    spoil(small_world)
    ended = Running(small_world, "once").end()
    name = small_world.item(LAST).stem
    assert (ended.code, ended.actions.count("done"), ended.actions.count("parked")) == (1, 3, 1)
    complaint = next(line for line in ended.out.splitlines() if line.startswith("! "))
    assert name in complaint
    assert words in complaint
    status = Running(small_world, "status", "--json").end()
    (parked,) = json.loads(status.out)["parked"]
    assert (status.code, parked["reason"]) == (1, reason)
    assert name in parked["detail"]

    mend(small_world)
    remedy = parked["remedy"].split()
    assert remedy[:2] == ["scarpwatch", "release"]
    assert Running(small_world, *remedy[1:]).end().code == 0
    assert Running(small_world, "once").end().code == 0
    check_as_undisturbed(small_world, clean)


@pytest.mark.parametrize("case", REFUSED)
def test_a_broken_item(case: str, small_world: World, clean: Undisturbed) -> None:
    """It is refused with its reason in log and database, the others are done; mended it is found by the next poll."""
    spoil, reason = REFUSED[case]
    spoil(small_world)
    ended = Running(small_world, "once").end()
    assert ended.actions.count("done") == 3
    (line,) = (json.loads(line) for line in ended.err.splitlines() if '"refused"' in line)
    assert line["reason"] == reason
    assert Path(small_world.item(0)).stem[:9] in line["item"] or "S2" in line["item"]
    assert "Mend it" in line["event"]
    with closing(small_world.store()) as store:
        assert [one.reason for one in store.rejections()] == [reason]

    mend(small_world)
    assert Running(small_world, "once").end().actions.count("done") == 1
    check_as_undisturbed(small_world, clean)


def test_a_broken_scene_does_not_hold_up_newer_ones(small_world: World) -> None:
    """Looks after a parked one are processed and open alerts; released later, it is history and judges nothing."""
    small_world.asset(1, "B04").write_text("<html>")
    assert [small_world.once().parked, *(state.value for state, _ in small_world.states())] == [
        1, "done", "parked", "done", "done",
    ]  # fmt: skip
    before = small_world.dump()
    assert len(before["event"]) >= 4
    mend(small_world)
    with closing(small_world.store()) as store:
        assert store.release(REGION, small_world.ledger()[1].acquisition.id, later(1))
    assert small_world.once(later(2)).errors == ()
    assert small_world.states()[1] == (AcquisitionState.DONE, "history")
    assert small_world.dump()["event"] == before["event"]


def _two_regions(world: World, href: str, kind: str) -> None:
    """The region again under another name, fed by another catalog."""
    other = region(*world.valley.bbox, catalog="other")
    catalogs = {"local": {"type": "static", "href": "catalog/catalog.json"}, "other": {"type": kind, "href": href}}
    world.configure(catalogs=catalogs, regions={"other": other, REGION: region(*world.valley.bbox)})


LATER = {"Retry-After": "3600"}
SICK: dict[str, tuple[str, Answer]] = {
    "503, static": ("static", Answer(body=b"busy", status=503, headers=LATER)),
    "503, API": ("stac", Answer(body=b"busy", status=503, headers=LATER)),
    "a web page, static": ("static", HTML),
    "a web page, API": ("stac", HTML),
    "other JSON, static": ("static", as_json(["nothing"])),
    "other JSON, API": ("stac", as_json(["nothing"])),
}


@pytest.mark.parametrize("case", SICK)
def test_a_sick_catalog(case: str, small_world: World, clean: Undisturbed) -> None:
    """The region of a catalog that answers nonsense waits with a clear word; the other region is watched as ever."""
    kind, answer = SICK[case]
    server = CatalogServer()
    with server.running():
        server.routes["/"] = [answer]
        _two_regions(small_world, f"{server.url}/", kind)
        ended = Running(small_world, "once").end()
    assert (ended.code, ended.actions.count("poll-failed"), ended.actions.count("done")) == (1, 1, 4)
    complaint = next(line for line in ended.out.splitlines() if line.startswith("! "))
    assert complaint.startswith("! catalog other (http://127.0.0.1:")
    assert "check catalogs.other" in complaint
    assert small_world.dump() == clean.content
    assert files(small_world) == clean.files


def test_a_catalog_that_is_not_there(small_world: World, clean: Undisturbed) -> None:
    """A path that leads nowhere is said with its name; the other region is watched as ever."""
    _two_regions(small_world, "gone/catalog.json", "static")
    ended = Running(small_world, "once").end()
    assert ended.code == 1
    assert "! catalog other (" in ended.out
    assert small_world.dump() == clean.content


def _other_hash(world: World) -> None:
    path = world.folder / "models" / "redness" / "model.onnx"
    path.write_bytes(path.read_bytes() + b"\0")


def _other_channels(world: World) -> None:
    model = world.folder / "models" / "redness"
    shutil.rmtree(model)
    make_model(model, channels=4)


def _other_window(world: World) -> None:
    model = world.folder / "models" / "redness"
    shutil.rmtree(model)
    make_model(model, window=128)


def _other_bands(world: World) -> None:
    write_card(world.folder / "models" / "redness", {"scarpwatch:channels": 5})


MODELS: dict[str, tuple[Spoil, str]] = {
    "hash": (_other_hash, "sha256"),
    "channels": (_other_channels, "channel"),
    "window": (_other_window, "128"),
    "bands": (_other_bands, "scarpwatch:channels"),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_model_that_does_not_fit_its_card(case: str, small_world: World) -> None:
    """Nothing is processed: exit code 2, and a word that names the folder and what to do."""
    spoil, words = MODELS[case]
    spoil(small_world)
    ended = Running(small_world, "once").end()
    assert ended.code == 2, ended
    assert "redness" in ended.err
    assert words in ended.err
    assert small_world.ledger() == []


def test_a_full_disk(tmp_path: Path, source: Source, clean: Undisturbed) -> None:
    """What cannot be written waits for its next try; with space again the rest ends as if nothing had been."""
    world = make_world(tmp_path / "world", source)
    script = f"""
    import os
    from contextlib import closing
    from datetime import timedelta
    from pathlib import Path
    from monitor.config import load
    from monitor.wiring import build
    from tests.pipeline.world import START
    import json
    ballast = disk / "ballast"
    config = Path({str(world.config)!r})
    with closing(build(load(config))) as service:
        first = service.once(lambda: START)
    ballast.unlink()
    with closing(build(load(config))) as service:
        second = service.once(lambda: START + timedelta(hours=1))
    print(json.dumps([first.processed, first.retried, first.parked, list(first.errors), second.processed, second.waiting]))
    import subprocess
    subprocess.run(["cp", "-a", str(disk / "products"), str(disk.parent / "saved")], check=True)
    """
    disk = tmp_path / "disk"
    world.configure(products=str(disk / "products"))
    fill = "(disk / 'ballast').write_bytes(bytes(3_900_000))\n"
    out = run_on_small_disk(disk, 4096, fill + script.replace("\n    ", "\n"))
    first_done, retried, parked, errors, second_done, waiting = json.loads(out)
    assert (first_done, retried, parked, waiting) == (0, 4, 0, 0)
    assert all("no space left" in error and "Free space" in error for error in errors)
    assert second_done == 4
    assert world.dump() == clean.content
    saved = World(folder=tmp_path / "nowhere", database="", valley=world.valley)
    assert saved.valley is world.valley
    shutil.move(tmp_path / "saved", world.folder / "products")
    assert files(world) == clean.files


def test_a_locked_database(small_world: World, clean: Undisturbed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that stays locked ends the command with exit code 3 and a remedy; afterwards it goes on."""
    monkeypatch.setattr("tests.pipeline.test_bad_input._SHORT", True)
    with closing(sqlite3.connect(small_world.folder / "watch.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = Running(small_world, "once", setup=_impatient).end()
        other.execute("ROLLBACK")
    assert ended.code == 3
    assert "watch.db" in ended.err
    assert "locked" in ended.err
    assert Running(small_world, "once").end().code == 0
    assert small_world.dump() == clean.content


_SHORT = False


def _impatient() -> None:
    """Wait a fraction of a second for the database instead of 15."""
    from datetime import timedelta

    from monitor.adapters.store import store

    defaults = store.SqlStore.__init__.__defaults__
    assert defaults is not None
    store.SqlStore.__init__.__defaults__ = (timedelta(milliseconds=200),)


assert psycopg
assert edit_json
