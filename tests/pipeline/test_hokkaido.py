"""The main job on real scenes: the hills of Atsuma before and after the earthquake of September 2018."""

from pathlib import Path

import pytest

from benchmarks import hokkaido, iburi
from monitor.config import Settings
from monitor.records import EventState
from tests.conftest import ROOT

MODEL = "scar-rgb-noiburi"


def test_the_shipped_default_never_saw_these_hills() -> None:
    """The configuration's default model is the one trained without patches that look like Iburi."""
    assert Settings.model_fields["model"].default == MODEL


def test_the_slopes_that_failed_are_alerted_and_little_else(data_folder: Path, tmp_path: Path) -> None:
    """At least 85 % of the cleared slopes lie in outlines; under 5 % of the alerted area is on anything else."""
    if not (data_folder / iburi.CATALOG).is_file():
        pytest.skip(f"no {iburi.CATALOG} in {data_folder}")
    pair = iburi.open_pair(data_folder)
    settings = iburi.settings_for(data_folder, tmp_path, ROOT / "models" / MODEL)
    done = hokkaido.finished_pass(settings, pair)
    shipped = hokkaido.score("as shipped", done.events, hokkaido.see(pair, done))
    assert shipped.cleared >= 0.85
    assert shipped.cream >= 0.85
    assert shipped.wrong["any"] < 0.05
    assert {event.state for event in done.events} == {EventState.PROVISIONAL}
    assert all((settings.products / str(event.picture)).is_file() for event in done.events)
    assert done.coverage.compared < 0.6, "much of the region has no earlier look, and that is said"
    assert done.coverage.not_compared
