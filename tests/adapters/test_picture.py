"""Chips keep the evidence; pictures show it, and show what was not seen."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.chip_files import alert_folder, read_chips, write_chips, write_picture
from monitor.adapters.chips import Chips, RgbPatch, chip_geobox, chips_of, paste, patch
from monitor.adapters.drawing import draw_rings, hectares, place, rings, round_length
from monitor.adapters.panels import HIDDEN, UNKNOWN, Hidden, composite, field, worse_state
from monitor.adapters.picture import HEIGHT, WIDTH, alert_picture
from monitor.core.grid import neighbour, project, tile_from_id, tile_geobox
from monitor.errors import BadAsset
from monitor.records import (
    AlertStatus,
    Detector,
    Event,
    EventState,
    Evidence,
    Look,
    PixelState,
    Tile,
    Verdict,
)

TILE = tile_from_id("UTM54N-0160-1850")
BEFORE, AFTER = datetime(2018, 4, 13, 1, 26, tzinfo=UTC), datetime(2018, 10, 22, 1, 26, tzinfo=UTC)
EAST, NORTH = TILE.column * 2560 + 1280, TILE.row * 2560 + 1280
REGION = project(box(EAST - 9000, NORTH - 7000, EAST + 9000, NORTH + 7000), 32654, 4326)
TEST_BADGE = (0x6F, 0x2D, 0xA8)


def outline(width_m: float, height_m: float) -> BaseGeometry:
    """A rectangle around the middle of TILE, EPSG:4326."""
    ground = box(EAST - width_m / 2, NORTH - height_m / 2, EAST + width_m / 2, NORTH + height_m / 2)
    return project(ground, 32654, 4326)


def make_event(geometry: BaseGeometry | None = None, area_ha: float = 12.0) -> Event:
    """A provisional event with two pieces of evidence."""
    first = Evidence(
        acquisition_id="a",
        sensing_time=AFTER,
        detector=Detector.NETWORK,
        verdict=Verdict.OPENS,
        observed_fraction=1.0,
        level=0.7,
        strength=8.4,
        detail="",
    )
    hidden = replace(first, sensing_time=AFTER + timedelta(days=5), verdict=Verdict.NOT_OBSERVED)
    return Event(
        id="atsuma-7f3a2c",
        region="atsuma",
        state=EventState.PROVISIONAL,
        status=AlertStatus.ACTUAL,
        detector=Detector.NETWORK,
        geometry=geometry or outline(400, 300),
        area_ha=area_ha,
        mean_change=0.7,
        strength=0.7 * area_ha,
        spread=0.05,
        slope_deg=31.0,
        confidence="medium",
        confidence_reason="one look, no cloud mask from the producer",
        window_start=BEFORE,
        window_end=AFTER,
        model_version="scar-rgb 0.1.0",
        tiles=(TILE,),
        evidence=(first, hidden),
    )


def make_chips(event: Event) -> Chips:
    """Dark forest before; bare bright ground inside the outline after. A cloud in one corner, no data in another."""
    geobox = chip_geobox(event.geometry, 32654)
    shape = geobox.shape
    rng = np.random.default_rng(2)
    forest = rng.normal(0.05, 0.01, (3, *shape)).astype(np.float32)
    scar = np.zeros(shape, dtype=bool)
    for ring in rings(event.geometry, geobox):
        west, north = ring.min(axis=0)
        east, south = ring.max(axis=0)
        scar[round(north * shape[0]) : round(south * shape[0]), round(west * shape[1]) : round(east * shape[1])] = True
    bare = np.where(scar, np.float32(0.25), forest).astype(np.float32)
    state_after = np.zeros(shape, dtype=np.uint8)
    state_after[:20, :20] = PixelState.CLOUD
    state_before = np.zeros(shape, dtype=np.uint8)
    state_before[-20:, -20:] = PixelState.NODATA
    forest[:, -20:, -20:] = np.nan
    probability = np.where(scar, np.float32(0.9), np.float32(0.05)).astype(np.float32)
    probability[:20, :20] = np.nan
    change = (probability - np.float32(0.05)).astype(np.float32)
    change[-20:, -20:] = np.nan
    return Chips(
        geobox=geobox,
        before=RgbPatch(reflectance=forest, state=state_before, sensing_time=BEFORE),
        after=RgbPatch(reflectance=bare, state=state_after, sensing_time=AFTER),
        probability=probability,
        change=change,
    )


def make_look(tile: Tile, when: datetime, value: float, state: PixelState = PixelState.VALID) -> Look:
    """A uniform look."""
    plane = np.full((256, 256), value, dtype=np.float32)
    return Look(
        tile=tile,
        acquisition_id=f"A{value}",
        sensing_time=when,
        probability=plane,
        spread=plane,
        pixels=np.stack([plane, plane, plane]),
        state=np.full((256, 256), state, dtype=np.uint8),
    )


def pixels(png: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) of a PNG."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def share(image: NDArray[np.uint8], colour: tuple[int, int, int]) -> float:
    """Share of pixels of exactly one colour."""
    return float((image == np.array(colour, dtype=np.uint8)).all(axis=-1).mean())


def hidden(state: PixelState) -> Hidden:
    """How a state is drawn."""
    return next(entry for entry in HIDDEN if state in entry.states)


@pytest.mark.parametrize(("width_m", "height_m"), [(50, 50), (400, 900), (3000, 500), (30_000, 12_000)])
def test_a_chip_shows_the_whole_event_with_a_margin(width_m: float, height_m: float) -> None:
    """Square, at least 1280 m, never more than 1024 pixels, the outline well inside."""
    geometry = outline(width_m, height_m)
    geobox = chip_geobox(geometry, 32654)
    ring = rings(geometry, geobox)[0]

    assert geobox.shape[0] == geobox.shape[1] <= 1024
    assert geobox.shape[1] * geobox.transform.a >= 1280
    assert geobox.transform.a % 10 == 0
    assert (ring.min(axis=0) > 0.15).all()
    assert (ring.max(axis=0) < 0.85).all()


def test_pasting_the_tiles_of_a_geobox_is_identity() -> None:
    """On the tile's own grid every pixel comes back; neighbours fill their side; the rest is background."""
    rng = np.random.default_rng(0)
    east = neighbour(TILE, 1, 0)
    values = {TILE: rng.random((256, 256)), east: rng.random((256, 256))}
    geobox = tile_geobox(TILE, halo_px=8)

    pasted = paste(values, geobox, np.full(geobox.shape, np.nan, dtype=np.float32))

    assert np.array_equal(pasted[8:-8, 8:-8], values[TILE].astype(np.float32))
    assert np.array_equal(pasted[8:-8, -8:], values[east][:, :8].astype(np.float32))
    assert np.isnan(pasted[:8]).all()
    assert np.isnan(pasted[:, :8]).all()


