"""Study D: which bands of very high resolution tell landslides, on SPOT-7 over Hokkaido after the storm of 2018.

The figures are the study's. Anybody's image of any resolution goes through the same rows: GeoTIFFs and a vector file
of landslides (`training.datasets.labelled_images`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from training.experiment import DataSettings, Experiment, LossSettings, NetworkSettings, ScheduleSettings
from training.studies.records import Figure, Row, Study

DATA: Final = "labelled-images"
FILE_BANDS: Final = ("B02", "B03", "B04", "B08")
"""Of the images: blue, green, red, near infrared."""
AT_HAND: Final = "chittagong_s2_landslides"
_HAND_BANDS: Final = ("B04", "B03", "B02", "B08")

PUBLISHED: Final[dict[str, tuple[str, tuple[str, ...], float, float, float]]] = {
    "bgrn": ("blue, green, red, NIR", ("B02", "B03", "B04", "B08"), 0.764, 0.891, 0.823),
    "bgr": ("blue, green, red", ("B02", "B03", "B04"), 0.693, 0.889, 0.779),
    "grn": ("green, red, NIR", ("B03", "B04", "B08"), 0.708, 0.899, 0.792),
    "bg-ndvi": ("blue, green, NDVI", ("B02", "B03", "NDVI"), 0.794, 0.866, 0.828),
}
"""Row: bands, precision, recall, F1."""
_FIGURES: Final[tuple[Figure, ...]] = ("precision", "recall", "f1")
SWEPT: Final = "bgrn"
BATCHES: Final = (16, 24, 32, 40)
"""Beside the 8 of all rows; the study went from 8 to 40."""
_EPOCHS: Final = 100
_QUICK_EPOCHS: Final = 10
_SMALL: Final = (256, 128, 64, 32, 16)
_LARGE: Final = (1024, 512, 256, 128, 64)


def study(*, quick: bool = False) -> Study:
    """Its four rows; `quick` gives a tenth of the epochs and a smaller network."""
    rows = []
    for name, (words, bands, *figures) in PUBLISHED.items():
        own = DataSettings(kind="labelled-images", path=DATA, bands=bands, file_bands=FILE_BANDS)
        stand_in = DataSettings(kind="sparse-chips", path=AT_HAND, bands=bands, file_bands=_HAND_BANDS)
        rows.append(
            Row(
                name=name,
                words=words,
                original=_experiment(name, words, own, quick=quick),
                here=_experiment(name, words, stand_in, quick=quick),
                published=dict(zip(_FIGURES, figures, strict=True)),
                lacks="pixels of 10 m, not 1.5 m; slides that are overgrown; labels of single points and polygons, so "
                "that what lies between them is not scored; chips that overlap by half",
            )
        )
    return Study(
        letter="D",
        title="Which bands of very high resolution tell landslides",
        data="SPOT-7 over Hokkaido, 2018, windows of 256 pixels, 64/16/20, 583 scored",
        at_hand="real Sentinel-2 over Chittagong: 100 chips of 256 pixels with sparse labels, the last fifth of them "
        "scored, those that overlap it left out",
        rows=tuple(rows),
    )


def with_batch(experiment: Experiment, size: int) -> Experiment:
    """The same with batches of another size."""
    schedule = experiment.schedule.model_copy(update={"batch_size": size})
    return experiment.model_copy(update={"name": f"{experiment.name}-batch-{size}", "schedule": schedule})


def batches(*, quick: bool) -> Sequence[int]:
    """Sizes beside that of the rows; the quick form takes the largest alone."""
    return BATCHES[-1:] if quick else BATCHES


def _experiment(name: str, words: str, data: DataSettings, *, quick: bool) -> Experiment:
    return Experiment(
        name=f"bands-{name}",
        title=f"Landslides by {words} (study of bands)",
        data=data,
        network=NetworkSettings(
            architecture="unet-plain", pretrained=False, decoder_channels=_SMALL if quick else _LARGE
        ),
        loss=LossSettings(name="dice"),
        schedule=ScheduleSettings(
            epochs=_QUICK_EPOCHS if quick else _EPOCHS,
            batch_size=8,
            optimizer="adam",
            learning_rate=1e-3,
            weight_decay=0,
            course="constant",
            kept="best",
        ),
    )
