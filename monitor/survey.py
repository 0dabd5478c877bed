"""All tiles of a region looked at through one acquisition: what was seen of each, or why nothing was."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from shapely import from_wkb

from monitor.block import Ground, Seen, watched_pixels
from monitor.core.flat import FLAT
from monitor.core.grid import blocks, region_tiles
from monitor.core.masks import NO_ELEVATION, UNDER_SNOW, MaskSource, least_trusted
from monitor.core.reference import valid
from monitor.core.sensors import clear_fraction
from monitor.core.water import under_snow
from monitor.errors import BadItem
from monitor.executors.local import Executor, Local, Work
from monitor.looking import Instruments, Looker, Stopwatch, order_for_cache
from monitor.observing import SNOW_IN_PART, UNCLASSIFIED, snowed_in
from monitor.ports import LookArchive
from monitor.records import Acquisition, Look, Observation, Prediction, Region, Tile

Mask = NDArray[np.bool_]

_LEFT_OUT = {
    UNDER_SNOW: "under snow",
    SNOW_IN_PART: "mostly under snow",
    NO_ELEVATION: "not observed for lack of elevation",
    FLAT: "flat and left out",
    UNCLASSIFIED: "not observed, because the scene classification (SCL) is 0, no data, where there are pixels",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What an acquisition shows of a region."""

    looks: dict[Tile, Look] = field(default_factory=dict)
    hrefs: dict[Tile, str] = field(default_factory=dict)
    """Where each look is kept."""
    hidden: dict[Tile, Observation] = field(default_factory=dict)
    """Tiles where nothing was observed or that were left out, with the reason."""
    clear: dict[Tile, float] = field(default_factory=dict)
    """Share of the watched ground that was seen (`core.sensors.clear_fraction`), where the acquisition reaches."""
    mask_source: str = "scl"
    blocks: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Blocks that workers looked at (`Looker.blocks`); empty: this process looked."""

    def told(self, answers: Mapping[Tile, Prediction]) -> "Survey":
        """The same with what a network of pairs says of these looks and earlier ones. What is kept stays without."""
        heard = {
            tile: replace(self.looks[tile], probability=answer.probability, spread=answer.spread)
            for tile, answer in answers.items()
        }
        return replace(self, looks={**self.looks, **heard})

    def left_out(self) -> str:
        """Ground that no look can watch, and ground that needs none, for the end of a sentence."""
        counts = Counter(row.decision for row in self.hidden.values())
        return "".join(
            f"; {what}: {counts[decision]} tile{'s' if counts[decision] > 1 else ''}"
            for decision, what in _LEFT_OUT.items()
            if counts[decision]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """An acquisition that was looked at and is not judged yet. Nothing of it depends on the database."""

    acquisition: Acquisition
    region: Region
    instruments: Instruments
    looked: Survey
    watch: Stopwatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How tiles are walked over."""

    archive: LookArchive
    block_tiles: int
    flat_limit_deg: float
    """Slope below which ground is flat (`core.flat`)."""
    hold: Callable[[], None]
    """Called after each block: keeps the lease."""
    progress: Callable[[int, int], None]
    """Hears tiles done and tiles there are."""
    executor: Executor = field(default_factory=Local)
    """Where blocks are looked at."""
    stop: Callable[[], bool] = lambda: False
    """Whether the end is asked for: what can be done is finished, what nobody can do now is left."""


def survey(region: Region, looker: Looker, way: Way) -> Survey:
    """Look at every tile block by block and keep each look on disk.

    While one tile is looked at, the one before is written: here, whoever looks.

    Raises:
        BadItem: the region has no elevation at all.
        ClusterUnavailable, Poisoned: other processes look, and cannot.
    """
    tiles = watched_tiles(region)
    found = Survey()
    walk = tuple(order_for_cache(block) for block in blocks(tiles, way.block_tiles))
    ends = {block[-1] for block in walk}
    ground = Ground(wkb=region.geometry.wkb, flat_limit_deg=way.flat_limit_deg)
    work = Work(looker=looker, region=region, ground=ground, hold=way.hold, stop=way.stop)
    writing: dict[Tile, Future[str]] = {}
    with ThreadPoolExecutor(1, "writing") as writer, closing(way.executor.look(work, walk)) as coming:
        for seen in coming:
            _note(found, seen)
            if seen.look is not None:
                writing[seen.tile] = writer.submit(_keep, seen.look, looker, way.archive)
            way.progress(len(found.looks) + len(found.hidden), len(tiles))
            if seen.tile in ends:
                found.hrefs.update((tile, kept.result()) for tile, kept in writing.items())
                writing.clear()
                way.hold()
    _check_elevation(found, looker)
    return _in_order(found, looker, tuple(chain.from_iterable(walk)))


