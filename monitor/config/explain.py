"""Pydantic's errors, put into plain words with a place and a remedy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from monitor.config.mistakes import Mistake, Place, dotted
from monitor.config.yaml_file import YamlFile

_REMEDIES: Mapping[str, str] = {
    "bad_database_url": "Write sqlite:///watch.db, or postgresql://user@host/name with the password in a secret file.",
    "not_positive": "Give a number greater than 0.",
    "low_above_high": "Change grows from `high` down to `low`: make low smaller than high.",
    "above_one": "Give a number between 0 and 1.",
    "not_geometry": "Write {bbox: [west, south, east, north]} in degrees, or the path of a GeoJSON file.",
    "bbox_shape": "Write [west, south, east, north] in degrees, for example [141.89, 42.68, 142.03, 42.77].",
    "bbox_west_east": "The order is [west, south, east, north]. Across 180° give a MultiPolygon cut there.",
    "bbox_south_north": "The order is [west, south, east, north].",
    "missing_file": "Correct the path; relative paths start at the folder of the configuration file.",
    "unreadable_file": "It must be a UTF-8 text file that the user running Scarpwatch may read.",
    "not_geojson": "Export the region as GeoJSON: a Polygon, Feature or FeatureCollection in longitude and latitude.",
    "not_area": "Draw the outline of the watched ground as a polygon.",
    "empty_polygon": "Give at least three different corners, with the first repeated at the end.",
    "past_180": "Give a MultiPolygon cut at 180°, with a part on either side.",
    "not_degrees": "Reproject it to EPSG:4326, longitude first.",
    "invalid_polygon": "Move or remove the corner there so that the outline does not touch or cross itself.",
    "too_large": "Cut it into several regions; one with what lies between its parts may have 25,000 km² at most.",
    "not_a_share": "Give a share of the tile, for example 0.5.",
    "keep_above_clear": "Lower keep_share, or raise clear_share: optics keep a tile with less than they win it with.",
    "unknown_catalog": "Add it under `catalogs:`, or use one of the names that are there.",
    "fallback_is_first": "Remove it here, or there: a catalog stands in for others, not for itself.",
    "ends_before": "Give an `until` that lies after `since`, or leave one of them out.",
    "unknown_region": "Add it under `regions:`, or use one of the names that are there; [] means all.",
    "not_for_type": "Remove it.",
    "needed_for_type": "Add it; docs/operate.md shows every type of channel.",
    "given_twice": "Keep one of the two.",
    "bad_host": 'Write the hosts that hold the catalog\'s files, for example [files.example.org, "*.example.net"].',
    "bad_network": "Write the addresses or networks of the proxies, for example [10.42.0.0/16].",
    "bad_url": "Write https://host/path, or http:// where the network may read along.",
    "bad_secret": "Make one: echo whsec_$(openssl rand -base64 32)",
    "unknown_land_cover": "Use one of these, or list a map of your own under the name whose classes it has.",
    "needed_for_dask": "Add `dask: {address: tcp://scheduler:8786}`, or set executor to local.",
    "tls_and_address": "Write tls://host:8786 with ca_file, cert_file and key_file under tls, or tcp:// without.",
    "missing": "Add it.",
    "too_short": "Give at least one.",
    "string_pattern_mismatch": "Use letters, digits, - and _ only, starting with a letter or digit (63 at most).",
    "string_too_short": "It must not be empty.",
    "literal_error": "Use one of the words named here.",
    "enum": "Use one of the words named here.",
    "int_parsing": "Give a whole number.",
    "int_type": "Give a whole number.",
    "int_from_float": "Give a whole number.",
    "float_parsing": "Give a number.",
    "float_type": "Give a number.",
    "string_type": "Give a text; put it in quotes when it looks like a number.",
    "bool_parsing": "Write true or false.",
    "dict_type": "Give it as indented `name: value` lines.",
    "model_type": "Give it as indented `name: value` lines.",
    "dataclass_type": "Give it as indented `name: value` lines.",
    "tuple_type": "Give a list: [one, two].",
    "path_type": "Give a path.",
}
_PARAPHRASED: Mapping[str, str] = {
    "extra_forbidden": "no such setting",
    "unknown_key": "no such setting",
    "missing": "this is not there, and it must be",
    "string_pattern_mismatch": "this name cannot be used",
}


def explain(
    errors: Sequence[ErrorDetails],
    document: YamlFile,
    environment: Mapping[str, str],
    known_keys: Callable[[Place], Sequence[str]],
) -> tuple[Mistake, ...]:
    """Pydantic's errors as mistakes, in the order of the file.

    Args:
        errors: `ValidationError.errors()`.
        document: the file, for line numbers.
        environment: SCARPWATCH_* variables that were read; a mistake in one is placed there.
        known_keys: the names that may stand in a group of settings.
    """
    mistakes = [_explained(error, document, environment, known_keys) for error in errors]
    return tuple(sorted(mistakes, key=lambda mistake: mistake.line or 0))


def located(mistakes: Sequence[Mistake], document: YamlFile, environment: Mapping[str, str]) -> tuple[Mistake, ...]:
    """Mistakes found beside the validation, with the line or the environment variable of the setting they are about."""
    found = []
    for mistake in mistakes:
        place = tuple(mistake.place.split("."))
        variable = _variable(place, environment)
        found.append(replace(mistake, place=variable) if variable else replace(mistake, line=document.line(place)))
    return tuple(found)


def _explained(
    error: ErrorDetails,
    document: YamlFile,
    environment: Mapping[str, str],
    known_keys: Callable[[Place], Sequence[str]],
) -> Mistake:
    place = tuple(part for part in error["loc"] if part != "[key]")
    kind = error["type"]
    message = _PARAPHRASED.get(kind) or error["msg"][:1].lower() + error["msg"][1:]
    if kind in {"unknown_key", "extra_forbidden"}:
        remedy = _did_you_mean(str(place[-1]), known_keys(place[:-1]))
    elif kind.startswith(("greater_than", "less_than")):
        remedy = f"Give a number in range (now: {error['input']!r})."
    else:
        remedy = _REMEDIES.get(kind, "The shipped config.yaml shows how it is written.")
    variable = _variable(place, environment)
    if variable:
        return Mistake(variable, message, remedy)
    return Mistake(dotted(place), message, remedy, document.line(place))


def _variable(place: Place, environment: Mapping[str, str]) -> str | None:
    """The environment variable that set a place, if one did."""
    for length in range(len(place), 0, -1):
        name = "SCARPWATCH_" + "__".join(str(part).upper() for part in place[:length])
        if name in environment:
            return name
    return None


def _did_you_mean(key: str, known: Sequence[str]) -> str:
    close = get_close_matches(key, known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Remove it; known here: {', '.join(sorted(known))}." if known else "Remove it."
