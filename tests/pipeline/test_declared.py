"""A declared event: a scar that a look has shown before anybody was told is not washed into the reference."""

from contextlib import closing
from datetime import timedelta

import pytest

from monitor.records import Declaration, DeclarationKind
from tests.pipeline.world import REGION, World


def declare(world: World) -> Declaration:
    """The storm, a day before the first look that shows what it did."""
    at, now = world.valley.times[2] - timedelta(days=1), world.valley.times[3] - timedelta(hours=1)
    wanted = Declaration(
        id=0,
        region=REGION,
        at=at,
        until=now + timedelta(days=60),
        geometry=None,
        kind=DeclarationKind.STORM,
        name="Jebi",
        rate_factor=10.0,
        size_factor=2.0,
        by="mori",
        declared=now,
    )
    (region,) = world.settings().region_records()
    with closing(world.store()) as store:
        return store.declare(wanted, region, now)


@pytest.mark.parametrize("declared", [False, True])
def test_a_scar_first_judged_weeks_after(declared: bool, small_world: World) -> None:
    """The look that shows the scars first arrives as history and becomes the reference of the next one.

    Without a word from a person the next one finds the ground as it was. Once the storm is declared it is compared
    with the ground from before, and its events carry the storm's name, and why.
    """
    world = small_world
    region = world.settings().regions[REGION]
    plain = {
        "geometry": {"bbox": list(region.geometry.bounds)},
        "catalogs": list(region.catalogs),
        "lookback_days": 400,
    }
    world.hide(3)
    world.configure(alerts={"looks": 1}, regions={REGION: {**plain, "history_days": 1}})
    world.once(world.valley.times[2] + timedelta(days=2))
    assert not world.events(), "all of it was history"
    one = declare(world) if declared else None
    world.publish()
    world.configure(regions={REGION: {**plain, "history_days": 400}})
    world.once(world.valley.times[3] + timedelta(hours=1))
    events = world.events()
    assert (len(events) >= 5) is declared, "one shows through a gap in the look between"
    last = world.ledger()[-1]
    assert ("declared: storm of" in (last.detail or "")) is declared
    if one is None:
        return
    assert {event.storm for event in events} == {one.storm}
    assert all(event.window_start < one.at <= event.window_end for event in events)
    assert all("declared: storm of" in event.evidence[0].detail for event in events)
    keys = [entry.acquisition.key for entry in world.ledger()]
    with closing(world.store()) as store:
        frozen = {href for event in events for hrefs in store.reference(event.id, "optical").values() for href in hrefs}
    assert frozen
    assert {key for key in keys for href in frozen if f"/{key}_" in href} <= set(keys[:2])
