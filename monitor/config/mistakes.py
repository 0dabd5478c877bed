"""Mistakes in a configuration, each with its place and what to do about it, in plain words."""

from dataclasses import dataclass
from pathlib import Path

from monitor.errors import ConfigError

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong."""

    place: str
    """regions.atsuma.geometry.bbox, or the name of an environment variable."""
    message: str
    remedy: str
    line: int | None = None
    """Line in the configuration file; None where the mistake is not in the file."""


class SettingsError(ConfigError):
    """A configuration with mistakes: all of them."""

    def __init__(self, path: Path, mistakes: tuple[Mistake, ...]) -> None:
        self.path = path
        self.mistakes = mistakes
        first = mistakes[0]
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        where = f", line {first.line}" if first.line else ""
        super().__init__(
            f"{first.place}: {first.message}{more}",
            item=f"{path}{where}",
            remedy=f"{first.remedy} See `scarpwatch config check`",
        )


def dotted(place: Place) -> str:
    """regions.atsuma.catalogs[0], as people write it."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "(file)"
