"""What a watch has kept is shown as it was, and what is not kept is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.config import load
from monitor.core.features import VISIBLE
from monitor.core.grid import tile_geobox
from monitor.errors import BadAsset, ConfigError
from monitor.lab.answering import ask
from monitor.lab.bench import kept_passes
from monitor.lab.stored import read_stored, stored_tiles
from monitor.records import PixelState
from tests.adapters.store.factories import TILE
from tests.lab.kept import DONE, MODEL, WITHOUT_LOOK, look, watch
from tests.lab.models import RGB, Redness

CARD = replace(RGB, name="scar-rgb-noiburi", version=MODEL, threshold=0.448)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A watch that nobody changes."""
    return watch(tmp_path_factory.mktemp("watch"))


def test_done_acquisitions_with_products_are_listed(config: Path) -> None:
    """By region, sensor and time; what waits is not among them, nor what has no products any more."""
    settings = load(config)
    (found,) = kept_passes(settings)
    assert (found.region, found.id, found.version) == ("atsuma", DONE.id, MODEL)
    assert found.title.startswith("2018-09-04 01:02 UTC, optics (")
    tiles = stored_tiles(settings.products, found)
    assert [(one.tile, one.look is not None) for one in tiles] == [(TILE, True), (WITHOUT_LOOK, False)]


def test_a_kept_look_is_shown_as_it_was(config: Path) -> None:
    """Pixels, clouds, place and answer; and another model can be asked about its pixels."""
    settings = load(config)
    (found,) = kept_passes(settings)
    image, answer = read_stored(settings.products, found, stored_tiles(settings.products, found)[0], [CARD])
    one = look()
    assert image.bands == VISIBLE
    np.testing.assert_array_equal(image.pixels, one.pixels)
    assert (image.state == PixelState.CLOUD).sum() == 40 * 60
    assert image.ground is not None
    assert (image.ground.crs.to_epsg(), image.ground.transform) == (TILE.epsg, tile_geobox(TILE).transform)
    assert answer is not None
    np.testing.assert_array_equal(answer.probability, one.probability)
    assert (answer.model, answer.threshold, answer.cautions) == ("scar-rgb-noiburi", 0.448, ())
    again = ask(Redness(), RGB, image)
    assert (np.isnan(again.probability) == (image.state != PixelState.VALID)).all()


def test_a_simulated_scene_says_so_whoever_looked(config: Path) -> None:
    """Also in the answers of models that are asked now, and so in what is taken away."""
    settings = load(config)
    found = replace(kept_passes(settings)[0], simulated=True)
    image, answer = read_stored(settings.products, found, stored_tiles(settings.products, found)[0], [CARD])
    assert answer is not None
    assert answer.simulated
    assert answer.cautions == ("The scene is SIMULATED.",)
    assert ask(Redness(), RGB, image).cautions == ("The scene is SIMULATED.",)


def test_without_a_look_the_products_speak(config: Path) -> None:
    """In their steps of 0.004; no pixels, which is said; nobody can be asked again."""
    settings = load(config)
    (found,) = kept_passes(settings)
    image, answer = read_stored(settings.products, found, stored_tiles(settings.products, found)[1], [])
    assert (image.bands, image.shape) == ((), (256, 256))
    assert "its pixels cannot be shown" in image.notes[0]
    assert answer is not None
    np.testing.assert_allclose(answer.probability, look().probability, atol=0.0021)
    np.testing.assert_allclose(answer.spread, look().spread, atol=0.0011)
    assert answer.threshold == 0.5
    assert f"No model of version {MODEL} is at hand" in answer.cautions[0]


def test_a_watch_without_a_database_says_so(tmp_path: Path) -> None:
    """As every command does."""
    path = tmp_path / "config.yaml"
    path.write_text("regions: {}\n")
    with pytest.raises(ConfigError, match="database"):
        kept_passes(load(path))


def test_what_is_gone_meanwhile_is_told(tmp_path: Path) -> None:
    """A look or product that somebody removed after it was listed."""
    settings = load(watch(tmp_path))
    (found,) = kept_passes(settings)
    tiles = stored_tiles(settings.products, found)
    assert tiles[0].look is not None
    (settings.products / tiles[0].look).unlink()
    for path in (settings.products / "regions" / "atsuma" / DONE.id).glob("*.tif"):
        path.unlink()
    for tile in tiles:
        with pytest.raises(BadAsset, match="gone"):
            read_stored(settings.products, found, tile, [])
