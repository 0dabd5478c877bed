"""Network inputs: the one place where training and the service normalise and put channels together.

Method "median-lower-spread": the ground is described by the median and by the lower half of its
histogram, because cloud, roofs, snow and fresh scars are all brighter than the ground around
them: what must be found may contaminate the upper half only. Any gain, and any offset of a band
(haze, sun height, a lost radiometric scale), cancels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monitor.core.land_cover import CLASSES, Scheme
from monitor.errors import InputFault
from monitor.inputs import Input, Method
from monitor.records import ModelCard, Sensor, Terrain

NORMALISATION: Final = "median-lower-spread"
"""Identifier of this method in a model card."""

PER_INPUT: Final = "per-input"
"""Identifier in a model card whose `scarpwatch:inputs` says for each input what is done with it."""

MINIMUM_PIXELS: Final = 500
"""Fewer clear pixels than this (5 ha at 10 m) describe no ground."""

_LOWER_PERCENT: Final = 10.0
_RELATIVE_FLOOR: Final = 0.05
"""Smallest scale as a share of the median: deep shade or water alone must not amplify noise."""
_ABSOLUTE_FLOOR: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextStatistics:
    """Centre and scale of the ground in a wide context, in the units of the bands."""

    center: NDArray[np.float32]
    """(C,) median of the clear ground."""
    scale: NDArray[np.float32]
    """(C,) median minus 10th percentile, floored; always positive."""


def context_statistics(bands: NDArray[np.float32], ground: NDArray[np.bool_] | None) -> ContextStatistics | None:
    """Describe the ground of a context.

    bands: (C, H, W) float32, any linear unit, NaN = no observation.
    ground: (H, W) bool, True where the pixel is clear ground; None takes every observed pixel.
    Returns None when fewer than 500 pixels are ground and observed in every band.
    """
    observed = np.isfinite(bands).all(axis=0)
    if ground is not None:
        observed &= ground
    if int(observed.sum()) < MINIMUM_PIXELS:
        return None
    low, center = np.percentile(bands[:, observed], (_LOWER_PERCENT, 50.0), axis=1)
    floor = np.maximum(_RELATIVE_FLOOR * np.abs(center), _ABSOLUTE_FLOOR)
    scale = np.maximum(center - low, floor)
    return ContextStatistics(center=center.astype(np.float32), scale=scale.astype(np.float32))


def require_ground(seen: NDArray[np.bool_], item: str) -> None:
    """Refuse an image of which too little is observed in every band to know its ground.

    Raises:
        InputFault: fewer than 500 pixels are.
    """
    if int(seen.sum()) < MINIMUM_PIXELS:
        raise InputFault(
            f"only {int(seen.sum())} pixels are observed in every band",
            item=item,
            remedy=f"It takes {MINIMUM_PIXELS} to know the ground.",
            reason="nothing-usable",
        )


def normalise(
    bands: NDArray[np.float32], center: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return arcsinh((bands - center) / scale), (C, H, W) float32; 0 where nothing was observed.

    bands: (C, H, W) float32, NaN = no observation.
    center, scale: (C, 1, 1), or (C, H, W) where statistics vary smoothly over the window.
    The inverse hyperbolic sine is linear near the ground and logarithmic far from it, so a
    cloud ten scales up stays a finite, ordered value.
    """
    value = np.arcsinh((bands - center) / scale)
    return np.asarray(np.nan_to_num(value, nan=0.0, posinf=0.0, neginf=0.0), dtype=np.float32)


