"""The studies, each by its own way from data to page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from monitor.errors import ConfigError
from training.datasets.folder import data_folder
from training.experiment import Experiment
from training.fit_commands import with_epochs
from training.judging import answers, shipped
from training.material import gather
from training.report.tables import Table
from training.samples import LANDSLIDE, STABLE, Samples
from training.simulated.chips import place_of
from training.simulated.valley_command import describe_valleys, make_valley, order_of
from training.studies import band_choice, events, hiroshima, landslide4sense
from training.studies.comparing import comparison_again, in_words
from training.studies.outcomes import Outcome, Rule, Workshop, balanced, half, highest_f1
from training.studies.records import Study
from training.studies.showing import Remade, change_maps, real_ground_table

_VALLEY_PX: Final = 512
_SHOWN_ROWS: Final = ("d", "h")
_QUICK_EPOCHS: Final = 5
"""On the data of a study."""

Remaking = Callable[[Workshop, Path | None, bool], tuple[Remade, dict[str, bytes]]]
"""Gets the folder of data that was given, and whether the quick form is asked for."""


def hiroshima_again(shop: Workshop, data: Path | None, quick: bool) -> tuple[Remade, dict[str, bytes]]:
    """Study A on simulated valleys, which are made where they are not there; row a on real patches too."""
    study = shop.chosen(hiroshima.study(quick=quick))
    if quick:
        small = order_of(hiroshima.QUICK_VALLEY_PX)
        valleys = _with_valleys(shop, data, hiroshima.QUICK_FOLDER, hiroshima.QUICK_VALLEYS, small)
    else:
        valleys = _with_valleys(shop, data, hiroshima.FOLDER, hiroshima.FULL_VALLEYS, order_of(_VALLEY_PX))
    outcomes: list[Outcome] = []
    at_random: list[Outcome] = []
    others: list[Outcome] = []
    further: list[Table] = []
    pictures: dict[str, bytes] = {}
    for row in study.rows:
        assert row.here is not None
        material = gather(row.here.data, valleys)
        outcomes.append(shop.network(row.name, row.words, row.here, material))
        if row.name == hiroshima.ON_PATCHES:
            further += _on_patches(shop, study, row.here, data, quick=quick)
        if row.name in _SHOWN_ROWS:
            pictures |= _maps(shop, outcomes[-1], material.scored())
        if row.name == hiroshima.RICHEST:
            others += shop.trees(row.name, material)
            rivals = hiroshima.rivals(row.here)
            others += [shop.network(row.name, name, one, material) for name, one in rivals.items()]
        if not quick or row.name == hiroshima.RICHEST:
            at_random.append(_at_random(shop, row.name, row.words, row.here, valleys))
    made = Remade(
        study=study,
        outcomes=tuple(outcomes),
        others=tuple(others),
        at_random=tuple(at_random),
        further=tuple(further),
    )
    return made, pictures


def events_again(shop: Workshop, data: Path | None, quick: bool) -> tuple[Remade, dict[str, bytes]]:
    """Study C: on a folder of events where there is one, else the rows that simulated valleys can show."""
    study = shop.chosen(events.study(quick=quick))
    folder = data if data is not None and (data / events.DATA).is_dir() else None
    on_original = folder is not None
    if folder is None:
        shop.tell(f"simulated valleys stand in for the events: --data DIR with DIR/{events.DATA} takes your own")
        seeds = events.QUICK_VALLEYS if quick else events.FULL_VALLEYS
        order = order_of(_VALLEY_PX, further=events.VALLEY_BANDS)
        folder = _with_valleys(shop, data, events.valleys_folder(quick=quick), seeds, order)
    outcomes = []
    for row in study.rows:
        experiment = row.original if on_original else row.here
        if experiment is not None and (not quick or row.name in events.QUICK_ROWS):
            if on_original and quick:
                experiment = with_epochs(experiment, _QUICK_EPOCHS)
            outcomes.append(shop.network(row.name, row.words, experiment, gather(experiment.data, folder)))
    return Remade(study=study, outcomes=tuple(outcomes), on_original=on_original), {}


def band_choice_again(shop: Workshop, data: Path | None, quick: bool) -> tuple[Remade, dict[str, bytes]]:
    """Study D: on the user's images where there are any, else on the Chittagong chips."""
    study = shop.chosen(band_choice.study(quick=quick))
    folder = data_folder(data)
    on_original = (folder / band_choice.DATA).is_dir()
    outcomes: list[Outcome] = []
    others: list[Outcome] = []
    for row in study.rows:
        experiment = row.original if on_original else row.here
        assert experiment is not None
        material = gather(experiment.data, folder)
        outcomes.append(shop.network(row.name, row.words, experiment, material))
        if row.name == band_choice.SWEPT:
            for size in band_choice.batches(quick=quick):
                swept = band_choice.with_batch(experiment, size)
                others.append(shop.network(row.name, f"batches of {size}", swept, material))
    made = Remade(
        study=study,
        outcomes=tuple(outcomes),
        others=tuple(others),
        others_are="Batches of other sizes than 8",
        on_original=on_original,
    )
    return made, {}


