"""Questions of panels and variables to Prometheus and to PostgreSQL."""

from dataclasses import dataclass
from textwrap import dedent
from typing import Literal

from grafana_foundation_sdk.builders.dashboard import CustomVariable, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import prometheus
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="scarpwatch-prometheus")
POSTGRES = DataSourceRef(type_val="postgres", uid="scarpwatch-postgres")
"""As `provisioning/datasources` names them."""
ALL = "$__all"


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlQuery(Dataquery):
    """A question to PostgreSQL, which the library has no model of."""

    ref_id: str
    sql: str
    form: Literal["table", "time_series"]

    def to_json(self) -> dict[str, object]:
        """As Grafana's data source keeps it."""
        return {
            "datasource": POSTGRES,
            "editorMode": "code",
            "format": self.form,
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": self.ref_id,
        }


SENSORS = {"optical": "optics", "sar": "radar"}
"""What people call the values of the label `sensor`."""


def spoken(expression: str) -> str:
    """An expression whose label `sensor` says what people say; the metrics keep theirs."""
    for value, word in SENSORS.items():
        expression = f'label_replace({expression}, "sensor", "{word}", "sensor", "{value}")'
    return expression


def over_time(expression: str, legend: str, ref_id: str = "A") -> prometheus.Dataquery:
    """How an expression went over the shown time."""
    return prometheus.Dataquery(
        expr=_named(expression, legend), legend_format=legend, ref_id=ref_id, range_val=True, datasource=PROMETHEUS
    )


def newest(expression: str, legend: str, ref_id: str = "A") -> prometheus.Dataquery:
    """What an expression is at the end of the shown time."""
    return prometheus.Dataquery(
        expr=_named(expression, legend),
        legend_format=legend,
        ref_id=ref_id,
        instant=True,
        range_val=False,
        datasource=PROMETHEUS,
    )


def cells(expression: str, ref_id: str) -> prometheus.Dataquery:
    """What an expression is now, as rows of a table with a column for each label."""
    return prometheus.Dataquery(
        expr=expression,
        ref_id=ref_id,
        instant=True,
        range_val=False,
        format_val=prometheus.PromQueryFormat.TABLE,
        datasource=PROMETHEUS,
    )


def rows(sql: str, ref_id: str = "A") -> SqlQuery:
    """Rows of PostgreSQL, as they are."""
    return SqlQuery(ref_id=ref_id, sql=dedent(sql).strip(), form="table")


def history(sql: str, ref_id: str = "A") -> SqlQuery:
    """Rows of PostgreSQL with `time`, a number, and perhaps `metric`: the name of a line."""
    return SqlQuery(ref_id=ref_id, sql=dedent(sql).strip(), form="time_series")


def chosen_regions(several: bool) -> VariableModel:
    """The regions that the watch measures."""
    return _asked_of_prometheus("region", "Region", "label_values(scarpwatch_ledger_entries, region)", several)


def chosen_jobs() -> VariableModel:
    """The scrape jobs of Prometheus that read a watch: what `process_*` are asked of."""
    return _asked_of_prometheus("job", "Scrape job", "label_values(scarpwatch_build_info, job)", several=True)


def chosen_sensors() -> VariableModel:
    """Optics, radar, or both."""
    options = [VariableOption(selected=False, text=word, value=value) for value, word in SENSORS.items()]
    every = VariableOption(selected=True, text=["All"], value=[ALL])
    spelled = ", ".join(f"{word} : {value}" for value, word in SENSORS.items())
    variable = CustomVariable("sensor").label("Sensor").values(spelled).multi(True).include_all(True)
    return variable.options([VariableOption(selected=True, text="All", value=ALL), *options]).current(every).build()


def one_of(name: str, label: str, words: dict[str, str]) -> VariableModel:
    """A choice of a few, by value; the first is chosen."""
    options = [
        VariableOption(selected=not number, text=word, value=value)
        for number, (value, word) in enumerate(words.items())
    ]
    spelled = ", ".join(f"{word} : {value}" for value, word in words.items())
    return CustomVariable(name).label(label).values(spelled).options(options).current(options[0]).build()


def asked_of_postgres(name: str, label: str, sql: str) -> VariableModel:
    """A choice out of what a question to PostgreSQL gives, in its order; the first is chosen."""
    variable = QueryVariable(name).label(label).datasource(POSTGRES).query(dedent(sql).strip())
    return variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.DISABLED).build()


def service_address() -> VariableModel:
    """Where the pages of the watch are; empty links lead nowhere, so it has a value that is easy to see and change."""
    address = "http://localhost:9108"
    option = VariableOption(selected=True, text=address, value=address)
    variable = TextBoxVariable("scarpwatch_url").label("Pages at").default_value(address)
    return variable.options([option]).current(option).build()


def _named(expression: str, legend: str) -> str:
    return spoken(expression) if "{{sensor}}" in legend else expression


def _asked_of_prometheus(name: str, label: str, query: str, several: bool) -> VariableModel:
    asked: dict[str, object] = {"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
    variable = QueryVariable(name).label(label).datasource(PROMETHEUS).query(asked)
    variable = variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
    if several:
        every = VariableOption(selected=True, text=["All"], value=[ALL])
        variable = variable.multi(True).include_all(True).current(every)
    return variable.build()
