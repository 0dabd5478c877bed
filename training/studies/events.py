"""Study C: features of radar and optics before and after 28 events all over the world, alone and together.

The text this is made from says 58 experiments and lists the groups of features and the scene counts; the study's own
table was not at hand. A full product does not give 58: with four radar sets, six optical sets and four scene counts it
would be (16 + 1) × (6 + 1) - 1 = 118. Counted here are

    16  four radar sets, each with four scene counts
     6  optical sets
    24  every radar set with every optical set, one radar scene before and one after
    12  the four radar sets with the other three scene counts, beside red, green, blue and near infrared

which is 58 with each combination once. Other ways reach 58 too (4 + 6 + 2 × 24: two scene counts for all combinations,
one for radar alone), but leave some of the listed radar rows out. So the row names are ours, not the study's numbers.

What the text does not say and was chosen: optics are one scene before and one after; the blocks of the U-Net have 64 to
1024 channels; the optimiser is the one of all experiments here; the ranges that become 0–1 are those of
`training.event_inputs`. The card's threshold comes from the threshold events; the study's is 0.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from monitor.core.features import split_date
from training.event_inputs import GROUND, event_input
from training.experiment import (
    DataSettings,
    Experiment,
    InputSettings,
    LossSettings,
    NetworkSettings,
    ScheduleSettings,
    VariationSettings,
)
from training.studies.records import Figure, Row, Study

DATA: Final = "landslide-events"
VALLEYS: Final = "sim-valleys-bands"
VALLEY_BANDS: Final = ("B05", "B06", "B07", "B08", "B8A", "B11", "B12")
"""What simulated valleys need beside red, green and blue."""
FULL_VALLEYS: Final = range(1, 25)
QUICK_VALLEYS: Final = range(1, 9)
_QUICK_WINDOW_PX: Final = 64
"""Of the chips, mostly around a scar: more steps in less time."""
QUICK_ROWS: Final = ("gamma-1-1", "gamma-3-1", "gamma-1-3", "gamma-3-3", "rgbn", "ndvi")
"""Rows of the quick form: the scene counts, and two of optics."""

RADAR_SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "gamma": ("vv", "vh"),
    "gamma-coherence": ("vv", "vh", "coherence"),
    "gamma-polarimetry": ("vv", "vh", "entropy", "anisotropy", "alpha"),
    "radar-all": ("vv", "vh", "coherence", "entropy", "anisotropy", "alpha"),
}
_VISIBLE_AND_NEAR: Final = ("B04", "B03", "B02", "B08")
_RED_EDGE: Final = ("B05", "B06", "B07", "B8A")
_SHORTWAVE: Final = ("B11", "B12")
OPTICAL_SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "rgbn": _VISIBLE_AND_NEAR,
    "rgbn-ndvi": (*_VISIBLE_AND_NEAR, "NDVI"),
    "rgbn-rededge": (*_VISIBLE_AND_NEAR, *_RED_EDGE),
    "rgbn-swir": (*_VISIBLE_AND_NEAR, *_SHORTWAVE),
    "optical-all": (*_VISIBLE_AND_NEAR, "NDVI", *_RED_EDGE, *_SHORTWAVE),
    "ndvi": ("NDVI",),
}
COUNTS: Final = ((1, 1), (3, 1), (1, 3), (3, 3))
"""Radar scenes before and after."""
_WORDS: Final = {
    "gamma": "gVV, gVH",
    "gamma-coherence": "gVV, gVH, coherence",
    "gamma-polarimetry": "gVV, gVH, H/A/α",
    "radar-all": "gVV, gVH, coherence, H/A/α",
    "rgbn": "RGB, NIR",
    "rgbn-ndvi": "RGB, NIR, NDVI",
    "rgbn-rededge": "RGB, NIR, red edge",
    "rgbn-swir": "RGB, NIR, SWIR",
    "optical-all": "RGB, NIR, NDVI, red edge, SWIR",
    "ndvi": "NDVI",
}
_PUBLISHED: Final[Mapping[str, tuple[Mapping[Figure, float], str]]] = {
    "rgbn": ({"f1": 0.69}, "which sites is not said"),
    "rgbn-swir": ({"f1": 0.83}, "published of all eight sites, the best of the study"),
    "ndvi": ({"f1": 0.87}, "published of the independent sites"),
    "radar-all-3-3": ({"f1": 0.60}, "published as the best of radar; that it is this scene count is inferred"),
}
"""By row, with what is known of each. No row is told for 0.79 (optics and radar), nor a scene count for gVV and gVH
(0.68 on dependent sites, 0.54 on independent ones)."""
_SUPPLIED: Final = "coherence and H/A/α need complex radar scenes, which simulated valleys do not have"
_TOGETHER: Final = "simulated valleys feed a network one sensor at a time"
_SMALLER: Final = (
    "simulated valleys instead of events, no dependent sites; a sixteenth of the weights, few epochs at a higher rate"
)
_QUICK_SMALLER: Final = f"{_SMALLER}; learned from windows of {_QUICK_WINDOW_PX} pixels, mostly around a scar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What one experiment sees, beside elevation and slope."""

    radar: str = ""
    """Of RADAR_SETS; empty: no radar."""
    before: int = 1
    """Radar scenes."""
    after: int = 1
    optical: str = ""
    """Of OPTICAL_SETS; empty: no optics."""

    @property
    def name(self) -> str:
        """Of the row: radar set, scenes before and after, optical set."""
        radar = f"{self.radar}-{self.before}-{self.after}" if self.radar else ""
        return "-".join(filter(None, (radar, self.optical)))

    @property
    def words(self) -> str:
        """For a table."""
        radar = f"{_WORDS[self.radar]} ({self.before} + {self.after} scenes)" if self.radar else ""
        return " with ".join(filter(None, (radar, _WORDS.get(self.optical, ""))))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs, in their order."""
        radar = _dated(RADAR_SETS[self.radar], self.before, self.after) if self.radar else ()
        optical = _dated(OPTICAL_SETS[self.optical], 1, 1) if self.optical else ()
        return (*radar, *optical, *GROUND)


def features() -> Iterator[Features]:
    """The 58, as the head of this file counts them."""
    for radar, (before, after) in product(RADAR_SETS, COUNTS):
        yield Features(radar=radar, before=before, after=after)
    for optical in OPTICAL_SETS:
        yield Features(optical=optical)
    for radar, optical in product(RADAR_SETS, OPTICAL_SETS):
        yield Features(radar=radar, optical=optical)
    for radar, (before, after) in product(RADAR_SETS, COUNTS[1:]):
        yield Features(radar=radar, before=before, after=after, optical="rgbn")


def study(*, quick: bool = False) -> Study:
    """All rows; `quick` gives eight valleys instead of 24 and fewer epochs."""
    valleys = QUICK_VALLEYS if quick else FULL_VALLEYS
    return Study(
        letter="C",
        title="Radar and optics before and after, alone and together",
        data="28 events all over the world: Sentinel-1, Sentinel-2, slope and elevation, split by event; more radar "
        "scenes always helped, by 0.02 to 0.13 of F1",
        at_hand=f"SIMULATED: {len(valleys)} valleys of 26 km², split by valley; trained on "
        f"{len(valleys) - len(_threshold(quick)) - len(_scored(quick))}, scored on {len(_scored(quick))}",
        rows=tuple(_row(one, quick=quick) for one in features()),
    )


def _row(seen: Features, *, quick: bool) -> Row:
    published, remark = _PUBLISHED.get(seen.name, ({}, ""))
    why_not = _TOGETHER if seen.radar and seen.optical else _SUPPLIED if seen.radar not in ("", "gamma") else ""
    return Row(
        name=seen.name,
        words=_remarked(seen.words, remark),
        original=_original(seen),
        here=None if why_not else _here(seen, quick=quick),
        published=published,
        lacks=why_not or (_QUICK_SMALLER if quick else _SMALLER),
    )


def _remarked(words: str, remark: str) -> str:
    """With what is known of the row in the same brackets as its scenes."""
    if not remark:
        return words
    return f"{words.removesuffix(')')}; {remark})" if words.endswith(")") else f"{words} ({remark})"


def _original(seen: Features) -> Experiment:
    return Experiment(
        name=seen.name,
        title=f"Landslides between looks before and after an event: {seen.words}",
        data=DataSettings(kind="events", path=DATA, bands=seen.inputs, split="groups", dependent=0.2),
        network=NetworkSettings(
            architecture="unet-plain", pretrained=False, decoder_channels=(1024, 512, 256, 128, 64)
        ),
        loss=LossSettings(name="dice"),
        schedule=ScheduleSettings(epochs=200, batch_size=16, learning_rate=1e-4),
    )


def _here(seen: Features, *, quick: bool) -> Experiment:
    return Experiment(
        name=seen.name,
        title=f"Landslides between looks before and after a storm (simulated valleys): {seen.words}",
        simulated=True,
        data=DataSettings(
            kind="simulated-valleys",
            path=valleys_folder(quick=quick),
            bands=seen.inputs,
            inputs=_ranges(seen.inputs),
            split="groups",
            threshold=_threshold(quick),
            validation=_scored(quick),
        ),
        network=NetworkSettings(architecture="unet-plain", pretrained=False),
        variation=VariationSettings(window_px=_QUICK_WINDOW_PX if quick else None),
        loss=LossSettings(name="dice"),
        # The running average must forget the beginning within a short run.
        schedule=ScheduleSettings(epochs=_epochs(seen, quick), batch_size=16, learning_rate=2e-3, averaging=0.98),
    )


def valleys_folder(*, quick: bool) -> str:
    """Of their own for the quick form, as whatever valleys a folder has beside those held out are trained on."""
    return f"{VALLEYS}-quick" if quick else VALLEYS


def _epochs(seen: Features, quick: bool) -> int:
    """Valleys give fewer sets of looks the more looks a set has: with these, every row has about as many steps."""
    base = (10 if seen.radar else 30) if quick else 12  # clouds leave optics a quarter of the sets
    return base if (seen.before, seen.after) == (1, 1) else base * 4 // 3 if seen.after == 1 else base * 2


def _threshold(quick: bool) -> tuple[str, ...]:
    """Of the quick form the first: optics see no scar of valleys 2 and 5, which lie under clouds."""
    return _named(range(1, 2) if quick else range(15, 18))


def _scored(quick: bool) -> tuple[str, ...]:
    return _named(range(6, 9) if quick else range(18, 25))


def _named(seeds: range) -> tuple[str, ...]:
    return tuple(f"valley-{seed}" for seed in seeds)


def _ranges(inputs: Sequence[str]) -> dict[str, InputSettings]:
    """The same 0–1 as on events."""
    plain = dict.fromkeys(split_date(name)[0] for name in inputs)
    known = {name: event_input(name) for name in plain}
    return {
        name: InputSettings.model_validate({"method": one.method, "center": one.center, "scale": one.scale})
        for name, one in known.items()
    }


def _dated(names: Sequence[str], before: int, after: int) -> tuple[str, ...]:
    """Every name of every date: the newest look first, then older ones after the event, then those before it."""
    later = ("", *(f":after{place}" for place in range(2, after + 1)))
    earlier = (":before", *(f":before{place}" for place in range(2, before + 1)))
    return tuple(f"{name}{date}" for date in (*later, *earlier) for name in names)
