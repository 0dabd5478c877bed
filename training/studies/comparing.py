"""Study B made again: every row trained, exported and scored, by pixels and by objects."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.datasets.folder import data_folder
from training.material import gather
from training.report.pictures import true_colour
from training.samples import LANDSLIDE
from training.splits import Split
from training.studies import landslide4sense
from training.studies.objects import Refined, Segmented, by_segments, objects_table, refined, segmented
from training.studies.outcomes import Workshop
from training.studies.records import Study
from training.studies.showing import Remade

_SHOWN_CHIPS: Final = 3


def comparison_again(shop: Workshop, data: Path | None, quick: bool) -> tuple[Remade, dict[str, bytes]]:
    """Study B: on Landslide4Sense as published where it is there, else on its true-colour patches."""
    folder = data_folder(data)
    study = shop.chosen(landslide4sense.study(quick=quick))
    on_original = (folder / landslide4sense.DATA).is_dir()
    rows = [(row, row.original if on_original else row.here) for row in study.rows]
    (settings,) = {experiment.data.model_dump_json(): experiment.data for _, experiment in rows if experiment}.values()
    material = gather(settings, folder)
    shop.tell(material.leakage.text())
    held_out, scored = segmented(material.threshold()), segmented(material.scored())
    found: list[Refined] = []
    pictures: dict[str, bytes] = {}
    for row, experiment in rows:
        assert experiment is not None
        outcome, said = shop.heard(row.name, row.words, experiment, material)
        found.append(refined(outcome, held_out, scored, said, shop.rule))
        if not pictures:
            words = f"{row.words}: decided by pixels and by objects, mapped scars in cyan"
            pictures[words] = objects_picture(scored, said[1], (outcome.threshold, found[-1].threshold))
    made = Remade(
        study=study,
        outcomes=tuple(one.outcome for one in found),
        further=(objects_table(found),),
        on_original=on_original,
        used=_used(study, material.split, on_original=on_original, quick=quick),
    )
    return made, pictures


def objects_picture(scored: Segmented, probability: NDArray[np.float32], thresholds: tuple[float, float]) -> bytes:
    """PNG of a few chips: image with its segments, probability, and what is decided by pixels and by objects.

    Args:
        scored: chips; those with the median share of landslides and about it are shown.
        probability: (N, H, W) of these chips.
        thresholds: of the pixels and of the objects.
    """
    size = (scored.chips.labels == LANDSLIDE).mean(axis=(1, 2))
    middle = size.argsort()[len(size) // 2 :][:_SHOWN_CHIPS]
    figure = Figure(figsize=(12.4, 3.1 * len(middle)), layout="constrained")
    axes = figure.subplots(len(middle), 4, squeeze=False)
    for line, index in zip(axes, middle, strict=True):
        image = true_colour(scored.chips.pixels[index].astype(np.float32), scored.chips.bands)
        labels, truth = scored.segments[index], scored.chips.labels[index] == LANDSLIDE
        line[0].imshow(np.where(_edges(labels)[..., None], 0.6 * image + 0.4, image))
        line[1].imshow(probability[index], cmap="magma", vmin=0, vmax=1)
        line[2].imshow(probability[index] >= thresholds[0], cmap="gray")
        line[3].imshow(by_segments(probability[index], labels) >= thresholds[1], cmap="gray")
        for one in line:
            one.contour(truth, levels=[0.5], colors="#4df3ff", linewidths=0.8)
            one.set_axis_off()
        line[0].set_title(f"patch {scored.chips.ids[index]} and its segments", fontsize=9)
        for one, words in zip(line[1:], ("probability", "by pixels", "by objects"), strict=True):
            one.set_title(words, fontsize=9)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def _used(study: Study, split: Split, *, on_original: bool, quick: bool) -> str:
    """The patches in words; the quick form leaves most of them out."""
    patches = study.at_hand
    if on_original:
        patches = f"the data of the study, {landslide4sense.TRAINING_PART if quick else study.data}"
    return in_words(patches, split)


def in_words(patches: str, split: Split) -> str:
    """Patches and how many of them lie on each side."""
    sides = f"{len(split.train)} trained on, {len(split.threshold)} for the threshold, {len(split.validation)} scored"
    return f"{patches}: {sides}"


def _edges(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(H, W) pixels whose right or lower neighbour is of another segment."""
    edges = np.zeros(labels.shape, dtype=bool)
    edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edges[:-1] |= labels[:-1] != labels[1:]
    return edges
