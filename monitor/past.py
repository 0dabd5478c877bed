"""What was known of the ground before an acquisition: earlier looks at its tiles, and those that events have frozen."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from monitor.core.change import AlertSettings
from monitor.core.declared import Declared
from monitor.core.grid import TILE_PX
from monitor.core.lifecycle import OPEN_STATES
from monitor.core.reference import Reference, newest_looks, valid
from monitor.core.water import SEASON, Cover, lying_snow, open_water, sees_ground_or_snow
from monitor.evidence import Frozen, opening_acquisition
from monitor.memory import Memory
from monitor.pairing import PairNetwork
from monitor.ports import LookArchive, Store
from monitor.records import (
    Acquisition,
    Detector,
    Event,
    FrozenReference,
    KeptLook,
    Look,
    Observation,
    Prediction,
    Sensor,
    Tile,
)
from monitor.scene import Before, before_of, depth_of, reach_of, references

Mask = NDArray[np.bool_]
_Rows = Callable[[Tile], Iterator[KeptLook]]

_WHOLE = np.ones((TILE_PX, TILE_PX), dtype=np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Earlier looks at the tiles of one acquisition, reduced."""

    rows: dict[Tile, list[KeptLook]]
    """What references are made of, newest first."""
    newest: dict[Tile, Look]
    """The newest earlier look through the same model."""
    references: dict[Tile, Before]
    fed: dict[Tile, list[Look]]
    """What a network of pairs is shown beside the acquisition's own looks."""
    answers: dict[Tile, Prediction]
    """What a network of pairs says of these looks and the acquisition's own; empty before it is asked."""


