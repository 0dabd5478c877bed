"""Mistakes in several places of one value, told at once."""

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

Refusal = tuple[tuple[str | int, ...], PydanticCustomError, object]
"""Where it is below the value, what is wrong, and what was given."""


def refuse(refusals: list[Refusal]) -> None:
    """Raise one pydantic error for several places below the value being validated."""
    if refusals:
        details = [InitErrorDetails(type=error, loc=loc, input=given) for loc, error, given in refusals]
        raise ValidationError.from_exception_data("settings", details)
