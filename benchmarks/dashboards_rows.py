"""Pictures of panels that show rows: tables, the map of tiles, the calendar of passes."""

import math
from textwrap import shorten

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from benchmarks.dashboards_asked import Asked, Json, Servers, Table
from benchmarks.dashboards_words import cell, coloured, dated, day

_INK, _FAINT, _LINE = "#24292e", "#7b818a", "#e8ebef"
_ROW_PX, _CHAR_PX, _UNIT_PX = 21.0, 5.6, 68.0


def draw_table(axes: Axes, panel: Json, servers: Servers, asked: Asked) -> None:
    """The rows that have room, under their columns."""
    table = _merged(panel, [servers.table(target, asked) for target in panel["targets"]])
    axes.set_axis_off()
    fields = {name: _field_of(panel, name) for name in table.columns}
    if not table.rows:
        word = panel["fieldConfig"]["defaults"]["noValue"]
        axes.text(0.5, 0.5, word, ha="center", va="center", color=_FAINT, fontsize=9, transform=axes.transAxes)
        return
    wide_px, high_px = panel["gridPos"]["w"] * _UNIT_PX - 25, panel["gridPos"]["h"] * 36.5 - 42
    spelled = [
        [cell(value, fields[name], asked.end) for name, value in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]
    edges = _edges(table, spelled, fields, wide_px)
    axes.set_xlim(0, wide_px)
    axes.set_ylim(high_px, 0)
    shown = int(high_px // _ROW_PX) - 1
    for place, name in enumerate(table.columns):
        axes.text(edges[place] + 4, _ROW_PX / 2, name, fontsize=7.5, weight="bold", color="#3d71d9", va="center")
    for number, (row, words) in enumerate(zip(table.rows[:shown], spelled, strict=False), start=1):
        top = number * _ROW_PX
        axes.plot([0, wide_px], [top, top], color=_LINE, lw=0.8)
        for place, (name, word) in enumerate(zip(table.columns, words, strict=True)):
            width = edges[place + 1] - edges[place]
            _cell(axes, (edges[place], top, width), row[place], word, fields[name])
    if len(table.rows) > shown:
        axes.text(wide_px, high_px, f"… {len(table.rows)} rows", fontsize=7, color=_FAINT, ha="right", va="bottom")


def _cell(axes: Axes, place: tuple[float, float, float], value: object, word: str, field: Json) -> None:
    left, top, width = place
    ink = _INK
    if field.get("coloured") and isinstance(value, int | float):
        axes.add_patch(Rectangle((left + 1, top + 1), width - 2, _ROW_PX - 2, facecolor=coloured(value, field)))
        ink = "white"
    elif field.get("links"):
        ink = "#1f60c4"
    letters = max(int((width - 6) / _CHAR_PX), 1)
    text = word if len(word) <= letters else f"{word[: max(letters - 1, 1)]}…"
    axes.text(left + 4, top + _ROW_PX / 2, text.replace("$", r"\$"), fontsize=7.5, color=ink, va="center")


def _edges(table: Table, spelled: list[list[str]], fields: dict[str, Json], wide_px: float) -> list[float]:
    """Where columns begin: of a width that was set, or of their longest word, the rest shared."""
    wanted = []
    for place, name in enumerate(table.columns):
        longest = max([len(name) + 1, *(len(row[place]) for row in spelled)])
        wanted.append(float(fields[name].get("width") or min(longest, 70) * _CHAR_PX + 12))
    free = [place for place, name in enumerate(table.columns) if not fields[name].get("width")]
    spare = wide_px - sum(wanted)
    shared = sum(wanted[place] for place in free)
    for place in free:
        wanted[place] = max(wanted[place] + spare * wanted[place] / shared, 40.0)
    if not free or sum(wanted) > wide_px:
        wanted = [one * wide_px / sum(wanted) for one in wanted]
    edges = [0.0]
    for one in wanted:
        edges.append(edges[-1] + one)
    return edges


def _merged(panel: Json, tables: list[Table]) -> Table:
    """As the transformations `merge` and `organize` do: one row for the same labels, columns with other names."""
    organised = [one["options"] for one in panel.get("transformations") or [] if one["id"] == "organize"]
    if not organised:
        return tables[0]
    renamed = list(organised[0]["renameByName"].values())
    labels = sorted({name for table in tables for name in table.columns if name != "Value"})
    found: dict[tuple[object, ...], list[object]] = {}
    for place, table in enumerate(tables):
        for row in table.rows:
            named = dict(zip(table.columns, row, strict=True))
            key = tuple(named.get(name) for name in labels)
            found.setdefault(key, [None] * len(tables))[place] = named["Value"]
    return Table(columns=[*labels, *renamed], rows=[[*key, *values] for key, values in sorted(found.items(), key=str)])


def _field_of(panel: Json, name: str) -> Json:
    """The field of a column, with what was set for it by name."""
    field = dict(panel["fieldConfig"]["defaults"])
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"] == {"id": "byName", "options": name}:
            for one in override["properties"]:
                key = {"custom.width": "width", "custom.cellOptions": "coloured"}.get(one["id"], one["id"])
                field[key] = one["value"]
    return field


def draw_map(axes: Axes, panel: Json, servers: Servers, asked: Asked) -> None:
    """Tiles as squares by their value, alerts as triangles, without the ground that Grafana lays under them."""
    field = panel["fieldConfig"]["defaults"]
    tiles, alerts = (_named(servers.table(target, asked)) for target in panel["targets"])
    latitude = sum(float(row["latitude"]) for row in tiles) / len(tiles)
    high = 2560 / 111_200
    wide = high / math.cos(math.radians(latitude))
    for row in tiles:
        west, south = row["longitude"] - wide / 2, row["latitude"] - high / 2
        shade = "#c9cdd4" if row["value"] is None else coloured(row["value"], field)
        axes.add_patch(Rectangle((west, south), wide, high, facecolor=shade, edgecolor="white", lw=1.5, alpha=0.85))
        word = field["noValue"] if row["value"] is None else f"{row['value']:+.3f}"
        axes.text(row["longitude"], south + high * 0.12, word, ha="center", fontsize=7, color=_INK)
    at = [row["longitude"] for row in alerts], [row["latitude"] for row in alerts]
    axes.scatter(*at, marker="^", s=42, color="#8f3bb8", edgecolor="white", lw=0.6, zorder=3)
    longitudes, latitudes = ([row[name] for row in tiles] for name in ("longitude", "latitude"))
    axes.set_xlim(min(longitudes) - wide * 0.6, max(longitudes) + wide * 0.6)
    axes.set_ylim(min(latitudes) - high * 0.6, max(latitudes) + high * 0.6)
    axes.set_aspect(1 / math.cos(math.radians(latitude)))
    axes.tick_params(labelsize=7, colors=_FAINT, length=0)
    axes.grid(color=_LINE, lw=0.6)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    _key(axes, field)


def _key(axes: Axes, field: Json) -> None:
    steps = field["thresholds"]["steps"]
    handles = [Rectangle((0, 0), 1, 1, facecolor=coloured(step["value"] or -1e9, field)) for step in steps]
    names = ["less" if step["value"] is None else f"from {step['value']:g}" for step in steps]
    marker = axes.scatter([], [], marker="^", s=42, color="#8f3bb8")
    axes.legend([*handles, marker], [*names, "open alert"], loc="upper right", fontsize=7, framealpha=0.9)


def draw_calendar(axes: Axes, panel: Json, servers: Servers, asked: Asked) -> None:
    """A row for each series, a field for each day."""
    field = panel["fieldConfig"]["defaults"]
    found = sorted(servers.series(panel["targets"][0], asked), key=lambda one: one.name)
    for place, one in enumerate(found):
        for at, value in zip(one.times, one.values, strict=True):
            axes.add_patch(
                Rectangle((day(at), place + 0.1), 1, 0.8, facecolor=coloured(value, field), edgecolor="white")
            )
    axes.set_yticks([place + 0.5 for place in range(len(found))], [one.name for one in found])
    axes.set_ylim(len(found), 0)
    dated(axes, asked.start, asked.end, 14)
    axes.tick_params(labelsize=7.5, colors=_INK, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    words = field["mappings"][0]["options"].values()
    handles = [Rectangle((0, 0), 1, 1, color=coloured(float(value), field)) for value in range(len(words))]
    names = [shorten(one["text"], 40) for one in words]
    axes.legend(handles, names, loc="upper left", bbox_to_anchor=(0, -0.16), ncol=4, fontsize=7.5, frameon=False)


def _named(table: Table) -> list[Json]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]
