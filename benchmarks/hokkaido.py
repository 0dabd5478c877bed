"""The alerts of one pass over the real event: what they cover, what they should not cover, and the pictures."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy import ndimage

from benchmarks import iburi
from benchmarks.painting import scene_haze
from benchmarks.trials import SCAR_COLUMNS, SCAR_ROWS
from monitor import wiring
from monitor.adapters.chips import patch
from monitor.adapters.looks import LookFiles
from monitor.adapters.overview import overview_picture
from monitor.adapters.store import SqlStore
from monitor.config import Settings
from monitor.core.canvas import Canvas
from monitor.core.change import AlertSettings
from monitor.core.clusters import burn
from monitor.core.events import LookContext
from monitor.core.grid import PIXEL_HA, RESOLUTION_M, project
from monitor.core.lifecycle import ALERT_STATES, LifecycleSettings
from monitor.core.reference import valid
from monitor.core.surroundings import Seen
from monitor.evidence import absorb, find
from monitor.overview import Coverage, coverage
from monitor.records import AlertStatus, Detector, Event, Look, Tile
from monitor.scene import compare, references, scenes

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

_NAN = np.float32(np.nan)
_CLOSE = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is on the ground, said without the service's masks and detectors. Arrays are (H, W) on the canvas."""

    canvas: Canvas
    cleared: Mask
    """Slope at least 10°, red of the later image at least 0.115 and 1.35 times the earlier one's."""
    cream: Mask
    """Slope at least 10°, green and blue (not red) far above the later image's slopes, not white; not so before."""
    compared: Mask
    """Clear at both dates by the service's masks."""
    cloud: Mask
    """Whitish in the later image, by a wider test than the service's."""
    snow: Mask
    """Whitish in the earlier image."""
    plain: Mask
    """Less than 5° and more than 50 m from ground of 10°."""
    unseen: Mask
    """No data in the earlier image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One way of alerting on the pair."""

    name: str
    alerts: int
    area_ha: float
    cleared: float
    """Share of the cleared slopes that both images hold, inside outlines."""
    cleared_compared: float
    """The same, of those that the masks leave."""
    cream: float
    cream_compared: float
    wrong: Mapping[str, float]
    """Shares of the alerted area: cloud, plain, snow, unseen, any of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A finished pass and what it left."""

    events: tuple[Event, ...]
    before: Mapping[Tile, Look]
    after: Mapping[Tile, Look]
    coverage: Coverage


def run(data: Path, models: Sequence[Path], out: Path) -> str:
    """Score every model; the pictures are of the first one. Gives Markdown."""
    pair = iburi.open_pair(data)
    lines: list[str] = []
    for number, model in enumerate(models):
        with tempfile.TemporaryDirectory(prefix="scarpwatch-hokkaido-") as name:
            settings = iburi.settings_for(data, Path(name), model)
            done = finished_pass(settings, pair)
            ground = see(pair, done)
            if number == 0:
                lines += [seen(done.coverage), "", describe(ground), "", *_HEAD]
                pictures(done, ground, Path(name) / "products", out)
            lines += [_row(model.name, score) for score in scores(done, ground, pair, settings.alerts)]
    return "\n".join(lines)


def finished_pass(settings: Settings, pair: iburi.Pair) -> Pass:
    """`scarpwatch once` on a fresh database, and everything it kept."""
    with closing(SqlStore(settings.database)) as store:
        store.upgrade()
    with closing(wiring.build(settings)) as service:
        summary = service.once(lambda: datetime.now(UTC))
    if summary.errors:
        raise RuntimeError(f"the pass did not succeed: {summary.errors}")
    archive = LookFiles(settings.products)
    with closing(SqlStore(settings.database)) as store:
        rows = [row for tile in pair.tiles for row in store.history(tile) if row.look_href]
        kept: dict[str, dict[Tile, Look]] = {pair.before.key: {}, pair.after.key: {}}
        for row in rows:
            kept[row.acquisition_key][row.tile] = archive.read(row.look_href or "")
        (region,) = settings.region_records()
        return Pass(
            events=tuple(event for event in store.events() if event.state in ALERT_STATES),
            before=kept[pair.before.key],
            after=kept[pair.after.key],
            coverage=coverage(region, store, archive, datetime.now(UTC)),
        )


