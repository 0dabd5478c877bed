"""How alerts are scored against the ground."""

from datetime import UTC, datetime
from typing import cast

import numpy as np
import pytest
from shapely import box

from benchmarks.hokkaido import Ground, brightness, good_alert, score, whitish
from benchmarks.iburi import card_of_one_look
from monitor.core.canvas import Canvas, canvases
from monitor.core.grid import project
from monitor.errors import BadModel
from monitor.records import AlertStatus, Detector, Event, EventState, Tile
from monitor.shipped import shipped_folder

TILE = Tile(epsg=32654, column=150, row=1842)


def _event(rows: tuple[int, int], columns: tuple[int, int], area_ha: float = 1.0) -> Event:
    (canvas,) = canvases([TILE])
    west, north = canvas.transform.c, canvas.transform.f
    outline = box(west + 10 * columns[0], north - 10 * rows[1], west + 10 * columns[1], north - 10 * rows[0])
    when = datetime(2018, 10, 22, tzinfo=UTC)
    return Event(
        id=f"{rows}{columns}",
        region="atsuma",
        state=EventState.PROVISIONAL,
        status=AlertStatus.ACTUAL,
        detector=Detector.BASELINE,
        geometry=project(outline, canvas.epsg, 4326),
        area_ha=area_ha,
        mean_change=0.7,
        strength=0.7 * area_ha,
        spread=0.0,
        slope_deg=20.0,
        confidence="low",
        confidence_reason="designed",
        window_start=when,
        window_end=when,
        model_version="m",
        tiles=(TILE,),
    )


def _part(canvas: Canvas, rows: slice, columns: slice) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    mask = np.zeros(canvas.shape, bool)
    mask[rows, columns] = True
    return mask


def test_shares_are_of_the_ground_and_of_the_alerts() -> None:
    """An outline over half the cleared ground and a quarter on cloud gives exactly these shares."""
    (canvas,) = canvases([TILE])
    nothing = np.zeros(canvas.shape, bool)
    ground = Ground(
        canvas=canvas,
        cleared=_part(canvas, slice(0, 100), slice(0, 40)),
        cream=_part(canvas, slice(0, 100), slice(0, 20)),
        compared=_part(canvas, slice(0, 100), slice(0, 256)),
        cloud=_part(canvas, slice(0, 100), slice(15, 20)),
        snow=nothing,
        plain=nothing,
        unseen=_part(canvas, slice(0, 50), slice(15, 20)),
    )
    result = score("designed", [_event((0, 100), (0, 20))], ground)
    assert (result.alerts, result.area_ha) == (1, 20.0)
    assert result.cleared == 0.5
    assert result.cream == 1.0
    assert result.wrong["cloud"] == 0.25
    assert result.wrong["no earlier look"] == 0.125
    assert result.wrong["any"] == 0.25, "pixels that are wrong twice count once"


def test_whitish_is_cloud_and_not_soil() -> None:
    """Equal in all bands is whitish; cream soil and dark forest are not."""
    colours = np.array([[[0.3, 0.16, 0.03]], [[0.3, 0.11, 0.04]], [[0.3, 0.08, 0.02]]], np.float32)
    assert whitish(colours, (0.02, 0.02, 0.02)).tolist() == [[True, False, False]]


def test_brightness_leaves_red_out() -> None:
    """Any red gives the same brightness: the second definition does not repeat the baseline."""
    generator = np.random.default_rng(0)
    colours = generator.random((3, 8, 8)).astype(np.float32)
    other = colours.copy()
    other[0] += 1.0
    slopes = np.ones((8, 8), bool)
    np.testing.assert_array_equal(brightness(colours, (0, 0, 0), slopes), brightness(other, (0, 0, 0), slopes))


def test_a_good_alert_is_neither_a_speck_nor_half_a_county() -> None:
    """Of 0.2, 5 and 140 ha the middle one is shown; without any, none is."""
    events = [_event((0, 5), (0, 4), 0.2), _event((0, 100), (0, 5), 5.0), _event((0, 200), (0, 70), 140.0)]
    assert cast(Event, good_alert(events)).area_ha == 5.0
    assert good_alert(events[:1]) is None


def test_a_model_of_pairs_is_not_measured_look_by_look() -> None:
    """It would answer nothing, and the table would be all zeros."""
    with pytest.raises(BadModel, match="change"):
        card_of_one_look(shipped_folder("models") / "change-rgb")
    assert card_of_one_look(shipped_folder("models") / "scar-rgb").task == "scar"
