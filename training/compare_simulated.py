"""Models of simulated valleys on valleys that they have not seen, beside what the service finds without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from monitor.adapters.model_store import CARD, load_card
from monitor.errors import BadModel, ScarpwatchError
from monitor.records import ModelCard
from training.calibration import calibrate
from training.datasets.folder import data_folder
from training.fit_commands import DataOption, ThreadsOption, failed, tell
from training.judging_commands import JsonOption
from training.metrics import Difference, paired_differences
from training.run_file import digest_of_ids
from training.samples import STABLE, Samples
from training.scoring import Evaluation, evaluation, onnx_predictor
from training.simulated.chips import load_simulated
from training.simulated.plain import NAMES, plain_answers, traps_of
from training.splits import ids_within, parse_id_ranges

FOLDER: Final = "sim-valleys"
"""Name of the set in the folder of data."""
_SHOWN: Final = (("F1", "f1"), ("PR-AUC", "pr_auc"), ("precision", "precision"), ("recall", "recall"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One contender on the unseen chips."""

    name: str
    threshold: float
    scored: Evaluation
    traps_called: float
    """Share of stable trap ground that it calls a landslide at its threshold."""

    def row(self) -> dict[str, Any]:
        """Its figures."""
        summary = self.scored.summary(self.threshold)
        return {"name": self.name, "traps_called": self.traps_called, "simulated": True, **summary}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A model and the plain baseline of its sensor, on the pixels that both can judge."""

    model: Judged
    plain: Judged
    valleys: int
    difference: Mapping[str, Difference]
    """The model's figures minus the baseline's, paired by valley."""


def compare_simulated_command(
    models: Annotated[list[Path], typer.Argument(help="Model folders that were trained on simulated valleys.")],
    data: DataOption = None,
    valleys: Annotated[str, typer.Option(help="Folder of the valleys within the folder of data.")] = FOLDER,
    threads: ThreadsOption = 2,
    as_json: JsonOption = False,
) -> None:
    """Score models on simulated valleys they have not seen, with intervals by valley, beside the plain baselines."""
    try:
        folder = data_folder(data) / valleys
        found = [compare_with_plain(one, folder, threads, tell) for one in models]
    except ScarpwatchError as err:
        raise failed(err) from err
    typer.echo(json.dumps([_document(one) for one in found]) if as_json else as_text(found))


def compare_with_plain(
    model: Path, folder: Path, threads: int, progress: Callable[[str], None] = lambda _what: None
) -> Comparison:
    """Score a model and the baseline of its sensor on the chips that the model's card says it was scored on.

    Raises:
        BadModel: the folder contradicts itself, or its chips are not these.
    """
    card = load_card(model)
    progress(f"{card.name}: reading chips")
    samples = load_simulated(folder, card.inputs) if card.inputs else None
    if samples is None:
        raise _bad(card, "it was not trained on simulated valleys: its inputs have no methods of their own")
    threshold_chips, scored_chips = _sides(card, model, samples)
    progress(f"{card.name}: {len(scored_chips)} chips of unseen valleys")
    answers = onnx_predictor(card, threads)(scored_chips)
    plain = plain_answers(folder, scored_chips, card.sensor)
    fitted = calibrate(threshold_chips, plain_answers(folder, threshold_chips, card.sensor))
    both = np.isfinite(answers) & np.isfinite(plain)
    traps = traps_of(folder, scored_chips)
    one = _judged(card.name, card.threshold, scored_chips, np.where(both, answers, np.nan), traps)
    other = _judged(NAMES[card.sensor], fitted.best_f1, scored_chips, np.where(both, plain, np.nan), traps)
    units = one.scored.blocks
    return Comparison(
        model=one,
        plain=other,
        valleys=int(units.max()) + 1,
        difference=paired_differences(
            units, (other.scored.histograms, one.scored.histograms), (other.threshold, one.threshold)
        ),
    )


def as_text(found: Sequence[Comparison]) -> str:
    """The table."""
    lines = ["SIMULATED valleys; 95 % intervals by valley; every pair on the pixels that both can judge"]
    for one in found:
        lines.append("")
        lines.append(f"{one.model.name}: {len(one.model.scored.ids)} chips of {one.valleys} unseen valleys")
        lines += [_line(judged.row()) for judged in (one.model, one.plain)]
        more = ", ".join(
            f"{label} {one.difference[key].value:+.3f} ({_range(one.difference[key].interval)})"
            for label, key in _SHOWN[:2]
        )
        lines.append(f"  model less baseline: {more}")
    return "\n".join(lines)


def _judged(
    name: str, threshold: float, samples: Samples, answers: NDArray[np.float32], traps: NDArray[np.bool_]
) -> Judged:
    trapped = traps & (samples.labels == STABLE) & np.isfinite(answers)
    called = float((answers[trapped] >= threshold).mean()) if trapped.any() else float("nan")
    return Judged(name=name, threshold=threshold, scored=evaluation(samples, answers), traps_called=called)


def _sides(card: ModelCard, model: Path, samples: Samples) -> tuple[Samples, Samples]:
    """The chips that chose the card's threshold, and those it was scored on; both by the card's word."""
    properties = json.loads((model / CARD).read_text(encoding="utf-8"))["properties"]
    split = properties.get("scarpwatch:training", {}).get("split", {})
    sides = []
    for side in ("threshold", "validation"):
        ids = ids_within(samples.ids, parse_id_ranges(str(split.get("ids", {}).get(side, ""))))
        if not ids or split.get("ids_sha256", {}).get(side) != digest_of_ids(ids):
            raise _bad(card, f"these are not the valleys whose chips its card names ({side})")
        sides.append(samples.take(ids))
    return sides[0], sides[1]


def _bad(card: ModelCard, problem: str) -> BadModel:
    return BadModel(
        problem, item=f"model {card.name}", remedy="Name a model made by an experiment sim-..., and its own valleys."
    )


def _line(row: Mapping[str, Any]) -> str:
    figures = "  ".join(
        f"{label} {row[key]:.3f}" + (f" ({_range(row['intervals'][key])})" if key in row["intervals"] else "")
        for label, key in _SHOWN
    )
    return f"  {row['name']:<22} {figures}  traps called {row['traps_called']:.2%}"


def _range(interval: Sequence[float]) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def _document(one: Comparison) -> dict[str, Any]:
    return {
        "model": one.model.row(),
        "baseline": one.plain.row(),
        "valleys": one.valleys,
        "difference": {key: asdict(value) for key, value in one.difference.items()},
    }
