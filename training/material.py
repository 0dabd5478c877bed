"""What an experiment trains on and is scored on: chips, split, quiet ground, and where all of it came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from monitor.errors import ConfigError
from training.batches import Sources
from training.datasets.bands import select_bands
from training.datasets.cutting import cut_manifests, load_cut_chips, require_other_ground
from training.datasets.event_layout import read_events_file
from training.datasets.events import load_events
from training.datasets.hard_negatives import HardNegatives, draw_weights, read_hard_negatives, require_same_chips
from training.datasets.labelled_images import label_files, load_labelled_images
from training.datasets.landslide4sense import load_landslide4sense
from training.datasets.manifest import MANIFEST_FILE, Manifest, manifest_of, read_manifest, require_unchanged
from training.datasets.quiet import load_quiet, quiet_manifests, quiet_tiles
from training.datasets.rgb_patches import load_rgb_patches
from training.datasets.sparse_chips import load_sparse_chips
from training.experiment import DataSettings
from training.pairs import fixed_pairs, single_bands
from training.samples import LANDSLIDE, STABLE, Samples
from training.simulated.chips import load_simulated
from training.sites import split_by_site
from training.splits import (
    THRESHOLD_BLOCKS,
    VALIDATION_BLOCKS,
    Guard,
    IdRange,
    LeakageReport,
    LeakKind,
    Split,
    parse_id_ranges,
    require_no_leaks,
    split_at_random,
    split_by_blocks,
    split_by_group,
)

L4S_SOURCE: Final = "Landslide4Sense (Ghorbanzadeh et al. 2022, doi 10.1109/TGRS.2022.3215209, Zenodo 10463239)"
_SEED_OF_RANDOM_SPLIT: Final = 1
_PLACED: Final = ("sparse-chips", "labelled-images")
"""Kinds whose chips say where they lie, so that those that touch are known."""
_SCORED_SHARE: Final = 0.2
_THRESHOLD_SHARE: Final = 0.16

_Described = tuple[Samples, list[Manifest]]
"""Chips, and what they were read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMaterial:
    """Everything a run reads."""

    samples: Samples
    split: Split
    leakage: LeakageReport
    quiet: Samples | None
    quiet_share: float
    hard_negatives: HardNegatives | None
    """Which quiet chips are drawn more often; None: all alike."""
    manifests: tuple[Manifest, ...]
    paired: bool = False
    """Chips become pairs of dates: made anew for training, once for what is held out."""

    def sources(self) -> Sources:
        """What the batches are drawn from."""
        return Sources(
            labelled=self.samples.take(self.split.train),
            quiet=self.quiet,
            quiet_share=self.quiet_share,
            quiet_weights=draw_weights(self.hard_negatives) if self.hard_negatives else None,
            paired=self.paired,
        )

    def threshold(self) -> Samples:
        """The chips that choose threshold and temperature."""
        return self._held_out(self.split.threshold)

    def scored(self) -> Samples:
        """The chips that are scored."""
        return self._held_out(self.split.validation)

    def dependent(self) -> Samples:
        """Those of events that are trained on elsewhere, scored apart; mostly there are none."""
        return self._held_out(self.split.dependent)

    def _held_out(self, ids: frozenset[int]) -> Samples:
        chips = self.samples.take(ids)
        return fixed_pairs(chips) if self.paired else chips


def gather(data: DataSettings, folder: Path) -> RunMaterial:
    """Read the chips an experiment names, under the folder of data, and divide them.

    Raises:
        ScarpwatchError: a file is missing or broken, a band or group is not there, the split leaks, or a side of
            it has nothing to learn or score.
    """
    path = folder / data.path
    samples, manifests = _READERS[data.kind](path, data)
    split = _split_events(samples, data, path) if data.kind == "events" else _split(samples, data)
    _require_sides(samples, split)
    leakage = require_no_leaks(samples, split, [LeakKind(name) for name in data.allow_leaks])
    quiet = _quiet(folder, data, samples.labels.shape[-1])
    if data.kind == "cut-chips":
        require_other_ground(samples.take(split.validation | split.threshold), quiet_tiles(folder, data.quiet))
    if quiet is not None:
        manifests += quiet_manifests(folder, data.quiet, quiet)
    return RunMaterial(
        samples=samples,
        split=split,
        leakage=leakage,
        quiet=quiet,
        quiet_share=data.quiet_share if quiet is not None else 0.0,
        hard_negatives=_hard_negatives(folder, data, quiet),
        manifests=tuple(manifests),
        paired=data.kind == "rgb-pairs",
    )


def open_chips(path: Path, bands: Sequence[str], file_bands: Sequence[str] = ()) -> Samples:
    """Labelled chips of any kind, told by what lies at `path`, with these bands.

    Raises:
        ScarpwatchError: a file is missing or broken, or a band is not there.
    """
    if path.suffix == ".npz":
        return select_bands(load_rgb_patches(path), bands)
    if any(path.rglob("*.h5")):
        return load_landslide4sense(path, bands)
    if file_bands:
        return load_sparse_chips(path, file_bands, bands)
    return load_cut_chips(path, bands)


