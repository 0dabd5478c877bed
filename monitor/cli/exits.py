"""Exit codes that scripts can use: one meaning each, for every command."""

from enum import IntEnum

from monitor.errors import BadModel, ConfigError, ScarpwatchError, StoreBusy


class Exit(IntEnum):
    """What the end of a command means."""

    OK = 0
    """Done; nothing is wrong."""
    FAILED = 1
    """It ran, but something was parked, has to be tried again or could not be reached; or a check was not passed."""
    CONFIG = 2
    """Wrong usage, configuration or model: nothing was done."""
    DATABASE = 3
    """The database cannot be reached, or is of another version (scarpwatch db upgrade)."""
    INTERRUPTED = 130
    """Ctrl-C; typer ends so."""


TABLE = """\
Exit codes: 0 all is well; 1 something was parked, failed or has to be tried again; \
2 wrong usage, configuration or model; 3 the database cannot be reached or must be upgraded; 130 interrupted."""


def exit_code(error: ScarpwatchError) -> Exit:
    """The exit code of an error that ended a command."""
    if isinstance(error, StoreBusy) or "db upgrade" in error.remedy:
        return Exit.DATABASE
    if isinstance(error, ConfigError | BadModel):
        return Exit.CONFIG
    return Exit.FAILED
