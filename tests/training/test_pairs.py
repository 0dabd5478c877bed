"""Pairs of dates made of single ones: what vanishes, what is pasted, and what the labels say about it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from monitor.adapters.model_store import load_card, load_watch_card
from training.__main__ import app
from training.experiment import Experiment, VariationSettings, load_experiment, save_experiment
from training.healing import RIM_PX, healed
from training.networks.build import build_network
from training.networks.pretrained import imagenet_weights
from training.pairs import (
    BEFORE,
    Donor,
    Pair,
    another_day,
    drawn_pair,
    fixed_pairs,
    paired_bands,
    single_bands,
    varied_pair,
    with_decoy,
    with_implant,
)
from training.samples import LANDSLIDE, STABLE, UNLABELLED, Samples

SIDE = 64
DARK, BRIGHT = 60.0, 250.0
RGB = ("B04", "B03", "B02")


def _ground(seed: int = 0) -> np.ndarray:
    """(3, 64, 64) dark noise."""
    return np.random.default_rng(seed).normal(DARK, 4, (3, SIDE, SIDE)).astype(np.float32)


def _square(row: int = 20, column: int = 30, side: int = 10) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[row : row + side, column : column + side] = True
    return mask


def _scarred(mask: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.where(mask, np.float32(BRIGHT), _ground(seed))


def _chips(count: int, masks: list[np.ndarray], group: str = "unknown") -> Samples:
    """Dark chips with bright scars, 8 bits."""
    return Samples(
        name="drawn",
        bands=RGB,
        ids=np.arange(count) + 100,
        pixels=np.stack([_scarred(mask, seed) for seed, mask in enumerate(masks)]).astype(np.uint8),
        labels=np.stack(masks).astype(np.int8),
        groups=np.full(count, group),
        touching=np.zeros((0, 2), np.int64),
    )


def test_a_healed_scar_looks_like_the_ground_around_it() -> None:
    """Mean and texture are the ground's; pixels beyond the rim stay as they were."""
    scar = _square()
    chip = _scarred(scar)
    ground, covered = healed(chip, scar, scar, np.random.default_rng(1))
    assert covered[scar].all()
    assert ground[:, scar].mean() == pytest.approx(DARK, abs=2)
    assert ground[:, scar].std() == pytest.approx(4, abs=1)
    rows, columns = np.nonzero(ground[0] != chip[0])
    assert rows.min() >= 20 - RIM_PX
    assert columns.max() <= 39 + RIM_PX


def test_other_scars_are_never_copied() -> None:
    """Half of the chip is a scar that stays: nothing bright enters the healed one."""
    scar, other = _square(10, 10, 8), np.zeros((SIDE, SIDE), dtype=bool)
    other[:, 32:] = True
    ground, covered = healed(_scarred(scar | other), scar, scar | other, np.random.default_rng(2))
    assert covered[scar].all()
    assert ground[:, scar].max() < 100


def test_a_chip_that_is_all_scar_stays_as_it_is() -> None:
    """Without unslid ground there is nothing to copy, and that is said."""
    scar = np.ones((SIDE, SIDE), dtype=bool)
    chip = _scarred(scar)
    ground, covered = healed(chip, scar, scar, np.random.default_rng(3))
    assert not covered.any()
    np.testing.assert_array_equal(ground, chip)


def test_a_landslide_is_what_only_the_after_shows() -> None:
    """Whatever the fates: labelled ground is bright after and dark before, unlabelled scars are not."""
    scars = _square(8, 8, 6) | _square(40, 40, 6)
    chips, nothing = _chips(1, [scars]), _chips(1, [np.zeros_like(scars)])
    seen = set()
    for seed in range(40):
        pair = drawn_pair(chips, 0, nothing, np.random.default_rng(seed))
        after, before = pair.after.mean(axis=0) > 150, pair.before.mean(axis=0) > 150
        fresh = pair.labels == LANDSLIDE
        np.testing.assert_array_equal(fresh, scars & after & ~before)
        seen |= {(bool(a), bool(b)) for a, b in zip(after[scars], before[scars], strict=True)}
    assert seen == {(True, False), (True, True), (False, True)}, "fresh, old and recovered all occur"


