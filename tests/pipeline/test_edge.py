"""A pass that the edge of the look-back cuts in two stays whole."""

import json
from contextlib import closing
from datetime import datetime, timedelta

from monitor.records import AcquisitionState
from tests.pipeline.world import REGION, SCENES, World, edit_json, region

DAYS = 20
LATER = timedelta(seconds=20)


def two_granules(world: World, index: int) -> datetime:
    """The scene becomes two items of one pass, sensed 20 s apart; the time between them."""
    document = json.loads(world.item(index).read_text(encoding="utf-8"))
    name = f"{document['id'][:-5]}33TWM"
    document["id"] = name
    document["properties"] |= {"datetime": (world.valley.times[index] + LATER).isoformat(), "s2:mgrs_tile": "33TWM"}
    (world.item(index).parent / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    link = {"rel": "item", "href": f"./{world.item(index).parent.name}/{name}.json"}
    collection = world.folder / "catalog" / SCENES / "collection.json"
    edit_json(collection, lambda whole: whole.update(links=[*whole["links"], link]))  # type: ignore[misc]
    return world.valley.times[index] + LATER / 2


def test_a_pass_on_the_edge_is_not_superseded(small_world: World) -> None:
    """When the edge lies between the items of a pass, what was made of all of them stays."""
    between = two_granules(small_world, 0)
    small_world.configure(regions={REGION: region(*small_world.valley.bbox) | {"lookback_days": DAYS}})
    small_world.once(now=small_world.valley.storm)
    before = small_world.ledger()
    assert [len(entry.acquisition.items) for entry in before] == [2, 1]
    with closing(small_world.service()) as service:
        service.poll(between + timedelta(days=DAYS))
    after = small_world.ledger()
    assert [entry.acquisition.id for entry in after][:2] == [entry.acquisition.id for entry in before]
    assert [entry.state for entry in after[:2]] == [AcquisitionState.DONE] * 2
    assert len(after) == 4


def test_passes_beyond_the_edge_are_left_alone(small_world: World) -> None:
    """What began before the look-back is not discovered, though the search reaches further."""
    between = two_granules(small_world, 0)
    small_world.configure(regions={REGION: region(*small_world.valley.bbox) | {"lookback_days": DAYS}})
    with closing(small_world.service()) as service:
        discovered, errors = service.poll(between + timedelta(days=DAYS))
        assert (discovered, errors) == (3, ())
        first = small_world.ledger()[0].acquisition
        assert first.sensing_time == small_world.valley.times[1]
        assert service.poll(first.sensing_time + timedelta(days=DAYS))[0] == 0
