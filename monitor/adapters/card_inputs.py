"""The inputs of a model card: `scarpwatch:inputs` read and checked against what the service can make."""

import math
from collections.abc import Mapping, Sequence

from monitor.core.features import INDICES, OPTICAL_BANDS, RADAR, TERRAIN, methods_for, scheme_of, sensor_of
from monitor.core.land_cover import CLASSES, Scheme
from monitor.inputs import Input, Method
from monitor.records import Sensor

KEY = "scarpwatch:inputs"
_KEYS: Mapping[Method, tuple[str, ...]] = {
    Method.CONTEXT: (),
    Method.FIXED: ("center", "scale"),
    Method.DECIBEL: ("center", "scale"),
    Method.ONE_HOT: ("classes",),
}
"""What a card must state beside the method, and nothing else."""


def read_inputs(names: Sequence[str], stated: object, sensor: Sensor) -> tuple[Input, ...]:
    """The inputs of a card in the order of `names`.

    Args:
        names: the bands of `mlm:input`.
        stated: `scarpwatch:inputs`, an object with an entry for each of them.
        sensor: of the card.

    Raises:
        ValueError: what is wrong with them, in words.
    """
    if not isinstance(stated, Mapping):
        raise ValueError(f"lacks {KEY} (an object with an entry for each input)")
    if len(set(names)) != len(names):
        raise ValueError("names an input twice in mlm:input")
    if set(stated) != set(names):
        missing, more = sorted(set(names) - set(stated)), sorted(map(str, set(stated) - set(names)))
        raise ValueError(f"{KEY} and the bands of mlm:input disagree (without entry: {missing}, without band: {more})")
    schemes = {scheme for name in names if (scheme := scheme_of(name)) is not None}
    if len(schemes) > 1:
        raise ValueError(f"wants land cover in {len(schemes)} legends; one is possible")
    return tuple(_input(name, stated[name], sensor) for name in names)


def check_known(name: str, sensor: Sensor) -> None:
    """Refuse an input that nobody can make, or not from this sensor.

    Raises:
        ValueError: saying which there are.
    """
    if not methods_for(name):
        schemes = ", ".join(f"land_cover:{scheme.value}" for scheme in Scheme)
        there = ", ".join((*OPTICAL_BANDS, *INDICES, *RADAR, *TERRAIN))
        raise ValueError(f"has the input {name!r}, which is none of {there}, {schemes}")
    needed = sensor_of(name)
    if needed is not None and needed is not sensor:
        raise ValueError(
            f"has the input {name!r} of a sensor that is {needed.value}, but scarpwatch:sensor is {sensor}"
        )


def _input(name: str, entry: object, sensor: Sensor) -> Input:
    check_known(name, sensor)
    possible = methods_for(name)
    method = entry.get("method") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or method not in possible:
        raise ValueError(f"{KEY} of {name} needs the method {' or '.join(possible)}, not {method!r}")
    chosen = Method(str(method))
    if set(entry) != {"method", *_KEYS[chosen]}:
        needs = ", ".join(_KEYS[chosen]) or "nothing"
        raise ValueError(f"{KEY} of {name} states {sorted(map(str, entry))}; beside the method it needs {needs}")
    scheme = scheme_of(name)
    if scheme is not None:
        legend = [int(one) for one in CLASSES[scheme]]
        if entry["classes"] != legend:
            raise ValueError(f"{KEY} of {name} has the classes {entry['classes']}; the legend is {legend}")
        return Input(name=name, method=chosen)
    if chosen is Method.CONTEXT:
        return Input(name=name, method=chosen)
    center, scale = _number(name, entry, "center"), _number(name, entry, "scale")
    if scale <= 0:
        raise ValueError(f"{KEY} of {name} has the scale {scale:g}, which must be greater than 0")
    return Input(name=name, method=chosen, center=center, scale=scale)


def _number(name: str, entry: Mapping[object, object], key: str) -> float:
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{KEY} of {name} has {key} {value!r}, which is no number")
    return float(value)
