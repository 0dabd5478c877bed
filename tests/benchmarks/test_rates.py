"""The null of simulated years and what the tiers cost and find, on small records made by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.lives import lives
from benchmarks.rates import (
    after,
    at_first_look,
    at_second_look,
    before,
    fold,
    judge,
    life,
    load_years,
    null_of,
    sweep,
)
from benchmarks.rates_report import run, write_null
from benchmarks.rates_tables import aim, causes
from benchmarks.years_records import OPTICS, Cell, EventRecord, ScarRecord, YearRecord, save
from monitor.adapters.null_file import load_null
from monitor.core.lifecycle import LifecycleSettings
from monitor.errors import ConfigError

SAYS = {"o": "opens", "s": "supports", "c": "contradicts", "i": "inconclusive", "n": "not-observed"}
STRATA = ("steep", "summer", "full light")


def _event(name: str, strength: float, said: str, true: bool = False, detector: str = "baseline") -> EventRecord:
    """An event seen every five days from the storm on."""
    return EventRecord(
        id=name,
        sensor=OPTICS,
        day=0.0,
        date="2025-07-01",
        area_ha=0.4,
        slope_deg=35.0,
        true=true,
        alerted=strength >= 0.2,
        ended="",
        cause="" if true else "none",
        longitude=15.0,
        latitude=46.0,
        detail="",
        strength=strength,
        strata=STRATA,
        said=tuple((5.0 * number, SAYS[word], detector, True) for number, word in enumerate(said)),
    )


def _year(seed: int, *events: EventRecord, km2_years: float = 100.0) -> YearRecord:
    """A valley with a scar of 0.6 ha that looks of the fifth and the tenth day show."""
    scar = ScarRecord(
        area_ha=0.6,
        slope_deg=30.0,
        shown={OPTICS: 0.0},
        evidence={OPTICS: 0.0},
        alert=0.0,
        opened_by=OPTICS,
        looks=((0.0, OPTICS, 1.0), (2.0, "radar", -1.0), (3.0, OPTICS, 0.1), (5.0, OPTICS, 0.9)),
        events=tuple(one.id for one in events if one.true),
    )
    return YearRecord(
        seed=seed,
        storm="2025-07-01T00:00:00+00:00",
        years=1.0,
        km2=25.0,
        km2_years={OPTICS: km2_years, "either": km2_years},
        looks={},
        parked={},
        traps={},
        scars=(scar,),
        events=events,
        seconds={},
        cells=(
            Cell(detector="baseline", strata=STRATA, km2_years=km2_years),
            Cell(detector="radar", strata=("steep", "summer"), km2_years=km2_years),
        ),
    )


QUIET = _year(1, _event("weak", 0.1, "oc"), _event("strong", 0.5, "os"), _event("scar", 0.4, "os", true=True))
JUDGED = _year(2, _event("false", 0.3, "ois"), _event("scar", 0.6, "os", true=True))


def test_the_null_counts_what_no_scar_made() -> None:
    """By detector; what a scar made is no false event."""
    null = null_of([QUIET])
    assert null.km2_years == {"baseline": 100.0, "radar": 100.0}
    assert null.rate("baseline", 0.05) == pytest.approx((30.0, 20.0))
    assert null.rate("baseline", 0.45) == pytest.approx((20.0, 20.0))
    assert null.rate("radar", 9.0) == pytest.approx((10.0, 10.0))
    assert null.simulated


def test_a_rule_is_judged_by_what_it_tells_and_when() -> None:
    """Too late is not within two looks; the look in grazing light showed nothing."""
    folds = [fold(null_of([QUIET]), [JUDGED])]
    first = judge(folds, "", at_first_look(15.0))
    assert (first.false, first.found[0], first.delays) == (0, (1, 1), (0.0,))
    assert judge(folds, "", at_first_look(5.0)).found[0] == (0, 1)
    second = judge(folds, "", at_second_look(20.0))
    assert (second.false, second.found[0], second.delays) == (1, (1, 1), (5.0,))
    assert second.per_1000 == pytest.approx(10.0)
    assert second.interval[1] == pytest.approx(55.7, abs=0.1)
    late = replace(JUDGED, events=(_event("scar", 0.6, "oiis", true=True),))
    assert judge([fold(null_of([QUIET]), [late])], "", at_second_look(20.0)).found[0] == (0, 1)


@pytest.mark.parametrize(
    ("said", "rates", "expected"),
    [
        ("oss", (5.0, 5.0), (0.0, 0.0, 5.0, 0.0)),
        ("oss", (50.0, 5.0), (0.0, 0.0, 5.0, 5.0)),
        ("oss", (500.0, 5.0), (None, 5.0, 10.0, 10.0)),
        ("oc", (500.0, 500.0), (None, None, None, None)),
        ("oss", None, (0.0, 0.0, 5.0, None)),
    ],
)
def test_lives_are_those_of_the_table(
    said: str, rates: tuple[float, float] | None, expected: tuple[float | None, ...]
) -> None:
    """Alert at the first look, alert at all, confirmed, warning: by the service's own transitions."""
    found = life(_event("e", 0.3, said), rates, LifecycleSettings(watch_rate=100.0, warning_rate=10.0))
    assert (found.first, found.alert, found.confirmed, found.warning) == expected


