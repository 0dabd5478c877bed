"""Where the files that come with the code lie: beside the packages in a checkout, inside `monitor` when installed."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped_folder(name: str) -> Path:
    """The folder `name` ("migrations" or "models") of this installation; it need not exist."""
    inside = _PACKAGE / "_shipped" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def installed_version() -> str:
    """The version of the distribution, or a word for a checkout that was never installed."""
    try:
        return version("scarpwatch")
    except PackageNotFoundError:
        return "checkout"
