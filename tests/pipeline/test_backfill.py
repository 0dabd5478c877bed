"""Past acquisitions: they feed references, nobody hears of them, and they are processed once."""

from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from typing import cast

import pytest
import yaml
from shapely.geometry.base import BaseGeometry

from monitor.adapters.catalog import StaticCatalog
from monitor.errors import CatalogUnavailable
from monitor.records import AcquisitionState, EventState, Rejected, SceneItem, Sensor
from monitor.service import PassEvent
from tests.pipeline.processes import Running, Setup, die_after
from tests.pipeline.world import REGION, Json, World

DONE = AcquisitionState.DONE
DAY = timedelta(days=1)
TOLD = ("event", "evidence", "transition", "outbox", "reference")


def region(world: World, **changes: int) -> None:
    """Change settings of the region."""
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    chosen = cast(Json, document["regions"][REGION])
    world.configure(regions={REGION: chosen | changes})


def after(world: World) -> datetime:
    """A day after the last look: the looks are sixteen, eleven, six and one day old."""
    return world.valley.times[-1] + DAY


def backfill(world: World, setup: Setup | None = None, days: int = 30) -> Running:
    """The command over all looks there are."""
    now = after(world)
    start, end = (f"{day:%Y-%m-%d}" for day in (now - days * DAY, now))
    return Running(world, "backfill", REGION, "--from", start, "--to", end, setup=setup, now=now)


def test_history_is_silent(small_world: World) -> None:
    """A storm long ago leaves looks and statistics behind, and no event, not even a candidate."""
    region(small_world, lookback_days=1, history_days=1)
    ended = backfill(small_world).end()
    assert ended.code == 0, ended
    assert small_world.states() == [(DONE, "learning"), (DONE, "history"), (DONE, "history"), (DONE, "compared")]
    content = small_world.dump()
    assert {row["acquisition_id"] for row in content["evidence"]} <= {small_world.ledger()[3].acquisition.id}
    assert sum(row["look_href"] is not None for row in content["observation"]) >= 4


def test_a_region_that_is_new_looks_back_by_itself(small_world: World) -> None:
    """The first pass looks `backfill_days` back, what is history first: the storm within the age is found by it."""
    region(small_world, lookback_days=2, history_days=8, backfill_days=40)
    heard: list[PassEvent] = []
    assert small_world.once(after(small_world), heard.append).processed == 4
    assert heard[0].action == "onboarding"
    assert heard[0].detail.startswith("4 acquisition(s) to look at (4 of optics) on 2 tile(s)")
    assert [entry.history for entry in small_world.ledger()] == [True, True, False, False]
    assert small_world.states()[2:] == [(DONE, "compared")] * 2
    assert EventState.CONFIRMED in {event.state for event in small_world.events()}
    assert small_world.once(after(small_world) + DAY).discovered == 0


def test_history_is_asked_for_until_every_catalog_answered(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog that fails for the past at the first poll is asked for the past again, and then no more."""
    region(small_world, lookback_days=2, backfill_days=40)
    asked: list[datetime] = []
    search = StaticCatalog.search

    def down(
        catalog: StaticCatalog, geometry: BaseGeometry, start: datetime, end: datetime, sensor: Sensor = Sensor.OPTICAL
    ) -> tuple[list[SceneItem], list[Rejected]]:
        asked.append(start)
        if len(asked) == 2:
            raise CatalogUnavailable("answers 503", item="local", remedy="It is asked again.")
        return search(catalog, geometry, start, end, sensor)

    monkeypatch.setattr(StaticCatalog, "search", down)
    now = after(small_world)
    with closing(small_world.service()) as service:
        assert service.poll(now)[0] == 1
        assert service.poll(now + DAY)[0] == 3
        far = [start for start in asked if start < now - 9 * DAY]
        assert len(far) == 3
        service.poll(now + 2 * DAY)
        assert [start for start in asked if start < now - 9 * DAY] == far


@pytest.mark.parametrize("step", ["events"])
def test_killed_in_the_middle(step: str, small_world: World) -> None:
    """A second start goes on where the first was killed, and ends as one that was never disturbed."""
    region(small_world, lookback_days=2, history_days=8)
    killed = backfill(small_world, partial(die_after, step, 1, 3)).end()
    assert killed.code < 0, killed
    again = backfill(small_world).end()
    assert again.code == 0, again
    done = [state for state, _ in small_world.states()].count(DONE)
    assert (done, again.actions.count("done")) == (4, 1 if step == "commit" else 2)
    assert [reason for _, reason in small_world.states()] == ["learning", "history", "compared", "compared"]
    assert EventState.CONFIRMED in {event.state for event in small_world.events()}


def test_it_goes_beside_the_watch(small_world: World) -> None:
    """What the watch has done is not done again, and what comes late is history."""
    region(small_world, lookback_days=2, history_days=8)
    small_world.once(after(small_world))
    before = small_world.dump()
    ended = backfill(small_world).end()
    assert (ended.code, ended.actions.count("done")) == (0, 3), ended
    assert [entry.history for entry in small_world.ledger()] == [True, True, False, False]
    now = small_world.dump()
    assert {table: now[table] for table in TOLD} == {table: before[table] for table in TOLD}
    assert backfill(small_world).end().actions == []
