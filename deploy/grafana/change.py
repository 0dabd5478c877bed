"""Change metrics: how much the hazard probability moved, where, and what each tile showed before."""

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from deploy.grafana.maps import tile_map
from deploy.grafana.panels import (
    Column,
    Section,
    Shown,
    Size,
    Steps,
    Told,
    board,
    lines,
    listing,
    number,
    points,
)
from deploy.grafana.statements import (
    ALERT_PLACES,
    ALERTS,
    TILE_HIGH,
    TILE_LOOKS,
    TILE_PROBABILITY,
    TILE_SEEN,
    TILES,
    TILES_BY_RISE,
    open_alerts,
)
from deploy.grafana.targets import (
    asked_of_postgres,
    chosen_regions,
    chosen_sensors,
    history,
    newest,
    one_of,
    over_time,
    rows,
    service_address,
)

_OF = '{region=~"$region",sensor=~"$sensor"}'
_BY = "max by (region, sensor)"
_NAMED = "{{region}} {{sensor}}"
RISE: Steps = ((None, "blue"), (0.03, "green"), (0.05, "yellow"), (0.1, "orange"), (0.2, "red"))
"""Of a tile's mean: from 0.1 on it counts as over the threshold where none is configured."""
DRIFT: Steps = ((None, "green"), (0.1, "orange"), (0.25, "red"))
"""By custom less than 0.1 is no change of a distribution and more than 0.25 is one."""
SHARE = Shown(unit="percentunit", decimals=0, lowest=0, highest=1)
TIME = Shown(unit="dateTimeAsIso")
ALERT_COLUMNS = {
    "alert": Column(shown=Shown(unit="none"), link="${scarpwatch_url}/alerts/${__value.raw}", width=205),
    "situation": Column(shown=Shown(unit="none"), link="${scarpwatch_url}/situations/${__value.raw}"),
    "tier": Column(shown=Shown(unit="none"), width=75),
    "state": Column(shown=Shown(unit="none"), width=105),
    "last step": Column(shown=Shown(unit="none"), width=150),
    "area": Column(shown=Shown(unit="suffix: ha", decimals=2), width=80),
    "change": Column(shown=Shown(unit="none", decimals=2), width=70),
    "confidence": Column(shown=Shown(unit="none"), width=90),
    "failed": Column(shown=Shown(unit="none"), width=185),
}


def change() -> Dashboard:
    """The dashboard."""
    sections = [
        Section(title="Is anything moving?", panels=_now()),
        Section(title="Where", panels=_where()),
        Section(title="By region and sensor, look after look", panels=_regions()),
        Section(title="Tile ${tile}", panels=_tile()),
    ]
    told = Told(
        title="Scarpwatch: change",
        why="How much the hazard probability moved, where, and what a tile showed before. Numbers of single looks: "
        "alerts say what of it is an event. The probability is not calibrated.",
    )
    words = {"rise": "rise of the mean", "probability": "mean probability"}
    variables = [
        chosen_regions(True),
        chosen_sensors(),
        one_of("colour", "Colour of the map", words),
        asked_of_postgres("tile", "Tile (largest rise first)", TILES_BY_RISE),
        service_address(),
    ]
    return board("scarpwatch-change", told, "now-90d", sections, variables)


def _now() -> list[Panel]:
    small = Size(w=4, h=4)
    warning = Shown(unit="none", steps=((None, "green"), (1, "red")), words={0: ("none", "green")})
    watch = Shown(unit="none", steps=((None, "green"), (1, "orange")), words={0: ("none", "green")})
    return [
        number(
            Told(title="Open warnings", why="Alerts of the tier warning that stand: quiet ground hardly looks so."),
            rows(open_alerts("warning")),
            warning,
            small,
        ),
        number(
            Told(title="Open watches", why="Alerts of the tier watch that stand: look at them when there is time."),
            rows(open_alerts("watch")),
            watch,
            small,
        ),
        number(
            Told(
                title="Tiles over the threshold",
                why="In the newest look of each sensor. Many at once: snow, a flood, another processing, or a "
                "disaster. None has answered: no network has compared a tile yet.",
            ),
            newest(f"sum({_BY} (scarpwatch_tiles_over_threshold{_OF}))", "tiles"),
            Shown(unit="none", steps=watch.steps, words=watch.words, nothing="not compared yet"),
            small,
        ),
        number(
            Told(
                title="Largest rise of a tile",
                why="Of the mean probability, newest look against the comparable one before, of tiles that both show "
                "by 30 %. Negative: all fell.",
            ),
            newest(f"max({_BY} (scarpwatch_largest_change{_OF}))", "rise"),
            Shown(unit="none", steps=RISE, decimals=3, nothing="not compared yet"),
            small,
        ),
        number(
            Told(
                title="Hazard area",
                why="At or above the threshold of the model's card in the newest looks, the larger of the sensors, of "
                "all regions. Rock, fields and old scars are in it: watch its changes, not its size.",
            ),
            newest(f"sum(max by (region) (scarpwatch_hazard_area_hectares{_OF}))", "area"),
            Shown(unit="suffix: ha", decimals=1, nothing="no look yet"),
            small,
        ),
        number(
            Told(
                title="Drift, worst",
                why="Stability index of the answers, newest look against earlier ones of the same tiles. Above 0.25 "
                "for several looks: see pictures of the newest look before you trust its alerts. None: fewer than 20 "
                "tiles, or than 100 earlier answers.",
            ),
            newest(f"max({_BY} (scarpwatch_probability_stability_index{_OF}))", "index"),
            Shown(unit="none", steps=DRIFT, decimals=2, nothing="too few tiles or looks"),
            small,
        ),
    ]


