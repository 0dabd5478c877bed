"""Where the files that come with the code lie: beside the packages, in a checkout and when installed."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_BESIDE = Path(__file__).resolve().parent.parent


def shipped_folder(name: str) -> Path:
    """The folder `name` ("migrations" or "models") of this installation; it need not exist."""
    checkout = _BESIDE / name
    return checkout if (_BESIDE / "pyproject.toml").is_file() else _BESIDE / "scarpwatch_shipped" / name


def installed_version() -> str:
    """The version of the installed distribution; "unknown" in a checkout that was never installed."""
    try:
        return version("scarpwatch")
    except PackageNotFoundError:
        return "unknown"
