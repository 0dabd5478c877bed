"""Pictures follow their event; the chips of what opened it stay."""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio

from monitor.adapters.chip_files import alert_folder, read_chips, wider_folder
from monitor.adapters.chips import Chips
from monitor.adapters.illustrations import Illustrations
from monitor.core.grid import neighbour
from monitor.core.lifecycle import LifecycleSettings, replay
from monitor.errors import AssetUnavailable
from monitor.records import Detector, Event, EventState, Evidence, Look, PixelState, Tile, Verdict
from tests.adapters.test_picture import AFTER, BEFORE, TILE, make_event, make_look, outline

EAST_OF = neighbour(TILE, 1, 0)
LATER = AFTER + timedelta(days=5)
PICTURE = "alerts/atsuma-7f3a2c/alert.png"
TIFFS = ("before.tif", "after.tif", "probability.tif", "change.tif")


def looks(value: float, acquisition: str, days: int = 0) -> dict[Tile, Look]:
    """One acquisition's looks at two tiles."""
    at_hand = {tile: make_look(tile, AFTER + timedelta(days=days), value) for tile in (TILE, EAST_OF)}
    return {tile: replace(look, acquisition_id=acquisition) for tile, look in at_hand.items()}


def ground_before(_event: Event, tiles: Sequence[Tile]) -> Mapping[Tile, Look]:
    """Dark ground everywhere."""
    return {tile: make_look(tile, BEFORE, 0.05) for tile in tiles}


def opened(strength: float = 8.4) -> Event:
    """An event on the evidence of the look that opened it: an alert, or weaker a candidate."""
    event = make_event()
    return lived(replace(event, evidence=(replace(event.evidence[0], strength=strength),)))


def lived(event: Event) -> Event:
    """The event with the states that follow from its evidence."""
    steps = replay(event.evidence, LifecycleSettings())
    return replace(event, transitions=steps, state=steps[-1].state)


def heard(event: Event, verdict: Verdict, acquisition: str = "b", days: int = 5) -> Event:
    """The event after another look."""
    when = AFTER + timedelta(days=days)
    piece = replace(event.evidence[0], acquisition_id=acquisition, sensing_time=when, verdict=verdict, level=0.1)
    return lived(replace(event, evidence=(*event.evidence, piece), picture="alerts/atsuma-7f3a2c/alert.png"))


def later(event: Event, state: EventState, verdict: Verdict) -> Event:
    """The event after another look, in whatever state."""
    return replace(heard(event, verdict), state=state)


def grown(event: Event, width_m: float = 1800, acquisition: str = "b", days: int = 5) -> Event:
    """The event after a look that supports and enlarges it."""
    supported = heard(event, Verdict.SUPPORTS, acquisition, days)
    return replace(supported, geometry=outline(width_m, 400), area_ha=width_m * 0.04, picture=None)


def chips_in(root: Path, widened_by: str | None = None) -> Chips:
    """The chips of the event: the first ones, or those of the pass that widened them."""
    event_id = opened().id
    return read_chips(root, wider_folder(event_id, widened_by) if widened_by else alert_folder(event_id))


def tree(root: Path) -> dict[str, bytes]:
    """Every file of the product folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


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


def test_a_late_look_that_shows_it_first_changes_no_chip(tmp_path: Path) -> None:
    """The panels stay those of the look that people saw; the list begins with the late one."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    first = content(tmp_path)
    late = heard(opened(), Verdict.SUPPORTS, "b", -5)
    assert late.transitions[0].acquisition_id == "b"
    draw(tmp_path, late, looks(0.1, "b", -5))
    assert {name for name, kept in content(tmp_path).items() if first[name] != kept} == {"alert.png"}


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
    assert chips_in(tmp_path).probability.max() == pytest.approx(0.6, abs=1e-4)


def test_a_killed_try_at_promoting_a_candidate_leaves_nothing(tmp_path: Path) -> None:
    """A candidate's first chips are of the look that makes it an alert: the version that does replaces an earlier."""
    weak = opened(strength=0.1)
    assert weak.state is EventState.CANDIDATE
    draw(tmp_path / "killed", heard(weak, Verdict.SUPPORTS, "b_v1"), looks(0.9, "b_v1", 5))
    for folder in ("killed", "clean"):
        draw(tmp_path / folder, heard(weak, Verdict.SUPPORTS, "b_v2"), looks(0.3, "b_v2", 5))
    assert tree(tmp_path / "killed") == tree(tmp_path / "clean")
    promoted = heard(heard(weak, Verdict.SUPPORTS, "b_v2"), Verdict.SUPPORTS, "c_v1", 10)
    draw(tmp_path / "clean", promoted, looks(0.1, "c_v1", 10))
    assert chips_in(tmp_path / "clean").after.sensing_time == LATER