def _where() -> list[Panel]:
    return [
        tile_map(
            Told(
                title="Tiles and open alerts",
                why="Each tile by its newest answer within the shown time: rise of the mean, or the mean itself "
                "(chosen above). Grey: no answer in that time. Triangles: open alerts. Looks differ in age (`sensed`).",
            ),
            [rows(TILES), rows(ALERT_PLACES, "B")],
            Shown(unit="none", steps=RISE, decimals=3, nothing="no answer"),
            Size(w=11, h=14),
        ),
        listing(
            Told(
                title="Open alerts, worst first", why="In the order of all lists. A click opens the page of the alert."
            ),
            [rows(ALERTS)],
            ALERT_COLUMNS,
            Size(w=13, h=14),
            nothing="no alert is open",
        ),
    ]


def _regions() -> list[Panel]:
    half, third = Size(w=12, h=8), Size(w=8, h=8)
    return [
        lines(
            Told(
                title="Largest rise over time", why="Of the look that was the newest then. Clouds decide which tiles."
            ),
            [over_time(f"{_BY} (scarpwatch_largest_change{_OF})", _NAMED)],
            Shown(unit="none", steps=((None, "transparent"), (0.1, "orange")), decimals=3),
            half,
            marked=True,
        ),
        lines(
            Told(
                title="Tiles over the threshold over time",
                why="That rose by `alerts.tile_mean` or `tile_p95`, else 0.1 or 0.4.",
            ),
            [over_time(f"{_BY} (scarpwatch_tiles_over_threshold{_OF})", _NAMED)],
            Shown(unit="none", decimals=0),
            half,
        ),
        lines(
            Told(title="Hazard area over time", why="At or above the threshold of the model's card, of whole tiles."),
            [over_time(f"{_BY} (scarpwatch_hazard_area_hectares{_OF})", _NAMED)],
            Shown(unit="suffix: ha"),
            third,
        ),
        lines(
            Told(title="Mean probability", why="Of the tiles of the newest look. It follows the seasons."),
            [over_time(f"{_BY} (scarpwatch_probability_mean{_OF})", _NAMED)],
            Shown(unit="none", decimals=3),
            third,
        ),
        lines(
            Told(
                title="Drift of the answers",
                why="Stability index: below 0.1 nothing moved, above 0.25 it did, whatever the reason: season, snow, "
                "another processing, a disaster.",
            ),
            [over_time(f"{_BY} (scarpwatch_probability_stability_index{_OF})", _NAMED)],
            Shown(unit="none", steps=DRIFT, decimals=2, nothing="fewer than 20 tiles or 100 earlier answers"),
            third,
            marked=True,
        ),
    ]


def _tile() -> list[Panel]:
    shares = {name: Column(shown=SHARE, width=80) for name in ("seen", "cloud")}
    figures = {name: Column(shown=Shown(unit="none", decimals=3), width=95) for name in ("probability", "spread")}
    return [
        points(
            Told(
                title="Hazard probability of the tile",
                why="Mean and 95th percentile of each look that the network spoke of. Compare within a sensor and "
                "orbit only. A scar lifts the percentile, a season the mean.",
            ),
            [history(TILE_PROBABILITY), history(TILE_HIGH, "B")],
            Shown(unit="none", decimals=3, nothing="no answer for this tile in this time"),
            Size(w=14, h=10),
        ),
        points(
            Told(title="How much of the tile was seen", why="Share without cloud, shadow, snow, layover and no data."),
            [history(TILE_SEEN)],
            SHARE,
            Size(w=10, h=10),
        ),
        listing(
            Told(title="Looks at the tile", why="What became of each, newest first; `network`: why it did not speak."),
            [rows(TILE_LOOKS)],
            {
                "sensed": Column(shown=TIME, width=165),
                **shares,
                **figures,
                "rise": Column(shown=Shown(unit="none", steps=RISE, decimals=3), coloured=True, width=80),
                "hazard area": Column(shown=Shown(unit="suffix: ha", decimals=2), width=105),
            },
            Size(w=24, h=9),
            nothing="no look at this tile in this time",
        ),
    ]
