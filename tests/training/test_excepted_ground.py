"""Files of ground on which landslides are known."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shapely.geometry import box, mapping

from monitor.errors import ConfigError
from training.alerts.excepted import load_excepted


def _file(path: Path, *properties: dict[str, object], geometry: object = None) -> Path:
    ground = geometry or mapping(box(141.0, 42.0, 142.0, 43.0))
    features = [{"type": "Feature", "geometry": ground, "properties": one} for one in properties]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_excepted_ground_is_read_with_its_time(tmp_path: Path) -> None:
    """A day counts to its end; what has no time is always excepted."""
    first, second = load_excepted(_file(tmp_path / "a.json", {"from": "2026-07-01", "to": "2026-07-02"}, {}))
    assert first.holds(datetime(2026, 7, 2, 23, tzinfo=UTC))
    assert not first.holds(datetime(2026, 7, 3, 1, tzinfo=UTC))
    assert second.holds(datetime(1999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("properties", "geometry", "said"),
    [
        ({"from": "soon"}, None, "soon"),
        ({"from": 2026}, None, "2026 is no date"),
        ({"from": "2026-07-02", "to": "2026-06-01"}, None, "feature 1 ends before it begins"),
        ({}, {"type": "Point", "coordinates": [1, 2]}, "feature 1 is no valid polygon"),
        ({}, {"type": "Nothing"}, "is no file of excepted ground"),
    ],
)
def test_a_wrong_file_of_excepted_ground_is_refused(
    tmp_path: Path, properties: dict[str, object], geometry: object, said: str
) -> None:
    """With the place and the remedy."""
    with pytest.raises(ConfigError, match=said) as refused:
        load_excepted(_file(tmp_path / "a.json", properties, geometry=geometry))
    assert "EPSG:4326" in refused.value.remedy


def test_no_file_of_excepted_ground(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_excepted(tmp_path / "none.json")
