"""A run made into a model folder: weights, temperature, threshold, scores and card."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from monitor.core.features import NORMALISATION, PER_INPUT, channels_of
from monitor.records import ModelCard, Sensor
from training.calibration import Calibration, averaged, calibrate, reliability
from training.card import CARD_FILE, CROP_PX, WEIGHTS_FILE, WINDOW_PX, CardFacts, Weights, model_card
from training.datasets.manifest import sha256_of
from training.experiment import Experiment
from training.export import export_onnx
from training.layers import flips_of
from training.loop import epochs_done, trained_network
from training.material import RunMaterial
from training.run_file import read_run
from training.samples import Samples
from training.scoring import Evaluation, chip_engine, evaluation, flip_answers
from training.sites import dependent_evaluation

METHOD: Final = (
    "the exported weights through ONNX Runtime, mean over the card's flips, whole chips, 95 % bootstrap over blocks"
)
EVENTS_METHOD: Final = f"events that were not trained on: {METHOD} (a block is an event)"
DEPENDENT_METHOD: Final = f"ground beside what was trained on, of the same events: {METHOD} (a block is 5 km wide)"
SIMULATED_METHOD: Final = f"SIMULATED valleys that were not trained on: {METHOD} (a block is a valley)"

_PAIRS: Final = "pairs made of single dates the way the training pairs are made, no real pairs: "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exported:
    weights: Weights
    fitted_on: Evaluation
    """The threshold chips, after the temperature."""
    scored: Evaluation
    dependent: Evaluation | None
    """Apart from them, ground of events that were trained on."""
    calibration: Calibration
    errors: dict[str, float]
    """Expected calibration errors on the scored chips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A model folder that was written, and what its weights said."""

    card: dict[str, Any]
    calibration: Calibration
    """Of the probability as the folder gives it."""
    scored: Evaluation
    dependent: Evaluation | None
    """Apart from that, ground of events that were trained on elsewhere."""
    parameters: int


def release(
    experiment: Experiment,
    material: RunMaterial,
    run: Path,
    model: Path,
    *,
    threads: int,
    now: datetime,
    progress: Callable[[str], None] = lambda _what: None,
) -> Released:
    """Export a run into a model folder.

    Temperature and threshold come from the threshold chips; the scored chips are only scored.
    The temperature is part of the weights, so every engine answers the same.
    """
    model.mkdir(parents=True, exist_ok=True)
    part = model / f"{WEIGHTS_FILE}.part"
    exported = _export(experiment, material, trained_network(experiment, run), part, threads, progress)
    threshold = exported.calibration.best_f1
    card = model_card(
        CardFacts(
            name=model.resolve().name,
            experiment=experiment,
            weights=exported.weights,
            threshold=threshold,
            calibration={**asdict(exported.calibration), **exported.errors},
            metrics={**exported.scored.summary(threshold), "method": _method(experiment, material)},
            dependent_metrics=(
                {**exported.dependent.summary(threshold), "method": DEPENDENT_METHOD} if exported.dependent else {}
            ),
            threshold_metrics=exported.fitted_on.summary(threshold),
            data={**read_run(run), "epochs_done": epochs_done(run)},
            created=now,
        )
    )
    card_part = model / f"{CARD_FILE}.part"
    card_part.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    # The reader compares hashes, so the moment between the two renames is refused, not believed.
    os.replace(part, model / WEIGHTS_FILE)
    os.replace(card_part, model / CARD_FILE)
    return Released(
        card=card,
        calibration=exported.calibration,
        scored=exported.scored,
        dependent=exported.dependent,
        parameters=exported.weights.parameters,
    )


def _method(experiment: Experiment, material: RunMaterial) -> str:
    if material.samples.inputs:
        return EVENTS_METHOD if experiment.data.kind == "events" else SIMULATED_METHOD
    return _PAIRS + METHOD if material.paired else METHOD


def _export(
    experiment: Experiment,
    material: RunMaterial,
    network: nn.Module,
    part: Path,
    threads: int,
    progress: Callable[[str], None],
) -> _Exported:
    channels = experiment.data.channels
    threshold_chips, scored_chips = material.threshold(), material.scored()
    progress(f"choosing temperature and threshold on {len(threshold_chips)} chips")
    export_onnx(network, part, channels)
    said = list(_asked(part, threshold_chips, threads))
    first = calibrate(threshold_chips, averaged(said, (1,))[0])
    # Thresholds are those of the tempered probability, which is what the service sees.
    (fitted_on,) = averaged(said, (first.temperature,))
    last = calibrate(threshold_chips, fitted_on)
    progress(f"scoring {len(scored_chips)} chips")
    error = export_onnx(network, part, channels, first.temperature)
    # Networks are slow: what they would have said without the temperature follows from one asking.
    scored, untempered = averaged(_asked(part, scored_chips, threads), (1, 1 / first.temperature))
    cooled, raw = (reliability(scored_chips, one) for one in (scored, untempered))
    return _Exported(
        weights=Weights(
            sha256=sha256_of(part),
            bytes=part.stat().st_size,
            parameters=sum(p.numel() for p in network.parameters()),
            parity=error,
        ),
        fitted_on=evaluation(threshold_chips, fitted_on),
        scored=evaluation(scored_chips, scored),
        dependent=_dependent(part, material.dependent(), threads),
        calibration=Calibration(
            temperature=first.temperature, best_f1=last.best_f1, balanced=last.balanced, chips=last.chips
        ),
        errors={
            "expected_calibration_error": cooled.error(),
            "expected_calibration_error_before": raw.error(),
            "expected_calibration_error_lit": cooled.error(lit=True),
            "expected_calibration_error_lit_before": raw.error(lit=True),
        },
    )


def _dependent(weights: Path, chips: Samples, threads: int) -> Evaluation | None:
    return dependent_evaluation(chips, averaged(_asked(weights, chips, threads), (1,))[0]) if len(chips) else None


def _asked(weights: Path, samples: Samples, threads: int) -> Iterator[NDArray[np.float32]]:
    """What exported weights say to the flips of whole chips, through the service's engine, before there is a card."""
    card = ModelCard(
        name=weights.name,
        version="",
        task="scar",
        sensor=Sensor.OPTICAL,
        bands=samples.bands,
        channels=sum(map(channels_of, samples.bands)),
        normalisation=PER_INPUT if samples.inputs else NORMALISATION,
        window_px=WINDOW_PX,
        crop_px=CROP_PX,
        resolution_m=samples.resolution_m,
        flips=flips_of(samples.bands),
        threshold=0.5,
        simulated=False,
        sha256="",
        weights=str(weights),
        inputs=samples.inputs,
    )
    return flip_answers(chip_engine(card, samples.labels.shape[-1], threads), samples, card.flips)
