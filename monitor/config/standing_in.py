"""Every mistake of a configuration at once: what is wrong gets a stand-in, so that the rest can be looked at too."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

from pydantic import ValidationError, model_validator
from pydantic_core import ErrorDetails

from monitor.config.mistakes import Place
from monitor.config.settings import Settings
from monitor.config.yaml_file import YamlFile

_ROUNDS = 50
"""Each mends what the one before found; a handful is enough, also for a file with many mistakes."""
_CATALOG = {"type": "stac", "href": "https://catalog.invalid"}
_STAND_INS: Mapping[Place, object] = {
    ("catalogs", "*", "type"): _CATALOG["type"],
    ("catalogs", "*", "href"): _CATALOG["href"],
    ("regions", "*", "geometry"): {"bbox": [0.0, 0.0, 0.01, 0.01]},
    ("regions", "*", "catalogs"): ["stand-in"],
    ("layers", "*", "kind"): "zones",
    ("regions", "*", "layers", "*", "kind"): "zones",
    ("channels", "*", "url"): "http://192.0.2.1/",
    ("channels", "*", "secret"): "whsec_" + "A" * 32,
}
"""For what must be there; everything else is left out, and has its default."""
_WRITTEN_UNDER = {"unknown_catalog": "catalogs", "unknown_region": "regions"}


class StandIn:
    """Settings without their mistakes, and all of these."""

    def __init__(self, document: YamlFile, folder: Path) -> None:
        """Look at a file and the environment.

        Args:
            document: the configuration file.
            folder: where its relative paths start.
        """
        self.errors: list[ErrorDetails] = []
        """Every mistake of form, none of which follows from another one."""
        self.settings: Settings | None = None
        """With stand-ins; None: the file is too wrong for that."""
        self._edits: dict[Place, object] = {}
        self._written: Mapping[str, object] = {}
        data = {key: value for key, value in document.data.items() if key != "folder"}
        self._look({**data, "folder": folder})

    def stands_in_for(self, place: str) -> bool:
        """Whether a mistake at a place is about a stand-in, or about what was left out."""
        parts = tuple(place.split("."))
        return any(parts[: len(edit)] == edit for edit in self._edits)

    def _look(self, data: Mapping[str, object]) -> None:
        # Made here: its schema takes time, and only a configuration with mistakes needs it.
        class Mended(Settings):
            @model_validator(mode="before")
            @classmethod
            def _mend(cls, given: dict[str, object]) -> dict[str, object]:
                self._written = given
                return self._mended(given)

        for _ in range(_ROUNDS):
            try:
                self.settings = Mended.model_validate(dict(data))
            except ValidationError as error:
                found = error.errors(include_url=False)
            else:
                return
            self.errors += [one for one in found if not self._follows(one)]
            edits = dict(self._edits)
            for one in found:
                self._edit(one)
            if edits == self._edits:
                return

    def _mended(self, given: Mapping[str, object]) -> dict[str, object]:
        data = deepcopy(dict(given))
        for place, value in self._edits.items():
            _put(data, place, value)
        return data

    def _follows(self, error: ErrorDetails) -> bool:
        """Whether a mistake is there only because of another one."""
        place = _place(error)
        if any(place[: len(edit)] == edit[: len(place)] for edit in self._edits):
            return True
        if error["type"] == "nobody_at_once":
            return any(len(edit) <= 2 and edit[0] == "channels" for edit in self._edits)
        group = self._written.get(_WRITTEN_UNDER.get(error["type"], ""))
        return isinstance(group, Mapping) and error["input"] in group

    def _edit(self, error: ErrorDetails) -> None:
        """Let something else stand for what is wrong; where that was not enough, leave out what is around it."""
        if error["type"] == "unknown_catalog":
            self._edits["catalogs", str(error["input"])] = _CATALOG
            return
        place = _place(error)
        while place in self._edits:
            place = place[:-1]
        if place:
            # Names that an operator gives stand at every second place.
            self._edits[place] = _STAND_INS.get(tuple("*" if at % 2 else part for at, part in enumerate(place)))


def _place(error: ErrorDetails) -> Place:
    """The setting that is wrong: of a list all of it."""
    found: list[str] = []
    for part in error["loc"]:
        if isinstance(part, int):
            break
        if part != "[key]":
            found.append(part)
    return tuple(found)


def _put(data: dict[str, object], place: Place, value: object) -> None:
    """Set a place to a value; None takes it away."""
    group: object = data
    for part in place[:-1]:
        if not isinstance(group, dict):
            return
        group = group.setdefault(part, {}) if value is not None else group.get(part)
    if not isinstance(group, dict):
        return
    if value is None:
        group.pop(place[-1], None)
    else:
        group[place[-1]] = value
