"""Simulated years: how a watch is judged, what is kept of it, what the tables say; and one short year in small."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely import box
from shapely.geometry.base import BaseGeometry

from benchmarks import years
from benchmarks.seeds import parse_seeds
from benchmarks.years import Task
from benchmarks.years_judging import NO_CAUSE, Sights, cause_of, judge_events, judge_scars, sights
from benchmarks.years_networks import plan
from benchmarks.years_records import (
    OPTICS,
    RADAR,
    EventRecord,
    ScarRecord,
    Sweep,
    TrialRecord,
    YearRecord,
    load_trial,
    load_year,
    save,
)
from benchmarks.years_report import causes, delays, detection, false_events, networks, report
from benchmarks.years_watch import Size
from monitor.core.canvas import canvases
from monitor.core.grid import project
from monitor.quiet_ground import Seen
from monitor.records import (
    Acquisition,
    AlertStatus,
    Detector,
    Event,
    EventState,
    Evidence,
    SceneItem,
    Sensor,
    Tile,
    Transition,
    Verdict,
)
from monitor.sandbox.traps import Cause, Trap
from monitor.sandbox.valley import TrueScar, Valley

STORM = datetime(2025, 7, 1, tzinfo=UTC)
TILE = Tile(epsg=32633, column=195, row=2003)
WEST, SOUTH = 195 * 2560.0, 2003 * 2560.0


def _after(days: float) -> datetime:
    return STORM + timedelta(days=days)


def _square(place: int, side_m: float = 100.0) -> BaseGeometry:
    """A square on the tile, EPSG:32633."""
    west = WEST + 300.0 * place
    return box(west, SOUTH + 500.0, west + side_m, SOUTH + 500.0 + side_m)


def _ground(place: int, side_m: float = 100.0) -> BaseGeometry:
    return project(_square(place, side_m), 32633, 4326)


def _valley(*places: int) -> Valley:
    scars = tuple(TrueScar(geometry=_ground(one), area_ha=1.0, slope_deg=25.0, visible=True) for one in places)
    bbox = (14.0, 46.0, 15.0, 47.0)
    return Valley(
        catalog=Path("catalog.json"), truth=Path("truth.json"), bbox=bbox, seed=1, times=(), storm=STORM, scars=scars
    )


def _piece(day: float, detector: Detector, verdict: Verdict) -> Evidence:
    return Evidence(
        acquisition_id=f"{detector.value}_{day}",
        sensing_time=_after(day),
        detector=detector,
        verdict=verdict,
        observed_fraction=1.0,
        level=1.0,
        strength=1.0,
        detail="",
    )


def _event(place: int, *pieces: Evidence, alert_day: float | None, side_m: float = 100.0) -> Event:
    first = pieces[0]
    step = Transition(
        at=_after(alert_day) if alert_day is not None else first.sensing_time,
        previous=None,
        state=EventState.CANDIDATE if alert_day is None else EventState.PROVISIONAL,
        reason="change-found",
        detail="",
        acquisition_id=first.acquisition_id,
    )
    return Event(
        id=f"e{place}-{first.acquisition_id}",
        region="valley",
        state=step.state,
        status=AlertStatus.TEST,
        detector=first.detector,
        geometry=_ground(place, side_m),
        area_ha=1.0,
        mean_change=1.0,
        strength=1.0,
        spread=0.0,
        slope_deg=25.0,
        confidence="high",
        confidence_reason="",
        window_start=_after(-5),
        window_end=first.sensing_time,
        model_version="m",
        tiles=(TILE,),
        evidence=pieces,
        transitions=(step,),
    )


def test_a_scar_is_told_by_sensor_and_time() -> None:
    """Radar opened it as a candidate, optics supported it, and it became an alert then."""
    found = _event(
        0,
        _piece(2.0, Detector.RADAR, Verdict.OPENS),
        _piece(4.0, Detector.BASELINE, Verdict.NOT_OBSERVED),
        _piece(9.0, Detector.BASELINE, Verdict.SUPPORTS),
        alert_day=9.0,
    )
    before = _event(1, _piece(-3.0, Detector.BASELINE, Verdict.OPENS), alert_day=-3.0)
    # Covers a sixteenth of the third scar only.
    corner = _event(2, _piece(3.0, Detector.BASELINE, Verdict.OPENS), alert_day=3.0, side_m=25.0)
    shown: list[dict[str, float | None]] = [{OPTICS: 4.0, RADAR: 1.0} for _ in range(3)]
    # Snow on half a valley: covers them all, and is none of theirs.
    snow = _event(2, _piece(1.0, Detector.RADAR, Verdict.OPENS), alert_day=1.0, side_m=5_000.0)
    first, second, third = judge_scars(
        _valley(0, 1, 2), [found, before, corner, snow], Sights(shown=shown, looks=[[], [], []]), 32633
    )
    assert first.evidence == {OPTICS: 9.0, RADAR: 2.0}
    assert (first.alert, first.opened_by) == (9.0, RADAR)
    for missed in (second, third):
        assert missed.evidence == {OPTICS: None, RADAR: None}
        assert (missed.alert, missed.opened_by) == (None, None)


def test_an_event_is_true_that_opened_for_what_the_storm_left() -> None:
    """After the storm, and mostly so: what holds a scar among half a valley, or opened before, is false."""
    on_it = _event(0, _piece(2.0, Detector.RADAR, Verdict.OPENS), alert_day=2.0)
    before = _event(0, _piece(-3.0, Detector.RADAR, Verdict.OPENS), alert_day=-3.0)
    snow = _event(0, _piece(3.0, Detector.RADAR, Verdict.OPENS), alert_day=3.0, side_m=5_000.0)
    judged = judge_events(_valley(0, 1, 2), [on_it, before, snow], None, 32633, 128)
    assert {one.id: one.true for one in judged} == {on_it.id: True, before.id: False, snow.id: False}


def _seen(day: float, sensor: Sensor, valid: NDArray[np.bool_], compared: bool = True) -> Seen:
    nothing = np.zeros_like(valid)
    return Seen(
        key=f"{sensor}{day}",
        time=_after(day),
        sensor=sensor,
        comparable=sensor.value,
        valid=valid,
        compared=valid if compared else nothing,
    )


def test_exposure_is_ground_times_the_time_since_it_was_last_seen() -> None:
    """Clouded looks add nothing and the next clear one makes up for them; two sensors do not count twice."""
    (canvas,) = canvases((TILE,))
    everything, nothing = np.ones(canvas.shape, bool), np.zeros(canvas.shape, bool)

    def looks() -> Iterator[Seen]:
        yield _seen(-20.0, Sensor.OPTICAL, everything, compared=False)
        yield _seen(-15.0, Sensor.OPTICAL, nothing)
        yield _seen(-10.0, Sensor.OPTICAL, everything)
        yield _seen(-6.0, Sensor.SAR, everything, compared=False)
        yield _seen(2.0, Sensor.SAR, everything)
        yield _seen(6.0, Sensor.OPTICAL, everything)

    found = sights(looks(), _valley(0), canvas)
    km2 = 2.56**2
    assert found.km2 == pytest.approx(km2)
    assert found.km2_years[OPTICS] == pytest.approx(km2 * (10 + 16) / 365.25)
    assert found.km2_years[RADAR] == pytest.approx(km2 * 8 / 365.25)
    # Up to the radar pass that is not compared, then from there on to the one that is.
    assert found.km2_years["either"] == pytest.approx(km2 * (10 + 8 + 4) / 365.25)
    assert found.shown == [{OPTICS: 6.0, RADAR: 2.0}]


@pytest.mark.parametrize(
    ("cause", "day", "detector", "place", "expected"),
    [
        (Cause.FIELD, -10.0, Detector.BASELINE, 0, "field"),
        (Cause.FIELD, -10.0, Detector.BASELINE, 1, NO_CAUSE),  # elsewhere
        (Cause.FIELD, -100.0, Detector.BASELINE, 0, NO_CAUSE),  # forgotten
        (Cause.FIELD, -100.0, Detector.RADAR, 0, "field"),  # five months of passes
        (Cause.FIELD, 5.0, Detector.RADAR, 0, "field"),  # labelled at the next optical look
        (Cause.CLEARCUT, 12.0, Detector.RADAR, 0, NO_CAUSE),  # not yet
        (Cause.SNOW, -30.0, Detector.RADAR, 0, NO_CAUSE),  # melted long ago
        (Cause.SNOW, 0.0, Detector.BASELINE, 0, "snow"),
    ],
)
def test_a_false_event_has_the_cause_of_the_ground_it_lies_on(
    cause: Cause, day: float, detector: Detector, place: int, expected: str
) -> None:
    """If the label was laid while the sensor's reference may remember the ground before it."""
    trap = Trap(cause=cause, geometry=_ground(place), time=_after(day))
    start = _piece(0.0, detector, Verdict.OPENS)
    assert cause_of(_square(0), start, [(trap, _square(place))]) == expected


