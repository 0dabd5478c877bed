"""The model card: a STAC item with the MLM extension and the keys the service reads.

https://github.com/stac-extensions/mlm. What MLM has no word for lies under `scarpwatch:`;
monitor.adapters.model_store reads and checks those keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import torch
from pydantic import ValidationError
from stac_model.schema import SCHEMA_URI, MLModelProperties

from monitor.adapters.card_inputs import KEY as INPUTS
from monitor.core.features import NORMALISATION, PER_INPUT, channels_of, scheme_of
from monitor.core.land_cover import CLASSES
from monitor.errors import BadModel
from monitor.inputs import Input, Method
from monitor.records import Sensor
from training.experiment import DataSettings, Experiment, LossSettings
from training.export import INPUT_NAME, OUTPUT_NAME
from training.layers import flips_of
from training.networks.pretrained import SOURCES
from training.pairs import BEFORE

WEIGHTS_FILE: Final = "model.onnx"
CARD_FILE: Final = "model.json"

WINDOW_PX: Final = 384
CROP_PX: Final = 64
"""Rim that is thrown away: with 64 px no step is left at the seams of tiles; 32 px left a tenth of the natural one."""

NATIVE_M: Final = 22.0
"""What the radar passes of simulated valleys resolve on their pixels of 10 m, as those of Sentinel-1 do."""

_ANSWERS: Final = {
    "scar": (
        "Probability that a pixel is bare landslide surface. Judge it by change between dates, not by one date alone."
    ),
    "radar change": (
        "Probability that ground slid between two sets of passes of one radar track, from all of them as one input: "
        "the newest pass, further ones after (:after2 ...), then those before it, newest first (:before, :before2 ...)."
    ),
    "change of events": (
        "Probability that ground slid between looks before an event and looks after it, from all of them as one input."
    ),
    "change": (
        "Probability that ground slid between two dates, from both as one input: the bands of the later date, then "
        "those of the earlier one, each date relative to its own ground. Trained on pairs made of real single dates: "
        "scars covered with unslid ground of the same chip for the earlier date, or pasted into the later one. No pair "
        "of real dates with a landslide between them was seen."
    ),
}
_SIMULATED: Final = "SIMULATED: trained on simulated ground, which says nothing of real ground. "
_CLASSES: Final = {"scar": "bare landslide surface", "change": "landslide between the two dates"}
_RELATIVE: Final = "Any linear unit of reflectance; gain and offset of a band cancel."
_COMMON_NAMES: Final = {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir"}
_ARCHITECTURES: Final = {
    "unet": "U-Net",
    "unet-plain": "U-Net of plain convolutions",
    "resunet++": "ResUNet++",
    "deeplabv3+": "DeepLabV3+",
    "pyramid-pooling": "pyramid pooling",
    "attention-unet": "Attention U-Net",
}
_WITHOUT_ENCODER: Final = ("unet-plain", "resunet++", "attention-unet")
_LOSSES: Final = {"bce": "binary cross-entropy", "bce-dice": "0.5 BCE + 0.5 Dice", "bce-lovasz": "0.5 BCE + 0.5 Lovász"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The exported file."""

    sha256: str
    bytes: int
    parameters: int
    parity: float
    """Largest difference of probability between torch and ONNX Runtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What is known only after training and scoring."""

    name: str
    experiment: Experiment
    weights: Weights
    threshold: float
    calibration: Mapping[str, Any]
    """Temperature in the weights, thresholds, errors of calibration before and after."""
    metrics: Mapping[str, Any]
    """Evaluation.summary on the scored chips."""
    threshold_metrics: Mapping[str, Any]
    """The same on the chips the threshold was chosen on."""
    data: Mapping[str, Any]
    """The run file: manifests, split, leakage, epochs."""
    created: datetime
    """Aware UTC."""
    dependent_metrics: Mapping[str, Any] = field(default_factory=dict)
    """The same on ground beside what was trained on, where some was held out."""


