"""Everything a card can ask for, in the order in which it asks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.features import (
    INDICES,
    OPTICAL_BANDS,
    Sources,
    bands_to_read,
    build_features,
    channels_of,
    context_layers,
    inputs_of,
    methods_for,
    normalise,
)
from monitor.core.land_cover import CLASSES, Scheme, land_cover, one_hot
from monitor.inputs import Input, Method
from monitor.records import ModelCard, Sensor, Terrain

Array = NDArray[np.float32]
SHAPE = (24, 32)
RGB = ("B04", "B03", "B02")
JAXA = "land_cover:jaxa-hrlulc"
FIXED = {"tri": (8.0, 6.0), "slope": (20.0, 15.0), "elevation": (500.0, 400.0), "ratio": (6.0, 3.0)}

# seeds: the eight input configurations of the Hiroshima study, and its numbers of channels.
CONFIGURATIONS = [
    ("a", RGB, 3),
    ("b", (*RGB, "tri"), 4),
    ("c", (*RGB, JAXA), 18),
    ("d", (*RGB, "tri", JAXA), 19),
    ("e", ("vv",), 1),
    ("f", ("vv", "tri"), 2),
    ("g", ("vv", JAXA), 16),
    ("h", ("vv", "tri", JAXA), 17),
]


def an_input(name: str) -> Input:
    """An input as a card would state it, by the first method there is for it."""
    center, scale = FIXED.get(name, (-12.0, 4.0) if name in ("vv", "vh") else (0.0, 1.0))
    return Input(name=name, method=methods_for(name)[0], center=center, scale=scale)


def sources(seed: int = 0) -> Sources:
    """Ground with every layer there is; one pixel was not observed, one has no elevation, one no class."""
    rng = np.random.default_rng(seed)
    bands = {name: rng.uniform(0.02, 0.4, SHAPE).astype(np.float32) for name in (*OPTICAL_BANDS, "vv", "vh")}
    for band in bands.values():
        band[3, 4] = np.nan
    layers = [rng.uniform(0, 40, SHAPE).astype(np.float32) for _ in range(3)]
    for layer in layers:
        layer[5, 6] = np.nan
    classes = rng.integers(1, 16, SHAPE).astype(np.uint8)
    classes[7, 8] = 99
    return Sources(
        bands=bands,
        terrain=Terrain(elevation_m=layers[0], slope_deg=layers[1], tri_m=layers[2]),
        land_cover=one_hot(land_cover(classes, Scheme.JAXA_HRLULC), Scheme.JAXA_HRLULC),
    )


def context(inputs: tuple[Input, ...]) -> tuple[Array, Array] | None:
    """Some centre and scale for the inputs that need them."""
    count = sum(one.method is Method.CONTEXT for one in inputs)
    center = np.linspace(0.05, 0.2, count, dtype=np.float32)[:, None, None]
    return (center, center / np.float32(3)) if count else None


@pytest.mark.parametrize(("letter", "names", "channels"), CONFIGURATIONS, ids=[row[0] for row in CONFIGURATIONS])
def test_the_eight_configurations(letter: str, names: tuple[str, ...], channels: int) -> None:
    """Each has its number of channels, each channel the values of its own input, whatever else is beside it."""
    inputs, given = tuple(map(an_input, names)), sources()
    built = build_features(inputs, given, context(inputs))
    assert built.shape == (channels, *SHAPE) == (sum(map(channels_of, names)), *SHAPE)
    assert built.dtype == np.float32
    assert np.isfinite(built).all()
    first = 0
    for name in names:
        part = built[first : first + channels_of(name)]
        first += channels_of(name)
        if name in RGB:
            statistics, place = context(inputs), RGB.index(name)
            assert statistics is not None
            center, scale = statistics
            expected = normalise(given.bands[name][None], center[place], scale[place])
        elif name == "tri":
            assert given.terrain is not None
            expected = np.nan_to_num((given.terrain.tri_m - np.float32(8)) / np.float32(6))[None]
        elif name == "vv":
            decibel = np.float32(10) * np.log10(given.bands["vv"])
            expected = np.nan_to_num((decibel + np.float32(12)) / np.float32(4))[None]
        else:
            assert given.land_cover is not None
            expected = given.land_cover
        np.testing.assert_allclose(part, expected, rtol=1e-5, atol=1e-6, err_msg=f"{letter}: {name}")


@given(seed=st.integers(0, 50), order=st.permutations(list(RGB)))
def test_a_card_of_bands_alone_is_normalised_as_ever(seed: int, order: list[str]) -> None:
    """To the bit: the shipped networks see what they were trained on."""
    inputs = tuple(Input(name=name, method=Method.CONTEXT) for name in order)
    given = sources(seed)
    stack = np.stack([given.bands[name] for name in order])
    center, scale = np.broadcast_to(np.float32(0.1), stack.shape), np.broadcast_to(np.float32(0.03), stack.shape)
    assert build_features(inputs, given, (center, scale)).tobytes() == normalise(stack, center, scale).tobytes()
    assert context_layers(inputs, given.bands).tobytes() == stack.tobytes()


def test_absolute_size_is_kept() -> None:
    """Twice as steep is twice as far from level: a fixed input is not seen against the ground around it."""
    slope = (Input(name="slope", method=Method.FIXED, center=0.0, scale=10.0),)
    for degrees in (5.0, 20.0, 40.0):
        flat = np.full(SHAPE, degrees, np.float32)
        terrain = Terrain(elevation_m=flat, slope_deg=flat, tri_m=flat)
        np.testing.assert_allclose(build_features(slope, Sources(terrain=terrain)), degrees / 10)


@pytest.mark.parametrize(("name", "expected"), [("NDVI", 0.5), ("NDWI", -0.5), ("NDMI", 0.2), ("NBR", 0.6)])
def test_indices(name: str, expected: float) -> None:
    """Normalised differences by hand; where both bands are dark there is none."""
    values = {"B08": 0.3, "B04": 0.1, "B03": 0.1, "B11": 0.2, "B12": 0.075}
    bands = {band: np.full(SHAPE, value, np.float32) for band, value in values.items()}
    for band in bands.values():
        band[0, 0] = 0.0
    one = (Input(name=name, method=Method.FIXED, center=0.0, scale=1.0),)
    built = build_features(one, Sources(bands=bands))
    np.testing.assert_allclose(built[0, 1:], expected, atol=1e-6)
    assert built[0, 0, 0] == 0


def test_dates_of_optics() -> None:
    """A band or an index of an earlier date is made of that date's bands; the ground below has no dates."""
    bands = {"B08": 0.3, "B04": 0.1, "B08:before": 0.3, "B04:before": 0.2}
    inputs = tuple(Input(name=name, method=Method.FIXED, scale=0.5) for name in ("NDVI", "NDVI:before", "B04:before"))
    built = build_features(inputs, Sources(bands={name: np.full(SHAPE, v, np.float32) for name, v in bands.items()}))
    np.testing.assert_allclose(built[:, 0, 0], (1.0, 0.4, 0.4), atol=1e-6)
    assert methods_for("B04:before2") == methods_for("B04")
    assert methods_for("tri:before") == ()


