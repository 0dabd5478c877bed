"""What a network of pairs is fed, and where it may speak."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.core.grid import neighbour
from monitor.inputs import Input, Method
from monitor.looking import Instruments, Network, Stopwatch
from monitor.pairing import PairNetwork, pair_network
from monitor.records import Asset, Bands, Look, ModelCard, PixelState, SceneItem, Sensor, Terrain, Tile
from tests.adapters.store.factories import acquisition as an_acquisition

TILE = Tile(epsg=32633, column=200, row=2000)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
Array = NDArray[np.float32]


class Ear:
    """An engine that keeps what it hears and answers with its first channel, squeezed to 0-1."""

    name = "ear"

    def __init__(self) -> None:
        self.heard: list[Array] = []

    def predict(self, windows: Array) -> Array:
        """The first channel."""
        self.heard.append(windows[0])
        return np.clip(windows[:, 0], 0.0, 1.0)


class Slopes:
    """Ground of 30 degrees everywhere."""

    def read(self, _tile: Tile) -> Terrain:
        """Terrain."""
        flat = np.full((256, 256), 30.0, np.float32)
        return Terrain(elevation_m=flat, slope_deg=flat, tri_m=flat)

    known = read


class NoImages:
    """Never read: looks are at hand."""

    def read(self, items: Sequence[SceneItem], bands: Sequence[str], tile: Tile) -> Bands:
        """Nothing."""
        raise AssertionError(f"{tile} of {items} read for {bands}")


def card(names: Sequence[str], inputs: Sequence[Input] = (), sensor: Sensor = Sensor.OPTICAL) -> ModelCard:
    """A model of pairs without flips and rim."""
    return ModelCard(
        name="pairs",
        version="pairs-1",
        task="change",
        sensor=sensor,
        bands=tuple(names),
        channels=len(names),
        normalisation="per-input" if inputs else "median-lower-spread",
        window_px=272,
        crop_px=8,
        resolution_m=10.0,
        flips=("identity",),
        threshold=0.5,
        simulated=False,
        sha256="",
        weights="",
        inputs=tuple(inputs),
    )


def pairs(of: ModelCard, hold: Callable[[], None] = lambda: None) -> tuple[PairNetwork, Ear]:
    """The network, asked about a pass of VV and VH where it is one of radar; and what it hears."""
    ear = Ear()
    tools = Instruments(network=Network(card=of, engine=ear), images=NoImages(), terrain=Slopes())
    made = an_acquisition(1, sensor=of.sensor)
    both = replace(made.items[0], assets={name: Asset(href=name) for name in ("vv", "vh")})
    found = pair_network(tools, replace(made, items=(both,)), Stopwatch(), hold)
    assert found is not None
    return found, ear


def look(day: int, value: float, tile: Tile = TILE, hidden: slice | None = None) -> Look:
    """A look `day` days after NOW whose ground varies around a value in every band, some rows of it under cloud."""
    rng = np.random.default_rng(abs(day))
    pixels = (value * rng.uniform(0.8, 1.2, (3, 256, 256))).astype(np.float32)
    state = np.full((256, 256), PixelState.VALID, np.uint8)
    if hidden is not None:
        state[hidden] = PixelState.CLOUD
    nothing = np.full((256, 256), np.nan, np.float32)
    return Look(
        tile=tile,
        acquisition_id=f"pass{day}_v1",
        sensing_time=NOW + timedelta(days=day),
        probability=nothing,
        spread=nothing,
        pixels=pixels,
        state=state,
    )


FIXED = tuple(
    Input(name=f"B04{date}", method=Method.FIXED, center=0.0, scale=1.0) for date in ("", ":before", ":before2")
)


def test_each_pixel_has_its_own_newest_dates() -> None:
    """Where a cloud hides the last look, the one before takes its place, and the third that one's."""
    asked, ear = pairs(card([one.name for one in FIXED], FIXED))
    now, last, older, oldest = look(0, 0.4), look(-5, 0.1, hidden=slice(0, 100)), look(-10, 0.2), look(-15, 0.3)
    answer = asked.answer({TILE: now}, {TILE: [older, oldest, last]})[TILE]
    newest, before, before2 = ear.heard[0][:, 8:-8, 8:-8]
    np.testing.assert_array_equal(newest, now.pixels[0])
    np.testing.assert_array_equal(before[100:], last.pixels[0, 100:])
    np.testing.assert_array_equal(before[:100], older.pixels[0, :100])
    np.testing.assert_array_equal(before2[100:], older.pixels[0, 100:])
    np.testing.assert_array_equal(before2[:100], oldest.pixels[0, :100])
    np.testing.assert_array_equal(answer.probability, np.clip(now.pixels[0], 0, 1))