def see(pair: iburi.Pair, done: Pass) -> Ground:
    """Say what is on the ground from the colours and the slope alone."""
    canvas = pair.canvas
    slope = canvas.lay({tile: ground.slope_deg for tile, ground in pair.ground().items()}, _NAN)
    before, after = _colours(canvas, done.before), _colours(canvas, done.after)
    steep = np.nan_to_num(slope, nan=0.0) >= 10.0
    rows, columns = pair.source_pixels()
    box = (rows >= SCAR_ROWS[0]) & (rows < SCAR_ROWS[1]) & (columns >= SCAR_COLUMNS[0]) & (columns < SCAR_COLUMNS[1])
    inside = box & steep & _finite(before) & _finite(after)
    haze_before, haze_after = scene_haze(pair.before.items[0]), scene_haze(pair.after.items[0])
    compared = _clear(canvas, done.before) & _clear(canvas, done.after)
    with np.errstate(invalid="ignore"):
        cleared = inside & (after[0] >= 0.115) & (after[0] >= 1.35 * before[0])
        lit_after = brightness(after, haze_after, compared & steep)
        lit_before = brightness(before, haze_before, compared & steep)
        pale = inside & (lit_after >= 1.8) & ~whitish(after, haze_after) & (lit_before < 1.5)
    return Ground(
        canvas=canvas,
        cleared=cleared,
        cream=np.asarray(ndimage.binary_opening(pale, structure=np.ones((2, 2)))),
        compared=compared,
        cloud=whitish(after, haze_after),
        snow=whitish(before, haze_before),
        plain=(slope < 5.0) & (ndimage.distance_transform_edt(~steep) * RESOLUTION_M > 50.0),
        unseen=~_finite(before),
    )


def brightness(colours: Array, haze: Sequence[float], slopes: Mask) -> Array:
    """(H, W) green plus blue above haze, in units of the scene's median over clear slopes. Red plays no part."""
    above: Array = (colours[1] - haze[1]) + (colours[2] - haze[2])
    return above / np.float32(np.median(above[slopes]))


def whitish(colours: Array, haze: Sequence[float]) -> Mask:
    """(H, W) blue clearly above haze and more than 0.55 of the brighter of red and green: cloud, veil or snow."""
    red, green, blue = (colours[band] - haze[band] for band in range(3))
    with np.errstate(invalid="ignore"):
        white: Mask = (blue >= 0.025) & (blue >= 0.55 * np.maximum(red, green))
    return white


def scores(done: Pass, ground: Ground, pair: iburi.Pair, settings: AlertSettings) -> list[Score]:
    """As shipped from the database; each detector alone from the same looks."""
    of_optics = (Detector.NETWORK, Detector.BASELINE)
    alone = {f"{detector.value} alone": replace(settings, detectors=(detector,)) for detector in of_optics}
    shipped = "as shipped (" + " + ".join(one for one in settings.detectors if one in of_optics) + ")"
    judged = [score(name, alerts_of(done, pair, one), ground) for name, one in alone.items()]
    return [*judged, score(shipped, done.events, ground)]


def alerts_of(done: Pass, pair: iburi.Pair, settings: AlertSettings) -> list[Event]:
    """The alerts that other settings would have opened on the same looks."""
    (scene,) = scenes(done.after, pair.ground(), settings)
    changes = compare(scene, references({tile: [look] for tile, look in done.before.items()}, settings), settings)
    context = LookContext(
        region=pair.region.id,
        acquisition_key=pair.after.key,
        acquisition_id=pair.after.id,
        sensing_time=pair.after.sensing_time,
        previous_time=pair.before.sensing_time,
        model_version="as kept",
        status=AlertStatus.ACTUAL,
        mask_source="bright-white",
        shift=changes.layers[Detector.BASELINE].shift,
    )
    found = [(cluster, Seen(before=pair.before.sensing_time)) for cluster in find(scene, changes, [], settings)]
    events = absorb(found, [], context, settings, LifecycleSettings())
    return [event for event in events if event.state in ALERT_STATES]


def score(name: str, events: Sequence[Event], ground: Ground) -> Score:
    """Compare outlines with the ground."""
    alerted = np.zeros(ground.canvas.shape, dtype=bool)
    for event in events:
        alerted |= burn(project(event.geometry, 4326, ground.canvas.epsg), ground.canvas)
    wrong = {"cloud": ground.cloud, "plain": ground.plain, "melted snow": ground.snow, "no earlier look": ground.unseen}
    wrong["any"] = np.logical_or.reduce(list(wrong.values()))
    return Score(
        name=name,
        alerts=len(events),
        area_ha=float(alerted.sum()) * PIXEL_HA,
        cleared=_share(alerted, ground.cleared),
        cleared_compared=_share(alerted, ground.cleared & ground.compared),
        cream=_share(alerted, ground.cream),
        cream_compared=_share(alerted, ground.cream & ground.compared),
        wrong={reason: _share(where, alerted) for reason, where in wrong.items()},
    )


