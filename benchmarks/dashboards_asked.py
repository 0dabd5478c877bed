"""Asking what the panels of a dashboard ask, as Grafana does: with its macros and variables put in.

After Grafana's documentation of variable syntax, global variables, and the macros of its PostgreSQL data source
(https://grafana.com/docs/grafana/latest/datasources/postgres/, .../dashboards/variables/). What no dashboard here uses
is not known and an error.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import psycopg

Json = dict[str, Any]
ALL = "$__all"
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}")
_MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_LABEL_VALUES = re.compile(r"label_values\((\w+), (\w+)\)")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class NotKnown(ValueError):
    """A dashboard uses something of Grafana that is not known here, or that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a dashboard is asked about."""

    start: datetime
    end: datetime
    scrape_s: float
    """Interval of the scrapes, as the data source knows it."""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values of the variables."""
    several: frozenset[str] = frozenset()
    """Variables of which more than one value can be chosen."""
    points: int = 300
    """Width of a panel."""
    looks: tuple[datetime, datetime] | None = None
    """What PostgreSQL is asked about, where it is another time: scrapes of a test last a minute, its looks months."""

    @property
    def range_s(self) -> float:
        """Length of the shown time."""
        return (self.end - self.start).total_seconds()

    @property
    def interval_s(self) -> float:
        """`$__interval`: between two points of a line."""
        return max(self.scrape_s, float(round(self.range_s / self.points)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line, or a single value."""

    name: str
    times: Sequence[float]
    """Seconds since 1970."""
    values: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under named columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


class Servers:
    """The two data sources."""

    def __init__(self, prometheus: str, postgres: str) -> None:
        """Base URL of Prometheus, and URL of a database with the role that Grafana has."""
        self._http = httpx.Client(base_url=prometheus, timeout=30.0)
        self._database = psycopg.connect(postgres, autocommit=True)

    def close(self) -> None:
        """Close both."""
        self._http.close()
        self._database.close()

    def series(self, target: Json, asked: Asked) -> list[Series]:
        """The lines of a target.

        Raises:
            NotKnown: it gives none, by its kind.
            psycopg.Error, httpx.HTTPStatusError: the server refuses it.
        """
        if "expr" not in target:
            return _lines_of(self.rows(target["rawSql"], asked))
        found = self._prometheus(target, asked)
        return [_line_of(one, target["legendFormat"]) for one in found]

    def table(self, target: Json, asked: Asked) -> Table:
        """The rows of a target; of Prometheus those of its newest values, with a column for each label."""
        if "rawSql" in target:
            return self.rows(target["rawSql"], asked)
        found = self._prometheus(target, asked)
        labels = sorted({name for one in found for name in one["metric"] if name != "__name__"})
        rows = [[*(one["metric"].get(name) for name in labels), float(one["value"][1])] for one in found]
        return Table(columns=[*labels, "Value"], rows=rows)

    def rows(self, sql: str, asked: Asked) -> Table:
        """What PostgreSQL says."""
        answer = self._database.execute(expanded_sql(sql, asked).encode())
        columns = [one.name for one in answer.description or ()]
        return Table(columns=columns, rows=[[_plain(cell) for cell in row] for row in answer])

    def values(self, variable: Json, asked: Asked) -> list[str]:
        """What can be chosen for a variable, in its order."""
        if variable["type"] in ("custom", "textbox"):
            return [one["value"] for one in variable["options"] if one["value"] != ALL]
        if variable["datasource"]["type"] == "postgres":
            return [str(row[0]) for row in self.rows(variable["query"], asked).rows]
        asked_for = _LABEL_VALUES.fullmatch(variable["query"]["query"])
        if asked_for is None:
            raise NotKnown(variable["query"]["query"])
        metric, label = asked_for.groups()
        between = {"start": asked.start.timestamp(), "end": asked.end.timestamp()}
        answer = self._http.get(f"/api/v1/label/{label}/values", params={"match[]": metric, **between})
        return sorted(answer.raise_for_status().json()["data"])

    def _prometheus(self, target: Json, asked: Asked) -> list[Json]:
        expression = expanded_promql(target["expr"], asked)
        if target.get("instant"):
            question: dict[str, str | float] = {"query": expression, "time": asked.end.timestamp()}
            answer = self._http.post("/api/v1/query", data=question)
        else:
            question = {"query": expression, "start": asked.start.timestamp(), "end": asked.end.timestamp()}
            answer = self._http.post("/api/v1/query_range", data={**question, "step": asked.interval_s})
        if answer.is_error:
            raise NotKnown(f"{expression}: {answer.text}")
        found: list[Json] = answer.json()["data"]["result"]
        return found


def choose(dashboard: Json, servers: Servers, asked: Asked) -> Asked:
    """The variables of a dashboard as it opens: of several values all, of others the first.

    Raises:
        NotKnown: there is nothing to choose.
    """
    every = dashboard["templating"]["list"]
    chosen = replace(asked, several=frozenset(one["name"] for one in every if one.get("multi")))
    for variable in every:
        if variable["name"] in asked.chosen:
            continue
        values = servers.values(variable, chosen)
        if not values:
            raise NotKnown(f"nothing can be chosen for ${variable['name']}")
        taken = tuple(values) if variable.get("includeAll") else (values[0],)
        chosen = replace(chosen, chosen={**chosen.chosen, variable["name"]: taken})
    return chosen


def panels(dashboard: Json) -> Iterator[Json]:
    """Every panel but the headings."""
    return (one for one in dashboard["panels"] if one["type"] != "row")


def expanded_promql(expression: str, asked: Asked) -> str:
    """PromQL with what Grafana puts in."""
    own = {
        "__interval": _span(asked.interval_s),
        "__rate_interval": _span(max(asked.interval_s + asked.scrape_s, 4 * asked.scrape_s)),
        "__range": _span(asked.range_s),
    }

    def put(name: str, form: str | None) -> str:
        if name in own:
            return own[name]
        values = _chosen(asked, name)
        if form is not None:
            raise NotKnown(f"${{{name}:{form}}} in PromQL")
        if name not in asked.several:
            return values[0]
        quoted = [re.sub(r"[.\-+*?^$()\[\]{}|\\/]", r"\\\\\g<0>", one) for one in values]
        return quoted[0] if len(quoted) == 1 else f"({'|'.join(quoted)})"

    return _put_in(expression, put)


def expanded_sql(sql: str, asked: Asked) -> str:
    """SQL with what Grafana puts in: first its page the variables, then its server the macros."""

    def put(name: str, form: str | None) -> str:
        if name.startswith("__"):
            return f"${name}"  # a macro
        if form != "sqlstring":
            raise NotKnown(f"${name} in SQL must be quoted: ${{{name}:sqlstring}}")
        return ",".join("'" + one.replace("'", "''") + "'" for one in _chosen(asked, name))

    return _MACRO.sub(lambda found: _macro(found[1], found[2], asked), _put_in(sql, put))


def titled(text: str, asked: Asked) -> str:
    """A title with the values of its variables."""
    return _put_in(text, lambda name, _form: " + ".join(_chosen(asked, name)))


def _macro(name: str, given: str, asked: Asked) -> str:
    arguments = [one.strip() for one in given.split(",")]
    between = asked.looks or (asked.start, asked.end)
    start, end = (f"'{one.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'" for one in between)
    if name == "__timeFilter":
        return f"{arguments[0]} BETWEEN {start} AND {end}"
    if name == "__timeFrom":
        return start
    if name == "__timeTo":
        return end
    if name in ("__timeGroup", "__timeGroupAlias"):
        span = arguments[1].strip("'")
        seconds = int(span[:-1]) * _UNITS_S[span[-1]]
        grouped = f"floor(extract(epoch from {arguments[0]})/{seconds})*{seconds}"
        return f'{grouped} AS "time"' if name.endswith("Alias") else grouped
    raise NotKnown(f"${name}()")


def _put_in(text: str, put: Callable[[str, str | None], str]) -> str:
    return _VARIABLE.sub(lambda found: put(found[1] or found[2], found[3]), text)


def _chosen(asked: Asked, name: str) -> tuple[str, ...]:
    if name not in asked.chosen:
        raise NotKnown(f"there is no variable ${name}")
    return asked.chosen[name]


def _span(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _line_of(found: Json, legend: str) -> Series:
    samples = found["values"] if "values" in found else [found["value"]]
    name = _LABEL.sub(lambda label: str(found["metric"].get(label[1], label[1])), legend)
    return Series(name=name, times=[one[0] for one in samples], values=[float(one[1]) for one in samples])


def _lines_of(table: Table) -> list[Series]:
    """Rows with `time` are lines, by `metric`; of other rows each number is a value named by the text beside it."""
    if "time" not in table.columns:
        return [_value_of(row, table.columns) for row in table.rows]
    at = list(table.columns).index("time")
    metric = list(table.columns).index("metric")
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in table.rows:
        value = row[list(table.columns).index("value")]
        when = row[at]
        time = when.timestamp() if isinstance(when, datetime) else float(str(when))
        if value is not None:
            lines.setdefault(str(row[metric]), []).append((time, float(str(value))))
    return [
        Series(name=name, times=[time for time, _ in found], values=[value for _, value in found])
        for name, found in lines.items()
    ]


def _value_of(row: Sequence[object], columns: Sequence[str]) -> Series:
    words = [cell for cell in row if isinstance(cell, str)]
    numbers = [float(cell) for cell in row if isinstance(cell, int | float)]
    return Series(name=words[0] if words else str(columns[0]), times=[0.0], values=numbers[:1])


def _plain(cell: object) -> object:
    return float(cell) if isinstance(cell, Decimal) else cell