def _note(found: Survey, seen: Seen) -> None:
    if seen.clear is not None:
        found.clear[seen.tile] = seen.clear
    if seen.look is not None:
        found.looks[seen.tile] = seen.look
    elif seen.row is not None:
        found.hidden[seen.tile] = seen.row


def _in_order(found: Survey, looker: Looker, tiles: Sequence[Tile]) -> Survey:
    """The same in the order of the walk, in whatever order blocks came back, with the cloud mask that counts."""
    return Survey(
        looks={tile: found.looks[tile] for tile in tiles if tile in found.looks},
        hrefs={tile: found.hrefs[tile] for tile in tiles if tile in found.hrefs},
        hidden={tile: found.hidden[tile] for tile in tiles if tile in found.hidden},
        clear={tile: found.clear[tile] for tile in tiles if tile in found.clear},
        mask_source=least_trusted(looker.mask_sources or {MaskSource.SCL.value}),
        blocks=dict(looker.blocks),
    )


def _keep(look: Look, looker: Looker, archive: LookArchive) -> str:
    return looker.watch.run("products", lambda: archive.write(look, looker.instruments.model_version))


def clear_of_snow(surveyed: Surveyed, found: Survey, snow: Mapping[Tile, Mask]) -> Survey:
    """What is left of a radar pass without the ground under snow; looks that change are not kept yet.

    Args:
        surveyed: the pass.
        found: what it shows of the region.
        snow: (256, 256) of tiles where some lies.

    Returns:
        `hrefs` still name the looks as they were (`keep_cleared`).
    """
    through = surveyed.instruments
    looks, hrefs, hidden, clear = dict(found.looks), dict(found.hrefs), dict(found.hidden), dict(found.clear)
    for tile in snow.keys() & found.looks.keys():
        look = under_snow(found.looks[tile], snow[tile])
        if look is found.looks[tile]:
            continue
        clear[tile] = clear_fraction(look.state, watched_pixels(surveyed.region.geometry.wkb, tile))
        if valid(look).any():
            looks[tile] = look
        else:
            hidden[tile] = snowed_in(surveyed.acquisition, look, through)
            del looks[tile], hrefs[tile]
    return replace(found, looks=looks, hrefs=hrefs, hidden=hidden, clear=clear)


def keep_cleared(surveyed: Surveyed, found: Survey, archive: LookArchive) -> Survey:
    """The same with every look that snow was taken from kept in place of the whole.

    Otherwise later passes would be compared with snow, and the ground would count as looked at.
    """
    whole, version = surveyed.looked.looks, surveyed.instruments.model_version
    kept = {tile: archive.write(look, version) for tile, look in found.looks.items() if look is not whole[tile]}
    return replace(found, hrefs={**found.hrefs, **kept})


def watched_tiles(region: Region) -> tuple[Tile, ...]:
    """All tiles of a region, sorted."""
    return _tiles_of(region.geometry.wkb)


def _check_elevation(found: Survey, looker: Looker) -> None:
    if found.looks or not all(row.decision == NO_ELEVATION for row in found.hidden.values()):
        return
    raise BadItem(
        "no elevation model covers any tile of the region, so no slope is known",
        item=looker.acquisition.id,
        remedy="Add a catalog with a collection of elevation (cop-dem-glo-30 by default) to the region.",
        reason=NO_ELEVATION,
    )


@lru_cache(maxsize=256)
def _tiles_of(wkb: bytes) -> tuple[Tile, ...]:
    return region_tiles(from_wkb(wkb))