def test_an_implant_is_a_landslide_only_where_it_is_new() -> None:
    """Pasted into the after alone it is labelled; into both or the before alone it is not."""
    scar, nothing = _square(), np.zeros((SIDE, SIDE), dtype=bool)
    donor = Donor(pixels=_scarred(scar, 1), scars=scar)
    quiet = Pair(after=_ground(2), before=_ground(2), labels=np.zeros((SIDE, SIDE), np.int8))
    outcomes = set()
    for seed in range(30):
        pair = with_implant(quiet, donor, nothing, np.random.default_rng(seed))
        after, before = pair.after.mean(axis=0) > 150, pair.before.mean(axis=0) > 150
        outcomes.add((after.any(), before.any()))
        assert (pair.labels == LANDSLIDE).any() == (after.any() and not before.any())
        assert not (pair.labels == LANDSLIDE)[~after].any()
    assert outcomes == {(True, False), (True, True), (False, True)}


def test_nothing_is_learned_where_nobody_labelled() -> None:
    """An implant on mirrored ground stays without label."""
    scar = _square()
    labels = np.full((SIDE, SIDE), UNLABELLED, np.int8)
    quiet = Pair(after=_ground(2), before=_ground(2), labels=labels)
    donor = Donor(pixels=_scarred(scar, 1), scars=scar)
    pair = with_implant(quiet, donor, np.zeros_like(scar), np.random.default_rng(0))
    np.testing.assert_array_equal(pair.labels, labels)


def test_a_decoy_changes_one_half_and_no_label() -> None:
    """Copied ground alone must not be learned as a landslide."""
    scar = _square(side=14)
    quiet = Pair(after=_ground(2), before=_ground(2), labels=np.zeros((SIDE, SIDE), np.int8))
    pair = with_decoy(quiet, Donor(pixels=_ground(3), scars=scar), np.zeros_like(scar), np.random.default_rng(4))
    assert (pair.after != quiet.after).any() != (pair.before != quiet.before).any()
    assert not pair.labels.any()


def test_a_series_gives_true_earlier_dates() -> None:
    """Chips of one ground on several dates are each other's before; one date of many grounds is its own."""
    nothing = np.zeros((SIDE, SIDE), dtype=bool)
    chips = _chips(4, [nothing] * 4, group="slovenia")
    brightness = np.arange(4, dtype=np.float32)[:, None, None, None] * 40 + 40
    chips = replace(chips, pixels=np.broadcast_to(brightness, chips.pixels.shape).copy())
    befores = {round(float(drawn_pair(chips, 0, chips, np.random.default_rng(s)).before.mean())) for s in range(20)}
    assert befores == {40, 80, 120, 160}
    elsewhere = replace(chips, groups=np.full(4, "spain"))
    befores = {round(float(drawn_pair(elsewhere, 0, chips, np.random.default_rng(s)).before.mean())) for s in range(9)}
    assert befores == {40}


def test_held_out_pairs_are_the_same_every_time() -> None:
    """Scores of two runs can be compared: ids alone decide."""
    chips = _chips(3, [_square(), _square(5, 5), _square(40, 10)])
    first, second = fixed_pairs(chips), fixed_pairs(chips)
    assert first.bands == (*RGB, "B04:before", "B03:before", "B02:before")
    assert first.pixels.shape == (3, 6, SIDE, SIDE)
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.labels, second.labels)


def test_either_half_is_seen_relative_to_its_own_ground() -> None:
    """Another gain of the earlier date changes nothing."""
    scar = _square()
    pair = Pair(after=_scarred(scar), before=_ground(1), labels=scar.astype(np.int8))
    brighter = replace(pair, before=3 * pair.before)
    inputs, labels = varied_pair(pair, np.random.default_rng(5), VariationSettings())
    others, _ = varied_pair(brighter, np.random.default_rng(5), VariationSettings())
    assert inputs.shape == (6, SIDE, SIDE)
    assert labels.sum() == scar.sum()
    np.testing.assert_allclose(inputs, others, atol=0.02)


