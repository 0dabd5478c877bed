"""What networks say about one image: the service's engine, features and flips, on the image's own tiles.

The image is cut into tiles of 256 pixels with the rim of the card, counted from its upper left corner, and continued
by mirrors where it ends; each tile is seen against its 3x3 surroundings, as the service sees those of its grid. So
memory is that of one window however large the image is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.georeference import unlike
from monitor.core.features import INDICES, RADAR, build_features, inputs_of, require_ground, sensor_of
from monitor.core.grid import TILE_PX
from monitor.core.named_layers import named_sources
from monitor.core.tta import Network, predict_tile
from monitor.inputs import Method
from monitor.lab.image import Image
from monitor.records import ModelCard, PixelState, Sensor, Tile
from monitor.view import TilePixels, View

Array = NDArray[np.float32]
Progress = Callable[[float], object]
"""How much is done, 0-1."""

SIMULATED_SCENE = "The scene is SIMULATED."
SIMULATED_MODEL = "Trained on SIMULATED data alone: its answer says nothing of real ground."
_OWN_GRID = 32600
"""Tiles of an image lie on no zone of the planet: their columns and rows are counted from its corner."""
_DESCRIPTIONS = 64
"""Tiles whose ground is kept at hand (48 kB each): a row of the widest image, and its neighbours."""
_NOISE_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one network says. Arrays are (H, W) float32, NaN = no observation."""

    model: str
    version: str
    threshold: float
    """Of the card: where the mask begins."""
    simulated: bool
    """The model's training data are, or the image is."""
    probability: Array
    """Mean over the card's flips."""
    spread: Array
    """Standard deviation over flips: sensitivity to flips, not an uncertainty."""
    cautions: tuple[str, ...] = ()
    """What keeps the answer from being taken at its word."""

    def mask(self, threshold: float) -> NDArray[np.uint8]:
        """(H, W) 1 where the probability is at or above a threshold, else 0; 0 also where nothing was observed."""
        return (self.probability >= threshold).astype(np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """An answer in numbers."""

    share: float
    """Of the observed pixels, those of the mask."""
    area_ha: float
    """Of the mask."""
    highest: float
    """Probability."""
    spread: float
    """Mean over the observed pixels."""


def figures(answer: Answer, threshold: float, pixel_ha: float) -> Figures:
    """The numbers of an answer; zeros where nothing was observed."""
    seen = np.isfinite(answer.probability)
    above = int(answer.mask(threshold).sum())
    if not seen.any():
        return Figures(share=0.0, area_ha=0.0, highest=0.0, spread=0.0)
    return Figures(
        share=above / int(seen.sum()),
        area_ha=above * pixel_ha,
        highest=float(np.nanmax(answer.probability)),
        spread=float(np.nanmean(answer.spread)),
    )


def unfit(card: ModelCard, bands: Sequence[str]) -> str:
    """Why a model cannot be asked about an image of these bands; nothing when it can."""
    if card.of_pairs:
        return "compares two dates, and this shows one"
    lacking = _lacking(card, bands)
    return f"needs {', '.join(lacking)}, which {'is' if len(lacking) == 1 else 'are'} not here" if lacking else ""


def cautions(card: ModelCard, image: Image) -> tuple[str, ...]:
    """What keeps a model's answer about an image from being taken at its word."""
    found = []
    if image.simulated:
        found.append(SIMULATED_SCENE)
    if card.simulated:
        found.append(SIMULATED_MODEL)
    if odd := unlike(image.pixel_ha, card):
        found.append(f"{odd[0].upper()}{odd[1:]}.")
    absolute = [one.name for one in inputs_of(card) if one.method is not Method.CONTEXT or one.name in INDICES]
    sized = [name for name in absolute if not name.startswith("land_cover:")]
    if image.scaled and sized:
        found.append(f"{image.scaled} This model wants absolute values of {', '.join(sized)}.")
    return tuple(found)


def ask(network: Network, card: ModelCard, image: Image, progress: Progress = float) -> Answer:
    """What a network that is fit says about an image.

    Raises:
        InputFault: too few pixels are observed in all of its bands.
    """
    names = _fed(card, image.bands)
    ground = _Mirrored(_with_noise(image, names), names)
    height, width = image.shape
    seen = np.isfinite(ground.pixels).all(axis=0) & (image.state == PixelState.VALID)
    require_ground(seen, image.name)
    context = tuple(one for one in inputs_of(card) if one.method is Method.CONTEXT)
    view = View(ground.tile, names, context, lambda _tile: None, _DESCRIPTIONS)
    probability, spread = (np.full((height, width), np.nan, dtype=np.float32) for _ in range(2))
    tiles = [(row, column) for row in range(-(-height // TILE_PX)) for column in range(-(-width // TILE_PX))]
    for done, (row, column) in enumerate(tiles):
        progress(done / len(tiles))
        here = np.s_[row * TILE_PX : (row + 1) * TILE_PX, column * TILE_PX : (column + 1) * TILE_PX]
        tile = Tile(epsg=_OWN_GRID, column=column, row=-row)
        fields = view.ground(tile, card.crop_px) if context else None
        if (context and fields is None) or not seen[here].any():
            continue
        features = build_features(inputs_of(card), named_sources(names, ground.around(tile, card.crop_px)), fields)
        said = predict_tile(network, features, card.flips, card.crop_px, card.window_px)
        rows, columns = probability[here].shape
        probability[here] = said.probability[:rows, :columns]
        spread[here] = said.spread[:rows, :columns]
    return Answer(
        model=card.name,
        version=card.version,
        threshold=card.threshold,
        simulated=card.simulated or image.simulated,
        probability=np.where(seen, probability, np.float32(np.nan)),
        spread=np.where(seen, spread, np.float32(np.nan)),
        cautions=cautions(card, image),
    )


class _Mirrored:
    """Layers without end: an image, mirrored at its edges again and again."""

    def __init__(self, pixels: Array, names: Sequence[str]) -> None:
        self.pixels = pixels
        self._names = names

    def around(self, tile: Tile, halo_px: int) -> Array:
        """(C, 256 + 2 halo, 256 + 2 halo) of a tile and its rim."""
        rows, columns = (
            _mirrored(np.arange(first * TILE_PX - halo_px, (first + 1) * TILE_PX + halo_px), size)
            for first, size in zip((-tile.row, tile.column), self.pixels.shape[1:], strict=True)
        )
        return self.pixels[:, rows[:, None], columns]

    def tile(self, tile: Tile) -> TilePixels:
        """What its ground is described by."""
        bands = self.around(tile, 0)
        hidden = ~np.isfinite(bands).all(axis=0)
        state = np.where(hidden, PixelState.NODATA, PixelState.VALID).astype(np.uint8)
        return TilePixels(bands=bands, state=state, mask_source="none")


def _mirrored(places: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Places on a line without end as places on one of this length, which is mirrored at its ends."""
    turn = places % (2 * size)
    return np.where(turn < size, turn, 2 * size - 1 - turn)


def _with_noise(image: Image, names: tuple[str, ...]) -> Array:
    """(len(names), H, W) hidden pixels are NaN; 8-bit values get noise of half a step, which undoes their ties."""
    pixels = image.of(names)
    if image.noise:
        pixels = pixels + np.random.default_rng(_NOISE_SEED).uniform(-0.5, 0.5, pixels.shape).astype(np.float32)
    hidden = ~np.isin(image.state, (PixelState.VALID, PixelState.WATER))
    return np.where(hidden, np.float32(np.nan), pixels).astype(np.float32)


def _lacking(card: ModelCard, bands: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name for one in card.bands for name in _made_of(one, bands) if name not in bands))


def _fed(card: ModelCard, bands: Sequence[str]) -> tuple[str, ...]:
    """The bands of an image that a card's inputs are made of."""
    return tuple(dict.fromkeys(name for one in card.bands for name in _made_of(one, bands)))


def _made_of(name: str, bands: Sequence[str]) -> tuple[str, ...]:
    if name in bands and sensor_of(name) is not Sensor.SAR:
        return (name,)
    return INDICES.get(name) or RADAR.get(name) or (name,)