OPTICAL_BANDS: Final = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
INDICES: Final[Mapping[str, tuple[str, str]]] = {
    "NDVI": ("B08", "B04"),
    "NDWI": ("B03", "B08"),
    "NDMI": ("B08", "B11"),
    "NBR": ("B08", "B12"),
}
"""Normalised differences (a - b) / (a + b): Rouse et al. 1974, McFeeters 1996, Gao 1996, Key and Benson 2006."""
RADAR: Final[Mapping[str, tuple[str, ...]]] = {"vv": ("vv",), "vh": ("vh",), "ratio": ("vv", "vh")}
"""Linear power that an input is made of; the ratio is vv / vh."""
TERRAIN: Final = ("elevation", "slope", "tri")
LAND_COVER: Final = "land_cover:"
VISIBLE: Final = ("B04", "B03", "B02")
"""Red, green and blue: what a look keeps of optics. Of radar it keeps every polarisation."""
_SENSED: Final = frozenset((*OPTICAL_BANDS, *INDICES, *RADAR))
"""What a date may follow: the ground below has none."""
_DATED: Final = re.compile(r"(.+?)(:before[2-9]?|:after[2-9])")
"""vv:before, vv:before2 ... count back from the newest look before, vv:after2 ... from vv, the newest of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What inputs are made of, all on one geobox."""

    bands: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """(H, W) by name: reflectance, or linear power of vv and vh; NaN = no observation. An index or a layer of terrain
    that is here under its own name is taken as it is."""
    terrain: Terrain | None = None
    land_cover: NDArray[np.float32] | None = None
    """(classes, H, W) one-hot in the model's classes; all 0 = unknown."""


def inputs_of(card: ModelCard) -> tuple[Input, ...]:
    """A card's inputs; one that names bands only has them all against the ground around."""
    return card.inputs or tuple(Input(name=name, method=Method.CONTEXT) for name in card.bands)


def methods_for(name: str) -> tuple[Method, ...]:
    """What can be done with an input; nothing with one that nobody knows."""
    sensor = sensor_of(name)
    if sensor is not None:
        return (Method.CONTEXT, Method.FIXED) if sensor is Sensor.OPTICAL else (Method.DECIBEL,)
    if name in TERRAIN:
        return (Method.FIXED,)
    return (Method.ONE_HOT,) if scheme_of(name) is not None else ()


def sensor_of(name: str) -> Sensor | None:
    """The sensor that an input needs; None where it needs none."""
    plain, _ = date_of(name)
    if plain in OPTICAL_BANDS or plain in INDICES:
        return Sensor.OPTICAL
    return Sensor.SAR if plain in RADAR else None


def scheme_of(name: str) -> Scheme | None:
    """The land-cover legend that an input names, or None."""
    return next((scheme for scheme in Scheme if name == f"{LAND_COVER}{scheme.value}"), None)


def date_of(name: str) -> tuple[str, str]:
    """An input's name without its date, and the date: ("vv", ":before2"); no date is the newest look, or ground."""
    plain, date = split_date(name)
    return (plain, date) if plain in _SENSED else (name, "")


def split_date(name: str) -> tuple[str, str]:
    """`date_of` for any name, also of inputs that no sensor of the service gives: ("coherence", ":before2")."""
    found = _DATED.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


def before(place: int) -> str:
    """The date of an earlier look, as `date_of` gives it: 1 is the newest of them."""
    return ":before" if place == 1 else f":before{place}"


def earlier_dates(card: ModelCard) -> int:
    """How many earlier looks a network sees beside the newest one.

    Raises:
        ValueError: its dates leave one out, or several are to be after the change.
    """
    dates = {date for name in card.bands if (date := date_of(name)[1])}
    wanted = {before(place) for place in range(1, len(dates) + 1)}
    if dates != wanted:
        listed, needed = ", ".join(sorted(dates)), ", ".join(sorted(wanted))
        raise ValueError(f"sees the dates {listed}, where one look after and those before are possible ({needed})")
    return len(dates)


def channels_of(name: str) -> int:
    """Channels of one input: as many as classes for land cover, else 1."""
    scheme = scheme_of(name)
    return 1 if scheme is None else len(CLASSES[scheme])


