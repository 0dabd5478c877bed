"""One thing is broken among good ones: it is named and set aside, the rest goes on, and mending it ends as if nothing
had been."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

import psycopg
import pytest
import rasterio

from monitor.adapters.store.database import _ADVISORY_LOCK as ADVISORY_LOCK
from monitor.records import AcquisitionState
from tests.adapters.small_disk import run_on_small_disk
from tests.adapters.stac_server import HTML, Answer, CatalogServer, as_json
from tests.adapters.tiny_model import make_model, write_card
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.processes import Running, be_impatient
from tests.pipeline.world import REGION, Ended, Json, Source, World, files, later, make_world, region

LAST = 1
"""The newest scene before the storm: most tests end there, which is much faster than drawing alerts."""
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


def _until_storm(world: World, *arguments: str) -> Ended:
    """A command in a process of its own at the time of the storm."""
    return Running(world, *arguments, now=world.valley.storm).end()


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, source: Source) -> Undisturbed:
    """An undisturbed pass over the two scenes before the storm."""
    world = make_world(tmp_path_factory.mktemp("quiet") / "world", source)
    assert world.once(world.valley.storm).processed == 2
    return Undisturbed(world=world, content=world.dump(), files=files(world), seconds=0.0)


def check_as_undisturbed(world: World, clean: Undisturbed) -> None:
    """Everything but the memory of what was refused is as after an undisturbed pass."""
    content = world.dump()
    assert {**content, "rejection": []} == {**clean.content, "rejection": []}
    assert files(world) == clean.files


@pytest.mark.parametrize("case", PARKED)
def test_a_broken_raster(case: str, small_world: World, quiet: Undisturbed) -> None:
    """Its acquisition is parked with item and remedy, the others are done; mended and released it is as if new."""
    spoil, reason, words = PARKED[case]
    spoil(small_world)
    ended = _until_storm(small_world, "once")
    name = small_world.item(LAST).stem
    assert (ended.code, ended.actions.count("done"), ended.actions.count("parked")) == (1, 1, 1)
    complaint = next(line for line in ended.out.splitlines() if line.startswith("! "))
    assert name in complaint
    assert words in complaint
    status = _until_storm(small_world, "status", "--json")
    (parked,) = json.loads(status.out)["parked"]
    assert (status.code, parked["reason"]) == (1, reason)
    assert name in parked["detail"]

    mend(small_world)
    remedy = parked["remedy"].split()
    assert remedy[:2] == ["scarpwatch", "release"]
    assert _until_storm(small_world, *remedy[1:]).code == 0
    assert _until_storm(small_world, "once").code == 0
    check_as_undisturbed(small_world, quiet)


@pytest.mark.parametrize("case", REFUSED)
def test_a_broken_item(case: str, small_world: World, quiet: Undisturbed) -> None:
    """It is refused with its reason in log and database, the others are done; mended it is found by the next poll."""
    spoil, reason = REFUSED[case]
    name = small_world.item(LAST).stem
    spoil(small_world)
    ended = _until_storm(small_world, "once")
    assert ended.actions.count("done") == 1
    (line,) = (json.loads(line) for line in ended.err.splitlines() if '"refused"' in line)
    assert line["reason"] == reason
    assert name in line["item"]
    assert "Mend it" in line["event"]
    with closing(small_world.store()) as store:
        assert [one.reason for one in store.rejections()] == [reason]

    mend(small_world)
    assert _until_storm(small_world, "once").actions.count("done") == 1
    check_as_undisturbed(small_world, quiet)


def test_a_broken_scene_does_not_hold_up_newer_ones(small_world: World) -> None:
    """Looks after a parked one are processed and open alerts; released later, it is judged as of its own time."""
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
    assert small_world.states()[1] == (AcquisitionState.DONE, "late")
    assert small_world.dump()["transition"] == before["transition"]
    # It shows the ground intact: the windows begin with it.
    assert {event.window_start for event in small_world.events()} == {small_world.valley.times[1]}


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
def test_a_sick_catalog(case: str, small_world: World, quiet: Undisturbed) -> None:
    """The region of a catalog that answers nonsense waits with a clear word; the other region is watched as ever."""
    kind, answer = SICK[case]
    server = CatalogServer()
    with server.running():
        server.routes["/"] = [answer]
        _two_regions(small_world, f"{server.url}/", kind)
        ended = _until_storm(small_world, "once")
    assert (ended.code, ended.actions.count("poll-failed"), ended.actions.count("done")) == (1, 1, 2)
    complaint = next(line for line in ended.out.splitlines() if line.startswith("! "))
    assert complaint.startswith("! catalog other (http://127.0.0.1:")
    assert "check catalogs.other" in complaint
    assert small_world.dump() == quiet.content
    assert files(small_world) == quiet.files


def test_a_catalog_that_is_not_there(small_world: World, quiet: Undisturbed) -> None:
    """A path that leads nowhere is said with its name; the other region is watched as ever."""
    _two_regions(small_world, "gone/catalog.json", "static")
    ended = _until_storm(small_world, "once")
    assert ended.code == 1
    assert "! catalog other (" in ended.out
    assert small_world.dump() == quiet.content


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
    ended = _until_storm(small_world, "once")
    assert ended.code == 2, ended
    assert "redness" in ended.err
    assert words in ended.err
    assert small_world.ledger() == []


def test_a_full_disk(tmp_path: Path, source: Source, clean: Undisturbed) -> None:
    """What cannot be written waits for its next try; with space again everything ends as if nothing had been."""
    disk = tmp_path / "disk"
    world = make_world(tmp_path / "world", source)
    world.configure(products=str(disk / "products"))
    out = run_on_small_disk(disk, 16_384, _FULL_THEN_FREE.format(config=str(world.config)))
    reasons, first_done, retried, parked, errors, second_done, waiting = json.loads(out)
    assert reasons == 4 * [["discovered", "disk-full"]]
    assert (first_done, retried, parked) == (0, 4, 0)
    assert all("no space left" in error and "Free space" in error for error in errors)
    assert (second_done, waiting) == (4, 0)
    # What lay on the small disk went with it.
    shutil.move(tmp_path / "saved", world.products)
    check_as_undisturbed(world, clean)


_FULL_THEN_FREE = """
import json, shutil
from contextlib import closing
from datetime import timedelta
from monitor.config import load
from monitor.wiring import build
from tests.pipeline.world import START