def model_card(facts: CardFacts) -> dict[str, Any]:
    """The STAC item of a model folder.

    Raises:
        BadModel: it would not be a valid card.
    """
    card = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [SCHEMA_URI],
        "id": facts.name,
        # A model belongs to no place: STAC allows an item without geometry when bbox is absent.
        "geometry": None,
        "properties": {
            "datetime": facts.created.isoformat().replace("+00:00", "Z"),
            "title": facts.experiment.title,
            "description": _answer(facts.experiment),
            "license": "Apache-2.0",
            **_mlm(facts),
            **_scarpwatch(facts),
        },
        "links": [],
        "assets": {"model": _asset(facts)},
    }
    check_card(card)
    return card


def _answer(experiment: Experiment) -> str:
    """What its answer means, and that it is simulated where it is."""
    stacked = experiment.task == "change" and experiment.data.sensor is Sensor.SAR
    of_events = experiment.task == "change" and experiment.data.kind == "events"
    answer = _ANSWERS["change of events" if of_events else "radar change" if stacked else experiment.task]
    return f"{_SIMULATED}{answer}" if experiment.simulated else answer


def check_card(card: Mapping[str, Any]) -> None:
    """Raise BadModel unless the card is valid MLM and every band of its input is described on its weights."""
    properties = card["properties"]
    try:
        MLModelProperties.model_validate(properties)
    except ValidationError as err:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in err.errors())
        raise _bad(card, faults) from err
    described = {band["name"] for band in card["assets"]["model"].get("bands", [])}
    missing = [band for band in properties["mlm:input"][0]["bands"] if band not in described]
    if missing:
        raise _bad(card, f"mlm:input names {', '.join(missing)}, which the bands of the weights do not list")
    if properties["scarpwatch:channels"] != sum(map(channels_of, properties["mlm:input"][0]["bands"])):
        raise _bad(card, "scarpwatch:channels is not the number of bands in mlm:input, land cover with all its classes")


def _bad(card: Mapping[str, Any], problem: str) -> BadModel:
    return BadModel(problem, item=f"card of {card['id']}", remedy="Export the model again.")


def _mlm(facts: CardFacts) -> dict[str, Any]:
    experiment = facts.experiment
    network = experiment.network
    pretrained = network.architecture not in _WITHOUT_ENCODER and network.pretrained
    return {
        "mlm:name": facts.name,
        "mlm:architecture": architecture(experiment),
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:framework": "ONNX",
        "mlm:framework_version": f"exported by torch {torch.__version__}",
        "mlm:total_parameters": facts.weights.parameters,
        "mlm:memory_size": facts.weights.bytes,
        "mlm:pretrained": pretrained,
        "mlm:pretrained_source": f"ImageNet, {SOURCES[network.encoder]} (Apache-2.0)" if pretrained else None,
        "mlm:batch_size_suggestion": 1,
        "mlm:accelerator_constrained": False,
        "mlm:input": [_input(experiment.data)],
        "mlm:output": [_output(experiment.task)],
        "mlm:hyperparameters": {
            **experiment.schedule.model_dump(mode="json"),
            "loss": _loss(experiment.loss),
            **_made_from(experiment),
            "variation": experiment.variation.model_dump(mode="json"),
        },
    }


def _made_from(experiment: Experiment) -> dict[str, object]:
    """Teachers and the runs whose mean it began at, where there are any."""
    found: dict[str, object] = {}
    if experiment.distillation.teachers:
        found["distillation"] = experiment.distillation.model_dump(mode="json")
    if experiment.average:
        found["average"] = list(experiment.average)
    return found


def architecture(experiment: Experiment) -> str:
    """The network in words, such as "U-Net, encoder efficientnet_lite0"."""
    network = experiment.network
    name = _ARCHITECTURES[network.architecture]
    if network.architecture in _WITHOUT_ENCODER:
        return name
    enlarged = f", window enlarged {network.upsampling} times" if network.upsampling > 1 else ""
    return f"{name}, encoder {network.encoder}{enlarged}"


def _loss(loss: LossSettings) -> str:
    weight = f", landslide pixels weighing {loss.positive_weight:g}" if loss.positive_weight != 1 else ""
    return _LOSSES.get(loss.name, loss.name) + weight


