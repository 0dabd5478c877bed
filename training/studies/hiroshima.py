"""Study A: hazard zones of Hiroshima by ResUNet++, from optics or radar with ruggedness and land cover.

The figures are the study's. It divided its patches at random, 70/20/10, and lists what it left open: ground kept apart,
intervals, a random forest, XGBoost, DeepLabV3+ and Attention U-Net beside its network. Here they are answered.
Row a, which needs nothing but colours, is made on real ground too.
"""

from __future__ import annotations

from typing import Final

from training.datasets.rgb_patches import PATCH_FILE
from training.experiment import DataSettings, Experiment, NetworkSettings, load_experiment
from training.studies.landslide4sense import few_patches
from training.studies.records import Figure, Row, Study

PUBLISHED: Final[dict[str, tuple[str, float, float, float, float]]] = {
    "a": ("optical RGB", 0.68, 0.67, 0.67, 0.74),
    "b": ("optical + TRI", 0.80, 0.79, 0.79, 0.88),
    "c": ("optical + land cover", 0.71, 0.71, 0.71, 0.79),
    "d": ("optical + TRI + land cover", 0.81, 0.82, 0.81, 0.89),
    "e": ("SAR", 0.63, 0.62, 0.63, 0.69),
    "f": ("SAR + TRI", 0.75, 0.73, 0.74, 0.82),
    "g": ("SAR + land cover", 0.74, 0.73, 0.73, 0.81),
    "h": ("SAR + TRI + land cover", 0.81, 0.80, 0.81, 0.89),
}
"""Row: inputs, precision, recall, F1, area under the precision-recall curve."""
_FIGURES: Final[tuple[Figure, ...]] = ("precision", "recall", "f1", "pr_auc")

FOLDER: Final = "sim-valleys"
QUICK_FOLDER: Final = "sim-valleys-quick"
"""Of their own, as whatever valleys a folder has beside those held out are trained on."""
QUICK_VALLEYS: Final = range(1, 11)
QUICK_VALLEY_PX: Final = 384
FULL_VALLEYS: Final = range(1, 25)
ADDED: Final = (("a", "b"), ("a", "c"), ("a", "d"), ("e", "f"), ("e", "g"), ("e", "h"))
"""What ruggedness and land cover add, alone and together."""
RICHEST: Final = "d"
"""The row whose inputs the other networks and the trees are given too."""
RIVALS: Final = {
    "DeepLabV3+": NetworkSettings(architecture="deeplabv3+", encoder="resnet50", pretrained=False),
    "Attention U-Net": NetworkSettings(architecture="attention-unet", pretrained=False),
}
ON_PATCHES: Final = "a"
"""The row that real true-colour patches can show."""
_QUICK_RATE: Final = 3e-3
_QUICK_WINDOW_PX: Final = 64
_QUICK_PATCH_EPOCHS: Final = 5
_QUICK_THRESHOLD: Final = ("valley-7",)
_QUICK_SCORED: Final = ("valley-8", "valley-9", "valley-10")
_LACKS: Final = (
    "scars of a storm instead of hazard zones; 11 classes of land cover instead of 15; of radar VH (the study has one "
    "channel and does not say which); chips of 128 pixels, turned but not scaled (a scaled slope is another slope)"
)
_QUICK_LACKS: Final = f"learned from windows of {_QUICK_WINDOW_PX} pixels, mostly around a scar"


def study(*, quick: bool = False) -> Study:
    """Its eight rows; `quick` gives ten small valleys instead of 24 and few epochs at a higher rate."""
    rows = []
    for letter, (words, *figures) in PUBLISHED.items():
        whole = load_experiment(f"hiroshima-{letter}")
        rows.append(
            Row(
                name=letter,
                words=words,
                original=None,
                here=shortened(whole) if quick else whole,
                published=dict(zip(_FIGURES, figures, strict=True)),
                lacks=f"{_LACKS}; {_QUICK_LACKS}" if quick else _LACKS,
            )
        )
    valleys = f"{len(QUICK_VALLEYS)} valleys of 15 km²" if quick else f"{len(FULL_VALLEYS)} valleys of 26 km²"
    return Study(
        letter="A",
        title="ResUNet++ and hazard zones: optics or radar, ruggedness, land cover",
        data="Hiroshima, 2,390 pairs of 256 pixels, divided at random (not published)",
        at_hand=f"SIMULATED: {valleys}, divided by valley",
        rows=tuple(rows),
        added=ADDED,
    )


def shortened(experiment: Experiment) -> Experiment:
    """The same row in two minutes: small valleys, two hundred steps at a rate that rises and falls.

    A window of a quarter of a chip, around its scars, teaches about as much for a quarter of the work.
    """
    few = {"path": QUICK_FOLDER, "threshold": _QUICK_THRESHOLD, "validation": _QUICK_SCORED}
    data = experiment.data.model_copy(update=few)
    epochs = 10 if experiment.data.bands[0] == "B04" else 8  # radar has twice the looks
    faster = {"epochs": epochs, "learning_rate": _QUICK_RATE, "course": "one-cycle"}
    schedule = experiment.schedule.model_copy(update=faster)
    variation = experiment.variation.model_copy(update={"window_px": _QUICK_WINDOW_PX})
    return experiment.model_copy(update={"data": data, "schedule": schedule, "variation": variation})


def on_patches(experiment: Experiment, *, quick: bool) -> Experiment:
    """The row of true colour on real patches, on ground that is kept apart by blocks of ids and guards."""
    patches = DataSettings(kind="rgb-patches", path=PATCH_FILE)
    update = {
        "name": f"{experiment.name}-rgb",
        "title": "Hiroshima study, row a, optical RGB (real patches of Landslide4Sense)",
        "simulated": False,
        "data": few_patches(patches) if quick else patches,
    }
    if quick:
        update["schedule"] = experiment.schedule.model_copy(update={"epochs": _QUICK_PATCH_EPOCHS})
    return experiment.model_copy(update=update)


def at_random(experiment: Experiment) -> Experiment:
    """The row as the study divided its patches: at random, neighbours and looks of one slope on both sides."""
    update = {"split": "random", "validation": (), "threshold": (), "allow_leaks": ("random", "touching")}
    data = DataSettings.model_validate({**experiment.data.model_dump(), **update})
    return experiment.model_copy(update={"name": f"{experiment.name}-random", "data": data})


def rivals(experiment: Experiment) -> dict[str, Experiment]:
    """Other networks on the inputs of a row, by name."""
    return {
        name: experiment.model_copy(update={"name": f"{experiment.name}-{network.architecture}", "network": network})
        for name, network in RIVALS.items()
    }
