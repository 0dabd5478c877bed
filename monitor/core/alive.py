"""The weekly sign of life: when it is due, how the watch stands, and whether it is well.

It is no CAP message: CAP tells the public and other systems of a hazard, with an area, an urgency and an end. That a
watch runs is a matter between it and the people who rely on it, and a receiver of alerts must not take it for one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from monitor.core.intake import Arrival, Intake, Sight, intake, stale, waiting
from monitor.records import Fallback, NextPass, Sensor, Tier

WEEK = timedelta(days=7)
_CLOCK_WAS_AHEAD = timedelta(days=1)
"""A message that was written so much later than now was written before the clock was set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """When the message of a week is due, UTC."""

    weekday: int = 0
    """0: Monday."""
    hour_utc: int = 6

    def last(self, now: datetime) -> datetime:
        """The newest such hour that is not after `now`."""
        hour = now.astimezone(UTC).replace(hour=self.hour_utc, minute=0, second=0, microsecond=0)
        found = hour - timedelta(days=(hour.weekday() - self.weekday) % 7)
        return found if found <= now else found - WEEK


def due(week: Week, since: datetime | None, last: datetime | None, now: datetime) -> datetime | None:
    """The hour of the week whose message is to be written now; None: there is none.

    However many weeks were missed, one message is due: that of the newest.

    Args:
        since: from when on somebody is there to hear it; None: nobody is. What was before is not made up for.
        last: when the last message was written.
    """
    hour = week.last(now)
    if since is None or hour < since:
        return None
    told = last is not None and hour <= last <= now + _CLOCK_WAS_AHEAD
    return None if told else hour


def key_of(region: str, hour: datetime) -> str:
    """Of the message of a week: there is one, whoever writes it and however often."""
    return f"alive:{region}:{name_of(hour)}"


def name_of(hour: datetime) -> str:
    """The ISO week, such as 2026-W47."""
    year, week, _ = hour.astimezone(UTC).isocalendar()
    return f"{year}-W{week:02d}"


