"""Experiments: what a network is trained on, how, and with what; one YAML file each under training/experiments/."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from monitor.core.features import channels_of, date_of, methods_for, sensor_of, split_date
from monitor.errors import ConfigError
from monitor.inputs import Input, Method
from monitor.records import Sensor
from training.event_inputs import event_input

FOLDER: Final = Path(__file__).with_name("experiments")

Share = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(gt=0)]
Spread = Annotated[float, Field(ge=0)]
Range = tuple[Factor, Factor]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputSettings(_Section):
    """What is done with one input, as in a card."""

    method: Literal[Method.FIXED, Method.DECIBEL]
    center: float
    scale: Factor


class DataSettings(_Section):
    """The labelled chips, their split and the quiet ground beside them."""

    kind: Literal[
        "rgb-patches",
        "rgb-pairs",
        "landslide4sense",
        "sparse-chips",
        "labelled-images",
        "cut-chips",
        "simulated-valleys",
        "events",
    ]
    path: str
    """Relative to the folder of data."""
    bands: tuple[str, ...] = ("B04", "B03", "B02")
    """Of the set's bands, those the network sees, in its order."""
    inputs: dict[str, InputSettings] = {}
    """What is done with bands of simulated valleys that have a unit of their own (docs/models.md), or with inputs of
    events; for the others it follows from the name."""
    file_bands: tuple[str, ...] = ()
    """Of sparse chips and labelled images, whose files name no bands: all of them, in their order."""
    split: Literal["blocks", "groups", "random"] = "blocks"
    """`random` leaks by its nature and is marked so wherever its figures are shown."""
    validation: tuple[str, ...] = ()
    """Ranges of ids such as 300-489 (blocks) or names of groups; empty takes the published blocks of the patches, and
    of chips and images that say where they lie the last fifth."""
    threshold: tuple[str, ...] = ()
    dependent: Share = 0.0
    """Of events: the share of each trained event's chips with landslides whose ground is held out and scored apart."""
    exclude_ids: str = ""
    """Left out of training with their guards, such as 2200-2620; for splits by blocks."""
    allow_leaks: tuple[Literal["touching", "same-pixels", "shared-id", "shared-group", "random"], ...] = ()
    """Kinds of leaks that may stand; anything else across the split stops the run."""
    quiet: tuple[str, ...] = ()
    """Sources of landslide-free ground mixed in, such as slovenia, or folders of cut chips without landslides."""
    quiet_share: Share = 0.0
    """Quiet chips drawn per epoch, as a share of the labelled ones."""
    hard_negatives: str = ""
    """File by `python -m training mine`: quiet chips on which a model was wrong are drawn more often."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # A set of events may name its own sites (events.yaml).
        named = bool(self.validation and self.threshold) or self.kind == "events"
        if self.split == "groups" and not named:
            raise ValueError("a split by groups names the groups of validation and of threshold")
        if self.exclude_ids and self.split != "blocks":
            raise ValueError("exclude_ids goes with split: blocks; leave groups out by naming others")
        if bool(self.quiet) != (self.quiet_share > 0):
            raise ValueError("quiet names places and quiet_share says how many of their chips: one needs the other")
        if self.hard_negatives and not self.quiet:
            raise ValueError("hard_negatives are of quiet ground: name it under quiet")
        later = self.bands[: len(self.bands) // 2]
        if self.kind == "rgb-pairs" and self.bands != (*later, *(f"{band}:before" for band in later)):
            raise ValueError("rgb-pairs needs the bands of the later date, then each with :before")
        if self.kind in ("simulated-valleys", "events"):
            self._require_inputs()
        elif self.inputs:
            raise ValueError("inputs go with simulated-valleys and events; other chips are seen against the ground")
        if self.dependent and self.kind != "events":
            raise ValueError("dependent goes with kind: events, whose chips say where they lie")
        return self

    def _require_inputs(self) -> None:
        """A method for every band, and of simulated valleys one sensor."""
        sensors = {sensor for name in self.bands if (sensor := sensor_of(name)) is not None}
        if self.kind == "simulated-valleys" and len(sensors) != 1:
            raise ValueError("bands of simulated valleys are of one sensor, with terrain and land cover beside them")
        if unknown := set(self.inputs) - set(self.bands):
            raise ValueError(f"inputs names {', '.join(sorted(unknown))}, which bands does not")
        for one in self.fed:
            possible = (event_input(one.name).method,) if self.kind == "events" else methods_for(one.name)
            if one.method not in possible:
                raise ValueError(f"{one.name} cannot be made by {one.method}")
        compared = self.kind == "simulated-valleys" and self.split == "random" and "random" in self.allow_leaks
        if self.split != "groups" and not compared:
            raise ValueError(
                "simulated valleys are split by valley, events by event: split: groups (at random where it is allowed)"
            )

    @property
    def fed(self) -> tuple[Input, ...]:
        """What is done with each band, where not all are seen against the ground around; else nothing."""
        return tuple(map(self._input, self.bands)) if self.kind in ("simulated-valleys", "events") else ()

    def _input(self, name: str) -> Input:
        plain, _ = split_date(name) if self.kind == "events" else date_of(name)
        if plain in self.inputs:
            stated = self.inputs[plain]
            return Input(name=name, method=stated.method, center=stated.center, scale=stated.scale)
        if self.kind == "events":
            return event_input(name)
        if not methods_for(name):
            raise ValueError(f"there is no input {name}")
        return Input(name=name, method=methods_for(name)[0])

    @property
    def channels(self) -> int:
        """What the network has to take: land cover counts with all its classes."""
        return sum(map(channels_of, self.bands))

    @property
    def sensor(self) -> Sensor:
        """Whose pixels the network sees."""
        return next((found for name in self.bands if (found := sensor_of(name)) is Sensor.SAR), Sensor.OPTICAL)


class NetworkSettings(_Section):
    """What is trained."""

    architecture: Literal["unet", "unet-plain", "resunet++", "deeplabv3+", "pyramid-pooling", "attention-unet"] = "unet"
    encoder: str = "efficientnet_lite0"
    """By its name in timm or segmentation-models-pytorch; ResUNet++ and Attention U-Net have none."""
    pretrained: bool = True
    """Begin with ImageNet weights, for the encoders whose weights the package index carries."""
    decoder_channels: tuple[int, ...] = (256, 128, 64, 32, 16)
    """Deepest first. Of a plain U-Net those of its blocks, on the way down and up."""
    upsampling: Annotated[int, Field(ge=1, le=4)] = 1
    """The network sees the window enlarged so many times: scars are a few pixels wide."""


class VariationSettings(_Section):
    """Ranges and probabilities of the variations of a chip; the defaults only turn it."""

    scale_range: Range = (0.75, 1.35)
    """Zoom; above 1 enlarges, below 1 looks like a coarser sensor."""
    rotation_deg: float = 45.0
    warp_share: Share = 0.0
    """Share of chips that are zoomed and rotated."""
    gamma_range: Range = (0.8, 1.25)
    gamma_share: Share = 0.0
    haze_share: Share = 0.0
    haze_most: Share = 0.6
    """Largest share of the contrast a haze bank takes."""
    blob_share: Share = 0.0
    """Share of chips with white intruders, cloud-like or roof-like."""
    gain_spread: Spread = 0.0
    """Standard deviation of the logarithm of the factor on the ground's scale, all bands together."""
    offset_spread: Spread = 0.0
    """Standard deviation of the shift of the ground's centre in units of its scale."""
    band_share: Share = 0.3
    """How much each band differs from the others in both."""
    gain_db_spread: Spread = 0.0
    """Radar: standard deviation of what calibration and wet ground add to a band of a pass, dB."""
    cutmix_share: Share = 0.0
    """Share of chips in which a rectangle comes from another chip."""
    window_px: Annotated[int, Field(ge=16, multiple_of=16)] | None = None
    """Side of the window of a chip that is shown instead of the whole chip, mostly around a landslide; None: the whole.
    For short runs: a quarter of the work with nearly all of the scars."""


