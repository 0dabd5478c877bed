"""On what a figure was measured, and what a process used."""

import os
import platform
import resource
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("numpy", "onnxruntime", "rasterio", "scipy", "shapely")


def describe() -> str:
    """Processor, cores, memory, versions, and the load before the run, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}, {versions}; "
        f"load before the run {os.getloadavg()[0]:.1f}"
    )


def cpu_seconds() -> float:
    """CPU time of this process so far: all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_memory_mib() -> float:
    """Largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if platform.system() == "Linux" else peak / 2**20


def _processor() -> str:
    """The model name as the kernel gives it; the architecture elsewhere."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        facts = dict(line.split(":", 1) for line in cpuinfo.read_text(encoding="utf-8").splitlines() if ":" in line)
        named = {name.strip(): value.strip() for name, value in facts.items()}
        family = f"family {named.get('cpu family', '?')} model {named.get('model', '?')}"
        return f"{named.get('model name', platform.machine())} ({family})"
    return platform.processor() or platform.machine()
