"""Looks that were processed before an earlier one arrived are asked about what that one found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.core.change import AlertSettings
from monitor.core.events import LookContext
from monitor.core.late import AsOf, put_back, stands, successors, taken_in
from monitor.core.lifecycle import OPEN_STATES, LifecycleSettings
from monitor.core.masks import MaskSource
from monitor.evidence import apart, has_spoken
from monitor.hearing import deaf_to, hear, lay_out, measuring
from monitor.past import EarlierLooks
from monitor.ports import Store, TerrainSource
from monitor.records import Acquisition, AlertStatus, Event, FrozenReference, Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """What has become of events once every look has been asked that was processed before the late one came."""

    events: tuple[Event, ...]
    """Those that are open, and those that have changed."""
    references: tuple[FrozenReference, ...]
    asked: int
    """Later looks that were asked about anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterLooks:
    """Looks younger than an acquisition, from the archive: no network is run again."""

    store: Store
    earlier: EarlierLooks
    """Of the acquisition; reads the archive."""
    terrain: TerrainSource
    alerts: AlertSettings
    lifecycle: LifecycleSettings
    hold: Callable[[], None]
    """Called before every look: keeps the lease."""

    def afterwards(self, judged: Sequence[Event], then: AsOf, acquisition: Acquisition) -> Afterwards:
        """Events that an acquisition has judged as of its own time, with all that is known of later times.

        Args:
            judged: as they stood then and with what it says; those that it opened are among them.
            then: events as they stood, and as they are.
        """
        at, life = acquisition.sensing_time, self.lifecycle
        events = {event.id: put_back(event, then.whole.get(event.id), at, life) for event in judged}
        touched = [one for one in events.values() if _has_news(one, then)]
        for event in [one for one in touched if one.id in then.whole]:
            fresh = [one for one in successors(event, life) if one.id not in then.whole]
            touched += fresh
        events |= {event.id: event for event in touched}
        references = self.earlier.freeze(list(events.values()), list(then.whole.values()))
        heard, asked = self._asked(touched, references, acquisition)
        events |= {event.id: event for event in heard}
        all_now = {**then.whole, **events}
        events |= {event.id: event for event in taken_in(list(all_now.values()), heard, acquisition, life)}
        told = tuple(one for one in events.values() if one.state in OPEN_STATES or one is not then.whole.get(one.id))
        return Afterwards(events=told, references=tuple(references), asked=asked)

    def _asked(
        self, touched: Sequence[Event], references: Sequence[FrozenReference], acquisition: Acquisition
    ) -> tuple[list[Event], int]:
        """Events after what every later look says of their ground, oldest first, for as long as they stood open."""
        events, asked = {event.id: event for event in touched}, 0
        tiles = {tile for event in touched for tile in event.tiles}
        later = self.store.looks_after(acquisition.region, tiles, acquisition.sensing_time) if tiles else []
        for look, rows in later:
            shown = {row.tile for row in rows}
            wanted = [
                event
                for event in events.values()
                if not (shown.isdisjoint(event.tiles) or has_spoken(event, look.key))
                and stands(event, look.sensing_time, self.lifecycle)
            ]
            if wanted:
                self.hold()
                events |= {event.id: event for event in self._heard(look, rows, wanted, references)}
                asked += 1
        return list(events.values()), asked

    def _heard(
        self,
        look: Acquisition,
        rows: Sequence[Observation],
        wanted: Sequence[Event],
        references: Sequence[FrozenReference],
    ) -> list[Event]:
        tiles = {tile for event in wanted for tile in event.tiles}
        version = rows[0].model_version
        earlier = self.earlier.beside(look, version)
        looks = earlier.kept(row for row in rows if row.tile in tiles)
        context = _context(look, version)
        deaf = deaf_to(wanted, context)
        frozen = earlier.frozen([event for event in wanted if event.id not in deaf], looks, references)
        laid = lay_out(looks, earlier.cover(looks), self.terrain, self.alerts, measuring(look))
        shown = [apart(scene, wanted) for scene in laid]
        return hear(shown, wanted, frozen, context, self.alerts, self.lifecycle)


def late_told(at: datetime, then: AsOf, after: Afterwards) -> str:
    """What a late look did, for the beginning of a sentence."""
    whole = then.whole
    known = [(event, whole[event.id]) for event in after.events if event.id in whole]
    counts = {
        "heard": sum(len(event.evidence) > len(before.evidence) for event, before in known),
        "dated closer": sum(_window(event) != _window(before) for event, before in known),
        "opened": sum(event.id not in whole for event in after.events),
    }
    parts = [f"{what} {count} event{'s' if count > 1 else ''}" for what, count in counts.items() if count]
    parts += [f"asked {after.asked} later look{'s' if after.asked > 1 else ''}"] if after.asked else []
    return f"late: judged as of {at:%Y-%m-%d %H:%M} UTC, {', '.join(parts) or 'nothing changed by it'}; "


def _window(event: Event) -> tuple[datetime, datetime]:
    return event.window_start, event.window_end


def _has_news(event: Event, then: AsOf) -> bool:
    """Whether the look has opened an event, or said anything of it."""
    whole = then.whole.get(event.id)
    return whole is None or event.evidence != whole.evidence


def _context(look: Acquisition, model_version: str) -> LookContext:
    """Of a look that opens nothing."""
    return LookContext(
        region=look.region,
        acquisition_key=look.key,
        acquisition_id=look.id,
        sensing_time=look.sensing_time,
        previous_time=look.sensing_time,
        model_version=model_version,
        status=AlertStatus.ACTUAL,
        mask_source=MaskSource.SCL,
        shift=0.0,
        sensor=look.sensor,
        comparable=look.comparable,
    )
