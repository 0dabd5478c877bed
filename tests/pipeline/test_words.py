"""What a pass says when there is nothing to see, and how it counts."""

from monitor.service import PassEvent
from tests.pipeline.processes import Running
from tests.pipeline.world import REGION, START, World, region


def test_a_region_that_no_scene_shows_is_told(small_world: World) -> None:
    """A wrong place, a wrong collection and a short look-back are told by poll and once; the exit code stays 0."""
    here = small_world.valley.bbox
    local = {"type": "static", "href": "catalog/catalog.json"}
    wrong: tuple[dict[str, object], ...] = (
        {"regions": {REGION: region(10.0, 10.0, 10.1, 10.1)}},
        {"regions": {REGION: region(*here)}, "catalogs": {"local": local | {"collections": {"optical": ["none"]}}}},
        {"regions": {REGION: region(*here) | {"lookback_days": 1}}, "catalogs": {"local": local}},
    )
    for changes in wrong:
        small_world.configure(**changes)
        ended = Running(small_world, "once").end()
        days = 1 if changes is wrong[-1] else 20000
        told = f"no scene of the last {days} days shows {REGION}: check geometry, collections and lookback_days"
        assert ended.code == 0
        assert f"! {told}\n" in ended.out
        assert f'"event": "{told}"' in ended.err
        assert '"reason": "no-scene"' in ended.err
        absent = "! catalogs.local.collections.optical: the catalog has no collection none. There are: "
        assert (absent in ended.out) == (changes is wrong[1])


def test_refused_scenes_are_not_called_absent(small_world: World) -> None:
    """Where all scenes are refused the word says how many, and where their reasons are."""
    for index in range(4):
        small_world.edit_item(index, lambda item: item.update(geometry=None))
    (found,) = _details(small_world, "discovered")
    assert f"shows {REGION} (4 refused: see scarpwatch status): check" in found


def test_one_alert_stands(small_world: World) -> None:
    """One is told in the singular, none in the plural."""
    small_world.configure(alerts={"min_area_ha": 7.0})
    _, quiet, *_, last = _details(small_world, "done")
    assert quiet.endswith("; 0 alerts stand")
    assert last.endswith("; 1 alert stands")


def test_what_is_parked_is_told_once(small_world: World) -> None:
    """A remedy that ends in the release is followed by the whole command, on a line of its own, once."""
    small_world.asset(1, "B04").write_text("<html>")
    small_world.once()
    acquisition = small_world.ledger()[1].acquisition
    lines = Running(small_world, "status").end().out.splitlines()
    at = lines.index("Parked (1), until the cause is gone and they are released:")
    assert lines[at + 1].startswith(f"  {REGION}: bad-asset: ")
    assert lines[at + 1].endswith(" Mend or replace it.")
    assert lines[at + 2 :] == [f"    then: scarpwatch release {REGION} {acquisition.id}"]


def _details(world: World, action: str) -> list[str]:
    said: list[PassEvent] = []
    world.once(START, said.append)
    return [event.detail for event in said if event.action == action]
