"""Whole scenes that the ground cannot have made: each is parked with its reason and remedy, and nothing else changes.

Sun, haze and rain over a whole scene, and a valley of which half slid, are no faults.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.warp import reproject

from monitor.records import AcquisitionState, Event, Sensor
from monitor.sandbox.clouds import make_sky
from monitor.sandbox.story import Story
from monitor.sandbox.valley import build_valley
from tests.pipeline.processes import Running
from tests.pipeline.world import Content, Json, Source, World, edit_json, make_world

PASSES = "sentinel-1-rtc"
QUIET, STRUCK = 2, 3
"""Optical looks: the last one before the storm and the first one after it."""
BANDS = ("B02", "B03", "B04")
OFFSET_DN = 1000
Pixels = NDArray[np.floating]
"""Of whatever type the raster holds."""
Spoil = Callable[[Pixels], Pixels]


def rewrite(path: Path, change: Spoil) -> None:
    """Put other pixels into a raster."""
    with rasterio.open(path) as dataset:
        pixels, profile = dataset.read(1), dict(dataset.profile)
    path.unlink()
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(change(pixels).astype(profile["dtype"]), 1)


def _north(pixels: Pixels) -> Pixels:
    return np.roll(pixels, -3, axis=0)


def _north_20_m(classes: Pixels) -> Pixels:
    return np.roll(classes.repeat(2, 0).repeat(2, 1), -3, axis=0)[::2, ::2]


def _quadrant(pixels: Pixels) -> Pixels:
    half = pixels.shape[0] // 2
    out = pixels.copy()
    out[:half, :half] = 0
    return out


def _stripe(pixels: Pixels) -> Pixels:
    side = pixels.shape[0]
    out = pixels.copy()
    out[round(0.4 * side) : round(0.6 * side)] = 0
    return out


def _shifted(world: World, index: int) -> None:
    for band in BANDS:
        rewrite(world.asset(index, band), _north)
    rewrite(world.asset(index, "SCL"), _north_20_m)


def _zeroed(fill: Spoil, *also: str) -> Callable[[World, int], None]:
    def spoil(world: World, index: int) -> None:
        for band in (*BANDS, *also):
            rewrite(world.asset(index, band), fill)

    return spoil


def _offset(value: float) -> Callable[[World, int], None]:
    def edit(item: Json) -> None:
        for band in BANDS:
            asset = cast(dict[str, Json], item["assets"])[band]
            cast(list[Json], asset["raster:bands"])[0]["offset"] = value

    return lambda world, index: world.edit_item(index, edit)


def _scaled(gain: float) -> Callable[[World, int], None]:
    def scale(digital: Pixels) -> Pixels:
        lit = (digital.astype(np.float64) - OFFSET_DN) * gain + OFFSET_DN
        return np.where(digital == 0, 0, np.clip(np.rint(lit), 1, 65535))

    def spoil(world: World, index: int) -> None:
        for band in BANDS:
            rewrite(world.asset(index, band), scale)

    return spoil


FAULTS: Mapping[str, tuple[Callable[[World, int], None], str, str]] = {
    "30 m to the north": (_shifted, "misregistered", "m north of earlier looks"),
    "offset dropped": (_offset(0.0), "offset-missing", "above earlier looks"),
    "offset applied twice": (_offset(-0.2), "offset-doubled", "below earlier looks"),
    "a quarter is zero": (_zeroed(_quadrant, "SCL"), "zero-filled", "upright block"),
    "a quarter is zero, classified": (_zeroed(_quadrant), "zero-filled", "upright block"),
    "a stripe is zero": (_zeroed(_stripe, "SCL"), "zero-filled", "upright block"),
}


@pytest.fixture(scope="module")
def three_quiet(tmp_path_factory: pytest.TempPathFactory, source: Source) -> Source:
    """A small valley under a nearly clear sky: two quiet looks bear witness against a third; one follows the storm."""
    with pytest.MonkeyPatch.context() as patch:
        clear = lambda world, _index, sun, rng: make_sky(world.frame.padded_px, 0.02, sun, rng)  # noqa: E731
        patch.setattr("monitor.sandbox.scenes.make_weather", clear)
        valley = build_valley(tmp_path_factory.mktemp("three-quiet") / "valley", seed=6, size_px=192, quiet=3, after=1)
    return Source(valley=valley, model=source.model)


@pytest.fixture
def calm_world(tmp_path: Path, three_quiet: Source) -> World:
    """A fresh world on SQLite, for what has nothing to do with the database."""
    return make_world(tmp_path / "world", three_quiet)


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory, three_quiet: Source) -> dict[int, Content]:
    """What the other scenes leave when one of them was never published, by its index."""
    contents = {}
    for index in (QUIET, STRUCK):
        world = make_world(tmp_path_factory.mktemp(f"without-{index}") / "world", three_quiet)
        world.hide(index)
        assert world.once().processed == 3
        contents[index] = world.dump()
    return contents


def _without_passes(members: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if name != "next_passes"}


def done_only(content: Content) -> Content:
    """The database without what is parked, and without when the next pass is expected: a parked one has passed too."""
    content = json.loads(json.dumps(content), object_hook=_without_passes)
    kept = {**content, "acquisition": [row for row in content["acquisition"] if row["state"] != "parked"]}
    return {name: rows for name, rows in kept.items() if name != "rejection"}


@pytest.mark.parametrize(("case", "index"), [*((case, QUIET) for case in FAULTS), ("30 m to the north", STRUCK)])
def test_a_fault_is_parked_and_nothing_else_changes(
    case: str, index: int, calm_world: World, without: Mapping[int, Content]
) -> None:
    """Reason, words and remedy in status; the scenes before and after end as if it had never been published."""
    spoil, reason, words = FAULTS[case]
    spoil(calm_world, index)
    summary = calm_world.once()
    assert (summary.processed, summary.parked) == (3, 1)
    assert calm_world.states()[index] == (AcquisitionState.PARKED, reason)
    status = Running(calm_world, "status", "--json").end()
    (parked,) = json.loads(status.out)["parked"]
    assert (status.code, parked["reason"]) == (1, reason)
    assert words in parked["detail"]
    assert parked["remedy"].startswith("scarpwatch release")
    assert done_only(calm_world.dump()) == done_only(without[index])


def test_the_first_look_of_all_is_judged_by_physics_alone(calm_world: World) -> None:
    """Less light than none is parked also where nothing is known yet; what earlier looks would tell is not guessed."""
    _offset(-0.2)(calm_world, 0)
    calm_world.once(calm_world.valley.storm)
    assert calm_world.states()[0] == (AcquisitionState.PARKED, "offset-doubled")


def test_a_wrong_first_look_does_not_stop_the_right_ones_after_it(calm_world: World) -> None:
    """Shifted and without its offset it is the odd one out, and the watch goes on."""
    _shifted(calm_world, 0)
    _offset(0.0)(calm_world, 0)
    assert calm_world.once().parked == 0


def test_a_mended_scene_is_processed(calm_world: World) -> None:
    """Released before it is mended it is parked again; published anew with its offset it is done."""
    _offset(0.0)(calm_world, QUIET)
    now = calm_world.valley.storm
    assert calm_world.once(now).parked == 1
    acquisition = calm_world.ledger()[QUIET].acquisition
    with closing(calm_world.store()) as store:
        assert store.release(acquisition.region, acquisition.id, now)
    assert calm_world.once(now).parked == 1
    _offset(-0.1)(calm_world, QUIET)
    calm_world.reprocess(QUIET)
    assert calm_world.once(now).processed == 1


@pytest.mark.parametrize("gain", [0.75, 1.3])
def test_sun_and_haze_over_a_quiet_scene_are_processed(gain: float, calm_world: World) -> None:
    """Every band scaled: looked at, compared, and no alert."""
    _scaled(gain)(calm_world, QUIET)
    summary = calm_world.once(calm_world.valley.storm)
    assert (summary.processed, summary.parked, summary.alerts_opened) == (3, 0, 0)


def test_a_scaled_scene_of_the_storm_opens_the_same_alerts_with_less_confidence(
    calm_world: World, tmp_path: Path, three_quiet: Source
) -> None:
    """30 % more light: no alert that the plain scene does not open, and the shift stands among the doubts."""
    plain = make_world(tmp_path / "plain", three_quiet)
    _scaled(1.4)(calm_world, STRUCK)
    for world in (plain, calm_world):
        assert world.once().parked == 0
    assert len(calm_world.events()) <= len(plain.events())
    assert calm_world.events()
    assert all("the whole scene shifted" in event.confidence_reason for event in calm_world.events())
    assert not any("the whole scene shifted" in event.confidence_reason for event in plain.events())


def slopes_in_the_west(
    world: World, shape: tuple[int, int], transform: rasterio.Affine, share: float = 0.5
) -> NDArray[np.bool_]:
    """Slopes of 12° and more in the western part of the scene, by the catalog's elevation model."""
    (path,) = (world.catalog.parent / "cop-dem-glo-30").glob("*/data.tif")
    with rasterio.open(path) as dataset:
        elevation = np.zeros(shape, dtype=np.float32)
        reproject(
            dataset.read(1), elevation, src_transform=dataset.transform, src_crs=dataset.crs,
            dst_transform=transform, dst_crs="EPSG:32633", resampling=Resampling.cubic,
        )  # fmt: skip
    down, east = np.gradient(elevation, 10.0)
    steep = np.degrees(np.arctan(np.hypot(down, east))) >= 12.0
    steep[:, round(share * shape[1]) :] = False
    return np.asarray(steep)


