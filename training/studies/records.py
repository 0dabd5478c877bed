"""What a published study says, and how each row of its tables is made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from training.experiment import Experiment

Figure = Literal["precision", "recall", "f1", "iou", "pr_auc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a published table."""

    name: str
    """Of the experiment, and of the folder of its run."""
    words: str
    """What the table calls it."""
    original: Experiment | None
    """On the data of the study, as it describes them; None where they are not published."""
    here: Experiment | None
    """On what is at hand instead; None where that cannot show it."""
    published: Mapping[Figure, float] = field(default_factory=dict)
    """As printed; empty where the study prints none."""
    lacks: str = ""
    """What `here` lacks of the row, in words, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A published study."""

    letter: Literal["A", "B", "C", "D"]
    title: str
    data: str
    """Its data, in words."""
    at_hand: str
    """What stands in for them, in words."""
    rows: tuple[Row, ...]
    added: tuple[tuple[str, str], ...] = ()
    """Names of rows of the same looks, of which the second sees more than the first."""

    def row(self, name: str) -> Row:
        """The row of a name."""
        return next(one for one in self.rows if one.name == name)
