"""Sites of events never seen and sites beside what was trained on: held out, guarded, and scored apart."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from monitor.errors import ConfigError
from tests.training.event_files import write_event
from training.__main__ import app
from training.datasets.event_layout import EventsFile
from training.datasets.events import ROWS, load_events, place_of
from training.event_inputs import event_input
from training.experiment import DataSettings, Experiment, save_experiment
from training.material import gather
from training.samples import LANDSLIDE, STABLE, Samples
from training.scoring import evaluation
from training.sites import blocks, dependent_evaluation, dependent_ids, split_by_site
from training.splits import LeakKind, SplitKind, leaks

BANDS = ("vv", "vh", "vv:before", "vh:before", "elevation", "slope")
DATA = DataSettings(kind="events", path="events", bands=BANDS, split="groups", dependent=0.25)
SITES = "independent: [storm]\nthreshold: [flood]\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data with four events of two rows of four chips; one is scored, one chooses the threshold."""
    folder = tmp_path_factory.mktemp("data")
    for number, name in enumerate(("flood", "quake", "rain", "storm")):
        write_event(folder / "events" / name, number, before=1, after=1)
    (folder / "events" / "events.yaml").write_text(SITES)
    return folder


@pytest.fixture(scope="module")
def samples(data: Path) -> Samples:
    """All chips."""
    return load_events(data / "events", [event_input(name) for name in BANDS]).samples


def columns(samples: Samples, ids: frozenset[int]) -> dict[str, set[int]]:
    """Which columns of chips of which event."""
    found: dict[str, set[int]] = {}
    for number, event in zip(samples.ids.tolist(), samples.groups.tolist(), strict=True):
        if number in ids:
            found.setdefault(event, set()).add(place_of(number)[2])
    return found


def test_a_side_of_every_seen_event_is_held_out_with_a_guard(data: Path) -> None:
    """The last column is scored, the one beside it is on no side, and whole events stay apart."""
    material = gather(DATA, data)
    split = material.split
    assert split.kind is SplitKind.SITES
    assert columns(material.samples, split.dependent) == {"quake": {3}, "rain": {3}}
    assert columns(material.samples, split.train) == {"quake": {0, 1}, "rain": {0, 1}}
    assert columns(material.samples, split.validation) == {"storm": {0, 1, 2, 3}}
    assert columns(material.samples, split.threshold) == {"flood": {0, 1, 2, 3}}
    assert material.leakage.sizes == {"train": 8, "threshold": 8, "validation": 8, "dependent": 4}
    assert not material.leakage.leaks
    assert set(material.dependent().groups) == {"quake", "rain"}


def test_ground_on_both_sides_would_be_found(samples: Samples) -> None:
    """Without the guard chips touch across the sides; a seen event among the independent ones is a leak too."""
    split = split_by_site(samples, ["storm"], ["flood"], 0.25)
    unguarded = replace(split, train=frozenset(samples.ids.tolist()) - split.dependent - split.validation)
    kinds = {leak.kind for leak in leaks(samples, replace(unguarded, threshold=frozenset()))}
    assert kinds == {LeakKind.TOUCHING}
    seen = replace(split, validation=split.validation | {min(split.train)}, train=split.train - {min(split.train)})
    assert LeakKind.SHARED_GROUP in {leak.kind for leak in leaks(samples, seen)}


def test_an_event_whose_slides_lie_together_is_trained_on_as_a_whole(samples: Samples) -> None:
    """Otherwise nothing of it could be learned."""
    clustered = samples.labels.copy()
    far = np.array([place_of(int(one))[2] < 3 for one in samples.ids])
    clustered[far] = STABLE
    assert not dependent_ids(replace(samples, labels=clustered), 0.25)


def test_without_a_share_only_whole_events_are_held_out(data: Path) -> None:
    """An experiment may name them itself; without a name nothing is guessed."""
    named = DATA.model_copy(update={"dependent": 0.0, "validation": ("rain",), "threshold": ("quake",)})
    material = gather(named, data)
    assert material.split.kind is SplitKind.GROUPS
    assert set(material.scored().groups) == {"rain"}
    assert "dependent" not in material.split.sides()
    assert not len(material.dependent())