def _laid(soil: Pixels, where: NDArray[np.bool_], pixels: Pixels) -> Pixels:
    return np.where(where, soil, pixels)


@pytest.mark.parametrize(("share", "alerted"), [(0.45, 0.7), (0.55, 0.7), (0.65, 0.7), (0.9, 0.0)])
def test_a_valley_of_bare_slopes_is_processed_and_alerts(share: float, alerted: float, calm_world: World) -> None:
    """Slopes of the western part are bare soil after the storm: never a fault, and up to half of them alerts.

    Of more than half of all slopes the baseline cannot tell which half is new; that is its limit, not the input's.
    """
    with rasterio.open(calm_world.asset(STRUCK, "B04")) as dataset:
        bare = slopes_in_the_west(calm_world, dataset.shape, dataset.transform, share)
    rng = np.random.default_rng(5)
    for band, reflectance in zip(BANDS, (0.09, 0.13, 0.19), strict=True):
        soil = OFFSET_DN + 10_000 * reflectance * rng.normal(1.0, 0.12, bare.shape)
        rewrite(calm_world.asset(STRUCK, band), partial(_laid, soil, bare))
    summary = calm_world.once()
    assert (summary.processed, summary.parked) == (4, 0)
    assert alerted_ha(calm_world.events()) >= alerted * bare.sum() / 100.0


