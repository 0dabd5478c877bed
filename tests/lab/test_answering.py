"""Every model that is fit answers an image of any size; what it cannot know it says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.landslide4sense import BANDS
from monitor.core.features import VISIBLE, context_statistics, normalise
from monitor.core.land_cover import WorldCover
from monitor.errors import InputFault
from monitor.lab.answering import _mirrored, ask, cautions, figures, unfit
from monitor.lab.bench import Bench
from monitor.lab.image import Image
from monitor.lab.uploads import read_upload
from monitor.ports import Engine
from monitor.records import ModelCard, PixelState
from tests.lab.files import geotiff, ground
from tests.lab.models import FUSED, PAIRS, RGB, Redness


def _image(side: int = 64, **changes: object) -> Image:
    image = read_upload("a.tif", geotiff(ground(side=side), VISIBLE))
    return replace(image, **changes)  # type: ignore[arg-type]


def test_a_model_that_lacks_bands_is_told_with_why() -> None:
    """Red, green and blue are enough for one of three, and none is asked for what an image cannot show."""
    assert unfit(RGB, VISIBLE) == ""
    assert unfit(RGB, BANDS) == ""
    assert unfit(RGB, ("B08", "B04")) == "needs B03, B02, which are not here"
    assert unfit(PAIRS, BANDS) == "compares two dates, and this shows one"
    assert unfit(FUSED, (*VISIBLE, "B08", "tri")) == "needs land_cover:esa-worldcover, which is not here"
    assert unfit(FUSED, (*VISIBLE, "NDVI", "tri", "land_cover:esa-worldcover")) == ""


def test_ratios_of_radar_want_both_polarisations() -> None:
    """Power is never taken from a band called ratio."""
    radar = replace(RGB, bands=("vv", "ratio"))
    assert unfit(radar, ("vv", "ratio")) == "needs vh, which is not here"
    assert unfit(radar, ("vh", "vv")) == ""


def test_a_scar_is_brighter_than_the_ground_around() -> None:
    """Seen against the median and lower spread of the image itself, as training sees chips; flips agree exactly."""
    image = _image()
    answer = ask(Redness(), RGB, image)
    stats = context_statistics(image.pixels, None)
    assert stats is not None
    expected = normalise(image.pixels, stats.center[:, None, None], stats.scale[:, None, None])[0]
    found = np.log(answer.probability / (1 - answer.probability))
    assert np.abs(found - expected).mean() < 0.1  # the service thins the ground it describes
    assert answer.mask(0.9)[24:40, 24:40].all()
    assert (answer.spread < 1e-6).all()
    assert (answer.model, answer.version, answer.threshold) == ("tiny-rgb", "tiny-rgb-1", 0.6)


@pytest.mark.parametrize("shape", [(40, 300), (256, 257), (520, 31)])
def test_images_of_any_shape_are_answered_whole(shape: tuple[int, int]) -> None:
    """Tile by tile, in windows of the card; no pixel is left out and none is said twice."""
    pixels = np.random.default_rng(2).normal(0.1, 0.02, (3, *shape)).astype(np.float32)
    network = Redness()
    done: list[float] = []
    answer = ask(network, RGB, read_upload("a.tif", geotiff(pixels, VISIBLE)), done.append)
    assert answer.probability.shape == answer.spread.shape == shape
    assert np.isfinite(answer.probability).all()
    tiles = -(-shape[0] // 256) * -(-shape[1] // 256)
    assert {window.shape for window in network.fed} == {(3, 320, 320)}
    assert len(network.fed) == 4 * tiles
    assert done == [place / tiles for place in range(tiles)]
    # The answer is of the pixel itself: brighter is more likely, also across the borders of tiles.
    rows, columns = np.unravel_index(pixels[0].argsort(axis=None), shape)
    assert (np.diff(answer.probability[rows, columns]) > -0.05).all()


def test_what_was_not_observed_has_no_answer() -> None:
    """NaN under clouds and outside; the network is fed 0 there, and the mask is empty."""
    image = _image(128)
    state = image.state.copy()
    state[:40] = PixelState.CLOUD
    pixels = image.pixels.copy()
    pixels[:, -20:] = np.nan
    network = Redness()
    answer = ask(network, RGB, replace(image, state=state, pixels=pixels))
    hidden = np.zeros((128, 128), dtype=bool)
    hidden[:40], hidden[-20:] = True, True
    assert (np.isnan(answer.probability) == hidden).all()
    assert (np.isnan(answer.spread) == hidden).all()
    assert not answer.mask(0.0)[hidden].any()
    assert all(np.isfinite(window).all() for window in network.fed)


def test_too_little_ground_is_no_ground() -> None:
    """499 pixels describe nothing."""
    pixels = np.full((3, 64, 64), np.nan, dtype=np.float32)
    pixels[:, :7, :] = 0.1
    pixels[:, 7, :51] = 0.1
    with pytest.raises(InputFault, match="only 499 pixels are observed"):
        ask(Redness(), RGB, replace(_image(), pixels=pixels))


def test_every_input_of_a_card_is_made_of_the_image() -> None:
    """An index of its bands, terrain in metres, classes one by one: what the network is fed is what the card says."""
    layers = ground(5)
    layers[3] = 0.3
    layers[4] = 14.0
    classes = np.full((1, 64, 64), WorldCover.CROPLAND, dtype=np.float32)
    names = (*VISIBLE, "B08", "tri", "land_cover:esa-worldcover")
    image = read_upload("a.tif", geotiff(np.concatenate([layers, classes]), names))
    network = Redness()
    answer = ask(network, FUSED, image)
    fed = network.fed[0][:, 32:96, 32:96]
    assert fed.shape == (16, 64, 64)
    red = image.of(("B04",))[0]
    np.testing.assert_allclose(fed[3], ((0.3 - red) / (0.3 + red) - 0.5) / 0.2, rtol=1e-3)
    np.testing.assert_allclose(fed[4], 1.0)
    assert [bool(layer.all()) for layer in fed[5:]] == [one is WorldCover.CROPLAND for one in WorldCover]
    assert answer.simulated


def test_doubts_are_told_where_they_matter() -> None:
    """A scaled image is nothing to a model that sees everything against its ground, and much to one of reflectance."""
    scaled = _image(scaled="Its values are scaled.")
    assert cautions(RGB, scaled) == ()
    assert cautions(RGB, replace(scaled, pixel_ha=0.09)) == ("Pixels of 30 m, but the network knows ground at 10 m.",)
    assert cautions(RGB, _image(simulated=True)) == ("The scene is SIMULATED.",)
    assert ask(Redness(), RGB, _image(simulated=True)).simulated
    first, second = cautions(FUSED, scaled)
    assert first.startswith("Trained on SIMULATED data")
    assert second == "Its values are scaled. This model wants absolute values of NDVI, tri."


def test_8_bit_ties_are_undone_the_same_way_every_time() -> None:
    """As in training: noise of half a step, never of more, and an answer that comes out again."""
    flat = np.full((3, 64, 64), 90, dtype=np.uint8)
    flat[:, ::2] = 110
    image = read_upload("a.tif", geotiff(flat, VISIBLE))
    first, again = (ask(Redness(), RGB, image).probability for _ in range(2))
    assert len(np.unique(first[0])) > 40
    np.testing.assert_array_equal(first, again)


def test_figures_are_of_what_was_seen() -> None:
    """Shares of observed pixels, areas of the image's own pixels."""
    answer = ask(Redness(), RGB, _image())
    said = np.full((64, 64), 0.7, dtype=np.float32)
    said[:, :32] = np.nan
    half = replace(answer, probability=said)
    found = figures(half, 0.6, 0.04)
    assert found.share == 1.0
    assert found.area_ha == pytest.approx(64 * 32 * 0.04)
    assert figures(half, 0.8, 0.04).area_ha == 0
    nothing = replace(answer, probability=np.full((64, 64), np.nan, dtype=np.float32))
    assert figures(nothing, 0.5, 0.01).highest == 0.0


def test_one_engine_is_open_at_a_time() -> None:
    """The next is opened when another model is asked, and kept while the same one is."""
    opened: list[str] = []

    def opening(card: ModelCard, _threads: int, _provider: str) -> Engine:
        opened.append(card.name)
        return Redness()

    bench = Bench(1, "cpu", opening)
    other = replace(RGB, name="other", sha256="1" * 64)
    for card in (RGB, RGB, other, RGB):
        bench.ask(card, _image(), float)
    assert opened == ["tiny-rgb", "other", "tiny-rgb"]


@given(place=st.integers(-5000, 5000), size=st.integers(1, 300))
def test_mirrors_lead_back_into_the_image(place: int, size: int) -> None:
    """A place inside is itself; the first beyond an edge is the edge again; neighbours stay neighbours."""
    near, here, far = _mirrored(np.array([place - 1, place, place + 1]), size).tolist()
    assert 0 <= here < size
    assert abs(near - here) <= 1
    assert abs(far - here) <= 1
    if 0 <= place < size:
        assert here == place
    assert _mirrored(np.array([-1, size]), size).tolist() == [0, size - 1]
