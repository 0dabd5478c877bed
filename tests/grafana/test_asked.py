"""Every question of every dashboard, asked of a real Prometheus and a real PostgreSQL that a real run has filled."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from benchmarks.dashboards_asked import Asked, NotKnown, choose, expanded_promql, expanded_sql, panels
from tests.grafana.filled import COAST, Filled, database_by_the_guide, filled, world_of
from tests.grafana.test_dashboards import BOARDS, Json
from tests.pipeline.radar_world import make_radar_source
from tests.pipeline.world import REGION
from tests.postgres import PostgresServer, postgres_server
from tests.prometheus import installed

__all__ = ["postgres_server"]

TARGETS = [
    pytest.param(name, panel, target, id=f"{name}: {panel['title']} {target['refId']}")
    for name, board in BOARDS.items()
    for panel in panels(board)
    for target in panel["targets"]
]
_OF_ROWS = ("table", "geomap")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[Filled]:
    """A watch that has seen its valley, and what read it."""
    program = installed()
    source = make_radar_source(tmp_path_factory.mktemp("source"), seed=3, size_px=208)
    folder = tmp_path_factory.mktemp("watched")
    with (
        database_by_the_guide(postgres_server) as urls,
        filled(world_of(folder / "world", source, urls["watch"]), urls["watch_reader"], program, folder) as found,
    ):
        yield found


def opened(run: Filled, name: str) -> Asked:
    """A dashboard as it opens; the one of a region at that of the valley."""
    given = replace(run.asked, chosen={"region": (REGION,)}) if name == "region" else run.asked
    return choose(BOARDS[name], run.servers, given)


@pytest.mark.parametrize(("name", "panel", "target"), TARGETS)
def test_every_panel_shows_something(run: Filled, name: str, panel: Json, target: Json) -> None:
    """Each question is understood and answered with numbers; the lines of one have names of their own."""
    asked = opened(run, name)
    if panel["type"] in _OF_ROWS:
        assert run.servers.table(target, asked).rows
        return
    found = run.servers.series(target, asked)
    assert found
    assert any(math.isfinite(value) for one in found for value in one.values)
    assert len({one.name for one in found}) == len(found)
    if panel["type"] == "stat" and panel["options"]["textMode"] == "value":
        assert len(found) == 1


@pytest.mark.parametrize(("name", "panel", "target"), TARGETS)
def test_sensors_are_called_as_people_call_them(run: Filled, name: str, panel: Json, target: Json) -> None:
    """Metrics and tables of the database say `optical` and `sar`, titles, legends and cells optics and radar."""
    asked = opened(run, name)
    if panel["type"] in _OF_ROWS:
        table = run.servers.table(target, asked)
        said = [row[table.columns.index("sensor")] for row in table.rows] if "sensor" in table.columns else []
        assert set(said) <= {"optics", "radar", None}
        return
    names = [re.split(r"[\s:,]+", one.name) for one in run.servers.series(target, asked)]
    assert not [one for one in names if {"sar", "optical"} & set(one)]


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_can_be_chosen(run: Filled, name: str) -> None:
    """The regions are those of the configuration, and a tile is one that the watch has."""
    chosen = choose(BOARDS[name], run.servers, run.asked).chosen
    assert set(chosen["region"]) <= {COAST, REGION}
    assert all(values and all(values) for values in chosen.values())


def rows_of(run: Filled, name: str, title: str, place: int = 0) -> list[dict[str, object]]:
    """The rows of a panel."""
    (panel,) = (one for one in panels(BOARDS[name]) if one["title"] == title)
    table = run.servers.table(panel["targets"][place], opened(run, name))
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_the_first_row_counts_what_is_wrong(run: Filled) -> None:
    """A catalog that is gone, a channel that cannot be reached and a broken scene are each told by name."""
    every = {one["title"]: one for one in panels(BOARDS["operations"])}
    asked = opened(run, "operations")
    (verdict,) = run.servers.series(every["The watch"]["targets"][0], asked)
    bars = [run.servers.series(one, asked)[0] for one in every["What is not well"]["targets"]]
    found = {one.name: one.values[0] for one in bars}
    assert found["Catalogs failing"] == found["Acquisitions parked"] == 1
    assert found["No process runs"] == found["Disks nearly full"] == 0
    assert verdict.values[0] == sum(found.values()) >= 2


def test_what_waits_for_a_person_is_named(run: Filled) -> None:
    """The scene, the item and the channel that were spoiled, with their reasons."""
    (parked,) = rows_of(run, "region", "Parked acquisitions")
    assert (parked["reason"], parked["sensor"]) == ("bad-asset", "optics")
    assert {row["reason"] for row in rows_of(run, "region", "Refused items")} >= {"no-track"}
    assert {row["channel"] for row in rows_of(run, "operations", "Messages that are not there yet")} == {"duty"}


def test_tiles_and_alerts_lie_where_they_are(run: Filled) -> None:
    """On the map every watched tile has its place, and alerts of the valley lie among its tiles."""
    tiles = rows_of(run, "change", "Tiles and open alerts")
    alerts = rows_of(run, "change", "Tiles and open alerts", 1)
    valley = [row for row in tiles if str(row["tile"]).startswith("UTM33N-01") and row["sensor"] is not None]
    assert len({row["tile"] for row in tiles}) == len(tiles)
    assert any(row["value"] is not None for row in valley)
    for alert in alerts:
        near = [
            math.hypot(
                (_number(row["longitude"]) - _number(alert["longitude"])) * 0.7,
                _number(row["latitude"]) - _number(alert["latitude"]),
            )
            for row in tiles
        ]
        assert min(near) < 0.02, "half the diagonal of a tile is 1.8 km"


def test_the_tile_that_rose_most_is_offered_first(run: Filled) -> None:
    """Whoever opens the page sees what moved."""
    (variable,) = (one for one in BOARDS["change"]["templating"]["list"] if one["name"] == "tile")
    asked = opened(run, "change")
    offered = run.servers.values(variable, asked)
    rises = {row["tile"]: row["rise"] for row in rows_of(run, "change", "Tiles and open alerts")}
    assert set(offered) == set(rises)


def test_the_reader_reads_and_nothing_else(run: Filled) -> None:
    """The role that the dashboards are asked with sees no token and changes nothing."""
    asked = opened(run, "operations")
    assert run.servers.rows("SELECT current_user", asked).rows == [["watch_reader"]]
    for forbidden in ("SELECT * FROM token", "DELETE FROM observation"):
        with pytest.raises(psycopg.Error):
            run.servers.rows(forbidden, asked)


def _number(cell: object) -> float:
    assert isinstance(cell, float)
    return cell


NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ASKED = Asked(
    start=NOON - timedelta(hours=1),
    end=NOON,
    scrape_s=15.0,
    chosen={"region": ("a.b", "o'c"), "one": ("x",)},
    several=frozenset({"region"}),
)


@pytest.mark.parametrize(
    ("asked", "put_in"),
    [
        ("x[$__rate_interval]", "x[60000ms]"),
        ("x[$__range] offset $__interval", "x[3600000ms] offset 15000ms"),
        ('x{region=~"$region",of="$one"}', r"""x{region=~"(a\\.b|o'c)",of="x"}"""),
        ('x{of="${one}"}', 'x{of="x"}'),
    ],
)
def test_what_grafana_puts_into_promql(asked: str, put_in: str) -> None:
    """Spans, one value as it is, several as a pattern."""
    assert expanded_promql(asked, ASKED) == put_in


@pytest.mark.parametrize(
    ("asked", "put_in"),
    [
        ("r IN (${region:sqlstring})", "r IN ('a.b','o''c')"),
        (
            "$__timeFilter(t)",
            "t BETWEEN '2026-05-01T11:00:00.000000Z' AND '2026-05-01T12:00:00.000000Z'",
        ),
        ("$__timeGroupAlias(t, '1d')", 'floor(extract(epoch from t)/86400)*86400 AS "time"'),
        ("$__timeTo()::timestamptz", "'2026-05-01T12:00:00.000000Z'::timestamptz"),
    ],
)
def test_what_grafana_puts_into_sql(asked: str, put_in: str) -> None:
    """Values are quoted; macros are those of the data source."""
    assert expanded_sql(asked, ASKED) == put_in


@pytest.mark.parametrize("asked", ["$region", "${region:raw}", "$__timeEpoch(t)", "${nobody:sqlstring}"])
def test_what_is_not_known_is_refused(asked: str) -> None:
    """A variable that is not quoted, a macro that nobody looked up, a name that is not there."""
    with pytest.raises(NotKnown):
        expanded_sql(asked, ASKED)
