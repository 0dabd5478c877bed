"""Thresholds from a deployment's own history: what is quiet ground, what is counted there, what is written."""

import csv
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box
from typer.testing import CliRunner

from monitor.adapters.looks import LookFiles
from monitor.adapters.null_file import load_null
from monitor.adapters.static_files import StaticFiles, StaticLayer
from monitor.adapters.store import SqlStore
from monitor.adapters.terrain_source import kept_terrain
from monitor.config import load
from monitor.core.events import add_evidence, with_actions
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.null_rate import Prior, QuietCluster, count
from monitor.core.people import act
from monitor.drill import Found, ScarReport
from monitor.errors import Refused
from monitor.quiet_ground import Seen, Together
from monitor.records import (
    AcquisitionState,
    Action,
    ActionKind,
    Declaration,
    DeclarationKind,
    Detector,
    Event,
    EventState,
    Evidence,
    LedgerEntry,
    Observation,
    Region,
    Sensor,
    Tile,
    Verdict,
)
from tests.fake_watch import (
    FIRST,
    NOW,
    RIGHT,
    TILE,
    FakeService,
    acquisition,
    event,
    look,
    observation,
    region_polygon,
    write_config,
)
from training.__main__ import app
from training.alerts.change import Rates, Told, event_rows, ground_rows
from training.alerts.command import Task, calibrate
from training.alerts.excepted import Excepted
from training.alerts.history import QuietHistory, Reader
from training.alerts.rates import Calibration, if_all_were_false, null_of, steps_of, told
from training.alerts.text import fragment, markdown

REGION = Region(id="valley", geometry=region_polygon(), catalogs=("local",), lookback_days=60)
KM2 = 1.5 * 2.56**2
PASS = 5.0 / 365.25


class Kept:
    """A database and an archive: so many clear looks, five days apart, and events."""

    def __init__(
        self, folder: Path, looks: int, events: Sequence[Event] = (), history: int = 0, late: int | None = None
    ) -> None:
        """The first `history` looks were history when they arrived; the look `late` came after the one behind it."""
        self.files = LookFiles(folder)
        self.declared: list[Declaration] = []
        self._late = late
        self._events = list(events)
        self._history = history
        self._rows = {
            tile: [
                observation(one, acquisition(number), self.files.write(one, "m"))
                for number in reversed(range(looks))
                if (one := look(tile, acquisition(number)))
            ]
            for tile in (TILE, RIGHT)
        }
        self._looks = looks
        static = StaticFiles(folder)
        plane = np.tile(np.arange(288, dtype=np.float32)[::-1] * 5.0, (288, 1))
        for tile in (TILE, RIGHT):
            static.write(StaticLayer.TERRAIN, tile, "key", plane)
        self._static = StaticFiles(folder, read_only=True)

    def history(self, tile: Tile, limit: int = 100) -> list[Observation]:
        """The newest observations of a tile."""
        return self._rows.get(tile, [])[:limit]

    def ledger(self, region: str | None = None, limit: int = 1000) -> list[LedgerEntry]:
        """All done."""
        return [
            LedgerEntry(
                acquisition=acquisition(number),
                state=AcquisitionState.DONE,
                reason=self._reason(number),
                detail=None,
                attempts=1,
                not_before=None,
                updated=NOW,
            )
            for number in range(self._looks)
        ]

    def _reason(self, number: int) -> str:
        if number == self._late:
            return "late"
        return "history" if number < self._history else "compared" if number else "learning"

    def declarations(self, region: str | None = None) -> list[Declaration]:
        """All of them."""
        return self.declared

    def events(
        self, region: str | None = None, open_only: bool = False, ended_since: datetime | None = None
    ) -> list[Event]:
        """All of them."""
        return self._events

    def read(self, *excepted: Excepted) -> QuietHistory:
        """What quiet ground did."""
        return Reader(
            store=self,
            archive=self.files,
            elevation=lambda tile: kept_terrain(self._static, tile),
            watching={Sensor.OPTICAL: [Detector.BASELINE], Sensor.SAR: [Detector.RADAR]},
            excepted=excepted,
        ).read([REGION])