def test_radar_in_decibel() -> None:
    """Power to dB, the ratio as a difference of dB; no power is no observation."""
    vv, vh = np.full(SHAPE, 0.1, np.float32), np.full(SHAPE, 0.01, np.float32)
    vv[0, 0] = vh[1, 1] = 0.0
    inputs = tuple(Input(name=name, method=Method.DECIBEL, center=-10.0, scale=5.0) for name in ("vv", "vh", "ratio"))
    built = build_features(inputs, Sources(bands={"vv": vv, "vh": vh}))
    np.testing.assert_allclose(built[:, 5, 5], [0.0, -2.0, 4.0], atol=1e-5)
    np.testing.assert_allclose(built[:, 0, 0], [0.0, -2.0, 0.0], atol=1e-5)
    assert built[2, 1, 1] == 0.0


def test_what_is_missing_is_named() -> None:
    """A source that is not there is an error that names the input, never a channel of zeros."""
    with pytest.raises(ValueError, match="tri needs terrain"):
        build_features((an_input("tri"),), Sources())
    with pytest.raises(ValueError, match=r"jaxa-hrlulc needs 15 classes of land cover, given are none"):
        build_features((an_input(JAXA),), Sources())
    with pytest.raises(ValueError, match="given are 11"):
        build_features((an_input(JAXA),), Sources(land_cover=np.zeros((11, *SHAPE), np.float32)))
    with pytest.raises(ValueError, match="no statistics"):
        build_features((an_input("B04"),), sources())


def test_what_is_read_for_a_card() -> None:
    """Bands in the card's order where it names bands alone; else colours first, then what its inputs are made of."""
    card = ModelCard(
        name="m", version="1", task="scar", sensor=Sensor.OPTICAL, bands=("B08", "B02"), channels=2,
        normalisation="x", window_px=320, crop_px=32, resolution_m=10.0, flips=("identity",), threshold=0.5,
        simulated=False, sha256="", weights="",
    )  # fmt: skip
    assert bands_to_read(card) == ("B08", "B02")
    assert [one.name for one in inputs_of(card)] == ["B08", "B02"]
    more = replace(card, inputs=tuple(map(an_input, ("NBR", "B02", "tri", JAXA))))
    assert bands_to_read(more) == ("B04", "B03", "B02", "B08", "B12")
    radar = replace(card, sensor=Sensor.SAR, inputs=tuple(map(an_input, ("ratio", "vh", "slope"))))
    assert bands_to_read(radar) == ("vv", "vh")


def test_every_name_has_a_method() -> None:
    """Bands and indices are optical, land cover has its classes, and a name that nobody knows has no method."""
    assert all(methods_for(name) for name in (*OPTICAL_BANDS, *INDICES, "vv", "vh", "ratio", "tri", JAXA))
    assert [channels_of(f"land_cover:{scheme.value}") for scheme in Scheme] == [len(CLASSES[one]) for one in Scheme]
    assert methods_for("land_cover:corine") == methods_for("B10") == methods_for("land_cover:") == ()
