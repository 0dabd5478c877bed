"""A run made into a model folder: weights, threshold, scores and card."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from training.card import CARD_FILE, WEIGHTS_FILE, CardFacts, model_card
from training.data import Patches, sha256_of, split_ids
from training.export import averaged_network, export_onnx
from training.loop import read_checkpoint
from training.run_file import read_run
from training.scoring import evaluate, open_session

_LOWEST: Final = 0.05
_HIGHEST: Final = 0.95


def release(run: Path, model: Path, patches: Patches, threads: int, now: datetime) -> dict[str, Any]:
    """Export a run into a model folder and return its card.

    The threshold is the best one on the threshold blocks; the validation blocks are only scored.
    """
    model.mkdir(parents=True, exist_ok=True)
    part = model / f"{WEIGHTS_FILE}.part"
    network = averaged_network(run)
    error = export_onnx(network, part)
    session = open_session(part, threads)
    # No excluded ids here: they are absent from training, not from the scored sides.
    split = split_ids(patches)
    chosen_on = evaluate(session, patches.take(split.threshold))
    # At the very ends a threshold says "everything" or "nothing", which no service can use.
    threshold = min(max(chosen_on.best_threshold(), _LOWEST), _HIGHEST)
    scored = evaluate(session, patches.take(split.validation))
    card = model_card(
        CardFacts(
            name=model.resolve().name,
            sha256=sha256_of(part),
            bytes=part.stat().st_size,
            parameters=sum(p.numel() for p in network.parameters()),
            threshold=threshold,
            parity=error,
            metrics=scored.summary(threshold),
            threshold_metrics=chosen_on.summary(threshold),
            run=read_run(run),
            epochs_done=int(read_checkpoint(run)["epoch"]),
            created=now,
        )
    )
    card_part = model / f"{CARD_FILE}.part"
    card_part.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    # The reader compares hashes, so the moment between the two renames is refused, not believed.
    os.replace(part, model / WEIGHTS_FILE)
    os.replace(card_part, model / CARD_FILE)
    return card
