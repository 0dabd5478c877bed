"""False alerts of a simulated year as pictures: the ground at the look before, and at the one that opened the event."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from shapely.geometry.base import BaseGeometry

from benchmarks.years_judging import opened
from benchmarks.years_records import EventRecord
from monitor.adapters.looks import LookFiles
from monitor.adapters.store import SqlStore
from monitor.core.canvas import Canvas
from monitor.core.grid import project
from monitor.records import Event, Look, Observation, Sensor

_HALF_PX = 40
_ZOOM = 5
_MOST = 14
_BRIGHTEST = 0.16
_DB = ((-18.0, 14.0), (-25.0, 14.0))
"""Darkest value and range of VV and VH."""


def draw_false(
    store: SqlStore,
    archive: LookFiles,
    events: Sequence[Event],
    records: Sequence[EventRecord],
    canvas: Canvas,
    path: Path,
) -> None:
    """One row for each of the largest false alerts: before, then, with its outline. Nothing where there are none."""
    false = {one.id: one for one in records if not one.true and one.alerted}
    largest = sorted((one for one in events if one.id in false), key=lambda one: -one.area_ha)[:_MOST]
    rows = [row for one in largest if (row := _row(store, archive, one, false[one.id], canvas)) is not None]
    if rows:
        Image.fromarray(np.concatenate(rows)).save(path)


def _row(
    store: SqlStore, archive: LookFiles, event: Event, record: EventRecord, canvas: Canvas
) -> NDArray[np.uint8] | None:
    ground = project(event.geometry, 4326, canvas.epsg)
    at = opened(event)
    rows = {
        tile: [one for one in store.history(tile, limit=10_000) if one.look_href and one.comparable == event.comparable]
        for tile in canvas.tiles
    }
    times = sorted({one.sensing_time for tile in event.tiles for one in rows[tile] if one.sensing_time <= at})[-2:]
    if len(times) < 2:
        return None
    panels = []
    for time in times:
        looks = [archive.read(_href(one)) for found in rows.values() for one in found if one.sensing_time == time]
        panels.append(_panel(looks, ground, canvas, f"{time:%Y-%m-%d} {record.cause} {record.area_ha:.1f} ha"))
    return np.concatenate(panels, axis=1)


def _href(row: Observation) -> str:
    assert row.look_href is not None
    return row.look_href


def _panel(looks: Sequence[Look], ground: BaseGeometry, canvas: Canvas, title: str) -> NDArray[np.uint8]:
    image = np.zeros((*canvas.shape, 3), np.uint8)
    for look in looks:
        image[canvas.window(look.tile)] = _colours(look)
    point = ground.representative_point()
    column = int((point.x - canvas.transform.c) / canvas.transform.a)
    row = int((point.y - canvas.transform.f) / canvas.transform.e)
    padded = np.pad(image, ((_HALF_PX, _HALF_PX), (_HALF_PX, _HALF_PX), (0, 0)))
    cut = Image.fromarray(padded[row : row + 2 * _HALF_PX, column : column + 2 * _HALF_PX])
    shown = cut.resize((2 * _HALF_PX * _ZOOM,) * 2, Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(shown)
    for part in getattr(ground, "geoms", [ground]):
        x, y = np.asarray(part.exterior.coords).T
        x = (x - canvas.transform.c) / canvas.transform.a - column + _HALF_PX
        y = (y - canvas.transform.f) / canvas.transform.e - row + _HALF_PX
        draw.line([(_ZOOM * a, _ZOOM * b) for a, b in zip(x.tolist(), y.tolist(), strict=True)], fill=(255, 60, 60))
    draw.text((4, 4), title, fill=(255, 255, 0))
    return np.asarray(shown)


def _colours(look: Look) -> NDArray[np.uint8]:
    if look.sensor is Sensor.OPTICAL:
        layers = [np.clip(band / _BRIGHTEST, 0.0, 1.0) ** 0.6 for band in np.nan_to_num(look.pixels[:3])]
    else:
        decibels = 10.0 * np.log10(np.maximum(np.nan_to_num(look.pixels[:2]), 1e-5))
        vv, vh = (np.clip((band - low) / wide, 0.0, 1.0) for band, (low, wide) in zip(decibels, _DB, strict=True))
        layers = [vv, vh, vv]
    return np.asarray(255.0 * np.stack(layers, axis=-1), dtype=np.uint8)