config = Path({config!r})
ballast = disk / "ballast"
ballast.write_bytes(bytes(16_480_000))
with closing(build(load(config))) as service:
    first = service.once(lambda: START)
    waiting = [(entry.state.value, entry.reason) for entry in service.store.ledger()]
ballast.unlink()
with closing(build(load(config))) as service:
    second = service.once(lambda: START + timedelta(hours=1))
shutil.copytree(disk / "products", disk.parent / "saved")
numbers = [first.processed, first.retried, first.parked, list(first.errors), second.processed, second.waiting]
print(json.dumps([waiting, *numbers]))
"""


@contextmanager
def _locked(world: World) -> Iterator[None]:
    """Another connection is writing, and does not come to an end."""
    if world.database.startswith("sqlite"):
        with closing(sqlite3.connect(world.folder / "watch.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
    else:
        with psycopg.connect(world.database) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
            yield


def test_a_locked_database(world: World, clean: Undisturbed) -> None:
    """A database that stays locked ends the command with exit code 3 and a remedy; afterwards it goes on."""
    with _locked(world):
        ended = Running(world, "once", setup=be_impatient).end()
    assert ended.code == 3
    assert "lock" in ended.err
    assert "see which process holds the database" in ended.err
    assert Running(world, "once").end().code == 0
    check_as_undisturbed(world, clean)
