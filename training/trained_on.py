"""What a model card says of its training that whoever scores it must know: another split, the same quiet ground."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from training.run_file import digest_of_ids
from training.splits import IBURI_BLOCKS, ids_within, parse_id_ranges

OTHER_SPLIT: Final = "trained on another split: may have seen what is scored"
_IBURI_IDS: Final = frozenset(number for low, high in IBURI_BLOCKS for number in range(low, high + 1))
_PATCHES: Final = "Landslide4Sense"
"""How the source of the patches begins whose ids IBURI_BLOCKS are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedOn:
    """The facts of one card; those that it does not state are taken for harmless, as cards before them had none."""

    split_kind: str = ""
    validation_sha256: str = ""
    """Of the ids it was scored on when it was made, as `digest_of_ids`."""
    quiet: tuple[str, ...] = ()
    """Sources of quiet ground it was trained on."""
    described: str = ""
    """The data sets in words, and how many labelled chips were on the side of training."""
    iburi_like: bool = False
    """It may have been trained on patches that look like the hills of the Hokkaido scenes."""

    def split_note(self, validation: Iterable[int]) -> str:
        """OTHER_SPLIT, or nothing when no fact says that these ids were not kept from training."""
        another = bool(self.validation_sha256) and self.validation_sha256 != digest_of_ids(validation)
        return OTHER_SPLIT if another or "random" in self.split_kind else ""


NOTHING_KNOWN: Final = TrainedOn()


def trained_on(stated: object) -> TrainedOn:
    """The facts of a card's `scarpwatch:training`; none where it has no such key."""
    training = _mapping(stated)
    split = _mapping(training.get("split"))
    made_from = [_mapping(one) for one in _list(training.get("made_from"))]
    sources = [str(_mapping(one).get("source", "")) for one in _list(training.get("data"))]
    # Older cards hold the settings of the split instead.
    excluded = split.get("excluded_ids", _mapping(split.get("settings")).get("exclude_ids"))
    return TrainedOn(
        split_kind=str(split.get("kind", "")),
        validation_sha256=str(_mapping(split.get("ids_sha256")).get("validation", "")),
        quiet=tuple(dict.fromkeys(str(place) for one in (training, *made_from) for place in _list(one.get("quiet")))),
        described=_described(_list(training.get("data")), _mapping(split.get("chips")).get("train")),
        iburi_like=isinstance(excluded, str)
        and any(source.startswith(_PATCHES) for source in sources)
        and bool(_IBURI_IDS - ids_within(_IBURI_IDS, parse_id_ranges(excluded))),
    )


def _described(data: Iterable[object], taken: object) -> str:
    named = []
    for one in map(_mapping, data):
        facts = ", ".join(f"{key} {one[key]}" for key in ("source", "licence", "chips") if key in one)
        named.append(f"{one.get('name', 'data')} ({facts})")
    return "; ".join(named + ([f"{taken} labelled chips on the side of training"] if taken else []))


def has_iburi_like(ids: Iterable[int]) -> bool:
    """Whether any of these patches looks like the hills of the Hokkaido scenes."""
    return bool(ids_within(ids, IBURI_BLOCKS))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
