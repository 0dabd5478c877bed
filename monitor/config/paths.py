"""Relative paths in a configuration start at the folder of its file."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_OF_CHANNELS = ("path", "url_file", "secret_file")


def absolute_database(url: str, folder: Path) -> str:
    """The URL with an absolute path when it is SQLite; whatever is no URL is left for the validation to name."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    with suppress(ArgumentError):
        parsed = make_url(url)
        name = parsed.database
        if parsed.get_backend_name() == "sqlite" and name and name != ":memory:" and not name.startswith("file:"):
            return parsed.set(database=str(folder / name)).render_as_string(hide_password=False)
    return url


def with_absolute_paths(data: dict[str, object], folder: Path) -> dict[str, object]:
    """A copy of raw settings whose paths are absolute; wrong types are left for the validation to name."""
    result = dict(data)
    for key in ("products", "models"):
        value = result.get(key)
        if isinstance(value, str) and value:
            result[key] = folder / Path(value).expanduser()
    if isinstance(tiers := result.get("tiers"), Mapping):
        result["tiers"] = _with_absolute(tiers, "null_rates", folder)
    if isinstance(cluster := result.get("dask"), Mapping) and isinstance(tls := cluster.get("tls"), Mapping):
        for key in ("ca_file", "cert_file", "key_file"):
            tls = _with_absolute(tls, key, folder)
        result["dask"] = {**cluster, "tls": tls}
    if isinstance(value := result.get("database"), str):
        result["database"] = absolute_database(value, folder)
    in_groups = (("catalogs", "href"), ("regions", "geometry"), *(("channels", key) for key in _OF_CHANNELS))
    for group, key in in_groups:
        if isinstance(members := result.get(group), Mapping):
            result[group] = {name: _with_absolute(member, key, folder) for name, member in members.items()}
    if isinstance(catalogs := result.get("catalogs"), Mapping):
        result["catalogs"] = {name: _with_absolute_folders(one, folder) for name, one in catalogs.items()}
    result |= _with_absolute_layers(result, folder)
    if isinstance(regions := result.get("regions"), Mapping):
        result["regions"] = {
            name: {**one, **_with_absolute_layers(one, folder)} if isinstance(one, Mapping) else one
            for name, one in regions.items()
        }
    return result


def _with_absolute_layers(holder: Mapping[str, object], folder: Path) -> dict[str, object]:
    """The key `layers` of a group, if it has one, with absolute paths."""
    layers = holder.get("layers")
    if not isinstance(layers, Mapping):
        return {}
    return {"layers": {name: _with_absolute(one, "path", folder) for name, one in layers.items()}}


def _with_absolute_folders(catalog: object, folder: Path) -> object:
    """A catalog whose `asset_folders`, if it has any, are absolute."""
    given = catalog.get("asset_folders") if isinstance(catalog, Mapping) else None
    if not isinstance(catalog, Mapping) or not isinstance(given, list | tuple):
        return catalog
    absolute = [folder / Path(one).expanduser() if isinstance(one, str) and one else one for one in given]
    return {**catalog, "asset_folders": absolute}


def _with_absolute(member: object, key: str, folder: Path) -> object:
    if not isinstance(member, Mapping) or not isinstance(value := member.get(key), str) or not value:
        return member
    if "://" in value or value.lstrip().startswith("{"):
        return member
    return {**member, key: str(folder / Path(value).expanduser())}
