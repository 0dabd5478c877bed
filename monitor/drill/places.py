"""Where an exercise's scars go: slopes that the newest acquisition shows, seen before, away from real events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import scipy
from numpy.typing import NDArray
from shapely import box, union_all
from shapely.geometry.base import BaseGeometry

from monitor.core.canvas import canvases
from monitor.core.change import AlertSettings
from monitor.core.clusters import SLOPING_DEG, burn
from monitor.core.grid import RESOLUTION_M, TILE_PX, pixels_within, project, region_tiles
from monitor.core.implants import Scar, place, scar_at
from monitor.core.paint import PAD_PX, Patch, Surroundings, optical_patch, radar_patch
from monitor.core.radar import LEAST_PASSES
from monitor.core.radar_implants import Contrast
from monitor.core.reference import valid
from monitor.drill.beside import History
from monitor.errors import Refused
from monitor.memory import Memory
from monitor.past import EarlierLooks
from monitor.ports import LookArchive, Store, TerrainSource
from monitor.records import Acquisition, AcquisitionState, Event, LedgerEntry, Look, Region, Sensor, Tile

Mask = NDArray[np.bool_]

APART_M = 500.0
"""Scars keep this distance from each other and from real events: what is joined to one event lies within 150 m."""
COMPARED = "compared"
"""`AcquisitionResult.reason` of an acquisition that was compared with earlier ones."""
_HILLSIDE_M = 100.0
"""The mean slope within this distance of a head must be steep too: a bank in a plain cannot slide."""
_TRIES = 12
"""Heads that are tried on one tile."""
_SHOWN = 0.98
"""Share of a scar that must lie on ground that is seen and was seen before."""
_STEEP, _SLOPING = 0.5, 0.75
"""Shares of a scar that must lie on slopes as steep as where clusters start, and on ground that slopes at all: what is
longer on the level is taken for a field (`core.clusters`), and that is not what a drill tries."""
_COARSE_M = 50.0
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """One scar in its place."""

    number: int
    tile: Tile
    scar: Scar
    """Shaped on the tile's own pixels."""
    slope_deg: float
    outline: BaseGeometry
    """Its bare pixels, in the tile's zone."""
    patch: Patch

    @property
    def ground(self) -> BaseGeometry:
        """Its outline in EPSG:4326."""
        return project(self.outline, self.tile.epsg, 4326)

    @property
    def bare(self) -> Mask:
        """(256, 256) pixels at least half of which it covers."""
        whole = np.zeros((TILE_PX, TILE_PX), dtype=np.bool_)
        whole[self.scar.window] = _bare(self.scar)
        return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What places are chosen by."""

    acquisition: Acquisition
    region: Region
    terrain: TerrainSource
    history: History
    earlier: Store
    """With the same tile history, for the references."""
    looks: LookArchive
    model_version: str
    alerts: AlertSettings
    contrast: Contrast
    """Of scars in a radar pass."""

    @property
    def native_m(self) -> float:
        """What the acquisition resolves."""
        return max(self.acquisition.resolution_m or RESOLUTION_M, RESOLUTION_M)


def newest_compared(history: History, region: Region, sensor: Sensor | None) -> LedgerEntry:
    """The newest acquisition of a region and sensor that was processed and compared with earlier ones.

    Raises:
        Refused: there is none.
    """
    for entry in history.ledger(region.id):
        of_sensor = sensor is None or entry.acquisition.sensor is sensor
        if of_sensor and entry.state is AcquisitionState.DONE and entry.reason == COMPARED:
            return entry
    what = "acquisition" if sensor is None else f"{_NAMES[sensor]} acquisition"
    raise Refused(
        f"no {what} of this region has been compared with an earlier one",
        item=region.id,
        remedy="Let the watch learn first: `scarpwatch status` tells what was seen.",
        reason="nothing-compared",
    )


_NAMES = {Sensor.OPTICAL: "optical", Sensor.SAR: "radar"}


def choose_places(known: Known, sizes_ha: Sequence[float], seed: int) -> list[Painted]:
    """Scars of these sizes in places chosen by a seed: fewer where there is no more room.

    Raises:
        Refused: there is room for none.
    """
    chooser = _Chooser(known, np.random.default_rng(seed))
    chosen: list[Painted] = []
    tiles = list(region_tiles(known.region.geometry))
    while len(chosen) < len(sizes_ha):
        before = len(chosen)
        for index in chooser.generator.permutation(len(tiles)):
            if len(chosen) == len(sizes_ha):
                break
            found = chooser.on(tiles[int(index)], sizes_ha[len(chosen)], chosen)
            if found is not None:
                chosen.append(found)
        if len(chosen) == before:
            break
    if not chosen:
        raise _no_room(known.acquisition)
    return chosen


def _no_room(acquisition: Acquisition) -> Refused:
    sensor, other = _NAMES[acquisition.sensor], "optical" if acquisition.sensor is Sensor.SAR else "radar"
    return Refused(
        f"nothing clear on slopes in the newest {sensor} acquisition ({acquisition.id}) that was seen before and lies "
        f"{APART_M:.0f} m from every real event",
        item=acquisition.region,
        remedy=f"Try --sensor {other}, or wait for a clearer pass.",
        reason="no-ground-for-a-drill",
    )


class _Chooser:
    """Tries tiles; remembers which have no room."""

    def __init__(self, known: Known, generator: np.random.Generator) -> None:
        self._known = known
        self.generator = generator
        self._memory = Memory(known.looks)
        acquisition = known.acquisition
        events = known.history.events(acquisition.region, open_only=True, ended_since=acquisition.sensing_time)
        self._events: Sequence[Event] = events
        self._taken: dict[int, BaseGeometry] = {}
        self._ground: dict[Tile, tuple[Surroundings, Mask] | None] = {}

    def on(self, tile: Tile, area_ha: float, chosen: Sequence[Painted]) -> Painted | None:
        """One more scar on a tile, or None where there is no room."""
        if tile not in self._ground:
            self._ground[tile] = self._look(tile)
        found = self._ground[tile]
        if found is None:
            return None
        around, known = found
        here = [one.outline for one in chosen if one.tile.epsg == tile.epsg]
        heads = self._heads(around, known & ~burn(_around(here), canvases([tile])[0]))
        for row, column in place(heads, _TRIES, 1, self.generator):
            scar = scar_at(row, column, area_ha, around.elevation_m)
            if not _fits(scar, known) or not self._on_slopes(scar, around):
                continue
            outline = _outline(scar, tile)
            if all(other.distance(outline) >= APART_M for other in here):
                return self._paint(len(chosen) + 1, tile, scar, outline, around)
        if not heads.any():
            self._ground[tile] = None
        return None

    def _look(self, tile: Tile) -> tuple[Surroundings, Mask] | None:
        """A tile as the acquisition showed it, and where a scar may lie; None where nowhere."""
        look, terrain = self._own_look(tile), self._known.terrain.read(tile)
        if look is None or terrain is None or not valid(look).any():
            return None
        around = Surroundings(
            epsg=tile.epsg,
            row=-(tile.row + 1) * TILE_PX,
            column=tile.column * TILE_PX,
            pixels=look.pixels,
            seen=valid(look),
            elevation_m=terrain.elevation_m,
            slope_deg=np.nan_to_num(terrain.slope_deg, nan=0.0),
        )
        free = around.seen & pixels_within(self._known.region.geometry, tile) & ~self._near_events(tile)
        if not (free & (around.slope_deg >= self._known.alerts.seed_slope_deg)).any():
            return None
        return around, free & self._seen_before(tile, look)

    def _own_look(self, tile: Tile) -> Look | None:
        known, acquisition = self._known, self._known.acquisition
        until = acquisition.sensing_time + _TICK
        rows = known.history.looks_before(tile, None, acquisition.comparable, until, 1)
        href = next((row.look_href for row in rows if row.acquisition_key == acquisition.key), None)
        return None if href is None else self._memory.recall(href)

    def _seen_before(self, tile: Tile, look: Look) -> Mask:
        known = self._known
        earlier = EarlierLooks(known.earlier, known.looks, known.acquisition, known.model_version, known.alerts)
        reference = earlier.past({tile: look}).references.get(tile)
        if reference is None:
            return np.zeros((TILE_PX, TILE_PX), dtype=np.bool_)
        least = 1 if known.acquisition.sensor is Sensor.OPTICAL else LEAST_PASSES
        return np.asarray(reference.count >= least, dtype=np.bool_)

    def _near_events(self, tile: Tile) -> Mask:
        if tile.epsg not in self._taken:
            self._taken[tile.epsg] = _around([project(event.geometry, 4326, tile.epsg) for event in self._events])
        (canvas,) = canvases([tile])
        return burn(self._taken[tile.epsg], canvas)

    def _heads(self, around: Surroundings, known: Mask) -> Mask:
        least = self._known.alerts.seed_slope_deg
        hillside = scipy.ndimage.uniform_filter(around.slope_deg, 2 * int(_HILLSIDE_M / RESOLUTION_M) + 1)
        return np.asarray(known & (around.slope_deg >= least) & (hillside >= least), dtype=np.bool_)

    def _on_slopes(self, scar: Scar, around: Surroundings) -> bool:
        slopes = around.slope_deg[scar.window][_bare(scar)]
        steep, sloping = slopes >= self._known.alerts.seed_slope_deg, slopes >= SLOPING_DEG
        return float(steep.mean()) >= _STEEP and float(sloping.mean()) >= _SLOPING

    def _paint(self, number: int, tile: Tile, scar: Scar, outline: BaseGeometry, around: Surroundings) -> Painted:
        acquisition = self._known.acquisition
        if acquisition.sensor is Sensor.OPTICAL:
            patch = optical_patch(scar, around, self._known.alerts.seed_slope_deg)
        else:
            known = self._known
            patch = radar_patch(scar, around, acquisition.polarisations, known.native_m, known.contrast, self.generator)
        slope_deg = float(around.slope_deg[scar.window][_bare(scar)].mean())
        return Painted(number=number, tile=tile, scar=scar, slope_deg=slope_deg, outline=outline, patch=patch)


def _around(outlines: Sequence[BaseGeometry]) -> BaseGeometry:
    """All ground within `APART_M` of some outlines, and a little more."""
    # Outlines of a storm have thousands of corners: drawn coarsely, and wider by as much as that may cut off.
    coarse = [one.simplify(_COARSE_M).buffer(APART_M + _COARSE_M, quad_segs=4) for one in outlines]
    return union_all(coarse)


def _fits(scar: Scar, known: Mask) -> bool:
    """Whether a scar and its rim lie on the tile, on ground that is known."""
    rows, columns = np.nonzero(scar.weight)
    edges = [
        (int(places.min()) + window.start, int(places.max()) + window.start)
        for places, window in zip((rows, columns), scar.window, strict=True)
    ]
    inside = all(first >= PAD_PX and last < TILE_PX - PAD_PX for first, last in edges)
    return inside and float(scar.weight[known[scar.window]].sum()) >= _SHOWN * float(scar.weight.sum())


def _bare(scar: Scar) -> Mask:
    """Pixels of its window that it covers by half; of one thinner than a pixel those that it covers most."""
    return np.asarray(scar.weight >= min(0.5, float(scar.weight.max())), dtype=np.bool_)


def _outline(scar: Scar, tile: Tile) -> BaseGeometry:
    """The bare pixels of a scar in its zone."""
    rows, columns = np.nonzero(_bare(scar))
    (canvas,) = canvases([tile])
    west = canvas.transform.c + (columns + scar.window[1].start) * RESOLUTION_M
    north = canvas.transform.f - (rows + scar.window[0].start) * RESOLUTION_M
    return union_all(box(west, north - RESOLUTION_M, west + RESOLUTION_M, north))


def tiles_of(painted: Sequence[Painted]) -> frozenset[Tile]:
    """The tiles on which scars lie."""
    return frozenset(one.tile for one in painted)