@dataclass(frozen=True, kw_only=True)
class _Item:
    cloud_percent: float


def _acquisition(day: float) -> Acquisition:
    return Acquisition(
        region="valley",
        key=f"optical{day}",
        version="1",
        sensing_time=_after(day),
        sensor=Sensor.OPTICAL,
        platform="p",
        relative_orbit=1,
        items=cast("tuple[SceneItem, ...]", (_Item(cloud_percent=80.0 if day in (-30, 2) else 10.0),)),
    )


def test_comparisons_are_quiet_ones_and_the_first_across_the_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clouded looks take no part; every reference has its depth, and none of a quiet one lies after the storm."""
    monkeypatch.setattr(Acquisition, "comparable", property(lambda self: self.sensor.value))
    planned = plan([_acquisition(day) for day in (*range(-60, 0, 5), 2, 7)], STORM, Sensor.OPTICAL, 3)
    quiet = [one for one in planned if not one.storm]
    (storm,) = [one for one in planned if one.storm]
    assert [(one.now.sensing_time - STORM).days for one in quiet] == [-45, -35, -15, -5]
    assert all(len(one.before) == 3 and one.before[-1].sensing_time < one.now.sensing_time for one in planned)
    assert (storm.now.sensing_time - STORM).days == 7
    assert [(one.sensing_time - STORM).days for one in storm.before] == [-15, -10, -5]
    assert _after(-30) not in {one.sensing_time for comparison in planned for one in comparison.before}


def _scar(area_ha: float, optics: float | None, radar: float | None, shown: float | None = 1.0) -> ScarRecord:
    days = [day for day in (optics, radar) if day is not None]
    first = RADAR if radar is not None and radar == min(days) else OPTICS
    return ScarRecord(
        area_ha=area_ha,
        slope_deg=30.0,
        shown={OPTICS: shown, RADAR: 1.0},
        evidence={OPTICS: optics, RADAR: radar},
        alert=min(days, default=None),
        opened_by=first if days else None,
    )


def _false(sensor: str, cause: str, alerted: bool = True) -> EventRecord:
    return EventRecord(
        id="e",
        sensor=sensor,
        day=-3.0,
        date="2025-06-28",
        area_ha=0.4,
        slope_deg=20.0,
        true=False,
        alerted=alerted,
        ended="refuted (back-as-before)",
        cause=cause,
        longitude=15.0,
        latitude=46.0,
        detail="",
        strength=0.2,
        strata=(),
        said=((-3.0, "opens", "radar" if sensor == RADAR else "baseline", True),),
    )


def _year(seed: int, scars: tuple[ScarRecord, ...], events: tuple[EventRecord, ...] = ()) -> YearRecord:
    return YearRecord(
        seed=seed,
        storm=STORM.isoformat(),
        years=1.0,
        km2=40.0,
        km2_years={OPTICS: 20.0, RADAR: 30.0, "either": 35.0},
        looks={OPTICS: 30, RADAR: 55, "optics in all": 73, "radar in all": 62},
        parked={"misregistered": 1},
        traps={"field": 300, "clear-cut": 1},
        scars=scars,
        events=events,
        seconds={"watch": 60.0},
    )


def test_tables_tell_sizes_sensors_days_and_causes() -> None:
    """A scar that optics were never shown is no miss of theirs; a rate has its exposure and interval."""
    first = _year(1, (_scar(0.3, None, None), _scar(3.0, 7.0, 2.0), _scar(3.0, None, None, shown=None)))
    true = replace(_false(OPTICS, ""), true=True)
    second = _year(2, (_scar(3.0, 12.0, None),), (_false(OPTICS, "field"), _false(RADAR, "none", False), true))
    both = [first, second]
    lines = detection(both).splitlines()
    assert "| 2 to 5 ha | 3 | 2 of 2 (16–100 %) | 1 of 3 (1–91 %) | 2 of 3 (9–99 %) | 2 of 3 (9–99 %) |" in lines
    assert any(line.startswith("| below 0.5 ha | 1 | 0 of 1") for line in lines)
    told = delays(both)
    assert "| first evidence of radar | 1 of 3 | 2.0 | 2.0–2.0 |" in told
    assert "| alert | 2 of 3 | 7.0 | 3.0–11.0 |" in told
    assert "Radar saw 1 of 2 (1–99 %)" in told
    rates = false_events(both)
    assert "| optics | 40 | 1 | 25 (1–139) | 1 | 25 (1–139) |" in rates
    assert "| radar | 60 | 1 | 17 (0–93) | 0 | 0 (0–61) |" in rates
    assert "| either | 70 | 2 | 29 (3–103) | 1 | 14 (0–80) |" in rates
    assert "| field | 600 | 1, 1 | 25 (1–139) | 0, 0 | 0 (0–61) |" in causes(both)
    said = report(both, [])
    assert said.startswith("**All simulated.** 2 valleys (seeds 1, 2)")
    assert "2 misregistered" in said


def _trial(seed: int) -> TrialRecord:
    network = Sweep(thresholds=(0.2, 0.4), false_quiet=(3, 0), false_storm=(1, 0), found=((0, 1), (1,)))
    baseline = Sweep(thresholds=(0.5, 1.0), false_quiet=(1, 0), false_storm=(0, 1), found=((0, 1), ()))
    return TrialRecord(
        seed=seed,
        model="net v1",
        sensor=OPTICS,
        quiet=4,
        storm=1,
        km2=150.0,
        scars=(0.2, 2.0),
        network=network,
        baseline=baseline,
        seconds=1.0,
    )


def test_network_and_baseline_are_compared_at_the_same_number_of_false_clusters() -> None:
    """Each at its lowest threshold that keeps to the number, also at every higher one."""
    lines = networks([_trial(1), _trial(2)]).splitlines()
    # The baseline's strictest threshold has a false cluster in each valley: with none allowed there is none.
    assert lines[4].startswith("| 0 | 0.4, 0 | 2 of 4 (7–93 %) | 2 of 2 (16–100 %) | none of those tried |")
    assert any(line.startswith("| 2 | 0.4, 0 | 2 of 4") and "| 0.5, 2 | 4 of 4" in line for line in lines)
    assert any(line.startswith("| 10 | 0.2, 8 | 4 of 4") for line in lines)


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is read back as it was written; only the missing seed is made; another format is made again."""
    year = _year(5, (_scar(3.0, 7.0, 2.0),), (_false(OPTICS, "field"),))
    task = Task(seeds=(5, 6), size=Size(), out=tmp_path)
    save(year, tmp_path / "year-5-512-73.json")
    assert load_year(tmp_path / "year-5-512-73.json") == year
    save(_trial(5), tmp_path / "trial.json")
    assert load_trial(tmp_path / "trial.json") == _trial(5)
    save(replace(year, format=0), tmp_path / "year-6-512-73.json")
    assert load_year(tmp_path / "year-6-512-73.json") is None
    made = []

    def make(task: Task, seed: int, *_: object) -> None:
        made.append(seed)
        save(replace(year, seed=seed), task.out / f"year-{seed}-512-73.json")

    monkeypatch.setattr(years, "_run_seed", make)
    assert "(seeds 5, 6)" in years.run(task, lambda _line: None)
    assert made == [6]


@pytest.mark.parametrize(("text", "seeds"), [("8001-8003", (8001, 8002, 8003)), ("1,5,4-6", (1, 5, 4, 6)), ("7", (7,))])
def test_seeds_are_lists_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    """None twice."""
    assert parse_seeds(text) == seeds


def test_a_short_year_is_watched_judged_and_kept(tmp_path: Path) -> None:
    """The whole chain in small: simulated, watched by the service, judged, written, its pixels thrown away."""
    told: list[str] = []
    task = Task(seeds=(3,), size=Size(size_px=128, looks=7), out=tmp_path / "out")
    said = years.run(task, told.append)
    year = load_year(tmp_path / "out" / "year-3-128-7.json")
    assert year is not None
    assert "(seeds 3)" in said
    assert year.looks["optics in all"] == 7
    assert year.looks["radar"] >= 2
    # Radar passes from five repeats before the storm on.
    assert 0 < year.km2_years[RADAR] < year.km2 * 90.0 / 365.25
    assert year.km2 == pytest.approx(1.28**2, abs=0.1)
    assert not year.parked
    assert [line for line in told if line.startswith("3: watched in")]
    assert len(list((tmp_path / "out").iterdir())) <= 2