def test_a_tile_of_the_next_zone_is_pasted_where_it_lies() -> None:
    """Across a zone border pixels are found by their place on the ground."""
    border = project(box(143.999, 42.7, 144.001, 42.702), 4326, 32654).centroid
    east, north = border.bounds[:2]
    ours = Tile(epsg=32654, column=int(east // 2560), row=int(north // 2560))
    far_east, far_north = project(border, 32654, 32655).bounds[:2]
    theirs = Tile(epsg=32655, column=int(far_east // 2560), row=int(far_north // 2560))
    geobox = tile_geobox(ours)
    column = np.broadcast_to(np.arange(256, dtype=np.float32), (256, 256))

    pasted = paste({theirs: column}, geobox, np.full(geobox.shape, np.nan, dtype=np.float32))

    x, y = int((east - ours.column * 2560) // 10), int(((ours.row + 1) * 2560 - north) // 10)
    assert pasted[y, x] == int((far_east - theirs.column * 2560) // 10)


def test_a_cloud_in_the_newest_look_is_filled_from_the_look_before() -> None:
    """The first valid look is seen; where none is valid the cloud is shown rather than nothing."""
    newest = make_look(TILE, AFTER, 0.6, PixelState.CLOUD)
    older = make_look(TILE, BEFORE, 0.1)
    older.state[:, 128:] = PixelState.NODATA
    oldest = make_look(TILE, BEFORE - timedelta(days=5), 0.3)
    oldest.state[:, 128:] = PixelState.NODATA

    seen = patch([newest, older, oldest], tile_geobox(TILE, halo_px=4))

    assert seen.sensing_time == AFTER
    assert (seen.state[4:-4, 4:132] == PixelState.VALID).all()
    assert np.allclose(seen.reflectance[:, 4:-4, 4:132], 0.1)
    assert (seen.state[4:-4, 132:-4] == PixelState.CLOUD).all()
    assert (seen.state[:4] == PixelState.NODATA).all()
    assert np.isnan(seen.reflectance[:, :4]).all()


def test_chips_are_cut_from_the_tiles_around_an_event() -> None:
    """An event at a tile's corner gets pixels of all four tiles; change that is not given is not compared."""
    corner = project(box(EAST - 1380, NORTH + 1180, EAST - 1180, NORTH + 1380), 32654, 4326)
    four = [neighbour(TILE, columns, rows) for columns in (-1, 0) for rows in (-1, 0)]
    before = [make_look(tile, BEFORE, 0.1) for tile in four]
    after = [make_look(tile, AFTER, 0.2 + 0.1 * number) for number, tile in enumerate(four)]

    chips = chips_of(make_event(corner), before, after, {TILE: after[3].probability - np.float32(0.1)})

    assert np.unique(chips.probability) == pytest.approx([0.2, 0.3, 0.4, 0.5])
    assert [np.isclose(chips.probability, value).mean() for value in (0.2, 0.3, 0.4, 0.5)] == pytest.approx(
        [0.25] * 4, abs=0.02
    )
    assert chips.probability[-1, -1] == np.float32(0.5)
    assert np.array_equal(np.isnan(chips.change), chips.probability != np.float32(0.5))
    assert (chips.before.sensing_time, chips.after.sensing_time) == (BEFORE, AFTER)
    assert (chips.before.state == PixelState.VALID).all()


def test_chips_come_back_from_disk(tmp_path: Path) -> None:
    """Pixels, states, place and times survive, so that the picture can be drawn again from them alone."""
    event = make_event()
    chips = make_chips(event)

    hrefs = write_chips(tmp_path, alert_folder(event.id), chips)
    kept = read_chips(tmp_path, alert_folder(event.id))

    assert hrefs == tuple(f"alerts/{event.id}/{name}.tif" for name in ("before", "after", "probability", "change"))
    assert kept.geobox == chips.geobox
    assert (kept.before.sensing_time, kept.after.sensing_time) == (BEFORE, AFTER)
    assert np.array_equal(kept.change, chips.change, equal_nan=True)
    assert np.array_equal(kept.probability, chips.probability, equal_nan=True)
    assert np.array_equal(kept.before.state, chips.before.state)
    np.testing.assert_allclose(kept.before.reflectance, chips.before.reflectance, atol=5.1e-5)
    assert alert_picture(event, kept).startswith(b"\x89PNG")
    with rasterio.open(tmp_path / hrefs[1]) as dataset:
        assert dataset.crs.to_epsg() == 32654


def test_a_lost_chip_is_named(tmp_path: Path) -> None:
    """Missing evidence is an error with a remedy, not an empty picture."""
    event = make_event()
    write_chips(tmp_path, alert_folder(event.id), make_chips(event))
    (tmp_path / "alerts" / event.id / "after.tif").write_bytes(b"II*\0")

    with pytest.raises(BadAsset, match="backup"):
        read_chips(tmp_path, alert_folder(event.id))


def test_the_picture_is_kept_beside_the_chips(tmp_path: Path) -> None:
    """Its path is relative to the product folder."""
    assert write_picture(tmp_path, make_event(), b"png") == "alerts/atsuma-7f3a2c/alert.png"
    assert (tmp_path / "alerts/atsuma-7f3a2c/alert.png").read_bytes() == b"png"


def test_hidden_ground_is_never_a_colour_of_the_map() -> None:
    """NaN is striped by its reason: cloud, no data, or seen but not compared."""
    values = np.full((30, 30), 0.5, dtype=np.float32)
    values[:, :20] = np.nan
    state = np.zeros((30, 30), dtype=np.uint8)
    state[:, :10] = PixelState.CLOUD

    image = field(values, state, (300, 300), "YlOrBr", (0.0, 1.0))

    cloud = hidden(PixelState.CLOUD)
    for entry, part in ((cloud, image[:, :100]), (UNKNOWN, image[:, 100:200])):
        assert share(part, entry.ground) > 0.5
        assert share(part, entry.stripe) > 0.02
        assert share(part, entry.ground) + share(part, entry.stripe) == pytest.approx(1.0)
    assert len(np.unique(image[:, 200:].reshape(-1, 3), axis=0)) == 1


def test_the_ends_of_the_scale_are_the_ends_of_the_colour_map() -> None:
    """Beyond the limits the colour stays at the end; zero of a diverging map is almost white."""
    values = np.array([[-9.0, 0.0, 9.0]], dtype=np.float32)

    image = field(values, np.zeros((1, 3), dtype=np.uint8), (10, 30), "RdBu_r", (-1.0, 1.0))

    blue, white, red = (image[5, column].astype(int) for column in (5, 15, 25))
    assert blue[2] > blue[0] + 50
    assert red[0] > red[2] + 50
    assert white.min() > 235


def test_a_composite_shows_forest_and_scar_apart_whatever_the_haze() -> None:
    """Doubling the signal and adding haze per band gives the same picture: lost calibration does not matter."""
    chips = make_chips(make_event())
    hazy = replace(
        chips.after,
        reflectance=(chips.after.reflectance * 2 + np.array([0.02, 0.05, 0.1])[:, None, None]).astype(np.float32),
    )

    plain = composite(chips.after, (256, 256)).astype(int)
    through_haze = composite(hazy, (256, 256)).astype(int)

    assert plain[128, 128].min() > plain[200, 40].max() + 60
    assert np.abs(plain - through_haze).max() <= 2


@pytest.mark.parametrize("value", [float("nan"), 0.0, 0.3])
def test_a_composite_of_nothing_or_of_one_value_is_drawn(value: float) -> None:
    """All nodata, all black or all equal: a dull picture, no crash and no warning."""
    empty = RgbPatch(
        reflectance=np.full((3, 40, 40), value, dtype=np.float32),
        state=np.full((40, 40), PixelState.NODATA if np.isnan(value) else PixelState.VALID, dtype=np.uint8),
        sensing_time=AFTER,
    )

    image = composite(empty, (80, 80))

    assert share(image, hidden(PixelState.NODATA).ground) > 0.5 if np.isnan(value) else np.ptp(image) == 0


def test_the_first_reason_not_to_compare_wins() -> None:
    """Cloud now hides more than no data then: the newer look's reason is named."""
    now = np.array([[PixelState.VALID, PixelState.CLOUD, PixelState.VALID]], dtype=np.uint8)
    then = np.array([[PixelState.VALID, PixelState.NODATA, PixelState.SNOW]], dtype=np.uint8)

    assert worse_state(now, then).tolist() == [[PixelState.VALID, PixelState.CLOUD, PixelState.SNOW]]


def test_the_outline_lies_on_the_changed_ground() -> None:
    """Rings in panel fractions hit the middle of the chip with the event's own size."""
    event = make_event(outline(400, 300))
    geobox = chip_geobox(event.geometry, 32654)
    ring = rings(event.geometry, geobox)[0]
    side_m = geobox.shape[1] * geobox.transform.a

    assert np.ptp(ring[:, 0]) * side_m == pytest.approx(400, abs=1)
    assert np.ptp(ring[:, 1]) * side_m == pytest.approx(300, abs=1)
    assert ((ring.min(axis=0) + ring.max(axis=0)) / 2) == pytest.approx([0.5, 0.5], abs=10 / side_m)


@pytest.mark.parametrize("background", [0, 128, 255])
def test_the_outline_is_visible_on_dark_and_on_bright(background: int) -> None:
    """Whatever lies under it, some of its pixels differ strongly from the ground."""
    image = np.full((100, 100, 3), background, dtype=np.uint8)

    draw_rings([image], [np.array([[0.2, 0.5], [0.8, 0.5]])], 1.5)

    assert np.abs(image[40:60, 50].astype(int) - background).max() > 110
    assert (image[:40] == background).all()


def test_an_alert_picture_shows_event_status_and_what_was_not_seen() -> None:
    """1600 x 1200; stripes of cloud and no data are there; the badge of a test only on a test."""
    event = make_event()
    chips = make_chips(event)

    actual = pixels(alert_picture(event, chips, region=REGION, threshold=0.5))
    test = pixels(alert_picture(replace(event, status=AlertStatus.TEST), chips, region=REGION))

    assert actual.shape == (HEIGHT, WIDTH, 3)
    for state in (PixelState.CLOUD, PixelState.NODATA):
        assert share(actual, hidden(state).ground) > 1e-4
    assert share(actual, hidden(PixelState.SNOW).ground) == 0
    assert share(actual, TEST_BADGE) == 0
    assert share(test, TEST_BADGE) > 1e-3


def test_the_legend_says_what_could_not_be_told_from_cloud() -> None:
    """Without a cloud mask what is bright and white is cloud or snow; where nothing is hidden, nothing is said."""
    event = make_event()
    chips = make_chips(event)
    clear = replace(chips, after=replace(chips.after, state=np.zeros_like(chips.after.state)))

    def differs(shown: Chips) -> bool:
        return alert_picture(event, shown) != alert_picture(event, replace(shown, mask_source="bright-white"))

    assert differs(chips)
    assert not differs(clear)


def test_the_dates_of_a_panel_name_all_its_looks() -> None:
    """A second look in the panel, another state or other evidence is another picture."""
    event = make_event()
    chips = make_chips(event)
    plain = alert_picture(event, chips)

    assert alert_picture(event, replace(chips, before=replace(chips.before, other_time=BEFORE - timedelta(5)))) != plain
    assert alert_picture(replace(event, state=EventState.REFUTED), chips) != plain
    assert alert_picture(replace(event, evidence=event.evidence[:1]), chips) != plain


@pytest.mark.parametrize("state", EventState)
@pytest.mark.parametrize("detector", [one for one in Detector if one is not Detector.TILE])  # a tile has no outline
def test_every_state_and_detector_can_be_drawn(state: EventState, detector: Detector) -> None:
    """No combination lacks a colour, a title or a unit; long reasons and large events fit too."""
    event = replace(
        make_event(outline(3000, 2500), 750.0),
        state=state,
        detector=detector,
        confidence_reason="one look; " * 30,
        evidence=(),
    )

    assert alert_picture(event, make_chips(event)).startswith(b"\x89PNG")


def test_pictures_are_the_same_from_many_threads() -> None:
    """Figures share no state: drawn side by side they are what they are alone."""
    event = make_event()
    chips = make_chips(event)
    alone = alert_picture(event, chips)

    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda _: alert_picture(event, chips), range(3)))

    assert all(png == alone for png in together)


@pytest.mark.parametrize(
    ("metres", "length"), [(320, 200), (500, 500), (499.9, 200), (1000, 1000), (2600, 2000), (0.7, 0.5)]
)
def test_a_scale_bar_has_a_round_length(metres: float, length: float) -> None:
    """1, 2 or 5 times a power of ten, not longer than the room."""
    assert round_length(metres) == pytest.approx(length)


def test_numbers_are_written_as_people_read_them() -> None:
    """Hectares by size, hemispheres by letter."""
    assert [hectares(area) for area in (0.123, 1.234, 99.94, 1383.1)] == ["0.12 ha", "1.2 ha", "99.9 ha", "1,383 ha"]
    assert place(-42.73021, -141.92741) == "42.7302° S, 141.9274° W"
