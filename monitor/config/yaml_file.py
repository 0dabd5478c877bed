"""A YAML file with the line of every key, so that a mistake can be pointed at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from monitor.config.mistakes import Mistake, Place, SettingsError, dotted


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlFile:
    """A parsed configuration file."""

    path: Path
    data: dict[str, object]
    lines: Mapping[Place, int]
    """Line (from 1) of every key and list element."""
    mistakes: tuple[Mistake, ...] = ()
    """What YAML lets pass and people do not mean: the same key twice."""

    def line(self, place: Place) -> int | None:
        """Line of a place, or of the nearest thing around it that the file holds."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return None


def read_yaml(path: Path) -> YamlFile:
    """Parse a configuration file.

    Raises:
        SettingsError: it is missing, unreadable, not YAML, or not a mapping.
    """
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise SettingsError(path, (_syntax(err),)) from err
    if root is None:
        return YamlFile(path=path, data={}, lines={})
    if not isinstance(data, dict):
        remedy = "Start it with settings such as `regions:`; the shipped config.yaml shows them all."
        raise SettingsError(path, (Mistake("(file)", "it does not hold settings by name", remedy, 1),))
    lines: dict[Place, int] = {}
    repeated: list[Mistake] = []
    for place, node, again in _walk(root, ()):
        line = node.start_mark.line + 1
        if again:
            remedy = f"Keep one of them; the other is on line {lines[place]}."
            repeated.append(Mistake(dotted(place), "this key is there twice", remedy, line))
        lines[place] = line
    return YamlFile(
        path=path, data={str(key): value for key, value in data.items()}, lines=lines, mistakes=tuple(repeated)
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as err:
        remedy = "Name one with --config PATH or SCARPWATCH_CONFIG, or copy the shipped config.yaml here."
        raise SettingsError(path, (Mistake("(file)", "there is no such file", remedy),)) from err
    except (OSError, UnicodeDecodeError) as err:
        remedy = "It must be a UTF-8 text file that the user running Scarpwatch may read."
        message = f"it cannot be read ({type(err).__name__})"
        raise SettingsError(path, (Mistake("(file)", message, remedy),)) from err


def _syntax(err: yaml.YAMLError) -> Mistake:
    mark = getattr(err, "problem_mark", None)
    problem = str(getattr(err, "problem", None) or "it cannot be parsed")
    remedy = "Check indentation (spaces, not tabs), colons and brackets on this line and the one before."
    return Mistake("(file)", f"this is not YAML: {problem}", remedy, mark.line + 1 if mark else None)


def _walk(node: yaml.Node, place: Place) -> Iterator[tuple[Place, yaml.Node, bool]]:
    """Every key and element below a node: its place, its node, and whether the place was there before."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            yield (*place, name), key, name in seen
            seen.add(name)
            yield from _walk(value, (*place, name))
    elif isinstance(node, yaml.SequenceNode):
        for index, element in enumerate(node.value):
            yield (*place, index), element, False
            yield from _walk(element, (*place, index))
