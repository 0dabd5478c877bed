"""Labelled chips out of the files of simulated valleys: which looks, which dates side by side, what slid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.core.features import INDICES, date_of, normalised_difference, sensor_of
from monitor.errors import ConfigError
from monitor.inputs import Input
from monitor.records import Sensor
from training.datasets.checks import require_landslides
from training.samples import LANDSLIDE, STABLE, UNLABELLED, Samples
from training.simulated.valley_files import ValleyFile, View, valley_files

CHIPS_PER_STACK: Final = 1_000
STACKS_PER_VALLEY: Final = 100
_AFTER, _QUIET = 2, 1
"""Single looks taken of every track: the first and the last after the storm, and the last before it."""
_LEAST_SEEN: Final = 0.5
"""Share of a chip that must be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Looks of one track that a network sees as one input."""

    newest: tuple[View, ...]
    """The look itself and further ones after it in the stack, newest first."""
    before: tuple[View, ...] = ()
    """Newest first."""
    slid: bool
    """The storm lies before the look, and after all of `before`."""

    def view(self, date: str) -> View:
        """The look of a date such as "", ":after2" or ":before3".

        Raises:
            KeyError: the stack has none.
        """
        when, number = date.rstrip("123456789"), int(date[-1]) if date[-1:].isdigit() else 1
        side = self.before if when == ":before" else self.newest
        if number > len(side):
            raise KeyError(date)
        return side[number - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How many looks a network sees on either side."""

    after: int
    before: int


def depth_of(names: Sequence[str]) -> Depth:
    """What the dates of inputs ask for."""
    dates = [date_of(name)[1] for name in names]
    before = sum(date.startswith(":before") for date in set(dates))
    return Depth(after=1 + sum(date.startswith(":after") for date in set(dates)), before=before)


def load_simulated(folder: Path, inputs: Sequence[Input]) -> Samples:
    """Chips of all valleys under a folder with these inputs as layers; groups are valleys.

    A chip of quiet ground is taken where it holds a trap, and otherwise every second one.

    Raises:
        BadAsset: there is no file, or one is broken.
        ConfigError: an input is no layer of the files, or they hold too few looks for its dates.
        InputFault: no pixel is a landslide.
    """
    parts = [part for valley in valley_files(folder) for part in _chips(valley, [one.name for one in inputs])]
    if not parts:
        raise ConfigError(
            "no valley has looks enough for these inputs", item=str(folder), remedy="Ask for fewer dates."
        )
    ids, pixels, labels, groups = (np.concatenate([part[place] for part in parts]) for place in range(4))
    require_landslides(labels, str(folder))
    return Samples(
        name=folder.name,
        bands=tuple(one.name for one in inputs),
        ids=ids,
        pixels=pixels,
        labels=labels,
        groups=groups,
        touching=np.zeros((0, 2), dtype=np.int64),
        inputs=tuple(inputs),
    )


def stacks_of(valley: ValleyFile, sensor: Sensor, depth: Depth) -> list[Stack]:
    """Which looks of a valley are put side by side, in an order that never changes: ids count them."""
    found: list[Stack] = []
    mine = [view for view in valley.views if view.sensor == sensor.value]
    for track in sorted({view.track for view in mine}):
        quiet = [view for view in mine if view.track == track and not view.after]
        stormy = [view for view in mine if view.track == track and view.after]
        found += _pairs(quiet, stormy, depth) if depth.before else _single(valley, quiet, stormy)
    return found


def place_of(chip: int) -> tuple[int, int, int]:
    """Seed of the valley, place of the stack among `stacks_of`, place of the chip in the file."""
    stack, place = divmod(chip, CHIPS_PER_STACK)
    return stack // STACKS_PER_VALLEY, stack % STACKS_PER_VALLEY, place


def _single(valley: ValleyFile, quiet: Sequence[View], stormy: Sequence[View]) -> list[Stack]:
    """Looks one by one; what sees less than half of the valley is left out."""
    seen = {view.number: _seen_share(valley, view) >= _LEAST_SEEN for view in (*quiet, *stormy)}
    after = [view for view in stormy if seen[view.number]]
    before = [view for view in quiet if seen[view.number]]
    chosen = [after[0], after[-1]] if len(after) >= _AFTER else after
    return [Stack(newest=(view,), slid=view.after) for view in (*chosen, *before[-_QUIET:])]


def _seen_share(valley: ValleyFile, view: View) -> float:
    layer = valley.layer("B04" if view.sensor == Sensor.OPTICAL.value else "vv", view)
    return float(np.isfinite(layer).mean())


def _pairs(quiet: Sequence[View], stormy: Sequence[View], depth: Depth) -> list[Stack]:
    """Looks before and after: over the storm, before it alone, and after it alone, when scars are there already."""
    after, before = depth.after, depth.before
    found = []
    if len(stormy) >= after and len(quiet) >= before:
        for start in dict.fromkeys((0, len(stormy) - after)):
            found.append(_stack(stormy[start : start + after], quiet[-before:], slid=True))
    for views in (quiet, stormy):
        if len(views) >= after + before:
            found.append(_stack(views[-after:], views[-after - before : -after], slid=False))
    return found


def _stack(newest: Sequence[View], before: Sequence[View], *, slid: bool) -> Stack:
    return Stack(newest=tuple(reversed(newest)), before=tuple(reversed(before)), slid=slid)


_Part = tuple[NDArray[np.int64], NDArray[np.float16], NDArray[np.int8], NDArray[np.str_]]


def _chips(valley: ValleyFile, names: Sequence[str]) -> Iterator[_Part]:
    """Ids, pixels, labels and groups of every stack of a valley that has chips worth keeping."""
    sensor = next(found for name in names if (found := sensor_of(name)) is not None)
    scars, traps = valley.mask("scars"), valley.mask("traps")
    for place, stack in enumerate(stacks_of(valley, sensor, depth_of(names))):
        pixels = np.stack([_layer(valley, stack, name).astype(np.float16) for name in names], axis=1)
        seen = np.asarray(np.isfinite(pixels).all(axis=1), dtype=np.bool_)
        truth = np.where(scars & stack.slid, LANDSLIDE, STABLE)
        labels = np.where(seen, truth, UNLABELLED).astype(np.int8)
        telling = (truth == LANDSLIDE).any(axis=(1, 2)) | traps.any(axis=(1, 2)) | (np.arange(len(seen)) % 2 == 0)
        kept = np.flatnonzero((seen.mean(axis=(1, 2)) >= _LEAST_SEEN) & telling)
        if len(kept):
            first = (valley.seed * STACKS_PER_VALLEY + place) * CHIPS_PER_STACK
            yield first + kept, pixels[kept], labels[kept], np.full(len(kept), valley.group)


def _layer(valley: ValleyFile, stack: Stack, name: str) -> NDArray[np.generic]:
    plain, date = date_of(name)
    view = None if sensor_of(name) is None else stack.view(date)
    if plain in INDICES:
        first, second = (valley.layer(band, view) for band in INDICES[plain])
        return normalised_difference(first, second)
    return valley.layer(plain, view)