def _event(name: str, *later: Verdict) -> Event:
    """A baseline event of five days after the first look, with what later looks said."""
    opened = event(name, EventState.PROVISIONAL, 0.4)
    first = replace(opened.evidence[0], detector=Detector.BASELINE, strata=("steep", "winter", "full light"))
    pieces = [_later(first, number, verdict) for number, verdict in enumerate(later, start=1)]
    blank = replace(opened, detector=Detector.BASELINE, evidence=())
    return add_evidence(blank, [first, *pieces], LifecycleSettings())


def _later(first: Evidence, number: int, verdict: Verdict) -> Evidence:
    at = first.sensing_time + timedelta(days=5 * number)
    return replace(first, sensing_time=at, verdict=verdict, acquisition_id=f"later-{number}")


def _done(event: Event, kind: ActionKind, reason: str = "") -> Event:
    return act(event, Action(at=NOW, by="anna", kind=kind, reason=reason), LifecycleSettings())


def test_exposure_is_ground_that_could_have_opened_events(tmp_path: Path) -> None:
    """Inside the region, times the time since the look before; of looks that were history only what they showed."""
    found = Kept(tmp_path / "a", looks=4).read()
    assert sum(found.exposure["baseline"].values()) == pytest.approx(3 * KM2 * PASS, rel=0.01)
    assert found.km2_years == pytest.approx(3 * KM2 * PASS, rel=0.01)
    assert {words[0] for words in found.exposure["baseline"]} == {"moderate"}
    assert found.regions[0].most_looks[Sensor.OPTICAL] == 4
    (region,) = Kept(tmp_path / "b", looks=4, history=3).read().regions
    assert region.km2_years["baseline"] == pytest.approx(KM2 * PASS, rel=0.01)


def test_excepted_ground_is_no_quiet_ground(tmp_path: Path) -> None:
    """Neither its time nor what opened on it, and only while it is excepted."""
    kept = Kept(tmp_path, looks=4, events=[_event("one", Verdict.CONTRADICTS)])
    always = {"start": FIRST - timedelta(days=999), "end": FIRST + timedelta(days=999)}
    everywhere = Excepted(geometry=REGION.geometry.buffer(1.0), **always)
    assert kept.read(everywhere).regions[0].km2_years == {}
    assert (kept.read(everywhere).clusters, kept.read(everywhere).regions[0].excepted) == ([], 1)
    late = replace(everywhere, start=FIRST + timedelta(days=12))
    found = kept.read(late)
    assert found.regions[0].km2_years["baseline"] == pytest.approx(2 * KM2 * PASS, rel=0.01)
    assert len(found.clusters) == 1


def test_nothing_is_false_that_nobody_refuted(tmp_path: Path) -> None:
    """Neither what people confirmed and what grew together with it, nor what looks held or could not tell of."""
    seen = _done(_event("seen"), ActionKind.CONFIRM)
    joined = _done(_event("joined"), ActionKind.MERGE, seen.id)
    events = [
        seen,
        joined,
        _done(_event("dismissed", Verdict.SUPPORTS), ActionKind.DISMISS, "works"),
        _event("refuted", Verdict.CONTRADICTS),
        _event("nobody", Verdict.NOT_OBSERVED, Verdict.SUPPORTS),
        _event("hidden", Verdict.NOT_OBSERVED),
        replace(_event("tile"), detector=Detector.TILE),
    ]
    found = Kept(tmp_path, looks=3, events=events).read()
    assert [one.held for one in found.clusters] == [True, False]
    region = found.regions[0]
    assert (region.false, region.confirmed, region.unknown) == (2, 2, 2)
    assert region.km2_years["baseline"] < 2 * KM2 * PASS
    assert (found.whole.share_told("baseline"), found.whole.share_judged("baseline")) == (5 / 6, 1 / 2)
    assert (found.whole.share_told("network"), found.whole.share_judged("network")) == (1.0, 1.0)