def test_a_little_growth_keeps_the_chips(tmp_path: Path) -> None:
    """Inside the kept view the outline alone is new."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    first = tree(tmp_path)
    draw(tmp_path, grown(opened(), 500), looks(0.1, "b", 5))
    assert {name for name, kept in tree(tmp_path).items() if first.get(name) != kept} == {PICTURE}


def test_outgrown_chips_are_widened_around_what_was_kept(tmp_path: Path) -> None:
    """The first files stay; in the wider ones beside them the later look surrounds their pixels, and dates say so."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    first, kept = content(tmp_path, TIFFS), chips_in(tmp_path)
    draw(tmp_path, grown(opened()), looks(0.1, "b", 5))
    wide, then = chips_in(tmp_path, "b"), tree(tmp_path)
    draw(tmp_path, grown(opened()), looks(0.1, "b", 5))

    assert tree(tmp_path) == then
    assert content(tmp_path, TIFFS) == first
    assert wide.geobox.boundingbox.left < kept.geobox.boundingbox.left
    across = round((kept.geobox.transform.c - wide.geobox.transform.c) / 10)
    down = round((wide.geobox.transform.f - kept.geobox.transform.f) / 10)
    inside = np.s_[..., down : down + kept.geobox.shape[0], across : across + kept.geobox.shape[1]]
    assert np.array_equal(wide.after.reflectance[inside], kept.after.reflectance)
    assert np.array_equal(wide.change[inside], kept.change)
    assert wide.probability[down, across - 1] == pytest.approx(0.1, abs=1e-4)
    assert (wide.after.sensing_time, wide.after.other_time) == (AFTER, LATER)
    assert (wide.before.sensing_time, wide.before.other_time) == (BEFORE, None)


def test_a_look_that_shows_nothing_new_is_not_named(tmp_path: Path) -> None:
    """All that a later look adds is without data: the panel has no parts of its date."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    blind = {
        tile: replace(look, state=np.full_like(look.state, PixelState.NODATA))
        for tile, look in looks(0.1, "b", 5).items()
    }
    draw(tmp_path, grown(opened()), blind)
    assert chips_in(tmp_path, "b").after.other_time is None


def test_wider_chips_are_widened_again(tmp_path: Path) -> None:
    """Each pass surrounds what the one before it left; a look without growth shows the widest and writes no chip."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    twice = grown(grown(opened(), 1800, "b_v1"), 3200, "c_v1", 10)
    draw(tmp_path, grown(opened(), 1800, "b_v1"), looks(0.1, "b_v1", 5))
    draw(tmp_path, twice, looks(0.3, "c_v1", 10))
    before = tree(tmp_path)
    wide = chips_in(tmp_path, "c")
    assert set(np.unique(wide.probability.round(3))) >= {np.float32(0.1), np.float32(0.3), np.float32(0.6)}

    draw(tmp_path, heard(twice, Verdict.SUPPORTS, "d_v1", 15), looks(0.2, "d_v1", 15))
    assert {name for name, kept in tree(tmp_path).items() if before.get(name) != kept} == {PICTURE}


def test_a_large_event_keeps_the_resolution_of_its_first_chips(tmp_path: Path) -> None:
    """Beyond 10 km wider chips have 20 m pixels; those of 10 m stay beside them."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    draw(tmp_path, grown(opened(), 9000), looks(0.1, "b", 5))
    assert (chips_in(tmp_path).geobox.transform.a, chips_in(tmp_path, "b").geobox.transform.a) == (10, 20)


@pytest.mark.parametrize("written", range(5))
def test_killed_while_chips_are_widened(written: int, tmp_path: Path) -> None:
    """After any number of files of one version, the next version ends like an undisturbed one."""
    for folder in ("clean", "killed"):
        draw(tmp_path / folder, opened(), looks(0.6, "a_v1"))
    draw(tmp_path / "killed", grown(opened(), 1800, "b_v1"), looks(0.9, "b_v1", 5))
    for name in TIFFS[written:]:
        (tmp_path / "killed" / wider_folder(opened().id, "b") / name).unlink()
    for folder in ("clean", "killed"):
        draw(tmp_path / folder, grown(opened(), 1800, "b_v2"), looks(0.1, "b_v2", 5))
    assert tree(tmp_path / "killed") == tree(tmp_path / "clean")


@pytest.mark.parametrize("following", ["b_v2", "c_v1"])
def test_a_growth_that_was_never_committed_is_not_shown(following: str, tmp_path: Path) -> None:
    """A killed version widened the chips; what comes instead sees no growth and shows the first ones."""
    for folder in ("clean", "killed"):
        draw(tmp_path / folder, opened(), looks(0.6, "a_v1"))
    draw(tmp_path / "killed", grown(opened(), 1800, "b_v1"), looks(0.9, "b_v1", 5))
    for folder in ("clean", "killed"):
        draw(tmp_path / folder, heard(opened(), Verdict.SUPPORTS, following, 10), looks(0.1, following, 10))
    assert content(tmp_path / "killed") == content(tmp_path / "clean")
    if following == "b_v2":
        assert tree(tmp_path / "killed") == tree(tmp_path / "clean")


@pytest.mark.parametrize("name", TIFFS)
@pytest.mark.parametrize("broken", [None, b"", b"II*\0", 200])
def test_a_lost_chip_is_cut_anew_and_the_others_stay(name: str, broken: bytes | int | None, tmp_path: Path) -> None:
    """Gone, empty, no raster or cut short: this one file is of the looks at hand, the others are what they were."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    first = content(tmp_path, TIFFS)
    lost = tmp_path / "alerts" / opened().id / name
    lost.unlink()
    if broken is not None:
        lost.write_bytes(first[name][:broken] if isinstance(broken, int) else broken)
    assert draw(tmp_path, heard(opened(), Verdict.SUPPORTS), looks(0.1, "b", 5)) is not None

    then = content(tmp_path, TIFFS)
    assert {one for one in TIFFS if then[one] != first[one]} <= {name}
    chips = chips_in(tmp_path)
    assert chips.after.sensing_time == (LATER if name == "after.tif" else AFTER)
    assert chips.probability.max() == pytest.approx(0.1 if name == "probability.tif" else 0.6, abs=1e-4)