def alerted_ha(events: list[Event]) -> float:
    """Hectares in outlines."""
    return sum(event.area_ha for event in events)


@pytest.fixture(scope="module")
def radar_source(tmp_path_factory: pytest.TempPathFactory, source: Source) -> Source:
    """A valley of 6.6 km² that two radar tracks watch; the optical scenes are not asked for."""
    folder = tmp_path_factory.mktemp("radar-source")
    valley = build_valley(folder / "valley", seed=3, size_px=256, quiet=2, after=1, story=Story(radar=True))
    return Source(valley=valley, model=source.model)


@pytest.fixture
def radar_world(tmp_path: Path, radar_source: Source) -> World:
    """A fresh world that only radar looks at."""
    return make_radar_world(tmp_path / "radar", radar_source)


def make_radar_world(folder: Path, radar_source: Source) -> World:
    """A world whose region is watched by radar alone."""
    world = make_world(folder, radar_source)
    regions = world.settings().regions
    document = {
        name: {
            "geometry": {"bbox": list(world.valley.bbox)},
            "catalogs": ["local"],
            "lookback_days": 20000,
            "sensor_policy": "radar_only",
        }
        for name in regions
    }
    world.configure(regions=document)
    return world


def pass_before(world: World) -> int:
    """Place in time of the last pass before the storm: its track has four earlier ones."""
    return max(index for index, time in enumerate(world.valley.passes) if time < world.valley.storm)