def test_a_late_look_adds_exposure_as_it_may_open_events(tmp_path: Path) -> None:
    """It was compared as of its own time."""
    in_time, late = (Kept(tmp_path / str(one), looks=4, late=one).read() for one in (None, 2))
    assert late.exposure == in_time.exposure


def _merged(one: Event, at: datetime) -> Event:
    """Taken in by another event at a time."""
    merge = Action(at=at, by="", kind=ActionKind.MERGE, reason="home", acquisition_id="late")
    return with_actions(one, [merge], LifecycleSettings())


def test_what_was_another_event_all_along_is_no_second_false_one(tmp_path: Path) -> None:
    """A late look showed that another one stood there; two that opened apart were told as two."""
    home, part, apart = (_event(name, Verdict.CONTRADICTS) for name in ("home", "part", "apart"))
    opened = part.evidence[0].sensing_time
    events = [home, _merged(part, opened), _merged(apart, opened + timedelta(days=5))]
    (region,) = Kept(tmp_path, looks=3, events=events).read().regions
    assert (region.false, region.joined, region.excepted) == (2, 1, 0)


@given(st.lists(st.tuples(st.sampled_from(list(Sensor)), st.integers(1, 9), st.booleans(), st.booleans()), max_size=12))
def test_ground_that_several_sensors_watched_counts_once(passes: list[tuple[Sensor, int, bool, bool]]) -> None:
    """The days of which some look tells, by the time since its own sensor saw the ground before."""
    by_any, last = Together((1, 1)), dict.fromkeys(Sensor, -1)
    told: set[int] = set()
    day = 0
    for sensor, later, compared, counts in passes:
        day += later
        shown = np.ones((1, 1), dtype=np.bool_)
        one = Seen(
            key=str(day),
            time=FIRST + timedelta(days=day),
            sensor=sensor,
            comparable=sensor.value,
            valid=shown,
            compared=shown & compared,
        )
        by_any.add(one, shown & counts)
        if compared and counts and last[sensor] >= 0:
            told |= set(range(last[sensor], day))
        last[sensor] = day
    assert by_any.km2_years == pytest.approx(len(told) * 1e-4 / 365.25)


def test_what_a_declared_event_did_is_no_false_event(tmp_path: Path) -> None:
    """Its ground is not quiet while it is declared, and what was first seen later may have failed then."""
    declared = Declaration(
        id=1,
        region="valley",
        at=FIRST + timedelta(days=1),
        until=FIRST + timedelta(days=6),
        geometry=None,
        kind=DeclarationKind.EARTHQUAKE,
        name="",
        rate_factor=10.0,
        size_factor=2.0,
        by="mori",
        declared=FIRST + timedelta(days=2),
    )
    unjudged, last = _event("one", Verdict.CONTRADICTS), FIRST + timedelta(days=12)
    after = replace(_event("two", Verdict.CONTRADICTS), window_start=FIRST + timedelta(days=7), window_end=last)
    clouded = replace(_event("three", Verdict.CONTRADICTS), window_start=FIRST, window_end=last)
    kept = Kept(tmp_path, looks=4, events=[unjudged, after, clouded])
    kept.declared = [declared]
    found = kept.read()
    assert (found.regions[0].false, found.regions[0].excepted) == (1, 2)
    assert found.regions[0].km2_years["baseline"] == pytest.approx(2 * KM2 * PASS, rel=0.01)
    kept.declared = [replace(declared, geometry=box(10, 45, 11, 46))]
    assert kept.read().regions[0].false == 3


def _dismissed() -> Event:
    """It held, and a person said that it is none."""
    return _done(_event("one", Verdict.SUPPORTS), ActionKind.DISMISS, "works")


