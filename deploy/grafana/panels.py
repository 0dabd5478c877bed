"""Panels of every kind, and how they are laid out on a dashboard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import bargauge, common, stat, statushistory, table, timeseries
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    DashboardLinkType,
    DashboardRangeMapOptions,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    GridPos,
    Panel,
    RangeMap,
    RowPanel,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
    VariableModel,
)

from deploy.grafana.targets import SqlQuery

WIDTH = 24
_DASHBOARD_TAG = "scarpwatch"
Steps = tuple[tuple[float | None, str], ...]
PLAIN: Steps = ((None, "blue"),)
"""No value of it is good or bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How values are shown."""

    unit: str
    """Of Grafana's units; `none` of what is counted."""
    steps: Steps = PLAIN
    """Colours, each from a value on."""
    words: Mapping[float, tuple[str, str]] = field(default_factory=dict)
    """Text and colour in place of single values."""
    beyond: tuple[float, str, str] | None = None
    """From a value on: text and colour in its place."""
    nothing: str = "no data"
    """In place of a value where there is none."""
    decimals: int | None = None
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Of a panel, in units of Grafana's grid: 24 wide, 30 px high."""

    w: int
    h: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What people read of a panel before they look at it."""

    title: str
    why: str
    """What it says, and what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How a column of a table is shown."""

    shown: Shown
    coloured: bool = False
    """Its cells have the colour of their value."""
    width: int | None = None
    link: str | None = None
    """Where a click on a cell leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, and the panels under it from left to right."""

    title: str
    panels: Sequence[Panel]


def number(told: Told, target: Dataquery, shown: Shown, size: Size, *, named: bool = False) -> Panel:
    """The newest value, large, on the colour that says how it is; `named`: with the name of each series."""
    options = stat.Options(
        reduce_options=common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields=""),
        color_mode=common.BigValueColorMode.BACKGROUND_SOLID,
        graph_mode=common.BigValueGraphMode.NONE,
        text_mode=common.BigValueTextMode.VALUE_AND_NAME if named else common.BigValueTextMode.VALUE,
        orientation=common.VizOrientation.AUTO,
        justify_mode=common.BigValueJustifyMode.CENTER,
    )
    return panel_of("stat", told, [target], shown, size).options(options).build()


def names(told: Told, target: Dataquery, shown: Shown, size: Size) -> Panel:
    """What is, by the names of the series that are."""
    panel = number(told, target, shown, size)
    assert isinstance(panel.options, stat.Options)
    panel.options.text_mode = common.BigValueTextMode.NAME
    return panel


def lines(told: Told, targets: Sequence[Dataquery], shown: Shown, size: Size, *, marked: bool = False) -> Panel:
    """Values over time. A line stays between values that lie apart by less than four days: looks are rare.

    `marked`: thresholds are drawn.
    """
    style = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.LINE,
        line_interpolation=common.LineInterpolation.STEP_AFTER,
        line_width=2,
        fill_opacity=0,
        show_points=common.VisibilityMode.AUTO,
        point_size=5,
        span_nulls=345_600_000,
        axis_soft_min=0,
        thresholds_style=common.GraphThresholdsStyleConfig(
            mode=common.GraphTresholdsStyleMode.DASHED if marked else common.GraphTresholdsStyleMode.OFF
        ),
    )
    return _series(told, targets, shown, size, style)


def points(told: Told, targets: Sequence[Dataquery], shown: Shown, size: Size, *, marked: bool = False) -> Panel:
    """Single values of looks, joined by thin lines."""
    panel = lines(told, targets, shown, size, marked=marked)
    assert panel.field_config is not None
    assert panel.field_config.defaults is not None
    style = panel.field_config.defaults.custom
    assert isinstance(style, common.GraphFieldConfig)
    style.line_interpolation, style.line_width = common.LineInterpolation.LINEAR, 1
    style.show_points, style.span_nulls = common.VisibilityMode.ALWAYS, True
    return panel


def stacked(told: Told, targets: Sequence[Dataquery], shown: Shown, size: Size, *, bars: bool = False) -> Panel:
    """Counts over time, on top of each other; `bars`: of what happened in each span of time."""
    style = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE,
        line_interpolation=common.LineInterpolation.STEP_AFTER,
        line_width=1,
        fill_opacity=60,
        show_points=common.VisibilityMode.NEVER,
        axis_soft_min=0,
        stacking=common.StackingConfig(mode=common.StackingMode.NORMAL, group="A"),
    )
    return _series(told, targets, shown, size, style)


def gauges(told: Told, targets: Sequence[Dataquery], shown: Shown, size: Size) -> Panel:
    """Newest values as bars beside their names; rows of a table by their first column."""
    of_rows = any(isinstance(one, SqlQuery) for one in targets)
    options = bargauge.Options(
        reduce_options=common.ReduceDataOptions(values=of_rows, calcs=["lastNotNull"], fields=""),
        orientation=common.VizOrientation.HORIZONTAL,
        display_mode=common.BarGaugeDisplayMode.BASIC,
        value_mode=common.BarGaugeValueMode.TEXT,
        show_unfilled=True,
        min_viz_width=60,
        min_viz_height=14,
    )
    return panel_of("bargauge", told, targets, shown, size).options(options).build()


def listing(
    told: Told,
    targets: Sequence[Dataquery],
    columns: Mapping[str, Column],
    size: Size,
    *,
    nothing: str = "none",
    merged: Sequence[str] = (),
) -> Panel:
    """Rows.

    Args:
        columns: by name, as the rows or `merged` call them; others are shown as they come.
        nothing: what an empty table means.
        merged: of several questions with the same labels: what the values of each are called, in their order.
    """
    shown = Shown(unit="none", nothing=nothing)
    options = table.Options(cell_height=common.TableCellHeight.SM, footer=common.TableFooterOptions(show=False))
    panel = panel_of("table", told, targets, shown, size).options(options)
    panel = panel.custom(common.TableFieldOptions(filterable=False, inspect=False))
    for name, column in columns.items():
        panel = panel.override_by_name(name, _column(column))
    if merged:
        refs = [getattr(one, "ref_id", "") for one in targets]
        renamed = {f"Value #{ref}" if len(refs) > 1 else "Value": name for ref, name in zip(refs, merged, strict=True)}
        organised: dict[str, object] = {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": renamed}
        panel = panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
        panel = panel.with_transformation(DataTransformerConfig(id_val="organize", options=organised))
    return panel.build()


def calendar(told: Told, target: Dataquery, shown: Shown, size: Size) -> Panel:
    """A row for each series, a field for each day."""
    options = statushistory.Options(
        show_value=common.VisibilityMode.NEVER,
        row_height=0.85,
        col_width=1.0,
        legend=_legend(),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE),
    )
    panel = panel_of("status-history", told, [target], shown, size).options(options)
    return panel.custom(statushistory.FieldConfig(fill_opacity=85, line_width=0)).build()


def board(
    uid: str, told: Told, since: str, sections: Sequence[Section], variables: Sequence[VariableModel]
) -> Dashboard:
    """A dashboard in UTC, with links to the others; ids of panels follow their order."""
    made = (
        build.Dashboard(told.title)
        .uid(uid)
        .description(told.why)
        .tags([_DASHBOARD_TAG])
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("5m")
        .editable()
    )
    link = build.DashboardLink("Scarpwatch").type(DashboardLinkType.DASHBOARDS).tags([_DASHBOARD_TAG])
    one = made.link(link.as_dropdown(False).include_vars(True).keep_time(True)).build()
    one.time = DashboardDashboardTime(from_val=since, to="now")
    one.panels = _laid_out(sections)
    one.templating = DashboardDashboardTemplating(list_val=list(variables))
    return one


def _laid_out(sections: Sequence[Section]) -> list[Panel | RowPanel]:
    found: list[Panel | RowPanel] = []
    top = 0
    for section in sections:
        found.append(RowPanel(title=section.title, id_val=len(found) + 1, grid_pos=GridPos(x=0, y=top, w=WIDTH, h=1)))
        free = [top + 1] * WIDTH
        for panel in section.panels:
            assert panel.grid_pos is not None
            panel.id_val = len(found) + 1
            _put(panel.grid_pos, free)
            found.append(panel)
        top = max(free)
    return found


def _put(place: GridPos, free: list[int]) -> None:
    """As high as there is room, and there as far left; `free` is where room begins in each column."""
    tops = [max(free[left : left + place.w]) for left in range(WIDTH - place.w + 1)]
    place.y = min(tops)
    place.x = tops.index(place.y)
    free[place.x : place.x + place.w] = [place.y + place.h] * place.w


def _series(
    told: Told, targets: Sequence[Dataquery], shown: Shown, size: Size, style: common.GraphFieldConfig
) -> Panel:
    options = timeseries.Options(
        legend=_legend(),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING),
    )
    panel = panel_of("timeseries", told, targets, shown, size).options(options).custom(style)
    return panel.color_scheme(build.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME)).build()


def _legend() -> common.VizLegendOptions:
    return common.VizLegendOptions(
        display_mode=common.LegendDisplayMode.LIST,
        placement=common.LegendPlacement.BOTTOM,
        show_legend=True,
        calcs=[],
    )


def panel_of(kind: str, told: Told, targets: Sequence[Dataquery], shown: Shown, size: Size) -> build.Panel:
    """What panels of all kinds have."""
    panel = (
        build.Panel()
        .type(kind)
        .title(told.title)
        .description(told.why)
        .targets([_Built(one) for one in targets])
        .datasource(targets[0].to_json()["datasource"])  # type: ignore[attr-defined]
        .grid_pos(GridPos(x=0, y=0, w=size.w, h=size.h))
        .unit(shown.unit)
        .no_value(shown.nothing)
        .mappings(_mappings(shown))
        .color_scheme(build.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )
    thresholds = build.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(_steps(shown.steps))
    panel = panel.thresholds(thresholds)
    if shown.decimals is not None:
        panel = panel.decimals(shown.decimals)
    if shown.lowest is not None:
        panel = panel.min(shown.lowest)
    return panel if shown.highest is None else panel.max(shown.highest)


class _Built(Builder[Dataquery]):
    """The library takes builders."""

    def __init__(self, one: Dataquery) -> None:
        self._one = one

    def build(self) -> Dataquery:
        return self._one


def _steps(steps: Steps) -> list[Threshold]:
    return [Threshold(value=value, color=colour) for value, colour in steps]


def _mappings(shown: Shown) -> list[ValueMapping]:
    words = {
        f"{value:g}": ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(shown.words.items())
    }
    found: list[ValueMapping] = [ValueMap(options=words)] if words else []
    if shown.beyond is not None:
        least, text, colour = shown.beyond
        result = ValueMappingResult(text=text, color=colour, index=len(words))
        found.append(RangeMap(options=DashboardRangeMapOptions(from_val=least, to=None, result=result)))
    return found


def _column(column: Column) -> list[DynamicConfigValue]:
    shown = column.shown
    values: list[DynamicConfigValue] = [DynamicConfigValue(id_val="unit", value=shown.unit)]
    if shown.decimals is not None:
        values.append(DynamicConfigValue(id_val="decimals", value=shown.decimals))
    if shown.words or shown.beyond:
        values.append(DynamicConfigValue(id_val="mappings", value=_mappings(shown)))
    if column.coloured:
        thresholds = ThresholdsConfig(mode=ThresholdsMode.ABSOLUTE, steps=_steps(shown.steps))
        values.append(DynamicConfigValue(id_val="thresholds", value=thresholds))
        values.append(DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-background"}))
        values.append(DynamicConfigValue(id_val="color", value=FieldColor(mode=FieldColorModeId.THRESHOLDS)))
    if column.width is not None:
        values.append(DynamicConfigValue(id_val="custom.width", value=column.width))
    if column.link is not None:
        link = {"title": "Open", "url": column.link, "targetBlank": True}
        values.append(DynamicConfigValue(id_val="links", value=[link]))
    return values