class TroubleKind(StrEnum):
    """Why a watch is not well."""

    SOURCE = "source-silent"
    """A catalog has not answered for long."""
    NO_LOOK = "no-look"
    """Nothing was observed for long."""
    NO_SCENE = "no-scene"
    """No catalog lists scenes of a sensor that the region is watched with."""
    UNUSABLE = "unusable"
    """The newest scenes of a sensor could not be used."""
    STALE = "stale"
    """Acquisitions have waited for long, and nobody tries them."""
    UNDELIVERED = "undelivered"
    """Messages wait for a person, or for a receiver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that is wrong with a watch."""

    kind: TroubleKind
    item: str = ""
    """The catalog, the sensor or the channel."""
    since: datetime | None = None
    """None: as long as is known."""
    count: int = 0
    """Of messages, or acquisitions."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Of acquisitions that could not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How a catalog does."""

    name: str
    answered: datetime | None
    """None: never."""
    failing_since: datetime | None
    """None: it answered when it was last asked."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What tells whether the watch over one region is well."""

    region: str
    at: datetime
    days: int
    """Without a look, or a scene of a sensor, for so many it is not."""
    tiles: int
    """Flat ones left out."""
    last_look: datetime | None
    sights: Mapping[Sensor, Sight] = field(default_factory=dict)
    """What each sensor saw in the days that were counted; those that the region is watched with. Whether the watch is
    well goes by the times alone."""
    arrivals: Sequence[Arrival] = ()
    """The acquisitions of these days, and those that wait longer."""
    worked: datetime | None = None
    """When a try of any acquisition of the watch last ended; None: none has."""
    retired: frozenset[Sensor] = frozenset()
    """Sensors whose satellites have all ended: nothing is expected of them."""
    sources: Sequence[Source] = ()
    undelivered: Mapping[str, int] = field(default_factory=dict)
    """Messages that are parked, or wait for longer than a day, by channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife(Pulse):
    """How the watch over one region stands. Shares are 0-1 of its ground, flat tiles left out, and of its `days`."""

    week: str
    """ISO week of the message."""
    seen: float
    compared_days: int
    compared: Mapping[Sensor, float]
    """Where a change could have been found within `compared_days`, the look-back of the region: an earlier look of the
    ground may be older than `days`."""
    never_observed: int
    """Tiles that no look of these days showed."""
    first: datetime | None
    """Sensing time of the first acquisition; None: not known."""
    blind_km2: float
    """Slopes that no radar track ever sees."""
    blind_share: float
    passes: Sequence[NextPass]
    open_alerts: Mapping[Tier, int]
    opened: int
    """Alerts since the last message; before the first, of the last week."""
    parked: Mapping[str, int]
    """Acquisitions that wait for a person, by reason."""
    silences: int
    """In force."""
    previous: datetime | None
    """When the last message was written; None: this is the first."""
    held: int = 0
    """Messages that silences hold back until they end."""
    fallback: Fallback | None = None
    """Catalogs that stand in for those of the region."""
    missed: int = 0
    """Weeks without a message before this one."""


def missed_weeks(previous: datetime | None, now: datetime, week: Week) -> int:
    """How many weeks before this one had no message; 0 before the first."""
    if previous is None or previous > now:
        return 0
    return max(0, (week.last(now) - week.last(previous)) // WEEK - 1)


def looked(sign: SignOfLife) -> bool:
    """Whether there was a look since the last message, or within a week, where a change could be found.

    Where there was none, that nothing was found means nothing, and must not be the message.
    """
    known = sign.previous is not None and sign.previous <= sign.at
    since = sign.previous if known and sign.previous is not None else sign.at - WEEK
    return any(sign.compared.values()) and sign.last_look is not None and sign.last_look > since


def intakes(pulse: Pulse) -> dict[Sensor, Intake]:
    """How each sensor did that the region is watched with."""
    sights = sorted(pulse.sights.items())
    return {one: intake(one, sight, pulse.arrivals, pulse.at, pulse.days) for one, sight in sights}


def troubles(pulse: Pulse, patience: timedelta = timedelta(days=2)) -> tuple[Trouble, ...]:
    """What is wrong with the watch; none: it is well.

    Args:
        patience: so long a catalog may be silent, and an acquisition wait for its turn.
    """
    # Also one that is not asked any more, whatever keeps the watch from it, has not answered.
    silent = [(one.name, one.failing_since or one.answered) for one in pulse.sources]
    found = [
        Trouble(kind=TroubleKind.SOURCE, item=name, since=since)
        for name, since in silent
        if since is not None and pulse.at - since >= patience
    ]
    if pulse.tiles and (pulse.last_look is None or pulse.at - pulse.last_look > timedelta(days=pulse.days)):
        found.append(Trouble(kind=TroubleKind.NO_LOOK, since=pulse.last_look))
    found += _of_sensors(pulse) if pulse.tiles else []
    if late := stale(pulse.arrivals, pulse.at, patience, pulse.worked):
        found.append(Trouble(kind=TroubleKind.STALE, since=min(one.updated for one in late), count=len(late)))
    found += [
        Trouble(kind=TroubleKind.UNDELIVERED, item=name, count=count)
        for name, count in sorted(pulse.undelivered.items())
        if count
    ]
    return tuple(found)


def unwatched(pulse: Pulse) -> tuple[Trouble, ...]:
    """Those troubles for which ground goes unseen: all but messages that do not get through."""
    return tuple(one for one in troubles(pulse) if one.kind is not TroubleKind.UNDELIVERED)


def trouble_json(one: Trouble) -> dict[str, object]:
    """A trouble for programs."""
    return {
        "kind": one.kind.value,
        "item": one.item,
        "since": _iso(one.since),
        "count": one.count,
        "reasons": dict(sorted(one.reasons.items())),
    }


def fallback_json(one: Fallback) -> dict[str, object]:
    """Catalogs that stand in, for programs."""
    return {"catalogs": list(one.catalogs), "since": _iso(one.since), "reason": one.reason}


def _of_sensors(pulse: Pulse) -> list[Trouble]:
    """A sensor that went silent is not made up for by another: radar sees nothing of small slides, optics not at night.

    Scenes of nothing but clouds are no trouble, but weather: `Intake.hidden`.
    """
    found = []
    for sensor, one in intakes(pulse).items():
        since = pulse.sights[sensor].last_look
        if one.stopped and sensor in pulse.retired:
            continue
        if one.stopped:
            found.append(Trouble(kind=TroubleKind.NO_SCENE, item=sensor.value, since=since))
        elif one.failed:
            count, item = sum(one.failed.values()), sensor.value
            found.append(
                Trouble(kind=TroubleKind.UNUSABLE, item=item, since=since, count=count, reasons=dict(one.failed))
            )
    return found


def payload(sign: SignOfLife, texts: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """The message, JSON types only.

    Args:
        texts: title and body by language, in order.
    """
    wrong = troubles(sign)
    return {
        "region": sign.region,
        "week": sign.week,
        "at": _iso(sign.at),
        "storm": f"alive:{sign.week}",  # what is told together, where a channel gathers
        "well": not wrong,
        "looked": looked(sign),
        "troubles": [trouble_json(one) for one in wrong],
        "days": sign.days,
        "seen": round(sign.seen, 4),
        "compared_days": sign.compared_days,
        "compared": {sensor.value: round(share, 4) for sensor, share in sorted(sign.compared.items())},
        "sensors": {
            sensor.value: {
                "seen": round(sign.sights[sensor].seen, 4),
                "last_look": _iso(sign.sights[sensor].last_look),
                "scenes": one.listed,
                "looked_at": one.done,
            }
            for sensor, one in intakes(sign).items()
        },
        "tiles": sign.tiles,
        "never_observed": sign.never_observed,
        "last_look": _iso(sign.last_look),
        "first_acquisition": _iso(sign.first),
        "radar_blind_slopes": {"km2": round(sign.blind_km2, 2), "share": round(sign.blind_share, 4)},
        "next_passes": [
            {"sensor": one.sensor.value, "relative_orbit": one.relative_orbit, "expected": _iso(one.expected)}
            for one in sign.passes
        ],
        "open_alerts": {tier.value: sign.open_alerts.get(tier, 0) for tier in Tier},
        "opened": sign.opened,
        "parked": dict(sorted(sign.parked.items())),
        "waiting": dict(sorted(waiting(sign.arrivals).items())),
        "fallback": None if sign.fallback is None else fallback_json(sign.fallback),
        "silences": sign.silences,
        "held": sign.held,
        "previous": _iso(sign.previous),
        "missed_weeks": sign.missed,
        "texts": {language: dict(text) for language, text in texts.items()},
    }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat()