def _shipped() -> Prior:
    clusters = [QuietCluster(detector="baseline", strength=0.1 * n, held=n > 5, strata=()) for n in range(1, 11)]
    return Prior(rates=count(clusters, {"baseline": {(): 100.0}}, ["hills"], simulated=True))


def test_costs_are_judged_by_what_other_tiles_did(tmp_path: Path) -> None:
    """An event that is the only one of its kind is as rare as the shipped counts say."""
    found = Kept(tmp_path, looks=3, events=[_dismissed()]).read()
    prior = _shipped()
    null = null_of(found, prior, ["own"])
    assert (null.sources, null.simulated) == (("own", "hills"), True)
    assert null.km2_years["baseline"] == pytest.approx(100.0 + 2 * KM2 * PASS, rel=0.001)
    rare, common = steps_of(found, prior, {}, (79.0, 81.0))
    assert (rare.first.count, common.first.count) == (0, 1)
    assert (rare.held.count, common.held.count) == (1, 1)
    assert common.first.interval[1] == pytest.approx(1000 * 5.57 / (2 * KM2 * PASS), rel=0.01)


def _scar(area_ha: float, found: Found, rate: float | None) -> ScarReport:
    detector = None if found in (Found.MISSED, Found.HIDDEN) else Detector.BASELINE
    return ScarReport(
        number=1,
        area_ha=area_ha,
        slope_deg=30.0,
        longitude=0.0,
        latitude=0.0,
        observed=1.0,
        found=found,
        detector=detector,
        rate=rate,
        detail="",
    )


def test_painted_scars_are_told_when_rare_enough() -> None:
    """Hidden ones are no misses, missed ones are, whatever the budget."""
    scars = [
        _scar(0.5, Found.SEEN, 20.0),
        _scar(0.5, Found.CANDIDATE, 200.0),
        _scar(0.5, Found.MISSED, None),
        _scar(0.5, Found.HIDDEN, None),
    ]
    painted = {Sensor.OPTICAL: scars, Sensor.SAR: [_scar(0.5, Found.SEEN, None)]}
    size = (Sensor.OPTICAL, 0.5)
    assert [told(painted, budget)[size] for budget in (10, 20, 500, float("inf"))] == [(0, 3), (1, 3), (2, 3), (2, 3)]
    assert told(painted, 1e6)[Sensor.SAR, 0.5] == (0, 1)


def test_the_fragment_is_a_configuration_that_states_its_ground(tmp_path: Path) -> None:
    """Comments tell exposure, intervals, and what is too rare to be called so."""
    found = Kept(tmp_path, looks=3, events=[_dismissed()]).read()
    prior = _shipped()
    null = null_of(found, prior, ["own"])
    watch, warning = steps_of(found, prior, {}, (200.0, 5.0))
    made = Calibration(null=null, history=found, prior=prior, steps=(watch,))
    text = fragment(made, (watch, warning), "null-rates.json", NOW)
    assert yaml.safe_load(text) == {"tiers": {"watch": 200, "warning": 5, "null_rates": "null-rates.json"}}
    assert "# Made by `python -m training calibrate-alerts` on 2026-01-20" in text
    assert f"# On that ground, {found.km2_years:.1f} km² × years that any sensor watched" in text
    assert "pooled with shipped counts that weigh 100" in text
    assert re.search(r"watch 200 tells 1 \(37\d\d per 1,000 km² and year, 95 % Poisson: 9\d–20\d{3}\) at", text)
    assert "nothing can be called rarer than 10.0 yet" in text
    assert "learning: baseline below 25 km² × years" in text
    assert "1 false event(s) (dismissed or refuted)" in text


