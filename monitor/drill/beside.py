"""What stands between an exercise and the real history: it reads the one, and writes beside it.

The real database is known here by its reading methods only. Nothing is copied: a history of years is large, and what
is asked of it is the last looks of every tile.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.ports import GroundBefore, LookArchive, Publisher, Store
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    Choice,
    Declaration,
    Detector,
    Event,
    KeptLook,
    LedgerEntry,
    Look,
    Observation,
    Rejected,
    Sensor,
    Tile,
)

Array = NDArray[np.float32]


class TileHistory(Protocol):
    """What the pipeline reads of earlier acquisitions."""

    def looks_before(
        self, tile: Tile, model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> list[Observation]:
        """The newest observations of a tile that have a look, sensed before a time, newest first."""

    def kept_looks(
        self, tiles: Collection[Tile], model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> dict[Tile, list[KeptLook]]:
        """The newest looks of every tile, sensed before a time, newest first."""

    def all_white(self, tile: Tile, before: datetime) -> bool:
        """Whether the newest that optics saw of a tile before a time was nothing but snow."""

    def most_snow(self, tiles: Iterable[Tile], since: datetime, before: datetime) -> float:
        """The largest share under snow of what one pass of optics saw of tiles."""

    def kinds_of_look(self, tile: Tile) -> list[str]:
        """Every comparability class in which a tile has looks."""

    def choices_before(self, region: str, sensor: Sensor, before: datetime, since: datetime) -> dict[Tile, Choice]:
        """The newest choice of every tile at an acquisition of `sensor`, sensed in [since, before)."""


class History(TileHistory, Protocol):
    """What a drill reads of the real database."""

    def ledger(self, region: str | None = None, limit: int = 1000) -> list[LedgerEntry]:
        """Ledger rows, newest acquisition first."""

    def events(
        self, region: str | None = None, open_only: bool = False, ended_since: datetime | None = None
    ) -> list[Event]:
        """Events, strongest first."""


class BesideStore:
    """The real tile history with a ledger, events and an outbox of the exercise's own (`Store`).

    Events of the real history are not known here: the exercise's scars lie apart from them.
    """

    def __init__(self, real: TileHistory, own: Store) -> None:
        """`own` starts empty."""
        self._real = real
        self._own = own

    def discover(
        self,
        region: str,
        acquisitions: Sequence[Acquisition],
        rejected: Sequence[Rejected],
        now: datetime,
        complete: bool = True,
        history_before: datetime | None = None,
    ) -> int:
        """Into the exercise's ledger."""
        return self._own.discover(region, acquisitions, rejected, now, complete, history_before)

    def claim(self, owner: str, lease: timedelta, now: datetime, regions: Sequence[str]) -> LedgerEntry | None:
        """Of the exercise's ledger."""
        return self._own.claim(owner, lease, now, regions)

    def following(self, owner: str, now: datetime, regions: Sequence[str]) -> LedgerEntry | None:
        """Of the exercise's ledger."""
        return self._own.following(owner, now, regions)

    def extend(self, acquisition: Acquisition, owner: str, lease: timedelta, now: datetime) -> bool:
        """Of the exercise's ledger."""
        return self._own.extend(acquisition, owner, lease, now)

    def complete(self, acquisition: Acquisition, owner: str, result: AcquisitionResult, now: datetime) -> bool:
        """Into the exercise's database."""
        return self._own.complete(acquisition, owner, result, now)

    def retry(
        self,
        acquisition: Acquisition,
        owner: str,
        reason: str,
        detail: str,
        not_before: datetime,
        now: datetime,
        counted: bool = True,
    ) -> bool:
        """Of the exercise's ledger."""
        return self._own.retry(acquisition, owner, reason, detail, not_before, now, counted)

    def park(self, acquisition: Acquisition, owner: str, reason: str, detail: str, now: datetime) -> bool:
        """Of the exercise's ledger."""
        return self._own.park(acquisition, owner, reason, detail, now)

    def looks_before(
        self, tile: Tile, model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> list[Observation]:
        """Real looks."""
        return self._real.looks_before(tile, model_version, comparable, before, limit)

    def kept_looks(
        self, tiles: Collection[Tile], model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> dict[Tile, list[KeptLook]]:
        """Real looks."""
        return self._real.kept_looks(tiles, model_version, comparable, before, limit)

    def all_white(self, tile: Tile, before: datetime) -> bool:
        """By real looks."""
        return self._real.all_white(tile, before)

    def most_snow(self, tiles: Iterable[Tile], since: datetime, before: datetime) -> float:
        """By real looks."""
        return self._real.most_snow(tiles, since, before)

    def kinds_of_look(self, tile: Tile) -> list[str]:
        """Of real looks."""
        return self._real.kinds_of_look(tile)

    def events(
        self, region: str | None = None, open_only: bool = False, ended_since: datetime | None = None
    ) -> list[Event]:
        """The exercise's own."""
        return self._own.events(region, open_only, ended_since)

    def reference(self, event_id: str, comparable: str) -> dict[Tile, list[str]]:
        """Of the exercise's own events."""
        return self._own.reference(event_id, comparable)

    def declarations(self, region: str) -> list[Declaration]:
        """None: an exercise proves the thresholds of every day."""
        return []

    def choices_before(self, region: str, sensor: Sensor, before: datetime, since: datetime) -> dict[Tile, Choice]:
        """Real choices."""
        return self._real.choices_before(region, sensor, before, since)

    def waiting(self, regions: Sequence[str]) -> int:
        """In the exercise's ledger."""
        return self._own.waiting(regions)

    def is_history(self, acquisition: Acquisition) -> bool:
        """By the exercise's ledger, in which nothing is newer."""
        return self._own.is_history(acquisition)

    def is_late(self, acquisition: Acquisition) -> bool:
        """By the exercise's ledger, in which nothing is newer."""
        return self._own.is_late(acquisition)

    def looks_after(
        self, region: str, tiles: Collection[Tile], after: datetime
    ) -> list[tuple[Acquisition, list[Observation]]]:
        """None: real looks that are newer show no painted scar."""
        return []


class BesideLooks:
    """Real looks to read, and a folder of the exercise's own to write (`LookArchive`)."""

    def __init__(self, real: LookArchive, own: LookArchive, tiles: frozenset[Tile]) -> None:
        """`own` starts empty; of `tiles` the exercise's looks are remembered."""
        self._real = real
        self._own = own
        self._tiles = tiles
        self._written: set[str] = set()
        self.painted: dict[Tile, Look] = {}

    def write(self, look: Look, model_version: str) -> str:
        """Keep a look of the exercise."""
        href = self._own.write(look, model_version)
        self._written.add(href)
        if look.tile in self._tiles:
            self.painted[look.tile] = look
        return href

    def read(self, href: str) -> Look:
        """A look of the exercise, else a real one."""
        return (self._own if href in self._written else self._real).read(href)


class Overheard:
    """A publisher that remembers the layers of some tiles, so that a scar that was missed can be explained."""

    def __init__(self, publisher: Publisher | None, tiles: frozenset[Tile]) -> None:
        """Without a publisher nothing is published."""
        self._publisher = publisher
        self._tiles = tiles
        self.layers: dict[str, dict[Tile, Array]] = {}

    def publish(
        self,
        acquisition: Acquisition,
        layers: Mapping[str, Mapping[Tile, NDArray[np.float32]]],
        properties: Mapping[str, object],
    ) -> Path:
        """Pass it on."""
        self.layers = {name: {tile: of[tile] for tile in self._tiles & of.keys()} for name, of in layers.items()}
        return Path() if self._publisher is None else self._publisher.publish(acquisition, layers, properties)


class NoPictures:
    """Draws nothing (`Illustrator`)."""

    def illustrate(
        self,
        events: Sequence[Event],
        now: Mapping[Tile, Look],
        change: Mapping[Detector, Mapping[Tile, NDArray[np.float32]]],
        before: GroundBefore,
        mask_source: str,
    ) -> dict[str, str]:
        """No pictures."""
        return {}
