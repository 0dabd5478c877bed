"""The check of the radar baseline in simulated valleys, in small."""

from pathlib import Path

import numpy as np

from benchmarks.valley_radar import Found, Quiet, judge, quiet_table, scar_table
from monitor.sandbox.story import STORM_UNDER_CLOUD
from monitor.sandbox.valley import build_valley


def test_a_simulated_valley_is_read_and_judged(tmp_path: Path) -> None:
    """Scars by the first pass after the storm, and the passes before it that have enough earlier ones."""
    valley = build_valley(tmp_path, seed=7001, size_px=256, story=STORM_UNDER_CLOUD)
    found, quiet = judge(valley)
    assert len(found) >= sum(scar.area_ha >= 0.5 for scar in valley.scars)
    assert len(quiet) == 4
    assert all(0.1 < one.km2_years < 0.2 for one in quiet)
    assert all(np.isfinite(one.decibels).all() for one in found if one.seen > 0.5)


def test_tables_count_what_is_seen() -> None:
    """A scar in radar shadow is no miss, and a rate has its interval."""
    scars = [
        Found(track="124", area_ha=3.0, seen=1.0, found=True, decibels=(0.0, -3.0)),
        Found(track="124", area_ha=3.0, seen=1.0, found=False, decibels=(0.0, -2.0)),
        Found(track="124", area_ha=3.0, seen=0.1, found=False, decibels=(0.0, 0.0)),
    ]
    assert "| 2 to 5 ha | 2 of 3 | 1 (1–99 %) |" in scar_table(scars)
    quiet = [Quiet(track="124", km2_years=1.0, clusters=n) for n in (0, 2)]
    assert "| 124 | 2 | 2.00 | 2 | 1000 (121–3612) |" in quiet_table(quiet)
