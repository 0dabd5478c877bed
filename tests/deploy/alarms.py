"""The files of deploy/prometheus, as Prometheus and its parser read them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy" / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
UNIT_TESTS = sorted((FOLDER / "tests").glob("*.yml"))
OF_TARGETS = frozenset({"job", "instance"})
"""Labels that Prometheus gives every series of a target; our own of these names become `exported_…`."""
_ROW = re.compile(r"^\| `(scarpwatch_\w+)` \| (\w+) \|([\w, ]*)\|", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule:
    """One rule: an alert, or a recorded series."""

    name: str
    expr: str
    is_alert: bool
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def tree(self) -> promql.Expr:
        """What the expression is made of."""
        return promql.parse(self.expr)


@cache
def read(path: Path) -> Any:
    """A YAML file, which nobody changes."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule of every file."""
    return tuple(
        Rule(
            name=one.get("alert", one.get("record")),
            expr=one["expr"],
            is_alert="alert" in one,
            labels=one.get("labels", {}),
            annotations=one.get("annotations", {}),
        )
        for path in RULES
        for group in read(path)["groups"]
        for one in group["rules"]
    )


@cache
def alerts() -> dict[str, Rule]:
    """The alerts by name."""
    return {one.name: one for one in rules() if one.is_alert}


def parts(tree: promql.Expr) -> Iterator[promql.Expr]:
    """An expression and all that is in it."""
    found: list[promql.Expr] = []
    promql.walk(tree, pre_visit=found.append)
    return iter(found)


def selectors(tree: promql.Expr) -> Iterator[promql.VectorSelector]:
    """Every place where an expression names a series."""
    for one in parts(tree):
        if isinstance(one, promql.VectorSelector):
            yield one


@cache
def documented() -> dict[str, frozenset[str]]:
    """Labels of the metrics of docs/metrics.md, as a scrape shows them, and of what the client library gives."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    found: dict[str, frozenset[str]] = {"up": OF_TARGETS, "process_start_time_seconds": OF_TARGETS}
    for name, kind, row in _ROW.findall(text):
        own = {f"exported_{one}" if one in OF_TARGETS else one for one in re.findall(r"\w+", row)}
        for suffix in ("_count", "_sum", "_bucket") if kind == "histogram" else ("",):
            found[name + suffix] = OF_TARGETS | own
    return found


def tool(name: str, package: str) -> str:
    """The path of a program that users have; without it the test is left out, but not in CI."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is required in CI (Debian: {package})")
        pytest.skip(f"{name} is not installed (Debian: {package})")
    return found


def ran(*command: str | Path) -> str:
    """What a program said, which must have ended well."""
    # Memory for time: promtool keeps little, and collects often.
    environ = {**os.environ, "GOGC": "400"}
    words = [str(word) for word in command]
    ended = subprocess.run(words, capture_output=True, text=True, env=environ, cwd=FOLDER, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