def test_all_chips_lost_are_cut_anew(tmp_path: Path) -> None:
    """A picture of the looks at hand is better than none."""
    assert draw(tmp_path, heard(opened(), Verdict.SUPPORTS), looks(0.1, "b", 5)) is not None
    assert chips_in(tmp_path).after.sensing_time == LATER


def test_a_lost_wider_chip_is_mended_from_the_first(tmp_path: Path) -> None:
    """What the first chips show of it is not taken from a later look."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    wide = grown(opened())
    draw(tmp_path, wide, looks(0.1, "b", 5))
    (tmp_path / wider_folder(wide.id, "b") / "probability.tif").unlink()
    draw(tmp_path, heard(wide, Verdict.SUPPORTS, "c", 10), looks(0.3, "c", 10))
    assert set(np.unique(chips_in(tmp_path, "b").probability.round(3))) >= {np.float32(0.3), np.float32(0.6)}


@pytest.mark.parametrize("name", TIFFS)
@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.EACCES])
def test_a_read_error_that_passes_destroys_nothing(
    name: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's failure to give a file is no loss of it: try again later, with every byte as it was."""
    draw(tmp_path, opened(), looks(0.6, "a"))
    first = tree(tmp_path)
    read_bytes = Path.read_bytes

    def failing(path: Path) -> bytes:
        if path.name == name:
            raise OSError(number, "it passes", str(path))
        return read_bytes(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", failing)
        with pytest.raises(AssetUnavailable, match=name):
            draw(tmp_path, heard(opened(), Verdict.SUPPORTS), looks(0.1, "b", 5))
    assert tree(tmp_path) == first


def test_chips_that_do_not_say_what_told_clouds(tmp_path: Path) -> None:
    """Those of the time before there was another source: the producer's classification."""
    draw(tmp_path, opened(), looks(0.6, "a"), "bright-white")
    target = tmp_path / "alerts" / opened().id / "after.tif"
    with rasterio.open(target) as dataset:
        profile, values, tags = dataset.profile, dataset.read(), dataset.tags()
    assert tags.pop("MASK_SOURCE") == "bright-white"
    with rasterio.open(target, "w", **profile) as dataset:
        dataset.write(values)
        dataset.update_tags(**tags)
    draw(tmp_path, heard(opened(), Verdict.SUPPORTS), looks(0.1, "b", 5))
    assert chips_in(tmp_path).after.sensing_time == AFTER
    assert chips_in(tmp_path).mask_source == "scl"


def test_nothing_to_draw_from_is_no_picture(tmp_path: Path) -> None:
    """No chips and no look at the place: the event goes without."""
    elsewhere = neighbour(TILE, 20, 0)
    event = later(opened(), EventState.CONFIRMED, Verdict.SUPPORTS)
    assert draw(tmp_path, event, {elsewhere: make_look(elsewhere, LATER, 0.1)}) is None


def test_what_told_clouds_is_kept(tmp_path: Path) -> None:
    """The legend of a picture that is drawn again needs it."""
    draw(tmp_path, opened(), looks(0.6, "a"), "bright-white")
    assert chips_in(tmp_path).mask_source == "bright-white"


def test_no_look_before_is_drawn_as_no_data(tmp_path: Path) -> None:
    """All looks before are lost: the rest of the picture is drawn."""
    at_hand = looks(0.6, "a")
    event = opened()
    Illustrations(tmp_path, {}, 0.5).illustrate([event], at_hand, {}, lambda _event, _tiles: {}, "scl")
    chips = chips_in(tmp_path)
    assert (chips.before.state == PixelState.NODATA).all()
    assert np.isnan(chips.change).all()


def test_evidence_of_every_kind_is_listed(tmp_path: Path) -> None:
    """Each verdict has a colour and a word, and a long list fits."""
    pieces: list[Evidence] = []
    for number, verdict in enumerate([Verdict.OPENS, *Verdict, *Verdict]):
        when = AFTER + timedelta(days=number)
        pieces.append(replace(opened().evidence[0], sensing_time=when, verdict=verdict))
    assert draw(tmp_path, replace(opened(), evidence=tuple(pieces)), looks(0.6, "a")) is not None
