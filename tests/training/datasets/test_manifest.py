"""What a set was made of."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.errors import BadAsset, InputFault
from training.datasets.manifest import (
    Fault,
    Manifest,
    manifest_of,
    read_manifest,
    require_unchanged,
    sha256_of,
    verify,
    write_manifest,
)
from training.samples import Samples


@pytest.fixture
def described(tmp_path: Path) -> tuple[Manifest, Path]:
    """A set of two files in a folder, and its manifest."""
    (tmp_path / "b").mkdir()
    for name in ("a.tif", "b/c.tif"):
        (tmp_path / name).write_text(name)
    samples = Samples(
        name="two",
        bands=("B04",),
        ids=np.array([1, 2]),
        pixels=np.zeros((2, 1, 2, 2), np.float32),
        labels=np.array([[[-1, 0], [0, 0]], [[0, 1], [1, -1]]], np.int8),
        groups=np.array(["x", "y"]),
        touching=np.zeros((0, 2), np.int64),
    )
    files = [tmp_path / "b" / "c.tif", tmp_path / "a.tif"]
    return manifest_of(samples, tmp_path, files, source="drawn", licence="CC0-1.0"), tmp_path


def test_a_manifest_says_what_is_there(described: tuple[Manifest, Path]) -> None:
    """Counts, hashes by relative name, and a digest like that of sha256sum's list."""
    manifest, _ = described
    assert (manifest.chips, manifest.bands) == (2, ("B04",))
    assert (manifest.labels.unlabelled, manifest.labels.stable, manifest.labels.landslide) == (2, 4, 2)
    expected = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a.tif", "b/c.tif")}
    assert manifest.files == expected
    listed = "".join(f"{digest}  {name}\n" for name, digest in expected.items())
    assert manifest.digest == hashlib.sha256(listed.encode()).hexdigest()


def test_a_manifest_comes_back_as_written(described: tuple[Manifest, Path]) -> None:
    """Through JSON that holds its digest too."""
    manifest, folder = described
    write_manifest(manifest, folder / "manifest.json")
    assert read_manifest(folder / "manifest.json") == manifest
    assert json.loads((folder / "manifest.json").read_text())["digest"] == manifest.digest


def test_the_changed_and_the_missing_file_are_named(described: tuple[Manifest, Path]) -> None:
    """Nothing is wrong at first."""
    manifest, folder = described
    assert verify(manifest, folder) == {}
    require_unchanged(manifest, folder)
    (folder / "a.tif").write_text("another")
    (folder / "b" / "c.tif").unlink()
    assert verify(manifest, folder) == {"a.tif": Fault.CHANGED, "b/c.tif": Fault.MISSING}
    with pytest.raises(InputFault, match=r"a\.tif changed, b/c\.tif missing"):
        require_unchanged(manifest, folder)


def test_a_manifest_says_whether_its_ground_is_made_up(described: tuple[Manifest, Path]) -> None:
    """Kept through JSON; a manifest from before there was the word describes real ground."""
    manifest, folder = described
    path = folder / "manifest.json"
    write_manifest(replace(manifest, simulated=True), path)
    assert read_manifest(path).simulated
    old = json.loads(path.read_text())
    del old["simulated"]
    path.write_text(json.dumps(old))
    assert not read_manifest(path).simulated


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"digest": "0", "files": {}}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    """The message names the file."""
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BadAsset, match=r"manifest\.json: it is no manifest"):
        read_manifest(tmp_path / "manifest.json")


def test_an_edited_manifest_is_refused(described: tuple[Manifest, Path]) -> None:
    """Its digest betrays that a hash was changed by hand."""
    manifest, folder = described
    path = folder / "manifest.json"
    write_manifest(manifest, path)
    path.write_text(path.read_text().replace(sha256_of(folder / "a.tif"), "0" * 64))
    with pytest.raises(BadAsset, match="digest"):
        read_manifest(path)