def make_valleys(folder: Path, seeds: range, order: Mapping[str, Any], tell: Callable[[str], None]) -> None:
    """Simulate the valleys that are not there yet; goes on where it was stopped.

    Args:
        folder: of the valleys.
        seeds: theirs.
        order: by `order_of`.
        tell: gets a line for each.
    """
    for place, seed in enumerate(seeds, start=1):
        tell(f"valley {seed} ({place}/{len(seeds)}): {make_valley(folder, seed, order)}")
    describe_valleys(folder)


def same_ground(scored: Samples) -> Samples:
    """Two chips of one place of a simulated valley: with the largest scar there is, and the clearest before it slid."""
    size = (scored.labels == LANDSLIDE).sum(axis=(1, 2))
    seeds, _, places = np.array([place_of(chip) for chip in scored.ids.tolist()]).T
    seen = np.isfinite(scored.pixels).all(axis=1).mean(axis=(1, 2))
    for after in size.argsort()[::-1].tolist():
        scar = scored.labels[after] == LANDSLIDE
        # Of a look after the storm that shows no scar, a cloud hides it: there it is unlabelled.
        whole = (scored.labels[:, scar] == STABLE).any(axis=1)
        before = np.flatnonzero((seeds == seeds[after]) & (places == places[after]) & (size == 0) & whole)
        if len(before):
            return scored.at([int(before[seen[before].argmax()]), after])
    raise ConfigError(
        "no place is shown with and without a scar",
        item=scored.name,
        remedy="Score valleys of which looks before and after the storm are there.",
    )


def _with_valleys(shop: Workshop, data: Path | None, name: str, seeds: range, order: Mapping[str, Any]) -> Path:
    """The folder with the simulated valleys: a given one as it is, if it has them, else that of the runs."""
    if data is not None and (data / name).is_dir():
        return data
    make_valleys(shop.own_data / name, seeds, order, shop.tell)
    return shop.own_data


def _at_random(shop: Workshop, row: str, words: str, experiment: Experiment, data: Path) -> Outcome:
    leaky = hiroshima.at_random(experiment)
    return shop.network(row, words, leaky, gather(leaky.data, data))


def _on_patches(shop: Workshop, study: Study, experiment: Experiment, data: Path | None, *, quick: bool) -> list[Table]:
    """Row a on true-colour patches, where they are at hand."""
    row, real = study.row(hiroshima.ON_PATCHES), hiroshima.on_patches(experiment, quick=quick)
    if data is None or not (data / real.data.path).is_file():
        shop.tell(f"row {row.name} is not made on real ground: it needs --data DIR with DIR/{real.data.path}")
        return []
    material = gather(real.data, data)
    outcome = shop.network(row.name, f"{row.words} on real patches", real, material)
    return [real_ground_table(study, outcome, in_words(landslide4sense.AT_HAND, material.split))]


def _maps(shop: Workshop, outcome: Outcome, scored: Samples) -> dict[str, bytes]:
    assert outcome.model is not None
    chips = same_ground(scored)
    said = answers(shipped(outcome.model, shop.threads), chips)
    return {f"Row {outcome.row}, {outcome.words}: one place of an unseen valley": change_maps(chips, said)}


STUDIES: Final[dict[str, Remaking]] = {
    "A": hiroshima_again,
    "B": comparison_again,
    "C": events_again,
    "D": band_choice_again,
}

RULES: Final[dict[str, Rule]] = {"A": balanced, "B": highest_f1, "C": half, "D": half}
"""Where each study sets the threshold."""