def test_ground_that_one_date_hides_is_no_signal() -> None:
    """Half of the before was not observed: there it is 0, elsewhere all is as usual."""
    hidden = _ground(1)
    hidden[:, :, :32] = np.nan
    pair = Pair(after=_ground(), before=hidden, labels=np.zeros((SIDE, SIDE), np.int8))
    inputs, _ = varied_pair(pair, np.random.default_rng(6), VariationSettings())
    unseen = (inputs[3:] == 0).all(axis=0)
    assert np.isfinite(inputs).all()
    assert 0.5 <= unseen.mean() < 0.66, "and up to ten pixels around it, which smoothing reaches"
    assert (inputs[:3] != 0).any(axis=0).all()


def test_nobody_knows_what_lay_under_a_cloud() -> None:
    """White over a fresh scar: in the after it is no landslide, in the before it is unknown."""
    scar = np.ones((SIDE, SIDE), dtype=np.int8)
    pair = Pair(after=_ground(), before=_ground(1), labels=scar)
    cloudy = VariationSettings(blob_share=1.0)
    labels = np.stack([varied_pair(pair, np.random.default_rng(seed), cloudy)[1] for seed in range(20)])
    assert set(np.unique(labels)) == {UNLABELLED, STABLE, LANDSLIDE}


def test_a_season_changes_the_ground_and_hides_no_scar() -> None:
    """Another day differs by several per cent, and what was bright stays bright."""
    scar = _square()
    chip = _scarred(scar)
    days = [another_day(chip, np.random.default_rng(seed)) for seed in range(10)]
    change = [float(np.abs(day / chip - 1)[:, ~scar].mean()) for day in days]
    assert 0.03 < np.mean(change) < 0.4
    assert all(day[:, 24:26, 34:36].mean() > 1.5 * day[:, ~scar].mean() for day in days)


def test_bands_of_a_pair_can_be_told_apart() -> None:
    """Names of the earlier date carry a suffix, which comes off again."""
    bands = paired_bands(RGB)
    assert [band.endswith(BEFORE) for band in bands] == [False] * 3 + [True] * 3
    assert single_bands(bands) == RGB


def test_the_experiment_is_of_task_change_and_leaves_iburi_out() -> None:
    """It will be measured on Hokkaido, so it must not have seen the hills; Belgium is kept for tests."""
    experiment = load_experiment("change-rgb")
    assert experiment.task == "change"
    assert experiment.data.bands == paired_bands(RGB)
    assert experiment.data.exclude_ids == "2200-2620"
    assert "belgium" not in experiment.data.quiet
    assert load_experiment("scar-rgb").task == "scar"


def test_the_earlier_date_enters_with_the_other_sign() -> None:
    """A pretrained first layer fades what two dates share, without losing it."""
    network = build_network(load_experiment("change-rgb").network, 6)
    kernel = network.state_dict()["encoder.model.conv_stem.weight"]
    published = next(iter(imagenet_weights("efficientnet_lite0").values()))
    torch.testing.assert_close(kernel[:, :3], published)
    torch.testing.assert_close(kernel[:, 3:], -0.5 * published)


def test_a_change_model_from_file_to_folder(tiny_data: Path, tiny_experiment: Experiment, tmp_path: Path) -> None:
    """Fit and export as for every model; the card says which bands are of which date and how the pairs were made."""
    data = tiny_experiment.data.model_copy(update={"kind": "rgb-pairs", "bands": paired_bands(RGB)})
    save_experiment(tiny_experiment.model_copy(update={"data": data}), tmp_path / "pairs.yaml")
    run, model = tmp_path / "run", tmp_path / "pairs"
    for command in (["fit", str(tmp_path / "pairs.yaml"), str(run)], ["export", str(run), str(model)]):
        result = CliRunner().invoke(app, [*command, "--data", str(tiny_data), "--threads", "1"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
    card = load_card(model)
    assert (card.task, card.bands, card.channels) == ("change", paired_bands(RGB), 6)
    document = json.loads((model / "model.json").read_text(encoding="utf-8"))
    assert "No pair of real dates" in document["properties"]["description"]
    assert document["assets"]["model"]["bands"][3]["description"] == "B04 of the earlier date"
    assert load_watch_card(model).of_pairs, "the service can watch with it"
