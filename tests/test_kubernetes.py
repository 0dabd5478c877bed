"""The manifests: kubectl builds every overlay, which fits the schemas of Kubernetes and keeps rules of this house."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from sqlalchemy import make_url
from typer.main import get_command

from monitor.cli.app import make_app
from monitor.config import load, unknown_variables
from monitor.config.environment import PREFIX

ROOT = Path(__file__).resolve().parent.parent
OVERLAYS = sorted(path.name for path in (ROOT / "deploy/k8s/overlays").iterdir())
VERSIONS = ("1.29", kubernetes_validate.latest_version())
"""Of Kubernetes: the oldest that the guide names, and the newest that is known."""
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
WATCH, JOBS = "Deployment/scarpwatch", ("Job", "CronJob")

Manifest = dict[str, Any]


def kustomize(folder: Path) -> list[Manifest]:
    """What `kubectl apply -k` would apply."""
    kubectl = shutil.which("kubectl", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert kubectl is not None, "kubectl comes with the extra `dev`"
    built = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    return [one for one in yaml.safe_load_all(built.stdout) if one]


@cache
def manifests(overlay: str) -> list[Manifest]:
    """All of one overlay."""
    return kustomize(ROOT / "deploy/k8s/overlays" / overlay)


def name(manifest: Manifest) -> str:
    """Kind and name."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def pod_of(manifest: Manifest) -> Manifest | None:
    """The template of its pods; None: it makes none."""
    found: Manifest | None = manifest.get("spec", {}).get("jobTemplate", manifest).get("spec", {}).get("template")
    return found


def pods(overlay: str) -> Iterator[tuple[Manifest, Manifest]]:
    """Whatever makes pods, with their template."""
    for one in manifests(overlay):
        pod = pod_of(one)
        if pod is not None:
            yield one, pod


def test_the_overlays_that_there_are() -> None:
    """So that none is left out below."""
    assert OVERLAYS == ["dask", "gpu", "postgresql", "sqlite"]


