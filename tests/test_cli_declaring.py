"""`scarpwatch declare`: an event is declared, listed and ended from the command line."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry

from tests.fake_watch import NOW
from tests.test_cli import call, call_json, config

__all__ = ["config"]

AT = f"{NOW - timedelta(hours=5):%Y-%m-%dT%H:%MZ}"


@pytest.fixture(autouse=True)
def _watched(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A database with two acquisitions."""
    call(capsys, "once")


def region(capsys: pytest.CaptureFixture[str]) -> tuple[str, list[float]]:
    """Name and bounds of the region."""
    (feature,) = cast("list[dict[str, Any]]", call_json(capsys, "regions")[1]["features"])
    return feature["id"], feature["bbox"]


def _shape(declared: dict[str, object]) -> BaseGeometry:
    return shape(cast("dict[str, Any]", declared["area"]))


def test_declared_listed_and_ended(capsys: pytest.CaptureFixture[str]) -> None:
    """With its number, its page, who did it and until when; a second one of the same is refused with its number."""
    name, _ = region(capsys)
    words = ("declare", name, "--at", AT, "--kind", "earthquake", "--name", "Iburi")
    code, out, _ = call(capsys, *words, "--by", "mori")
    assert code == 0
    assert out.startswith(f"declared as number 1 in {name}: earthquake of ")
    assert f"/situations/{name}-earthquake-" in out
    assert "\n  kind earthquake; ground: all of it; by mori; end it: scarpwatch declare --end 1\n" in out
    code, _, err = call(capsys, *words, "--by", "sato")
    assert (code, "mori has declared it already" in err, "declare --end 1" in err) == (1, True, True)
    assert "(Iburi); in force until" in call(capsys, "declare", "--list")[1]
    code, document = call_json(capsys, "declare", "--list")
    (one,) = cast("list[dict[str, Any]]", document["declarations"])
    assert (one["by"], one["in_force"], one["rate_factor"]) == ("mori", True, 10.0)
    assert f"declared in {name}: earthquake of" in call(capsys, "status")[1]
    assert call(capsys, "declare", "--end", "1", "--by", "sato")[0] == 0
    assert "declared in" not in call(capsys, "status")[1]
    assert call(capsys, "declare", "--end", "1")[0] == 1
    assert "No declaration is in force" in call(capsys, "declare", "--list")[1]
    assert "ended" in call(capsys, "declare", "--list", "--all")[1]


def test_what_was_looked_at_since_can_be_looked_at_again(capsys: pytest.CaptureFixture[str]) -> None:
    """Who declares late is told what became an alert by that, and how to judge anew what came meanwhile."""
    name, _ = region(capsys)
    since = NOW - timedelta(days=60)
    words = ("declare", name, "--at", f"{since:%Y-%m-%dT%H:%MZ}")
    code, _, err = call(capsys, *words)
    assert (code, "say what it was: one of earthquake, storm, other" in " ".join(err.split())) == (2, True)
    assert "Nothing has been declared" in call(capsys, "declare", "--list", "--all")[1]
    said = call(capsys, *words, "--kind", "storm")[1]
    assert "  1 acquisition(s) sensed since then are processed already" in said, "there is nothing before the first"
    assert f"from 0.05 ha instead of 0.1 ha: scarpwatch reprocess {name} --since {since:%Y-%m-%d}" in said
    assert f"  1 candidate(s) that were found since then are alerts now: scarpwatch alerts --region {name}" in said
    shown = cast("list[dict[str, Any]]", call_json(capsys, "alerts")[1]["features"])
    assert "weak" in {one["id"] for one in shown}
    assert call(capsys, "alerts", "ack", "weak", "--by", "mori")[0] == 0


def test_an_area_is_a_box_or_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What lies within the region is kept."""
    name, (west, south, east, north) = region(capsys)
    words = ("declare", name, "--at", AT, "--kind", "other")
    middle = (west + east) / 2
    code, one = call_json(capsys, *words, "--area", f"{west},{south},{middle},{north + 1}")
    assert code == 0
    assert one["area"] is not None
    assert call(capsys, "declare", "--end", "1")[0] == 0
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps(one["area"]))
    _, again = call_json(capsys, *words, "--area", str(path))
    assert _shape(again).symmetric_difference(_shape(one)).area < 1e-9
    listed = ",".join(f"{edge:.4f}" for edge in _shape(one).bounds)
    assert f"(a part of it, within {listed}): other of " in call(capsys, "declare", "--list")[1]
    assert _shape(one).area < 0.6 * box(west, south, east, north).area


REFUSED = [
    (("nowhere", "--at", AT), 2, "there is no region 'nowhere'"),
    (("REGION", "--at", "yesterday"), 2, "no time such as"),
    (("REGION", "--at", "2999-01-01T00:00Z"), 1, "lies in the future"),
    (("REGION", "--at", "2001-01-01T00:00Z"), 1, "180 days ago or more"),
    (("REGION", "--at", AT, "--area", "1,2,1.1,2.1"), 1, "outside the region"),
    (("REGION", "--at", AT, "--area", "4,2,3,4"), 2, "west"),
    (("REGION", "--at", AT, "--area", "100,40,110,50"), 1, "To mean all of the region, leave the area out"),
    (("REGION", "--at", AT, "--area", "179,42,-179,43"), 1, "crosses the 180th meridian"),
    (("REGION", "--at", AT, "--area", "no.geojson"), 2, "there is no file"),
    (("REGION",), 2, "say where and when"),
]


def test_what_cannot_be_declared_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written."""
    name, _ = region(capsys)
    for words, code, said in REFUSED:
        meant = (name if word == "REGION" else word for word in words)
        ended, _, err = call(capsys, "declare", "--kind", "other", *meant)
        assert (ended, said in err) == (code, True), err
    assert "Nothing has been declared" in call(capsys, "declare", "--list", "--all")[1]
