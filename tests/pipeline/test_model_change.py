"""Another model version: the baseline sees on, the network learns, and nothing is judged by foreign numbers."""

from contextlib import closing

import pytest

from monitor.records import AcquisitionState, Detector, Event, EventState, Verdict
from tests.adapters.tiny_model import write_card
from tests.pipeline.world import World

DONE = AcquisitionState.DONE


def exchange(world: World, version: str) -> None:
    """The same network under another version."""
    write_card(world.folder / "models" / "redness", {"scarpwatch:version": version})


def watch_until_alerts(world: World, detector: Detector) -> dict[str, Event]:
    """Open events after the first look behind the storm, by one detector."""
    world.configure(alerts={"detectors": [detector.value]})
    world.once(world.valley.times[2])
    events = {event.id: event for event in world.events()}
    assert len(events) >= 3
    assert {event.detector for event in events.values()} == {detector}
    assert {len(event.evidence) for event in events.values()} == {1}
    return events


def test_baseline_events_are_judged_by_any_model(world: World) -> None:
    """A look through the new model still confirms what the baseline found, against the frozen reflectance."""
    before = watch_until_alerts(world, Detector.BASELINE)
    exchange(world, "2.0.0")
    assert world.once(world.valley.times[3]).errors == ()
    assert world.states()[3] == (DONE, "compared")
    after = {event.id: event for event in world.events()}
    assert set(after) >= set(before)
    said = [event.evidence[-1].verdict for event in after.values() if len(event.evidence) == 2]
    assert said.count(Verdict.SUPPORTS) >= 2
    assert [event.state for event in after.values()].count(EventState.CONFIRMED) >= 2
    confirmed = [event for event in after.values() if event.state is EventState.CONFIRMED]
    assert all(event.picture and (world.products / event.picture).stat().st_size > 10_000 for event in confirmed)


@pytest.mark.parametrize("detector", [Detector.BASELINE, Detector.NETWORK])
def test_a_storm_right_after_the_change(detector: Detector, small_world: World) -> None:
    """The new model's first look is compared in colours: the baseline finds the storm, the network learns."""
    world = small_world
    world.configure(alerts={"detectors": [detector.value]})
    world.once(world.valley.times[1])
    exchange(world, "2.0.0")
    world.once(world.valley.times[2])
    assert world.states()[2] == (DONE, "compared")
    events = world.events()
    assert (len(events) >= 3) is (detector is Detector.BASELINE)
    rows = [row for row in world.dump()["observation"] if row["model_version"] == "2.0.0"]
    assert {(row["reference_count"], row["mean_change"]) for row in rows} <= {(0, None), (1, None), (2, None)}
    world.once(world.valley.times[3])
    assert (len(world.events()) >= 3) is (detector is Detector.BASELINE), "the scars are old ground to the new network"
    said = [event.evidence[-1].verdict for event in world.events()]
    assert detector is Detector.NETWORK or said.count(Verdict.SUPPORTS) >= 2


def test_the_verdict_does_not_depend_on_the_model(small_world: World) -> None:
    """For the baseline the look says the same of an event whether or not the model was changed."""
    watch_until_alerts(small_world, Detector.BASELINE)
    exchange(small_world, "2.0.0")
    small_world.once(small_world.valley.times[3])
    changed = {event.id: event.evidence for event in small_world.events()}
    for path in small_world.folder.glob("watch.db*"):
        path.unlink()
    with closing(small_world.store()) as store:
        store.upgrade()
    watch_until_alerts(small_world, Detector.BASELINE)
    small_world.once(small_world.valley.times[3])
    same = {event.id: event.evidence for event in small_world.events()}
    assert changed == {event_id: same[event_id] for event_id in changed}


def test_network_events_wait_for_their_own_model(small_world: World) -> None:
    """A look of another version says nothing of a network event; one of the version that opened it speaks again."""
    before = watch_until_alerts(small_world, Detector.NETWORK)
    exchange(small_world, "2.0.0")
    assert small_world.once(small_world.valley.times[3]).errors == ()
    for event in small_world.events():
        assert event.state is before[event.id].state
        opened, heard = event.evidence
        assert (heard.verdict, heard.detail) == (Verdict.NOT_OBSERVED, "another model version")
        assert (opened.verdict, event.model_version) == (Verdict.OPENS, "1.0.0")
    exchange(small_world, "1.0.0")
    small_world.reprocess(3)
    small_world.once(small_world.valley.times[3])
    said = [event.evidence[-1].verdict for event in small_world.events() if len(event.evidence) == 3]
    assert said.count(Verdict.SUPPORTS) >= 2


def test_foreign_looks_are_said_once_per_pass(small_world: World) -> None:
    """The same pass in another version of its pixels adds no second word to an event that it cannot judge."""
    watch_until_alerts(small_world, Detector.NETWORK)
    exchange(small_world, "2.0.0")
    small_world.once(small_world.valley.times[3])
    small_world.reprocess(3)
    assert small_world.once(small_world.valley.times[3]).processed == 1
    assert {len(event.evidence) for event in small_world.events()} == {2}
