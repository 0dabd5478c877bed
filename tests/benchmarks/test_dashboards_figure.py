"""Axes of the drawn dashboards: numbers that can be told apart, and none that nobody measured."""

from datetime import UTC, datetime, timedelta

import pytest
from matplotlib import pyplot as plt

from benchmarks.dashboards_asked import Asked, Json
from benchmarks.dashboards_figure import _dress
from benchmarks.dashboards_words import with_unit

END = datetime(2025, 8, 25, tzinfo=UTC)
ASKED = Asked(start=END - timedelta(days=7), end=END, scrape_s=60.0)


def labels(unit: str, values: list[float]) -> list[str]:
    """What stands beside the axis of these values."""
    field: Json = {"unit": unit, "custom": {}}
    figure, axes = plt.subplots()
    try:
        axes.plot(values)
        _dress(axes, field, ASKED, values)
        low, high = axes.get_ylim()
        return [with_unit(tick, field, END) for tick in axes.get_yticks() if low <= tick <= high]
    finally:
        plt.close(figure)


@pytest.mark.parametrize(
    ("unit", "values"), [("percentunit", [0.0004, 0.0008]), ("percentunit", [2e-5, 4e-5]), ("none", [0.003, 0.004])]
)
def test_small_values_have_ticks_of_their_own(unit: str, values: list[float]) -> None:
    """Not one 0.00 above the other."""
    found = labels(unit, values)
    assert len(found) == len(set(found)) >= 3


def test_an_axis_on_which_all_is_0_shows_no_milliseconds() -> None:
    """Nothing waited: the axis is of the minute in which something might."""
    assert labels("s", [0.0, 0.0]) == ["0 s", "15 s", "30 s", "45 s"]
