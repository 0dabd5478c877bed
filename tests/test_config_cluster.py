"""The group `dask`: what is read, what is refused, and what is lacking on this machine."""

from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cli.surroundings import missing
from monitor.config import SettingsError, load

FILES = "tls: {ca_file: certs/ca.pem, cert_file: certs/cert.pem, key_file: certs/key.pem}"


def write(folder: Path, text: str) -> Path:
    """A configuration file in a folder."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_left_out(tmp_path: Path) -> None:
    """By default this process looks."""
    settings = load(write(tmp_path, "regions: {}\n"))
    assert (settings.executor, settings.dask) == ("local", None)


def test_everything_given(tmp_path: Path) -> None:
    """Every setting arrives, and paths start at the folder of the file."""
    text = (
        "executor: dask\ndask: {address: 'tls://cluster.example:8786', resources: {GPU: 1}, retries: 4, "
        f"wait_minutes: 2, timeout_minutes: 90, {FILES}}}\n"
    )
    group = load(write(tmp_path, text)).dask
    assert group is not None
    cluster = group.cluster()
    assert (cluster.address, cluster.resources, cluster.retries) == ("tls://cluster.example:8786", {"GPU": 1.0}, 4)
    assert (cluster.wait, cluster.timeout) == (timedelta(minutes=2), timedelta(minutes=90))
    assert cluster.tls is not None
    assert [cluster.tls.ca, cluster.tls.cert, cluster.tls.key] == [
        tmp_path / "certs" / f"{name}.pem" for name in ("ca", "cert", "key")
    ]


@pytest.mark.parametrize(
    ("given", "engine"),
    [
        ("", "cpu"),
        ("resources: {GPU: 1}", "cuda"),
        ("resources: {big: 1}", "cpu"),
        ("resources: {GPU: 1}, engine: openvino", "openvino"),
        ("engine: cuda", "cuda"),
    ],
)
def test_engine(tmp_path: Path, given: str, engine: str) -> None:
    """A GPU that is asked for is used."""
    group = load(write(tmp_path, f"dask: {{address: 'tcp://one:8786', {given}}}\n")).dask
    assert group is not None
    assert group.worker_engine == engine


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("executor: dask\n", "dask"),
        ("executor: slurm\n", "executor"),
        ("dask: {address: one}\n", "dask.address"),
        ("dask: {address: 'tcp://user:word@one:8786'}\n", "dask.address"),
        ("dask: {address: 'tls://one:8786'}\n", "dask"),
        (f"dask: {{address: 'tcp://one:8786', {FILES}}}\n", "dask"),
        ("dask: {address: 'tls://one:8786', tls: {ca_file: ca.pem}}\n", "dask.tls.cert_file"),
        ("dask: {address: 'tcp://one:8786', resources: {GPU: 0}}\n", "dask.resources.GPU"),
        ("dask: {address: 'tcp://one:8786', adress: x}\n", "dask.adress"),
    ],
)
def test_refused(tmp_path: Path, text: str, place: str) -> None:
    """Every mistake has its place."""
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, text))
    assert place in [one.place for one in caught.value.mistakes]


def test_certificates_that_are_not_there(tmp_path: Path) -> None:
    """`config check` names every file that cannot be read."""
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "ca.pem").touch()
    settings = load(write(tmp_path, f"executor: dask\ndask: {{address: 'tls://one:8786', {FILES}}}\n"))
    lacking = [one.place for one in missing(settings) if one.place.startswith(("dask", "executor"))]
    assert lacking == ["dask.tls.cert_file", "dask.tls.key_file"]
