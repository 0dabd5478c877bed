"""The model card: a STAC item with the MLM extension and the keys the service reads.

https://github.com/stac-extensions/mlm (version 1.4). What MLM has no word for lies under
`scarpwatch:`; monitor.adapters.model_store reads and checks those keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import torch

from monitor.core.features import NORMALISATION
from training.data import THRESHOLD_BLOCKS, VALIDATION_BLOCKS
from training.export import INPUT_NAME, OUTPUT_NAME
from training.scoring import FLIP_NAMES

MLM_SCHEMA: Final = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"
WEIGHTS_FILE: Final = "model.onnx"
CARD_FILE: Final = "model.json"

BANDS: Final = {"B04": "red", "B03": "green", "B02": "blue"}
WINDOW_PX: Final = 320
CROP_PX: Final = 32
"""The dilation-18 branch sees zero padding at the rim; 32 px showed no step after cropping."""
RESOLUTION_M: Final = 10.0

_DATA_SOURCE: Final = (
    "Landslide4Sense (Ghorbanzadeh et al. 2022, doi 10.1109/TGRS.2022.3215209, Zenodo 10463239, "
    "CC-BY-4.0), 8-bit RGB renderings of 1,462 of its training patches"
)
_NEGATIVE_SOURCES: Final = (
    "eo-learn example data, Slovenia, Sentinel-2 L1C, 5 scenes (MIT)",
    "Sen1Floods11 chip Spain_7370579, Sentinel-2 L1C (CC-BY-4.0)",
    "WorldCereal test patch, Belgium, Sentinel-2 L2A, 12 monthly composites (MIT)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What is known only after training and scoring."""

    name: str
    sha256: str
    """Of the weights file."""
    bytes: int
    parameters: int
    threshold: float
    parity: float
    metrics: dict[str, Any]
    """Evaluation.summary on the validation blocks."""
    threshold_metrics: dict[str, Any]
    """The same on the blocks the threshold was chosen on."""
    run: dict[str, Any]
    """The run file: split sizes, excluded ids, schedule, hash of the patches."""
    epochs_done: int
    created: datetime
    """Aware UTC."""


def model_card(facts: CardFacts) -> dict[str, Any]:
    """The STAC item of a model folder."""
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [MLM_SCHEMA],
        "id": facts.name,
        # A model belongs to no place: STAC allows an item without geometry when bbox is absent.
        "geometry": None,
        "properties": {
            "datetime": facts.created.isoformat().replace("+00:00", "Z"),
            "title": "Landslide scars in Sentinel-2 true colour",
            "description": (
                "Probability that a pixel is bare landslide surface. Trained on patches that nearly "
                "all hold landslides, with few quiet scenes beside them: judge it by change "
                "between dates, not by one date alone."
            ),
            "license": "Apache-2.0",
            **_mlm(facts),
            **_scarpwatch(facts),
        },
        "links": [],
        "assets": {"model": _asset(facts)},
    }


def _mlm(facts: CardFacts) -> dict[str, Any]:
    schedule = facts.run.get("schedule", {})
    return {
        "mlm:name": facts.name,
        "mlm:architecture": "ResUNet++",
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:framework": "ONNX",
        "mlm:framework_version": f"exported by torch {torch.__version__}",
        "mlm:total_parameters": facts.parameters,
        "mlm:memory_size": facts.bytes,
        "mlm:pretrained": False,
        "mlm:pretrained_source": None,
        "mlm:batch_size_suggestion": 1,
        "mlm:accelerator_constrained": False,
        "mlm:input": [_input()],
        "mlm:output": [_output()],
        "mlm:hyperparameters": {**schedule, "loss": "0.5 BCE + 0.5 Dice", "optimizer": "AdamW"},
    }


def _input() -> dict[str, Any]:
    return {
        "name": INPUT_NAME,
        "description": "Any linear unit of reflectance; gain and offset of a band cancel.",
        "bands": list(BANDS),
        "input": {
            "shape": [-1, len(BANDS), -1, -1],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "float32",
        },
        "value_scaling": None,
        "resize_type": None,
        "pre_processing_function": {
            "format": "python",
            "expression": "monitor.core.features:normalise",
        },
    }


def _output() -> dict[str, Any]:
    return {
        "name": OUTPUT_NAME,
        "tasks": ["semantic-segmentation"],
        "result": {
            "shape": [-1, -1, -1],
            "dim_order": ["batch", "height", "width"],
            "data_type": "float32",
        },
        "classification:classes": [
            {"value": 0, "name": "other", "description": "no fresh landslide surface"},
            {"value": 1, "name": "scar", "description": "bare landslide surface"},
        ],
        "post_processing_function": None,
    }


def _scarpwatch(facts: CardFacts) -> dict[str, Any]:
    return {
        "scarpwatch:task": "scar",
        "scarpwatch:version": f"{facts.name}-{facts.sha256[:8]}",
        "scarpwatch:sensor": "optical",
        "scarpwatch:normalisation": NORMALISATION,
        "scarpwatch:window_px": WINDOW_PX,
        "scarpwatch:crop_px": CROP_PX,
        "scarpwatch:resolution_m": RESOLUTION_M,
        "scarpwatch:flips": list(FLIP_NAMES),
        "scarpwatch:threshold": facts.threshold,
        "scarpwatch:simulated": False,
        "scarpwatch:channels": len(BANDS),
        "scarpwatch:metrics": {
            "validation": facts.metrics,
            "threshold_blocks": facts.threshold_metrics,
            "onnx_parity_max_abs": facts.parity,
            "method": "ONNX Runtime, mean of 4 flips, 128x128 patches, 95 % block bootstrap",
        },
        "scarpwatch:training": _training(facts),
    }


def _training(facts: CardFacts) -> dict[str, Any]:
    return {
        "data": _DATA_SOURCE,
        "data_sha256": facts.run.get("npz_sha256"),
        "negatives": list(_NEGATIVE_SOURCES),
        "negative_chips": facts.run.get("negatives"),
        "patches_train": facts.run.get("patches_train"),
        "epochs_done": facts.epochs_done,
        "planned_epochs": facts.run.get("planned_epochs"),
        "started_from": facts.run.get("started_from"),
        "variation": facts.run.get("variation"),
        "split": {
            "validation_ids": [list(block) for block in VALIDATION_BLOCKS],
            "threshold_ids": [list(block) for block in THRESHOLD_BLOCKS],
            "excluded_ids": facts.run.get("exclude_ids", []),
            "guard": "48 ids around each block, 25 within 2200-2930, and every patch that touches one",
        },
    }


def _asset(facts: CardFacts) -> dict[str, Any]:
    return {
        "href": f"./{WEIGHTS_FILE}",
        "type": "application/octet-stream; framework=onnx; profile=onnx",
        "title": "Weights",
        "roles": ["mlm:model", "mlm:weights"],
        "mlm:artifact_type": "onnx",
        "scarpwatch:sha256": facts.sha256,
        "bands": [{"name": name, "description": f"Sentinel-2 {colour}"} for name, colour in BANDS.items()],
    }
