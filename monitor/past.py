"""What was known of the ground before an acquisition: earlier looks at its tiles, and those that events have frozen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.change import AlertSettings
from monitor.core.grid import TILE_PX
from monitor.core.lifecycle import OPEN_STATES
from monitor.core.reference import Reference, build_reference, valid
from monitor.evidence import opening_acquisition, references
from monitor.memory import Memory
from monitor.ports import LookArchive, Store
from monitor.records import Acquisition, Detector, Event, FrozenReference, Look, Observation, Tile

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Earlier looks at the tiles of one acquisition, reduced."""

    rows: dict[Tile, list[Observation]]
    """The observations that references are made of, newest first."""
    newest: dict[Tile, Look]
    """The newest earlier look through the same model."""
    references: dict[Tile, Reference]


class EarlierLooks:
    """Looks from before one acquisition, as far as they can be read and compared with it.

    The network compares with looks of its own version only. The baseline compares colours, which every look keeps,
    so that a new model is not blind to what changes while it learns.
    """

    def __init__(
        self, store: Store, archive: LookArchive, acquisition: Acquisition, model_version: str, settings: AlertSettings
    ) -> None:
        """Nothing is read yet."""
        self._store = store
        self._memory = Memory(archive)
        self._acquisition = acquisition
        self._model_version = model_version
        self._settings = settings

    def past(self, looks: Mapping[Tile, Look]) -> Past:
        """The last K looks before the acquisition at every pixel that `looks` show.

        Raises:
            AssetUnavailable: there are earlier looks, and none of them can be found.
        """
        past = Past(rows={}, newest={}, references={})
        for tile, look in looks.items():
            rows = self._rows(tile, self._model_version, self._acquisition.sensing_time)
            past.rows[tile], earlier = self._memory.last(rows, valid(look), self._settings.looks)
            own = [
                one
                for row, one in zip(past.rows[tile], earlier, strict=True)
                if row.model_version == self._model_version
            ]
            if own:
                past.newest[tile] = own[0]
            reference = self._reference(earlier, own)
            if reference is not None:
                past.references[tile] = reference
        self._memory.check()
        return past

    def frozen(self, events: Sequence[Event]) -> dict[str, dict[Tile, Reference]]:
        """What is left of frozen references, by opening acquisition: events that opened together share them."""
        hrefs: dict[str, dict[Tile, list[str]]] = {}
        for event in events:
            hrefs.setdefault(opening_acquisition(event), {}).update(self._store.reference(event.id))
        return {
            opening: references(
                {tile: self._memory.recall_all(kept) for tile, kept in tiles.items()}, self._settings.looks
            )
            for opening, tiles in hrefs.items()
        }

    def freeze(self, events: Sequence[Event], known: Sequence[Event]) -> list[FrozenReference]:
        """The looks before an event on its tiles, for events and tiles that are not among the `known` ones.

        They reach back for every pixel of a tile, also for those that the opening look does not show: the event may
        grow onto that ground, and later looks must be able to judge it there too.
        """
        whole = np.ones((TILE_PX, TILE_PX), dtype=np.bool_)

        @cache
        def before(model_version: str, time: datetime, tile: Tile) -> list[Observation]:
            return self._memory.last(self._rows(tile, model_version, time), whole, self._settings.looks)[0]

        frozen = {(event.id, tile) for event in known for tile in event.tiles}
        return [
            FrozenReference(
                event_id=event.id,
                tile=tile,
                acquisition_id=f"{row.acquisition_key}_{row.acquisition_version}",
                look_href=row.look_href,
            )
            for event in events
            if event.state in OPEN_STATES
            for tile in event.tiles
            if (event.id, tile) not in frozen
            for row in before(event.model_version, event.window_end, tile)
            if row.look_href and comparable_with(row.model_version, event)
        ]

    def complaint(self) -> str:
        """Which looks are lost and what helps, for people; empty when none is."""
        return self._memory.complaint()

    def _rows(self, tile: Tile, model_version: str, before: datetime) -> Iterator[Observation]:
        """Looks through this model, newest first, then those of other passes through other models."""
        sensor, reach = self._acquisition.sensor, self._settings.reach
        passes = set()
        for row in self._store.looks_before(tile, model_version, sensor, before, reach):
            passes.add(row.acquisition_key)
            yield row
        for row in self._store.looks_before(tile, None, sensor, before, reach):
            if row.acquisition_key not in passes:
                passes.add(row.acquisition_key)
                yield row

    def _reference(self, looks: Sequence[Look], own: Sequence[Look]) -> Reference | None:
        """Colours of all looks, probability of those through the acquisition's own model."""
        reference = build_reference(looks, self._settings.looks)
        if reference is None or len(own) == len(looks):
            return reference
        through_model = build_reference(own, self._settings.looks)
        if through_model is None:
            nothing = np.full_like(reference.probability, np.nan)
            return replace(reference, probability=nothing, spread=nothing)
        return replace(reference, probability=through_model.probability, spread=through_model.spread)


def comparable_with(model_version: str, event: Event) -> bool:
    """Whether a look of this model may judge an event: the baseline compares colours, which every look keeps."""
    return event.detector is Detector.BASELINE or event.model_version == model_version
