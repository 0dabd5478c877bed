"""What looking at the past will take."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from shapely import box

from monitor.core.estimates import Cost, about, estimate, to_be_there, told
from monitor.records import Acquisition, AcquisitionState, Asset, LedgerEntry, SceneItem, Sensor

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DONE, PARKED, OLD = AcquisitionState.DONE, AcquisitionState.PARKED, AcquisitionState.SUPERSEDED


def seen(day: int, sensor: Sensor = Sensor.OPTICAL, orbit: int = 31) -> Acquisition:
    """A pass so many days after the first."""
    at = FIRST + timedelta(days=day)
    item = SceneItem(
        catalog="local",
        collection="rtc" if sensor is Sensor.SAR else "l2a",
        id=f"{sensor}-{day}",
        sensing_time=at,
        geometry=box(0, 0, 1, 1),
        sensor=sensor,
        platform="S",
        relative_orbit=orbit,
        pass_direction="ascending",
        assets={"vv": Asset(href="vv.tif")} if sensor is Sensor.SAR else {},
    )
    return Acquisition(
        region="valley",
        key=item.id,
        version="v",
        sensing_time=at,
        sensor=sensor,
        platform="S",
        relative_orbit=orbit,
        items=(item,),
    )


def test_only_what_is_new_costs() -> None:
    """Disk by sensor, time by acquisition; what was measured counts before what is typical."""
    there = [seen(0), seen(5), seen(6, Sensor.SAR)]
    typical = estimate(there, there[1:], 10, Cost())
    assert typical.acquisitions == {Sensor.OPTICAL: 1, Sensor.SAR: 1}
    assert typical.disk_mb == pytest.approx(12.0)
    assert (typical.seconds, typical.measured) == (10.0, False)
    known = Cost(look_mb={Sensor.OPTICAL: 1.0}, seconds=60.0)
    measured = estimate(there, there[1:], 10, known)
    assert measured.disk_mb == pytest.approx(20.0)
    assert (measured.seconds, measured.measured) == (120.0, True)
    assert estimate([], [], 10, Cost()).disk_mb == 0


@pytest.mark.parametrize(
    ("found", "ledger", "there"),
    [
        ([(5, "v")], [(0, "v", DONE)], [0, 5]),
        ([(0, "v"), (5, "v")], [(0, "v", DONE)], [0, 5]),
        ([], [(0, "v", DONE), (5, "v", AcquisitionState.DISCOVERED)], [0]),
        ([(0, "v")], [(0, "v", AcquisitionState.DISCOVERED)], [0]),
        ([(0, "v")], [(0, "v", OLD), (0, "w", DONE)], [0]),
        ([(0, "v"), (5, "v")], [(0, "v", PARKED)], [5]),
        ([(0, "v")], [(0, "v", OLD), (0, "w", PARKED)], []),
        ([(0, "w")], [(0, "v", PARKED)], [0]),
    ],
)
def test_what_there_will_be_looks_of(
    found: list[tuple[int, str]], ledger: list[tuple[int, str, AcquisitionState]], there: list[int]
) -> None:
    """What is done counts wherever it lies, every pass once, and what is parked only in a version not known yet."""
    entries = [
        LedgerEntry(
            acquisition=replace(seen(day), version=version),
            state=state,
            reason=None,
            detail=None,
            attempts=1,
            not_before=None,
            updated=FIRST,
        )
        for day, version, state in ledger
    ]
    coming = [replace(seen(day), version=version) for day, version in found]
    assert sorted((one.sensing_time - FIRST).days for one in to_be_there(coming, entries)) == there


@pytest.mark.parametrize(
    ("days", "ready"),
    [([0, 5, 10, 15], 10), ([15, 0, 10, 5], 10), ([0], 10), ([0, 4], 8), ([3, 9, 12], 12)],
)
def test_when_optics_have_a_reference(days: list[int], ready: int) -> None:
    """With the third look; where it is still to come, after the usual gap."""
    (wait,) = estimate([seen(day) for day in days], [], 1, Cost()).references
    assert (wait.ready - FIRST).days == ready


def test_every_track_of_radar_has_its_own() -> None:
    """Passes of one track teach nothing of another."""
    passes = [seen(0, Sensor.SAR, 46), seen(12, Sensor.SAR, 46), seen(24, Sensor.SAR, 46), seen(3, Sensor.SAR, 68)]
    waits = estimate(passes, [], 1, Cost()).references
    assert [(wait.comparable[:8], wait.looks, (wait.ready - FIRST).days) for wait in waits] == [
        ("sar:R046", 3, 24),
        ("sar:R068", 1, 27),
    ]


def test_in_words() -> None:
    """Numbers with units, the source of the time, and when each reference is there."""
    lines = told(estimate([seen(0), seen(5)], [seen(0), seen(5)], 4000, Cost()))
    assert lines == [
        "2 acquisition(s) to look at (2 of optics) on 4000 tile(s): about 6.4 GB of disk and about 67 min "
        "(typical; slow networks and clouds change it)",
        "references of optical: about 2026-01-11 where the sky is clear (whole with 3 clear looks of a place, which is "
        "compared from its second on; 2 scene(s) are known)",
    ]
    (_, line) = told(estimate([seen(day, Sensor.SAR, 46) for day in (0, 12, 24, 36)], [], 1, Cost()))
    _, _, words = line.partition(": ")
    assert words == "from 2026-01-25 on (3 passes come before the first that is compared; 4 are known)"


def test_short_and_long_times_in_words() -> None:
    """About is said of numbers only."""
    assert [about(seconds) for seconds in (5, 116, 9000)] == ["less than a minute", "about 2 min", "about 2 h"]
