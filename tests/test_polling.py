"""Catalogs that are down for a week, or longer than the look-back, or out of date; and clocks that jump."""

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.core.fleet import Service as Serves
from monitor.records import Sensor, SensorPolicy
from tests.upstream import DAY, START, VALLEY, Upstream, scene, upstream


def test_down_for_a_week_then_back(tmp_path: Path) -> None:
    """Nothing is missed: what was sensed, and what was listed late, while nobody answered."""
    with upstream(tmp_path, fallback_catalogs=()) as up:
        up.lists(0, 5, 10, 15, 20)
        up.pc.items.append(scene(-26, listed=16))  # 44 days old when it was listed, 48 when it is found
        assert up.poll(13) == 3
        up.pc.down = True
        assert [up.poll(day) for day in (14, 17, 20)] == [0, 0, 0]
        up.pc.down = False
        assert up.poll(22) == 3
        assert up.known() == [-26, 0, 5, 10, 15, 20]
        assert up.history() == [], "what nobody could have seen earlier raises alerts"
        assert up.poll(22.1) == 0


def test_down_for_longer_than_the_look_back(tmp_path: Path) -> None:
    """The first poll after it reaches back to a look-back before the last answer, and says so; the next does not."""
    days = [5.0 * number for number in range(30)]
    with upstream(tmp_path, fallback_catalogs=()) as up:
        up.lists(*days)
        up.poll(21)
        up.pc.down = True
        up.poll(60)
        up.pc.down = False
        up.pc.asked.clear()
        assert up.poll(140) == 24
        assert up.known() == [day for day in days if day <= 140]
        assert up.history() == []
        assert "reaching-back" in up.actions()
        assert min(start for start, _ in up.pc.asked) <= START + (21 - 45) * DAY
        assert all(end - start <= 50 * DAY for start, end in up.pc.asked), "asked about month by month"
        up.pc.asked.clear()
        assert up.poll(140.5) == 0
        assert min(start for start, _ in up.pc.asked) >= START + (140 - 46) * DAY
        assert "reaching-back" not in up.actions()


def test_a_service_that_did_not_run_is_an_outage_too(tmp_path: Path) -> None:
    """But nobody asks about what is older than any event."""
    with upstream(tmp_path, fallback_catalogs=()) as up:
        up.lists(0, 5, 2000)
        up.poll(6)
        up.pc.asked.clear()
        assert up.poll(2001) == 1
        assert min(start for start, _ in up.pc.asked) > START + (2001 - 450) * DAY


@pytest.mark.parametrize("jump", [3650.0, -3650.0])
def test_a_clock_that_jumps(tmp_path: Path, jump: float) -> None:
    """One poll at another time loses nothing, and the polls after it are as if it had not been."""
    with upstream(tmp_path, fallback_catalogs=()) as up:
        up.lists(0, 5)
        up.poll(6)
        up.poll(6 + jump)
        up.lists(10)
        assert up.poll(11) == 1
        assert up.known() == [0, 5, 10]
        assert up.history() == []


def test_another_catalog_stands_in_and_the_first_returns(tmp_path: Path) -> None:
    """Asked only while the first fails; every pass is in the ledger once; people hear of both turns, once."""
    with upstream(tmp_path) as up:
        up.lists(0, 5, 10, 15, 20, 25)
        assert up.poll(11) == 3
        assert (up.es.asked, up.actions()) == ([], {"onboarding", "discovered"})
        up.pc.down = True
        assert up.poll(16) == 1
        assert {"failover", "poll-failed"} <= up.actions()
        standing_in = up.store.fallback("valley")
        assert standing_in is not None
        assert (standing_in.catalogs, standing_in.since) == (("es",), START + 16 * DAY)
        assert "answers 503" in standing_in.reason
        assert up.events[-1].stood_in == ("es",)
        assert up.poll(21) == 1
        assert "failover" not in up.actions()
        up.pc.down = False
        assert up.poll(26) == 1
        assert "failback" in up.actions()
        assert up.store.fallback("valley") is None
        up.es.asked.clear()
        assert up.poll(26.1) == 0
        assert (up.es.asked, up.known()) == ([], [0, 5, 10, 15, 20, 25])
        catalogs = [entry.acquisition.items[0].catalog for entry in up.store.ledger()]
        assert sorted(catalogs) == ["es", "es", "pc", "pc", "pc", "pc"]


