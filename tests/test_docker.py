"""The image: its recipe, and that what it is made of is let through and is enough."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from monitor.config import load

ROOT = Path(__file__).resolve().parent.parent
DOCKER = ROOT / "deploy" / "docker"
RECIPE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def told_by(tool: str, *arguments: str) -> tuple[int, str]:
    """Exit code and words of a tool of the extra `dev`."""
    command = [str(Path(sys.executable).parent / tool), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_hadolint_has_nothing_to_say() -> None:
    """Nor to hint at."""
    assert told_by("hadolint", "--failure-threshold", "style", str(DOCKER / "Dockerfile")) == (0, "")


def test_the_composition_fits_its_schema() -> None:
    """Of the Compose specification."""
    code, words = told_by("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DOCKER / "compose.yaml"))
    assert code == 0, words


def test_the_context_holds_what_is_copied_and_little_else() -> None:
    """Everything is kept out but what the recipe copies, so that no secret of a checkout gets into an image."""
    first, *lines = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    let_through = {line.removeprefix("!") for line in lines if line.startswith("!")}
    sources = [one.split() for one in re.findall(r"^COPY (?!--from)(.+)$", RECIPE, re.MULTILINE)]
    copied = {source for words in sources for source in words[:-1]}
    assert first == "*"
    assert let_through == copied
    assert all((ROOT / one).exists() for one in copied)


def test_what_is_copied_is_enough_to_install() -> None:
    """Packages, shipped folders, readme and licence of the distribution."""
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {"pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    wanted |= {*wheel["packages"], *wheel["force-include"]}
    copied = {word for line in re.findall(r"^COPY (?!--from)(.+)$", RECIPE, re.MULTILINE) for word in line.split()}
    assert wanted <= copied


def test_both_images_end_as_nobody_special() -> None:
    """By number, as in the manifests; the one that is built when none is named is that of the CPU."""
    stages = RECIPE.split("\nFROM ")[1:]
    names = [stage.split("\n", 1)[0].rpartition(" AS ")[2] for stage in stages]
    assert names[-1] == "cpu"
    users = dict(zip(names, (re.findall(r"^USER (.+)$", stage, re.MULTILINE) for stage in stages), strict=True))
    assert (users["base"], users["cuda"], users["cpu"]) == (["10001:10001"], ["0", "10001:10001"], [])
    assert not any("apt-get install" in stage and "build-essential" in stage for stage in stages)


def test_every_container_of_the_composition_is_shut() -> None:
    """As in Kubernetes; its version is that of the project, and the shipped configuration fits."""
    services = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = [one for one in services.values() if one["image"].startswith("scarpwatch")]
    assert len(ours) == 2
    for one in ours:
        assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
        assert one["image"] == f"scarpwatch:{PROJECT['project']['version']}"
        assert one["build"]["args"]["VERSION"] == PROJECT["project"]["version"]
    port = load(ROOT / "config.yaml").serve.port
    assert services["watch"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"EXPOSE {port}" in RECIPE
