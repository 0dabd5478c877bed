"""What is known of a tile depends on the tile alone: not on blocks, regions, or the order of either."""

from pathlib import Path

import pytest

from tests.pipeline.conftest import Undisturbed
from tests.pipeline.world import REGION, Source, World, make_world, region

Row = dict[str, object]


def observed(world: World) -> dict[tuple[object, object], Row]:
    """Everything stored of the two quiet looks, by tile and acquisition."""
    summary = world.once(now=world.valley.storm)
    assert (summary.processed, summary.errors) == (2 * len(world.settings().regions), ())
    return {(row["tile"], row["acquisition_key"]): row for row in world.dump()["observation"]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, wide_source: Source) -> dict[tuple[object, object], Row]:
    """The observations of one region over the whole valley."""
    rows = observed(make_world(tmp_path_factory.mktemp("whole") / "world", wide_source))
    assert len(rows) == 8
    assert any(row["mean_change"] for row in rows.values())
    return rows


@pytest.mark.parametrize("side", [1, 2, 8])
def test_block_size(side: int, tmp_path: Path, wide_source: Source, whole: dict[tuple[object, object], Row]) -> None:
    """Every stored statistic is the same to the last bit for blocks of 1, 2 and 8 tiles."""
    world = make_world(tmp_path / "world", wide_source)
    world.configure(block_tiles=side)
    assert observed(world) == whole


def test_block_size_to_the_end(small_world: World, clean: Undisturbed) -> None:
    """Blocks of one tile give the same events, evidence and messages too."""
    small_world.configure(block_tiles=1)
    small_world.once()
    assert small_world.dump() == clean.content


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_overlapping_regions(
    names: tuple[str, str], tmp_path: Path, wide_source: Source, whole: dict[tuple[object, object], Row]
) -> None:
    """Two overlapping regions, in either order, store of every tile what one large region stores."""
    world = make_world(tmp_path / "world", wide_source)
    west, south, east, north = wide_source.valley.bbox
    middle, rim = (west + east) / 2, (east - west) / 10
    parts = [region(west, south, middle + rim, north), region(middle - rim, south, east, north)]
    world.configure(regions=dict(zip(names, parts, strict=True)))
    assert observed(world) == whole


def test_a_part_of_a_region(tmp_path: Path, wide_source: Source, whole: dict[tuple[object, object], Row]) -> None:
    """A region that covers a corner stores of its tiles what the large region stores of them."""
    world = make_world(tmp_path / "world", wide_source)
    west, south, east, north = wide_source.valley.bbox
    corner = region(west, south, west + (east - west) / 20, south + (north - south) / 20)
    world.configure(regions={REGION: corner})
    rows = observed(world)
    assert 0 < len(rows) < len(whole)
    assert rows == {place: whole[place] for place in rows}
