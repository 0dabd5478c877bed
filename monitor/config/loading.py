"""Reading a configuration: settings that hold, or every mistake of form in them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from monitor.config.environment import PREFIX, environment_values
from monitor.config.explain import explain, located
from monitor.config.mistakes import Mistake, SettingsError
from monitor.config.settings import Settings, known_keys
from monitor.config.yaml_file import YamlFile, read_yaml

if TYPE_CHECKING:
    from monitor.config.standing_in import StandIn

DEFAULT_FILE = Path("config.yaml")


def config_path(given: Path | None, environ: Mapping[str, str]) -> Path:
    """The configuration file: --config, else SCARPWATCH_CONFIG, else ./config.yaml."""
    named = environ.get(f"{PREFIX}CONFIG")
    return (given or (Path(named) if named else DEFAULT_FILE)).absolute()


def load(path: Path) -> Settings:
    """Read a configuration file and the environment.

    Raises:
        SettingsError: with every mistake found, its place and its remedy.
    """
    document = read_yaml(path)
    mistakes = [*document.mistakes, *_folder_named(document)]
    try:
        settings = _settings(document, path.absolute().parent)
    except ValidationError as err:
        mistakes += explain(_stand_in(document).errors, document, environment_values(os.environ), known_keys)
        raise SettingsError(path, tuple(mistakes)) from err
    if mistakes:
        raise SettingsError(path, tuple(mistakes))
    return settings


def standing_in(path: Path) -> "StandIn | None":
    """What can be looked at all the same of a configuration with mistakes; None: it cannot be read at all."""
    try:
        return _stand_in(read_yaml(path))
    except SettingsError:
        return None


def placed(mistakes: Sequence[Mistake], path: Path) -> tuple[Mistake, ...]:
    """Mistakes in what valid settings name, each with its line in the file or the variable that set it."""
    return located(mistakes, read_yaml(path), environment_values(os.environ))


def _stand_in(document: YamlFile) -> "StandIn":
    # Imported when it is needed: only a configuration with mistakes asks for it.
    from monitor.config.standing_in import StandIn

    return StandIn(document, document.path.absolute().parent)


def _settings(document: YamlFile, folder: Path) -> Settings:
    data = {key: value for key, value in document.data.items() if key != "folder"}
    return Settings.model_validate({**data, "folder": folder})


def _folder_named(document: YamlFile) -> list[Mistake]:
    """A field of the settings that is no setting: where the file lies."""
    if "folder" not in document.data:
        return []
    remedy = "Remove it; paths start at the configuration's folder."
    return [Mistake("folder", "no such setting", remedy, document.line(("folder",)))]
