"""The rules: what promtool says of them, that they name what there is, and that each of them was fired."""

import re
import subprocess
from copy import deepcopy
from functools import cache
from pathlib import Path

import promql_parser as promql
import pytest
import yaml

from monitor import daemon
from monitor.config import load
from tests.deploy.alarms import (
    FOLDER,
    OF_TARGETS,
    ROOT,
    RULES,
    UNIT_TESTS,
    Rule,
    alerts,
    documented,
    ran,
    read,
    rules,
    selectors,
    tool,
)

BASE = "https://example.org/scarpwatch/docs/runbook.md#"
_KEEPS_LABELS = ("and", "unless", "+", "-", "*", "/", ">", "<", ">=", "<=", "==", "!=")


@cache
def series() -> dict[str, frozenset[str]]:
    """Labels of every series that rules may name: what is scraped, and what they record."""
    recorded = {one.name: labels_of(one.tree, documented()) for one in rules() if not one.is_alert}
    return documented() | recorded


def labels_of(tree: promql.Expr, known: dict[str, frozenset[str]]) -> frozenset[str]:
    """Labels that every result of an expression has."""
    match tree:
        case promql.VectorSelector():
            return known[str(tree.name)]
        case promql.MatrixSelector():
            return labels_of(tree.vector_selector, known)
        case promql.AggregateExpr():
            return frozenset(tree.modifier.labels) if tree.modifier else frozenset()
        case promql.Call():
            of_arguments = [labels_of(one, known) for one in tree.args]
            return frozenset().union(*of_arguments) if str(tree.func.name) != "absent" else frozenset()
        case promql.ParenExpr() | promql.UnaryExpr():
            return labels_of(tree.expr, known)
        case promql.BinaryExpr():
            sides = [labels_of(one, known) for one in (tree.lhs, tree.rhs) if not is_number(one)]
            if str(tree.op) == "or":
                return sides[0] & sides[1]
            assert str(tree.op) in _KEEPS_LABELS, tree.op
            return sides[0] if sides else frozenset()
        case _:
            return frozenset()


def is_number(tree: promql.Expr) -> bool:
    """Whether an expression has no series in it."""
    return not list(selectors(tree))


def aggregates(tree: promql.Expr) -> list[promql.AggregateExpr]:
    """Every sum, max and the like of an expression."""
    found: list[promql.Expr] = []
    promql.walk(tree, pre_visit=found.append)
    return [one for one in found if isinstance(one, promql.AggregateExpr)]


def test_promtool_takes_all_of_it() -> None:
    """The rules, and the example with them."""
    promtool = tool("promtool", "prometheus")
    assert ran(promtool, "check", "config", FOLDER / "prometheus.yml").count("SUCCESS") == 2 + len(RULES)
    assert ran(promtool, "check", "rules", *RULES).count("SUCCESS") == len(RULES) == 5


def test_the_lines_of_the_guide_install_what_is_found(tmp_path: Path) -> None:
    """A folder of their own in place of /etc/prometheus: the configuration finds every rule file beside it."""
    for program, package in (("promtool", "prometheus"), ("amtool", "prometheus-alertmanager")):
        tool(program, package)
    guide = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    lines = guide.partition("\n## Alarms\n")[2].split("```")[1].strip().splitlines()
    # The unit tests of the rules have a test of their own, and take their time.
    quick = [one.replace("/etc/prometheus", str(tmp_path)) for one in lines if "promtool test rules" not in one]
    ended = subprocess.run(["bash", "-ec", "\n".join(quick)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert f"{len(RULES)} rule files found" in ended.stdout
    assert {one.name for one in tmp_path.iterdir()} == {"rules", "prometheus.yml", "alertmanager.yml"}


def test_promtool_takes_the_example_of_kubernetes(tmp_path: Path) -> None:
    """Debian's promtool knows no Kubernetes: what finds the pods is left out, and what is made of them is checked."""
    promtool = tool("promtool", "prometheus")
    config = deepcopy(read(FOLDER / "prometheus-kubernetes.yml"))
    (job,) = config["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod", "namespaces": {"names": ["scarpwatch"]}}]
    (kept,) = [one for one in job["relabel_configs"] if len(one["source_labels"]) > 1]
    watch = next(yaml.safe_load_all((ROOT / "deploy/k8s/base/watch.yaml").read_text(encoding="utf-8")))
    labels = watch["spec"]["template"]["metadata"]["labels"]
    prefix = "__meta_kubernetes_pod_label_"
    asked = [one.removeprefix(prefix).replace("_kubernetes_io_", ".kubernetes.io/") for one in kept["source_labels"]]
    assert ";".join(labels[one] for one in asked) == kept["regex"]
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    ran(promtool, "check", "config", "--syntax-only", path)


def test_the_unit_tests_pass() -> None:
    """`promtool test rules`, as people run it."""
    assert ran(tool("promtool", "prometheus"), "test", "rules", *UNIT_TESTS).count("SUCCESS") == len(UNIT_TESTS)


@pytest.mark.parametrize("rule", rules(), ids=lambda one: one.name)
def test_it_names_what_there_is(rule: Rule) -> None:
    """Series and labels of docs/metrics.md, where a label `job` of ours is `exported_job`; values that people know."""
    told = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("metrics.md", "operate.md")]
    words = set(re.findall(r"[\w-]+", " ".join(told)))
    for one in selectors(rule.tree):
        labels = series()[str(one.name)]
        for matcher in one.matchers.matchers:
            assert matcher.name in labels, (one.name, matcher.name)
            if matcher.name not in {"job", "exported_job"}:
                assert set(matcher.value.split("|")) <= words, matcher.value
    for group in aggregates(rule.tree):
        assert group.modifier is not None
        assert set(group.modifier.labels) <= labels_of(group.expr, series()), group


