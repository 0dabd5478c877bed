"""One judgement of anything that answers like a network: what `report`, `compare` and `baselines` show."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from monitor.adapters.engine import open_engine
from monitor.adapters.model_store import CARD, load_card
from monitor.core.features import NORMALISATION
from monitor.ports import Engine
from monitor.records import ModelCard, Sensor
from training.calibration import Calibration, Reliability, calibrate, reliability, tempered
from training.metrics import blocks_of, scores
from training.quiet_land import BEFORE, SOUTH, Piece, quiet_chips, quiet_scenes
from training.samples import Samples
from training.scars import Detection, detection
from training.scoring import Answers, Evaluation, ask, chip_card, evaluation, require_bands, require_single_date
from training.trained_on import NOTHING_KNOWN, TrainedOn, trained_on

_BASELINE_CROP_PX: Final = 4
"""Half of the widest neighbourhood that a baseline looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A model folder or a baseline."""

    card: ModelCard
    engine: Callable[[ModelCard], Engine]
    """Opens it for the windows of a card."""
    parameters: int | None
    """Weights that were learned; None where that is no number of interest (trees)."""
    shipped_threshold: float | None
    """The card's; None lets the threshold chips choose."""
    trained_on: TrainedOn


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What contenders are judged on."""

    name: str
    split: str
    """In words: what is scored, and what keeps it apart from training."""
    leakage: str
    """The leakage report."""
    training: Samples
    threshold: Samples
    """To fit temperature and thresholds on; never scored."""
    scored: Samples
    quiet: Samples | None = None
    """Chips of stable ground."""
    scenes: Path | None = None
    """Folder of real data whose Hokkaido scenes are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Everything measured of one contender; figures follow from it."""

    contender: Contender
    threshold: float
    """At which it is scored."""
    calibration: Calibration
    answers: Answers
    """On the scored chips, raw."""
    scored: Evaluation
    raw: Reliability
    cooled: Reliability
    """After division by the temperature."""
    scars: Detection
    quiet: tuple[Piece, ...]

    @property
    def name(self) -> str:
        """Of the model folder or the baseline."""
        return self.contender.card.name

    @property
    def split_note(self) -> str:
        """A warning when its card says that the scored chips were not kept from its training, or nothing."""
        return self.contender.trained_on.split_note(self.scored.ids)

    def quiet_note(self, source: str) -> str:
        """How far a source of quiet land is no test of it, or nothing."""
        trained = self.contender.trained_on
        if source in trained.quiet:
            return "trained on"
        return "similar ground in training" if source in (BEFORE, SOUTH) and trained.iburi_like else ""


def shipped(folder: Path, threads: int) -> Contender:
    """A model folder, as the service would open it.

    Raises:
        BadModel: the folder contradicts itself, or the model compares two dates.
    """
    card = load_card(folder)
    require_single_date(card)
    properties = json.loads((folder / CARD).read_text(encoding="utf-8"))["properties"]
    stated = properties.get("mlm:total_parameters")
    return Contender(
        card=card,
        engine=lambda wanted: open_engine(wanted, threads),
        parameters=stated if isinstance(stated, int) else None,
        shipped_threshold=card.threshold,
        trained_on=trained_on(properties.get("scarpwatch:training")),
    )


def plain(baseline: Engine, bands: tuple[str, ...], trained: TrainedOn = NOTHING_KNOWN) -> Contender:
    """A baseline, which takes windows of any size and needs no flips."""
    card = ModelCard(
        name=baseline.name,
        version=baseline.name,
        task="scar",
        sensor=Sensor.OPTICAL,
        bands=bands,
        channels=len(bands),
        normalisation=NORMALISATION,
        window_px=256 + 2 * _BASELINE_CROP_PX,
        crop_px=_BASELINE_CROP_PX,
        resolution_m=10.0,
        flips=("identity",),
        threshold=0.5,
        simulated=False,
        sha256="",
        weights="",
    )
    return Contender(
        card=card, engine=lambda _wanted: baseline, parameters=None, shipped_threshold=None, trained_on=trained
    )


def judge(contender: Contender, material: Material, progress: Callable[[str], None] = lambda _what: None) -> Judgement:
    """Ask a contender about everything and measure its answers.

    Raises:
        BadModel: it needs other bands than the material has.
    """
    require_bands(contender.card, material.scored)
    progress(f"{contender.card.name}: {len(material.threshold)} chips for the threshold")
    fitted_on = answers(contender, material.threshold)
    calibration = calibrate(material.threshold, fitted_on.probability)
    threshold = contender.shipped_threshold or calibration.best_f1
    progress(f"{contender.card.name}: {len(material.scored)} scored chips")
    said = answers(contender, material.scored)
    cooled = tempered(said.probability, calibration.temperature)
    return Judgement(
        contender=contender,
        threshold=threshold,
        calibration=calibration,
        answers=said,
        scored=evaluation(material.scored, said.probability),
        raw=reliability(material.scored, said.probability),
        cooled=reliability(material.scored, cooled),
        scars=detection(material.scored, said.probability, threshold, blocks_of(material.scored.ids)),
        quiet=_quiet(contender, material, progress),
    )


def answers(contender: Contender, samples: Samples) -> Answers:
    """What a contender says about whole chips, with its card's flips."""
    card = contender.card
    fed = replace(samples, inputs=card.inputs)
    return ask(contender.engine(chip_card(card, samples.labels.shape[-1])), fed, card.flips)


def chip_f1(judged: Judgement) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(N,) F1 of every scored chip at the threshold; NaN of chips without landslide pixels."""
    each = [scores(one, judged.threshold).f1 if one[1].any() else np.nan for one in judged.scored.histograms]
    return np.array(each)


def _quiet(contender: Contender, material: Material, progress: Callable[[str], None]) -> tuple[Piece, ...]:
    found: tuple[Piece, ...] = ()
    if material.quiet is not None:
        progress(f"{contender.card.name}: {len(material.quiet)} chips of quiet land")
        found += quiet_chips(material.quiet, answers(contender, material.quiet).probability)
    if material.scenes is not None:
        progress(f"{contender.card.name}: quiet scenes")
        found += quiet_scenes(material.scenes, contender.card, contender.engine(contender.card))
    return found
