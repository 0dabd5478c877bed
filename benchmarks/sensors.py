"""Which sensor counts on real ground: two and a half years of clouds in Slovenia, and fields in Belgium."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.catalog.items import radar_kind, scene_item
from monitor.core.change import AlertSettings
from monitor.core.flat import RIM_M, flat_limit_deg, is_flat
from monitor.core.grid import TILE_PX
from monitor.core.masks import cloudy, from_clouds_and_snow
from monitor.core.sensors import EarlierChoices, SensorSettings, choose, clear_fraction, memory_days
from monitor.core.terrain import terrain_of
from monitor.evidence import find
from monitor.records import Acquisition, Choice, Look, PixelState, Rejected, Sensor, SensorPolicy, Terrain, Tile
from monitor.scene import compare, references, scenes

Array = NDArray[np.float32]

SLOVENIA, BELGIUM = "slovenia_s2_series", "belgium_s1s2dem_monthly"
SLOVENIAN_TILE = Tile(epsg=32633, column=181, row=1984)
BELGIAN_TILE = Tile(epsg=32631, column=259, row=2191)
_PIXEL_M = 10.0
_HALO_PX = 16
_EPOCH = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """How much of one place optics saw at one time."""

    time: datetime
    clear: float
    """0-1 (`core.sensors.clear_fraction`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The Belgian square kilometre, month by month."""

    times: tuple[datetime, ...]
    colour: Array
    """(T, 3, 100, 100) red, green, blue surface reflectance; NaN = no data."""
    elevation_m: Array
    """(100, 100) whole metres."""
    slope_deg: Array
    """(100, 100) as the data set gives it, whole degrees."""


def run(data: Path) -> str:
    """Both places as Markdown."""
    return f"{slovenian_table(data)}\n\n{belgian_table(data)}"


def slovenian_skies(data: Path) -> list[Sky]:
    """The 68 dates, their clouds masked as the service masks those of Level-1C: from the probability of s2cloudless."""
    folder = data / SLOVENIA / "TestEOPatch"
    times = [datetime.fromisoformat(text) for text in json.loads((folder / "timestamps.json").read_text("utf-8"))]
    probability = np.load(folder / "data" / "CLP_S2C.npy")[..., 0]
    there = np.load(folder / "mask" / "IS_DATA.npy")[..., 0].astype(bool)
    everywhere = np.ones(there.shape[1:], dtype=bool)
    none = ~everywhere
    states = (
        from_clouds_and_snow(cloudy(np.where(known, one, np.nan).astype(np.float32), _PIXEL_M), none, known)
        for one, known in zip(probability, there, strict=True)
    )
    return [
        Sky(time=time.replace(tzinfo=UTC), clear=clear_fraction(state, everywhere))
        for time, state in zip(times, states, strict=True)
    ]


def choices_over(skies: Sequence[Sky], settings: SensorSettings) -> list[Choice]:
    """The evidence of record at every look, each with what was chosen before it, as the pipeline asks for it."""
    chosen: list[Choice] = []
    for sky in skies:
        since = sky.time - timedelta(days=memory_days(settings))
        earlier = {one.tile: one for one in chosen if one.sensing_time >= since}
        (one,) = choose(
            _acquisition(sky.time),
            {SLOVENIAN_TILE: sky.clear},
            SensorPolicy.OPTICAL_WHEN_CLEAR,
            EarlierChoices(optical=earlier),
            settings,
        )
        chosen.append(one)
    return chosen


def changes_of(choices: Sequence[Choice]) -> int:
    """How often the evidence of record is another than at the look before."""
    return sum(one.record is not other.record for one, other in pairwise(choices))


def without_hysteresis(settings: SensorSettings) -> SensorSettings:
    """A tile keeps its sensor no longer than it would win it."""
    return replace(settings, keep_share=settings.clear_share)


def slovenian_table(data: Path) -> str:
    """Every date with its choice, and what hysteresis does."""
    settings, skies = SensorSettings(), slovenian_skies(data)
    kept, plain = choices_over(skies, settings), choices_over(skies, without_hysteresis(settings))
    lines = ["| date | clear | of record | reason | without hysteresis |", "| --- | --- | --- | --- | --- |"]
    for one, other in zip(kept, plain, strict=True):
        same = "" if one.record is other.record else f"{_named(other)} ({other.reason.value})"
        cells = (f"{one.sensing_time:%Y-%m-%d %H:%M}", f"{one.clear_fraction:.0%}", _named(one), one.reason.value, same)
        lines.append(f"| {' | '.join(cells)} |")
    counted = Counter(one.reason.value for one in kept)
    between = sum(settings.keep_share <= one.clear_fraction < settings.clear_share for one in kept)
    whole = sum(sky.clear in (0.0, 1.0) for sky in skies)
    lines += [
        "",
        f"- {len(kept)} looks: " + ", ".join(f"{reason} {count}" for reason, count in sorted(counted.items())),
        f"- {whole} looks see all or nothing of the square kilometre; {between} lie "
        f"between {settings.keep_share:.0%} and {settings.clear_share:.0%}, where hysteresis can act",
        f"- The evidence of record changes {changes_of(kept)} times with hysteresis, {changes_of(plain)} times without",
    ]
    return "\n".join(lines)


def belgian_fields(data: Path) -> Fields:
    """The monthly composites that have optical pixels, and the ground."""
    with h5py.File(data / BELGIUM / "worldcereal_preprocessed_inputs.nc") as file:
        digital = np.stack([file[f"S2-L2A-{band}"][()] for band in ("B04", "B03", "B02")], axis=1)
        days = file["t"][()]
        elevation, slope = file["elevation"][0], file["slope"][0]
    colour = np.where(digital < 0, np.nan, digital * 1e-4).astype(np.float32)
    seen = [index for index in range(len(days)) if np.isfinite(colour[index]).any()]
    return Fields(
        times=tuple(_EPOCH + timedelta(days=int(days[index])) for index in seen),
        colour=colour[seen],
        elevation_m=elevation.astype(np.float32),
        slope_deg=slope.astype(np.float32),
    )


def clusters_by_month(fields: Fields, settings: AlertSettings) -> dict[datetime, int]:
    """Clusters of change that could open an alert, by composite that has earlier ones to be compared with.

    The square lies in the corner of a tile; its slopes are those of its whole metres, steeper than the ground's.
    """
    looks = [_look(time, colour) for time, colour in zip(fields.times, fields.colour, strict=True)]
    ground = {BELGIAN_TILE: _ground(fields.elevation_m)}
    found = {}
    for index in range(1, len(looks)):
        earlier = references({BELGIAN_TILE: looks[:index][::-1]}, settings)
        (scene,) = scenes({BELGIAN_TILE: looks[index]}, ground, settings)
        found[looks[index].sensing_time] = len(find(scene, compare(scene, earlier, settings), [], settings))
    return found


def composite_item(time: datetime, **properties: object) -> dict[str, object]:
    """A monthly composite of backscatter as somebody might list it in a catalog of their own."""
    outline = [[[5.326, 50.633], [5.340, 50.633], [5.340, 50.642], [5.326, 50.642], [5.326, 50.633]]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"S1-SIGMA0-{time:%Y-%m}",
        "collection": "sentinel-1-sigma0-monthly",
        "geometry": {"type": "Polygon", "coordinates": outline},
        "properties": {"datetime": time.isoformat(), "constellation": "sentinel-1", **properties},
        "links": [],
        "assets": {name: {"href": f"./{name}.tif"} for name in ("vv", "vh")},
    }


def refused_as(**properties: object) -> Rejected:
    """What the service says of such a composite as radar evidence.

    Raises:
        ValueError: it takes it.
    """
    item = composite_item(datetime(2020, 11, 1, tzinfo=UTC), **properties)
    found = scene_item(item, catalog="own", collection="", href="https://example.org/i.json", kind=radar_kind(()))
    if not isinstance(found, Rejected):
        raise ValueError(f"{found.id} was taken as radar evidence")
    return found


def belgian_table(data: Path) -> str:
    """What the service makes of the fields, and why it takes nothing from their radar."""
    fields, settings = belgian_fields(data), AlertSettings()
    ground = _ground(fields.elevation_m)
    limit = flat_limit_deg(settings.seed_slope_deg)
    months = clusters_by_month(fields, settings)
    flat = is_flat(BELGIAN_TILE, lambda _tile: ground, limit)
    lines = ["| Belgian fields, 1 km² | |", "| --- | --- |"]
    rows: Mapping[str, str] = {
        "slope as the data set gives it, median and highest": _slopes(fields.slope_deg),
        "slope of its whole metres of elevation": _slopes(ground.slope_deg),
        f"left out as flat (below {limit:.0f}° everywhere, and for {RIM_M:.0f} m around)": "yes" if flat else "no",
        "optical composites, and of them compared": f"{len(fields.times)}, {len(months)}",
        "clusters that could open an alert": str(sum(months.values())),
    }
    lines += [f"| {what} | {value} |" for what, value in rows.items()]
    for said in ({}, {"sar:product_type": "RTC"}):
        refused = refused_as(**said)
        name = "S1 composite" + (", called RTC" if said else "")
        lines.append(f"| {name} | {refused.reason}: {refused.detail} |")
    return "\n".join(lines)


def _acquisition(time: datetime) -> Acquisition:
    return Acquisition(
        region="slovenia",
        key=f"sentinel-2-{time:%Y%m%dT%H%M%S}-R---",
        version="1",
        sensing_time=time,
        sensor=Sensor.OPTICAL,
        platform="sentinel-2",
        relative_orbit=None,
        items=(),
    )


def _named(choice: Choice) -> str:
    return choice.record.value if choice.record else "none"


def _slopes(slope_deg: Array) -> str:
    return f"{np.nanmedian(slope_deg):.1f}°, {np.nanmax(slope_deg):.1f}°"


def _ground(elevation_m: Array) -> Terrain:
    side = TILE_PX + 2 * _HALO_PX
    whole = np.full((side, side), np.nan, dtype=np.float32)
    height, width = elevation_m.shape
    whole[_HALO_PX : _HALO_PX + height, _HALO_PX : _HALO_PX + width] = elevation_m
    ground = terrain_of(whole, _HALO_PX)
    if ground is None:
        raise ValueError("there is no elevation")
    return ground


def _look(time: datetime, colour: Array) -> Look:
    pixels = np.full((3, TILE_PX, TILE_PX), np.nan, dtype=np.float32)
    pixels[:, : colour.shape[1], : colour.shape[2]] = colour
    seen = np.isfinite(pixels).all(axis=0)
    nothing = np.where(seen, np.float32(0.0), np.float32(np.nan))
    return Look(
        tile=BELGIAN_TILE,
        acquisition_id=f"composite-{time:%Y%m}",
        sensing_time=time,
        probability=nothing,
        spread=nothing,
        pixels=pixels,
        state=np.where(seen, PixelState.VALID, PixelState.NODATA).astype(np.uint8),
    )