def test_every_manifest_fits_the_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strictly: a key that is not known is a mistake. What several overlays share is looked at once."""
    # Every schema of a version leans on one large file, which is read anew for each manifest.
    monkeypatch.setattr(kubernetes_validate.utils, "schema_contents", cache(kubernetes_validate.utils.schema_contents))
    distinct = {repr(one): one for overlay in OVERLAYS for one in manifests(overlay)}
    for manifest in distinct.values():
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelt_key_would_be_seen() -> None:
    """The check above has teeth."""
    watch = next(one for one, _ in pods("sqlite") if name(one) == WATCH)
    spec = {**watch["spec"], "replica": 1}
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate({**watch, "spec": spec}, VERSIONS[-1], strict=True)


def unprivileged(_owner: Manifest, pod: Manifest) -> bool:
    """The restricted profile of pod security, of the pod and each of its containers."""
    of_pod = pod["spec"]["securityContext"]
    return (
        of_pod["runAsNonRoot"] is True
        and of_pod["runAsUser"] == of_pod["runAsGroup"] == 10001
        and of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
        and not {"hostNetwork", "hostPID", "hostIPC"} & pod["spec"].keys()
        and all(
            one["securityContext"]
            == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
            for one in pod["spec"]["containers"]
        )
    )


def without_the_cluster(_owner: Manifest, pod: Manifest) -> bool:
    """No token of the cluster, and none of the variables it makes of Services (they would be settings)."""
    spec = pod["spec"]
    return spec["automountServiceAccountToken"] is False and spec["enableServiceLinks"] is False


def limited(_owner: Manifest, pod: Manifest) -> bool:
    """What it asks for and what it may take are written down; /tmp is memory or disk of the node, and has an end."""
    scratch = [one["emptyDir"] for one in pod["spec"]["volumes"] if "emptyDir" in one]
    return all("sizeLimit" in one for one in scratch) and all(
        {"cpu", "memory"} <= one["resources"][kind].keys()
        for one in pod["spec"]["containers"]
        for kind in ("requests", "limits")
    )


def of_a_release(_owner: Manifest, pod: Manifest) -> bool:
    """No image that is another one tomorrow."""
    return all(one["image"].partition(":")[2] == VERSION for one in pod["spec"]["containers"])


def probed(owner: Manifest, pod: Manifest) -> bool:
    """Whoever does not end by itself is asked whether it lives."""
    probes = {"startupProbe", "livenessProbe", "readinessProbe"}
    return owner["kind"] in JOBS or all(probes <= one.keys() for one in pod["spec"]["containers"])


def secrets_in_files(_owner: Manifest, pod: Manifest) -> bool:
    """Not in variables, which children inherit and crash reports hold; of files only the group may read."""
    volumes = [one["secret"] for one in pod["spec"]["volumes"] if "secret" in one]
    variables = [entry for one in pod["spec"]["containers"] for entry in one.get("env", [])]
    return all(one["defaultMode"] == 0o440 for one in volumes) and not any(
        "secretKeyRef" in entry.get("valueFrom", {}) or "@" in entry.get("value", "") for entry in variables
    )


def every_mount_has_its_volume(_owner: Manifest, pod: Manifest) -> bool:
    """And /tmp can be written, since nothing else can."""
    volumes = {one["name"] for one in pod["spec"]["volumes"]}
    mounts = [one["volumeMounts"] for one in pod["spec"]["containers"]]
    return all(
        {mount["name"] for mount in of_one} <= volumes and "/tmp" in {mount["mountPath"] for mount in of_one}
        for of_one in mounts
    )


@pytest.mark.parametrize(
    "rule",
    [
        unprivileged,
        without_the_cluster,
        limited,
        of_a_release,
        probed,
        secrets_in_files,
        every_mount_has_its_volume,
    ],
    ids=lambda rule: rule.__name__,
)
def test_every_pod_keeps_the_rule(rule: Callable[[Manifest, Manifest], bool]) -> None:
    """Of every overlay."""
    kept = {(overlay, name(owner)): rule(owner, pod) for overlay in OVERLAYS for owner, pod in pods(overlay)}
    assert len(kept) >= 3 * len(OVERLAYS)
    assert [one for one, passed in kept.items() if not passed] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_whole(overlay: str) -> None:
    """Every disk, account and selector leads to something that is there; nothing is applied that holds a secret."""
    there = {name(one) for one in manifests(overlay)}
    assert {"ServiceAccount/scarpwatch", "PodDisruptionBudget/scarpwatch", "NetworkPolicy/scarpwatch-nothing"} <= there
    assert not any(one.startswith("Secret/") for one in there)
    labels = [pod["metadata"]["labels"].items() for _, pod in pods(overlay)]
    for owner, pod in pods(overlay):
        assert f"ServiceAccount/{pod['spec']['serviceAccountName']}" in there
        for volume in pod["spec"]["volumes"]:
            if "configMap" in volume:
                assert f"ConfigMap/{volume['configMap']['name']}" in there, name(owner)
            if "persistentVolumeClaim" in volume:
                assert f"PersistentVolumeClaim/{volume['persistentVolumeClaim']['claimName']}" in there, name(owner)
    for one in manifests(overlay):
        assert one["kind"] == "Namespace" or one["metadata"]["namespace"] == "scarpwatch"
        selector = one.get("spec", {}).get("podSelector", one.get("spec", {}).get("selector", {}))
        wanted = selector.get("matchLabels", selector if one["kind"] == "Service" else {})
        assert any(wanted.items() <= of_pod for of_pod in labels), name(one)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_gets_settings_that_hold(overlay: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its configuration passes with its variables and secrets, and its files lie on a disk that it may write."""
    for variable in [one for one in os.environ if one.startswith(PREFIX)]:
        monkeypatch.delenv(variable)
    (text,) = (one["data"]["config.yaml"] for one in manifests(overlay) if one["kind"] == "ConfigMap")
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    for owner, container, pod in ours(overlay):
        with monkeypatch.context() as patch:
            for variable in container["env"]:
                patch.setenv(variable["name"], variable.get("value", container["resources"]["limits"]["cpu"]))
            patch.setenv("SCARPWATCH_SECRETS_DIR", str(secrets(tmp_path / owner["metadata"]["name"], pod)))
            settings = load(tmp_path / "config.yaml")
            assert unknown_variables(os.environ) == []
        url = settings.database_url
        assert url.get_backend_name() == ("postgresql" if overlay == "postgresql" else "sqlite"), name(owner)
        files = [settings.products] if owner["kind"] != "Job" else []  # an upgrade writes no products
        files += [Path(str(url.database))] if url.get_backend_name() == "sqlite" else []
        disks = [one["mountPath"] for one in container["volumeMounts"] if one["name"] == "state"]
        assert all(any(file.is_relative_to(disk) for disk in disks) for file in files), name(owner)
        if name(owner) == WATCH:
            assert container["ports"][0]["containerPort"] == settings.serve.port
            assert settings.engine == ("cuda" if overlay == "gpu" else "cpu")
            assert settings.threads == int(container["resources"]["limits"]["cpu"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_command_is_one(overlay: str) -> None:
    """With the options that it has."""
    for owner, container, _ in ours(overlay):
        command: Any = get_command(make_app())
        words = list(container["args"])
        while hasattr(command, "commands"):
            word = words.pop(0)
            assert word in command.commands, name(owner)
            command = command.commands[word]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, name(owner)


def ours(overlay: str) -> Iterator[tuple[Manifest, Manifest, Manifest]]:
    """Whatever runs `scarpwatch`: its maker, its container and its pod."""
    for owner, pod in pods(overlay):
        (container,) = pod["spec"]["containers"]
        if "command" not in container:
            yield owner, container, pod


def secrets(folder: Path, pod: Manifest) -> Path:
    """The Secret of a pod, as the example has it; one that it can do without is not there."""
    path = ROOT / "deploy/k8s/overlays/postgresql/secret.example.yaml"
    examples = {one["metadata"]["name"]: one for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))}
    folder.mkdir()
    for volume in pod["spec"]["volumes"]:
        secret = volume.get("secret", {"optional": True})
        if not secret.get("optional"):
            for key, value in examples[secret["secretName"]]["stringData"].items():
                (folder / key).write_text(value, encoding="utf-8")
    return folder


