"""Radar passes that lack a polarisation or are listed twice, among good ones, from catalog to database."""

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import rasterio

from monitor.records import AcquisitionState, Sensor
from monitor.sandbox.story import Story
from monitor.sandbox.valley import build_valley
from tests.adapters.tiny_model import make_model
from tests.pipeline.world import REGION, START, Json, Source, World, edit_json, make_world, region

RTC = "sentinel-1-rtc"


@pytest.fixture(scope="module")
def radar_source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A valley of 2.6 km² that two tracks pass over, six and seven times."""
    folder = tmp_path_factory.mktemp("radar")
    valley = build_valley(folder / "valley", seed=6, size_px=160, quiet=2, after=2, story=Story(radar=True))
    return Source(valley=valley, model=make_model(folder / "models" / "redness"))


@pytest.fixture
def radar_world(tmp_path: Path, radar_source: Source) -> World:
    """A fresh world that is watched by radar alone."""
    world = make_world(tmp_path / "world", radar_source)
    watched = region(*world.valley.bbox) | {"sensor_policy": "radar_only"}
    world.configure(regions={REGION: watched})
    return world


def passes(world: World) -> list[Path]:
    """The documents of all passes, the oldest first."""
    return sorted((world.folder / "catalog" / RTC).glob("*/*.json"), key=lambda path: path.stem[17:32])


def without(document: Path, polarisation: str) -> None:
    """Take a polarisation out of an item."""
    edit_json(document, lambda item: cast(Json, item["assets"]).pop(polarisation))


def listed_again(world: World, document: Path, name: str) -> Path:
    """The same item once more under another id."""
    item = json.loads(document.read_text(encoding="utf-8")) | {"id": name}
    again = document.parent / f"{name}.json"
    again.write_text(json.dumps(item), encoding="utf-8")
    link = {"rel": "item", "href": f"./{document.parent.name}/{name}.json"}
    collection = world.folder / "catalog" / RTC / "collection.json"
    edit_json(collection, lambda whole: whole.update(links=[*cast(list[object], whole["links"]), link]))
    return again


def rows(world: World) -> list[dict[str, object]]:
    """Every tile of every pass that has a look, the oldest first."""
    found = [row for row in world.dump()["observation"] if row["look_href"]]
    return sorted(found, key=lambda row: (str(row["sensing_time"]), str(row["tile"])))


def bands_of(world: World, row: dict[str, object]) -> int:
    """How many bands the kept look of a row has."""
    with rasterio.open(world.products / str(row["look_href"])) as look:
        return int(look.count)


def test_passes_of_one_polarisation_are_compared_with_their_like(radar_world: World) -> None:
    """Every other pass of each track has VV alone: it is looked at and kept, and its past is that of its own kind."""
    every = passes(radar_world)
    tracks: dict[object, list[Path]] = {}
    for document in every:
        orbit = json.loads(document.read_text(encoding="utf-8"))["properties"]["sat:relative_orbit"]
        tracks.setdefault(orbit, []).append(document)
    assert len(tracks) == 2
    alone = [document for track in tracks.values() for document in track[::2]]
    for document in alone:
        without(document, "vh")
    assert radar_world.once().parked == 0
    assert {state for state, _ in radar_world.states()} == {AcquisitionState.DONE}
    found = rows(radar_world)
    assert len({row["acquisition_key"] for row in found}) == len(every)
    kinds = {str(row["comparable"]) for row in found}
    assert {kind.split(":")[3] for kind in kinds} == {"vv", "vv+vh"}
    assert len(kinds) == 4
    for kind in kinds:
        mine = [row for row in found if row["comparable"] == kind]
        assert {bands_of(radar_world, row) for row in mine} == {bands_of(radar_world, mine[0])}
        for tile in {str(row["tile"]) for row in mine}:
            counts = [row["reference_count"] for row in mine if row["tile"] == tile]
            # Three passes of a kind make a reference; those of the other kind do not hasten it.
            assert counts == [0, 0, 0, *range(3, len(counts))]
    one, two = (next(row for row in found if f":{kind}:" in str(row["comparable"])) for kind in ("vv", "vv+vh"))
    assert bands_of(radar_world, two) == bands_of(radar_world, one) + 1


def test_slices_without_a_common_polarisation_are_parked(radar_world: World) -> None:
    """One slice of a pass has VV, the other VH: it is set aside with its reason and the others go on."""
    document = passes(radar_world)[4]
    other = listed_again(radar_world, document, f"{document.stem[:-4]}_other_rtc")
    without(document, "vh")
    without(other, "vv")
    summary = radar_world.once()
    assert summary.parked == 1
    (parked,) = [entry for entry in radar_world.ledger() if entry.state is AcquisitionState.PARKED]
    assert parked.reason == "mixed-polarisation"
    assert "no polarisation in common" in str(parked.detail)
    assert sorted(item.id for item in parked.acquisition.items) == sorted((document.stem, other.stem))
    others = [entry for entry in radar_world.ledger() if entry.state is not AcquisitionState.PARKED]
    assert len(others) == len(passes(radar_world)) - 2
    assert {entry.state for entry in others} == {AcquisitionState.DONE}


def test_a_slice_with_less_takes_nothing_from_the_pass(radar_world: World) -> None:
    """One slice has both and the other VV alone: the pass keeps both, and the other is told with its reason."""
    document = passes(radar_world)[0]
    other = listed_again(radar_world, document, f"{document.stem[:-4]}_other_rtc")
    without(other, "vh")
    radar_world.once(radar_world.valley.passes[0] + timedelta(minutes=5))
    found = rows(radar_world)
    assert len(found) == 2
    assert {str(row["comparable"]).split(":")[3] for row in found} == {"vv+vh"}
    (refused,) = radar_world.dump()["rejection"]
    assert (refused["item"], refused["reason"]) == (other.stem, "lacks-a-polarisation")


def test_a_catalog_that_is_told_to_have_no_radar(radar_world: World) -> None:
    """An empty list of collections is none, not all that are known."""
    local = {"type": "static", "href": "catalog/catalog.json", "collections": {"radar": []}}
    watched = region(*radar_world.valley.bbox) | {"sensor_policy": "both"}
    radar_world.configure(catalogs={"local": local}, regions={REGION: watched})
    with closing(radar_world.service()) as service:
        service.poll(START)
    assert {entry.acquisition.sensor for entry in radar_world.ledger()} == {Sensor.OPTICAL}


def test_a_pass_listed_twice_is_one(radar_world: World, tmp_path: Path, radar_source: Source) -> None:
    """Under two ids its pixels count once: the looks are those of a world where it is listed once."""
    once = make_world(tmp_path / "once", radar_source)
    once.configure(regions={REGION: region(*once.valley.bbox) | {"sensor_policy": "radar_only"}})
    document = passes(radar_world)[-1]
    listed_again(radar_world, document, f"{document.stem[:-4]}_copy_rtc")
    for world in (once, radar_world):
        assert world.once().parked == 0
    assert len(radar_world.ledger()) == len(once.ledger())
    for ours, theirs in zip(rows(radar_world), rows(once), strict=True):
        with (
            rasterio.open(radar_world.products / str(ours["look_href"])) as one,
            rasterio.open(once.products / str(theirs["look_href"])) as other,
        ):
            np.testing.assert_array_equal(one.read(), other.read())
        assert ours["reference_count"] == theirs["reference_count"]
    assert [event.id for event in radar_world.events()] == [event.id for event in once.events()]
