"""A map of tiles and alerts."""

from collections.abc import Sequence

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, geomap
from grafana_foundation_sdk.models.dashboard import Panel

from deploy.grafana.panels import Shown, Size, Told, panel_of


def tile_map(told: Told, targets: Sequence[Dataquery], shown: Shown, size: Size) -> Panel:
    """Squares coloured by their `value`, and triangles on top of them, at `latitude` and `longitude`.

    Args:
        targets: tiles as A, alerts as B.
    """
    tiles = _layer("Tiles", "A", "square", 14, {"field": "value", "fixed": "grey"}, 0.75)
    alerts = _layer("Open alerts", "B", "triangle", 8, {"fixed": "purple"}, 1.0)
    options = geomap.Options(
        view=geomap.MapViewConfig(id_val="fit", all_layers=True, padding=15, zoom=11, lat=0, lon=0),
        controls=geomap.ControlsOptions(
            show_zoom=True, mouse_wheel_zoom=True, show_attribution=True, show_scale=True, show_measure=False
        ),
        basemap=common.MapLayerOptions(type_val="default", name="Layer 0"),
        layers=[tiles, alerts],
        tooltip=geomap.TooltipOptions(mode=geomap.TooltipMode.DETAILS),
    )
    return panel_of("geomap", told, targets, shown, size).options(options).build()


def _layer(
    name: str, ref_id: str, symbol: str, size_px: int, colour: dict[str, object], opacity: float
) -> common.MapLayerOptions:
    style: dict[str, object] = {
        "color": colour,
        "opacity": opacity,
        "rotation": {"fixed": 0, "max": 360, "min": -360, "mode": "mod"},
        "size": {"fixed": size_px, "max": 30, "min": 2},
        "symbol": {"fixed": f"img/icons/marker/{symbol}.svg", "mode": "fixed"},
        "symbolAlign": {"horizontal": "center", "vertical": "center"},
    }
    return common.MapLayerOptions(
        type_val="markers",
        name=name,
        config={"showLegend": ref_id == "A", "style": style},
        location=common.FrameGeometrySource(
            mode=common.FrameGeometrySourceMode.COORDS, latitude="latitude", longitude="longitude"
        ),
        filter_data={"id": "byRefId", "options": ref_id},
        tooltip=True,
    )
