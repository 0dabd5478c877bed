"""Run one command line and turn its end into an exit code."""

import sys
from collections.abc import Sequence

from monitor.cli.app import make_app
from monitor.cli.exits import Exit, exit_code
from monitor.cli.parts import Parts
from monitor.cli.tables import mistake_lines
from monitor.config import SettingsError
from monitor.errors import ScarpwatchError
from monitor.logs import make_logger, tell_retries


def run(arguments: Sequence[str], parts: Parts) -> int:
    """Run a command and return its exit code; errors are told on standard error, with the remedy."""
    tell_retries(make_logger(sys.stderr))  # until a command has read how its log is to be
    try:
        make_app()(args=list(arguments), prog_name="scarpwatch", obj=parts)
    except SettingsError as error:
        sys.stderr.write("\n".join(mistake_lines(error.mistakes, error.path)) + "\n")
        return Exit.CONFIG
    except ScarpwatchError as error:
        sys.stderr.write(f"{error}\n")
        return exit_code(error)
    except SystemExit as end:  # how typer ends every command, also a successful one
        if end.code == Exit.INTERRUPTED:
            sys.stderr.write("interrupted: nothing is lost, start it again to go on\n")
        return end.code if isinstance(end.code, int) else Exit.OK if end.code is None else Exit.FAILED
    finally:
        tell_retries(None)
    return Exit.OK