class EarlierLooks:
    """Looks from before one acquisition, as far as they can be read and compared with it.

    The network compares with looks of its own version only. The baselines compare colours and backscatter, which
    every look keeps, so that a new model is not blind to what changes while it learns; so does a network of pairs.
    """

    def __init__(
        self,
        store: Store,
        archive: LookArchive,
        acquisition: Acquisition,
        model_version: str,
        settings: AlertSettings,
        pairs: PairNetwork | None = None,
        declared: Declared | None = None,
    ) -> None:
        """
        Args:
            pairs: the network of this version, if it is one of pairs.
            declared: what people have declared on the acquisition's ground.

        Nothing is read yet.
        """
        self._store = store
        self._memory = Memory(archive)
        self._optics = Memory(archive)
        self._acquisition = acquisition
        self._model_version = model_version
        self._settings = settings
        self._pairs = pairs
        self._declared = declared or Declared()
        self._since = cache(lambda at, tile: self._declared.at(at).since(tile))

    def past(self, looks: Mapping[Tile, Look]) -> Past:
        """The last K looks before the acquisition at every pixel that `looks` show, without answers of a network.

        Raises:
            AssetUnavailable: there are earlier looks, and none of them can be found.
        """
        past = Past(rows={}, newest={}, references={}, fed={}, answers={})
        before = self._own_rows(looks, self._acquisition.sensing_time)
        for tile, look in looks.items():
            newest = self._last(look, before)
            past.rows[tile] = newest.rows
            if newest.own:
                past.newest[tile] = newest.own[0]
            reference, known = self._reference(newest), newest
            since = self._since(self._acquisition.sensing_time, tile)
            if since is not None and any(row.sensing_time >= since for row in newest.rows):
                frozen = self._last(look, self._own_rows([tile], since))
                intact = self._reference(frozen)
                # Ground that nobody saw before a declared event is compared as everywhere.
                reference, known = (reference, known) if intact is None else (intact, frozen)
            if reference is not None:
                past.references[tile] = reference
                past.fed[tile] = self._fed(known.looks, valid(look))
        self._memory.check()
        return past

    def _own_rows(self, tiles: Collection[Tile], before: datetime) -> _Rows:
        return self._rows(tiles, self._acquisition.comparable, self._model_version, before)

    def _last(self, look: Look, before: _Rows) -> "_Last":
        """The last of earlier looks of the acquisition's class at what a look shows."""
        depth = self._depth(self._acquisition.comparable)
        rows, looks = self._memory.last(before(look.tile), valid(look), depth)
        own = [one for row, one in zip(rows, looks, strict=True) if row.model_version == self._model_version]
        return _Last(rows=rows, looks=looks, own=own)

    def answered(self, past: Past, looks: Mapping[Tile, Look]) -> Past:
        """The past with what a network of pairs, if there is one, says of it and of the same looks as it is of."""
        return past if self._pairs is None else replace(past, answers=self._pairs.answer(looks, past.fed))

    def cover(self, tiles: Iterable[Tile]) -> dict[Tile, Cover]:
        """Water and snow on every tile that optics saw before a radar pass; optics tell them themselves.

        Only looks at surface reflectance tell water from ground. Snow lies until optics see the ground free.
        """
        if self._acquisition.sensor is Sensor.OPTICAL:
            return {}
        asked = list(tiles)
        rows = self._rows(asked, Sensor.OPTICAL.value, self._model_version, self._acquisition.sensing_time)
        seen = {tile: self._seen_by_optics(tile, rows) for tile in asked}
        return {tile: one for tile, one in seen.items() if one is not None}

    def _seen_by_optics(self, tile: Tile, rows: _Rows) -> Cover | None:
        depth = self._settings.looks
        _, looks = self._optics.last(rows(tile), _WHOLE, depth, sees_ground_or_snow)
        # A tile all white leaves no look. Whatever saw some of its ground since knows better.
        if self._store.all_white(tile, self._acquisition.sensing_time):
            snow = _WHOLE
        elif looks:
            snow = lying_snow(looks)
        else:
            return None
        return Cover(water=open_water(looks, depth) if looks else np.zeros_like(snow), snow=snow)

    def most_snow(self, tiles: Iterable[Tile]) -> float:
        """The largest share under snow of what one pass of optics saw of tiles this season (`core.water.SEASON`)."""
        now = self._acquisition.sensing_time
        return self._store.most_snow(tiles, now - SEASON, now)

    def beside(self, acquisition: Acquisition, model_version: str) -> "EarlierLooks":
        """The same for another acquisition that was processed, without a network; what is lost is told by both."""
        other = copy(self)
        other._acquisition, other._model_version, other._pairs = acquisition, model_version, None
        return other

    def kept(self, rows: Iterable[Observation]) -> dict[Tile, Look]:
        """The looks of an acquisition as they are kept, as far as they can be read."""
        looks = {row.tile: self._memory.recall(row.look_href) for row in rows if row.look_href}
        return {tile: look for tile, look in looks.items() if look is not None}

    def frozen(
        self, events: Sequence[Event], looks: Mapping[Tile, Look], fresh: Sequence[FrozenReference] = ()
    ) -> list[Frozen]:
        """Events with what is left of their frozen references in the acquisition's own comparability class.

        Events that share them are judged together: those that opened together, and, if another sensor or track
        opened them, whose newest looks from before are the same. A network of pairs that opened one is asked anew,
        about `looks` of the acquisition beside the frozen ones. `fresh` are references that are not stored yet.
        """
        groups: dict[object, list[_Shared]] = {}
        for event in events:
            kept = self._reference_of(event, fresh)
            own = event.comparable == self._acquisition.comparable
            alike = groups.setdefault(opening_acquisition(event) if own else _newest(kept), [])
            # A late look may have come between: the same opening, and other looks before it.
            shared = next((one for one in alike if one.agrees(kept)), None)
            if shared is None:
                shared = _Shared(events=[], hrefs={})
                alike.append(shared)
            shared.events.append(event)
            shared.hrefs.update(kept)
        return [self._recalled(one.events, one.hrefs, looks) for alike in groups.values() for one in alike]

    def _reference_of(self, event: Event, fresh: Sequence[FrozenReference]) -> dict[Tile, list[str]]:
        """Hrefs of an event's frozen looks of the acquisition's class, by tile."""
        comparable = self._acquisition.comparable
        stored = self._store.reference(event.id, comparable)
        kept = {tile: list(hrefs) for tile, hrefs in stored.items()}
        for one in fresh:
            if one.event_id == event.id and one.comparable == comparable and one.tile not in stored:
                kept.setdefault(one.tile, []).append(one.look_href)
        return kept

    def _recalled(
        self, events: Sequence[Event], hrefs: Mapping[Tile, Sequence[str]], looks: Mapping[Tile, Look]
    ) -> Frozen:
        kept = {tile: self._memory.recall_all(some) for tile, some in hrefs.items()}
        answers = None
        if self._pairs is not None and any(self._opened(event) for event in events):
            answers = self._pairs.answer(looks, {tile: self._fed(some, _WHOLE) for tile, some in kept.items()})
        return Frozen(events=tuple(events), past=references(kept, self._settings), answers=answers)

    def _fed(self, looks: Sequence[Look], wanted: Mask) -> list[Look]:
        """Those that a network of pairs is fed: more of them would only fill memory."""
        return newest_looks(looks, wanted, self._pairs.earlier) if self._pairs is not None else []

    def _opened(self, event: Event) -> bool:
        """Whether the acquisition's own network, looking at its class, has opened an event."""
        own = event.comparable == self._acquisition.comparable and event.model_version == self._model_version
        return own and event.detector is Detector.NETWORK

    def freeze(self, events: Sequence[Event], known: Sequence[Event]) -> list[FrozenReference]:
        """The looks before an event on its tiles, for events and tiles that are not among the `known` ones.

        They reach back for every pixel of a tile, also for those that the opening look does not show: the event may
        grow onto that ground, and later looks must be able to judge it there too. Looks of other sensors and tracks
        are frozen as well, as they were before the failure may have happened: they will be asked about it.
        """
        rows_before = cache(self._rows_to_freeze)
        frozen = {(event.id, tile) for event in known for tile in event.tiles}
        standing = {event.id for event in known}
        return [
            FrozenReference(
                event_id=event.id,
                tile=tile,
                acquisition_id=row.acquisition_id,
                look_href=row.look_href,
                comparable=comparable,
            )
            for event in events
            # Also of what a late look opened and later ones have ended: another late one may be asked about it.
            if event.state in OPEN_STATES or event.id not in standing
            for tile in event.tiles
            if (event.id, tile) not in frozen
            for comparable, end in self._classes(event, tile)
            for row in rows_before(event.model_version, comparable, end, tile)
            if self._tells(row, comparable, event)
        ]

    def _tells(self, row: KeptLook, comparable: str, event: Event) -> bool:
        """Whether a look may judge an event later: of its own class those of its model, where that matters."""
        any_model = comparable != event.comparable or (self._pairs is not None and self._opened(event))
        return any_model or comparable_with(row.model_version, event)

    def complaint(self) -> str:
        """Which looks are lost and what helps, for people; empty when none is."""
        return "; ".join(filter(None, (self._memory.complaint(), self._optics.complaint())))

    def _classes(self, event: Event, tile: Tile) -> Iterator[tuple[str, datetime]]:
        """Comparability classes in which a tile was seen before an event, and until when its ground was surely intact.

        A look of the event's own class before the first that shows it lacks the change; one of another class may
        already have seen it, unless it is older than the failure window. Where a declared event lies in that window,
        the looks from before it are those that the opening one was compared with; a late look may have found that one.
        """
        since = self._since(event.window_end, tile)
        within = since is not None and event.window_start < since < event.window_end
        yield event.comparable, since if since is not None and within else event.window_end
        for comparable in self._store.kinds_of_look(tile):
            if comparable != event.comparable:
                yield comparable, event.window_start

    def _rows_to_freeze(self, model_version: str, comparable: str, end: datetime, tile: Tile) -> list[KeptLook]:
        rows = self._rows([tile], comparable, model_version, end)
        return self._memory.last(rows(tile), _WHOLE, self._depth(comparable))[0]

    def _depth(self, comparable: str) -> int:
        """Looks at every pixel that are needed of a class."""
        fed = self._pairs.earlier if self._pairs and comparable == self._acquisition.comparable else 0
        return max(depth_of(_sensor(comparable), self._settings), fed)

    def _rows(self, tiles: Collection[Tile], comparable: str, model_version: str, before: datetime) -> _Rows:
        """How to ask for a tile's looks through this model, newest first, then those of other passes through others.

        As many as mostly suffice are asked for of all tiles at once, when the first is. A tile that needs more, as
        clouds lay over it, is asked about alone.
        """
        reach = reach_of(_sensor(comparable), self._settings)
        few = min(self._depth(comparable), reach)
        ask = partial(self._store.kept_looks, comparable=comparable, before=before)
        of_all = cache(lambda model: ask(tiles, model, limit=few))

        def repeatedly(tile: Tile) -> Iterator[KeptLook]:
            for model in (model_version, None):
                newest = of_all(model)[tile]
                yield from newest
                if len(newest) == few:
                    yield from ask([tile], model, limit=reach)[tile]

        def rows(tile: Tile) -> Iterator[KeptLook]:
            passes = set()
            for row in repeatedly(tile):
                if row.acquisition_key not in passes:
                    passes.add(row.acquisition_key)
                    yield row

        return rows

    def _reference(self, last: "_Last") -> Before | None:
        """Colours or backscatter of all looks, probability of those through the acquisition's own model."""
        looks, own = last.looks, last.own
        reference = before_of(looks, self._settings)
        if reference is None or len(own) == len(looks):
            return reference
        if not isinstance(reference, Reference):
            through_network = before_of(own, self._settings)
            answer = None if through_network is None else through_network.probability
            return replace(reference, probability=answer)
        through_model = before_of(own, self._settings)
        if not isinstance(through_model, Reference):
            nothing = np.full_like(reference.probability, np.nan)
            return replace(reference, probability=nothing, spread=nothing)
        return replace(reference, probability=through_model.probability, spread=through_model.spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Last:
    """Earlier looks at one tile, newest first."""

    rows: list[KeptLook]
    looks: list[Look]
    own: list[Look]
    """Those through the acquisition's own model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """Events and the frozen looks, by tile, that are theirs together."""

    events: list[Event]
    hrefs: dict[Tile, list[str]]

    def agrees(self, hrefs: Mapping[Tile, Sequence[str]]) -> bool:
        """Whether another event has the same looks on every tile that both have."""
        return all(list(kept) == self.hrefs.get(tile, list(kept)) for tile, kept in hrefs.items())


def _newest(hrefs: Mapping[Tile, Sequence[str]]) -> frozenset[str]:
    """The newest look of each tile by file name, which is the same on every tile of an acquisition."""
    return frozenset(kept[0].rpartition("/")[2] for kept in hrefs.values() if kept)


def _sensor(comparable: str) -> Sensor:
    return Sensor(comparable.partition(":")[0])


def comparable_with(model_version: str, event: Event) -> bool:
    """Whether a look of this model may judge an event of its class: baselines compare what every look keeps."""
    return event.detector is not Detector.NETWORK or event.model_version == model_version