def pass_files(world: World, index: int) -> tuple[Path, Path, Path]:
    """Item, VV and VH of a pass."""
    stamps = sorted((world.catalog.parent / PASSES).glob("S1*/*.json"), key=lambda path: path.stem.split("_")[4])
    item = stamps[index]
    return item, item.parent / "iw-vv.rtc.tiff", item.parent / "iw-vh.rtc.tiff"


def on_both(world: World, index: int, change: Spoil) -> None:
    """Change VV and VH of a pass."""
    for path in pass_files(world, index)[1:]:
        rewrite(path, change)


RADAR_FAULTS: Mapping[str, tuple[Spoil, str]] = {
    "30 m to the north": (_north, "misregistered"),
    "a quarter is zero": (_quadrant, "zero-filled"),
    "a stripe is zero": (_stripe, "zero-filled"),
    "decibels": (lambda power: 10.0 * np.log10(np.maximum(power, 1e-6)), "not-linear-power"),
    "digital numbers": (lambda power: 400.0 * np.sqrt(np.maximum(power, 0.0)), "not-linear-power"),
}


@pytest.fixture(scope="module")
def radar_without(tmp_path_factory: pytest.TempPathFactory, radar_source: Source) -> Content:
    """What the other passes leave when the last one before the storm was never published."""
    world = make_radar_world(tmp_path_factory.mktemp("radar-without") / "world", radar_source)
    name = pass_files(world, pass_before(world))[0].name
    collection = world.catalog.parent / PASSES / "collection.json"
    edit_json(collection, lambda document: document.update(links=_others(document, name)))
    assert world.once().parked == 0
    return world.dump()


def _others(document: Json, name: str) -> list[Json]:
    return [link for link in cast(list[Json], document["links"]) if not str(link["href"]).endswith(name)]


@pytest.mark.parametrize("case", RADAR_FAULTS)
def test_a_fault_of_radar_is_parked_and_nothing_else_changes(
    case: str, radar_world: World, radar_without: Content
) -> None:
    """One pass is parked; all others of both tracks end as if it had never been published."""
    change, reason = RADAR_FAULTS[case]
    index = pass_before(radar_world)
    on_both(radar_world, index, change)
    assert radar_world.once().parked == 1
    assert radar_world.states()[index] == (AcquisitionState.PARKED, reason)
    assert done_only(radar_world.dump()) == done_only(radar_without)


@pytest.mark.parametrize("decibels", [5.0, -7.0])
def test_wet_and_frozen_soil_are_processed(decibels: float, radar_world: World) -> None:
    """A whole quiet pass several dB up or down: compared, and no alert."""
    index = pass_before(radar_world)
    on_both(radar_world, index, lambda power: power * np.float32(10.0 ** (decibels / 10.0)))
    summary = radar_world.once(radar_world.valley.storm)
    assert (summary.parked, summary.alerts_opened) == (0, 0)
    assert radar_world.states()[index] == (AcquisitionState.DONE, "compared")


def test_wet_soil_after_the_storm_lowers_the_confidence(radar_world: World) -> None:
    """The first pass after the storm 5 dB up: alerts as without, each with the shift among its doubts."""
    on_both(radar_world, pass_before(radar_world) + 1, lambda power: power * np.float32(10.0**0.5))
    assert radar_world.once().parked == 0
    opened = first_alerts(radar_world)
    assert opened
    assert all("the whole scene shifted" in event.confidence_reason for event in opened)


def first_alerts(world: World) -> list[Event]:
    """Events that the first pass after the storm opened."""
    first = world.ledger()[pass_before(world) + 1].acquisition
    assert first.sensor is Sensor.SAR
    return [event for event in world.events() if event.evidence[0].acquisition_id == first.id]


def test_half_a_valley_that_slid_under_cloud_is_processed_and_alerts(radar_world: World) -> None:
    """VH of all slopes of the western half falls by 4 dB: no fault, and much of it is alerted."""
    index = pass_before(radar_world) + 1
    vh = pass_files(radar_world, index)[2]
    with rasterio.open(vh) as dataset:
        slid = slopes_in_the_west(radar_world, dataset.shape, dataset.transform)
    rewrite(vh, lambda power: np.where(slid, power * np.float32(10.0**-0.4), power))
    assert radar_world.once().parked == 0
    assert alerted_ha(first_alerts(radar_world)) > 0.2 * slid.sum() / 100.0
