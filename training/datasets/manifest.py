"""What a data set was made of, in one JSON file that can be checked: names, counts and the SHA-256 of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.files import write_atomic
from monitor.errors import BadAsset, InputFault
from training.samples import LANDSLIDE, STABLE, UNLABELLED, Samples

MANIFEST_FILE: Final = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCounts:
    """Pixels by label."""

    unlabelled: int
    stable: int
    landslide: int

    def __add__(self, other: LabelCounts) -> LabelCounts:
        """The sum of two counts."""
        return LabelCounts(
            unlabelled=self.unlabelled + other.unlabelled,
            stable=self.stable + other.stable,
            landslide=self.landslide + other.landslide,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One data set."""

    name: str
    source: str
    """Where it comes from, for people: a reference, an address, how it was cut."""
    licence: str
    bands: tuple[str, ...]
    chips: int
    labels: LabelCounts
    files: Mapping[str, str]
    """SHA-256 of every file, by path relative to the folder of the set."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Places that gave no chip, with the reason (sets cut from a catalog)."""
    simulated: bool = False
    """Whether any of its ground is made up; manifests that do not say so describe real ground."""

    made_of: Mapping[str, Any] = field(default_factory=dict)
    """What simulated ground was made from: version, seeds, story."""

    @property
    def digest(self) -> str:
        """SHA-256 over names and hashes of all files, in the order of names: one word for the whole set."""
        lines = "".join(f"{self.files[name]}  {name}\n" for name in sorted(self.files))
        return hashlib.sha256(lines.encode()).hexdigest()


class Fault(StrEnum):
    """What is wrong with a file of a set."""

    MISSING = "missing"
    CHANGED = "changed"


def manifest_of(samples: Samples, folder: Path, files: Iterable[Path], *, source: str, licence: str) -> Manifest:
    """Describe a set that was read from `files`, which lie in `folder`."""
    return Manifest(
        name=samples.name,
        source=source,
        licence=licence,
        bands=samples.bands,
        chips=len(samples),
        labels=label_counts(samples.labels),
        files=hashes(folder, files),
    )


def label_counts(labels: NDArray[np.int8]) -> LabelCounts:
    """Count labels of any shape."""
    return LabelCounts(
        unlabelled=int(np.count_nonzero(labels == UNLABELLED)),
        stable=int(np.count_nonzero(labels == STABLE)),
        landslide=int(np.count_nonzero(labels == LANDSLIDE)),
    )


def hashes(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """SHA-256 by path relative to `folder`, with forward slashes on every system."""
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(files)}


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(manifest: Manifest, folder: Path) -> dict[str, Fault]:
    """Files of the set that are missing or changed in `folder`, by name; empty when all is as it was."""
    faults: dict[str, Fault] = {}
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            faults[name] = Fault.MISSING
        elif sha256_of(path) != expected:
            faults[name] = Fault.CHANGED
    return faults


def require_unchanged(manifest: Manifest, folder: Path) -> None:
    """Raise InputFault naming the first files that are not as the manifest says."""
    faults = verify(manifest, folder)
    if faults:
        named = ", ".join(f"{name} {fault}" for name, fault in list(faults.items())[:5])
        raise InputFault(
            f"{len(faults)} of {len(manifest.files)} files of {manifest.name} are not as described: {named}",
            item=str(folder),
            remedy="Fetch the data set again, or write a new manifest and state that the data changed.",
            reason="data-changed",
        )


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest atomically, with its digest beside its fields.

    Raises:
        DiskFull
    """
    content = {**asdict(manifest), "digest": manifest.digest}
    write_atomic(path, (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        BadAsset: it is missing, no manifest, or its digest is not that of its files.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        digest = content.pop("digest")
        labels, bands = LabelCounts(**content.pop("labels")), tuple(content.pop("bands"))
        manifest = Manifest(labels=labels, bands=bands, **content)
        if manifest.digest != digest:
            raise ValueError("its digest is not that of its files")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise BadAsset(f"it is no manifest ({err})", item=str(path), remedy="Write it again.") from err
    return manifest