def test_a_set_that_names_no_sites_is_refused(data: Path, tmp_path: Path) -> None:
    """Before anything is trained."""
    (tmp_path / "events").mkdir()
    for event in ("quake", "storm"):
        (tmp_path / "events" / event).symlink_to(data / "events" / event, target_is_directory=True)
    with pytest.raises(ConfigError, match="nobody says which events are scored"):
        gather(DATA, tmp_path)


def test_both_kinds_are_scored_apart(samples: Samples) -> None:
    """Perfect beside what it knows and blind elsewhere."""
    split = split_by_site(samples, ["storm"], ["flood"], 0.25)

    def predict(chips: Samples) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        known = (chips.groups != "storm")[:, None, None]
        return np.where((chips.labels == LANDSLIDE) & known, np.float32(0.9), np.float32(0.1))

    unseen, beside = samples.take(split.validation), samples.take(split.dependent)
    independent = evaluation(unseen, predict(unseen)).summary(0.5)
    dependent = dependent_evaluation(beside, predict(beside)).summary(0.5)
    assert (independent["f1"], dependent["f1"]) == (0.0, 1.0)
    assert independent["intervals"] == {}, "one event cannot be drawn again"
    assert dependent["intervals"]["f1"] == pytest.approx((1.0, 1.0))


def test_dependent_sites_are_drawn_by_blocks(samples: Samples) -> None:
    """Four chips a side: 5 km."""
    moved = replace(samples, ids=samples.ids + np.where(samples.ids % ROWS == 3, 1, 0))
    names = blocks(moved)[moved.groups == "rain"]
    assert sorted(set(names.tolist())) == ["rain 0-0", "rain 0-1"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bands": ("vv", "B01")}, "no input B01 of events"),
        ({"split": "random"}, "split: groups"),
        ({"inputs": {"vv": {"method": "fixed", "center": 0, "scale": 1}}}, "vv cannot be made by fixed"),
        ({"kind": "cut-chips", "dependent": 0.2, "bands": ("B04",), "split": "random"}, "dependent goes with"),
    ],
)
def test_settings_that_contradict_one_another_are_refused(change: dict[str, object], said: str) -> None:
    """With the reason."""
    with pytest.raises(ValueError, match=said):
        DataSettings.model_validate({**DATA.model_dump(), **change})


def test_events_go_from_rasters_to_a_card_with_both_figures(data: Path, tmp_path: Path) -> None:
    """Trained, exported and scored through the commands; nothing of it calls itself simulated."""
    experiment = Experiment.model_validate(
        {
            "name": "tiny-events",
            "title": "Squares in noise",
            "data": DATA.model_dump(),
            "network": {"architecture": "unet-plain", "pretrained": False, "decoder_channels": [8, 8, 4, 4, 4]},
            "loss": {"name": "dice"},
            "schedule": {"epochs": 1, "batch_size": 4, "averaging": 0.5},
        }
    )
    save_experiment(experiment, tmp_path / "tiny.yaml")
    for command in (("fit", str(tmp_path / "tiny.yaml"), "run"), ("export", "run", "model")):
        arguments = [part if part not in ("run", "model") else str(tmp_path / part) for part in command]
        ended = CliRunner().invoke(app, [*arguments, "--data", str(data), "--threads", "1"], catch_exceptions=False)
        assert ended.exit_code == 0, ended.output
    card = json.loads((tmp_path / "model" / "model.json").read_text())["properties"]
    metrics = card["scarpwatch:metrics"]
    assert (metrics["validation"]["patches"], metrics["dependent"]["patches"]) == (8, 4)
    assert "events that were not trained on" in metrics["validation"]["method"]
    assert "of the same events" in metrics["dependent"]["method"]
    assert "SIMULATED" not in json.dumps(card)
    assert card["mlm:architecture"] == "U-Net of plain convolutions"
    assert "looks before an event" in card["description"]


def test_the_documented_settings_are_read() -> None:
    """Both YAML files that docs/datasets.md shows."""
    text = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    section = text.partition("### Events\n")[2].partition("\n### ")[0]
    settings, experiment = (yaml.safe_load(block.partition("```")[0]) for block in section.split("```yaml\n")[1:])
    assert EventsFile.model_validate(settings).files.slope == "slope.tif"
    assert DataSettings.model_validate(experiment["data"]).dependent == 0.2
