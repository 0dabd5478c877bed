"""What a duty officer is shown, from the first look after the storm to the next."""

from functools import partial

import pytest
import rasterio
from rasterio.features import geometry_mask

from monitor.adapters.chip_files import alert_folder, read_chips
from monitor.core.grid import project
from monitor.records import Event, EventState, PixelState, Verdict
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.processes import Running, die_after
from tests.pipeline.world import Source, World, files, make_world

CHIPS = ("before.tif", "after.tif", "probability.tif", "change.tif")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, wide_source: Source) -> World:
    """Watched up to the first look after the storm."""
    made = make_world(tmp_path_factory.mktemp("pictures") / "world", wide_source)
    made.hide(3)
    made.once(now=made.valley.times[2])
    return made


def alerts(world: World) -> list[Event]:
    """Events with a picture."""
    return [event for event in world.events() if event.picture]


def test_before_is_the_ground_before_and_after_is_the_look_that_found_it(world: World) -> None:
    """No panel of what was before shows a look of the failure window, and its ground is clear there."""
    assert len(alerts(world)) >= 8
    for event in alerts(world):
        chips = read_chips(world.products, alert_folder(event.id))
        assert chips.before.sensing_time <= event.window_start
        assert chips.after.sensing_time == event.window_end
        outline = project(event.geometry, 4326, str(chips.geobox.crs))
        ground = geometry_mask([outline], chips.geobox.shape, chips.geobox.transform, invert=True)
        assert (chips.before.state[ground] == PixelState.VALID).mean() >= 0.5
        assert (chips.after.state[ground] == PixelState.VALID).mean() >= 0.9


def test_pictures_of_alerts_follow_them_and_their_evidence_stays(world: World) -> None:
    """The second look draws every picture anew of whose ground it says something; no chip of the first changes."""
    first, events = files(world), {event.id: event for event in alerts(world)}
    world.publish()
    world.once(now=world.valley.times[3])
    second = files(world)
    confirmed = 0
    for event in alerts(world):
        if event.id not in events:
            continue
        folder = f"alerts/{event.id}"
        fresh = event.evidence[len(events[event.id].evidence) :]
        heard = any(piece.verdict is not Verdict.NOT_OBSERVED for piece in fresh)
        assert (second[f"{folder}/alert.png"] != first[f"{folder}/alert.png"]) is heard
        assert event.picture == events[event.id].picture
        confirmed += event.state is EventState.CONFIRMED
        with rasterio.open(world.products / folder / "after.tif") as kept:
            assert kept.tags()["SENSING_TIME"] == events[event.id].window_end.isoformat()
        assert all(second[f"{folder}/{name}"] == first[f"{folder}/{name}"] for name in CHIPS)
    assert confirmed >= 6


@pytest.mark.parametrize("turn", [1, 3])
def test_killed_while_pictures_are_drawn_again(turn: int, small_world: World, clean: Undisturbed) -> None:
    """SIGKILL between the new pictures of the second look, then one clean pass: as if nothing had been."""
    killed = Running(small_world, "once", setup=partial(die_after, "picture", turn, 4)).end()
    assert killed.code < 0, killed
    assert Running(small_world, "once").end().code == 0
    assert small_world.dump() == clean.content
    assert files(small_world) == clean.files