def seen(cover: Coverage) -> str:
    """What the region's lack of alerts means, in one line."""
    without = ", ".join(tile.id for tile in (*cover.not_compared, *cover.never_observed)) or "none"
    return (
        f"{cover.tiles} tiles, {cover.area_km2:.0f} km²: {cover.seen:.0%} seen, {cover.compared:.0%} compared, "
        f"{1 - cover.compared:.0%} not observed twice; tiles without an earlier look: {without}."
    )


def describe(ground: Ground) -> str:
    """The two definitions and how they overlap."""
    both = float((ground.cleared & ground.cream).sum()) * PIXEL_HA
    cleared, cream = float(ground.cleared.sum()) * PIXEL_HA, float(ground.cream.sum()) * PIXEL_HA
    return (
        f"Cleared slopes between source rows {SCAR_ROWS[0]}–{SCAR_ROWS[1]} and columns "
        f"{SCAR_COLUMNS[0]}–{SCAR_COLUMNS[1]}: {cleared:.0f} ha by red "
        f"({_share(ground.compared, ground.cleared):.0%} of it clear at both dates), {cream:.0f} ha by green and blue "
        f"({_share(ground.compared, ground.cream):.0%}), {both:.0f} ha by both."
    )


def pictures(done: Pass, ground: Ground, products: Path, out: Path) -> None:
    """The overview, and the picture of the strongest alert of middling size."""
    out.mkdir(parents=True, exist_ok=True)
    geobox = _region_box(ground.canvas)
    title = f"Atsuma, {next(iter(done.after.values())).sensing_time:%d %b %Y}"
    earlier = patch(list(done.before.values()), geobox)
    after = patch(list(done.after.values()), geobox)
    png = overview_picture(
        done.events, after, geobox, title=title, earlier_state=earlier.state, mask_source="bright-white"
    )
    (out / "hokkaido.png").write_bytes(png)
    good = good_alert(done.events)
    if good is not None and good.picture:
        shutil.copyfile(products / good.picture, out / "alert.png")


def good_alert(events: Sequence[Event]) -> Event | None:
    """Strongest alert of 1 to 10 ha: large enough to see, small enough to see its shape."""
    middling = [event for event in events if 1.0 <= event.area_ha <= 10.0]
    return max(middling, key=lambda event: (event.strength, event.id), default=None)


_HEAD = (
    "| model | detectors | alerts | alerted ha | cleared (red) in outlines | of what masks leave | "
    "cleared (green, blue) | of what masks leave | cloud | plain | melted snow | no earlier look | any of the four |",
    "| --- |" + " --- |" * 12,
)


def _row(model: str, one: Score) -> str:
    shares = [one.cleared, one.cleared_compared, one.cream, one.cream_compared]
    cells = [f"{share:.1%}" for share in [*shares, *one.wrong.values()]]
    return f"| {model} | {one.name} | {one.alerts} | {one.area_ha:.0f} | " + " | ".join(cells) + " |"


def _share(part: Mask, whole: Mask) -> float:
    """Share of `whole` that lies in `part`; 0 of nothing."""
    total = int(whole.sum())
    return float((part & whole).sum()) / total if total else 0.0


def _finite(colours: Array) -> Mask:
    return np.asarray(np.isfinite(colours).all(axis=0), dtype=np.bool_)


def _colours(canvas: Canvas, looks: Mapping[Tile, Look]) -> Array:
    return np.stack([canvas.lay({tile: look.pixels[i] for tile, look in looks.items()}, _NAN) for i in range(3)])


def _clear(canvas: Canvas, looks: Mapping[Tile, Look]) -> Mask:
    return canvas.lay({tile: valid(look) for tile, look in looks.items()}, np.bool_(False))


def _region_box(canvas: Canvas) -> GeoBox:
    """The region's rectangle on the canvas's grid."""
    from shapely import box

    west, south, east, north = project(box(*iburi.BBOX), 4326, canvas.epsg).bounds
    whole = GeoBox(canvas.shape, canvas.transform, f"EPSG:{canvas.epsg}")
    left, top = int((west - canvas.transform.c) / RESOLUTION_M), int((canvas.transform.f - north) / RESOLUTION_M)
    right, bottom = (
        int((east - canvas.transform.c) / RESOLUTION_M) + 1,
        int((canvas.transform.f - south) / RESOLUTION_M) + 1,
    )
    return whole[max(top, 0) : bottom, max(left, 0) : right]
