"""Pictures follow their event; the chips of what opened it stay."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.chips import read_chips
from monitor.adapters.illustrations import Illustrations
from monitor.core.grid import neighbour
from monitor.records import Detector, Event, EventState, Evidence, Look, PixelState, Tile, Verdict
from tests.adapters.test_picture import AFTER, BEFORE, TILE, make_event, make_look, outline

EAST_OF = neighbour(TILE, 1, 0)
LATER = AFTER + timedelta(days=5)
TIFFS = ("before.tif", "after.tif", "probability.tif", "change.tif")


def looks(value: float, acquisition: str, days: int = 0) -> dict[Tile, Look]:
    """One acquisition's looks at two tiles."""
    at_hand = {tile: make_look(tile, AFTER + timedelta(days=days), value) for tile in (TILE, EAST_OF)}
    return {tile: replace(look, acquisition_id=acquisition) for tile, look in at_hand.items()}


def ground_before(_event: Event, tiles: Sequence[Tile]) -> Mapping[Tile, Look]:
    """Dark ground everywhere."""
    return {tile: make_look(tile, BEFORE, 0.05) for tile in tiles}


def opened() -> Event:
    """An alert on the evidence of the look that opened it."""
    event = make_event()
    return replace(event, evidence=event.evidence[:1])


def later(event: Event, state: EventState, verdict: Verdict) -> Event:
    """The event after another look."""
    piece = replace(event.evidence[0], acquisition_id="b", sensing_time=LATER, verdict=verdict, level=0.1)
    return replace(event, state=state, evidence=(*event.evidence, piece), picture="alerts/atsuma-7f3a2c/alert.png")


def draw(root: Path, event: Event, at_hand: Mapping[Tile, Look], mask_source: str = "scl") -> str | None:
    """Illustrate one event; the change is the look itself."""
    change = {Detector.NETWORK: {tile: look.probability for tile, look in at_hand.items()}}
    drawn = Illustrations(root, {}, 0.5).illustrate([event], at_hand, change, ground_before, mask_source)
    return drawn.get(event.id)


def content(root: Path, names: Sequence[str] = (*TIFFS, "alert.png")) -> dict[str, bytes]:
    """Files of the event."""
    return {name: (root / "alerts" / "atsuma-7f3a2c" / name).read_bytes() for name in names}


@pytest.mark.parametrize("state", [EventState.CONFIRMED, EventState.REFUTED, EventState.CLOSED, EventState.EXPIRED])
def test_a_picture_follows_the_state_and_its_panels_stay(state: EventState, tmp_path: Path) -> None:
    """A later look changes the picture and no chip; the same again gives the same bytes."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    first = content(tmp_path)
    draw(tmp_path, later(opened(), state, Verdict.SUPPORTS), looks(0.1, "b", 5))
    second = content(tmp_path)
    draw(tmp_path, later(opened(), state, Verdict.SUPPORTS), looks(0.1, "b", 5))

    assert {name for name in first if first[name] != second[name]} == {"alert.png"}
    assert content(tmp_path) == second


def test_another_look_at_the_same_state_is_listed(tmp_path: Path) -> None:
    """A look that saw nothing changes no state, and the picture says that it was there."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    first = content(tmp_path)["alert.png"]
    draw(tmp_path, later(opened(), EventState.PROVISIONAL, Verdict.NOT_OBSERVED), looks(0.1, "b", 5))
    assert content(tmp_path)["alert.png"] != first


def test_a_killed_try_leaves_nothing_of_its_own(tmp_path: Path) -> None:
    """Chips of another version of the opening look, left by a process that was killed, are replaced."""
    draw(tmp_path, opened(), looks(0.9, "a"))
    draw(tmp_path, opened(), looks(0.6, "a"))
    assert read_chips(tmp_path, opened().id).probability.max() == pytest.approx(0.6, abs=1e-4)