def _input(data: DataSettings) -> dict[str, Any]:
    return {
        "name": INPUT_NAME,
        "description": "scarpwatch:inputs says what is done with each input." if data.fed else _RELATIVE,
        "bands": list(data.bands),
        "input": {
            "shape": [-1, data.channels, -1, -1],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "float32",
        },
        "value_scaling": None,
        "resize_type": None,
        "pre_processing_function": {
            "format": "python",
            "expression": f"monitor.core.features:{'build_features' if data.fed else 'normalise'}",
        },
    }


def _output(task: str) -> dict[str, Any]:
    return {
        "name": OUTPUT_NAME,
        "tasks": ["semantic-segmentation"],
        "result": {
            "shape": [-1, -1, -1],
            "dim_order": ["batch", "height", "width"],
            "data_type": "float32",
        },
        "classification:classes": [
            {"value": 0, "name": "other", "description": "anything else"},
            {"value": 1, "name": task, "description": _CLASSES[task]},
        ],
        "post_processing_function": None,
    }


def _scarpwatch(facts: CardFacts) -> dict[str, Any]:
    sensor = facts.experiment.data.sensor
    return {
        "scarpwatch:task": facts.experiment.task,
        "scarpwatch:version": f"{facts.name}-{facts.weights.sha256[:8]}",
        "scarpwatch:sensor": sensor.value,
        **_normalisation(facts.experiment.data.fed),
        "scarpwatch:window_px": WINDOW_PX,
        "scarpwatch:crop_px": CROP_PX,
        "scarpwatch:resolution_m": 10.0,
        **({"scarpwatch:native_resolution_m": NATIVE_M} if sensor is Sensor.SAR else {}),
        "scarpwatch:flips": list(flips_of(facts.experiment.data.bands)),
        "scarpwatch:threshold": facts.threshold,
        "scarpwatch:simulated": facts.experiment.simulated,
        "scarpwatch:channels": facts.experiment.data.channels,
        "scarpwatch:experiment": facts.experiment.name,
        "scarpwatch:calibration": dict(facts.calibration),
        "scarpwatch:metrics": {
            "validation": dict(facts.metrics),
            **({"dependent": dict(facts.dependent_metrics)} if facts.dependent_metrics else {}),
            "threshold_blocks": dict(facts.threshold_metrics),
            "onnx_parity_max_abs": facts.weights.parity,
        },
        "scarpwatch:training": dict(facts.data),
    }


def _normalisation(inputs: Sequence[Input]) -> dict[str, Any]:
    if not inputs:
        return {"scarpwatch:normalisation": NORMALISATION}
    return {"scarpwatch:normalisation": PER_INPUT, INPUTS: {one.name: _stated(one) for one in inputs}}


def _stated(one: Input) -> dict[str, Any]:
    """One input as `monitor.adapters.card_inputs` reads it."""
    scheme = scheme_of(one.name)
    if scheme is not None:
        return {"method": one.method.value, "classes": [int(known) for known in CLASSES[scheme]]}
    if one.method is Method.CONTEXT:
        return {"method": one.method.value}
    return {"method": one.method.value, "center": one.center, "scale": one.scale}


def _asset(facts: CardFacts) -> dict[str, Any]:
    return {
        "href": f"./{WEIGHTS_FILE}",
        "type": "application/octet-stream; framework=onnx; profile=onnx",
        "title": "Weights",
        "roles": ["mlm:model", "mlm:weights"],
        "mlm:artifact_type": "onnx",
        "scarpwatch:sha256": facts.weights.sha256,
        "bands": [_band(name) for name in facts.experiment.data.bands],
    }


def _band(name: str) -> dict[str, Any]:
    band = name.removesuffix(BEFORE)
    common = {"eo:common_name": _COMMON_NAMES[band]} if band in _COMMON_NAMES else {}
    date = {"description": f"{band} of the earlier date"} if band != name else {}
    return {"name": name, **common, **date}
