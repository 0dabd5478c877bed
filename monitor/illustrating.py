"""What pictures of alerts are made from: which alerts need one, and the ground as it was before each."""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.canvas import canvases
from monitor.core.clusters import burn
from monitor.core.grid import project
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.reference import valid
from monitor.core.standing import DRAWN
from monitor.errors import BadAsset
from monitor.ports import LookArchive
from monitor.records import Detector, Event, Look, Observation, Tile

Mask = NDArray[np.bool_]

_SHOWN = 0.9
"""Share of an event's ground that a pass must show to be taken rather than an older one."""
_SHOWN_IN_TILE = 0.5
"""Less of the ground in a tile, and another pass fills that tile: in a large event clouds lie somewhere each day."""
_KEPT_LOOKS = 32
"""Looks in memory, of 1.4 MB each: neighbouring events share them."""


def needs_picture(event: Event, acquisition_id: str) -> bool:
    """Whether an event that is or was an alert has no picture yet (new or grown), or has news of this acquisition.

    A whole tile has no outline to show. News is a new state or a word on the ground; that a look saw nothing of it is
    listed when it is drawn next.
    """
    if event.detector is Detector.TILE or not any(step.state in ALERT_STATES for step in event.transitions):
        return False
    stepped = any(step.acquisition_id == acquisition_id for step in event.transitions)
    said = any(piece.acquisition_id == acquisition_id and piece.verdict in DRAWN for piece in event.evidence)
    return event.picture is None or stepped or said


class History(Protocol):
    """The part of `monitor.ports.Store` that knows earlier looks."""

    def looks_before(
        self, tile: Tile, model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> list[Observation]:
        """The newest `limit` current observations of a tile that have a look, sensed before a time, newest first."""


class LooksBefore:
    """Finds the ground as it was before an event (`monitor.ports.GroundBefore`). May be called from several threads.

    All tiles show one pass where possible: the newest at or before the start of the failure window that shows
    the event's ground, else the one that shows most of it. Looks inside the window, which may show the change
    already, are taken only for a tile that has none before it.
    """

    def __init__(self, store: History, archive: LookArchive, comparable: str, limit: int) -> None:
        """
        Args:
            comparable: the comparability class of the looks that are shown.
            limit: how many looks back a reference may go; a look is read only when the newer ones do not do.
        """
        self._store = store
        self._archive = archive
        self._comparable = comparable
        self._limit = limit
        self._lock = threading.Lock()
        self._read = lru_cache(maxsize=_KEPT_LOOKS)(self._read_kept)
        self._rows = lru_cache(maxsize=None)(self._find_rows)

    def __call__(self, event: Event, tiles: Sequence[Tile]) -> Mapping[Tile, Look]:
        """Of each tile that has one a look; first the one that shows most of the event's ground."""
        grounds = {tile: _ground(event, tile) for tile in tiles}
        with self._lock:
            rows = {tile: self._before(event, tile) for tile in tiles}
            main = self._main_pass({tile: rows[tile] for tile in tiles if grounds[tile].any()}, grounds)
            picked = {tile: self._pick(rows[tile], grounds[tile], main) for tile in tiles}
        found = sorted((one for one in picked.values() if one is not None), key=lambda one: (-one[0], one[1].tile))
        return {look.tile: look for _, look in found}

    def _before(self, event: Event, tile: Tile) -> Sequence[Observation]:
        # The baselines compare what a look through any model keeps, and so does a network of pairs.
        model = event.model_version if event.detector is Detector.NETWORK else None
        rows = self._rows(tile, model, event.window_end) or self._rows(tile, None, event.window_end)
        return [row for row in rows if row.sensing_time <= event.window_start] or rows[:1]

    def _main_pass(self, rows: Mapping[Tile, Sequence[Observation]], grounds: Mapping[Tile, Mask]) -> str | None:
        """The pass that shows the event's ground best, over all tiles; newer ones first."""
        wanted = _SHOWN * sum(int(grounds[tile].sum()) for tile in rows)
        shown: dict[str, int] = {}
        passes = {(row.sensing_time, row.acquisition_key) for one in rows.values() for row in one}
        for _, key in sorted(passes, reverse=True):
            looks = [(tile, self._read(row)) for tile, one in rows.items() for row in one if row.acquisition_key == key]
            shown[key] = sum(_shown(look, grounds[tile]) for tile, look in looks if look is not None)
            if shown[key] >= wanted:
                break
        return max(shown, key=lambda key: shown[key], default=None)

    def _pick(self, rows: Sequence[Observation], ground: Mask, main: str | None) -> tuple[int, Look] | None:
        """A tile's look, and how many pixels of the event's ground it shows: the main pass if that shows some."""
        best: tuple[int, Look] | None = None
        for row in sorted(rows, key=lambda row: row.acquisition_key != main):  # stable: then newest first
            look = self._read(row)
            if look is None:
                continue
            shown = _shown(look, ground)
            if best is None or shown > best[0]:
                best = (shown, look)
            if best[0] >= _SHOWN_IN_TILE * int(ground.sum()):
                break
        return best

    def _read_kept(self, row: Observation) -> Look | None:
        """A look; a lost one is left out here, and told where references are built."""
        try:
            return self._archive.read(row.look_href) if row.look_href else None
        except BadAsset:
            return None

    def _find_rows(self, tile: Tile, model_version: str | None, end: datetime) -> Sequence[Observation]:
        return self._store.looks_before(tile, model_version, self._comparable, end, self._limit)


def _ground(event: Event, tile: Tile) -> Mask:
    (canvas,) = canvases([tile])
    return burn(project(event.geometry, 4326, tile.epsg), canvas)


def _shown(look: Look, ground: Mask) -> int:
    return int((valid(look) & ground).sum())
