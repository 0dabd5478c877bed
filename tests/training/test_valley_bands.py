"""Chips of simulated valleys with near and shortwave infrared beside red, green and blue."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from monitor.errors import ConfigError
from monitor.inputs import Input, Method
from monitor.records import Sensor
from training.layers import fed
from training.samples import LANDSLIDE
from training.simulated.chips import load_simulated
from training.simulated.valley_command import describe_valleys, make_valley, order_of, parse_bands
from training.simulated.valley_files import file_of, open_valley
from training.studies.events import study

NAMES = ("B04", "B03", "B02", "B08", "B11")
ORDER = order_of(160, quiet=1, after=2, further=("B08", "B11"))


@pytest.fixture(scope="module")
def valleys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one valley of one chip."""
    folder = tmp_path_factory.mktemp("valleys")
    make_valley(folder, 1, ORDER)
    return folder


def test_chips_hold_the_bands_that_were_asked_for(valleys: Path) -> None:
    """Near and shortwave infrared of plants, on 10 m; what was not asked for is not there, and the remedy says how."""
    valley = open_valley(file_of(valleys, 1))
    assert valley.bands(Sensor.OPTICAL) == NAMES
    optical = [view for view in valley.views if view.sensor == Sensor.OPTICAL.value]
    red, near, short = (valley.layer(name, optical[0]).astype(float) for name in ("B04", "B08", "B11"))
    assert red.shape == near.shape == short.shape
    seen = np.isfinite(red)
    assert (np.isfinite(near) == seen).all()
    assert np.median(near[seen]) > 4 * np.median(red[seen])
    assert np.median(red[seen]) < np.median(short[seen]) < np.median(near[seen])
    with pytest.raises(ConfigError, match="no layer B05") as caught:
        valley.layer("B05", optical[0])
    assert "--bands B05" in caught.value.remedy
    assert describe_valleys(valleys).bands[:5] == NAMES


def test_a_network_can_be_fed_with_them(valleys: Path) -> None:
    """Scars stand out against the ground around them in red and shortwave, while near infrared is that of forest."""
    inputs = tuple(Input(name=name, method=Method.CONTEXT) for name in NAMES)
    samples = load_simulated(valleys, inputs)
    assert samples.bands == NAMES
    slid = [number for number, labels in enumerate(samples.labels) if (labels == LANDSLIDE).sum() > 50]
    assert slid
    for number in slid:
        features = fed(NAMES, inputs, samples.pixels[number].astype(np.float32))
        scars = samples.labels[number] == LANDSLIDE
        red, near, short = (float(np.median(features[place][scars])) for place in (0, 3, 4))
        assert red > short > 0.5 > near > -0.5, "0 is the ground around, 1 its darker half's spread"


def test_an_index_is_made_of_its_bands(valleys: Path) -> None:
    """Of the same look, before and after; scars have lost their plants."""
    names = ("NDVI", "NDVI:before", "B08", "B04")
    samples = load_simulated(valleys, [Input(name=name, method=Method.FIXED) for name in names])
    index, before, near, red = (samples.pixels[:, place].astype(np.float32) for place in range(4))
    seen = np.isfinite(index) & np.isfinite(before)
    np.testing.assert_allclose(index[seen], ((near - red) / (near + red))[seen], atol=2e-3)
    scars = seen & (samples.labels == LANDSLIDE)
    assert np.median(index[scars]) < np.median(before[scars]) - 0.2
    with pytest.raises(ConfigError, match="no layer B12"):
        load_simulated(valleys, [Input(name="NBR", method=Method.FIXED)])


@pytest.mark.parametrize("name", ["ndvi", "gamma-1-1"])
def test_rows_of_the_study_of_events_can_be_fed_with_valleys(valleys: Path, name: str) -> None:
    """Looks before the storm beside looks after it, with what slid between them; channels lie about 0–1."""
    here = next(row.here for row in study().rows if row.name == name)
    assert here is not None
    samples = load_simulated(valleys, here.data.fed)
    assert samples.bands == here.data.bands
    assert (samples.labels == LANDSLIDE).sum() > 50
    channels = fed(samples.bands, samples.inputs, samples.pixels[0].astype(np.float32))
    assert len(channels) == here.data.channels
    assert -0.2 < np.quantile(channels, 0.02) < np.quantile(channels, 0.98) < 1.1


def test_without_them_a_valley_is_what_it_was(valleys: Path, tmp_path: Path) -> None:
    """A valley made before there were further bands is kept; one with other bands is not mixed in."""
    old = {key: value for key, value in order_of(160, quiet=1, after=2).items() if key != "further_bands"}
    del old["story"]["ten_bands"]
    with h5py.File(file_of(tmp_path, 1), "w") as file:
        file.attrs["seed"], file.attrs["order"], file.attrs["views"] = 1, json.dumps(old), "[]"
    assert make_valley(tmp_path, 1, order_of(160, quiet=1, after=2)) == "kept"
    assert open_valley(file_of(tmp_path, 1)).bands(Sensor.OPTICAL) == ("B04", "B03", "B02")
    with pytest.raises(ConfigError, match="bands"):
        make_valley(tmp_path, 1, ORDER)
    assert make_valley(valleys, 1, ORDER) == "kept"


def test_bands_are_named_with_commas() -> None:
    """Each once, in one order, so that two ways of writing them are one order; a strange one is refused."""
    assert parse_bands("") == ()
    assert parse_bands("B12, B08,B12") == ("B08", "B12")
    with pytest.raises(ConfigError, match="B02, B99 cannot be added"):
        parse_bands("B08,B99,B02")
