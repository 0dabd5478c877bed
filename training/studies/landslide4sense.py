"""Study B: encoders in a U-Net, DeepLabV3+, a plain U-Net and pyramid pooling on Landslide4Sense.

The figures are the study's. Its table names one line for MiT-B1 and says that SegFormer-B2 is meant too, and none for
pyramid pooling; those rows are made here without a published figure. What its text does not say and was chosen: the
weight of landslide pixels, the rates and their course, batches of 8, the threshold (of the highest F1 on the threshold
chips) and random weights at the beginning, as no package carries ImageNet weights of these encoders.
"""

from __future__ import annotations

from typing import Final

from training.datasets.rgb_patches import PATCH_FILE
from training.experiment import DataSettings, Experiment, load_experiment
from training.studies.records import Figure, Row, Study

DATA: Final = "landslide4sense"
AT_HAND: Final = "real Sentinel-2, Landslide4Sense training patches as 8-bit RGB, divided by blocks of ids with guards"
TRAINING_PART: Final = "of which the training part alone, divided by blocks of ids with guards"
"""What the quick form takes of them."""
PUBLISHED: Final[dict[str, tuple[str, tuple[float, ...]]]] = {
    "resnet34": ("ResNet34", (0.7470, 0.7737, 0.7267)),
    "vgg16": ("VGG16", (0.7357, 0.7650, 0.7121)),
    "efficientnet-b0": ("EfficientNet-B0", (0.7341, 0.7536, 0.7221)),
    "resnext50": ("ResNeXt50_32x4d", (0.7330, 0.7453, 0.7247)),
    "se-resnet50": ("SE-ResNet50", (0.7328, 0.7826, 0.6950)),
    "densenet121": ("DenseNet121", (0.7290, 0.7241, 0.7400)),
    "se-resnext50": ("SE-ResNeXt50_32x4d", (0.7279, 0.7249, 0.7350)),
    "inceptionv4": ("InceptionV4", (0.7246, 0.7631, 0.6945)),
    "inceptionresnetv2": ("InceptionResNetV2", (0.7151, 0.7774, 0.6692)),
    "deeplabv3plus": ("DeepLabV3+ (ResNet-50)", (0.7141, 0.7471, 0.6897)),
    "mobilenetv2": ("MobileNetV2", (0.7119, 0.7000, 0.7337)),
    "unet": ("plain U-Net", (0.7012, 0.7906, 0.6338)),
    "mit-b1": ("MiT-B1", (0.6989, 0.7574, 0.6596)),
    "mit-b2": ("MiT-B2", ()),
    "pyramid": ("pyramid pooling (ResNet34)", ()),
}
"""Row: what it is, and F1, precision and recall; without figures where the study prints none."""
_FIGURES: Final[tuple[Figure, ...]] = ("f1", "precision", "recall")

_QUICK_SCORED: Final = ("390-404", "1710-1724", "2490-2504", "2790-2819", "3630-3659")
_QUICK_THRESHOLD: Final = ("1200-1229", "3760-3789")
_QUICK_LEFT_OUT: Final = "100-489,1550-1849,2050-2539,2790-2849,3150-3719"
"""All blocks that the full form scores, and enough beside them that one epoch takes a minute or less."""
_QUICK_PLAIN: Final = (256, 128, 64, 32, 16)
"""Channels of the plain U-Net, a quarter of the full form's."""
_LACKS: Final = (
    "8-bit red, green and blue instead of six channels: no NDVI, slope or elevation; every patch is scaled by its own "
    "brightest red, so that its reflectance is lost",
    "1,462 of the 3,799 training patches, divided by blocks of ids with guards and by patches that touch; the "
    "study's test patches are another set",
    "networks begin with random weights, chips are only turned",
)
_QUICK_LACKS: Final = "one epoch of some hundred patches; the plain U-Net has a quarter of its channels"


def study(*, quick: bool = False) -> Study:
    """Its rows; `quick` gives some hundred patches, one epoch, fewer scored blocks and a smaller plain U-Net."""
    rows = []
    for name, (words, figures) in PUBLISHED.items():
        whole = load_experiment(f"l4s-{name}")
        rows.append(
            Row(
                name=name,
                words=words,
                original=_shortened(in_training_part(whole)) if quick else whole,
                here=_shortened(on_patches(whole)) if quick else on_patches(whole),
                published=dict(zip(_FIGURES, figures, strict=True)) if figures else {},
                lacks="; ".join((*_LACKS, _QUICK_LACKS) if quick else _LACKS),
            )
        )
    return Study(
        letter="B",
        title="Encoders compared on Landslide4Sense",
        data="Landslide4Sense, 128 pixels, six channels (RGB, NDVI, slope, elevation), 3,799 patches trained on, 245 "
        "for validation, 800 for test",
        at_hand=AT_HAND,
        rows=tuple(rows),
    )


def on_patches(whole: Experiment) -> Experiment:
    """The row on true-colour patches, on ground that is kept apart."""
    data = DataSettings(kind="rgb-patches", path=PATCH_FILE)
    return whole.model_copy(update={"name": f"{whole.name}-rgb", "title": f"{whole.title}, true colour", "data": data})


def in_training_part(whole: Experiment) -> Experiment:
    """The row on the six channels of the training part alone, divided like the true-colour patches."""
    data = DataSettings(kind="landslide4sense", path=f"{DATA}/TrainData", bands=whole.data.bands)
    return whole.model_copy(update={"name": f"{whole.name}-blocks", "data": data})


def few_patches(data: DataSettings) -> DataSettings:
    """What the quick form takes of them: some hundred, and fewer blocks that are scored."""
    few = {"validation": _QUICK_SCORED, "threshold": _QUICK_THRESHOLD, "exclude_ids": _QUICK_LEFT_OUT}
    return data.model_copy(update=few)


def _shortened(experiment: Experiment) -> Experiment:
    data = few_patches(experiment.data)
    once = {"epochs": 1, "course": "one-cycle", "stop_epochs": None, "kept": "average", "averaging": 0.9}
    schedule = experiment.schedule.model_copy(update=once)
    network = experiment.network
    if network.architecture == "unet-plain":
        # With all its weights this row alone takes as long as five others.
        network = network.model_copy(update={"decoder_channels": _QUICK_PLAIN})
    return experiment.model_copy(update={"data": data, "network": network, "schedule": schedule})