@pytest.mark.parametrize("others", [(), ("es", "pc2")])
def test_a_stand_in_that_is_configured_no_more_is_told_no_more(tmp_path: Path, others: tuple[str, ...]) -> None:
    """Else `status` would name it for ever; what is configured now stands in by itself, from now on."""
    with upstream(tmp_path) as up:
        up.lists(0, 5, 10)
        up.poll(6)
        up.pc.down = True
        up.poll(11)
        changed = Upstream(up.store, replace(VALLEY, fallback_catalogs=others))
        changed.pc.down = True
        changed.poll(12)
        standing_in = up.store.fallback("valley")
        assert (standing_in.catalogs, standing_in.since) == (others, START + 12 * DAY) if standing_in else not others


def test_a_stale_catalog_is_stood_in_for(tmp_path: Path) -> None:
    """It answers, and lists nothing new for longer than its orbit's cycle and the margin."""
    with upstream(tmp_path) as up:
        up.lists(0, 5, 10)
        up.es.items += [scene(15, "es"), scene(20, "es")]
        up.poll(11)
        assert up.poll(17.5) == 0, "the pass of day 15 may still be listed"
        assert up.poll(18.5) == 1
        assert {event.action: event.detail for event in up.events}["failover"] == (
            "pc is stale: the newest scene of optics is of 2026-01-11, and one of 2026-01-16 was expected: es stands in"
        )
        assert up.poll(22) == 1
        up.pc.items += [scene(15), scene(20), scene(25)]
        assert up.poll(25) == 1
        assert "failback" in up.actions()
        assert up.known() == [0, 5, 10, 15, 20, 25]


def test_what_only_another_catalog_lists_makes_none_stale(tmp_path: Path) -> None:
    """Radar that came while it stood in is no sign that the region's own catalog ever had any."""
    with upstream(tmp_path, sensor_policy=SensorPolicy.BOTH) as up:
        up.lists(0, 5, 10, 15, 20)
        up.es.items.append(replace(scene(11, "es"), sensor=Sensor.SAR, platform="sentinel-1a", grid_code=None))
        up.poll(10.5)
        up.pc.down = True
        assert up.poll(11.5) == 1
        up.pc.down = False
        assert up.poll(16) == 1
        assert up.store.fallback("valley") is None


def test_all_are_down(tmp_path: Path) -> None:
    """Then none stands in, the failures are told, and nothing is lost afterwards."""
    with upstream(tmp_path) as up:
        up.lists(0, 5, 10)
        up.poll(6)
        up.pc.down = up.es.down = True
        assert up.poll(11) == 0
        assert [event.action for event in up.events].count("poll-failed") == 2
        assert up.store.fallback("valley") is None
        up.pc.down = False
        assert up.poll(12) == 1


def test_a_satellite_that_ended_makes_no_catalog_stale(tmp_path: Path) -> None:
    """Where it was the only one, nothing is expected any more."""
    with upstream(tmp_path, fleet={"sentinel-2a": Serves(until=START + 12 * DAY)}) as up:
        up.lists(0, 5, 10)
        up.poll(11)
        up.poll(40)
        assert (up.es.asked, up.store.fallback("valley")) == ([], None)


def test_a_pass_is_discovered_once(tmp_path: Path) -> None:
    """What was there before the region was watched waited for nobody, and a newer version of a pass is no new one."""
    with upstream(tmp_path) as up:
        up.lists(0, 5)
        up.poll(1)
        assert up.found_after() == []
        up.poll(6)
        assert up.found_after() == [1]
        (newest,) = (one for one in up.pc.items if one.id == "pc-20260106T013000")
        up.pc.items.append(replace(newest, id=f"{newest.id}-again", processing_baseline="05.12"))
        assert up.poll(9) == 1
        assert up.found_after() == []
