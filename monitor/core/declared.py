"""What holds on ground where a person has declared an event.

Looks that are sensed while a declaration holds are compared with the ground as it was before the event, however many
looks come between; a change there need not be as rare and as large to be an alert; and events in whose failure window
the declared one lies are grouped under it. Slopes that a storm or an earthquake has shaken fail far more often than on
quiet days: so many more of the weak changes are landslides that the same share of the alerts is false.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shapely import get_parts, make_valid, union_all
from shapely.geometry.base import BaseGeometry

from monitor.core.change import AlertSettings
from monitor.core.grid import project, tile_polygon
from monitor.core.lifecycle import LifecycleSettings
from monitor.errors import Refused
from monitor.records import Declaration, DeclarationKind, Event, Region, Tile

LONGEST_DAYS = 180
"""As long as explained ground rests (`LifecycleSettings.rest`): it differs from the frozen references all the time. So
no declaration holds for looks sensed later after its event."""
_SAME = timedelta(hours=24)
"""Satellites cannot tell two events of a day apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredSettings:
    """What a declaration brings; written into it when it is entered."""

    days: int = 60
    """For how long it holds: some ten passes of Sentinel-2, a few of which will be clear."""
    rate_factor: float = 10.0
    """The threshold of alerts for watch, in false events per 1,000 km² and year, times this; that of warnings stays."""
    size_factor: float = 2.0
    """The least area, and the least strength where no rate is known, divided by this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a person says of an event."""

    at: datetime
    geometry: BaseGeometry | None
    """EPSG:4326; None: all of the region."""
    kind: DeclarationKind
    name: str
    by: str
    days: int | None = None
    """For how long it is to hold; None: as configured."""

    def of(self, region: str, settings: DeclaredSettings, now: datetime) -> Declaration:
        """The declaration that is wanted, with what the settings say that it brings."""
        return Declaration(
            id=0,
            region=region,
            at=self.at,
            until=min(now + timedelta(days=self.days or settings.days), self.at + timedelta(days=LONGEST_DAYS)),
            geometry=self.geometry,
            kind=self.kind,
            name=self.name,
            rate_factor=settings.rate_factor,
            size_factor=settings.size_factor,
            by=self.by,
            declared=now,
        )


@dataclass(frozen=True, slots=True)
class Declared:
    """What people have declared in one region, and what of it holds for a look that was sensed at one time."""

    holding: tuple[Declaration, ...] = ()
    """The earliest event first."""
    every: tuple[Declaration, ...] = ()
    """Also what does not hold then: a late look may open events of later looks, and they belong by their own times."""

    @classmethod
    def of(cls, known: Iterable[Declaration], sensing_time: datetime) -> "Declared":
        """The declarations of a region that hold for a look: of events before it, and not over when it was sensed."""
        declarations = tuple(known)
        held = [one for one in declarations if one.at < sensing_time < one.end]
        return cls(tuple(sorted(held, key=lambda one: (one.at, one.id))), declarations)

    def at(self, sensing_time: datetime) -> "Declared":
        """What holds for a look of another time."""
        return Declared.of(self.every, sensing_time)

    def on(self, ground: BaseGeometry) -> Declaration | None:
        """The earliest declaration that ground touches, EPSG:4326; None: none holds there."""
        return next((one for one in self.holding if touches(one, ground)), None)

    def since(self, tile: Tile) -> datetime | None:
        """The time from before which a tile is remembered; None: looks follow one another as everywhere.

        With several events the earliest counts: what it did must not pass for the ground that the next one met.
        """
        if not self.holding:
            return None
        one = self.on(project(tile_polygon(tile), tile.epsg, 4326))
        return None if one is None else one.at

    def eased(self, settings: AlertSettings) -> AlertSettings:
        """The settings of change with the smallest least area that holds anywhere."""
        factor = max((one.size_factor for one in self.holding), default=1.0)
        return replace(settings, min_area_ha=settings.min_area_ha / factor)

    def told(self) -> str:
        """For the end of a sentence about an acquisition."""
        return "".join(f"; {reason(one)}" for one in self.holding)


def touches(declaration: Declaration, ground: BaseGeometry) -> bool:
    """Whether some ground of its region, EPSG:4326, is among that of a declaration."""
    return declaration.geometry is None or bool(declaration.geometry.intersects(ground))


def in_force(declarations: Iterable[Declaration], now: datetime) -> list[Declaration]:
    """Those that are neither over nor ended."""
    return [one for one in declarations if one.declared <= now < one.end]


def counted(declaration: Declaration, lookback_days: int, now: datetime) -> bool:
    """Whether it is told what was seen of its ground since: also after its end, as far back as the region looks."""
    return declaration.declared <= now and now - declaration.end < timedelta(days=lookback_days)


