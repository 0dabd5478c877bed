"""All looks of one acquisition side by side, and how they changed against what was known before.

What is compared depends on the sensor: the network's answers and the colours of optical looks, the backscatter of
radar looks. Every step after this one sees change layers only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.canvas import Canvas, canvases
from monitor.core.change import AlertSettings, ChangeLayer, Colours, bare_ground_change, network_change
from monitor.core.clusters import grow
from monitor.core.grid import PIXEL_HA, RESOLUTION_M
from monitor.core.melting_snow import RIM_HIDDEN, RIM_JOINED, SnowLine, find_snow_line
from monitor.core.radar import (
    LEAST_PASSES,
    BackscatterReference,
    build_backscatter_reference,
    coherent_change,
    compare_backscatter,
    least_area_ha,
)
from monitor.core.reference import Reference, build_reference, sort_looks, valid
from monitor.core.water import off_the_banks
from monitor.records import Detector, Look, PixelState, Sensor, Terrain, Tile

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Before = Reference | BackscatterReference
"""What is known of a tile from earlier looks of one comparability class."""
NAN = np.float32(np.nan)
_UNSEEN = np.uint8(PixelState.NODATA)
_COLOURS = (0, 1, 2)
"""Red, green and blue: what an optical look keeps."""
_WIDE_HA = 3.0
"""So much change in a pass may be the start of all slopes above one height; less is a landslide, or speckle."""
_ALIKE_DB = 1.5
"""So much, and no less, makes a landslide or melting snow of slopes above one height: half of what snow takes from open
ground (3 dB, Nagler and Rott 2000), since trees stand in it and look out of it. Less is weather."""
_FIT_HA = 25.0
"""Slopes that tell what the scene did, at least (`core.radar_fit`): on less, all count, whatever changed there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All looks of one acquisition on one canvas, with the ground below them. Arrays are (H, W) unless stated."""

    canvas: Canvas
    sensor: Sensor
    polarisations: tuple[str, ...]
    """Radar: what `measured` holds."""
    native_m: float
    """Side of the source's own pixels."""
    probability: Array
    """The network's answer; one of a network of pairs is a change already (`of_pairs`)."""
    measured: Array
    """(3, H, W) red, green and blue reflectance, or (P, H, W) gamma0 in linear power; NaN = no observation."""
    spread: Array
    slope_deg: Array
    """0 on the banks of open water (`core.water`), which are no slopes that slide."""
    elevation_m: Array
    slopes: Mask
    """Where scene-wide shifts are measured: observed slopes ..."""
    state: NDArray[np.uint8]
    """PixelState; NODATA where there is no look."""
    of_pairs: bool = False
    excluded: Mask | None = None
    """... of a pass of radar without these, as far as enough are left: ground above one height that changed alike."""
    alike: Mask | None = None
    """Such ground as far as it did in this very pass."""

    def part(self, tiles: Iterable[Tile]) -> "Scene":
        """The scene around some tiles (`Canvas.part`); the arrays are views."""
        canvas = self.canvas.part(tiles)
        place = (..., *self.canvas.place(canvas))
        return replace(
            self,
            canvas=canvas,
            probability=self.probability[place],
            measured=self.measured[place],
            spread=self.spread[place],
            slope_deg=self.slope_deg[place],
            elevation_m=self.elevation_m[place],
            slopes=self.slopes[place],
            state=self.state[place],
            excluded=None if self.excluded is None else self.excluded[place],
            alike=None if self.alike is None else self.alike[place],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Change by every detector of the scene's sensor on one canvas, and where it is coherent."""

    layers: Mapping[Detector, ChangeLayer]
    masks: Mapping[Detector, Mask]
    alike: SnowLine | None = None
    """Radar: ground above one height that changed alike. What the scene did is measured below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """What the looks of an acquisition hold."""

    sensor: Sensor = Sensor.OPTICAL
    polarisations: tuple[str, ...] = ()
    native_m: float = RESOLUTION_M
    of_pairs: bool = False
    """Whether the looks' probability is of themselves and earlier ones."""


def scenes(
    looks: Mapping[Tile, Look],
    terrain: Mapping[Tile, Terrain],
    settings: AlertSettings,
    measuring: Measuring | None = None,
) -> list[Scene]:
    """Lay the looks of an acquisition side by side, one scene per UTM zone."""
    return [_scene(canvas, looks, terrain, settings, measuring or Measuring()) for canvas in canvases(looks)]


def _scene(
    canvas: Canvas,
    looks: Mapping[Tile, Look],
    terrain: Mapping[Tile, Terrain],
    settings: AlertSettings,
    measuring: Measuring,
) -> Scene:
    observed = {tile: valid(looks[tile]) for tile in canvas.tiles}
    slope = canvas.lay({tile: terrain[tile].slope_deg for tile in canvas.tiles if tile in terrain}, NAN)
    state = canvas.lay({tile: looks[tile].state for tile in canvas.tiles}, _UNSEEN)
    seen = {tile: np.where(mask, looks[tile].pixels, NAN) for tile, mask in observed.items()}
    return Scene(
        canvas=canvas,
        sensor=measuring.sensor,
        polarisations=measuring.polarisations,
        native_m=measuring.native_m,
        probability=canvas.lay(
            {tile: np.where(mask, looks[tile].probability, NAN) for tile, mask in observed.items()}, NAN
        ),
        measured=_lay_bands(canvas, seen, _kept(measuring)),
        spread=canvas.lay({tile: looks[tile].spread for tile in canvas.tiles}, NAN),
        slope_deg=off_the_banks(slope, state),
        elevation_m=canvas.lay({tile: terrain[tile].elevation_m for tile in canvas.tiles if tile in terrain}, NAN),
        slopes=np.nan_to_num(slope, nan=0.0) >= settings.seed_slope_deg / 2,
        state=state,
        of_pairs=measuring.of_pairs,
    )


def _kept(measuring: Measuring) -> tuple[int, ...]:
    """Which bands of a look are compared."""
    return _COLOURS if measuring.sensor is Sensor.OPTICAL else tuple(range(len(measuring.polarisations)))


def _lay_bands(canvas: Canvas, bands: Mapping[Tile, Array], kept: Sequence[int]) -> Array:
    return np.stack([canvas.lay({tile: pixels[band] for tile, pixels in bands.items()}, NAN) for band in kept])


def depth_of(sensor: Sensor, settings: AlertSettings) -> int:
    """How many valid looks at every pixel make up a reference."""
    return settings.looks if sensor is Sensor.OPTICAL else settings.radar_looks


def reach_of(sensor: Sensor, settings: AlertSettings) -> int:
    """How many looks of a tile are searched for them."""
    return settings.reach if sensor is Sensor.OPTICAL else settings.radar_looks + settings.reach


def before_of(looks: Sequence[Look], settings: AlertSettings) -> Before | None:
    """What earlier looks of one tile and one comparability class say together; None when there are too few."""
    if not looks:
        return None
    if looks[0].sensor is Sensor.OPTICAL:
        return build_reference(looks, settings.looks)
    power = np.stack([np.where(valid(look), look.pixels, NAN) for look in looks])
    times = np.array([look.sensing_time.timestamp() for look in looks])
    reference = build_backscatter_reference(power, times, settings.radar_looks)
    if reference is None or not (reference.count >= LEAST_PASSES).any():
        return None
    return replace(reference, probability=_median_answer(looks, settings.radar_looks))


def _median_answer(looks: Sequence[Look], depth: int) -> Array | None:
    """(256, 256) median of what a network said in its last looks; None where none looked."""
    newest = sorted(looks, key=lambda look: look.sensing_time, reverse=True)[:depth]
    said = np.stack([np.where(valid(look), look.probability, NAN) for look in newest])
    count = np.isfinite(said).sum(axis=0)
    if not count.any():
        return None
    middle = np.take_along_axis(sort_looks(said), np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    return np.asarray(middle, dtype=np.float32)


def references(looks: Mapping[Tile, Sequence[Look]], settings: AlertSettings) -> dict[Tile, Before]:
    """What was known of every tile that has earlier looks."""
    built = {tile: before_of(earlier, settings) for tile, earlier in looks.items()}
    return {tile: reference for tile, reference in built.items() if reference is not None}


def compare(scene: Scene, past: Mapping[Tile, Before], settings: AlertSettings) -> Changes:
    """Change of the scene against what was known before, by every detector of its sensor, and where it is coherent.

    Where radar shows much and the slopes above one height changed alike, they are no part of what the scene did,
    however large.
    """
    changes = _compare(scene, past, settings)
    changed = changes.masks.get(Detector.RADAR)
    if changed is None or PIXEL_HA * int(changed.sum()) < _WIDE_HA:
        return changes
    line = snow_line_in(scene, past, RIM_JOINED)
    if line is None or line.decibels < _ALIKE_DB:
        return changes
    return replace(_compare(below(scene, line), past, settings), alike=line)


def below(scene: Scene, line: SnowLine) -> Scene:
    """A pass of radar, with what it did as a whole measured below a line above which it changed alike."""
    return replace(beside(scene, line.above), alike=line.above)


def beside(scene: Scene, ground: Mask) -> Scene:
    """A pass of radar, with what it did as a whole measured beside some ground (H, W)."""
    return replace(scene, excluded=ground if scene.excluded is None else scene.excluded | ground)


def _compare(scene: Scene, past: Mapping[Tile, Before], settings: AlertSettings) -> Changes:
    layers = change_layers(scene, past)
    return Changes(layers=layers, masks={one: _coherent(one, layers[one], scene, settings) for one in layers})


def change_layers(scene: Scene, past: Mapping[Tile, Before]) -> dict[Detector, ChangeLayer]:
    """Change of the scene against what was known before, by every detector of its sensor."""
    if scene.sensor is Sensor.SAR:
        return _compare_radar(scene, {tile: one for tile, one in past.items() if isinstance(one, BackscatterReference)})
    return _compare_optics(scene, {tile: one for tile, one in past.items() if isinstance(one, Reference)})


def _coherent(detector: Detector, layer: ChangeLayer, scene: Scene, settings: AlertSettings) -> Mask:
    """Where a detector's change is strong and connected enough to start a cluster."""
    if detector is Detector.RADAR:
        return coherent_change(layer.change, scene.slope_deg, settings, scene.native_m)
    high, low, change = settings.high, settings.low, layer.change
    if detector is Detector.BASELINE:
        high = max(settings.baseline_high, settings.noise_factor * layer.noise)
        low = max(settings.baseline_low, 0.6 * settings.noise_factor * layer.noise)
    if layer.real is not None:
        # What has not brightened in fact may belong to a cluster, and starts none.
        start = layer.real >= settings.baseline_real
        change = np.where(start, change, np.minimum(change, np.float32(0.999 * high)))
    return grow(change, scene.slope_deg, high, low, settings.seed_slope_deg)


def _compare_optics(scene: Scene, past: Mapping[Tile, Reference]) -> dict[Detector, ChangeLayer]:
    canvas = scene.canvas
    known = [tile for tile in canvas.tiles if tile in past]
    before = _lay_bands(canvas, {tile: past[tile].pixels for tile in known}, _COLOURS)
    network = _network(scene, {tile: past[tile].probability for tile in known})
    baseline = bare_ground_change(
        Colours(*scene.measured),
        Colours(*before),
        canvas.lay({tile: past[tile].middle_s for tile in known}, np.float64(np.nan)),
        scene.elevation_m,
        scene.slopes,
        RESOLUTION_M,
    )
    return {Detector.NETWORK: network, Detector.BASELINE: baseline}


def _network(scene: Scene, before: Mapping[Tile, Array]) -> ChangeLayer:
    """Change by the network: what its answer rose by, or the answer itself where it is of earlier looks as well."""
    if scene.of_pairs:
        return ChangeLayer(change=scene.probability, shift=0.0, noise=0.0)
    return network_change(scene.probability, scene.canvas.lay(before, NAN), scene.slopes)


def _compare_radar(scene: Scene, past: Mapping[Tile, BackscatterReference]) -> dict[Detector, ChangeLayer]:
    before = _backscatter_before(scene, past)
    slopes = scene.slopes
    if scene.excluded is not None:
        left = slopes & ~scene.excluded
        slopes = left if PIXEL_HA * int((left & (before.count > 0)).sum()) >= _FIT_HA else slopes
    layer = compare_backscatter(scene.measured, before, slopes, scene.native_m, scene.polarisations).layer
    layers = {Detector.RADAR: layer}
    said = {tile: past[tile].probability for tile in scene.canvas.tiles if tile in past}
    answers = {tile: answer for tile, answer in said.items() if answer is not None}
    if scene.of_pairs or (answers and np.isfinite(scene.probability).any()):
        layers[Detector.NETWORK] = _network(scene, answers)
    return layers


def snow_line_in(scene: Scene, past: Mapping[Tile, Before], rim_share: float = RIM_HIDDEN) -> SnowLine | None:
    """Where a pass of radar, or its reference, shows melting snow (`core.melting_snow`); None where neither does.

    Slopes that all failed above one height look the same.
    """
    known = {tile: one for tile, one in past.items() if isinstance(one, BackscatterReference)}
    before = _backscatter_before(scene, known)
    return find_snow_line(
        scene.measured,
        before,
        scene.slopes,
        scene.native_m,
        scene.elevation_m,
        scene.state == PixelState.SNOW,
        rim_share,
    )


def _backscatter_before(scene: Scene, past: Mapping[Tile, BackscatterReference]) -> BackscatterReference:
    """The references of a radar scene's tiles side by side."""
    canvas, bands = scene.canvas, range(len(scene.polarisations))
    known = [tile for tile in canvas.tiles if tile in past]
    return BackscatterReference(
        mean=_lay_bands(canvas, {tile: past[tile].mean for tile in known}, bands),
        spread_db=_lay_bands(canvas, {tile: past[tile].spread_db for tile in known}, bands),
        count=canvas.lay({tile: past[tile].count for tile in known}, np.uint8(0)),
        last_seen_s=canvas.lay({tile: past[tile].last_seen_s for tile in known}, np.float64(np.nan)),
    )


def scene_settings(scene: Scene, settings: AlertSettings) -> AlertSettings:
    """The thresholds for what a scene resolves: coarse pixels cannot show a small landslide."""
    if scene.sensor is Sensor.OPTICAL:
        return settings
    return replace(settings, min_area_ha=max(settings.min_area_ha, least_area_ha(scene.native_m)))


def threshold_of(detector: Detector, settings: AlertSettings) -> float:
    """The change from which a detector starts a cluster."""
    return {
        Detector.NETWORK: settings.high,
        Detector.BASELINE: settings.baseline_high,
        Detector.RADAR: settings.radar_high,
    }[detector]
