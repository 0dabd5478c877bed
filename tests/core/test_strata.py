"""What kind of ground, and when."""

from datetime import UTC, datetime

import numpy as np
import pytest

from monitor.core.strata import lights, season, slope_class, strata
from monitor.records import Sensor

NOON = datetime(2025, 12, 21, 11, tzinfo=UTC)


def _slope(towards: str) -> np.ndarray:
    """(40, 40) m of ground that falls by 30° to the north or south."""
    fall = np.tan(np.radians(30.0)) * 10.0 * np.arange(40, dtype=np.float32)
    rows = -fall if towards == "south" else fall
    return np.repeat(rows[:, None], 40, axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("month", "latitude_deg", "expected"),
    [(1, 46, "winter"), (1, -41, "summer"), (4, 46, "spring"), (12, 46, "winter")],
)
def test_seasons_are_opposite_in_the_south(month: int, latitude_deg: float, expected: str) -> None:
    """By months, as meteorologists have them."""
    assert season(datetime(2025, month, 15, tzinfo=UTC), latitude_deg) == expected


@pytest.mark.parametrize(
    ("slope_deg", "expected"),
    [(3, "gentle"), (20, "moderate"), (39.9, "steep"), (60, "very steep"), (float("nan"), "gentle")],
)
def test_slopes(slope_deg: float, expected: str) -> None:
    """An unknown slope is gentle."""
    assert slope_class(slope_deg) == expected


def test_the_winter_sun_grazes_a_northern_slope() -> None:
    """A southern one has more light than level ground."""
    north, south = (lights(_slope(side), (NOON, NOON), 15.0, 46.0) for side in ("north", "south"))
    assert north is not None
    assert south is not None
    assert north[20, 20] < 0.05
    assert south[20, 20] > 1.5
    assert strata(Sensor.OPTICAL, 30.0, NOON, 46.0, float(north[20, 20]))[-1] == "grazing light"
    assert strata(Sensor.OPTICAL, 30.0, NOON, 46.0, float(south[20, 20]))[-1] == "full light"


def test_the_darker_date_counts() -> None:
    """Ground that was lit before and is not now did not change."""
    summer = datetime(2025, 6, 21, 11, tzinfo=UTC)
    both, alone = (lights(_slope("north"), times, 15.0, 46.0) for times in ((summer, NOON), (summer, summer)))
    assert both is not None
    assert alone is not None
    assert both[20, 20] < 0.05 < 0.5 < alone[20, 20]


def test_a_time_at_which_no_satellite_passes_tells_no_light() -> None:
    """Nominal dates stand at midnight; radar needs no sun."""
    assert lights(_slope("north"), (NOON, datetime(2025, 6, 21, tzinfo=UTC)), 15.0, 46.0) is None
    assert strata(Sensor.OPTICAL, 30.0, NOON, 46.0, None) == ("steep", "winter")
    assert strata(Sensor.SAR, 30.0, NOON, 46.0, 0.1) == ("steep", "winter")
