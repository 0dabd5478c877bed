"""Catalogs that stand in, satellites that end and begin, and audits, as operators write them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.config import load
from monitor.core.fleet import Service
from tests.test_config import EXAMPLE, refusal, write


def standing_in(name: str) -> str:
    """A region for whose catalog this one stands in."""
    return EXAMPLE.replace("    sensor_policy:", f"    fallback_catalogs: [{name}]\n    sensor_policy:")


def test_satellites_are_known_by_the_names_of_items(tmp_path: Path) -> None:
    """However they are written; days are UTC, and an end that is left out is open."""
    text = "platforms:\n  Sentinel-1B: {until: 2021-12-23}\n  sentinel 1c: {since: 2025-03-26T06:00:00+02:00}\n"
    assert load(write(tmp_path, EXAMPLE + text)).fleet == {
        "sentinel-1b": Service(until=datetime(2021, 12, 23, tzinfo=UTC)),
        "sentinel-1c": Service(since=datetime(2025, 3, 26, 4, tzinfo=UTC)),
    }
    assert load(write(tmp_path, EXAMPLE)).fleet == {}


@pytest.mark.parametrize(
    ("text", "place", "message", "remedy"),
    [
        (EXAMPLE + "platforms: {s1b: {until: 2020-01-01, since: 2021-01-01}}\n", "platforms.s1b.until",
         "it ends before it begins", "lies after `since`"),
        (EXAMPLE + "platforms: {s1b: {untill: 2020-01-01}}\n", "platforms.s1b.untill", "no such setting", "until"),
        (standing_in("nowhere"), "regions.atsuma.fallback_catalogs", "no catalog of this name", "Add it"),
        (standing_in("local"), "regions.atsuma.fallback_catalogs", "among `catalogs` already", "Remove it"),
        (EXAMPLE + "audit: {hour_utc: 24}\n", "audit.hour_utc", "less than or equal to 23", "in range"),
    ],
)  # fmt: skip
def test_mistakes_are_explained(tmp_path: Path, text: str, place: str, message: str, remedy: str) -> None:
    """With their place and what to do."""
    (mistake,) = refusal(tmp_path, text).mistakes
    assert mistake.place.startswith(place)
    assert message in mistake.message
    assert remedy in mistake.remedy


def test_a_region_that_has_others_to_ask(tmp_path: Path) -> None:
    """They reach its record, and audits are made by night where nothing is said."""
    text = standing_in("other").replace("  local:", "  other: {type: static, href: o.json}\n  local:", 1)
    settings = load(write(tmp_path, text))
    (region,) = settings.region_records()
    assert (region.fallback_catalogs, region.stale_days) == (("other",), 3.0)
    assert (settings.audit.nightly, settings.audit.hour_utc) == (True, 3)
