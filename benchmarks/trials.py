"""The painted runs: quiet ground is chosen, scars are painted in, the service's parts look and compare."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.change_model import ChangeModel
from benchmarks.iburi import Pair, look_at
from benchmarks.painting import PaintedSource, ReadOnce, near, scene_haze, scene_pixels
from benchmarks.scoring import Ground, Implant, Quiet
from monitor.core.change import AlertSettings
from monitor.core.grid import RESOLUTION_M
from monitor.core.implants import Scar, bare_soil, paint, place, scar_at
from monitor.core.reference import valid
from monitor.looking import Instruments
from monitor.records import Detector, Look, Terrain, Tile
from monitor.scene import Before, Changes, Scene, compare, references, scenes

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

FIRST_ROW = 720
"""Source row from which no fresh scar larger than a few pixels was seen by eye (clouds, clearings, roads were)."""
SCAR_ROWS, SCAR_COLUMNS = (360, 620), (330, 800)
"""Where the real scars of the scene lie: their bare ground gives the soil."""
HEAD_SLOPE_DEG = 15.0
HILLSIDE_M = 100.0
"""The mean slope within this distance of a head must reach HEAD_SLOPE_DEG too: a bank in a plain cannot slide."""
EDGE_M = 300.0
"""Heads keep this distance from the edge of the image and of the elevation model."""
AWAY_M = 150.0
"""Heads keep this distance from change that is found without implants."""
SPACING_M = 450.0
SIZES_HA = (0.1, 0.2, 0.5, 1.0, 2.0)
_MARGIN_PX = 32
_SOURCE_ROWS, _SOURCE_COLUMNS = 970, 1533
_CREAM_RATIO = 0.55
_BARE_RED = 0.115


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The change model, what it sees of the earlier scene, and its answer on the unpainted later one."""

    model: ChangeModel
    before: Mapping[Tile, Array]
    answers: Mapping[Tile, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that the runs share. Arrays are (H, W) on the pair's canvas."""

    pair: Pair
    tools: Instruments
    settings: AlertSettings
    ground: Mapping[Tile, Terrain]
    past: Mapping[Tile, Before]
    looks: Mapping[Tile, Look]
    """Of the unpainted later scene."""
    scene: Scene
    changes: Changes
    pixels: Mapping[Tile, Array]
    dark: tuple[float, ...]
    soil: tuple[float, float, float]
    clear_slopes: Mask
    where: Mask
    """Quiet ground: jointly valid, south of FIRST_ROW."""
    heads: Mask
    comparison: Comparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """What the runs gave."""

    implants: tuple[Implant, ...]
    quiet: Quiet
    soil: tuple[float, float, float]
    runs: int
    head_km2: float
    steep_km2: float
    """Quiet ground on slopes of at least the seed slope, where clusters may start."""
    mask_agreement: float
    """Share of pixels whose mask, made again from the unpainted canvas, is what the service read."""


def prepare(pair: Pair, tools: Instruments, settings: AlertSettings, change: ChangeModel | None = None) -> Stage:
    """Looks at both dates as they are, and chooses the quiet ground, in which the change model has no say."""
    source = ReadOnce(source=tools.images)
    tools = replace(tools, images=source)
    before = look_at(pair.before, pair.tiles, tools)
    looks = look_at(pair.after, pair.tiles, tools)
    ground = pair.ground()
    past = references({tile: [look] for tile, look in before.items()}, settings)
    (scene,) = scenes(looks, ground, settings)
    changes = compare(scene, past, settings)
    rows, columns = pair.source_pixels()
    jointly = np.isfinite(changes.layers[Detector.NETWORK].change)
    where = jointly & (rows >= FIRST_ROW)
    changed = changes.masks[Detector.NETWORK] | changes.masks[Detector.BASELINE]
    away = ndimage.distance_transform_edt(~changed) * RESOLUTION_M > AWAY_M
    known = np.isfinite(scene.slope_deg) & (rows >= 0) & (rows < _SOURCE_ROWS) & (columns < _SOURCE_COLUMNS)
    inside = ndimage.distance_transform_edt(known) * RESOLUTION_M > EDGE_M
    pixels = scene_pixels(pair.after, source, pair.tiles)
    colours = _canvas_pixels(pair, pixels)
    clear = scene.canvas.lay({tile: valid(look) for tile, look in looks.items()}, np.bool_(False))
    clear_slopes = clear & (scene.slope_deg >= settings.seed_slope_deg)
    in_scars = (rows >= SCAR_ROWS[0]) & (rows < SCAR_ROWS[1]) & (columns >= SCAR_COLUMNS[0])
    in_scars &= columns < SCAR_COLUMNS[1]
    dark = scene_haze(pair.after.items[0])
    return Stage(
        pair=pair,
        tools=tools,
        settings=settings,
        ground=ground,
        past=past,
        looks=looks,
        scene=scene,
        changes=changes,
        pixels=pixels,
        dark=dark,
        soil=bare_soil(colours, in_scars & clear_slopes & cream(colours, dark), clear_slopes),
        clear_slopes=clear_slopes,
        where=where,
        heads=where & away & inside & hillsides(scene.slope_deg),
        comparison=_comparison(pair, tools, change) if change is not None else None,
    )


def _comparison(pair: Pair, tools: Instruments, model: ChangeModel) -> Comparison:
    before = model.see(pair.before, pair.tiles, tools)
    after = model.see(pair.after, pair.tiles, tools)
    return Comparison(model=model, before=before, answers=model.compare(after, before))


def hillsides(slope_deg: Array) -> Mask:
    """(H, W) steep pixels among steep ground."""
    side = 2 * int(HILLSIDE_M / RESOLUTION_M) + 1
    around = ndimage.uniform_filter(np.nan_to_num(slope_deg, nan=0.0), side)
    return np.asarray((slope_deg >= HEAD_SLOPE_DEG) & (around >= HEAD_SLOPE_DEG), dtype=np.bool_)


def cream(colours: Array, dark: Sequence[float]) -> Mask:
    """(H, W) bright pixels whose red is well above their blue, haze taken off: bare ground, neither cloud nor snow."""
    red, blue = colours[0] - dark[0], colours[2] - dark[2]
    with np.errstate(invalid="ignore"):
        bright: Mask = (colours[0] >= _BARE_RED) & (blue < _CREAM_RATIO * red)
    return bright


def run_trials(
    stage: Stage, each: int, seed: int, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Trials:
    """Paint `each` implants of every size in as many runs as needed."""
    generator = np.random.default_rng(seed)
    wanted = generator.permutation(np.repeat(SIZES_HA, each)).tolist()
    implants: list[Implant] = []
    runs = 0
    while len(implants) < len(wanted):
        spots = place(stage.heads, len(wanted) - len(implants), int(SPACING_M / RESOLUTION_M), generator)
        sizes = wanted[len(implants) : len(implants) + len(spots)]
        scars = [scar_at(*spot, size, stage.scene.elevation_m) for spot, size in zip(spots, sizes, strict=True)]
        implants += _painted_run(stage, scars)
        runs += 1
        progress(len(implants), len(wanted))
    pixel_km2 = (RESOLUTION_M / 1000.0) ** 2
    steep = stage.where & (stage.scene.slope_deg >= stage.settings.seed_slope_deg)
    return Trials(
        implants=tuple(implants),
        quiet=_quiet(stage, pixel_km2),
        soil=stage.soil,
        runs=runs,
        head_km2=float(stage.heads.sum()) * pixel_km2,
        steep_km2=float(steep.sum()) * pixel_km2,
        mask_agreement=mask_agreement(stage),
    )


def mask_agreement(stage: Stage) -> float:
    """How well masks made from the canvas repeat what the service read, before any painting."""
    source = _painted_source(stage, stage.pixels, frozenset(stage.pair.tiles))
    same = [
        float((source.read(stage.pair.after.items, stage.tools.card.bands, tile).state == look.state).mean())
        for tile, look in stage.looks.items()
    ]
    return float(np.mean(same))


def _painted_run(stage: Stage, scars: Sequence[Scar]) -> list[Implant]:
    """Paint, look again where it matters, compare, and cut out the surroundings of every scar."""
    canvas = stage.scene.canvas
    colours = paint(_canvas_pixels(stage.pair, stage.pixels), scars, stage.soil, stage.clear_slopes)
    painted = dict(stage.pixels)
    for tile in canvas.tiles:
        painted[tile] = np.ascontiguousarray(colours[:, *canvas.window(tile)])
    touched = _touched(stage, scars)
    source = _painted_source(stage, painted, touched)
    tools = replace(stage.tools, images=source)
    looks = {**stage.looks, **look_at(stage.pair.after, tuple(sorted(touched)), tools)}
    (scene,) = scenes(looks, stage.ground, stage.settings)
    changes = compare(scene, stage.past, stage.settings)
    pair = _pair_layer(stage, changes, _painted_answers(stage, tools, touched))
    return [_implant(scar, scene, changes, pair) for scar in scars]


def _painted_answers(stage: Stage, tools: Instruments, touched: frozenset[Tile]) -> Mapping[Tile, Array]:
    """The change model's answers on the painted tiles."""
    if stage.comparison is None:
        return {}
    model, before = stage.comparison.model, stage.comparison.before
    return model.compare(model.see(stage.pair.after, tuple(sorted(touched & before.keys())), tools), before)


def _pair_layer(stage: Stage, changes: Changes, painted: Mapping[Tile, Array]) -> Array | None:
    """(H, W) answers of the change model, painted ones first; NaN where not both dates are seen."""
    if stage.comparison is None:
        return None
    answers = {**stage.comparison.answers, **painted}
    jointly = np.isfinite(changes.layers[Detector.NETWORK].change)
    laid = stage.scene.canvas.lay(answers, np.float32(np.nan))
    return np.where(jointly, laid, np.float32(np.nan))


def _touched(stage: Stage, scars: Sequence[Scar]) -> frozenset[Tile]:
    canvas = stage.scene.canvas
    bare = np.zeros(canvas.shape, dtype=bool)
    for scar in scars:
        bare[scar.window] |= scar.weight > 0
    windows = {tile: canvas.window(tile) for tile in canvas.tiles if tile in stage.past}
    return near(bare, windows, stage.tools.card.crop_px)


def _painted_source(stage: Stage, painted: Mapping[Tile, Array], changed: frozenset[Tile]) -> PaintedSource:
    return PaintedSource(source=stage.tools.images, painted=painted, changed=changed, dark=stage.dark)


def _implant(scar: Scar, scene: Scene, changes: Changes, pair: Array | None) -> Implant:
    """The scar on the part of the canvas that can matter for it."""
    rows, columns = np.nonzero(scar.weight > 0)
    top, left = scar.window[0].start, scar.window[1].start
    height, width = scene.canvas.shape
    box = (
        slice(max(0, top + int(rows.min()) - _MARGIN_PX), min(height, top + int(rows.max()) + 1 + _MARGIN_PX)),
        slice(max(0, left + int(columns.min()) - _MARGIN_PX), min(width, left + int(columns.max()) + 1 + _MARGIN_PX)),
    )
    whole = np.zeros(scene.canvas.shape, dtype=np.float32)
    whole[scar.window] = scar.weight
    ground = _cut(scene, changes, pair, box)
    bare = whole[box].copy()
    return Implant(
        area_ha=scar.area_ha,
        bare=bare,
        hidden=float(bare[~np.isfinite(ground.network)].sum() / bare.sum()),
        ground=ground,
    )


def _cut(scene: Scene, changes: Changes, pair: Array | None, box: tuple[slice, slice]) -> Ground:
    return Ground(
        network=changes.layers[Detector.NETWORK].change[box].copy(),
        baseline=changes.layers[Detector.BASELINE].change[box].copy(),
        slope_deg=scene.slope_deg[box].copy(),
        elevation_m=scene.elevation_m[box].copy(),
        pair=pair[box].copy() if pair is not None else None,
    )


def _quiet(stage: Stage, pixel_km2: float) -> Quiet:
    """The quiet ground with a rim; change outside it is taken out, so that no cluster reaches in from there."""
    (box,) = ndimage.find_objects(ndimage.binary_dilation(stage.where, iterations=_MARGIN_PX).astype(np.int8))
    pair = _pair_layer(stage, stage.changes, {})
    ground, where = _cut(stage.scene, stage.changes, pair, box), stage.where[box].copy()
    for change in (ground.network, ground.baseline, ground.pair):
        if change is not None:
            change[~where] = np.nan
    return Quiet(
        ground=ground,
        where=where,
        area_km2=float(stage.where.sum()) * pixel_km2,
    )


def _canvas_pixels(pair: Pair, pixels: Mapping[Tile, Array]) -> Array:
    """(3, H, W) red, green, blue."""
    canvas = pair.canvas
    nothing = np.float32(np.nan)
    return np.stack([canvas.lay({tile: pixels[tile][band] for tile in canvas.tiles}, nothing) for band in range(3)])
