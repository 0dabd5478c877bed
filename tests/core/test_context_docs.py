"""The tables that docs/alerts.md shows are those that decide."""

from pathlib import Path

import pytest
import yaml

from monitor.config.layers import SeveritySettings
from monitor.core.runout import reach_angle_deg
from monitor.core.severity import SeverityRow, SeverityTable

ROOT = Path(__file__).parents[2]
ALERTS = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")


def line(name: str, row: SeverityRow) -> str:
    """A row as the document writes it."""
    cells = [f"{row.area_ha:g}" if row.area_ha else "–", row.buildings or "–", row.roads or "–"]
    return f"| {name} | " + " | ".join(map(str, [*cells, "yes" if row.zone else "–"])) + " |"


@pytest.mark.parametrize("name", ["extreme", "severe", "moderate"])
def test_the_table_of_severity_is_the_documented_one(name: str) -> None:
    """Each row of the default table stands in docs/alerts.md."""
    assert line(name, getattr(SeverityTable(), name)) in ALERTS


def test_the_angles_of_reach_are_the_documented_ones() -> None:
    """By the formula, for the areas that the document names."""
    angles = " | ".join(f"{reach_angle_deg(ha):.1f}°" for ha in (0.1, 1.0, 10.0, 100.0))
    assert f"| angle of reach | {angles} |" in ALERTS


def test_the_example_in_the_configuration_is_the_default() -> None:
    """What config.yaml shows as a comment is what holds without it."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    example = text[text.index("# severity:") : text.index("# How often catalogs are asked")]
    shown = yaml.safe_load("\n".join(one.removeprefix("# ") for one in example.splitlines()))
    assert SeveritySettings(**shown["severity"]).table() == SeverityTable()
