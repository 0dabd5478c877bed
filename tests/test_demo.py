"""How the demonstration judges itself."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shlex import split

import pytest
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.cli.run import run
from monitor.config import load
from monitor.core.grid import project
from monitor.demo import DemoScore, command, onward, score, seen_by, verdict, write_config
from monitor.records import AlertStatus, Detector, Event, EventState, Evidence, Tile, Verdict
from monitor.sandbox.valley import TrueScar, Valley
from tests.fake_watch import parts

WHEN = datetime(2025, 7, 1, tzinfo=UTC)


def _ground(column: int, side_m: float = 100.0) -> BaseGeometry:
    west = 500_000.0 + 500.0 * column
    return project(box(west, 5_130_000.0, west + side_m, 5_130_000.0 + side_m), 32633, 4326)


def _scar(column: int, area_ha: float = 1.0, slope_deg: float = 25.0) -> TrueScar:
    return TrueScar(geometry=_ground(column), area_ha=area_ha, slope_deg=slope_deg, visible=True)


def _event(column: int, state: EventState = EventState.PROVISIONAL) -> Event:
    return Event(
        id=f"e{column}",
        region="valley",
        state=state,
        status=AlertStatus.TEST,
        detector=Detector.BASELINE,
        geometry=_ground(column),
        area_ha=1.0,
        mean_change=1.0,
        strength=1.0,
        spread=0.0,
        slope_deg=25.0,
        confidence="high",
        confidence_reason="",
        window_start=WHEN,
        window_end=WHEN,
        model_version="m",
        tiles=(Tile(epsg=32633, column=195, row=2003),),
    )


def _piece(detector: Detector, verdict: Verdict) -> Evidence:
    return Evidence(
        acquisition_id=f"{detector.value}-{verdict.value}",
        sensing_time=WHEN,
        detector=detector,
        verdict=verdict,
        observed_fraction=1.0,
        level=1.0,
        strength=1.0,
        detail="",
    )


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([(Detector.RADAR, Verdict.OPENS)], "radar"),
        ([(Detector.RADAR, Verdict.OPENS), (Detector.BASELINE, Verdict.SUPPORTS)], "radar first, then optics"),
        ([(Detector.BASELINE, Verdict.OPENS), (Detector.RADAR, Verdict.INCONCLUSIVE)], "optics"),
        ([(Detector.BASELINE, Verdict.OPENS), (Detector.RADAR, Verdict.SUPPORTS)], "optics first, then radar"),
    ],
)
def test_it_says_which_sensor_saw_an_alert(pieces: list[tuple[Detector, Verdict]], told: str) -> None:
    """The one that opened it, then those that support it; silence is not seeing."""
    assert seen_by(replace(_event(0), evidence=tuple(_piece(*one) for one in pieces))) == told


VALLEY = Valley(
    catalog=Path("/somewhere/catalog/catalog.json"),
    truth=Path("/somewhere/truth.json"),
    bbox=(14.9, 46.2, 15.2, 46.4),
    seed=1,
    times=(WHEN,),
    storm=WHEN,
    scars=tuple(_scar(column) for column in range(10)),
)


def test_found_missed_and_false_are_counted() -> None:
    """Nine of ten scars under alerts and one alert elsewhere just pass; one more of either does not."""
    events = [_event(column) for column in range(9)] + [_event(30)]
    assert score(VALLEY, events) == DemoScore(scars=10, found=9, others=0, others_found=0, alerts=10, false_events=1)
    assert score(VALLEY, events).passed
    assert not score(VALLEY, [*events, _event(31)]).passed
    assert not score(VALLEY, events[1:]).passed


def test_events_that_are_no_alerts_count_for_nothing() -> None:
    """Refuted events and candidates are neither finds nor false alarms."""
    events = [_event(0, EventState.REFUTED), _event(31, EventState.CANDIDATE)]
    assert score(VALLEY, events) == DemoScore(scars=10, found=0, others=0, others_found=0, alerts=0, false_events=0)


def test_small_and_flat_scars_are_not_asked_for_but_no_false_alarms() -> None:
    """An alert on a scar under half a hectare is right; missing it costs nothing."""
    valley = replace(VALLEY, scars=(_scar(0), _scar(1, area_ha=0.3), _scar(2, slope_deg=4.0)))
    result = score(valley, [_event(0), _event(1)])
    assert result == DemoScore(scars=1, found=1, others=2, others_found=1, alerts=2, false_events=0)
    assert "1 of 1 scars of 0.5 ha and more found, and 1 of the 2 smaller ones; 2 alert(s), 0 of" in verdict(result)


def test_its_configuration_is_a_valid_one(tmp_path: Path) -> None:
    """The file that the demonstration writes can be used with every command."""
    catalog = tmp_path / "catalog" / "catalog.json"
    catalog.parent.mkdir()
    catalog.write_text("{}")
    valley = replace(VALLEY, catalog=catalog)
    settings = load(write_config(tmp_path, valley))
    assert settings.products == tmp_path / "products"
    assert settings.regions["valley"].geometry.bounds == pytest.approx(valley.bbox)


def test_the_command_to_go_on_with_is_the_one_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a checkout its virtual environment is named, on the PATH the plain name, else the whole path."""
    program = tmp_path / ".venv" / "bin" / "scarpwatch"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command(str(program), tmp_path) == ".venv/bin/scarpwatch"
    assert command(str(program), tmp_path / "demo") == str(program)
    assert command("/somewhere/monitor/__main__.py", tmp_path).endswith(" -m monitor")
    monkeypatch.setenv("PATH", str(program.parent))
    assert command(str(program), tmp_path) == "scarpwatch"


def test_what_it_tells_to_do_next_works_as_it_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where there are blanks in the path: the token, the pages and the alerts of this very configuration."""
    folder = tmp_path / "my demo"
    catalog = folder / "catalog" / "catalog.json"
    catalog.parent.mkdir(parents=True)
    catalog.write_text("{}")
    config = write_config(folder, replace(VALLEY, catalog=catalog))
    lines = onward("scarpwatch", config, load(config))
    commands = {one[1]: one[1:] for one in (split(line.partition(": ")[2]) for line in lines[:3])}
    assert list(commands) == ["alerts", "tokens", "run"]
    assert all(one[-2:] == ["--config", str(config)] for one in commands.values())
    assert run(commands["tokens"], parts()) == 0
    assert capsys.readouterr().out.startswith("scw_")
    assert run(commands["alerts"], parts()) == 0
    assert run([*commands["run"], "--help"], parts()) == 0
    assert "http://127.0.0.1:9108 " in lines[2]
