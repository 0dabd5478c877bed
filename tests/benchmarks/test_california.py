"""The radar benchmark on the real bursts, in small."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.california import (
    CONTRASTS,
    NATIVE_M,
    POLARISATIONS,
    SIZES_HA,
    Cell,
    Measured,
    baseline_layer,
    burst_table,
    chosen_start,
    cluster_mask,
    covers_of,
    detection_table,
    false_counts,
    found_in,
    looks_of,
    open_bursts,
    paint_cells,
    quiet_table,
    widen,
)
from benchmarks.california_figure import california_figure
from monitor.core.change import AlertSettings
from monitor.core.radar import compare_backscatter
from monitor.core.radar_implants import Contrast, paint_backscatter


def test_the_quiet_passes_are_those_with_a_near_pass_before(data_folder: Path) -> None:
    """Three bursts of 21 passes; 15 of each have three earlier ones and the last at most 24 days before."""
    bursts = open_bursts(data_folder)
    assert [burst.power.shape for burst in bursts] == [(21, 2, 100, 100)] * 3
    for burst in bursts:
        assert len(burst.quiet) == 15
        assert all(burst.gap_days(index) <= 24 for index in burst.quiet)
        assert all(5 < looks < 40 for looks in burst.looks)


def test_a_large_scar_in_a_real_pass_is_found_and_the_pass_alone_is_silent(data_folder: Path) -> None:
    """The wet first of January 2023, when whole crops rose by several dB: no cluster without implants, most with."""
    burst = next(one for one in open_bursts(data_folder) if one.name.endswith("321-IW2"))
    look = next(one for one in looks_of(burst) if f"{burst.times[one.index]:%Y-%m-%d}" == "2023-01-01")
    start = AlertSettings().radar_high
    assert cluster_mask(baseline_layer(look, burst.power[look.index]), look, start)[1] == 0
    generator = np.random.default_rng(1)
    covers = covers_of(look, 5.0, generator)
    power = paint_backscatter(burst.power[look.index], covers, Contrast(decibels=(-1.0, -6.0)), burst.looks, generator)
    labels, _ = cluster_mask(baseline_layer(look, power), look, start)
    assert sum(found_in(labels, cover) for cover in covers) >= 0.6 * len(covers)


def test_a_shipped_threshold_keeps_its_promise_on_the_held_out_dates(data_folder: Path) -> None:
    """At most one false cluster over the later half of the quiet passes of all bursts."""
    start = AlertSettings().radar_high
    later = [look for burst in open_bursts(data_folder) for look in looks_of(burst) if not look.early]
    assert len(later) == 21
    layers = [(baseline_layer(look, look.burst.power[look.index]), look) for look in later]
    assert sum(cluster_mask(change, look, start)[1] for change, look in layers) <= 1


@pytest.mark.parametrize("bands", [slice(0, 2), slice(0, 1), slice(1, 2)], ids=["both", "VV", "VH"])
def test_quiet_ground_shows_what_a_layer_says_of_it(data_folder: Path, bands: slice) -> None:
    """Change without a sign is never 0: its mean over the first quiet passes is what later looks are held against."""
    burst = open_bursts(data_folder)[0]
    burst = replace(burst, power=burst.power[:8, bands], times=burst.times[:8])
    everywhere = np.ones((300, 300), dtype=bool)
    layers = [
        compare_backscatter(
            widen(burst.power[look.index]), look.before, everywhere, NATIVE_M, tuple(POLARISATIONS[bands])
        ).layer
        for look in looks_of(burst)
    ]
    assert len(layers) >= 3
    assert float(np.nanmean([layer.change for layer in layers])) == pytest.approx(layers[0].quiet, abs=0.15)


@pytest.mark.parametrize("name", ["T137-292319-IW2", "T137-292321-IW2", "T137-292323-IW2"])
def test_half_of_a_real_pass_that_slid_is_not_muted(data_folder: Path, name: str) -> None:
    """VH 4 dB lower over the western half, on texture and weather as they are: found there and nowhere else."""
    burst = next(one for one in open_bursts(data_folder) if one.name == name)
    look = looks_of(burst)[6]
    power = burst.power[look.index].copy()
    power[1, :, :50] *= np.float32(10.0**-0.4)
    labels, _ = cluster_mask(baseline_layer(look, power), look, AlertSettings().radar_high)
    assert (labels[:, :140] > 0).mean() > 0.35
    assert (labels[:, 160:] > 0).mean() < 0.01


def test_the_chosen_start_is_the_lowest_that_stays_within_the_limit() -> None:
    """Also when a lower start happens to give fewer clusters again (they merge)."""
    counts = {3.0: np.array([0, 0]), 4.0: np.array([3, 0]), 5.0: np.array([1, 9]), 6.0: np.array([0, 0])}
    assert chosen_start(counts, np.array([True, False])) == 5.0
    assert chosen_start(counts, np.array([True, True])) == 6.0
    assert chosen_start(counts, np.array([False, True]), 20) == 3.0


def test_tables_and_figure_of_three_passes(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts end up in the rows they belong to, and the figure is drawn."""
    monkeypatch.setattr("benchmarks.california._STARTS", {"baseline": np.array([3.0, 6.0]), "plain log-ratio": [6.0]})
    looks = tuple(looks_of(burst)[n] for burst, n in zip(open_bursts(data_folder), (4, 4, 12), strict=True))
    counts: Mapping[str, Mapping[float, np.ndarray]] = {
        "baseline": false_counts(looks, "baseline"),
        "plain log-ratio": false_counts(looks[:1], "plain log-ratio"),
    }
    starts = {"baseline": AlertSettings().radar_high, "plain log-ratio": 6.5}
    cells = tuple(
        Cell(area_ha=size, contrast=one, painted=10, found={"baseline": 8, "plain log-ratio": 1})
        for size in SIZES_HA
        for one in CONTRASTS
    )
    measured = Measured(looks=looks, counts=counts, starts=starts, cells=cells)
    assert "| all | 3 |" in quiet_table(measured)
    assert "| second half | 1 |" in quiet_table(measured)
    assert burst_table(measured).count("IW2") == 3
    assert "| -1, -4 | baseline | 80 % (44–97) |" in detection_table(measured)
    california_figure(measured, tmp_path / "california.png")
    with Image.open(tmp_path / "california.png") as image:
        assert image.width > 1000


def test_both_methods_see_the_same_paint(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every size and contrast is painted once into a pass, and with a start of nought everything is found."""
    monkeypatch.setattr("benchmarks.california.CONTRASTS", CONTRASTS[:1])
    monkeypatch.setattr("benchmarks.california.SIZES_HA", (5.0,))
    look = looks_of(open_bursts(data_folder)[1])[4]
    (cell,) = paint_cells([look], {"baseline": 0.01, "plain log-ratio": 99.0}, lambda _done, _all: None)
    assert cell.painted >= 6
    assert cell.found == {"baseline": cell.painted, "plain log-ratio": 0}
