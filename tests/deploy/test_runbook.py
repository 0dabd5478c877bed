"""The runbook: an entry for every alarm, in which every command is one."""

import re
from typing import Any

import click
import pytest
import typer
import yaml

from monitor.cli.app import make_app
from tests.deploy.alarms import FOLDER, ROOT, RULES, alerts, ran, read, tool

TEXT = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"(?ms)^### (\w+)\n(.*?)(?=^##|\Z)", TEXT))
PARTS = ("At stake", "Look", "Do", "Over")
PLACEHOLDERS = {"NUMBER": "1"}
"""What stands for a number; any other word stands for itself."""
COMMANDS = sorted(
    {one.strip() for one in re.findall(r"(?m)(?:^|`|-- )(scarpwatch (?:--)?[a-z][^`#\n]*)", TEXT) if one.strip()}
)


def test_every_alarm_has_its_entry_and_every_entry_its_alarm() -> None:
    """In the order of the files, and with the same gravity."""
    assert set(ENTRIES) == set(alerts())
    for name, entry in ENTRIES.items():
        assert entry.startswith(f"**{alerts()[name].labels['severity']}.** "), name


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_says_what_it_must(name: str) -> None:
    """What is at stake, where to look, what to do, and when it is over; and it leads nowhere that is not."""
    entry = ENTRIES[name]
    for part in PARTS:
        assert f"**{part}:**" in entry or (part in {"Look", "Do"} and "**Look and do:**" in entry), part
    for anchor in re.findall(r"\]\(#([\w-]+)\)", entry):
        assert anchor in {one.lower() for one in ENTRIES}, anchor
    for anchor in re.findall(r"\]\(operate\.md#([\w-]+)\)", entry):
        assert anchor in anchors(GUIDE), anchor


def anchors(text: str) -> set[str]:
    """Where links into a document may lead."""
    heads = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one(line: str) -> None:
    """With arguments and options that it takes, of the kinds that it takes them."""
    command: Any = typer.main.get_command(make_app())
    context = click.Context(command, info_name="scarpwatch")
    words = [PLACEHOLDERS.get(word, word) for word in re.findall(r'"[^"]*"|\S+', line)[1:]]
    while words and getattr(command, "commands", None) and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert command is not context.command, line
    command.make_context(line, words, parent=context)


def test_there_are_commands() -> None:
    """Else the test above would hold of nothing."""
    assert len(COMMANDS) > 25


def test_the_guide_names_the_files() -> None:
    """Of the ConfigMap that it makes every rule file is a part."""
    (made,) = read(FOLDER / "kustomization.yaml")["configMapGenerator"]
    assert made["files"] == [f"rules/{path.name}" for path in RULES]


def test_the_rules_become_one_of_the_operator(tmp_path: Any) -> None:
    """The lines of the guide that wrap a rule file for the Prometheus operator, run as they are."""
    (script,) = re.findall(r"(?s)```sh\n(for file in .*?)\| kubectl [^\n]*\n```", GUIDE)
    wrapped = list(yaml.safe_load_all(ran(tool("bash", "bash"), "-c", f"cd ../.. && {script}")))
    assert [one["metadata"]["name"] for one in wrapped] == [f"scarpwatch-{path.stem}" for path in RULES]
    for one, path in zip(wrapped, RULES, strict=True):
        assert (one["kind"], one["spec"]) == ("PrometheusRule", read(path))