def test_hidden_ground_is_unknown_on_every_date() -> None:
    """What one date lacks is 0 in all channels, and nothing is said of it; nor of a lake that sank."""
    asked, ear = pairs(card([one.name for one in FIXED], FIXED))
    now, last, older = look(0, 0.4, hidden=slice(0, 10)), look(-5, 0.1, hidden=slice(20, 30)), look(-10, 0.2)
    last.state[200:210] = PixelState.WATER
    answer = asked.answer({TILE: now}, {TILE: [last, older]})[TILE]
    heard = ear.heard[0][:, 8:-8, 8:-8]
    assert (heard[:, :10] == 0).all()
    assert (heard[:, 20:30] == 0).all()
    assert (heard[:, 200:210] > 0).all(), "the network may see that there was water"
    assert (ear.heard[0][:, :8] == 0).all(), "beyond the looks nothing is known"
    silent = np.isnan(answer.probability).all(axis=1)
    assert set(np.flatnonzero(silent)) == {*range(10), *range(20, 30), *range(200, 210)}
    assert (np.isnan(answer.spread) == np.isnan(answer.probability)).all()


def test_too_few_earlier_looks_are_no_answer() -> None:
    """Two dates before are wanted: of one look there are none, and half of a second gives half an answer."""
    asked, ear = pairs(card([one.name for one in FIXED], FIXED))
    assert asked.earlier == 2
    assert asked.answer({TILE: look(0, 0.4)}, {TILE: [look(-5, 0.1)]}) == {}
    assert asked.answer({TILE: look(0, 0.4)}, {TILE: []}) == {}
    assert ear.heard == []
    half = asked.answer({TILE: look(0, 0.4)}, {TILE: [look(-5, 0.1), look(-10, 0.1, hidden=slice(0, 128))]})
    assert np.isfinite(half[TILE].probability).mean() == 0.5


def test_each_date_is_seen_against_its_own_ground() -> None:
    """Light of another day is none: twice as bright is the same ground, pixel by pixel of whatever date."""
    names = ("B04", "B03", "B02", "B04:before", "B03:before", "B02:before")
    asked, ear = pairs(card(names))
    now = look(0, 0.1)
    dates = [look(-5, 0.1, hidden=slice(0, 128)), look(-10, 0.1)]
    for factor, date in zip((2.0, 0.5), dates, strict=True):
        date.pixels[:] = factor * now.pixels
    asked.answer({TILE: now}, {TILE: dates})
    # The half look's own ground is described by fewer pixels: nearly the same numbers.
    np.testing.assert_allclose(ear.heard[0][3:], ear.heard[0][:3], atol=0.05)
    assert ear.heard[0][:3].std() > 0.3


def test_the_lease_is_held_block_by_block() -> None:
    """While a network is asked for an hour, nobody else takes the acquisition over."""
    heard: list[int] = []
    asked, ear = pairs(card([one.name for one in FIXED], FIXED), lambda: heard.append(len(ear.heard)))
    tiles = [TILE, neighbour(TILE, 1, 0), neighbour(TILE, 4, 0), neighbour(TILE, 8, 0)]
    before = {tile: [look(-5, 0.1, tile), look(-10, 0.1, tile)] for tile in tiles}
    asked.answer({tile: look(0, 0.4, tile) for tile in tiles}, before)
    assert heard == [2, 3, 4]


@pytest.mark.parametrize("lacking", ["the frozen looks", "the newest look", "one look of two"])
def test_all_dates_are_seen_against_the_same_tiles(lacking: str) -> None:
    """Neighbours three times as bright that some dates do not show change nothing: nor do frozen tiles of one event."""
    names = [f"{band}{date}" for date in ("", ":before", ":before2") for band in ("B04", "B03", "B02")]
    asked, ear = pairs(card(names))
    around = [neighbour(TILE, columns, down) for columns in (-1, 0, 1) for down in (-1, 0, 1)]
    bright = [replace(look(1, 0.3), tile=tile) for tile in around if tile != TILE]
    home = look(0, 0.1)
    now = {TILE: home, **{one.tile: one for one in bright}}
    dates = [replace(home, acquisition_id=f"pass-{day}_v1", sensing_time=NOW - timedelta(days=day)) for day in (5, 10)]
    earlier = {TILE: dates}
    if lacking != "the frozen looks":
        earlier |= {
            one.tile: [replace(one, acquisition_id=date.acquisition_id) for date in dates[: 2 - (lacking[0] == "o")]]
            for one in bright
        }
    asked.answer({TILE: home} if lacking == "the newest look" else now, earlier)
    (heard,) = ear.heard
    np.testing.assert_allclose(heard[3:6], heard[:3], atol=1e-5)
    np.testing.assert_allclose(heard[6:], heard[:3], atol=1e-5)


def test_radar_is_fed_date_by_date() -> None:
    """Power of every polarisation in decibels, ratios too, in the order of the card."""
    names = ("vv", "ratio:before", "vh:before")
    inputs = [Input(name=name, method=Method.DECIBEL, center=-10.0, scale=2.0) for name in names]
    asked, ear = pairs(card(names, inputs, Sensor.SAR))
    now, last = (replace(one, pixels=one.pixels[:2], sensor=Sensor.SAR) for one in (look(0, 0.1), look(-12, 0.05)))
    asked.answer({TILE: now}, {TILE: [last]})
    decibels = [now.pixels[0], last.pixels[0] / last.pixels[1], last.pixels[1]]
    expected = (10.0 * np.log10(np.stack(decibels)) + 10.0) / 2.0
    np.testing.assert_allclose(ear.heard[0][:, 8:-8, 8:-8], expected, rtol=1e-4, atol=1e-4)
