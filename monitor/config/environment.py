"""SCARPWATCH_* variables, and the secrets that lie in files."""

from collections.abc import Mapping
from pathlib import Path

from monitor.errors import ConfigError

PREFIX = "SCARPWATCH_"
NOT_SETTINGS = frozenset({"CONFIG", "SECRETS_DIR"})
"""SCARPWATCH_* variables that say where settings are, and are none themselves."""


def environment_values(environ: Mapping[str, str]) -> dict[str, str]:
    """SCARPWATCH_* variables (upper case) with the content of secret files in place of their paths.

    Raises:
        ConfigError: a secret file cannot be read.
    """
    values: dict[str, str] = {}
    secrets = environ.get(f"{PREFIX}SECRETS_DIR")
    if secrets:
        for path in sorted(Path(secrets).iterdir() if Path(secrets).is_dir() else ()):
            if path.is_file() and not path.name.startswith("."):
                values[PREFIX + path.name.upper().removeprefix(PREFIX)] = _secret(path, f"{PREFIX}SECRETS_DIR")
    for name, value in environ.items():
        key = name.upper()
        if not key.startswith(PREFIX) or key.removeprefix(PREFIX) in NOT_SETTINGS:
            continue
        if not key.endswith("_FILE"):
            values[key] = value
    for name, value in environ.items():
        key = name.upper()
        if key.startswith(PREFIX) and key.endswith("_FILE"):
            values[key.removesuffix("_FILE")] = _secret(Path(value), key)
    return values


def _secret(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(
            f"the secret file {path} cannot be read ({type(err).__name__})",
            item=variable,
            remedy="Correct the path, or let the user that runs Scarpwatch read the file.",
        ) from err
