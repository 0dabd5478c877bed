"""A network of pairs: one answer of a look and earlier looks of its class, which is the change between them itself.

Each pixel's earlier dates are the newest looks that observed it, so that a cloud over one of them hides nothing. Where
a date is lacking, or hidden, nothing is said. A look's answer is a record of that pair; it is never differenced.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from monitor.core.features import VISIBLE, Sources, before, build_features, date_of, earlier_dates, inputs_of
from monitor.core.grid import TILE_PX, blocks, neighbour
from monitor.core.ground_layers import land_cover_around, terrain_around
from monitor.core.reference import newest_observed
from monitor.core.tta import predict_tile
from monitor.inputs import Input, Method
from monitor.looking import Instruments, Network, Stopwatch, order_for_cache
from monitor.records import Acquisition, Look, PixelState, Prediction, Sensor, Tile
from monitor.view import TilePixels, View

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

_NAN = np.float32(np.nan)
_BLOCK_TILES = 4
_DESCRIPTIONS = 160
"""Descriptions of ground that are kept at hand for each date: those of a block and its neighbours."""
_BEARING = range(-2, 3)
"""Tiles whose ground bears on a tile: its neighbours are described by theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Date:
    """The looks of one acquisition."""

    tiles: AbstractSet[Tile]
    view: View


class PairNetwork:
    """A network of task `change`, asked about the looks of one acquisition beside earlier ones."""

    def __init__(
        self,
        network: Network,
        instruments: Instruments,
        acquisition: Acquisition,
        watch: Stopwatch,
        hold: Callable[[], None],
    ) -> None:
        """
        Args:
            instruments: give terrain and land cover.
            acquisition: says what its looks, and earlier ones, keep.
            hold: called after each block of tiles: keeps the lease.
        """
        self._network, self._tools, self._watch, self._hold = network, instruments, watch, hold
        self._inputs = inputs_of(network.card)
        self.earlier = earlier_dates(network.card)
        """Earlier looks that it is fed."""
        self._dates = ("", *(before(place) for place in range(1, self.earlier + 1)))
        self._bands = VISIBLE if acquisition.sensor is Sensor.OPTICAL else acquisition.polarisations
        plain = [date_of(one.name)[0] for one in self._inputs if one.method is Method.CONTEXT]
        self._around = tuple(dict.fromkeys(plain))
        """What is seen against the ground around it, on whatever date."""

    def answer(self, now: Mapping[Tile, Look], earlier: Mapping[Tile, Sequence[Look]]) -> dict[Tile, Prediction]:
        """Probability (256, 256) that ground failed since the earlier looks; NaN where a date lacks an observation.

        Args:
            now: the looks of one acquisition; neighbours of a tile are its rim.
            earlier: looks of the same class at some of these tiles. Beyond them a rim is unknown ground, on every date.

        What is seen against the ground around it is seen against the same tiles on every date: those of the
        neighbourhood that all dates of a tile show. Beside unlike neighbours unchanged ground would look changed.
        Tiles with too few earlier looks of any pixel, or with too little clear ground to see them against, are left
        out: there the network is learning.
        """
        dates = [_Date(tiles=looks.keys(), view=self._view(looks)) for looks in (now, *_by_date(earlier))]
        answers = {}
        for block in blocks(now.keys() & earlier.keys(), _BLOCK_TILES):
            for tile in order_for_cache(block):
                stacked = self._watch.run("features", partial(self._stack, tile, dates))
                if stacked is not None:
                    answers[tile] = self._ask(tile, *stacked)
            self._hold()
        return answers

    def _view(self, looks: Mapping[Tile, Look]) -> View:
        nothing = TilePixels(
            bands=np.full((len(self._bands), TILE_PX, TILE_PX), _NAN),
            state=np.full((TILE_PX, TILE_PX), PixelState.NODATA, np.uint8),
            mask_source="none",
        )

        def pixels(tile: Tile) -> TilePixels:
            look = looks.get(tile)
            return nothing if look is None else TilePixels(bands=look.pixels, state=look.state, mask_source="none")

        around = tuple(Input(name=name, method=Method.CONTEXT) for name in self._around)
        return View(pixels, self._bands, around, self._tools.terrain.read, _DESCRIPTIONS)

    def _stack(self, tile: Tile, dates: Sequence["_Date"]) -> tuple[Array, Mask] | None:
        """(1 + earlier, V, H, W) of every date, NaN where one is lacking, and (256, 256) where an answer counts."""
        newest, *before_it = [date for date in dates if tile in date.tiles]
        unshared = _unshared(tile, (newest, *before_it))
        now = self._values(tile, newest.view, unshared)
        past = [values for date in before_it if (values := self._values(tile, date.view, unshared)) is not None]
        if now is None or not past:
            return None
        observed = newest_observed(past, self.earlier)
        stack = np.concatenate([now[None], observed])
        known = np.isfinite(stack).all(axis=(0, 1))
        # Dry on every date: a lake that sank is no landslide.
        counts = known & (stack[:, -1] > 0).all(axis=0)
        halo = self._network.card.crop_px
        core = (slice(halo, halo + TILE_PX),) * 2
        return (np.where(known, stack, _NAN), counts[core]) if counts[core].any() else None

    def _values(self, tile: Tile, date: View, unshared: AbstractSet[Tile]) -> Array | None:
        """(V, H, W): the bands of a date, centre and scale of its ground, 1 where it is dry; NaN = not observed."""
        halo = self._network.card.crop_px
        state = date.state(tile, halo)
        if not (state == PixelState.VALID).any():
            return None
        ground = date.ground(tile, halo, unshared) if self._around else ()
        if ground is None:
            return None
        dry = (state == PixelState.VALID).astype(np.float32)
        return np.concatenate([np.stack(list(date.bands(tile, halo).values())), *ground, dry[None]])

    def _ask(self, tile: Tile, stack: Array, counts: Mask) -> Prediction:
        card, halo = self._network.card, self._network.card.crop_px
        sources = Sources(
            bands={
                f"{band}{date}": stack[place, index]
                for place, date in enumerate(self._dates)
                for index, band in enumerate(self._bands)
            },
            terrain=terrain_around(tile, halo, card, self._tools.terrain.read),
            land_cover=land_cover_around(tile, halo, card, self._tools.land_cover),
        )
        features = self._watch.run("features", lambda: build_features(self._inputs, sources, self._context(stack)))
        said = self._watch.run(
            "engine", lambda: predict_tile(self._network.engine, features, card.flips, halo, card.window_px)
        )
        return Prediction(
            probability=np.where(counts, said.probability, _NAN), spread=np.where(counts, said.spread, _NAN)
        )

    def _context(self, stack: Array) -> tuple[Array, Array] | None:
        """Centre and scale of every input that is seen against the ground around it, each of its own date."""
        if not self._around:
            return None
        first, count = len(self._bands), len(self._around)
        places = [
            (self._dates.index(date), first + self._around.index(name))
            for name, date in (date_of(one.name) for one in self._inputs if one.method is Method.CONTEXT)
        ]
        centre = np.stack([stack[date, place] for date, place in places])
        return centre, np.stack([stack[date, place + count] for date, place in places])