def test_before_and_after_tell_the_same_years() -> None:
    """Without a null strength decides; with one, rates do."""
    folds = [fold(null_of([QUIET]), [JUDGED])]
    assert [one.false for one in before(folds)] == [1, 1, 1]
    settings = LifecycleSettings(watch_rate=15.0, warning_rate=10.0)
    first, alert, confirmed, warning = after(folds, settings)
    assert [one.false for one in (first, alert, confirmed, warning)] == [0, 1, 0, 0]
    assert [one.found[0][0] for one in (first, alert, confirmed, warning)] == [1, 1, 1, 1]


def test_the_aim_is_said_to_be_missed() -> None:
    """With what it takes to find so many."""
    loud = replace(JUDGED, events=(_event("false", 9.0, "os"), _event("scar", 0.6, "os", true=True)))
    said = aim(*sweep([fold(null_of([QUIET]), [loud])]))
    assert "is **not met**: at the first look 0% are told at no more than 1, and 100% are told at 10 (0–56)" in said
    # None in a hundred is no proof of less than one in a thousand.
    assert "is **not met**" in aim(*sweep([fold(null_of([QUIET]), [JUDGED])]))
    quiet = replace(JUDGED, km2_years={OPTICS: 5000.0, "either": 5000.0})
    assert "is met" in aim(*sweep([fold(null_of([QUIET]), [quiet])]))
    assert "| baseline | none | 1 | 1 | 10 (0–56) | 0.40 | steep 100%, summer 100%, full light 100% |" in causes(
        [JUDGED]
    )


def test_the_shipped_file_says_what_it_stands_on(tmp_path: Path) -> None:
    """And reads back; only the seeds that are asked for are counted."""
    for year in (QUIET, JUDGED):
        save(year, tmp_path / f"year-{year.seed}-512-73.json")
    said = write_null(tmp_path, (1, 3), tmp_path / "quiet-ground.json")
    assert "**Simulated**" in said
    assert "| baseline | 100 | 2 | 20 (2–72) | 1 |" in said
    null = load_null(tmp_path / "quiet-ground.json")
    assert (null.sources, null.simulated) == (("simulated valleys, seeds 1",), True)


def test_both_ways_is_twice_the_exposure_and_the_figure_is_drawn(tmp_path: Path) -> None:
    """Years are never judged by what was counted on them."""
    for year in (QUIET, JUDGED):
        save(year, tmp_path / f"year-{year.seed}-512-73.json")
    assert "Judged on 100 km² × years that it never saw (seeds 2)" in run(tmp_path, ((1,), (2,)), False, tmp_path)
    assert "Judged on 200 km² × years that it never saw (seeds 1-2)" in run(tmp_path, ((1,), (2,)), True, tmp_path)
    assert (tmp_path / "rates.png").stat().st_size > 20_000


def test_missing_years_are_named(tmp_path: Path) -> None:
    """One line that says what to do, and exit code 1."""
    with pytest.raises(ConfigError, match="holds no year of any seed"):
        load_years(tmp_path)
    told = CliRunner().invoke(app, ["null", "--years", str(tmp_path), "--seeds", "1-3"])
    assert told.exit_code == 1
    assert "holds no year of the seeds 1 to 3. Make some:" in told.stderr


def test_what_later_looks_said_is_counted_by_what_opened_an_event() -> None:
    """Only looks that could tell count as holding; those that could not move no event between confirmed and refuted."""
    year = _year(
        3,
        _event("stays", 0.6, "onis" + "s" * 10, true=True),
        _event("goes", 0.3, "oic"),
        _event("comes back", 0.3, "osiscs"),
        _event("unseen", 0.3, "on"),
    )
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lives([year])[2:]]
    assert rows == [
        ["scars of 0.5 ha and more", "1", "1, 0, 0", "10, 0", "1", "2", "0"],
        ["smaller scars, and parts of scars", "0", "0, 0, 0", "0, 0", "0", "0", "0"],
        ["none, baseline", "3", "1, 1, 1", "2, 1", "0", "3", "0"],
    ]