def test_what_is_not_known_costs_nothing_and_is_named(tmp_path: Path) -> None:
    """Beside the false events it is said how many more there may be, and where."""
    found = Kept(tmp_path, looks=3, events=[_event("slid", Verdict.SUPPORTS)]).read()
    prior = _shipped()
    null = null_of(found, prior, ["own"])
    assert null.rate("baseline", 0.4) == pytest.approx(prior.rates.rate("baseline", 0.4), rel=0.001)
    (step,) = steps_of(found, prior, {}, (200.0,))
    assert (step.first.count, step.first.unknown, step.held.unknown) == (0, 1, 1)
    guilty = if_all_were_false(found, prior)
    rates = Rates(before=prior.rates, after=guilty, if_false=guilty, watch=80.0, warning=5.0)
    rows = event_rows(found, rates)
    assert [(one.was, one.becomes, one.quieter) for one in rows] == [(Told.WATCH, Told.CANDIDATE, True)]
    ground = ground_rows(found, rates)
    made = Calibration(null=null, history=found, prior=prior, steps=(step,), events=rows, ground=ground)
    text = markdown(made)
    assert "left out 1 of which nobody said what they are: dismiss or confirm them" in text
    assert "| slid | unknown | 0.80 | " in text
    assert "| watch → candidate |" in text
    assert "Own events at their first look: by the shipped rates 1 watch;" in text
    assert re.search(r"CAUTION: of \d of \d changes in rates.md less would be told", text)
    assert "0.0 of what held" in text


def test_a_deployment_is_calibrated_from_its_database(tmp_path: Path) -> None:
    """Real SQLite, real looks: files that read back, and a configuration that loads with them."""
    config = write_config(tmp_path)
    settings = load(config)
    static = StaticFiles(settings.products)
    plane = np.tile(np.arange(288, dtype=np.float32) * 5.0, (288, 1))
    for tile in (TILE, RIGHT):
        static.write(StaticLayer.TERRAIN, tile, "key", plane)
    with_store = SqlStore(settings.database)
    with_store.upgrade()
    with_store.close()
    task = Task(settings=settings, config=config, out=tmp_path / "made", shipped=_shipped(), implants=0)
    with pytest.raises(Refused, match="still learning") as learning:
        calibrate(task, (None, None), lambda *_: None)
    assert "it needs 2 more of optics or 4 more passes of one radar track" in learning.value.remedy

    service = FakeService(settings, lambda: NOW)
    service.once(lambda: NOW)
    service.close()
    with pytest.raises(Refused, match=r"nobody said of 3 of 4 events on 0\.0 km²") as not_judged:
        calibrate(task, (300.0, None), lambda *_: None)
    assert (not_judged.value.reason, (tmp_path / "made").exists()) == ("not-judged", False)
    with closing(SqlStore(settings.database)) as store:
        for name in ("weak", "small", "large"):
            store.act(name, Action(at=NOW, by="anna", kind=ActionKind.DISMISS, reason="works"), NOW)
    with pytest.raises(Refused, match="nothing could be called rarer than") as silent:
        calibrate(replace(task, alone=True), (300.0, None), lambda *_: None)
    assert (silent.value.item, (tmp_path / "made").exists()) == ("baseline", False)
    made = calibrate(task, (300.0, None), lambda *_: None)
    assert sum(made.history.exposure["baseline"].values()) == pytest.approx(KM2 / 6 * PASS, rel=0.02)
    config.write_text(config.read_text() + (tmp_path / "made" / "tiers.yaml").read_text())
    again = load(config)
    assert (again.tiers.watch, again.tiers.null_rates) == (300.0, tmp_path / "made" / "null-rates.json")
    assert load_null(tmp_path / "made" / "null-rates.json").sources[0].startswith("own history of valley, 2026-01-10")
    rows = list(csv.DictReader((tmp_path / "made" / "rates.csv").read_text().splitlines()))
    assert rows[-1]["budget_per_1000_km2_year"] == "inf"
    assert (tmp_path / "made" / "rates.png").stat().st_size > 20_000
    with pytest.raises(Refused, match="more common than a watch"):
        calibrate(task, (5.0, 10.0), lambda *_: None)
    wrong = CliRunner().invoke(app, ["calibrate-alerts", "-c", str(config), "-r", "nowhere"])
    assert (wrong.exit_code, "nowhere: there is no such region" in wrong.stderr) == (1, True)
