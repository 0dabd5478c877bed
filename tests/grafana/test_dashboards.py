"""The dashboards as files: made by the code, whole, readable, and of metrics that there are."""

import json
import re
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from benchmarks.dashboards_asked import panels
from deploy.grafana.files import FOLDER, documents
from deploy.grafana.targets import POSTGRES, PROMETHEUS
from tests.test_metrics_page import documented

Json = dict[str, Any]
PROVISIONING = FOLDER.parent / "provisioning"
GUIDE = Path(__file__).parents[2] / "docs" / "operate.md"
BOARDS: dict[str, Json] = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
PANELS = [
    pytest.param(name, one, id=f"{name}: {one['title']}") for name, board in BOARDS.items() for one in panels(board)
]
_OF_SCRAPES = {"job", "instance", "le"}
_METRIC = re.compile(r"\b((?:scarpwatch|process)_\w+)(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby \(([^)]*)\)")
_USED = re.compile(r"\$\{?([a-z]\w*)")


def expressions(panel: Json) -> list[str]:
    """PromQL of a panel."""
    return [target["expr"] for target in panel["targets"] if "expr" in target]


def test_the_files_are_what_the_code_makes() -> None:
    """`python -m deploy.grafana` would change nothing."""
    assert {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")} == documents()


@pytest.mark.parametrize("name", BOARDS)
def test_the_models_of_the_library_read_them(name: str) -> None:
    """Every key is one of Grafana's own models of a dashboard, as far as these know it."""
    again = Dashboard.from_json(BOARDS[name]).to_json()
    assert set(BOARDS[name]) <= set(again)
    assert (BOARDS[name]["timezone"], BOARDS[name]["uid"]) == ("utc", f"scarpwatch-{name}")


@pytest.mark.parametrize("name", BOARDS)
def test_panels_lie_side_by_side(name: str) -> None:
    """Ids are unique, nothing overlaps or sticks out, and headings span the page."""
    every = BOARDS[name]["panels"]
    places = [one["gridPos"] for one in every]
    assert [one["id"] for one in every] == list(range(1, len(every) + 1))
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 and place["h"] > 0 for place in places)
    assert all(one["gridPos"]["w"] == 24 for one in every if one["type"] == "row")
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)
    titles = [one["title"] for one in every]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_a_panel_explains_itself(name: str, panel: Json) -> None:
    """A description, a unit, colours, a word for no data; and series have names."""
    defaults = panel["fieldConfig"]["defaults"]
    assert len(panel["description"]) > 30
    assert defaults["unit"]
    assert defaults["noValue"]
    assert defaults["thresholds"]["steps"][0]["value"] is None
    values = [step["value"] for step in defaults["thresholds"]["steps"][1:]]
    assert all(lower < higher for lower, higher in pairwise(values))
    refs = [target["refId"] for target in panel["targets"]]
    assert len(set(refs)) == len(refs)
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == panel["datasource"]["uid"]
        assert target.get("legendFormat") or target.get("format") == "table" or "rawSql" in target


@pytest.mark.parametrize(("name", "panel"), [one for one in PANELS if expressions(one.values[1])])  # type: ignore[arg-type]
def test_metrics_and_labels_are_documented(name: str, panel: Json) -> None:
    """A metric, a matcher, a `by` or a legend that docs/metrics.md does not know is a panel that stays empty."""
    known = documented()
    for target in panel["targets"]:
        expression = target["expr"]
        labels = set(_OF_SCRAPES)
        for metric, matchers in _METRIC.findall(expression):
            if metric.startswith("process_"):
                continue
            base = metric if metric in known else re.sub(r"_(bucket|sum|count)$", "", metric)
            assert base in known, metric
            # What a series calls `job` itself is renamed by Prometheus, which has a `job` of its own.
            labels |= {f"exported_{one}" if one in _OF_SCRAPES else one for one in known[base].labels}
            assert set(re.findall(r"(\w+)=", matchers)) <= labels, expression
        grouped = {label.strip() for found in _BY.findall(expression) for label in found.split(",")}
        assert grouped <= labels, expression
        legend = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat") or ""))
        assert legend <= (grouped or labels), expression


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_is_there_and_used(name: str) -> None:
    """A variable that nobody defines is sent to the server as it stands."""
    defined = {one["name"] for one in BOARDS[name]["templating"]["list"]}
    text = json.dumps(BOARDS[name]["panels"])
    assert set(_USED.findall(text)) == defined


def test_data_sources_are_the_provisioned_ones() -> None:
    """By uid and type; every setting from outside is told in the guide."""
    text = (PROVISIONING / "datasources" / "scarpwatch.yaml").read_text("utf-8")
    sources = {one["uid"]: one["type"] for one in yaml.safe_load(text)["datasources"]}
    assert sources == {one.uid: one.type_val for one in (PROMETHEUS, POSTGRES)}
    asked = [one["datasource"] for board in BOARDS.values() for one in panels(board)]
    assert {(one["uid"], one["type"]) for one in asked} == set(sources.items())
    variables = set(re.findall(r"\$\{(\w+)\}", text))
    guide = GUIDE.read_text("utf-8")
    assert len(variables) == 6
    assert all(f"`{one}`" in guide for one in variables)


def test_the_provider_reads_the_folder_of_the_guide() -> None:
    """Where the guide puts the dashboards is where Grafana looks for them."""
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "scarpwatch.yaml").read_text("utf-8"))["providers"]
    assert provider["options"]["path"] in GUIDE.read_text("utf-8")