def eased_lifecycle(settings: LifecycleSettings, declaration: Declaration | None) -> LifecycleSettings:
    """The limits of what opens on declared ground. A warning is as rare there as everywhere."""
    if declaration is None:
        return settings
    return replace(
        settings,
        watch_rate=settings.watch_rate * declaration.rate_factor,
        open_strength=settings.open_strength / declaration.size_factor,
    )


def title(declaration: Declaration) -> str:
    """Such as: earthquake of 2018-09-05 18:08 UTC (Iburi)."""
    name = f" ({declaration.name})" if declaration.name else ""
    return f"{declaration.kind.value} of {declaration.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC{name}"


def reason(declaration: Declaration) -> str:
    """Why something was decided otherwise than elsewhere. Names nobody: it goes with alerts to everybody."""
    return (
        f"declared: {title(declaration)}: compared with looks from before it, thresholds eased "
        f"{declaration.rate_factor:g} times (rate) and {declaration.size_factor:g} times (size)"
    )


def reason_anew(declaration: Declaration) -> str:
    """Why a candidate became an alert when nothing but the thresholds had changed. Names nobody either."""
    return (
        f"declared on its ground: {title(declaration)}: weighed anew, thresholds eased "
        f"{declaration.rate_factor:g} times (rate) and {declaration.size_factor:g} times (size)"
    )


def entered(
    wanted: Declaration, region: Region, known: Sequence[Declaration], events: Iterable[Event], now: datetime
) -> Declaration:
    """A declaration as it is to be kept: its area cut to the region, and the storm that it names.

    Where alerts of the event are known already it takes over the name they are grouped under, since an event never
    changes its storm.

    Args:
        wanted: as a person wants it.
        known: earlier ones of the region, also those that are over.
        events: of the region.

    Raises:
        Refused: it lies in the future, too far back or outside the region, or somebody has declared it already.
    """
    _check_time(wanted, now)
    area = None if wanted.geometry is None else _areas(make_valid(wanted.geometry).intersection(region.geometry))
    if area is not None and area.area == 0:
        raise Refused(
            f"the area lies outside the region {region.id}",
            item=region.id,
            remedy="`scarpwatch regions --json` shows its outline; coordinates are longitude, latitude.",
            reason="outside-region",
        )
    placed = replace(wanted, region=region.id, geometry=area)
    for other in in_force(known, now):
        if abs(other.at - wanted.at) < _SAME and (area is None or touches(other, area)):
            raise Refused(
                f"{other.by} has declared it already at {other.declared.astimezone(UTC):%Y-%m-%d %H:%M} UTC, "
                f"as number {other.id}: {title(other)}",
                item=region.id,
                remedy=f"Nothing needs to be done. If its time or area is wrong, end it first "
                f"(on its situation page, or scarpwatch declare --end {other.id}), then declare it anew.",
                reason="already-declared",
            )
    return replace(placed, storm=_storm(placed, known, events))


def _areas(ground: BaseGeometry) -> BaseGeometry:
    """The areas of ground, without the lines and points in which two outlines merely touch."""
    if ground.geom_type != "GeometryCollection":
        return ground
    return union_all([part for part in get_parts(ground) if part.area])


def _check_time(wanted: Declaration, now: datetime) -> None:
    if wanted.at > now:
        raise Refused(
            f"{wanted.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC lies in the future: it is "
            f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
            item=wanted.region,
            remedy="Give the time at which it happened, in UTC (…Z) or with its offset (…+09:00).",
            reason="in-the-future",
        )
    if now - wanted.at >= timedelta(days=LONGEST_DAYS):
        raise Refused(
            f"{wanted.at.astimezone(UTC):%Y-%m-%d} is {LONGEST_DAYS} days ago or more",
            item=wanted.region,
            remedy="See that the year is right. What failed so long ago is seen by `scarpwatch backfill`.",
            reason="too-long-ago",
        )


def _storm(wanted: Declaration, known: Sequence[Declaration], events: Iterable[Event]) -> str:
    taken = {one.storm for one in known}
    of_it = [event for event in events if event.storm and event.storm not in taken and names(wanted, event)]
    if of_it:
        return min(of_it, key=lambda event: (event.window_end, event.id)).storm
    name = f"{wanted.region}-{wanted.kind.value}-{wanted.at.astimezone(UTC):%Y%m%d}"
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def names(declaration: Declaration, event: Event) -> bool:
    """Whether a declared event can have made another one: it lies in its failure window, and on its ground."""
    return event.window_start < declaration.at <= event.window_end and touches(declaration, event.geometry)


def maker(declarations: Iterable[Declaration], event: Event) -> Declaration | None:
    """The declared event that an event is grouped under: the earliest that can have made it.

    One that was over when a look first showed the event is none: it may have been ended because it was wrong.
    """
    able = [one for one in declarations if names(one, event) and event.window_end < one.end]
    return min(able, key=lambda one: (one.at, one.id), default=None)
