"""Whether scheduler and workers run what this process runs: other code or other libraries give other results."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from monitor.shipped import installed_version

if TYPE_CHECKING:
    from distributed import Scheduler

_WHOLE = ("dask", "distributed")
"""Their processes speak with each other, and want the very same version."""
_SERIES = ("numpy", "rasterio", "scipy")
"""What pixels and answers come from: another patch of them gives the same numbers."""
_ONNX = ("onnxruntime-gpu", "onnxruntime")
"""Two distributions of one library."""
_OF_SCHEDULER = frozenset({"scarpwatch", "python", *_WHOLE})
"""A scheduler opens orders, and reads and computes nothing."""
_NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """A worker, as the scheduler knows it."""

    threads: int
    resources: Mapping[str, float]
    """All that it has, taken or not."""

    def slots(self, wanted: Mapping[str, float]) -> int:
        """How many blocks it can look at at once."""
        return min([self.threads, *(int(self.resources.get(name, 0.0) // much) for name, much in wanted.items())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """A cluster."""

    versions: Mapping[str, str]
    """Of the scheduler."""
    workers: Mapping[str, WorkerFacts]
    """Those at work, by address."""


def about() -> dict[str, str]:
    """What this process runs, by name; asked of the scheduler and of every worker, so nothing large is imported."""
    return {
        "scarpwatch": installed_version(),
        "python": _series(platform.python_version()),
        **{name: _installed(name) for name in _WHOLE},
        **{name: _series(_installed(name)) for name in _SERIES},
        "onnxruntime": _series(next((found for name in _ONNX if (found := _installed(name)) != _NONE), _NONE)),
    }


def census(dask_scheduler: "Scheduler | None" = None) -> Census:
    """Run on the scheduler, which Dask gives under this name."""
    assert dask_scheduler is not None
    workers = {
        one.address: WorkerFacts(threads=one.nthreads, resources=dict(one.resources))
        for one in dask_scheduler.workers.values()
        if one.status.name == "running"
    }
    versions = {name: found for name, found in about().items() if name in _OF_SCHEDULER}
    return Census(versions=versions, workers=workers)


def differences(theirs: Mapping[str, str] | BaseException, scheduler: bool = False) -> str:
    """What differs from this process, in words; empty where nothing does.

    Args:
        theirs: what `about` said there, or what it failed with.
        scheduler: whether it is one.
    """
    if isinstance(theirs, BaseException):
        return f"it cannot say what it runs ({type(theirs).__name__}: {theirs})"
    ours = {name: found for name, found in about().items() if not scheduler or name in _OF_SCHEDULER}
    return ", ".join(
        f"{name} {theirs.get(name, _NONE)} instead of {ours.get(name, _NONE)}"
        for name in sorted(ours.keys() | theirs.keys())
        if theirs.get(name) != ours.get(name)
    )


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _NONE


def _series(whole: str) -> str:
    """1.20 of 1.20.3."""
    return ".".join(whole.split(".")[:2])
