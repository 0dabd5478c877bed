"""Alerts for the tests of messages and feeds, with as few words as possible."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shapely import box

from monitor.records import (
    AlertStatus,
    Detector,
    Earlier,
    Event,
    EventState,
    Evidence,
    Revision,
    Tier,
    Tile,
    Transition,
    Verdict,
)

STORM = datetime(2018, 9, 5, 18, tzinfo=UTC)
SENT = datetime(2018, 9, 8, 3, 4, 5, 678901, tzinfo=UTC)


def look(day: int, verdict: Verdict, **changes: object) -> Evidence:
    """What the look of one day says."""
    plain = Evidence(
        acquisition_id=f"sentinel-2-{day:02d}",
        sensing_time=STORM + timedelta(days=day),
        detector=Detector.BASELINE,
        verdict=verdict,
        observed_fraction=0.8,
        level=0.4,
        strength=0.8,
        detail="80 % of it seen",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def step(day: int, state: EventState, reason: str, previous: EventState | None = None) -> Transition:
    """One step of an event."""
    return Transition(
        at=STORM + timedelta(days=day), previous=previous, state=state, reason=reason, detail="", acquisition_id=None
    )


def alert(event_id: str = "atsuma-20180908-x1", **changes: object) -> Event:
    """An alert that one look opened."""
    plain = Event(
        id=event_id,
        region="atsuma",
        state=EventState.PROVISIONAL,
        status=AlertStatus.ACTUAL,
        detector=Detector.BASELINE,
        geometry=box(141.95, 42.73, 141.952, 42.732),
        area_ha=3.64,
        mean_change=0.5,
        strength=1.82,
        spread=0.02,
        slope_deg=31.4,
        confidence="medium",
        confidence_reason="the source has no cloud mask",
        window_start=STORM - timedelta(days=3),
        window_end=STORM + timedelta(days=2),
        model_version="scar-rgb 1",
        tiles=(Tile(epsg=32654, column=150, row=1842),),
        tier=Tier.WATCH,
        storm="atsuma-storm-20180905",
        picture="alerts/x/alert.png",
        evidence=(look(2, Verdict.OPENS, rate=0.25), look(4, Verdict.NOT_OBSERVED, observed_fraction=0.1)),
        transitions=(step(2, EventState.PROVISIONAL, "change-found"),),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def revision(
    event: Event | None = None, sequence: int = 0, reason: str | None = None, earlier: tuple[int, ...] = ()
) -> Revision:
    """A revision, an hour after the one before."""
    event = event or alert()
    return Revision(
        event=event,
        step=step(2, event.state, reason or "change-found"),
        sequence=sequence,
        sent=SENT + timedelta(hours=sequence),
        earlier=tuple(Earlier(sequence=one, sent=SENT + timedelta(hours=one)) for one in earlier),
    )
