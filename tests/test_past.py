"""Frozen looks of events: shared where they are the same, and kept apart where they are not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import numpy as np

from monitor.core.change import AlertSettings
from monitor.core.reference import Reference
from monitor.past import EarlierLooks
from monitor.ports import LookArchive, Store
from monitor.records import Event, Look, Sensor, Tile
from tests.adapters.store.factories import acquisition, event
from tests.adapters.test_picture import make_look

ONE = Tile(epsg=32633, column=200, row=2000)
TWO = Tile(epsg=32633, column=201, row=2000)
RADAR = "sar:R046:ascending:vv+vh:sentinel-1-rtc"


class Kept:
    """Frozen looks by event: each is as bright as its name says, in tenths."""

    def __init__(self, references: Mapping[str, Mapping[Tile, Sequence[str]]]) -> None:
        self._references = references

    def reference(self, event_id: str, comparable: str) -> Mapping[Tile, Sequence[str]]:
        """Of an event."""
        assert comparable == Sensor.OPTICAL.value
        return self._references[event_id]

    def read(self, href: str) -> Look:
        """looks/<tile>/<tenths>.tif"""
        _, tile, name = href.split("/")
        tenths = int(name.removesuffix(".tif"))
        when = datetime(2026, 1, tenths, tzinfo=UTC)
        return make_look(ONE if tile == ONE.id else TWO, when, tenths / 10)


def hrefs(tile: Tile, *tenths: int) -> list[str]:
    """Looks of a tile."""
    return [f"looks/{tile.id}/{one}.tif" for one in tenths]


def brightness(references: Mapping[str, Mapping[Tile, Sequence[str]]], *events: Event) -> dict[str, dict[Tile, float]]:
    """What the ground was like before each event on its tiles."""
    kept = Kept(references)
    earlier = EarlierLooks(
        cast(Store, kept), cast(LookArchive, kept), acquisition(9), "m", replace(AlertSettings(), looks=3)
    )
    found = {}
    for group in earlier.frozen(events, {}):
        for one in group.events:
            found[one.id] = {
                tile: round(float(np.median(before.pixels)), 2)
                for tile in references[one.id]
                if isinstance(before := group.past[tile], Reference)
            }
    return found


def test_another_sensors_events_with_the_same_newest_looks() -> None:
    """Two events of radar share the names of their newest optical looks, on other tiles: each keeps its own ground."""
    swapped = {
        "E1": {ONE: hrefs(ONE, 5), TWO: hrefs(TWO, 7)},
        "E2": {ONE: hrefs(ONE, 7), TWO: hrefs(TWO, 5)},
    }
    of_radar = [replace(event(acquisition(1), name), comparable=RADAR) for name in swapped]
    assert brightness(swapped, *of_radar) == {"E1": {ONE: 0.5, TWO: 0.7}, "E2": {ONE: 0.7, TWO: 0.5}}


def test_a_late_look_between_two_events_of_one_opening() -> None:
    """An event that grew onto a tile after a late look came has other looks there than one that had it before."""
    grown = {"E1": {ONE: hrefs(ONE, 5, 4, 3)}, "E2": {ONE: hrefs(ONE, 5, 1, 1), TWO: hrefs(TWO, 5)}}
    together = [event(acquisition(1), name) for name in grown]
    assert brightness(grown, *together) == {"E1": {ONE: 0.4}, "E2": {ONE: 0.1, TWO: 0.5}}


def test_events_that_share_all_they_have_are_judged_together() -> None:
    """So that a storm of many events is compared once, not event by event."""
    shared = {
        "E1": {ONE: hrefs(ONE, 5, 4)},
        "E2": {ONE: hrefs(ONE, 5, 4), TWO: hrefs(TWO, 6)},
        "E3": {TWO: hrefs(TWO, 6)},
    }
    kept = Kept(shared)
    earlier = EarlierLooks(cast(Store, kept), cast(LookArchive, kept), acquisition(9), "m", AlertSettings())
    (group,) = earlier.frozen([event(acquisition(1), name) for name in shared], {})
    assert [one.id for one in group.events] == ["E1", "E2", "E3"]
    assert set(group.past) == {ONE, TWO}
