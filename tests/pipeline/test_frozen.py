"""The ground as it was before an event is remembered for all of its tiles, not only for what the opening look shows."""

from contextlib import closing

import numpy as np
import rasterio

from tests.pipeline.world import World


def cloud(world: World, index: int, *, south: bool) -> None:
    """Cover half of a scene with cloud, and clear the rest."""
    with rasterio.open(world.asset(index, "SCL"), "r+") as classes:
        half = np.arange(classes.height)[:, None] >= classes.height // 2
        everywhere = np.broadcast_to(half == south, classes.shape)
        classes.write(np.where(everywhere, 9, 4).astype(np.uint8), 1)


def test_looks_are_frozen_for_ground_that_the_opening_look_does_not_show(small_world: World) -> None:
    """South is clouded in the newest look before the storm and in the first after it; an older look shows it.

    Events open in the north with one look as their reference; the older look is frozen with it, so that an event that
    grows into the south can be judged there.
    """
    world = small_world
    cloud(world, 0, south=False)
    cloud(world, 1, south=True)
    cloud(world, 2, south=True)
    world.configure(alerts={"looks": 1})
    world.once(world.valley.times[2])
    keys = [entry.acquisition.key for entry in world.ledger()][:2]
    with closing(world.store()) as store:
        frozen = [item for event in world.events() for item in store.reference(event.id, "optical").items()]
    both = 0
    for tile, hrefs in frozen:
        kept = {key for key in keys if any((world.products / "looks" / tile.id).glob(f"{key}_*"))}
        assert {key for key in keys for href in hrefs if f"/{key}_" in href} == kept
        both += len(kept) == 2
    assert both, "no event on a tile that reaches into the south"