def test_the_jobs_that_are_watched_are_jobs() -> None:
    """The label has no list of its own in the document."""
    named = {
        matcher.value for one in selectors(alerts()["ScarpwatchJobStuck"].tree) for matcher in one.matchers.matchers
    }
    assert named == {f"{daemon._PROCESS}|{daemon._DELIVERY}-.+|{daemon._MEASURE}"}


@pytest.mark.parametrize("rule", alerts().values(), ids=lambda one: one.name)
def test_it_tells_people_enough(rule: Rule) -> None:
    """How grave it is, what is wrong where, and where to read on; each label that it tells is one that it has."""
    assert set(rule.labels) == {"severity"}
    assert rule.labels["severity"] in ({"none"} if rule.name == "Watchdog" else {"critical", "warning"})
    assert set(rule.annotations) == {"summary", "description", "runbook_url"}
    assert rule.annotations["runbook_url"] == BASE + rule.name.lower()
    told = " ".join(rule.annotations.values())
    always = set(re.findall(r"\$labels\.(\w+)", told)) - set(re.findall(r"\{\{ with \$labels\.(\w+)", told))
    assert always <= labels_of(rule.tree, series())


def fired() -> set[str]:
    """Alerts that a unit test expects to fire."""
    found: set[str] = set()
    for path in UNIT_TESTS:
        for test in read(path)["tests"]:
            for one in test.get("promql_expr_test", []):
                for sample in one["exp_samples"]:
                    found.update(re.findall(r'alertname="(\w+)"', f"{one['expr']} {sample['labels']}"))
            found.update(one["alertname"] for one in test.get("alert_rule_test", []) if one["exp_alerts"])
    return found


def test_every_alert_was_fired() -> None:
    """A rule that never fired may be one that cannot."""
    assert fired() == set(alerts())


def test_a_healthy_watch_has_every_series_that_an_alert_looks_at() -> None:
    """Else its silence would say nothing."""
    (test,) = read(FOLDER / "tests" / "healthy.yml")["tests"]
    shown = {re.match(r"\w+", one["series"])[0] for one in test["input_series"]}  # type: ignore[index]
    named = {str(one.name) for rule in rules() for one in selectors(rule.tree) if ":" not in str(one.name)}
    assert named == shown


def test_what_is_recorded_is_used_and_named_after_its_labels() -> None:
    """level:metric:operation, by the custom of Prometheus (https://prometheus.io/docs/practices/rules/)."""
    used = {str(one.name) for rule in alerts().values() for one in selectors(rule.tree)}
    for one in rules():
        if not one.is_alert:
            level, metric, _ = one.name.split(":")
            assert metric in documented()
            assert "_".join(aggregates(one.tree)[0].modifier.labels) == level  # type: ignore[union-attr]
            assert one.name in used


def test_no_alarm_waits_so_long_that_restarts_would_keep_it_asleep() -> None:
    """`for` begins anew at every gap, and a service may be restarted every night."""
    for path in RULES:
        for group in read(path)["groups"]:
            for one in group["rules"]:
                assert promql.parse_duration(one.get("for", "1s")).total_seconds() <= 3 * 3600, one


def test_the_example_scrapes_what_the_service_serves() -> None:
    """Its port, by jobs of the names that the rules know, with our own label `job` moved aside."""
    config = read(FOLDER / "prometheus.yml")
    port = load(ROOT / "config.yaml").serve.port
    (job,) = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]
    assert "honor_labels" not in job
    names = {
        matcher.value
        for rule in rules()
        for one in selectors(rule.tree)
        for matcher in one.matchers.matchers
        if matcher.name == "job"
    }
    assert names == {"scarpwatch.*"}
    jobs = config["scrape_configs"] + read(FOLDER / "prometheus-kubernetes.yml")["scrape_configs"]
    assert all(one["job_name"].startswith("scarpwatch") for one in jobs)
    assert frozenset({"job", "instance"}) == OF_TARGETS