def _rgb_patches(path: Path, data: DataSettings) -> _Described:
    samples = select_bands(load_rgb_patches(path), single_bands(data.bands))
    source = f"{L4S_SOURCE}, 8-bit RGB renderings of its training patches"
    return samples, [manifest_of(samples, path.parent, [path], source=source, licence="CC-BY-4.0")]


def _landslide4sense(path: Path, data: DataSettings) -> _Described:
    samples = load_landslide4sense(path, data.bands)
    files = sorted(path.rglob("*.h5"))
    return samples, [_stated(path) or manifest_of(samples, path, files, source=L4S_SOURCE, licence="CC-BY-4.0")]


def _sparse_chips(path: Path, data: DataSettings) -> _Described:
    samples = load_sparse_chips(path, data.file_bands, data.bands)
    files = sorted(path.rglob("*.tif"))
    return samples, [_stated(path) or manifest_of(samples, path, files, source=path.name, licence="not stated")]


def _labelled_images(path: Path, data: DataSettings) -> _Described:
    samples = load_labelled_images(path, data.file_bands, data.bands)
    files = [*sorted(path.rglob("*.tif")), *label_files(path)]
    return samples, [_stated(path) or manifest_of(samples, path, files, source=path.name, licence="not stated")]


def _cut_chips(path: Path, data: DataSettings) -> _Described:
    manifests = cut_manifests(path)
    return load_cut_chips(path, data.bands), manifests


def _simulated_valleys(path: Path, data: DataSettings) -> _Described:
    manifest = read_manifest(path / MANIFEST_FILE)
    require_unchanged(manifest, path)
    return load_simulated(path, data.fed), [manifest]


def _events(path: Path, data: DataSettings) -> _Described:
    found = load_events(path, data.fed)
    samples = found.samples
    described = manifest_of(samples, path, found.files, source=found.source, licence=found.licence)
    return samples, [_stated(path) or described]


_READERS: Final[dict[str, Callable[[Path, DataSettings], _Described]]] = {
    "rgb-patches": _rgb_patches,
    "rgb-pairs": _rgb_patches,
    "landslide4sense": _landslide4sense,
    "sparse-chips": _sparse_chips,
    "labelled-images": _labelled_images,
    "cut-chips": _cut_chips,
    "simulated-valleys": _simulated_valleys,
    "events": _events,
}


def _stated(path: Path) -> Manifest | None:
    file = path / MANIFEST_FILE
    if not file.exists():
        return None
    manifest = read_manifest(file)
    require_unchanged(manifest, path)
    return manifest


def _require_sides(samples: Samples, split: Split) -> None:
    for side, ids in split.sides().items():
        labels = samples.take(ids).labels
        if not ((labels == LANDSLIDE).any() and (labels == STABLE).any()):
            raise ConfigError(
                f"{len(ids)} chips are on the side of {side}, and they do not show both landslide and stable ground",
                item=samples.name,
                remedy="Name other ids or groups under data.validation and data.threshold.",
            )


def _split(samples: Samples, data: DataSettings) -> Split:
    exclude = parse_id_ranges(data.exclude_ids)
    if data.split == "random":
        return split_at_random(samples, _SEED_OF_RANDOM_SPLIT)
    if data.split == "groups":
        return split_by_group(samples, data.validation, data.threshold)
    validation = parse_id_ranges(",".join(data.validation))
    threshold = parse_id_ranges(",".join(data.threshold))
    if data.kind in _PLACED:
        # What touches a block is known from where the chips lie: no further guard is needed.
        last, first = _outer_blocks(samples)
        return split_by_blocks(samples, validation or last, threshold or first, exclude, Guard(ids=0, narrow_ids=0))
    return split_by_blocks(samples, validation or VALIDATION_BLOCKS, threshold or THRESHOLD_BLOCKS, exclude)


def _outer_blocks(samples: Samples) -> tuple[tuple[IdRange, ...], tuple[IdRange, ...]]:
    """The last fifth of the ids to score, and the first sixth for the threshold, as far from it as can be."""
    ids = np.sort(samples.ids)
    scored, threshold = round(_SCORED_SHARE * len(ids)), round(_THRESHOLD_SHARE * len(ids))
    return ((int(ids[len(ids) - scored]), int(ids[-1])),), ((int(ids[0]), int(ids[threshold - 1])),)


def _split_events(samples: Samples, data: DataSettings, path: Path) -> Split:
    """By the events that the experiment names, else by those that the set names."""
    named = read_events_file(path)
    independent, threshold = data.validation or named.independent, data.threshold or named.threshold
    if not (independent and threshold):
        raise ConfigError(
            "nobody says which events are scored and which choose the threshold",
            item=str(path),
            remedy="Name them under `independent` and `threshold` in events.yaml, or in the experiment.",
        )
    return split_by_site(samples, independent, threshold, data.dependent)


def _quiet(folder: Path, data: DataSettings, chip_px: int) -> Samples | None:
    """The quiet chips of the sources that an experiment names; the others stay unseen and can be scored."""
    if not data.quiet or not data.quiet_share:
        return None
    return load_quiet(folder, data.quiet, single_bands(data.bands), chip_px)


def _hard_negatives(folder: Path, data: DataSettings, quiet: Samples | None) -> HardNegatives | None:
    if quiet is None or not data.hard_negatives:
        return None
    found = read_hard_negatives(folder / data.hard_negatives)
    require_same_chips(found, quiet)
    return found
