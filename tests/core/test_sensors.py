"""Which sensor counts on a tile and date."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitor.core.sensors import EarlierChoices, SensorSettings, choose, clear_fraction, sensors_of, told
from monitor.records import Acquisition, Choice, ChoiceReason, PixelState, Sensor, SensorPolicy, Tile

NOW = datetime(2025, 7, 1, 10, tzinfo=UTC)
TILE = Tile(epsg=32633, column=200, row=1900)
OPTICAL, SAR = Sensor.OPTICAL, Sensor.SAR
WHEN_CLEAR = SensorPolicy.OPTICAL_WHEN_CLEAR
SETTINGS = SensorSettings(clear_share=0.5, keep_share=0.3, optics_fresh_hours=48, radar_fresh_days=13)


def acquisition(sensor: Sensor) -> Acquisition:
    """One that was sensed now."""
    return Acquisition(
        region="valley",
        key="pass",
        version="v1",
        sensing_time=NOW,
        sensor=sensor,
        platform="any",
        relative_orbit=1,
        items=(),
    )


def earlier(sensor: Sensor, days: float, record: Sensor | None, clear: float = 0.9) -> Choice:
    """What counted so many days ago, at an acquisition of `sensor`."""
    return Choice(
        tile=TILE,
        acquisition_key="before",
        acquisition_version="v1",
        sensing_time=NOW - timedelta(days=days),
        sensor=sensor,
        clear_fraction=clear,
        record=record,
        reason=ChoiceReason.OPTICAL_CLEAR,
    )


def chosen(
    sensor: Sensor, share: float, *before: Choice, policy: SensorPolicy = WHEN_CLEAR
) -> tuple[Sensor | None, ChoiceReason]:
    """The evidence of record on one tile, and why."""
    known = EarlierChoices(
        optical={one.tile: one for one in before if one.sensor is OPTICAL},
        radar={one.tile: one for one in before if one.sensor is SAR},
    )
    (one,) = choose(acquisition(sensor), {TILE: share}, policy, known, SETTINGS)
    assert (one.sensor, one.clear_fraction) == (sensor, share)
    return one.record, one.reason


@pytest.mark.parametrize(
    ("share", "before", "record", "reason"),
    [
        (0.5, (), OPTICAL, "optical-clear"),
        (0.49, (), None, "clouded-no-fresh-radar"),
        (0.49, (earlier(OPTICAL, 5, OPTICAL),), OPTICAL, "optical-kept"),
        (0.3, (earlier(OPTICAL, 5, OPTICAL),), OPTICAL, "optical-kept"),
        (0.29, (earlier(OPTICAL, 5, OPTICAL),), None, "clouded-no-fresh-radar"),
        (0.49, (earlier(OPTICAL, 5, SAR),), None, "clouded-no-fresh-radar"),
        (0.0, (earlier(SAR, 13, SAR),), SAR, "clouded-radar-fresh"),
        (0.0, (earlier(SAR, 13.01, SAR),), None, "clouded-no-fresh-radar"),
        (0.0, (earlier(SAR, 1, None, clear=0.0),), None, "clouded-no-fresh-radar"),
        (0.49, (earlier(OPTICAL, 5, SAR), earlier(SAR, 1, SAR)), SAR, "clouded-radar-fresh"),
    ],
)
def test_at_an_optical_look(share: float, before: tuple[Choice, ...], record: Sensor | None, reason: str) -> None:
    """Optics where they see enough, with hysteresis; else the newest radar pass if it is fresh."""
    assert chosen(OPTICAL, share, *before) == (record, reason)


@pytest.mark.parametrize(
    ("share", "before", "record", "reason"),
    [
        (1.0, (), SAR, "no-fresh-optics"),
        (1.0, (earlier(OPTICAL, 2.01, OPTICAL),), SAR, "no-fresh-optics"),
        (1.0, (earlier(OPTICAL, 2, OPTICAL),), OPTICAL, "optics-fresh"),
        (1.0, (earlier(OPTICAL, 1, SAR),), SAR, "optics-clouded"),
        (1.0, (earlier(OPTICAL, 1, None),), SAR, "optics-clouded"),
        (0.0, (), None, "unseen"),
    ],
)
def test_at_a_radar_pass(share: float, before: tuple[Choice, ...], record: Sensor | None, reason: str) -> None:
    """Radar, unless optics saw the tile clearly shortly before."""
    assert chosen(SAR, share, *before) == (record, reason)


@pytest.mark.parametrize("policy", [SensorPolicy.BOTH, SensorPolicy.OPTICAL_ONLY, SensorPolicy.RADAR_ONLY])
def test_other_policies_leave_no_choice(policy: SensorPolicy) -> None:
    """Whatever sensor is looked with counts, where it sees anything."""
    for sensor in sensors_of(policy):
        assert chosen(sensor, 0.1, earlier(OPTICAL, 1, OPTICAL), policy=policy) == (sensor, "policy")
        assert chosen(sensor, 0.0, policy=policy) == (None, "unseen")


def test_a_policy_names_its_sensors() -> None:
    """What is not looked at is not searched either."""
    assert sensors_of(SensorPolicy.OPTICAL_ONLY) == (OPTICAL,)
    assert sensors_of(SensorPolicy.RADAR_ONLY) == (SAR,)
    assert sensors_of(SensorPolicy.BOTH) == sensors_of(WHEN_CLEAR) == (OPTICAL, SAR)


def test_water_is_seen_and_hidden_ground_is_not() -> None:
    """Of eight equal parts two are seen; what the region leaves out does not count."""
    state = np.tile(np.repeat(np.arange(8, dtype=np.uint8), 32), (256, 1))
    everywhere = np.ones((256, 256), dtype=np.bool_)
    assert clear_fraction(state, everywhere) == 0.25
    assert clear_fraction(state, state < 2) == 0.5
    assert clear_fraction(state, ~everywhere) == 0.0
    assert PixelState(0) is PixelState.VALID
    assert PixelState(5) is PixelState.WATER


def test_choices_are_told_in_words() -> None:
    """Most tiles first; a policy that leaves no choice says nothing."""
    tiles = {Tile(epsg=32633, column=column, row=1): 0.9 if column < 3 else 0.0 for column in range(4)}
    mixed = choose(acquisition(OPTICAL), tiles, WHEN_CLEAR, EarlierChoices(), SETTINGS)
    assert told(mixed) == "; of record: optics on 3 tiles (optical-clear), none on 1 tile (clouded-no-fresh-radar)"
    assert told(choose(acquisition(OPTICAL), tiles, SensorPolicy.BOTH, EarlierChoices(), SETTINGS)) == ""
