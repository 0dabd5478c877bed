"""Records for the tests of the store, complete and with as few words as possible."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shapely import Polygon, box

from monitor.core.events import add_evidence
from monitor.core.growth import with_growth
from monitor.core.lifecycle import LifecycleSettings
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    Action,
    ActionKind,
    AlertStatus,
    Asset,
    Choice,
    ChoiceReason,
    Detector,
    Event,
    EventState,
    Evidence,
    FrozenReference,
    Growth,
    Observation,
    Rejected,
    SceneItem,
    Sensor,
    Tile,
    TileStats,
    Transition,
    Verdict,
)

LIFE = LifecycleSettings()
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LEASE = timedelta(minutes=10)
TILE = Tile(epsg=32654, column=150, row=1842)
MODEL = "scar-1"


def day(number: int) -> datetime:
    """A time of sensing."""
    return datetime(2018, 9, 1, 1, 2, 3, 456789, tzinfo=UTC) + timedelta(days=number)


def acquisition(
    number: int, version: str = "v1", region: str = "atsuma", sensor: Sensor = Sensor.OPTICAL
) -> Acquisition:
    """The pass of one day over a region."""
    key = f"{sensor}-{number:03d}"
    item = SceneItem(
        catalog="local",
        collection="sentinel-2-l2a",
        id=f"{key}-{version}",
        sensing_time=day(number),
        geometry=box(141.8904, 42.6824, 142.0280, 42.7695),
        sensor=sensor,
        platform="sentinel-2a",
        relative_orbit=54,
        grid_code="54TXN",
        processing_baseline="05.00",
        processing_time=day(number + 1),
        cloud_percent=12.5,
        assets={"B04": Asset(href="/data/B04.tif", scale=1e-4, offset=-0.1, nodata=0.0)},
    )
    return Acquisition(
        region=region,
        key=key,
        version=version,
        sensing_time=day(number),
        sensor=sensor,
        platform="sentinel-2a",
        relative_orbit=54,
        items=(item,),
    )


def choice(of: Acquisition, tile: Tile = TILE, record: Sensor | None = Sensor.OPTICAL, clear: float = 0.9) -> Choice:
    """What counts on one tile at the time of an acquisition."""
    return Choice(
        tile=tile,
        acquisition_key=of.key,
        acquisition_version=of.version,
        sensing_time=of.sensing_time,
        sensor=of.sensor,
        clear_fraction=clear,
        record=record,
        reason=ChoiceReason.OPTICAL_CLEAR if record else ChoiceReason.CLOUDED,
    )


def observation(of: Acquisition, tile: Tile = TILE, **changes: object) -> Observation:
    """One look on one tile."""
    plain = Observation(
        tile=tile,
        acquisition_key=of.key,
        acquisition_version=of.version,
        sensing_time=of.sensing_time,
        sensor=of.sensor,
        relative_orbit=of.relative_orbit,
        comparable=of.comparable,
        model_version=MODEL,
        stats=TileStats(valid_fraction=0.75, cloud_fraction=0.1, mean=1 / 3, p95=0.9, spread=0.02, hazard_area_ha=1.28),
        look_href=f"looks/{tile.id}/{of.id}.npz",
        decision="looked",
        mean_change=0.01,
        previous_acquisition="before_v1",
        reference_count=2,
        jointly_valid_fraction=0.7,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def evidence(of: Acquisition, verdict: Verdict = Verdict.SUPPORTS, **changes: object) -> Evidence:
    """What one look says."""
    plain = Evidence(
        acquisition_id=of.id,
        sensing_time=of.sensing_time,
        detector=Detector.NETWORK,
        verdict=verdict,
        observed_fraction=0.9,
        level=0.4,
        strength=0.8,
        detail="seen",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def transition(of: Acquisition, previous: EventState | None, state: EventState) -> Transition:
    """One step caused by a look."""
    return Transition(
        at=of.sensing_time, previous=previous, state=state, reason="test", detail="because", acquisition_id=of.id
    )


def event(of: Acquisition, event_id: str = "E1", strength: float = 0.8) -> Event:
    """A provisional event opened by an acquisition."""
    return Event(
        id=event_id,
        region=of.region,
        state=EventState.PROVISIONAL,
        status=AlertStatus.TEST,
        detector=Detector.NETWORK,
        geometry=Polygon([(141.9, 42.7), (141.91, 42.7), (141.91, 42.7 + 1 / 300), (141.9, 42.7)]),
        area_ha=2.0,
        mean_change=0.4,
        strength=strength,
        spread=0.03,
        slope_deg=31.0,
        confidence="medium",
        confidence_reason="bright-white mask",
        window_start=day(0),
        window_end=of.sensing_time,
        model_version=MODEL,
        tiles=(TILE, replace(TILE, column=151)),
        picture="alerts/E1.png",
        evidence=(evidence(of, Verdict.OPENS),),
        transitions=(transition(of, None, EventState.PROVISIONAL),),
    )


def later(known: Event, of: Acquisition, state: EventState, verdict: Verdict = Verdict.SUPPORTS) -> Event:
    """The same event after one more look."""
    return replace(
        known,
        state=state,
        evidence=(*known.evidence, evidence(of, verdict)),
        transitions=(*known.transitions, replace(transition(of, known.state, state), tier=known.tier)),
    )


def grown(known: Event, of: Acquisition, area_ha: float = 1.0) -> Event:
    """The same event after one more look, which supports it and adds a strip of ground beside it."""
    west, south, east, _ = known.geometry.bounds
    width_m, degree_m = (east - west) * 111_300.0 * math.cos(math.radians(south)), 111_100.0
    north = south + max(0.9 * area_ha, 0.01) * 10_000.0 / width_m / degree_m  # about as large as it says, not more
    added = Growth(
        acquisition_id=of.id,
        sensing_time=of.sensing_time,
        geometry=box(east, south, 2 * east - west, north),
        area_ha=area_ha,
        mean_change=0.4,
        tiles=(TILE,),
    )
    return with_growth(add_evidence(known, [evidence(of)], LIFE), [added], LIFE)


def comment() -> Action:
    """What a person has to say."""
    return Action(at=NOW, by="officer", kind=ActionKind.COMMENT, text="the road is open")


def reference(event_id: str, number: int, tile: Tile = TILE) -> FrozenReference:
    """A look of a frozen reference."""
    return FrozenReference(event_id=event_id, tile=tile, acquisition_id=f"a{number}", look_href=f"looks/{number}.npz")


def result(**parts: object) -> AcquisitionResult:
    """What an acquisition changes."""
    return AcquisitionResult(reason="compared", detail="fine", **parts)  # type: ignore[arg-type]


def rejected(item: str = "S2A_1", reason: str = "no-geometry", detail: str = "the item has no footprint") -> Rejected:
    """A decision not to use an item."""
    return Rejected(item=item, reason=reason, detail=detail)