def bands_to_read(card: ModelCard) -> tuple[str, ...]:
    """Bands that must be read of one date for a card; of optics red, green and blue come first: looks keep them."""
    if not card.inputs and not card.of_pairs:
        return card.bands
    visible = VISIBLE if card.sensor is Sensor.OPTICAL else ()
    needed = [band for one in inputs_of(card) for band in _bands_of(date_of(one.name)[0])]
    return tuple(dict.fromkeys((*visible, *needed)))


def context_layers(inputs: Sequence[Input], bands: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """(C, H, W) those inputs that are seen against the ground around, not yet normalised; C may be 0."""
    layers = [_layer(one, Sources(bands=bands)) for one in inputs if one.method is Method.CONTEXT]
    shape = next(iter(bands.values())).shape if bands else (0, 0)
    return np.stack(layers) if layers else np.empty((0, *shape), dtype=np.float32)


def build_features(
    inputs: Sequence[Input],
    sources: Sources,
    context: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> NDArray[np.float32]:
    """What a network is fed: (C, H, W) float32, finite, channels in the order of the card; 0 where nothing is known.

    Args:
        inputs: of the card (`inputs_of`).
        sources: (H, W) of whatever the inputs need.
        context: centre and scale of `context_layers`, each (C, 1, 1) or (C, H, W); None where no input needs them.

    Raises:
        KeyError, ValueError: a source that an input needs is not there.
    """
    against = normalise(context_layers(inputs, sources.bands), *context) if context is not None else None
    parts: list[NDArray[np.float32]] = []
    seen = 0
    for one in inputs:
        if one.method is Method.CONTEXT:
            if against is None:
                raise ValueError(f"{one.name} is seen against the ground around it, of which no statistics are given")
            parts.append(against[seen : seen + 1])
            seen += 1
        elif one.method is Method.ONE_HOT:
            parts.append(_classes(one, sources))
        else:
            value = (_layer(one, sources)[None] - np.float32(one.center)) / np.float32(one.scale)
            parts.append(np.nan_to_num(value, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32))
    return np.concatenate(parts)


def _bands_of(name: str) -> tuple[str, ...]:
    plain, date = date_of(name)
    made_of = (plain,) if plain in OPTICAL_BANDS else INDICES.get(plain) or RADAR.get(plain, ())
    return tuple(f"{band}{date}" for band in made_of)


def normalised_difference(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float32]:
    """(a - b) / (a + b) of two bands of one shape, float32; NaN where either is, or where both are dark."""
    one, other = np.asarray(first, dtype=np.float32), np.asarray(second, dtype=np.float32)
    total = one + other
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, (one - other) / total, np.float32(np.nan))


def _layer(one: Input, sources: Sources) -> NDArray[np.float32]:
    """(H, W) one input in its own unit; NaN = unknown."""
    name = one.name
    if name in sources.bands and sensor_of(name) is not Sensor.SAR:
        return sources.bands[name]
    if date_of(name)[0] in INDICES:
        return normalised_difference(*(sources.bands[band] for band in _bands_of(name)))
    if sensor_of(name) is Sensor.SAR:
        given = [sources.bands[band] for band in _bands_of(name)]
        power = [np.where(band > 0, band, np.float32(np.nan)) for band in given]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(10.0 * np.log10(power[0] if len(power) == 1 else power[0] / power[1]), dtype=np.float32)
    if name in TERRAIN:
        if sources.terrain is None:
            raise ValueError(f"{name} needs terrain, and none is given")
        terrain = sources.terrain
        return {"elevation": terrain.elevation_m, "slope": terrain.slope_deg, "tri": terrain.tri_m}[name]
    return sources.bands[name]


def _classes(one: Input, sources: Sources) -> NDArray[np.float32]:
    if sources.land_cover is None or len(sources.land_cover) != channels_of(one.name):
        given = "none" if sources.land_cover is None else str(len(sources.land_cover))
        raise ValueError(f"{one.name} needs {channels_of(one.name)} classes of land cover, given are {given}")
    return sources.land_cover.astype(np.float32, copy=False)
