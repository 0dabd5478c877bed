"""Log lines: for people on a terminal, JSON elsewhere; every line has a fixed `action` key."""

import logging
from typing import TextIO

import stamina
import structlog
from stamina.instrumentation import RetryDetails
from structlog.typing import FilteringBoundLogger, Processor

from monitor.errors import one_line


def make_logger(stream: TextIO, *, as_json: bool | None = None, level: str = "info") -> FilteringBoundLogger:
    """A logger that writes to `stream`.

    Args:
        stream: where lines go; standard error, so that standard output holds results only.
        as_json: None decides by whether the stream is a terminal.
        level: debug, info, warning or error.
    """
    on_terminal = stream.isatty()
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json if as_json is not None else not on_terminal:
        processors += [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(sort_keys=True)]
    else:
        processors += [structlog.dev.ConsoleRenderer(colors=on_terminal)]
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
    )
    return logger


def tell_retries(log: FilteringBoundLogger | None) -> None:
    """Have every short retry told as a line of this log; None: the library tells them its own way, on stdout."""
    if log is None:
        stamina.instrumentation.set_on_retry_hooks(None)
        return

    def tell(details: RetryDetails) -> None:
        log.warning(
            f"{one_line(details.caused_by)}; it is tried again in {details.wait_for:.1f} s",
            action="try-again",
            reason=type(details.caused_by).__name__,
            tries=details.retry_num,
        )

    stamina.instrumentation.set_on_retry_hooks([tell])
