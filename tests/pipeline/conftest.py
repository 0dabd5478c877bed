"""Worlds for the end-to-end tests; every test that takes `world` runs on SQLite and on PostgreSQL."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pipeline.processes import CLAIMED, Running
from tests.pipeline.radar_world import make_radar_source
from tests.pipeline.world import Content, Source, World, files, make_source, make_world
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A valley of 2.6 km² on 2 tiles: four acquisitions take little more than a second."""
    return make_source(tmp_path_factory.mktemp("source"), seed=6, size_px=160)


@pytest.fixture(scope="session")
def wide_source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A valley of 6.6 km² on 4 tiles."""
    return make_source(tmp_path_factory.mktemp("wide-source"), seed=1, size_px=256)


@pytest.fixture(scope="session")
def radar_source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A valley of 5 km² with six optical looks and some dozen radar passes on two tracks."""
    return make_radar_source(tmp_path_factory.mktemp("radar-source"), seed=3, size_px=224)


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path, source: Source) -> World:
    """A fresh world; what it proves holds on both databases."""
    if request.param == "sqlite":
        return make_world(tmp_path / "world", source)
    return make_world(tmp_path / "world", source, str(request.getfixturevalue("postgres_url")))


@pytest.fixture
def small_world(tmp_path: Path, source: Source) -> World:
    """A fresh world on SQLite, for what has nothing to do with the database."""
    return make_world(tmp_path / "world", source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """One pass that nothing went wrong in, on SQLite: not to be changed."""

    world: World
    content: Content
    """What the database holds afterwards, on either engine."""
    files: Mapping[str, str]
    """What the product folder holds."""
    seconds: float
    """Wall time from the first claim to the end, in a process of its own."""


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory, source: Source) -> Undisturbed:
    """How every disturbed run must end."""
    world = make_world(tmp_path_factory.mktemp("clean") / "world", source)
    running = Running(world, "once")
    running.wait_for(CLAIMED)
    start = time.perf_counter()
    ended = running.end()
    seconds = time.perf_counter() - start
    assert (ended.code, ended.actions.count("done")) == (0, 4), ended
    return Undisturbed(world=world, content=world.dump(), files=files(world), seconds=seconds)
