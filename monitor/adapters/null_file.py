"""What quiet ground does, in a file of JSON that people can read."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from monitor.adapters.files import write_atomic
from monitor.core.null_rate import Curve, NullRates
from monitor.errors import ConfigError

UNIT = "false events per 1,000 km² and year"
QUIET_GROUND = "quiet-ground.json"
"""Name of the shipped file, among the models."""
_Rate = Annotated[float, Field(gt=0)]


class _Curve(BaseModel):
    model_config = ConfigDict(extra="forbid")

    strengths: list[float]
    """Rising, without the last, which is infinite."""
    opened: list[_Rate]
    held: list[_Rate]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    unit: str = UNIT
    sources: list[str]
    simulated: bool
    km2_years: dict[str, _Rate]
    curves: dict[str, _Curve]
    factors: dict[str, dict[str, _Rate]]


def save_null(rates: NullRates, path: Path) -> None:
    """Write rates to a file, whole or not at all."""
    document = asdict(rates)
    for curve in document["curves"].values():
        curve["strengths"] = [round(one, 4) for one in curve["strengths"] if math.isfinite(one)]
        curve["opened"], curve["held"] = ([round(one, 4) for one in curve[name]] for name in ("opened", "held"))
    document["factors"] = {
        detector: {word: round(factor, 3) for word, factor in words.items()}
        for detector, words in document["factors"].items()
    }
    document["km2_years"] = {detector: round(value, 2) for detector, value in document["km2_years"].items()}
    write_atomic(path, (json.dumps({"unit": UNIT, **document}, indent=1, ensure_ascii=False) + "\n").encode())


def load_null(path: Path) -> NullRates:
    """The rates of a file.

    Raises:
        ConfigError: it cannot be read or is no such file.
    """
    remedy = "Mend the file, or leave `tiers: null_rates` out: then no rate is known."
    try:
        found = _File.model_validate_json(path.read_bytes())
        for name, curve in found.curves.items():
            _check(name, curve, found)
    except OSError as err:
        raise ConfigError(f"cannot be read: {err.strerror}", item=str(path), remedy=remedy) from err
    except ValidationError as err:
        first = err.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{where}: {first['msg']}", item=str(path), remedy=remedy) from err
    except ValueError as err:
        raise ConfigError(str(err), item=str(path), remedy=remedy) from err
    return NullRates(
        curves={
            name: Curve(strengths=(*curve.strengths, math.inf), opened=tuple(curve.opened), held=tuple(curve.held))
            for name, curve in found.curves.items()
        },
        factors=found.factors,
        km2_years=found.km2_years,
        sources=tuple(found.sources),
        simulated=found.simulated,
    )


def _check(name: str, curve: _Curve, found: _File) -> None:
    """Raise ValueError for a curve that no counting gives."""
    if found.unit != UNIT:
        raise ValueError(f"its unit is {found.unit!r} and not {UNIT!r}")
    if name not in found.km2_years:
        raise ValueError(f"curves.{name}: its exposure is not among km2_years")
    if not len(curve.strengths) + 1 == len(curve.opened) == len(curve.held):
        raise ValueError(f"curves.{name}: opened and held have one more value than strengths")
    if curve.strengths != sorted(curve.strengths) or not all(map(math.isfinite, curve.strengths)):
        raise ValueError(f"curves.{name}: strengths do not rise")
    for rates in (curve.opened, curve.held):
        if rates != sorted(rates, reverse=True):
            raise ValueError(f"curves.{name}: rates do not fall")