class LossSettings(_Section):
    """What is made small."""

    name: Literal["bce", "bce-dice", "dice", "focal", "bce-lovasz", "tversky"] = "bce-dice"
    positive_weight: Factor = 1.0
    """Weight of landslide pixels in the cross-entropy."""


class DistillationSettings(_Section):
    """Other networks' answers as targets beside the labels (Hinton et al. 2015, arXiv 1503.02531).

    Labels drawn by hand miss scars and blur outlines; what networks agree on is smoother than either.
    """

    teachers: tuple[str, ...] = ()
    """Finished runs beside this one, of the same bands and split; their mean is the target."""
    share: Share = 0.5
    """Weight of the teachers' loss; the labels have the rest."""


class ScheduleSettings(_Section):
    """How long and how fast to learn."""

    epochs: Annotated[int, Field(ge=1)] = 20
    batch_size: Annotated[int, Field(ge=1)] = 16
    optimizer: Literal["adamw", "adam", "nadam"] = "adamw"
    learning_rate: Factor = 1e-3
    """At its highest."""
    course: Literal["one-cycle", "plateau", "constant"] = "one-cycle"
    """Of the learning rate: a rise over the first tenth, then a half cosine; or lowered whenever the loss on the
    threshold chips stands still; or the same throughout."""
    plateau_epochs: Annotated[int, Field(ge=1)] = 10
    """Epochs without a lower loss after which it is lowered."""
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.2
    stop_epochs: Annotated[int, Field(ge=1)] | None = None
    """Epochs without a lower loss on the threshold chips after which the run ends early; None: never."""
    encoder_rate: Factor = 0.3
    """Factor on the learning rate of a pretrained encoder."""
    weight_decay: Spread = 1e-2
    averaging: Share = 0.995
    """Decay per step of the running average of the weights."""
    kept: Literal["average", "best"] = "average"
    """What is exported: the running average at the end, or the weights of the epoch with the lowest loss on the
    threshold chips, as most studies do."""
    seed: int = 1
    """Of the weights that are not pretrained."""
    order: int | None = None
    """Seed of the order and the variations of the chips; `seed` when absent. Runs that differ in it alone begin alike
    and can be averaged."""
    precision: Literal["bf16-mixed", "16-mixed", "32-true"] = "bf16-mixed"


