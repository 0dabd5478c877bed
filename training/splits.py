"""Splits that keep the sides apart on the ground, and the proof that they do.

Landslide4Sense patches were cut in raster order, so neighbours on the ground are id±1 and about id±45: a random split
leaks. Scored blocks of ids, guards around them, and pairs known to touch keep the sides apart. Where regions or
events are known, whole groups are held out. A random split is there for comparison only, and says so.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.errors import ConfigError
from training.samples import Samples

IdRange = tuple[int, int]
"""First and last id of a block, both included."""

VALIDATION_BLOCKS: Final[tuple[IdRange, ...]] = ((300, 489), (1700, 1849), (2480, 2539), (2790, 2849), (3600, 3719))
"""Landslide4Sense training patches that are scored."""
THRESHOLD_BLOCKS: Final[tuple[IdRange, ...]] = ((1200, 1249), (3400, 3439), (3760, 3799))
"""Held out of the training ids to choose the card's threshold; never scored as validation.

Each lies at the edge of a run of training ids, where its own guard costs fewest patches.
"""
IBURI_BLOCKS: Final[tuple[IdRange, ...]] = ((2200, 2620),)
"""Patches that look like the Iburi hills, left out of the model shown on the Hokkaido scene."""

_SIDES: Final = ("train", "threshold", "validation", "dependent")
_RANGE: Final = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


class SplitKind(StrEnum):
    """How a set was divided; stated wherever a score is."""

    BLOCKS = "blocks of ids with guards"
    GROUPS = "whole regions or events"
    SITES = "whole events, and apart from them blocks of the seen events, with guards"
    RANDOM = "random: for comparison only"


class LeakKind(StrEnum):
    """How training may have seen what is scored."""

    SHARED_ID = "shared-id"
    """The same chip on two sides."""
    SAME_PIXELS = "same-pixels"
    """Two chips with identical pixels."""
    TOUCHING = "touching"
    """Two chips that overlap or are neighbours on the ground."""
    SHARED_GROUP = "shared-group"
    """A split by groups with one group on two sides."""
    RANDOM = "random"
    """Chips divided at random: neighbours that nobody recorded lie on two sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Disjoint sets of ids."""

    train: frozenset[int]
    threshold: frozenset[int]
    """Scored to choose threshold and temperature, not trained on."""
    validation: frozenset[int]
    kind: SplitKind
    dependent: frozenset[int] = frozenset()
    """Unseen ground of events that are trained on: scored apart."""

    def sides(self) -> dict[str, frozenset[int]]:
        """The sets by name; that of dependent ground where there is any."""
        named = dict(zip(_SIDES, (self.train, self.threshold, self.validation, self.dependent), strict=True))
        return named if self.dependent else dict(list(named.items())[:-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """How many ids on either side of a block are on no side: a row of patches on the ground."""

    ids: int = 48
    """A row is about 45 ids wide."""
    narrow_ids: int = 25
    narrow_region: IdRange = (2200, 2930)
    """Blocks that end here are guarded by `narrow_ids`: rows are 20 to 30 ids wide."""

    def around(self, block: IdRange) -> IdRange:
        """The block and its guards."""
        return block[0] - self._width(block[0]), block[1] + self._width(block[1])

    def _width(self, border_id: int) -> int:
        return self.narrow_ids if self.narrow_region[0] <= border_id <= self.narrow_region[1] else self.ids


L4S_GUARD: Final = Guard()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One chip, pair or group through which a side has seen another."""

    kind: LeakKind
    sides: tuple[str, str]
    what: str
    """Such as "chips 12 and 13" or "group iburi"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageReport:
    """What was looked for and found."""

    samples: str
    kind: SplitKind
    sizes: dict[str, int]
    """Chips on each side."""
    leaks: tuple[Leak, ...]
    allowed: frozenset[LeakKind] = frozenset()

    @property
    def refused(self) -> tuple[Leak, ...]:
        """The leaks that were not allowed by name."""
        return tuple(leak for leak in self.leaks if leak.kind not in self.allowed)

    def text(self) -> str:
        """A few lines for people."""
        sizes = ", ".join(f"{size} {side}" for side, size in self.sizes.items())
        lines = [f"{self.samples}: {sizes} chips; split by {self.kind}"]
        for kind in LeakKind:
            found = [leak for leak in self.leaks if leak.kind is kind]
            between = Counter(" and ".join(leak.sides) for leak in found)
            where = "".join(f"; {count} between {sides}" for sides, count in between.items())
            lines.append(f"  {kind}: {len(found)}{where}{' (allowed)' if found and kind in self.allowed else ''}")
        return "\n".join(lines)


def parse_id_ranges(text: str) -> tuple[IdRange, ...]:
    """Read "300-489,1700" as ((300, 489), (1700, 1700)); an empty text gives no ranges.

    Raises:
        ConfigError: quoting the part that is wrong.
    """
    ranges: list[IdRange] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        found = _RANGE.fullmatch(part)
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if high < low:
            raise ConfigError("that is no id or range of ids", item=part, remedy="Write for example 300-489,1700.")
        ranges.append((low, high))
    return tuple(ranges)


def ids_within(ids: Iterable[int], blocks: Sequence[IdRange]) -> frozenset[int]:
    """The ids that lie in any of the blocks."""
    return frozenset(int(i) for i in ids if any(low <= i <= high for low, high in blocks))


def split_by_blocks(
    samples: Samples,
    scored_blocks: Sequence[IdRange] = VALIDATION_BLOCKS,
    threshold_blocks: Sequence[IdRange] = THRESHOLD_BLOCKS,
    exclude: Sequence[IdRange] = (),
    guard: Guard = L4S_GUARD,
) -> Split:
    """Hold out blocks of ids, with guards and touching chips; `exclude`d blocks, with theirs, are not trained on."""
    ids = frozenset(int(i) for i in samples.ids)
    left = ids
    for blocks in (scored_blocks, exclude):
        left = _outside(left, blocks, guard) - _neighbours(ids_within(ids, blocks), samples.touching)
    threshold = ids_within(left, threshold_blocks)
    held_out = ids_within(ids, threshold_blocks)
    return Split(
        train=_outside(left, threshold_blocks, guard) - _neighbours(held_out, samples.touching),
        threshold=threshold,
        validation=ids_within(ids, scored_blocks),
        kind=SplitKind.BLOCKS,
    )


def split_by_group(
    samples: Samples, validation_groups: Collection[str], threshold_groups: Collection[str] = ()
) -> Split:
    """Hold out whole regions or events; chips of other groups that touch them are dropped too.

    Raises:
        ConfigError: there is no such group, or one is asked for twice.
    """
    there = set(samples.groups.tolist())
    unknown = {*validation_groups, *threshold_groups} - there
    twice = set(validation_groups) & set(threshold_groups)
    if unknown or twice:
        raise ConfigError(
            f"there is no group {', '.join(sorted(unknown))}" if unknown else f"{sorted(twice)} is on two sides",
            item=samples.name,
            remedy=f"Its groups are {', '.join(sorted(there))}.",
        )
    validation, threshold = (
        frozenset(samples.ids[np.isin(samples.groups, list(groups))].tolist())
        for groups in (validation_groups, threshold_groups)
    )
    threshold -= _neighbours(validation, samples.touching)
    grouped = np.isin(samples.groups, [*validation_groups, *threshold_groups])
    rest = frozenset(samples.ids[~grouped].tolist())
    return Split(
        train=rest - _neighbours(validation | threshold, samples.touching),
        threshold=threshold,
        validation=validation,
        kind=SplitKind.GROUPS,
    )


def hold_out(samples: Samples, split: Split, dependent: Collection[int]) -> Split:
    """Take ground of seen events out of training, with everything that touches it, to be scored apart."""
    ids = frozenset(dependent) & split.train
    return Split(
        train=split.train - ids - _neighbours(ids, samples.touching),
        threshold=split.threshold,
        validation=split.validation,
        kind=SplitKind.SITES,
        dependent=ids,
    )


def split_at_random(samples: Samples, seed: int, validation_share: float = 0.2, threshold_share: float = 0.1) -> Split:
    """Divide chips at random, as many papers do. It leaks: neighbours lie on two sides. For comparison only."""
    order = np.random.default_rng(seed).permutation(samples.ids).tolist()
    first = round(validation_share * len(order))
    second = first + round(threshold_share * len(order))
    return Split(
        train=frozenset(order[second:]),
        threshold=frozenset(order[first:second]),
        validation=frozenset(order[:first]),
        kind=SplitKind.RANDOM,
    )


def require_no_leaks(samples: Samples, split: Split, allowed: Collection[LeakKind] = ()) -> LeakageReport:
    """The leakage report of a split that leaks in no way but those allowed by name.

    Raises:
        ConfigError: it leaks; the first leaks are named.
    """
    report = LeakageReport(
        samples=samples.name,
        kind=split.kind,
        sizes={side: len(ids) for side, ids in split.sides().items()},
        leaks=leaks(samples, split),
        allowed=frozenset(allowed),
    )
    if report.refused:
        first = "; ".join(f"{leak.what} ({leak.kind}, {' and '.join(leak.sides)})" for leak in report.refused[:3])
        kinds = ", ".join(sorted({leak.kind for leak in report.refused}))
        raise ConfigError(
            f"the split leaks in {len(report.refused)} places: {first}",
            item=samples.name,
            remedy=f"Split by blocks or groups, widen the guard, or allow it by name: {kinds}.",
            reason="split-leaks",
        )
    return report


def leaks(samples: Samples, split: Split) -> tuple[Leak, ...]:
    """Everything through which two sides of a split have seen each other."""
    return (
        *_shared_ids(split),
        *_same_pixels(samples, split),
        *_touching(samples, split),
        *_groups(samples, split),
        *_random(split),
    )


def _outside(ids: frozenset[int], blocks: Sequence[IdRange], guard: Guard) -> frozenset[int]:
    return ids - ids_within(ids, [guard.around(block) for block in blocks])


def _neighbours(ids: frozenset[int], touching: NDArray[np.int64]) -> frozenset[int]:
    """What touches any of these chips; pairs are read in either order."""
    pairs = [(int(a), int(b)) for a, b in touching]
    return frozenset({b for a, b in pairs if a in ids} | {a for a, b in pairs if b in ids})


def _shared_ids(split: Split) -> Iterator[Leak]:
    for (one, first), (other, second) in combinations(split.sides().items(), 2):
        for number in sorted(first & second):
            yield Leak(kind=LeakKind.SHARED_ID, sides=(one, other), what=f"chip {number}")


def _touching(samples: Samples, split: Split) -> Iterator[Leak]:
    side_of = _side_of(split)
    for a, b in samples.touching.tolist():
        yield from _across(LeakKind.TOUCHING, side_of, a, b)


def _same_pixels(samples: Samples, split: Split) -> Iterator[Leak]:
    """Chips with identical pixels on two sides; a chip is compared with the first of its like on each side."""
    side_of = _side_of(split)
    alike: dict[bytes, dict[str, int]] = {}
    for number, pixels in zip(samples.ids.tolist(), samples.pixels, strict=True):
        if number in side_of:
            first_of_side = alike.setdefault(hashlib.sha256(pixels.tobytes()).digest(), {})
            for other in first_of_side.values():
                yield from _across(LeakKind.SAME_PIXELS, side_of, other, number)
            first_of_side.setdefault(side_of[number], number)


def _groups(samples: Samples, split: Split) -> Iterator[Leak]:
    if split.kind not in (SplitKind.GROUPS, SplitKind.SITES):
        return
    # Dependent ground is of events that are trained on: that is what it is scored apart for.
    groups = {
        side: set(samples.groups[np.isin(samples.ids, list(ids))].tolist())
        for side, ids in split.sides().items()
        if side != "dependent"
    }
    for (one, first), (other, second) in combinations(groups.items(), 2):
        for group in sorted(first & second):
            yield Leak(kind=LeakKind.SHARED_GROUP, sides=(one, other), what=f"group {group}")


def _random(split: Split) -> Iterator[Leak]:
    if split.kind is SplitKind.RANDOM:
        yield Leak(kind=LeakKind.RANDOM, sides=("train", "validation"), what="neighbours that nobody recorded")


def _across(kind: LeakKind, side_of: dict[int, str], a: int, b: int) -> Iterator[Leak]:
    one, other = side_of.get(a), side_of.get(b)
    if one is not None and other is not None and one != other:
        first, second = sorted((one, other), key=_SIDES.index)
        yield Leak(kind=kind, sides=(first, second), what=f"chips {a} and {b}")


def _side_of(split: Split) -> dict[int, str]:
    return {number: side for side, ids in split.sides().items() for number in ids}
