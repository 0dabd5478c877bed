"""Looks out of the archive. One that is gone or broken is left out and said; it never stops the watch."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from monitor.core.reference import Depth, valid
from monitor.errors import AssetUnavailable, BadAsset
from monitor.ports import LookArchive
from monitor.records import KeptLook, Look

_NAMED = 3
"""Lost looks that a complaint names; the others are counted."""


class Memory:
    """Reads earlier looks for one acquisition, and remembers which of them are lost."""

    def __init__(self, archive: LookArchive) -> None:
        """Nothing is read yet."""
        self._archive = archive
        self._lost: dict[str, None] = {}
        self._found = 0

    def recall(self, href: str) -> Look | None:
        """A kept look, or None when it is gone or broken."""
        if href in self._lost:
            return None
        try:
            look = self._archive.read(href)
        except BadAsset:
            self._lost[href] = None
            return None
        self._found += 1
        return look

    def recall_all(self, hrefs: Iterable[str]) -> list[Look]:
        """Those looks that can be read, in the order given."""
        return [look for href in hrefs if (look := self.recall(href)) is not None]

    def last(
        self,
        rows: Iterable[KeptLook],
        wanted: NDArray[np.bool_],
        depth: int,
        shows: Callable[[Look], NDArray[np.bool_]] = valid,
    ) -> tuple[list[KeptLook], list[Look]]:
        """Those rows, and their looks, that show every wanted pixel `depth` times, as far as there are any.

        Args:
            rows: newest first; no more looks are read than needed.
            wanted: (256, 256) pixels to be known. For a look that is lost, an older one fills up.
            shows: (256, 256) the pixels that a look makes known.
        """
        lacking = Depth(wanted, depth, shows)
        pairs: list[tuple[KeptLook, Look]] = []
        for row in rows:
            if lacking.reached:
                break
            look = self.recall(row.look_href)
            if look is not None and lacking.take(look):
                pairs.append((row, look))
        return [row for row, _ in pairs], [look for _, look in pairs]

    def check(self) -> None:
        """Raise AssetUnavailable when looks were asked for and every one of them is lost.

        A region that forgot everything looks just like one whose product folder is not there at the moment. To learn
        anew would take the next scars for the ground as it always was.
        """
        if self._lost and not self._found:
            raise AssetUnavailable(
                f"none of {len(self._lost)} kept looks that are needed can be found",
                item=next(iter(self._lost)),
                remedy="See that the product folder is mounted and complete; it is tried again. If the looks are lost "
                "for good: scarpwatch db forget-looks, then scarpwatch release for what was parked",
                reason="looks-lost",
            )

    def complaint(self) -> str:
        """What is lost and what helps, for people; empty when nothing is."""
        lost = sorted(self._lost)
        if not lost:
            return ""
        what = "1 kept look is gone or broken" if len(lost) == 1 else f"{len(lost)} kept looks are gone or broken"
        names = ", ".join(lost[:_NAMED]) + (f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else "")
        return f"{what}: {names}; judged without (a copy put back from a backup is used again from the next look on)"
