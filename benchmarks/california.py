"""The radar baseline on quiet land: false clusters without implants, painted scars found with them.

Three land bursts of OPERA RTC-S1 (30 m, track 137), 3 km by 3 km each. There is no elevation model of that ground here:
every pixel counts as a slope of 20°, city and fields too, which gives more room for false clusters than in service.
"""

import json
import math
import re
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.machine import describe
from benchmarks.scoring import FOUND_SHARE, binomial_interval
from monitor.core.change import AlertSettings
from monitor.core.clusters import label_clusters
from monitor.core.grid import TILE_PX
from monitor.core.implants import place, scar_at
from monitor.core.radar import (
    LEAST_PASSES,
    BackscatterReference,
    build_backscatter_reference,
    coherent_change,
    compare_backscatter,
)
from monitor.core.radar_implants import Contrast, equivalent_looks, native_cover, paint_backscatter
from training.alerts.counting import poisson_interval

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

POLARISATIONS = ("VV", "VH")
NATIVE_M = 30.0
STEP = 3
"""Canvas pixels of 10 m along the side of a native one."""
LONGEST_GAP_DAYS = 24.0
"""The land counts as quiet when the pass before is no older."""
SLOPE_DEG = 20.0
SIZES_HA = (1.0, 2.0, 5.0)
_DECIBELS = ((-1.0, -2.0), (-1.0, -3.0), (-1.0, -4.0), (-1.0, -5.0), (-1.0, -6.0), (1.0, -3.0), (3.0, 2.0))
CONTRASTS = tuple(Contrast(decibels=pair) for pair in _DECIBELS)
"""VV, VH: forest gone more and more completely; forest replaced by rough soil; rubble on grass."""
FALSE = 1
"""False clusters allowed where a threshold is chosen."""
SEED = 20230101
_SPACING_PX = 66
_MARGIN_PX = 45
_BASELINE, _PLAIN = "baseline", "plain log-ratio"
_PLAIN_LOW = 0.9
_STARTS: Mapping[str, NDArray[np.float64]] = {_BASELINE: np.arange(2.8, 7.01, 0.1), _PLAIN: np.arange(3.0, 16.1, 0.25)}
"""Starts that are tried: standard deviations, and dB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """One burst's passes, oldest first."""

    name: str
    times: tuple[datetime, ...]
    power: Array
    """(N, 2, H, W) linear gamma0, VV and VH."""
    looks: tuple[float, ...]
    """Equivalent looks of a native pixel, by polarisation."""

    def gap_days(self, index: int) -> float:
        """Days since the pass before."""
        return (self.times[index] - self.times[index - 1]).total_seconds() / 86_400.0

    @property
    def quiet(self) -> tuple[int, ...]:
        """Passes with enough earlier ones, the last of them near."""
        return tuple(i for i in range(LEAST_PASSES, len(self.times)) if self.gap_days(i) <= LONGEST_GAP_DAYS)

    @property
    def area_km2(self) -> float:
        """Ground seen by a pass."""
        return float(self.power.shape[-1] * self.power.shape[-2] * NATIVE_M**2 / 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One quiet pass of a burst, and the ground it is judged on. Arrays of the canvas are (H, W) at 10 m."""

    burst: Burst
    index: int
    before: BackscatterReference
    slope_deg: Array
    elevation_m: Array

    @property
    def exposure(self) -> float:
        """Exposure, km² x years: the time since the pass before is what a false cluster is counted against."""
        return self.burst.area_km2 * self.burst.gap_days(self.index) / 365.25

    @property
    def early(self) -> bool:
        """In the first half of the quiet dates, on which the threshold was chosen."""
        return self.index in self.burst.quiet[: (len(self.burst.quiet) + 1) // 2]


Layer = Callable[[Look, Array], Array]
"""(H, W) change of a look's (P, h, w) native power against what lies before it."""
Layers = Mapping[int, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Implants of one size and contrast, and how many were found."""

    area_ha: float
    contrast: Contrast
    painted: int
    found: Mapping[str, int]
    """By method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything the report and the figure are made of."""

    looks: tuple[Look, ...]
    counts: Mapping[str, Mapping[float, NDArray[np.int64]]]
    """By method and start: false clusters of every look."""
    starts: Mapping[str, float]
    """The start at which each method's implants were counted."""
    cells: tuple[Cell, ...]


def open_bursts(data: Path) -> list[Burst]:
    """The land bursts of the catalog, read as they are."""
    folder = data / "california_s1_rtc"
    passes: dict[str, dict[datetime, Path]] = {}
    for item in sorted((folder / "catalog").rglob("RTC_*.json")):
        facts = json.loads(item.read_text(encoding="utf-8"))
        when = datetime.fromisoformat(facts["properties"]["datetime"].replace("Z", "+00:00"))
        passes.setdefault(facts["properties"]["burst_id"], {})[when] = item
    return [_open_burst(name, items) for name, items in sorted(passes.items())]


def _open_burst(name: str, items: Mapping[datetime, Path]) -> Burst:
    times = sorted(items)
    power = np.stack([_read_item(items[when]) for when in times])
    calm = [equivalent_looks(power[i], power[i + 1]) for i in (1, 2)]
    looks = tuple(float(np.mean(band)) for band in zip(*calm, strict=True))
    return Burst(name=name, times=tuple(times), power=power, looks=looks)


def _read_item(item: Path) -> Array:
    assets = json.loads(item.read_text(encoding="utf-8"))["assets"]
    bands = []
    for name in POLARISATIONS:
        found = next(value for key, value in assets.items() if re.fullmatch(name, key, re.IGNORECASE))
        with rasterio.open((item.parent / found["href"]).resolve()) as source:
            bands.append(source.read(1).astype(np.float32))
    return np.stack(bands)


def looks_of(burst: Burst) -> list[Look]:
    """Every quiet pass with its reference; the made-up slope faces another way on every date."""
    looks = []
    for index in burst.quiet:
        seconds = [when.timestamp() for when in burst.times[:index]]
        reference = build_backscatter_reference(burst.power[:index], seconds)
        if reference is None:
            continue
        side = tuple(STEP * size for size in burst.power.shape[-2:])
        facing = 2.399963 * index
        rows, columns = np.mgrid[: side[0], : side[1]] * 10.0
        height = math.tan(math.radians(SLOPE_DEG)) * (columns * math.cos(facing) + rows * math.sin(facing))
        looks.append(
            Look(
                burst=burst,
                index=index,
                before=_on_canvas(reference),
                slope_deg=np.full(side, SLOPE_DEG, np.float32),
                elevation_m=height.astype(np.float32),
            )
        )
    return looks


def _on_canvas(reference: BackscatterReference) -> BackscatterReference:
    return BackscatterReference(
        mean=widen(reference.mean),
        spread_db=widen(reference.spread_db),
        count=np.repeat(np.repeat(reference.count, STEP, 0), STEP, 1),
        last_seen_s=np.repeat(np.repeat(reference.last_seen_s, STEP, 0), STEP, 1),
    )


def widen(values: Array) -> Array:
    """(..., h, w) native pixels as (..., 3 h, 3 w) pixels of 10 m, as the service reads them."""
    return np.repeat(np.repeat(values, STEP, axis=-2), STEP, axis=-1)


def baseline_layer(look: Look, power: Array) -> Array:
    """The baseline of the service."""
    everywhere = np.ones(look.slope_deg.shape, dtype=bool)
    return compare_backscatter(widen(power), look.before, everywhere, NATIVE_M, POLARISATIONS).layer.change


def plain_layer(look: Look, power: Array) -> Array:
    """The simplest correct way: 3 x 3 mean power, VH, dB against the pass before, less the scene's median."""
    earlier = look.burst.power[look.index - 1]
    ratio = 10.0 * np.log10(ndimage.uniform_filter(power[1], 3) / ndimage.uniform_filter(earlier[1], 3))
    return widen(np.abs(ratio - np.median(ratio)).astype(np.float32))


METHODS: Mapping[str, Layer] = {_BASELINE: baseline_layer, _PLAIN: plain_layer}


def cluster_mask(change: Array, look: Look, start: float, method: str = _BASELINE) -> tuple[NDArray[np.int32], int]:
    """Numbered clusters, by the service's rules, of a change that starts at `start`.

    The baseline grows to the shipped low threshold; the plain way, in dB, to nine tenths of its start.
    """
    shipped = AlertSettings()
    low = min(shipped.radar_low, start) if method == _BASELINE else _PLAIN_LOW * start
    settings = replace(shipped, radar_high=start, radar_low=low)
    mask = coherent_change(change, look.slope_deg, settings, NATIVE_M)
    return label_clusters(mask, look.slope_deg, look.elevation_m, settings)


def false_counts(looks: Sequence[Look], method: str) -> dict[float, NDArray[np.int64]]:
    """By start: clusters of every look without implants."""
    layers = [METHODS[method](look, look.burst.power[look.index]) for look in looks]
    starts = sorted({round(float(start), 2) for start in _STARTS[method]} | {AlertSettings().radar_high})
    return {
        start: np.array(
            [cluster_mask(change, look, start, method)[1] for change, look in zip(layers, looks, strict=True)]
        )
        for start in starts
    }


def chosen_start(counts: Mapping[float, NDArray[np.int64]], where: Mask, allowed: int = FALSE) -> float:
    """The lowest start from which on no more false clusters are found `where` than allowed."""
    good = math.inf
    for start in sorted(counts, reverse=True):
        if int(counts[start][where].sum()) > allowed:
            break
        good = start
    return good


def covers_of(look: Look, area_ha: float, generator: np.random.Generator) -> list[Array]:
    """(h, w) native covers of scars at random places."""
    shape = look.slope_deg.shape
    inside = np.zeros(shape, dtype=bool)
    inside[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX] = True
    heads = place(inside, 9, _SPACING_PX, generator)
    return [native_cover(scar_at(row, column, area_ha, look.elevation_m), shape, STEP) for row, column in heads]


def found_in(labels: NDArray[np.int32], cover: Array) -> bool:
    """Whether at least a fifth of a scar lies in clusters."""
    wide = widen(cover)
    return float(wide[labels > 0].sum()) >= FOUND_SHARE * float(wide.sum())


def paint_cells(
    looks: Sequence[Look], starts: Mapping[str, float], progress: Callable[[int, int], None]
) -> tuple[Cell, ...]:
    """Every size and contrast painted into every quiet pass; both methods see the same paint."""
    painted: dict[tuple[float, Contrast], int] = {}
    found: dict[tuple[float, Contrast, str], int] = {}
    for done, look in enumerate(looks, start=1):
        generator = np.random.default_rng([SEED, look.index, int(look.burst.name[5:11])])
        for area_ha in SIZES_HA:
            covers = covers_of(look, area_ha, generator)
            for contrast in CONTRASTS:
                now = look.burst.power[look.index]
                power = paint_backscatter(now, covers, contrast, look.burst.looks, generator)
                painted[area_ha, contrast] = painted.get((area_ha, contrast), 0) + len(covers)
                for method, start in starts.items():
                    labels, _ = cluster_mask(METHODS[method](look, power), look, start, method)
                    key = (area_ha, contrast, method)
                    found[key] = found.get(key, 0) + sum(found_in(labels, cover) for cover in covers)
        progress(done, len(looks))
    return tuple(
        Cell(area_ha=area, contrast=one, painted=count, found={m: found[area, one, m] for m in starts})
        for (area, one), count in painted.items()
    )


def measure(data: Path, progress: Callable[[int, int], None] = lambda _done, _all: None) -> Measured:
    """Quiet counts of both methods, then implants at the shipped start and at the plain way's start of equal merit."""
    looks = tuple(look for burst in open_bursts(data) for look in looks_of(burst))
    counts = {method: false_counts(looks, method) for method in METHODS}
    shipped = AlertSettings().radar_high
    allowed = int(counts[_BASELINE][shipped].sum())
    everywhere = np.ones(len(looks), dtype=bool)
    plain = chosen_start(counts[_PLAIN], everywhere, allowed)
    starts = {_BASELINE: shipped, _PLAIN: plain}
    return Measured(looks=looks, counts=counts, starts=starts, cells=paint_cells(looks, starts, progress))


def hidden_table(looks: Sequence[Look]) -> str:
    """Markdown: ground that counts as not observed because it is too bright to show soil, by burst."""
    lines = ["| burst | not observed: bright ground and what lies between |", "| --- | --- |"]
    for name in sorted({look.burst.name for look in looks}):
        own = [look for look in looks if look.burst.name == name]
        hidden = np.mean([np.isnan(baseline_layer(look, look.burst.power[look.index])).mean() for look in own])
        lines.append(f"| {name} | {100 * hidden:.1f} % |")
    return "\n".join(lines)


def quiet_table(measured: Measured) -> str:
    """Markdown: false clusters at the shipped start, where it was chosen and where it was not."""
    early = np.array([look.early for look in measured.looks])
    parts = [("first half of the dates (start chosen here)", early), ("second half", ~early)]
    lines = [
        "| ground | passes | km² x years | false clusters | per 1,000 km² and year (95 %) |",
        "| --- |" * 1 + " --- |" * 4,
    ]
    for name, where in [*parts, ("all", early | ~early)]:
        if not where.any():
            continue
        years = sum(look.exposure for look, inside in zip(measured.looks, where, strict=True) if inside)
        count = int(measured.counts[_BASELINE][measured.starts[_BASELINE]][where].sum())
        low, high = (1000.0 * bound / years for bound in poisson_interval(count))
        rate = f"{1000.0 * count / years:.0f} ({low:.0f}–{high:.0f})"
        lines.append(f"| {name} | {int(where.sum())} | {years:.2f} | {count} | {rate} |")
    return "\n".join(lines)


def burst_table(measured: Measured) -> str:
    """Markdown: the start chosen on two bursts, scored on the third."""
    counts = measured.counts[_BASELINE]
    lines = [
        "| held-out burst | start chosen on the other two | false clusters on it | passes |",
        "| --- | --- | --- | --- |",
    ]
    for name in sorted({look.burst.name for look in measured.looks}):
        own = np.array([look.burst.name == name for look in measured.looks])
        start = chosen_start(counts, ~own)
        lines.append(f"| {name} | {start:.1f} | {int(counts[start][own].sum())} | {int(own.sum())} |")
    return "\n".join(lines)


def detection_table(measured: Measured) -> str:
    """Markdown: scars found by contrast and size, baseline then plain log-ratio."""
    head = "| VV, VH (dB) | method | " + " | ".join(f"{size:g} ha" for size in SIZES_HA) + " |"
    lines = [head, "| --- | --- |" + " --- |" * len(SIZES_HA)]
    for contrast in CONTRASTS:
        vv, vh = contrast.decibels
        for method in measured.starts:
            cells = [cell for cell in measured.cells if cell.contrast == contrast]
            lines.append(
                f"| {vv:+.0f}, {vh:+.0f} | {method} | " + " | ".join(_share(one, method) for one in cells) + " |"
            )
    return "\n".join(lines)


def _share(cell: Cell, method: str) -> str:
    low, high = binomial_interval(cell.found[method], cell.painted)
    return f"{100 * cell.found[method] / cell.painted:.0f} % ({100 * low:.0f}–{100 * high:.0f})"


def half_changed(looks: Sequence[Look], start: float) -> str:
    """What is found when VH falls by 4 dB over the western half of a pass: the valley that must not be muted."""
    found, wrong = [], []
    for look in looks:
        power = look.burst.power[look.index].copy()
        half = power.shape[-1] // 2
        power[1, :, :half] *= np.float32(10.0**-0.4)
        labels, _ = cluster_mask(baseline_layer(look, power), look, start)
        found.append(float((labels[:, : STEP * half] > 0).mean()))
        wrong.append(float((labels[:, STEP * half :] > 0).mean()))
    halves = np.maximum(found, wrong)
    return (
        f"VH lowered by 4 dB over half of a pass: clusters cover {np.median(found):.0%} of that half and "
        f"{np.median(wrong):.0%} of the other (medians of {len(looks)} passes); "
        f"{np.mean(halves < 0.05):.0%} of the passes show less than a twentieth of either."
    )


def cost() -> str:
    """CPU time of one tile's change, beside a bare log-ratio in numpy, and of its reference, by native pixel."""
    generator = np.random.default_rng(SEED)
    slopes = np.ones((TILE_PX, TILE_PX), dtype=bool)
    parts = []
    for native_m, step in ((10.0, 1), (22.0, 1), (30.0, STEP)):
        side = -(-TILE_PX // step)
        native = generator.gamma(12.0, 0.01, (13, 2, side, side)).astype(np.float32)
        power = np.repeat(np.repeat(native, step, -2), step, -1)[..., :TILE_PX, :TILE_PX].copy()
        building, _ = _timed(partial(build_backscatter_reference, power[1:], np.arange(12.0)))
        before = build_backscatter_reference(power[1:], np.arange(12.0))
        assert before is not None
        own, peak = _timed(partial(compare_backscatter, power[0], before, slopes, native_m, POLARISATIONS))
        parts.append(
            f"{native_m:g} m: change {1e3 * own:.0f} ms of CPU, {peak:.1f} MiB at its peak, reference of twelve passes "
            f"{1e3 * building:.0f} ms"
        )
    bare, bare_mib = _timed(lambda: 10.0 * np.log10(power[0] / power[1]))
    return (
        f"One tile of 256 x 256, two polarisations, native pixels of {'; '.join(parts)}. "
        f"A bare log-ratio in numpy: {1e3 * bare:.2f} ms, {bare_mib:.1f} MiB."
    )


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds, best of five; and peak of what numpy allocated, MiB."""
    seconds = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(4):
            work()
        seconds.append((time.process_time() - start) / 4)
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(seconds), peak / 2**20


def run(data: Path, out: Path, progress: Callable[[int, int], None]) -> str:
    """Measure, draw `out`/california.png; gives the report as Markdown."""
    from benchmarks.california_figure import california_figure

    machine = describe()
    measured = measure(data, progress)
    out.mkdir(parents=True, exist_ok=True)
    california_figure(measured, out / "california.png")
    counts = measured.counts[_PLAIN]
    plain = measured.starts[_PLAIN]
    found = int(counts[plain].sum()) if plain in counts else 0
    notes = f"Starts: baseline {measured.starts['baseline']:.1f} sd, plain log-ratio {plain:.1f} dB ({found} false)."
    half = half_changed(measured.looks, measured.starts[_BASELINE])
    tables = (
        quiet_table(measured),
        burst_table(measured),
        hidden_table(measured.looks),
        notes,
        detection_table(measured),
        half,
        cost(),
        machine,
    )
    return "\n\n".join(tables)
