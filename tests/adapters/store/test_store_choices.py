"""Which sensor counted on which tile and date is remembered, newest first, and counted."""

from dataclasses import replace

from monitor.adapters.store import ChoiceCount, SqlStore
from monitor.records import Acquisition, Choice, ChoiceReason, Sensor
from tests.adapters.store.factories import LEASE, NOW, TILE, acquisition, choice, day, result

ME = "here@1:1:1"
EAST = replace(TILE, column=151)


def process(store: SqlStore, of: Acquisition, *choices: Choice) -> None:
    """Discover, claim and complete one acquisition."""
    store.discover(of.region, [of], [], NOW)
    entry = store.claim(ME, LEASE, NOW, [of.region])
    assert entry is not None
    assert store.complete(entry.acquisition, ME, result(choices=choices), NOW)


def test_the_newest_choice_before_a_time(store: SqlStore) -> None:
    """By sensor of the acquisition, within the memory, for every tile its own."""
    for number in (1, 2, 3):
        of = acquisition(number)
        process(store, of, choice(of, clear=number / 10), *([choice(of, EAST, None)] if number == 1 else []))
    radar = acquisition(4, sensor=Sensor.SAR)
    process(store, radar, choice(radar))
    found = store.choices_before("atsuma", Sensor.OPTICAL, day(3), day(0))
    assert {tile: (one.clear_fraction, one.record) for tile, one in found.items()} == {
        TILE: (0.2, Sensor.OPTICAL),
        EAST: (0.9, None),
    }
    assert store.choices_before("atsuma", Sensor.OPTICAL, day(3), day(2)).keys() == {TILE}
    assert store.choices_before("atsuma", Sensor.SAR, day(4), day(0)) == {}
    assert store.choices_before("atsuma", Sensor.SAR, day(5), day(0)) == {TILE: choice(radar)}
    assert store.choices_before("abira", Sensor.OPTICAL, day(9), day(0)) == {}


def test_choices_are_counted_by_reason(store: SqlStore) -> None:
    """For status and metrics."""
    one = acquisition(1)
    process(store, one, choice(one), choice(one, EAST, None))
    clear = ChoiceCount(
        region="atsuma", sensor=Sensor.OPTICAL, record=Sensor.OPTICAL, reason=ChoiceReason.OPTICAL_CLEAR, count=1
    )
    clouded = replace(clear, record=None, reason=ChoiceReason.CLOUDED)
    assert store.choices(day(0)) == [clouded, clear]
    assert store.choices(day(2)) == []