def test_roles_are_those_that_the_guide_makes() -> None:
    """Secrets of Kubernetes and the composition name the database and roles that the SQL of the guide makes."""
    guide = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
    roles, databases = (set(re.findall(rf"^CREATE {what} (\w+)", guide, re.MULTILINE)) for what in ("ROLE", "DATABASE"))
    assert databases == {"watch"}
    path = ROOT / "deploy/k8s/overlays/postgresql/secret.example.yaml"
    of_secrets = {
        one["metadata"]["name"]: make_url(one["stringData"]["database"])
        for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    }
    assert {one: url.username for one, url in of_secrets.items()} == {
        "scarpwatch": "watch",
        "scarpwatch-owner": "watch_owner",
    }
    composed = (ROOT / "deploy/docker/compose.yaml").read_text(encoding="utf-8")
    (of_head,) = map(make_url, re.findall(r"postgresql://\S+", composed.replace("<the same password>", "x")))
    for url in (*of_secrets.values(), of_head):
        assert (url.username in roles, url.database in databases) == (True, True), url
    database = yaml.safe_load(composed)["services"]["database"]
    assert database["environment"]["POSTGRES_USER"] == of_head.username == database["healthcheck"]["test"][-1]


def test_an_overlay_of_your_own(tmp_path: Path) -> None:
    """As the guide shows it: your configuration and your registry in place of the shipped ones."""
    guide = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
    start = guide.index("# kustomization.yaml\n")
    own = guide[start : guide.index("```", start)]
    # kubectl wants a relative path: the folder beside the checkout's own.
    base = os.path.relpath(ROOT / "deploy/k8s/overlays/sqlite", tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(own.replace("scarpwatch/deploy/k8s/overlays/sqlite", base))
    (tmp_path / "config.yaml").write_text("regions: {}\n")
    found = kustomize(tmp_path)
    watch = next(pod for one in found if name(one) == WATCH and (pod := pod_of(one)))
    assert watch["spec"]["containers"][0]["image"] == f"registry.example.org/scarpwatch:{VERSION}"
    (config,) = (one for one in found if one["kind"] == "ConfigMap")
    assert config["data"] == {"config.yaml": "regions: {}\n"}
    assert watch["spec"]["volumes"][0]["configMap"]["name"] == config["metadata"]["name"]