def test_a_little_growth_keeps_the_chips(tmp_path: Path) -> None:
    """Inside the kept view the outline alone is new."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    first = content(tmp_path)
    grown = replace(opened(), geometry=outline(500, 400), area_ha=20.0, picture=None)
    draw(tmp_path, grown, looks(0.1, "b", 5))
    assert {name for name in first if first[name] != content(tmp_path)[name]} == {"alert.png"}


def test_outgrown_chips_are_widened_around_what_was_kept(tmp_path: Path) -> None:
    """The kept pixels stay, the later look surrounds them, and the picture's dates say so; again: the same bytes."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    kept = read_chips(tmp_path, opened().id)
    grown = replace(opened(), geometry=outline(1800, 400), area_ha=72.0, picture=None)
    draw(tmp_path, grown, looks(0.1, "b", 5))
    wide = read_chips(tmp_path, grown.id)
    first = content(tmp_path)
    draw(tmp_path, grown, looks(0.1, "b", 5))

    assert content(tmp_path) == first
    assert wide.geobox.boundingbox.left < kept.geobox.boundingbox.left
    across = round((kept.geobox.transform.c - wide.geobox.transform.c) / 10)
    down = round((wide.geobox.transform.f - kept.geobox.transform.f) / 10)
    inside = np.s_[..., down : down + kept.geobox.shape[0], across : across + kept.geobox.shape[1]]
    assert np.array_equal(wide.after.reflectance[inside], kept.after.reflectance)
    assert np.array_equal(wide.change[inside], kept.change)
    assert wide.probability[down, across - 1] == pytest.approx(0.1, abs=1e-4)
    assert (wide.after.sensing_time, wide.after.other_time) == (AFTER, LATER)
    assert (wide.before.sensing_time, wide.before.other_time) == (BEFORE, None)


@pytest.mark.parametrize("written", range(4))
def test_killed_while_chips_are_widened(written: int, tmp_path: Path) -> None:
    """After any number of files the rest can be read as it was, and the next try ends like an undisturbed one."""
    grown = replace(opened(), geometry=outline(1800, 400), area_ha=72.0, picture=None)
    for folder in ("clean", "killed"):
        draw(tmp_path / folder, opened(), looks(0.6, "a"))
    before = read_chips(tmp_path / "clean", grown.id)
    draw(tmp_path / "clean", grown, looks(0.1, "b", 5))
    for name in TIFFS[:written]:
        target = tmp_path / "killed" / "alerts" / grown.id / name
        target.write_bytes(content(tmp_path / "clean")[name])

    half = read_chips(tmp_path / "killed", grown.id)
    assert half.geobox == before.geobox
    assert np.array_equal(half.before.reflectance, before.before.reflectance)
    assert np.array_equal(half.after.state, before.after.state)
    draw(tmp_path / "killed", grown, looks(0.1, "b", 5))
    assert content(tmp_path / "killed") == content(tmp_path / "clean")


def test_lost_chips_are_cut_anew(tmp_path: Path) -> None:
    """A picture of the looks at hand is better than none."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    (tmp_path / "alerts" / opened().id / "after.tif").unlink()
    assert draw(tmp_path, later(opened(), EventState.CONFIRMED, Verdict.SUPPORTS), looks(0.1, "b", 5)) is not None
    assert read_chips(tmp_path, opened().id).after.sensing_time == LATER


def test_nothing_to_draw_from_is_no_picture(tmp_path: Path) -> None:
    """No chips and no look at the place: the event goes without."""
    elsewhere = neighbour(TILE, 20, 0)
    event = later(opened(), EventState.CONFIRMED, Verdict.SUPPORTS)
    assert draw(tmp_path, event, {elsewhere: make_look(elsewhere, LATER, 0.1)}) is None


def test_what_told_clouds_is_kept(tmp_path: Path) -> None:
    """The legend of a picture that is drawn again needs it."""
    draw(tmp_path, opened(), looks(0.6, "a"), "bright-white")
    assert read_chips(tmp_path, opened().id).mask_source == "bright-white"


def test_no_look_before_is_drawn_as_no_data(tmp_path: Path) -> None:
    """All looks before are lost: the rest of the picture is drawn."""
    at_hand = looks(0.6, "a")
    event = opened()
    Illustrations(tmp_path, {}, 0.5).illustrate([event], at_hand, {}, lambda _event, _tiles: {}, "scl")
    chips = read_chips(tmp_path, event.id)
    assert (chips.before.state == PixelState.NODATA).all()
    assert np.isnan(chips.change).all()


def test_evidence_of_every_kind_is_listed(tmp_path: Path) -> None:
    """Each verdict has a colour and a word, and a long list fits."""
    pieces: list[Evidence] = []
    for number, verdict in enumerate([Verdict.OPENS, *Verdict, *Verdict]):
        when = AFTER + timedelta(days=number)
        pieces.append(replace(opened().evidence[0], sensing_time=when, verdict=verdict))
    assert draw(tmp_path, replace(opened(), evidence=tuple(pieces)), looks(0.6, "a")) is not None