class Experiment(_Section):
    """Everything a run needs to be repeated, but for the data themselves, whose hash the run states."""

    name: str
    title: str
    """One line for cards and reports."""
    simulated: bool = False
    """Whether any of the training data are."""
    data: DataSettings
    network: NetworkSettings = NetworkSettings()
    variation: VariationSettings = VariationSettings()
    loss: LossSettings = LossSettings()
    distillation: DistillationSettings = DistillationSettings()
    average: tuple[str, ...] = ()
    """Finished runs beside this one, of the same network, bands and split: training starts at their mean."""
    schedule: ScheduleSettings = ScheduleSettings()

    @property
    def made_from(self) -> tuple[str, ...]:
        """Runs that must be finished first."""
        return (*self.distillation.teachers, *self.average)

    @property
    def task(self) -> Literal["scar", "change"]:
        """What the network answers, in the words of the card: scars of one date, or what slid between two."""
        pairs = self.data.kind == "rgb-pairs" or any(":before" in name for name in self.data.bands)
        return "change" if pairs else "scar"

    @model_validator(mode="after")
    def _kept_is_there(self) -> Self:
        if self.average and self.schedule.kept == "best":
            raise ValueError("average goes with schedule.kept: average")
        return self

    @model_validator(mode="after")
    def _upright(self) -> Self:
        if self.data.fed and self.variation.warp_share:
            raise ValueError("variation.warp_share: a slope that is zoomed or turned is another slope; set it to 0")
        return self


def load_experiment(name: str) -> Experiment:
    """The experiment in a YAML file, or of this name under training/experiments/.

    Raises:
        ConfigError: there is no such file, or a setting is unknown or out of range; names each.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Experiment.model_validate(document)
    except FileNotFoundError as err:
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
        raise ConfigError(
            "there is no such experiment", item=str(path), remedy=f"Name one of {known}, or a .yaml file of your own."
        ) from err
    except yaml.YAMLError as err:
        raise ConfigError(f"it is no YAML ({err})", item=str(path), remedy="Correct the file.") from err
    except ValidationError as err:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {_in_words(fault)}" for fault in err.errors())
        raise ConfigError(faults, item=str(path), remedy="Correct these settings.") from err


def _in_words(fault: ErrorDetails) -> str:
    return "there is no such setting" if fault["type"] == "extra_forbidden" else fault["msg"]


def save_experiment(experiment: Experiment, path: Path) -> None:
    """Write the experiment so that load_experiment reads it back."""
    document = experiment.model_dump(mode="json")
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