def pair_network(
    instruments: Instruments, acquisition: Acquisition, watch: Stopwatch, hold: Callable[[], None]
) -> PairNetwork | None:
    """The network of these instruments, if it is one of pairs; `hold` is called after each block of tiles."""
    network = instruments.network
    if network is None or not network.card.of_pairs:
        return None
    return PairNetwork(network, instruments, acquisition, watch, hold)


def _by_date(looks: Mapping[Tile, Sequence[Look]]) -> list[dict[Tile, Look]]:
    """The looks of each acquisition, the newest first."""
    dates: dict[str, dict[Tile, Look]] = {}
    for look in (look for some in looks.values() for look in some):
        dates.setdefault(look.acquisition_id, {})[look.tile] = look
    return sorted(dates.values(), key=_age)


def _unshared(tile: Tile, dates: Sequence[_Date]) -> frozenset[Tile]:
    """Tiles that bear on a tile and that some of the dates show, and others do not."""
    bearing = {neighbour(tile, columns, down) for columns in _BEARING for down in _BEARING}
    return frozenset(near for near in bearing if len({near in date.tiles for date in dates}) > 1)


def _age(date: Mapping[Tile, Look]) -> tuple[float, str]:
    first = next(iter(date.values()))
    return -first.sensing_time.timestamp(), first.acquisition_id
