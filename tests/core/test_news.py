"""Which listings of a known pass show news, and which are the same under another name."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from shapely import box

from monitor.core.acquisitions import group, shows_all, shows_news
from monitor.records import Acquisition, SceneItem, Sensor
from tests.core.test_acquisitions import TIME, as_planetary_computer, item, listed, real_page


def of(*items: SceneItem) -> Acquisition:
    """The one acquisition of these items."""
    (found,), _ = group("valley", items)
    return found


HERE = item("a")
THERE = item("a-elsewhere", catalog="there")
BESIDE = item("b", grid_code="33TVL")


@pytest.mark.parametrize(
    ("found", "known", "news"),
    [
        ([HERE], [HERE], False),
        ([HERE], [HERE, BESIDE], False),  # what is left when a page is cut short
        ([HERE, BESIDE], [HERE], True),
        ([THERE], [HERE], False),
        ([HERE], [THERE], False),
        ([THERE, BESIDE], [HERE], True),
        ([replace(THERE, processing_baseline="05.11")], [HERE], True),
        ([replace(THERE, processing_baseline="05.09")], [HERE], False),
        ([replace(HERE, processing_baseline="05.11")], [HERE], True),
        ([replace(HERE, id="a-old", processing_baseline="05.09")], [HERE], False),
        ([replace(HERE, processing_time=None)], [HERE], False),
        ([replace(HERE, id="a-again")], [HERE], True),
    ],
)
def test_news(found: list[SceneItem], known: list[SceneItem], news: bool) -> None:
    """More ground and newer pixels are news; another catalog's name, less ground and older pixels are not."""
    assert shows_news(of(*found), of(*known)) is news


def test_news_of_radar() -> None:
    """Another catalog's slices of the same ground are none, however they are cut; its own new slice is."""
    first = item("s1", sensor=Sensor.SAR, grid_code=None, datastrip=None, geometry=box(10, 45, 11, 46))
    second = replace(first, id="s2", geometry=box(11, 45, 12, 46), sensing_time=TIME + timedelta(seconds=25))
    both = of(first, second)
    burst = replace(first, id="t1", catalog="there", geometry=box(10.2, 45, 11.4, 46), processing_time=None)
    beyond = replace(burst, id="t2", geometry=box(11.5, 45, 13, 46))
    assert not shows_news(of(burst), both)
    assert shows_news(of(beyond), both)
    assert shows_news(both, of(first))
    assert not shows_news(of(first), both)
    assert shows_all(both, of(burst))
    assert not shows_all(of(burst), both)


def test_a_listing_that_shows_less() -> None:
    """One that lacks a tile does not show all; another catalog's name for the same tile does."""
    assert shows_all(of(THERE, BESIDE), of(HERE))
    assert not shows_all(of(THERE), of(HERE, BESIDE))


@pytest.mark.parametrize(
    "page",
    [
        "es_page_landsat-c2-l2-sentinel-2-l2a_01.json",
        "es_page_sentinel-2-c1-l2a-sentinel-2-l1c-sentinel-2-l2a_01.json",
    ],
)
def test_a_real_pass_from_either_catalog_is_one(page: str, data_folder: Path) -> None:
    """Real scenes of Earth Search, and the same as the Planetary Computer lists them: one key, and no news."""
    pattern = real_page(data_folder, "pc_page_sentinel-2-l2a_01.json")[0]
    scenes = [one for one in real_page(data_folder, page) if one["collection"] == "sentinel-2-l2a"]
    theirs = of(*(listed(one, "es") for one in scenes))
    ours = of(*(as_planetary_computer(one, pattern) for one in scenes))
    assert theirs.key == ours.key
    assert theirs.version != ours.version, "they are named differently"
    assert not shows_news(theirs, ours)
    assert not shows_news(ours, theirs)
    assert json.dumps([one.id for one in theirs.items]) != json.dumps([one.id for one in ours.items])
